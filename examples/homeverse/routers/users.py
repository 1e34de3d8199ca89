"""The users of a company; admins manage them."""

from __future__ import annotations

import json
from typing import Any, Literal

import fastapi
import pydantic

from examples.homeverse import activity, database, pages, security

router = fastapi.APIRouter(prefix="/users", tags=["users"])

COLUMNS = "id, company_id, email, full_name, role, is_active, last_login, preferences, created_at"
Role = Literal["admin", "manager", "agent", "investor", "viewer", "applicant"]


class NewUser(pydantic.BaseModel):
    email: str = pydantic.Field(pattern=r"^[^@\s]+@[^@\s]+$")
    password: str = pydantic.Field(min_length=8)
    full_name: str | None = None
    role: Role = "agent"


class Change(pydantic.BaseModel):
    full_name: str | None = None
    role: Role | None = None
    is_active: bool | None = None


def _shown(row: database.Row) -> dict[str, Any]:
    return database.shown(row, documents=["preferences"], flags=["is_active"])


def _user(db: database.Connection, company_id: int, user_id: int) -> dict[str, Any]:
    row = db.execute(f"SELECT {COLUMNS} FROM users WHERE id = ? AND company_id = ?", (user_id, company_id)).fetchone()
    if row is None:
        raise fastapi.HTTPException(404, "There is no such user")
    return _shown(row)


@router.get("")
def index(
    user: security.Reader, db: database.Db, page: pages.Asked, role: str | None = None, active: bool | None = None
) -> dict[str, Any]:
    where = pages.Where("company_id = ?", user.company_id).add("role = ?", role)
    where.add("COALESCE(is_active, 1) = ?", None if active is None else int(active))
    return pages.listed(db, COLUMNS, "users", where, "email COLLATE NOCASE, id", page, _shown)


@router.post("", status_code=201)
def create(wanted: NewUser, user: security.Admin, db: database.Db) -> dict[str, Any]:
    password_hash = security.hashed(wanted.password)
    with db:
        user_id = db.execute(
            "INSERT INTO users (company_id, email, password_hash, full_name, role) VALUES (?, ?, ?, ?, ?)",
            (user.company_id, wanted.email, password_hash, wanted.full_name, wanted.role),
        ).lastrowid
        assert user_id is not None
        activity.record(db, user, "user.created", "user", user_id, wanted.email, role=wanted.role)
    return _user(db, user.company_id, user_id)


@router.get("/{user_id}")
def show(user_id: int, user: security.Reader, db: database.Db) -> dict[str, Any]:
    return _user(db, user.company_id, user_id)


@router.patch("/{user_id}")
def change(user_id: int, wanted: Change, user: security.Admin, db: database.Db) -> dict[str, Any]:
    """Change what is given; the last admin stays one."""
    with database.immediate(db):
        before = _user(db, user.company_id, user_id)
        given = wanted.model_dump(exclude_none=True)
        leaves = given.get("role", "admin") != "admin" or not given.get("is_active", True)
        if before["role"] == "admin" and leaves and activity.staff(db, user.company_id, "admin") == [user_id]:
            raise fastapi.HTTPException(409, "A company needs an admin")
        if given:
            changes = ", ".join(f"{name} = ?" for name in given)
            values = [int(value) if isinstance(value, bool) else value for value in given.values()]
            db.execute(
                f"UPDATE users SET {changes} WHERE id = ? AND company_id = ?", (*values, user_id, user.company_id)
            )
            activity.record(db, user, "user.updated", "user", user_id, **given)
    return _user(db, user.company_id, user_id)


@router.put("/me/preferences")
def prefer(user: security.Member, db: database.Db, wanted: dict[str, Any]) -> dict[str, Any]:
    """The user's own preferences, as one document."""
    with db:
        db.execute("UPDATE users SET preferences = ? WHERE id = ?", (json.dumps(wanted, ensure_ascii=False), user.id))
        activity.record(db, user, "preferences.changed", "user", user.id)
    return wanted
