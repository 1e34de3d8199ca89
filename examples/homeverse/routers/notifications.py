"""What the application tells its users."""

from __future__ import annotations

from typing import Any

import fastapi

from examples.homeverse import activity, database, pages, security

router = fastapi.APIRouter(prefix="/notifications", tags=["notifications"])


def _shown(row: database.Row) -> dict[str, Any]:
    return database.shown(row, documents=["payload"], flags=["is_read"])


@router.get("")
def index(user: security.Member, db: database.Db, page: pages.Asked, unread: bool = False) -> dict[str, Any]:
    """The user's own, the newest first."""
    where = pages.Where("user_id = ?", user.id)
    if unread:
        where.add("is_read = 0")
    columns = "id, type, title, body, payload, is_read, read_at, created_at"
    return pages.listed(db, columns, "notifications", where, "created_at DESC, id DESC", page, _shown)


@router.post("/{notification_id}/read", status_code=204)
def read(notification_id: int, user: security.Member, db: database.Db) -> None:
    with db:
        found = db.execute(
            "UPDATE notifications SET is_read = 1, read_at = COALESCE(read_at, ?) WHERE id = ? AND user_id = ?",
            (activity.now(), notification_id, user.id),
        ).rowcount
    if not found:
        raise fastapi.HTTPException(404, "There is no such notification")


@router.post("/read")
def read_all(user: security.Member, db: database.Db) -> dict[str, int]:
    with db:
        read = db.execute(
            "UPDATE notifications SET is_read = 1, read_at = ? WHERE user_id = ? AND is_read = 0",
            (activity.now(), user.id),
        ).rowcount
    return {"read": read}


@router.delete("/old")
def clear(user: security.Member, db: database.Db, days: int = fastapi.Query(default=90, ge=0)) -> dict[str, int]:
    """Remove what was read, and is older than so many days."""
    with db:
        deleted = db.execute(
            "DELETE FROM notifications WHERE user_id = ? AND is_read = 1 AND created_at <= datetime('now', ?)",
            (user.id, f"-{days} days"),
        ).rowcount
    return {"deleted": deleted}
