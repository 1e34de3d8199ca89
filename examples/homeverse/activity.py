"""The activity log: every change leaves a row, in the transaction of the change."""

from __future__ import annotations

import datetime
import json
from typing import Any

from examples.homeverse import database, security

STARTUP_USER = 0
"""Who a start of the application is logged as; nobody has this id."""


def now() -> str:
    """The clock as this generation of the code writes it; the columns' defaults write `2024-05-01 12:30:00`."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def record(
    db: database.Connection,
    user: security.User,
    kind: str,
    entity: str | None = None,
    entity_id: int | None = None,
    description: str | None = None,
    **metadata: Any,
) -> None:
    """Log a change; `metadata` is kept as JSON."""
    db.execute(
        "INSERT INTO activities (company_id, user_id, type, entity_type, entity_id, description, metadata, timestamp)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (user.company_id, user.id, kind, entity, entity_id, description, _document(metadata), now()),
    )


def started(db: database.Connection) -> None:
    """Log a start; of no company, at the time of the default."""
    with db:
        db.execute("INSERT INTO activities (user_id, type) VALUES (?, 'startup')", (STARTUP_USER,))


def notify(
    db: database.Connection, user_ids: list[int], kind: str, title: str, body: str | None = None, **payload: Any
) -> None:
    """Tell users something; part of the caller's transaction."""
    db.executemany(
        "INSERT INTO notifications (user_id, type, title, body, payload) VALUES (?, ?, ?, ?, ?)",
        [(user_id, kind, title, body, _document(payload)) for user_id in user_ids],
    )


def staff(db: database.Connection, company_id: int, *roles: str) -> list[int]:
    """The active users of a company that have one of these roles."""
    places = ", ".join("?" for _ in roles)
    rows = db.execute(
        f"SELECT id FROM users WHERE company_id = ? AND COALESCE(is_active, 1) = 1 AND role IN ({places}) ORDER BY id",
        (company_id, *roles),
    )
    return [row["id"] for row in rows]


def _document(content: dict[str, Any]) -> str | None:
    return json.dumps(content, ensure_ascii=False) if content else None
