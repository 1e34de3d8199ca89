"""Matches of applicants and projects: suggested by their vectors, decided by people."""

from __future__ import annotations

from typing import Any, Literal

import fastapi
import pydantic

from examples.homeverse import activity, database, matching, pages, security
from examples.homeverse.routers import applicants

router = fastapi.APIRouter(tags=["matches"])

SOURCE = "matches m JOIN applicants a ON a.id = m.applicant_id JOIN projects p ON p.id = m.project_id"
COLUMNS = (
    "m.id, m.applicant_id, a.first_name || ' ' || a.last_name AS applicant, m.project_id, p.name AS project, m.score,"
    " m.breakdown, m.status, m.decided_by, m.created_at"
)


class Decision(pydantic.BaseModel):
    status: Literal["contacted", "viewing", "accepted", "declined"]


def _shown(row: database.Row) -> dict[str, Any]:
    return database.shown(row, documents=["breakdown"])


@router.post("/applicants/{applicant_id}/match")
def match(
    applicant_id: int, user: security.Agent, db: database.Db, limit: int = fastapi.Query(default=5, ge=1, le=50)
) -> dict[str, Any]:
    """Suggest the projects that suit an applicant best, and tell the company's managers."""
    with database.immediate(db):
        applicant = applicants.find(db, user, applicant_id)
        matching.embed_applicant(db, applicant)
        suggested = matching.suggest(db, applicant, limit=limit)
        if suggested:
            told = activity.staff(db, user.company_id, "manager")
            activity.notify(db, told, "match", "New matches", None, link=f"/applicants/{applicant_id}")
        activity.record(db, user, "match.scored", "applicant", applicant_id, matches=suggested)
    page = pages.Page(limit=limit, offset=0)
    where = pages.Where("m.company_id = ? AND m.applicant_id = ?", user.company_id, applicant_id)
    return pages.listed(db, COLUMNS, SOURCE, where, "m.score DESC, m.id", page, _shown)


@router.get("/matches")
def index(
    user: security.Member,
    db: database.Db,
    page: pages.Asked,
    status: str | None = None,
    project_id: int | None = None,
    min_score: float | None = None,
) -> dict[str, Any]:
    """The company's matches; an applicant's own ones for an applicant."""
    if user.role == "investor":
        raise fastapi.HTTPException(403, "Not for the role investor")
    where = pages.Where("m.company_id = ?", user.company_id).add("m.status = ?", status)
    where.add("m.project_id = ?", project_id).add("m.score >= ?", min_score)
    if user.role == "applicant":
        where.add("a.email = ? COLLATE NOCASE", user.email)
    return pages.listed(db, COLUMNS, SOURCE, where, "m.score DESC, m.id", page, _shown)


@router.post("/matches/{match_id}/decision")
def decide(match_id: int, wanted: Decision, user: security.Agent, db: database.Db) -> dict[str, Any]:
    """What became of a match. An applicant can accept one home only (an index sees to it), and that is then reserved."""
    with database.immediate(db):
        row = db.execute(
            "SELECT applicant_id, project_id, status FROM matches WHERE id = ? AND company_id = ?",
            (match_id, user.company_id),
        ).fetchone()
        if row is None:
            raise fastapi.HTTPException(404, "There is no such match")
        if row["status"] in ("accepted", "declined"):
            raise fastapi.HTTPException(409, f"It was {row['status']} already")
        final = wanted.status in ("accepted", "declined")
        db.execute(
            "UPDATE matches SET status = ?, decided_by = CASE WHEN ? THEN ? ELSE decided_by END WHERE id = ?",
            (wanted.status, int(final), user.id, match_id),
        )
        if wanted.status == "accepted":
            db.execute(
                "UPDATE projects SET status = 'reserved' WHERE id = ? AND status = 'published'", (row["project_id"],)
            )
            db.execute(
                "UPDATE matches SET status = 'declined', decided_by = ?"
                " WHERE applicant_id = ? AND id <> ? AND status NOT IN ('accepted', 'declined')",
                (user.id, row["applicant_id"], match_id),
            )
        activity.record(db, user, f"match.{wanted.status}", "match", match_id)
    found = db.execute(f"SELECT {COLUMNS} FROM {SOURCE} WHERE m.id = ?", (match_id,)).fetchone()
    return _shown(found)
