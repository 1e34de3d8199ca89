"""The company of the user, and its subsidiaries."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import fastapi
import pydantic

from examples.homeverse import activity, database, security

router = fastapi.APIRouter(prefix="/company", tags=["company"])

COLUMNS = (
    "id, name, slug, plan, country, settings, monthly_fee, is_active, created_at, parent_company_id, owner_user_id"
)


class Change(pydantic.BaseModel):
    name: str | None = pydantic.Field(default=None, min_length=1)
    plan: Literal["trial", "basic", "professional", "enterprise"] | None = None
    country: str | None = pydantic.Field(default=None, min_length=2, max_length=2)
    monthly_fee: float | None = None


def _company(db: database.Connection, company_id: int) -> dict[str, Any]:
    row = db.execute(f"SELECT {COLUMNS} FROM companies WHERE id = ?", (company_id,)).fetchone()
    return database.shown(row, documents=["settings"], flags=["is_active"])


@router.get("")
def show(user: security.Member, db: database.Db) -> dict[str, Any]:
    """The user's company, with how much it has of everything."""
    counts = db.execute(
        "SELECT (SELECT COUNT(*) FROM users WHERE company_id = c.id) AS users,"
        " (SELECT COUNT(*) FROM projects WHERE company_id = c.id) AS projects,"
        " (SELECT COUNT(*) FROM applicants WHERE company_id = c.id) AS applicants"
        " FROM companies c WHERE c.id = ?",
        (user.company_id,),
    ).fetchone()
    return {**_company(db, user.company_id), "counts": dict(counts)}


@router.patch("")
def change(wanted: Change, user: security.Admin, db: database.Db) -> dict[str, Any]:
    """Change what is given, and leave the rest."""
    with db:
        db.execute(
            "UPDATE companies SET name = COALESCE(?, name), plan = COALESCE(?, plan), country = COALESCE(?, country),"
            " monthly_fee = COALESCE(?, monthly_fee) WHERE id = ?",
            (wanted.name, wanted.plan, wanted.country, wanted.monthly_fee, user.company_id),
        )
        activity.record(db, user, "company.updated", "company", user.company_id, **wanted.model_dump(exclude_none=True))
    return _company(db, user.company_id)


@router.put("/settings/{name}")
def set_setting(
    name: str, value: Annotated[Any, fastapi.Body()], user: security.Admin, db: database.Db
) -> dict[str, Any]:
    """Change one setting; two admins at a time do not lose each other's."""
    with database.immediate(db):
        row = db.execute("SELECT settings FROM companies WHERE id = ?", (user.company_id,)).fetchone()
        settings = {**(database.decoded(row["settings"]) or {}), name: value}
        db.execute(
            "UPDATE companies SET settings = ? WHERE id = ?",
            (json.dumps(settings, ensure_ascii=False), user.company_id),
        )
        activity.record(db, user, "settings.changed", "company", user.company_id, name)
    return settings


@router.get("/subsidiaries")
def subsidiaries(user: security.Manager, db: database.Db) -> list[dict[str, Any]]:
    """The companies below the user's, all the way down."""
    rows = db.execute(
        "WITH RECURSIVE below (id, depth) AS ("
        " SELECT id, 1 FROM companies WHERE parent_company_id = ?"
        " UNION SELECT c.id, below.depth + 1 FROM companies c JOIN below ON c.parent_company_id = below.id"
        " WHERE below.depth < 10)"
        " SELECT c.id, c.name, MIN(below.depth) AS depth FROM below JOIN companies c ON c.id = below.id"
        " GROUP BY c.id, c.name ORDER BY depth, c.id",
        (user.company_id,),
    )
    return [dict(row) for row in rows]
