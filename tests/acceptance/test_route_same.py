"""One application's text, on SQLite with the standard module and on PostgreSQL with the drop-in: the same output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support import engine as engines
from support import living

APPLICATION = Path(__file__).resolve().parents[1] / "integration" / "route" / "same_application.py"
SCHEMA = (
    "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, price REAL, data BLOB)",
    "CREATE TABLE note (id INTEGER PRIMARY KEY, name TEXT, price REAL)",
    "INSERT INTO note VALUES (1, 'first', 0.5)",
    "INSERT INTO item (name, price) VALUES ('chair', 10.0), ('table', 20.5)",
)


def start(module: str, path: Path) -> subprocess.Popen[str]:
    """The application, which has opened the file and waits."""
    process = subprocess.Popen(
        [sys.executable, str(APPLICATION), module, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "(2,)\n"
    return process


def said(process: subprocess.Popen[str]) -> list[str]:
    """What it says from then on."""
    text, _nothing = process.communicate("go\n", timeout=60)
    assert process.returncode == 0, text
    return text.splitlines()


def test_a_connection_that_was_open_before_the_switch_says_the_same_after_it(postgres_dsn: str, tmp_path: Path) -> None:
    plain = engines.script(tmp_path / "plain.db", *SCHEMA, journal_mode="wal")
    expected = said(start("sqlite3", plain))
    assert len(expected) > 60
    path = engines.script(tmp_path / "app.db", *SCHEMA, journal_mode="wal")
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        application = start("outgrow.sqlite3", path)
        engine.switch("postgres")
        assert said(application) == expected
        # It was PostgreSQL that it ran on, and the file says the same in the end.
        engine.switch("sqlite")
        assert engine.ask("verify")["differences"] == []


def test_a_connection_to_a_followed_file_says_the_same(postgres_dsn: str, tmp_path: Path) -> None:
    plain = engines.script(tmp_path / "plain.db", *SCHEMA, journal_mode="wal")
    expected = said(start("sqlite3", plain))
    path = engines.script(tmp_path / "app.db", *SCHEMA, journal_mode="wal")
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        assert said(start("outgrow.sqlite3", path)) == expected


def test_the_same_without_a_migration(tmp_path: Path) -> None:
    plain, other = (engines.script(tmp_path / name, *SCHEMA, journal_mode="wal") for name in ("a.db", "b.db"))
    assert said(start("outgrow.sqlite3", other)) == said(start("sqlite3", plain))
