"""The database: one SQLite file, one connection a request."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import fastapi

SCHEMA = pathlib.Path(__file__).with_name("schema.sql")

PATIENCE = 15.0
"""Seconds for which a writer waits for another."""

Connection = sqlite3.Connection
IntegrityError = sqlite3.IntegrityError
OperationalError = sqlite3.OperationalError
Row = sqlite3.Row


def path() -> str:
    """Where the file is."""
    return os.environ.get("HOMEVERSE_DATABASE", "homeverse.db")


def connect() -> sqlite3.Connection:
    """A new connection; rows by name, and no foreign keys: the file has rows that break them, from years ago."""
    connection = sqlite3.connect(path(), timeout=PATIENCE, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = OFF")  # some builds of SQLite start with ON
    return connection


def get_db() -> Iterator[sqlite3.Connection]:
    """The connection of a request; what was not committed is gone at its end."""
    connection = connect()
    try:
        yield connection
    finally:
        connection.close()


Db = Annotated[sqlite3.Connection, fastapi.Depends(get_db)]


@contextlib.contextmanager
def immediate(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A transaction that is the only writer from its beginning: for reading a value, and writing what follows from it."""
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        yield connection


def init_schema() -> None:
    """Make what is not there yet; run at each start, by every worker at once."""
    with contextlib.closing(connect()) as connection:
        _into_wal_mode(connection)
        with immediate(connection):
            for statement in statements(SCHEMA.read_text(encoding="utf-8")):
                words = statement.split()
                if words[0].upper() == "ALTER":  # ALTER TABLE t ADD COLUMN c …: SQLite knows no IF NOT EXISTS there
                    columns = connection.execute(f"PRAGMA table_info({words[2]})").fetchall()
                    if any(column["name"] == words[5].strip('"') for column in columns):
                        continue
                connection.execute(statement)


def _into_wal_mode(connection: sqlite3.Connection) -> None:
    """Several readers beside a writer; for this change alone SQLite does not wait for other workers that begin as well."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as problem:
            if "locked" not in str(problem) or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def statements(script: str) -> Iterator[str]:
    """The statements of a script, without the lines of comments before them."""
    gathered = ""
    for line in script.splitlines(keepends=True):
        if not gathered and (not line.strip() or line.startswith("--")):
            continue
        gathered += line
        if sqlite3.complete_statement(gathered):
            yield gathered.strip()
            gathered = ""


def decoded(text: str | None) -> Any:
    """The value of a JSON column; None for what never was JSON (an empty body, NaN)."""
    if not text:
        return None
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except ValueError:
        return None


def shown(row: sqlite3.Row, *, documents: Sequence[str] = (), flags: Sequence[str] = ()) -> dict[str, Any]:
    """A row as the API shows it: JSON columns as values, 0 and 1 as false and true."""
    found: dict[str, Any] = dict(row)
    for name in documents:
        found[name] = decoded(found[name])
    for name in flags:
        found[name] = None if found[name] is None else bool(found[name])
    return found


def like(text: str) -> str:
    r"""The pattern for texts that contain this one; goes with ESCAPE '\'."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
