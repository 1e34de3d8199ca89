"""Whether the application works, for who watches it."""

from __future__ import annotations

import os
from typing import Any

import fastapi

from examples.homeverse import database

router = fastapi.APIRouter(tags=["health"])


@router.get("/health")
def health(db: database.Db) -> dict[str, Any]:
    """The database answers, and has its tables."""
    tables = db.execute(
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name IN ('companies', 'users', 'matches')"
    ).fetchone()[0]
    companies = db.execute("SELECT COUNT(*) AS n FROM companies").fetchone()["n"]
    if tables != 3:
        raise fastapi.HTTPException(503, "The schema is not complete")
    return {
        "status": "ok",
        "companies": companies,
        "foreign_keys": bool(db.execute("PRAGMA foreign_keys").fetchone()[0]),
        "process": os.getpid(),
    }
