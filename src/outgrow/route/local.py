"""A SELECT evaluated here, by SQLite, over rows that are fetched: for functions that only the application has."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from outgrow.dialect import identifiers
from outgrow.route.standard import sqlite3

if TYPE_CHECKING:
    from outgrow.route import oracle, session

__all__ = ["evaluate"]


def evaluate(
    holder: session.Session,
    schema: oracle.Oracle,
    functions: dict[Any, Callable[[sqlite3.Connection], None]],
    sql: str,
    parameters: Any,
) -> tuple[list[Any], Any]:
    """The rows, and the cursor that describes them. Every table that the statement names is fetched: right, and slow."""
    named: set[str] = set()

    def note(action: int, first: str | None, *_more: Any) -> int:
        if action == sqlite3.SQLITE_READ and first:
            named.add(first)
        return sqlite3.SQLITE_OK

    rows, _cursor = schema.answer(
        "SELECT name,sql FROM sqlite_master WHERE type IN ('table','view') AND sql IS NOT NULL", ()
    )
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        tables = []
        for name, made in rows:
            with contextlib.suppress(sqlite3.Error):
                memory.execute(made)
                tables.append(name)
        for register in functions.values():
            register(memory)
        memory.set_authorizer(note)
        memory.execute("EXPLAIN " + sql, parameters).fetchall()
        memory.set_authorizer(None)
        for name in tables:
            if name in named:
                _fill(holder, memory, name)
        cursor = memory.execute(sql, parameters)
        return cursor.fetchall(), cursor


def _fill(holder: session.Session, memory: sqlite3.Connection, table: str) -> None:
    quoted = identifiers.quote_sqlite(table)
    found = memory.execute(f"PRAGMA table_info({quoted})").fetchall()
    columns = ",".join(identifiers.quote_sqlite(row[1]) for row in found)
    marks = ",".join("?" * len(found))
    made = holder.fetched(f"SELECT {columns} FROM {quoted}")
    memory.executemany(f"INSERT INTO {quoted}({columns}) VALUES({marks})", made)
