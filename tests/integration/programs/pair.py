"""One file in SQLite and what `outgrow copy` made of it, with statements that run in both and are compared."""

from __future__ import annotations

import contextlib
import decimal
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from outgrow import migration
from outgrow.dialect import catalog, statement, statements
from outgrow.model import plan
from outgrow.postgres import dialect_functions

__all__ = ["SEVERAL", "Failed", "Pair", "pair", "planned"]

SEVERAL = "PostgreSQL refuses that the statement changes several rows"


@dataclass(frozen=True)
class Failed:
    """A statement that failed; `raised` is the message of a trigger's RAISE(ABORT, …)."""

    raised: str = ""


@dataclass(repr=False)
class Pair:
    """Both databases, each in a transaction that nothing commits."""

    lite: sqlite3.Connection
    post: psycopg.Connection[Any]
    plan: plan.Plan
    known: catalog.Catalog

    def both(self, sql: str, *parameters: Any) -> tuple[Any, Any]:
        """What a statement gives here and there: its rows and count, or that it failed."""
        found = statements.translate(sql, self.known, parameters)
        return self._here(sql, parameters), self._there(found, parameters)

    def same(self, sql: str, *parameters: Any) -> Any:
        """What a statement does in both databases, which must be the same, with all tables and views afterwards."""
        self.lite.execute("SAVEPOINT both")
        here, there = self.both(sql, *parameters)
        if there == SEVERAL:
            self.lite.execute("ROLLBACK TO both")
            here = there
        self.lite.execute("RELEASE both")
        assert here == there, sql
        self.alike(sql)
        return here

    def alike(self, about: str = "") -> None:
        """Compare every table and every view that is translated."""
        for name in [table.source for table in self.plan.tables] + [v.name for v in self.plan.views if not v.reason]:
            here, there = self.both(f'SELECT * FROM "{name}"')
            assert here == there, f"{name} after {about}"

    def _here(self, sql: str, parameters: tuple[Any, ...]) -> Any:
        try:
            cursor = self.lite.execute(sql, parameters)
            rows = sorted(map(_exact, cursor.fetchall()))
        except sqlite3.IntegrityError as error:
            trigger = error.sqlite_errorname == "SQLITE_CONSTRAINT_TRIGGER"
            return Failed(str(error) if trigger else "")
        return rows, 0 if cursor.description else cursor.rowcount

    def _there(self, found: statement.Statement, parameters: tuple[Any, ...]) -> Any:
        rows: list[tuple[Any, ...]] = []
        count = 0
        try:
            with self.post.transaction():
                for step in found.steps:
                    cursor = psycopg.RawCursor(self.post)
                    cursor.execute(step.sql.encode(), [parameters[int(slot)] for slot in step.slots])
                    count = cursor.rowcount
                    rows = cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            if error.sqlstate in found.ignored:
                return [], 0
            if error.sqlstate == "OG004":
                return SEVERAL
            if error.sqlstate == "OG005":
                return Failed(str(error.diag.message_primary))
            if (error.sqlstate or "").startswith("23"):
                return Failed()
            raise
        if found.gives_rowid:
            rows = [row[:-1] for row in rows]
        return (sorted(map(_exact, rows)), 0) if found.rows else ([], count)


def _exact(row: tuple[Any, ...]) -> list[str]:
    return [f"{type(value).__name__} {value!r}" for value in map(_plain, row)]


def _plain(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        whole = value.is_finite() and not value.as_tuple().exponent
        return int(value) if whole else float(value)
    return bytes(value) if isinstance(value, memoryview) else value


def planned(directory: Path, script: str) -> plan.Plan:
    """The plan of a file that a script makes."""
    return migration.make_plan(_made(directory, script)).plan


def _made(directory: Path, script: str) -> Path:
    path = directory / "app.db"
    path.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as lite:
        lite.executescript(script)
        lite.commit()
    return path


@contextlib.contextmanager
def pair(directory: Path, dsn: str, script: str) -> Iterator[Pair]:
    """Both databases with what a script makes; only one pair at a time can be of one target."""
    path = _made(directory, script)
    report = migration.copy(path, dsn)
    assert report.quarantined == 0
    assert not report.notes
    with (
        contextlib.closing(sqlite3.connect(path, isolation_level=None)) as lite,
        psycopg.connect(dsn, autocommit=True) as post,
    ):
        dialect_functions.install(post)
        lite.execute("PRAGMA foreign_keys = ON")
        lite.execute("BEGIN")
        with post.transaction(force_rollback=True):
            yield Pair(lite, post, report.plan, catalog.Catalog.of(report.plan))
        lite.execute("ROLLBACK")
