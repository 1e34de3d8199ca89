"""The functions in schema `outgrow` that translated statements call."""

from __future__ import annotations

import hashlib
from typing import LiteralString

import psycopg

from outgrow.postgres import statements

__all__ = ["install", "installed", "version"]

_FILES = ("dialect_printing", "dialect", "dialect_texts", "dialect_dates", "dialect_json", "dialect_json_edits")
"""In this order each function finds those that it calls."""

_MARK = "outgrow.decline(text)"
"""The function whose comment says which version of them all is there."""


def version() -> str:
    """What tells these functions from those of another version of outgrow."""
    written = "\n".join(_blocks())
    return hashlib.sha256(written.encode()).hexdigest()[:32]


def installed(session: psycopg.Connection) -> bool:
    """Whether the functions of this version are there."""
    # Read from the tables: to_regprocedure() remembers that there was nothing, and does not see what another session committed.
    row = session.execute(
        "SELECT true FROM pg_catalog.pg_proc AS f JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace"
        " JOIN pg_catalog.pg_description AS d ON d.objoid = f.oid AND d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass"
        " WHERE n.nspname = 'outgrow' AND f.proname = 'decline' AND d.description = %s",
        (f"outgrow dialect {version()}",),
    ).fetchone()
    return row is not None


def install(session: psycopg.Connection) -> bool:
    """Create the functions, or those of this version in the place of others; says whether anything was to be done.

    Runs in the caller's transaction, or in one of its own. It takes the right to create in the schema `outgrow`, which must
    exist, and to own what is there of earlier versions.
    """
    if installed(session):
        return False
    with session.transaction():
        # Two at once would meet in the same rows of pg_proc; whoever comes second finds everything done.
        session.execute(
            "COMMENT ON SCHEMA outgrow IS 'what outgrow keeps of a migration'"
        )  # locks the schema's own row
        if installed(session):
            return False
        for block in _blocks():
            session.execute(block.encode())
        session.execute(f"COMMENT ON FUNCTION {_MARK} IS 'outgrow dialect {version()}'".encode())
    return True


def _blocks() -> list[LiteralString]:
    return [block for file in _FILES for block in statements.blocks(file).values()]
