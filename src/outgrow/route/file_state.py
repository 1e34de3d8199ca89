"""The look at a file: which store is primary, by outgrow's row of state, seen over the application's own connection.

A look costs as much as a statement, so it is taken only where it can say something new. Every switch changes the file's
schema (the fence is a trigger), and SQLite prepares a statement again that meets another schema than it was prepared with; it
asks the connection's authorizer then. A statement that ran without a question to the authorizer has seen the schema of before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from outgrow.model import own
from outgrow.route.standard import sqlite3

__all__ = ["FENCE_PREFIX", "FileState", "Looker", "is_fence", "position"]

FENCE_PREFIX = "outgrow: fenced:"
"""What the message of a write begins with that met the fence."""

_TABLE = f"{own.PREFIX}state"
_EXISTS = f"SELECT 1 FROM sqlite_master WHERE type='table' AND name='{_TABLE}'"
_STATE = f"SELECT CAST(run AS BLOB),CAST(target AS BLOB),epoch,primary_store='postgres' FROM {_TABLE}"
_POSITION = _STATE.replace(" FROM ", f",(SELECT max(seq) FROM {own.PREFIX}log) FROM ")


@dataclass(frozen=True, kw_only=True, slots=True)
class FileState:
    """What the file says: the migration's identity at its target, the target's DSN, the epoch, and its primary."""

    run: str
    target: str
    epoch: int
    in_postgres: bool


def is_fence(error: BaseException) -> bool:
    """Whether a write was refused because the file is not the primary."""
    return str(error).startswith(FENCE_PREFIX)


class Looker:
    """Looks at one connection's file; `state` is what it saw last, None in a file without a migration."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._cursor = sqlite3.Cursor(connection)
        self._version: int | None = None
        self.state: FileState | None = None
        self.looking = False

    def look(self) -> bool:
        """Look; whether PostgreSQL is the primary. Within a transaction it sees what the transaction sees."""
        self.looking = True
        try:
            version = self._ask("PRAGMA schema_version")[0]
            if version != self._version:
                self.state = self._read()
                self._version = version
        finally:
            self.looking = False
        return self.state is not None and self.state.in_postgres

    def _read(self) -> FileState | None:
        if self._ask(_EXISTS) is None:
            return None
        row = self._ask(_STATE)
        if row is None:
            return None
        return FileState(run=row[0].decode(), target=row[1].decode(), epoch=row[2], in_postgres=bool(row[3]))

    def _ask(self, sql: str) -> Any:
        found = sqlite3.Cursor.execute(self._cursor, sql).fetchall()
        return found[0] if found else None


def position(connection: sqlite3.Connection) -> tuple[FileState | None, int]:
    """What the file says, and the number of the last entry of its change log; over a connection that is in no transaction."""
    if not connection.execute(_EXISTS).fetchall():
        return None, 0
    rows = connection.execute(_POSITION).fetchall()
    if not rows:
        return None, 0
    run, target, epoch, in_postgres, last = rows[0]
    found = FileState(run=run.decode(), target=target.decode(), epoch=epoch, in_postgres=bool(in_postgres))
    return found, last or 0
