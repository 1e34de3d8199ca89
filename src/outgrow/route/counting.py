"""`total_changes` without the rows that outgrow's capture writes in a followed file.

SQLite counts what triggers write too, so in a followed file every changed row would count for more than one. There, what the
application's statements changed by themselves is counted instead, as it is at PostgreSQL.
"""

from __future__ import annotations

from typing import Any

from outgrow.route.standard import sqlite3

__all__ = ["Count"]

_total_changes = vars(sqlite3.Connection)["total_changes"].__get__
_rowcount = vars(sqlite3.Cursor)["rowcount"].__get__


class Count:
    """The rows that one connection changed in its file."""

    __slots__ = ("_connection", "_others", "_seen", "open")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._seen: int | None = None
        self._others = 0
        """Rows that were not changed by statements of the application themselves."""
        self.open: Any = None
        """The last cursor, if it may not have had its last row: its changes count then. To be settled before the next one."""

    def ran(self, cursor: Any, *, is_first: bool) -> None:
        """A statement ran in a followed file, as the connection's first one or not."""
        if self._seen is None:
            # A connection that is older than the migration: what it changed before counts as it is.
            self._seen = 0 if is_first else _total_changes(self._connection)
        if cursor.description is not None:
            self.open = cursor
        else:
            self._account(cursor)

    def total(self) -> int:
        """Rows changed up to now."""
        self.settle()
        return int(_total_changes(self._connection)) - self._others

    def settle(self) -> None:
        """Count what the last cursor did."""
        if self.open is not None:
            last, self.open = self.open, None
            self._account(last)

    def _account(self, cursor: Any) -> None:
        total = _total_changes(self._connection)
        if total != self._seen:
            self._others += max(total - self._seen - max(_rowcount(cursor), 0), 0)
            self._seen = total
