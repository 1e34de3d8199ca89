"""Applicants: staff works with all of the company's, an applicant sees the own application only."""

from __future__ import annotations

import json
from typing import Any, Literal

import fastapi
import pydantic

from examples.homeverse import activity, database, matching, pages, security

router = fastapi.APIRouter(prefix="/applicants", tags=["applicants"])

COLUMNS = (
    "id, company_id, first_name, last_name, email, phone, date_of_birth, household_size, annual_income, credit_score,"
    " is_first_time_buyer, preferences, status, notes, created_at, updated_at"
)
Status = Literal["new", "screening", "approved", "rejected", "housed", "withdrawn"]
NEXT = {
    "new": ("screening", "withdrawn", "rejected"),
    "screening": ("approved", "rejected", "withdrawn"),
    "approved": ("housed", "withdrawn", "rejected"),
}
"""Which states may follow; after the others none does."""


class Applicant(pydantic.BaseModel):
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = pydantic.Field(default=None, max_length=20)
    date_of_birth: str | None = pydantic.Field(default=None, pattern=r"^\d{4}-\d\d-\d\d$")
    household_size: int | None = pydantic.Field(default=None, ge=1)
    annual_income: float | None = None
    credit_score: int | None = None
    is_first_time_buyer: bool | None = None
    preferences: dict[str, Any] | None = None
    notes: str | None = None


class NewStatus(pydantic.BaseModel):
    status: Status


def _shown(row: database.Row) -> dict[str, Any]:
    return database.shown(row, documents=["preferences"], flags=["is_first_time_buyer"])


def _stored(given: dict[str, Any]) -> dict[str, Any]:
    """Values as the columns hold them."""
    if given.get("preferences") is not None:
        given["preferences"] = json.dumps(given["preferences"], ensure_ascii=False)
    if given.get("is_first_time_buyer") is not None:
        given["is_first_time_buyer"] = int(given["is_first_time_buyer"])
    return given


def find(db: database.Connection, user: security.User, applicant_id: int) -> database.Row:
    """An applicant that the user may see; 404 otherwise."""
    where = pages.Where("id = ? AND company_id = ?", applicant_id, user.company_id)
    if user.role == "applicant":
        where.add("email = ? COLLATE NOCASE", user.email)
    elif user.role == "investor":
        raise fastapi.HTTPException(403, "Not for the role investor")
    row = db.execute(f"SELECT {COLUMNS} FROM applicants WHERE {where.sql}", where.parameters).fetchone()
    if row is None:
        raise fastapi.HTTPException(404, "There is no such applicant")
    found: database.Row = row
    return found


@router.get("")
def index(
    user: security.Reader,
    db: database.Db,
    page: pages.Asked,
    status: Status | None = None,
    q: str | None = None,
    place: str | None = None,
    min_income: float | None = None,
    sort: Literal["newest", "name", "income"] = "newest",
) -> dict[str, Any]:
    """The company's applicants; `q` is looked for in names and address, `place` in their wishes."""
    where = pages.Where("company_id = ?", user.company_id).add("status = ?", status)
    where.add("annual_income >= ?", min_income)
    if q is not None:
        where.add(
            r"first_name || ' ' || last_name LIKE ? ESCAPE '\' OR email LIKE ? ESCAPE '\'",
            database.like(q),
            database.like(q),
        )
    if place is not None:
        where.add(
            r"CASE WHEN json_valid(preferences) THEN json_extract(preferences, '$.places') END LIKE ? ESCAPE '\'",
            database.like(place),
        )
    order = {
        "newest": "created_at DESC, id DESC",
        "name": "lower(last_name), lower(first_name), id",
        "income": "COALESCE(annual_income, 0) DESC, id",
    }[sort]
    return pages.listed(db, COLUMNS, "applicants", where, order, page, _shown)


@router.post("", status_code=201)
def create(wanted: Applicant, user: security.Agent, db: database.Db) -> dict[str, Any]:
    with db:
        given = _stored(wanted.model_dump())
        names, places = ", ".join(given), ", ".join("?" for _ in given)
        applicant_id = db.execute(
            f"INSERT INTO applicants (company_id, {names}) VALUES (?, {places})", (user.company_id, *given.values())
        ).lastrowid
        assert applicant_id is not None
        row = find(db, user, applicant_id)
        matching.embed_applicant(db, row)
        activity.record(db, user, "applicant.created", "applicant", applicant_id)
    return _shown(row)


@router.post("/import", status_code=201)
def create_many(wanted: list[Applicant], user: security.Manager, db: database.Db) -> dict[str, int]:
    """Many at once; an address that is there already is left as it is."""
    with db:
        before = db.total_changes
        db.executemany(
            "INSERT OR IGNORE INTO applicants (company_id, first_name, last_name, email, phone, annual_income)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [(user.company_id, a.first_name, a.last_name, a.email, a.phone, a.annual_income) for a in wanted],
        )
        imported = db.total_changes - before
        activity.record(db, user, "applicant.imported", rows=imported)
    return {"imported": imported, "skipped": len(wanted) - imported}


@router.get("/{applicant_id}")
def show(applicant_id: int, user: security.Member, db: database.Db) -> dict[str, Any]:
    return _shown(find(db, user, applicant_id))


@router.patch("/{applicant_id}")
def change(applicant_id: int, wanted: Applicant, user: security.Agent, db: database.Db) -> dict[str, Any]:
    """Change what is given, and leave the rest."""
    given = _stored(wanted.model_dump(exclude_unset=True))
    with db:
        find(db, user, applicant_id)
        changes = "".join(f"{name} = ?, " for name in given)
        db.execute(
            f"UPDATE applicants SET {changes}updated_at = datetime('now') WHERE id = ? AND company_id = ?",
            (*given.values(), applicant_id, user.company_id),
        )
        row = find(db, user, applicant_id)
        matching.embed_applicant(db, row)
        activity.record(db, user, "applicant.updated", "applicant", applicant_id, fields=sorted(given))
    return _shown(row)


@router.post("/{applicant_id}/status")
def move(applicant_id: int, wanted: NewStatus, user: security.Agent, db: database.Db) -> dict[str, Any]:
    """The next state, if it may follow the one that is there now."""
    with database.immediate(db):
        before = find(db, user, applicant_id)["status"]
        if wanted.status not in NEXT.get(before, ()):
            raise fastapi.HTTPException(409, f"{wanted.status} does not follow {before}")
        db.execute(
            "UPDATE applicants SET status = ?, updated_at = CURRENT_TIMESTAMP WHERE id = ?",
            (wanted.status, applicant_id),
        )
        activity.record(db, user, f"applicant.{wanted.status}", "applicant", applicant_id, before=before)
    return _shown(find(db, user, applicant_id))


@router.delete("/{applicant_id}", status_code=204)
def delete(applicant_id: int, user: security.Manager, db: database.Db) -> None:
    """Remove an applicant, and what belongs to it: SQLite does not cascade here."""
    with db:
        find(db, user, applicant_id)
        for table in ("matches", "applicant_embeddings"):
            db.execute(f"DELETE FROM {table} WHERE applicant_id = ?", (applicant_id,))
        db.execute("DELETE FROM applicants WHERE id = ? AND company_id = ?", (applicant_id, user.company_id))
        activity.record(db, user, "applicant.deleted", "applicant", applicant_id)
