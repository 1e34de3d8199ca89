"""Signing up and signing in."""

from __future__ import annotations

import re
import secrets
from typing import Any

import fastapi
import pydantic

from examples.homeverse import activity, database, security

router = fastapi.APIRouter(prefix="/auth", tags=["auth"])


class Registration(pydantic.BaseModel):
    company: str = pydantic.Field(min_length=1, max_length=200)
    email: str = pydantic.Field(pattern=r"^[^@\s]+@[^@\s]+$")
    password: str = pydantic.Field(min_length=8)
    full_name: str | None = None
    country: str | None = pydantic.Field(default=None, min_length=2, max_length=2)


class Credentials(pydantic.BaseModel):
    email: str
    password: str


class NewPassword(pydantic.BaseModel):
    old: str
    new: str = pydantic.Field(min_length=8)


@router.post("/register", status_code=201)
def register(wanted: Registration, db: database.Db) -> dict[str, Any]:
    """A new company, and its first admin."""
    password_hash = security.hashed(wanted.password)  # slow on purpose: not while others wait to write
    slug = f"{re.sub(r'[^a-z0-9]+', '-', wanted.company.lower()).strip('-')}-{secrets.token_hex(4)}"
    with db:
        company_id = db.execute(
            "INSERT INTO companies (name, slug, country) VALUES (?, ?, ?)", (wanted.company, slug, wanted.country)
        ).lastrowid
        user_id = db.execute(
            "INSERT INTO users (company_id, email, password_hash, full_name, role) VALUES (?, ?, ?, ?, 'admin')",
            (company_id, wanted.email, password_hash, wanted.full_name),
        ).lastrowid
        assert company_id is not None
        assert user_id is not None
        db.execute("UPDATE companies SET owner_user_id = ? WHERE id = ?", (user_id, company_id))
        owner = security.User(
            id=user_id, company_id=company_id, email=wanted.email, full_name=wanted.full_name, role="admin"
        )
        activity.record(db, owner, "company.created", "company", company_id, wanted.company)
    return {"token": security.token(user_id), "user_id": user_id, "company_id": company_id}


@router.post("/login")
def login(given: Credentials, db: database.Db) -> dict[str, Any]:
    """A token for a user; capitals in the address do not matter."""
    row = db.execute(
        "SELECT id, company_id, email, full_name, role, password_hash FROM users"
        " WHERE email = ? COLLATE NOCASE AND COALESCE(is_active, 1) = 1",
        (given.email,),
    ).fetchone()
    if row is None or not security.matches(given.password, row["password_hash"]):
        raise fastapi.HTTPException(401, "Wrong address or password")
    with db:
        db.execute("UPDATE users SET last_login = ? WHERE id = ?", (activity.now(), row["id"]))
        db.execute(  # the oldest code there is: the time is the column's default
            "INSERT INTO activities (company_id, user_id, type) VALUES (?, ?, 'login')", (row["company_id"], row["id"])
        )
    return {"token": security.token(row["id"]), "user_id": row["id"], "company_id": row["company_id"]}


@router.get("/me")
def me(user: security.Member, db: database.Db) -> dict[str, Any]:
    """The user of the token."""
    row = db.execute(
        "SELECT u.id, u.company_id, c.name AS company, u.email, u.full_name, u.role, u.is_active, u.last_login, u.preferences"
        " FROM users u JOIN companies c ON c.id = u.company_id WHERE u.id = ?",
        (user.id,),
    ).fetchone()
    return database.shown(row, documents=["preferences"], flags=["is_active"])


@router.post("/password", status_code=204)
def change_password(given: NewPassword, user: security.Member, db: database.Db) -> None:
    """Another password, for who knows the old one."""
    row = db.execute("SELECT password_hash FROM users WHERE id = ?", (user.id,)).fetchone()
    if not security.matches(given.old, row["password_hash"]):
        raise fastapi.HTTPException(403, "That is not your password")
    password_hash = security.hashed(given.new)
    with db:
        db.execute("UPDATE users SET password_hash = ? WHERE id = ?", (password_hash, user.id))
        activity.record(db, user, "password.changed", "user", user.id)
