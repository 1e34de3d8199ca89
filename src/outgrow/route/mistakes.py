"""PostgreSQL's errors as SQLite's: its classes, its codes, its words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import pq

from outgrow.dialect import table_sql
from outgrow.route.standard import sqlite3

if TYPE_CHECKING:
    from outgrow.route import oracle, target

__all__ = ["FENCED", "STALE", "error", "locked", "sqlstate", "translate"]

FENCED = "OG002"
RAISED = "OG005"
"""A trigger of the application's says RAISE(ABORT, …)."""
_DECLINED = "OG010"
"""A value with which PostgreSQL cannot answer as SQLite does."""
_SYNTAX = frozenset({"22P02", "22023", "22P05"})
STALE = frozenset({"0A000", "26000"})
"""A prepared statement is not what it was: it is prepared anew."""
_LOCKED = frozenset({"55P03", "40001", "40P01", "25P02"})
_FIELD = pq.DiagnosticField


def error(kind: type[sqlite3.Error], message: str, name: str = "SQLITE_ERROR") -> sqlite3.Error:
    """An error with SQLite's code for it."""
    made = kind(message)
    made.sqlite_errorname = name
    made.sqlite_errorcode = getattr(sqlite3, name, sqlite3.SQLITE_ERROR)
    return made


def locked(name: str = "SQLITE_BUSY") -> sqlite3.Error:
    """The error that callers know to try again after."""
    return error(sqlite3.OperationalError, "database is locked", name)


def sqlstate(result: pq.abc.PGresult) -> str:
    """The SQLSTATE of a failed statement; empty where the server said none."""
    return (result.error_field(_FIELD.SQLSTATE) or b"").decode()


def translate(result: pq.abc.PGresult, there: target.Target, schema: oracle.Oracle) -> sqlite3.Error:
    """SQLite's error for a failed statement."""
    code = sqlstate(result)
    table = _field(result, _FIELD.TABLE_NAME)
    found = there.tables.get(table)
    if code in _LOCKED:
        return locked("SQLITE_BUSY_SNAPSHOT" if code == "40001" else "SQLITE_BUSY")
    if code == "23505":
        return _unique(result, found, schema)
    if code == "23502" and found is not None:
        target_column = _field(result, _FIELD.COLUMN_NAME)
        column = next((one.source for one in found.columns if one.target == target_column), target_column)
        return error(
            sqlite3.IntegrityError,
            f"NOT NULL constraint failed: {found.source}.{column}",
            "SQLITE_CONSTRAINT_NOTNULL",
        )
    if code == "23503":
        return error(sqlite3.IntegrityError, "FOREIGN KEY constraint failed", "SQLITE_CONSTRAINT_FOREIGNKEY")
    if code == "23514":
        return error(
            sqlite3.IntegrityError,
            f"CHECK constraint failed: {_check(result, found, schema)}",
            "SQLITE_CONSTRAINT_CHECK",
        )
    if code == "57014":
        return error(sqlite3.OperationalError, "interrupted", "SQLITE_INTERRUPT")
    message = _field(result, _FIELD.MESSAGE_PRIMARY)
    if code == _DECLINED:
        reason = message.removeprefix("outgrow: ")
        return error(sqlite3.OperationalError, f"outgrow cannot run this at PostgreSQL: {reason}")
    if code in _SYNTAX and "json" in message:
        return error(sqlite3.OperationalError, "malformed JSON")
    if code.startswith("22"):
        # SQLite would take the value, or make another one of it: PostgreSQL says what it is about.
        return error(sqlite3.OperationalError, f"outgrow cannot run this at PostgreSQL: {message} (SQLSTATE {code})")
    if code == RAISED:
        return error(sqlite3.IntegrityError, message, "SQLITE_CONSTRAINT_TRIGGER")
    if code.startswith(("OG", "P0")):
        return error(sqlite3.OperationalError, message)
    if code.startswith("23"):
        return error(sqlite3.IntegrityError, message, "SQLITE_CONSTRAINT")
    return error(sqlite3.OperationalError, f"PostgreSQL refuses the statement: {message} (SQLSTATE {code})")


def _unique(result: pq.abc.PGresult, found: Any, schema: oracle.Oracle) -> sqlite3.Error:
    constraint = _field(result, _FIELD.CONSTRAINT_NAME)
    if found is None:
        return error(sqlite3.IntegrityError, f"UNIQUE constraint failed: {constraint}", "SQLITE_CONSTRAINT_UNIQUE")
    if constraint in (found.key_name, f"{found.target}_pkey"):
        names = ", ".join(f"{found.source}.{name}" for name in found.key)
        rowid = found.identity is not None
        return error(
            sqlite3.IntegrityError,
            f"UNIQUE constraint failed: {names}",
            "SQLITE_CONSTRAINT_ROWID" if rowid and not found.key else "SQLITE_CONSTRAINT_PRIMARYKEY",
        )
    index = next((one for one in found.indexes if one.name == constraint), None)
    source = index.source if index is not None else constraint
    columns = _columns(source, found, schema)
    what = ", ".join(f"{found.source}.{name}" for name in columns) if columns else f"index '{source}'"
    return error(sqlite3.IntegrityError, f"UNIQUE constraint failed: {what}", "SQLITE_CONSTRAINT_UNIQUE")


def _columns(index: str, found: Any, schema: oracle.Oracle) -> tuple[str, ...]:
    """The columns of a unique index of the file; empty for one with an expression."""
    quoted = index.replace('"', '""')
    rows, _cursor = schema.answer(f'PRAGMA index_info("{quoted}")', ())
    names = tuple(row[2] for row in rows)
    return () if any(name is None for name in names) else names


def _check(result: pq.abc.PGresult, found: Any, schema: oracle.Oracle) -> str:
    """What SQLite calls a CHECK: its name, or its expression."""
    constraint = _field(result, _FIELD.CONSTRAINT_NAME)
    if found is None:
        return constraint
    rows, _cursor = schema.answer("SELECT sql FROM sqlite_master WHERE type='table' AND name=?", (found.source,))
    written = table_sql.parse(rows[0][0]).checks if rows else []
    named = next((check.name for check in written if check.name and check.name == constraint), None)
    if named is not None:
        return named
    number = next((i for i, check in enumerate(found.checks) if check.name == constraint), None)
    if number is not None and len(found.checks) == len(written):
        check = written[number]
        return check.name or check.expression
    return constraint


def _field(result: pq.abc.PGresult, field: pq.DiagnosticField) -> str:
    return (result.error_field(field) or b"").decode(errors="replace")
