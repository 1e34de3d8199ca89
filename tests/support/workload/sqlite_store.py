"""SQLite as an application uses it, through the standard `sqlite3` module."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

from support.workload import schema, stores

__all__ = ["SqliteStore"]

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_SCHEMA}
_GONE = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL}
_BROKEN_UNIQUE = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


class SqliteStore(stores.Store):
    """A file as an application has it open: foreign keys on, waiting for locks as `sqlite3` does."""

    name = "sqlite"
    errors = (sqlite3.Error,)

    def __init__(
        self,
        path: Path | str,
        tables: Mapping[str, schema.Table],
        fence: stores.Fence = stores.OUTGROW,
        *,
        pragmas: Sequence[str] = (),
        timeout: float = 5.0,
    ) -> None:
        super().__init__(tables, fence)
        self.path, self.pragmas, self.timeout = path, pragmas, timeout
        self.connection: sqlite3.Connection | None = None

    @classmethod
    def over(cls, connection: sqlite3.Connection, tables: Mapping[str, schema.Table]) -> SqliteStore:
        """A store on a connection that is there already."""
        store = cls("", tables)
        store.connection = connection
        return store

    @property
    def open(self) -> sqlite3.Connection:
        """The connection, opened if there is none; never makes a file."""
        if self.connection is None:
            uri = f"file:{quote(str(Path(self.path).absolute()))}?mode=rw"
            connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=self.timeout)
            try:
                for pragma in ("foreign_keys = ON", *self.pragmas):
                    connection.execute(f"PRAGMA {pragma}")
            except sqlite3.Error:
                connection.close()
                raise
            self.connection = connection
        return self.connection

    def begin(self, immediate: bool) -> None:
        self.open.execute("BEGIN IMMEDIATE" if immediate else "BEGIN")

    def commit(self) -> None:
        self.open.execute("COMMIT")

    def abandon(self) -> None:
        if self.connection is None:
            return
        try:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
        except sqlite3.Error:
            self.close()

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def understood(self, error: Exception, committing: bool) -> stores.Trouble:
        message = str(error)
        code = getattr(error, "sqlite_errorcode", None) or 0
        if message.startswith(self.fence.prefix):
            return self.fence.fenced(message)
        if code & 0xFF in _BUSY:
            return stores.Busy(message)
        if code & 0xFF in _GONE:
            self.close()
            return stores.Gone(message, unsure=committing)
        if code in _BROKEN_UNIQUE and "ledger.op" in message:
            return stores.Duplicate(message)
        return stores.Refused(f"{type(error).__name__}: {message}")

    def run(self, statement: str, *parameters: Any) -> list[stores.Row]:
        return self.open.execute(statement, [_plain(value) for value in parameters]).fetchall()

    def many(self, statement: str, rows: Sequence[stores.Row]) -> None:
        self.open.executemany(statement, rows)

    def insert(self, table: str, **values: Any) -> int | None:
        plain = [_plain(value) for value in values.values()]
        rowid = self.open.execute(stores.insert_statement(table, values), plain).lastrowid
        return rowid if self.tables[table].generated else None

    def ignore(self, table: str, **values: Any) -> None:
        self.run(stores.insert_statement(table, values, "INSERT OR IGNORE"), *values.values())

    def replace(self, table: str, **values: Any) -> None:
        self.run(stores.insert_statement(table, values, "INSERT OR REPLACE"), *values.values())

    def move(self, table: str, where: Mapping[str, Any], **values: Any) -> None:
        self.run(stores.update_statement(table, values, where, "UPDATE OR REPLACE"), *values.values(), *where.values())

    def empty(self, table: str) -> None:
        self.run(f"DELETE FROM {table}")

    def stumble(self, statement: str, *parameters: Any) -> None:
        try:
            self.run(statement, *parameters)
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorcode not in _BROKEN_UNIQUE:  # a fence is an IntegrityError, too
                raise
