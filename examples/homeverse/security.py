"""Who asks: passwords, tokens and roles."""

from __future__ import annotations

import base64
import binascii
import contextlib
import dataclasses
import hashlib
import hmac
import json
import os
import pathlib
import secrets
import time
from collections.abc import Callable
from typing import Annotated

import fastapi
from fastapi import security

from examples.homeverse import database

ITERATIONS = int(os.environ.get("HOMEVERSE_PASSWORD_ITERATIONS", "260000"))
LIFETIME = 12 * 3600
"""Seconds for which a token is good."""

STAFF = ("admin", "manager", "agent")
ROLES = ("admin", "manager", "agent", "investor", "viewer", "applicant")

bearer = security.HTTPBearer(auto_error=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class User:
    """The user of a request, as the table has it now."""

    id: int
    company_id: int
    email: str
    full_name: str | None
    role: str


def hashed(password: str, *, salt: str | None = None, iterations: int = ITERATIONS) -> str:
    """What is stored of a password."""
    salt = salt or secrets.token_hex(12)
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), iterations)
    return f"pbkdf2_sha256${iterations}${salt}${digest.hex()}"


def matches(password: str, stored: str) -> bool:
    """Whether a password is the one that was stored."""
    try:
        scheme, iterations, salt, _ = stored.split("$")
        expected = hashed(password, salt=salt, iterations=int(iterations))
    except ValueError:
        return False
    return scheme == "pbkdf2_sha256" and hmac.compare_digest(expected.encode(), stored.encode())


def _key() -> bytes:
    """The key that signs tokens: of the environment, else of a file beside the database, for all workers."""
    given = os.environ.get("HOMEVERSE_SECRET")
    if given:
        return given.encode()
    place = pathlib.Path(database.path() + ".secret")
    if not place.exists():
        made = place.with_name(f"{place.name}.{secrets.token_hex(4)}")
        made.touch(mode=0o600)
        made.write_text(secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):
            os.link(made, place)  # whole or not at all, and only one of the workers makes it
        made.unlink()
    return place.read_bytes()


def token(user_id: int, *, lifetime: float = LIFETIME) -> str:
    """A signed token for a user."""
    claims = base64.urlsafe_b64encode(json.dumps({"sub": user_id, "exp": time.time() + lifetime}).encode()).decode()
    return f"{claims}.{hmac.new(_key(), claims.encode(), hashlib.sha256).hexdigest()}"


def _claimed(text: str) -> int | None:
    """The user that a token names; None if it is forged, broken or too old."""
    claims, _, signature = text.partition(".")
    expected = hmac.new(_key(), claims.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        return None
    try:
        content = json.loads(base64.urlsafe_b64decode(claims))
    except (ValueError, binascii.Error):
        return None
    return int(content["sub"]) if content["exp"] > time.time() else None


def current_user(
    db: database.Db, credentials: Annotated[security.HTTPAuthorizationCredentials | None, fastapi.Depends(bearer)]
) -> User:
    """The user whose token came with the request; 401 without one."""
    user_id = _claimed(credentials.credentials) if credentials else None
    row = None
    if user_id is not None:
        row = db.execute(
            "SELECT u.id, u.company_id, u.email, u.full_name, u.role FROM users u JOIN companies c ON c.id = u.company_id"
            " WHERE u.id = ? AND COALESCE(u.is_active, 1) = 1 AND c.is_active = 1",
            (user_id,),
        ).fetchone()
    if row is None:
        raise fastapi.HTTPException(401, "Sign in first", headers={"WWW-Authenticate": "Bearer"})
    return User(**dict(row))


Member = Annotated[User, fastapi.Depends(current_user)]


def allowed(*roles: str) -> Callable[[User], User]:
    """A dependency: the user, if of one of these roles; 403 otherwise."""

    def check(user: Member) -> User:
        if user.role not in roles:
            raise fastapi.HTTPException(403, f"Not for the role {user.role}")
        return user

    return check


Admin = Annotated[User, fastapi.Depends(allowed("admin"))]
Manager = Annotated[User, fastapi.Depends(allowed("admin", "manager"))]
Agent = Annotated[User, fastapi.Depends(allowed(*STAFF))]
Reader = Annotated[User, fastapi.Depends(allowed(*STAFF, "viewer"))]
"""Who may see everything of the company."""
