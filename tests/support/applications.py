"""An application's SQLite in memory, over whichever library: Python's own, apsw's, or any shared library there is.

All of them say the same: `execute()` gives rows of text or raises `Refused` with SQLite's message. A library is best loaded
in a process of its own.
"""

from __future__ import annotations

import ctypes
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import apsw

__all__ = ["Application", "Apsw", "Library", "Refused", "Rows", "Standard", "loader"]

Rows = list[tuple[str | None, ...]]

_ROW, _DONE = 100, 101


class Refused(Exception):
    """SQLite refused a statement, and says why."""


class Application(Protocol):
    """A connection to an empty database in memory, in autocommit mode."""

    version: tuple[int, ...]

    def execute(self, sql: str) -> Rows:
        """Run one statement."""

    def in_transaction(self) -> bool:
        """Whether a transaction is open."""

    def close(self) -> None:
        """Close it."""


def _texts(rows: list[Any]) -> Rows:
    return [tuple(None if value is None else str(value) for value in row) for row in rows]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


class Standard:
    """Python's `sqlite3`."""

    def __init__(self, path: str | Path = ":memory:") -> None:
        self.version = sqlite3.sqlite_version_info
        self.connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
        self.connection.text_factory = bytes

    def execute(self, sql: str) -> Rows:
        try:
            return _texts(self.connection.execute(sql).fetchall())
        except sqlite3.Error as error:
            raise Refused(str(error)) from error

    def in_transaction(self) -> bool:
        return self.connection.in_transaction

    def close(self) -> None:
        self.connection.close()


class Apsw:
    """The newest SQLite at hand."""

    def __init__(self) -> None:
        self.version = _numbers(apsw.sqlite_lib_version())
        self.connection = apsw.Connection(":memory:")

    def execute(self, sql: str) -> Rows:
        try:
            return _texts(self.connection.execute(sql).fetchall())
        except apsw.Error as error:
            raise Refused(str(error)) from error

    def in_transaction(self) -> bool:
        return self.connection.in_transaction

    def close(self) -> None:
        self.connection.close()


class Library:
    """A shared library of SQLite's, called directly."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._c = library
        self.version = _numbers(library.sqlite3_libversion().decode())
        self._db = ctypes.c_void_p()
        if library.sqlite3_open(b":memory:", ctypes.byref(self._db)):
            raise Refused("cannot open")

    def execute(self, sql: str) -> Rows:
        statement = ctypes.c_void_p()
        text = sql.encode()
        if self._c.sqlite3_prepare_v2(self._db, text, len(text), ctypes.byref(statement), None):
            raise Refused(self._message())
        rows = []
        width = self._c.sqlite3_column_count(statement)
        while (code := self._c.sqlite3_step(statement)) == _ROW:
            values = [self._c.sqlite3_column_text(statement, column) for column in range(width)]
            rows.append(tuple(None if value is None else value.decode(errors="replace") for value in values))
        message = self._message()
        self._c.sqlite3_finalize(statement)
        if code != _DONE:
            raise Refused(message)
        return rows

    def _message(self) -> str:
        return str(self._c.sqlite3_errmsg(self._db).decode())

    def in_transaction(self) -> bool:
        return not self._c.sqlite3_get_autocommit(self._db)

    def close(self) -> None:
        self._c.sqlite3_close(self._db)


def loader(path: str | Path) -> Callable[[], Library]:
    """Makes applications over a shared library; the ones beside it (wheels bundle zlib, say) are loaded first."""
    path = Path(path)
    for other in sorted(path.parent.glob("libz*")):
        ctypes.CDLL(str(other), ctypes.RTLD_GLOBAL)
    library = ctypes.CDLL(str(path))
    library.sqlite3_libversion.restype = ctypes.c_char_p
    library.sqlite3_errmsg.restype = ctypes.c_char_p
    library.sqlite3_errmsg.argtypes = [ctypes.c_void_p]
    library.sqlite3_column_text.restype = ctypes.c_char_p
    library.sqlite3_column_text.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.sqlite3_prepare_v2.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    for name in ("step", "finalize", "column_count", "get_autocommit", "close"):
        getattr(library, f"sqlite3_{name}").argtypes = [ctypes.c_void_p]
    return lambda: Library(library)
