"""The end of a migration whose application goes through the router: its processes go on, and so do those that come later."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from outgrow import errors, migration
from support import engine as engines
from support import ledgers, living

SHELL = Path(__file__).resolve().parents[1] / "integration" / "route" / "shell_application.py"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return engines.script(
        tmp_path / "app.db",
        "CREATE TABLE entry (id INTEGER PRIMARY KEY, worker INTEGER, number INTEGER, UNIQUE (worker, number))",
        "CREATE TABLE counter (id INTEGER PRIMARY KEY, value INTEGER NOT NULL)",
        "INSERT INTO counter VALUES (1, 0)",
        journal_mode="wal",
    )


def says(module: str, path: Path, *statements: str) -> list[str]:
    """What a process says that opens the file by now."""
    text = SHELL.read_text().replace("from outgrow import sqlite3", f"import {module} as sqlite3")
    done = subprocess.run(
        [sys.executable, "-c", text, str(path)],
        input="\n".join(statements) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def relations(dsn: str) -> set[str]:
    found = engines.execute(
        dsn, "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('outgrow') AND relkind IN ('r', 'v')"
    )
    return {name for (name,) in found}


def command(path: Path, dsn: str, name: str, **arguments: Any) -> dict[str, Any]:
    """A command as the library offers it: it does the work here where no engine runs."""
    return dict(migration.command(path, dsn, name, arguments))


def test_processes_write_on_through_finish_and_after_it_without_an_engine(
    postgres_dsn: str, tmp_path: Path, path: Path
) -> None:
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        with ledgers.application(tmp_path, path) as running:
            running.goes_on()
            engine.switch("postgres")
            running.goes_on()
            assert engine.ask("finish")["router"] == "kept"
            assert engine.ended() == 0
            running.goes_on()
            running.stop()
            assert ledgers.complaints(running.acknowledged(), postgres_dsn) == []
    assert relations(postgres_dsn) == {"standing", "catalog", "migration", "writer"}
    assert engines.execute(
        postgres_dsn, "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE '%outgrow%'"
    ) == [(0,)]
    # A process of later, and one that does not know of the router.
    count = engines.execute(postgres_dsn, "SELECT count(*) FROM entry")[0][0]
    assert says(
        "outgrow.sqlite3",
        path,
        "BEGIN IMMEDIATE",
        "INSERT INTO entry (worker, number) VALUES (9, 1)",
        "COMMIT",
        "SELECT count(*) FROM entry",
    ) == ["[]", "[]", "[]", f"[({count + 1},)]"]
    assert says("sqlite3", path, "INSERT INTO entry (worker, number) VALUES (9, 2)") == ["IntegrityError: outgrow"]
    assert command(path, postgres_dsn, "finish")["router"] == "kept", "the same once more changes nothing"
    for name in ("switch", "rollback", "abort"):
        with pytest.raises(errors.PhaseRefused, match="finished"):
            command(path, postgres_dsn, "switch" if name == "rollback" else name)
    told = migration.status(path, None)
    assert (told["phase"], told["primary"], told["trouble"]) == ("finished", "postgres", None)
    assert "--drop-router" in told["checks"][0]["remedy"]
    with pytest.raises(errors.PhaseRefused, match="finished"):
        migration.verify(path)
    assert command(path, postgres_dsn, "finish", router="drop")["router"] == "removed"
    assert relations(postgres_dsn) == set()
    assert says("sqlite3", path, "SELECT count(*) FROM sqlite_master WHERE name LIKE '%outgrow%'") == ["[(0,)]"]
    assert path.stat().st_mode & 0o222 == 0
    told = migration.status(path, postgres_dsn)
    assert (told["phase"], told["primary"], told["epoch"]) == ("finished", "postgres", 1)
    assert [(check["found"].split(";")[0], check["remedy"].split(" ")[0]) for check in told["checks"]] == [
        ("it is finished", "nothing")
    ]
    with psycopg.connect(postgres_dsn) as session:
        session.execute("INSERT INTO entry (worker, number) VALUES (9, 3)")


@pytest.mark.parametrize("point", ["end.file_clean", "end.target_clean"])
def test_a_finish_that_was_killed_keeps_the_router_when_it_is_completed(
    point: str, postgres_dsn: str, path: Path, tmp_path: Path
) -> None:
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start(failpoint=f"{point}=kill").ready()
        engine.switch("postgres")
        with pytest.raises(errors.EngineMissing):
            engine.ask("finish", router="keep")
        engine.died()
    write = "INSERT INTO entry (worker, number) VALUES (1, 1)"
    assert says("outgrow.sqlite3", path, write) == ["[]"]
    assert command(path, postgres_dsn, "finish")["router"] == "kept"
    assert says("outgrow.sqlite3", path, "SELECT number FROM entry") == ["[(1,)]"]
    assert relations(postgres_dsn) == {"standing", "catalog", "migration", "writer"}
