"""Rows of either database in one form, read in one snapshot, so that equal means equal.

A value of one kind is one Python value, whichever database it came from: decimals without zeros at their end, reals by
their bits, flags as numbers, timestamps as the text that the workload wrote. What is of another type than its kind says
keeps its type's name, and so differs from everything that is right.
"""

from __future__ import annotations

import abc
import contextlib
import datetime
import sqlite3
import struct
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from support.workload import schema

__all__ = ["Database", "Row", "opened"]

Row = tuple[Any, ...]


class Database(abc.ABC):
    """A database in one read-only snapshot."""

    @abc.abstractmethod
    def raw(self, query: str) -> Iterator[Row]:
        """The rows as the driver gives them; the query is the same for both databases."""

    @abc.abstractmethod
    def has_column(self, table: str, column: str) -> bool:
        """Whether there is such a column (of a rowid: always, in SQLite)."""

    def rows(self, source: str, columns: Mapping[str, schema.Kind]) -> Iterator[Row]:
        """The rows of a table or join, as expressions of a kind each."""
        plain = [_PLAIN[kind] for kind in columns.values()]
        for row in self.raw(f"SELECT {', '.join(columns)} FROM {source}"):
            yield tuple(None if value is None else make(value) for make, value in zip(plain, row, strict=True))

    def number(self, query: str) -> int:
        """The one number that a query returns."""
        ((found,),) = self.raw(query)
        return int(found)


class _Sqlite(Database):
    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def raw(self, query: str) -> Iterator[Row]:
        return self.connection.execute(query)

    def has_column(self, table: str, column: str) -> bool:
        return column == "rowid" or any(row[1] == column for row in self.raw(f"PRAGMA table_info({table})"))


class _Postgres(Database):
    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self.connection = connection

    def raw(self, query: str) -> Iterator[Row]:
        with self.connection.cursor("reading") as cursor:
            cursor.itersize = 5000
            yield from cursor.execute(query.encode())

    def has_column(self, table: str, column: str) -> bool:
        query = "SELECT true FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s AND NOT attisdropped"
        return self.connection.execute(query, [table, column]).fetchone() is not None


@contextlib.contextmanager
def opened(where: Path | str | sqlite3.Connection) -> Iterator[Database]:
    """A file by its path, a PostgreSQL database by its DSN, or a SQLite database that is open already."""
    if isinstance(where, sqlite3.Connection):
        yield _Sqlite(where)
    elif isinstance(where, Path):
        with contextlib.closing(_connected(where)) as connection:
            connection.execute("BEGIN")
            yield _Sqlite(connection)
    else:
        with psycopg.connect(where, autocommit=True) as session:
            session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield _Postgres(session)
            session.execute("ROLLBACK")


def _connected(path: Path) -> sqlite3.Connection:
    # Not `ro`: the journal of a killed writer is rolled back by whoever may write. Never makes a file.
    uri = f"file:{quote(str(path.absolute()))}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=30)
    connection.execute("PRAGMA query_only = ON")
    return connection


# --- one form ------------------------------------------------------------------------------------------------------


def _odd(value: Any) -> Any:
    return (type(value).__name__, repr(value))


def _integer(value: Any) -> Any:
    return value if type(value) is int else _odd(value)


def _text(value: Any) -> Any:
    return value if type(value) is str else _odd(value)


def _blob(value: Any) -> Any:
    return value if type(value) is bytes else _odd(value)


def _flag(value: Any) -> Any:
    return int(value) if type(value) in (int, bool) else _odd(value)


def _real(value: Any) -> Any:
    return struct.pack(">d", value) if type(value) is float else _odd(value)


def _decimal(value: Any) -> Any:
    if type(value) not in (int, float, Decimal):
        return _odd(value)
    return Decimal(repr(value) if type(value) is float else value).normalize()


def _timestamp(value: Any) -> Any:
    if type(value) is datetime.datetime:
        return value.isoformat(" ")
    return _text(value)


_PLAIN: Mapping[schema.Kind, Callable[[Any], Any]] = {
    "integer": _integer,
    "text": _text,
    "blob": _blob,
    "timestamp": _timestamp,
    "decimal": _decimal,
    "real": _real,
    "flag": _flag,
}
