"""The activity log, for those who manage a company."""

from __future__ import annotations

from typing import Any

import fastapi

from examples.homeverse import database, pages, security

router = fastapi.APIRouter(prefix="/activities", tags=["activities"])


def _shown(row: database.Row) -> dict[str, Any]:
    return database.shown(row, documents=["metadata"])


@router.get("")
def index(
    user: security.Manager,
    db: database.Db,
    page: pages.Asked,
    kind: str | None = None,
    entity_type: str | None = None,
    entity_id: int | None = None,
    day: str | None = fastapi.Query(default=None, pattern=r"^\d{4}-\d\d-\d\d$"),
) -> dict[str, Any]:
    """The newest first; `kind` may end with a star. Times are of two formats, and both begin with the day."""
    where = pages.Where("company_id = ?", user.company_id)
    where.add("entity_type = ?", entity_type).add("entity_id = ?", entity_id)
    where.add("substr(timestamp, 1, 10) = ?", day)
    where.add("type GLOB ?", kind)
    columns = "id, user_id, type, entity_type, entity_id, description, metadata, timestamp"
    return pages.listed(db, columns, "activities", where, "id DESC", page, _shown)


@router.get("/daily")
def daily(user: security.Manager, db: database.Db, days: int = fastapi.Query(default=30, ge=1)) -> list[dict[str, Any]]:
    """How much was done on each of the last days."""
    rows = db.execute(
        "SELECT date(timestamp) AS day, COUNT(*) AS activities, COUNT(DISTINCT user_id) AS users FROM activities"
        " WHERE company_id = ? AND date(timestamp) > date('now', ?) GROUP BY date(timestamp) ORDER BY day",
        (user.company_id, f"-{days} days"),
    )
    return [dict(row) for row in rows]
