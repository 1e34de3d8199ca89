"""PostgreSQL as an application uses it, with SQLite's meaning of every operation."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from support.workload import schema, stores

__all__ = ["PostgresStore"]

_WAIT = re.compile("40...|55P03|57014|53300")
_LOST = re.compile("08...|57P..|58...|53...|XX...")


class PostgresStore(stores.Store):
    """A connection as an application has it: READ COMMITTED, one statement after the other."""

    name = "postgres"
    errors = (psycopg.Error,)

    def __init__(
        self,
        dsn: str,
        tables: Mapping[str, schema.Table],
        fence: stores.Fence = stores.OUTGROW,
        *,
        timeout: float = 30.0,
    ) -> None:
        super().__init__(tables, fence)
        self.dsn, self.timeout = dsn, timeout
        self.connection: psycopg.Connection[stores.Row] | None = None

    @property
    def open(self) -> psycopg.Connection[stores.Row]:
        """The connection, opened if there is none."""
        if self.connection is None:
            connection = psycopg.connect(self.dsn, autocommit=True, connect_timeout=5, application_name="workload")
            self.connection = connection
            connection.execute("SELECT set_config('statement_timeout', %s, false)", [f"{self.timeout:.0f}s"])
        return self.connection

    def begin(self, immediate: bool) -> None:
        self.open.execute("BEGIN", prepare=False)

    def commit(self) -> None:
        if (status := self.open.execute("COMMIT", prepare=False).statusmessage) != "COMMIT":
            raise psycopg.InternalError(f"COMMIT was answered by {status}")

    def abandon(self) -> None:
        if self.connection is None:
            return
        try:
            self.connection.execute("ROLLBACK", prepare=False)
        except psycopg.Error:
            self.close()

    def close(self) -> None:
        if self.connection is not None:
            with contextlib.suppress(psycopg.Error):
                self.connection.close()
            self.connection = None

    def understood(self, error: Exception, committing: bool) -> stores.Trouble:
        assert isinstance(error, psycopg.Error)
        message = str(error).strip()
        state = error.sqlstate or ""
        if state == self.fence.state:
            return self.fence.fenced(message)
        if self.connection is None or self.connection.closed or _LOST.fullmatch(state):
            self.close()
            return stores.Gone(message, unsure=committing)
        if _WAIT.fullmatch(state):
            return stores.Busy(message)
        if isinstance(error, psycopg.errors.UniqueViolation) and error.diag.table_name == "ledger":
            return stores.Duplicate(message)
        return stores.Refused(f"{state} {message}")

    def run(self, statement: str, *parameters: Any) -> list[stores.Row]:
        cursor = self.open.execute(statement.replace("?", "%s").encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def many(self, statement: str, rows: Sequence[stores.Row]) -> None:
        with self.open.cursor() as cursor:
            cursor.executemany(statement.replace("?", "%s").encode(), rows)

    def insert(self, table: str, **values: Any) -> int | None:
        if not self.tables[table].generated:
            self.run(stores.insert_statement(table, values), *values.values())
            return None
        ((number,),) = self.run(f"{stores.insert_statement(table, values)} RETURNING id", *values.values())
        return int(number)

    def ignore(self, table: str, **values: Any) -> None:
        self.run(f"{stores.insert_statement(table, values)} ON CONFLICT DO NOTHING", *values.values())

    def replace(self, table: str, **values: Any) -> None:
        for columns in self.tables[table].unique:
            if all(values.get(column) is not None for column in columns):
                self.run(f"DELETE FROM {table} WHERE {self._same(table, columns)}", *map(values.get, columns))
        self.insert(table, **values)

    def move(self, table: str, where: Mapping[str, Any], **values: Any) -> None:
        unique = self.tables[table].unique
        key, names = unique[0], sorted({column for columns in unique for column in columns})
        condition = " AND ".join(f"{name} = ?" for name in where)
        found = self.run(f"SELECT {', '.join(names)} FROM {table} WHERE {condition}", *where.values())
        if not found:
            return
        (row,) = found
        old = dict(zip(names, row, strict=True))
        new = old | {name: value for name, value in values.items() if name in old}
        for columns in unique:
            if all(new[column] is not None for column in columns):
                self.run(
                    f"DELETE FROM {table} WHERE {self._same(table, columns)} AND NOT ({self._same(table, key)})",
                    *map(new.get, columns),
                    *map(old.get, key),
                )
        self.run(
            stores.update_statement(table, values, {name: old[name] for name in key}),
            *values.values(),
            *map(old.get, key),
        )

    def empty(self, table: str) -> None:
        self.run(f"TRUNCATE {table} CASCADE")

    def stumble(self, statement: str, *parameters: Any) -> None:
        self.run("SAVEPOINT stumble")
        try:
            self.run(statement, *parameters)
        except psycopg.errors.UniqueViolation:
            self.run("ROLLBACK TO SAVEPOINT stumble")
        self.run("RELEASE SAVEPOINT stumble")

    def _same(self, table: str, columns: Sequence[str]) -> str:
        nocase = self.tables[table].nocase
        terms = [
            f'lower({column} COLLATE "C") = lower(? COLLATE "C")' if column == nocase else f"{column} = ?"
            for column in columns
        ]
        return " AND ".join(terms)
