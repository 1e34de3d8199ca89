"""A schema that was changed and changed back between two looks: what happened in between met no trigger, and is found."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import psycopg
import pytest

from outgrow import migration
from support import engine as engines
from support import living

ROWS = [(1, "x", 1), (2, "x2", 2), (3, "y", 3)]

FILE = {
    "an index whose conflict deleted a row": (
        "CREATE UNIQUE INDEX i ON t (u)",
        "REPLACE INTO t VALUES (9, 'x', 9)",
        "DROP INDEX i",
    ),
    "a column made anew": ("ALTER TABLE t DROP COLUMN v", "ALTER TABLE t ADD COLUMN v INTEGER"),
    "a table made anew": (
        "CREATE TABLE n (id INTEGER PRIMARY KEY, u TEXT, v INTEGER)",
        "INSERT INTO n SELECT id, u, v * 100 FROM t",
        "DROP TABLE t",
        "ALTER TABLE n RENAME TO t",
    ),
}

TARGET = {
    "rows computed anew": ("ALTER TABLE t ALTER v TYPE bigint USING v * 10",),
    "a column made anew": ("ALTER TABLE t DROP COLUMN v", "ALTER TABLE t ADD COLUMN v bigint DEFAULT 5"),
    "a trigger that was off": (
        "ALTER TABLE t DISABLE TRIGGER USER",
        "UPDATE t SET v = 7",
        "ALTER TABLE t ENABLE TRIGGER USER",
    ),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = engines.script(
        tmp_path / "app.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT, v INTEGER)", journal_mode="wal"
    )
    with sqlite3.connect(made) as connection:
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", ROWS)
    connection.close()
    return made


def at_once(path: Path, statements: tuple[str, ...]) -> None:
    """One transaction, after which all the table's triggers are what they were."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute("BEGIN")
    triggers = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 't'").fetchall()
    for statement in statements:
        connection.execute(statement)
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 't'").fetchall():
        for (trigger,) in triggers:
            connection.execute(trigger)
    connection.execute("COMMIT")
    connection.close()


def in_file(path: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path, timeout=30)
    try:
        return connection.execute("SELECT id, u, v FROM t ORDER BY id").fetchall()
    finally:
        connection.close()


def in_postgres(dsn: str) -> list[tuple[object, ...]]:
    return engines.execute(dsn, "SELECT id, u, v FROM t ORDER BY id")


@pytest.mark.parametrize("running", [True, False], ids=["followed", "while no engine runs"])
@pytest.mark.parametrize("what", FILE)
def test_a_file_whose_schema_came_back(what: str, running: bool, postgres_dsn: str, path: Path, tmp_path: Path) -> None:
    with living.Engine(tmp_path, path, postgres_dsn, verify_every=600) as engine:
        engine.start().ready()
        if not running:
            engine.stop()
        at_once(path, FILE[what])
        if not running:
            engine.start()
        wanted = in_file(path)
        assert wanted != ROWS
        living.until(lambda: in_postgres(postgres_dsn) == wanted, "the same rows")
        engine.switch("postgres")
        assert in_postgres(postgres_dsn) == wanted


@pytest.mark.parametrize("what", TARGET)
def test_a_target_whose_tables_came_back(what: str, postgres_dsn: str, path: Path, tmp_path: Path) -> None:
    with living.Engine(tmp_path, path, postgres_dsn, verify_every=600) as engine:
        engine.start().ready()
        engine.switch("postgres")
        with psycopg.connect(postgres_dsn) as session:
            for statement in TARGET[what]:
                session.execute(statement.encode())
        engine.switch("sqlite")
        wanted = in_postgres(postgres_dsn)
        assert wanted != ROWS
        assert in_file(path) == wanted


def test_a_migration_whose_table_was_dropped_can_be_given_up(postgres_dsn: str, path: Path, tmp_path: Path) -> None:
    """By the command that the engine names when it ends."""
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        engines.script(path, "DROP TABLE t")
        assert engine.ended() == 2
        assert "outgrow abort" in engine.said
    assert migration.command(path, None, "abort", {})["phase"] == "aborted"
    left = "SELECT to_regclass('t'), to_regnamespace('outgrow')"
    assert engines.execute(postgres_dsn, left) == [(None, None)]
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()


@pytest.mark.parametrize("switched", [False, True], ids=["followed", "following"])
def test_a_file_that_another_one_took_the_place_of(
    switched: bool, postgres_dsn: str, path: Path, tmp_path: Path
) -> None:
    """The engine ends: it would follow a file that nobody can open any more, and fence that."""
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        if switched:
            engine.switch("postgres")
        shutil.copyfile(path, tmp_path / "copy")
        os.replace(tmp_path / "copy", path)
        assert engine.ended() == 2
        assert "is another file now" in engine.said
        assert "--resync" in engine.said
