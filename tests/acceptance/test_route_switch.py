"""An application in several processes, through switch, rollback and switch: no error, and nothing acknowledged is lost."""

from __future__ import annotations

from pathlib import Path

import psycopg

from support import engine as engines
from support import ledgers, living


def test_nothing_is_lost_and_no_error_is_seen_through_switch_rollback_and_switch(
    postgres_dsn: str, tmp_path: Path
) -> None:
    path = engines.script(
        tmp_path / "app.db",
        "CREATE TABLE entry (id INTEGER PRIMARY KEY, worker INTEGER, number INTEGER, UNIQUE (worker, number))",
        "CREATE TABLE counter (id INTEGER PRIMARY KEY, value INTEGER NOT NULL)",
        "INSERT INTO counter VALUES (1, 0)",
        journal_mode="wal",
    )
    with living.Engine(tmp_path, path, postgres_dsn) as engine, ledgers.application(tmp_path, path) as running:
        running.goes_on(5)
        engine.start().ready()
        for store in ("postgres", "sqlite", "postgres"):
            running.goes_on()
            engine.switch(store)
        running.goes_on()
        running.stop()
        acknowledged = running.acknowledged()
        assert ledgers.complaints(acknowledged, postgres_dsn) == []
        # Shown to see what it looks for.
        with psycopg.connect(postgres_dsn) as session:
            session.execute("DELETE FROM entry WHERE worker = 1 AND number = 3")
            session.execute("UPDATE counter SET value = value - 1")
        assert len(ledgers.complaints(acknowledged, postgres_dsn)) == 2
