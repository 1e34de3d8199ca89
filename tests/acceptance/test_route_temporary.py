"""What is temporary in SQLite is refused at PostgreSQL, where it could not be found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from outgrow import sqlite3
from support import engine as engines
from support import living

STATEMENTS = (
    "CREATE TEMP TABLE item (id INTEGER)",
    "create temporary table other as select * from item",
    "CREATE TABLE temp.other (id INTEGER)",
    "CREATE TEMP VIEW v AS SELECT 1",
)


def test_it_is_refused_and_the_real_table_is_what_it_was(postgres_dsn: str, tmp_path: Path) -> None:
    path = engines.script(
        tmp_path / "app.db",
        "CREATE TABLE item (id INTEGER PRIMARY KEY)",
        "INSERT INTO item VALUES (1)",
        journal_mode="wal",
    )
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        engine.switch("postgres")
        connection = sqlite3.connect(path)
        for statement in STATEMENTS:
            with pytest.raises(sqlite3.OperationalError, match="temporary"):
                connection.execute(statement)
        assert connection.execute("SELECT id FROM item").fetchall() == [(1,)]
        connection.close()
