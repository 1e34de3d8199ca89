"""What a statement gave at PostgreSQL, as a cursor of the standard module gives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from outgrow.route.standard import sqlite3

if TYPE_CHECKING:
    from outgrow.route import session

__all__ = ["Answer", "Taken"]

_description, _rowcount, _lastrowid = (
    getattr(sqlite3.Cursor, name).__get__ for name in ("description", "rowcount", "lastrowid")
)

Rows = list[tuple[Any, ...]]


class Answer:
    """The rows that are there, and where more come from; `stream` is None once all are there."""

    def __init__(
        self,
        holder: session.Session,
        *,
        rows: Rows | None = None,
        description: Any = None,
        describing: Any = None,
        rowcount: int = -1,
        lastrowid: int | None = 0,
        converters: tuple[Callable[[bytes], Any] | None, ...] = (),
        more: Callable[[], Rows | None] | None = None,
    ) -> None:
        self.description = description
        self.rowcount = rowcount
        self.lastrowid = lastrowid
        self._holder = holder
        self._rows = rows or []
        self._next = 0
        self._describing = describing
        self._converters = converters if any(converters) else ()
        self._more = more

    def fetchone(self, cursor: Any) -> Any:
        """The next row, None at the end."""
        if self._next >= len(self._rows) and not self._load():
            return None
        row = self._rows[self._next]
        self._next += 1
        return self._made(cursor, [row])[0]

    def fetchmany(self, cursor: Any, count: int) -> list[Any]:
        """Up to that many rows."""
        while len(self._rows) - self._next < count and self._more is not None:
            self.buffer_some()
        found = self._rows[self._next : self._next + count] if count >= 0 else self._rest()
        self._next += len(found)
        return self._made(cursor, found)

    def fetchall(self, cursor: Any) -> list[Any]:
        """All rows that are left."""
        return self._made(cursor, self._rest())

    def drain(self) -> None:
        """Take all rows that are still to come: the connection is needed for something else."""
        while self._more is not None:
            self.buffer_some()

    def close(self) -> None:
        """Nobody wants the rest."""
        self._rows, self._next = [], 0
        if self._more is not None:
            self._more = None
            self._holder.abandon(self)

    def buffer_some(self) -> None:
        """Take the next chunk of rows."""
        assert self._more is not None
        found = self._more()
        if found is None:
            self._more = None
            return
        if self._next:
            del self._rows[: self._next]
            self._next = 0
        self._rows.extend(found)

    def _load(self) -> bool:
        self._holder.check()
        while self._more is not None:
            self.buffer_some()
            if self._next < len(self._rows):
                return True
        return False

    def _rest(self) -> Rows:
        self._holder.check()
        self.drain()
        found = self._rows[self._next :] if self._next else self._rows
        self._rows, self._next = [], 0
        return found

    def _made(self, cursor: Any, rows: Rows) -> list[Any]:
        text = cursor.connection.text_factory
        made: list[Any] = rows
        if text is not str or self._converters:
            made = [self._converted(row, text) for row in rows]
        factory = cursor.row_factory
        if factory is None:
            return made if made is not self._rows else list(made)
        if isinstance(factory, type) and issubclass(factory, sqlite3.Row):
            return [factory(self._describing, row) for row in made]
        return [factory(cursor, row) for row in made]

    def _converted(self, row: tuple[Any, ...], text: Any) -> tuple[Any, ...]:
        converters = self._converters or (None,) * len(row)
        return tuple(
            # SQLite has no pointer to nothing: a converter never sees an empty value.
            (None if value is None or not (data := _bytes(value)) else converter(data))
            if converter is not None
            else (value if text is str or type(value) is not str else _text(value, text))
            for value, converter in zip(row, converters, strict=True)
        )


class Taken:
    """What a statement gave in the file, taken whole: with its last row a statement outside of a transaction is committed."""

    def __init__(self, cursor: Any) -> None:
        self.description = _description(cursor)
        rows = sqlite3.Cursor.fetchall(cursor)
        rows.reverse()
        self._rows = rows
        self.rowcount = int(_rowcount(cursor))
        self.lastrowid = _lastrowid(cursor)

    def fetchone(self, cursor: Any) -> Any:
        """The next row, None at the end."""
        self._check(cursor)
        return self._rows.pop() if self._rows else None

    def fetchmany(self, cursor: Any, count: int) -> list[Any]:
        """Up to that many rows."""
        self._check(cursor)
        found = len(self._rows) if count < 0 else min(count, len(self._rows))
        return [self._rows.pop() for _row in range(found)]

    def fetchall(self, cursor: Any) -> list[Any]:
        """All rows that are left."""
        return self.fetchmany(cursor, -1)

    def close(self) -> None:
        """Nobody wants the rest."""
        self._rows = []

    def _check(self, cursor: Any) -> None:
        """Raise what the standard module raises for a connection that is closed, or in a wrong thread."""
        sqlite3.Connection.cursor(cursor.connection)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _text(value: str, factory: Any) -> Any:
    data = value.encode()
    return data if factory is bytes else factory(data)
