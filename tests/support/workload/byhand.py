"""A migration made by hand, in the plainest way: everything stands still while everything is copied.

It tests the workload without outgrow. The stores refuse writes as they do with outgrow: by a trigger's error that begins
with `outgrow:` in SQLite, and has the SQLSTATE OG002 in PostgreSQL.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from support.workload import schema

__all__ = ["prepare", "switch", "switch_back"]

Session = psycopg.Connection[tuple[Any, ...]]


def prepare(dsn: str, shape: schema.Shape, *, fenced: bool = True) -> None:
    """Create the tables in PostgreSQL, closed or with the rows they begin with."""
    with psycopg.connect(dsn) as session:
        session.execute(schema.postgres_ddl(shape).encode())
        if fenced:
            _fence_postgres(session, shape, 0)
            return
        with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
            schema.fill(memory, shape)
            _to_postgres(memory, session, shape)


def switch(
    path: Path,
    dsn: str,
    shape: schema.Shape,
    epoch: int,
    *,
    fence: bool = True,
    closed: Callable[[], object] = lambda: None,
) -> None:
    """Make PostgreSQL primary; `closed` is called when both stores are. Without `fence` the file stays open: a split brain."""
    with _writing(path) as file, psycopg.connect(dsn) as session:
        _to_postgres(file, session, shape)
        session.commit()
        for name in schema.tables(shape) if fence else ():
            for what in ("INSERT", "UPDATE", "DELETE"):
                file.execute(
                    f"CREATE TRIGGER _fence_{name}_{what.lower()} BEFORE {what} ON {name} BEGIN"
                    f" SELECT RAISE(ABORT, 'outgrow: PostgreSQL is the primary of epoch {epoch}'); END"
                )
        file.execute("COMMIT")
        closed()
        _open_postgres(session, shape)


def switch_back(path: Path, dsn: str, shape: schema.Shape, epoch: int) -> None:
    """Make the file primary."""
    with psycopg.connect(dsn) as session:
        _fence_postgres(session, shape, epoch)
        session.commit()
        with _writing(path) as file:
            for name in schema.tables(shape):
                for what in ("insert", "update", "delete"):
                    file.execute(f"DROP TRIGGER _fence_{name}_{what}")
            _to_sqlite(session, file, shape)
            file.execute("COMMIT")


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def _fence_postgres(session: Session, shape: schema.Shape, epoch: int) -> None:
    # Who holds a row lock anywhere has written to the ledger before: nobody is left who could wait for us.
    session.execute("LOCK TABLE ledger IN SHARE ROW EXCLUSIVE MODE")
    session.execute(
        "CREATE OR REPLACE FUNCTION fence() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" RAISE EXCEPTION 'SQLite is the primary of epoch {epoch}' USING ERRCODE = 'OG002'; END $$".encode()
    )
    for name in schema.tables(shape):
        session.execute(
            f"CREATE TRIGGER _fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {name}"
            " FOR EACH STATEMENT EXECUTE FUNCTION fence()".encode()
        )


def _open_postgres(session: Session, shape: schema.Shape) -> None:
    for name in schema.tables(shape):
        session.execute(f"DROP TRIGGER IF EXISTS _fence ON {name}".encode())


def _to_postgres(file: sqlite3.Connection, session: Session, shape: schema.Shape) -> None:
    tables = schema.tables(shape)
    session.execute("SET LOCAL session_replication_role = replica")  # no fence, no foreign key
    session.execute(f"TRUNCATE {', '.join(tables)}".encode())
    for name, table in tables.items():
        columns = dict(table.columns) | ({"rowid": "integer"} if table.rowid else {})
        names = ", ".join(columns)
        with session.cursor().copy(f"COPY {name} ({names}) FROM STDIN".encode()) as copy:
            for row in file.execute(f"SELECT {names} FROM {name}"):
                copy.write_row([_to(kind, value) for kind, value in zip(columns.values(), row, strict=True)])
        if table.generated or table.rowid:
            column = "rowid" if table.rowid else "id"
            session.execute(
                f"SELECT setval(pg_get_serial_sequence('{name}', '{column}'), greatest(1, max({column}))) FROM {name}".encode()
            )


def _to_sqlite(session: Session, file: sqlite3.Connection, shape: schema.Shape) -> None:
    for name, table in schema.tables(shape).items():
        columns = [*table.columns, *(["rowid"] if table.rowid else [])]
        file.execute(f"DELETE FROM {name}")
        marks = ", ".join("?" * len(columns))
        found = session.execute(f"SELECT {', '.join(columns)} FROM {name}".encode())
        file.executemany(
            f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})",
            ([_from(value) for value in row] for row in found),
        )


def _to(kind: schema.Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind == "flag":
        return bool(value)
    return Decimal(repr(value)) if kind == "decimal" else value


def _from(value: Any) -> Any:
    if value is None or type(value) in (int, float, str, bytes):
        return value
    return int(value) if type(value) is bool else str(value)
