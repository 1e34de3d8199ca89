"""Dual write: a commit returns when both stores have it, and no later than the timeout when one of them is away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from outgrow.sqlite import connection
from support import engine as engines
from support import living

APPLICATION = Path(__file__).resolve().parents[1] / "integration" / "route" / "dual_application.py"
AIOSQLITE = APPLICATION.with_name("aiosqlite_dual.py")
TIMEOUT = 0.5


class Application:
    """The application in its process: `ask` has it do something, and gives what it says."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(APPLICATION), str(path), str(TIMEOUT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def ask(self, what: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(what + "\n")
        said = self._process.stdout.readline()
        assert said, f"it ended with {self._process.wait()}"
        return json.loads(said)

    def write(self, way: str) -> tuple[int, float]:
        """The id of a new row, and how long its commit took."""
        number, seconds = self.ask(way)
        return number, seconds

    def metrics(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("metrics")
        return found

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return engines.script(
        tmp_path / "app.db", "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL)", journal_mode="wal"
    )


@pytest.fixture
def application(path: Path) -> Iterator[Application]:
    running = Application(path)
    yield running
    running.end()


def rows(path: Path, sql: str) -> list[Any]:
    """What the file has, read as outgrow reads it."""
    with connection.open_source(path, functions=False) as source:
        return list(source.main.execute(sql))


WAYS = (
    "commit",
    "block",
    "autocommit",
    "autocommit returning",
    "begin and commit",
    "executemany",
    "autocommit executemany",
    "script",
    "thread",
)


def test_whatever_way_is_committed_the_other_store_has_it_when_the_commit_returns(
    postgres_dsn: str, tmp_path: Path, path: Path, application: Application
) -> None:
    assert application.write("commit")[0] == 1
    assert application.metrics()["dual_confirmed"] == 0, "without a migration nothing is waited for"
    with (
        living.Engine(tmp_path, path, postgres_dsn) as engine,
        psycopg.connect(postgres_dsn, autocommit=True) as target,
    ):
        engine.start().ready()
        confirmed = 0
        for way in WAYS:
            number, _seconds = application.write(way)
            assert target.execute("SELECT count(*) FROM item WHERE id = %s", (number,)).fetchone() == (1,), way
            confirmed += 1
            assert application.metrics()["dual_confirmed"] == confirmed, way
        application.ask("read")
        application.ask("rollback")
        assert application.metrics()["dual_confirmed"] == confirmed, "what writes nothing does not wait"
        engine.switch("postgres")
        for way in WAYS:
            number, _seconds = application.write(way)
            assert rows(path, f"SELECT count(*) FROM item WHERE id = {number}") == [(1,)], way
            confirmed += 1
            assert application.metrics()["dual_confirmed"] == confirmed, way
        application.ask("read")
        application.ask("rollback")
        found = application.metrics()
        assert (found["dual_confirmed"], found["dual_timed_out"], found["dual_unwaited"]) == (confirmed, 0, 0)
        assert 0 < found["dual_wait_seconds_max"] < TIMEOUT
        assert found["statements_there"] > 0
        assert found["statements_here"] > 0


@pytest.mark.parametrize("primary", ["sqlite", "postgres"])
def test_without_an_engine_commits_go_on_and_with_it_they_are_caught_up(
    postgres_dsn: str, tmp_path: Path, path: Path, application: Application, primary: str
) -> None:
    with (
        living.Engine(tmp_path, path, postgres_dsn) as engine,
        psycopg.connect(postgres_dsn, autocommit=True) as target,
    ):
        engine.start().ready()
        if primary == "postgres":
            engine.switch("postgres")
        application.write("commit")
        engine.kill()
        _number, seconds = application.write("commit")
        assert TIMEOUT <= seconds < TIMEOUT + 0.4
        found = application.metrics()
        assert (found["dual_timed_out"], found["dual_behind"]) == (1, True)
        spent = [application.write("commit")[1] for _time in range(20)]
        assert sorted(spent)[10] < TIMEOUT / 4, "only the first one waits"
        found = application.metrics()
        assert (found["dual_timed_out"], found["dual_unwaited"], found["dual_behind"]) == (1, 20, True)
        engine.start().caught_up()
        living.until(lambda: not application.metrics()["dual_behind"], "the other store is not behind any more")
        before = application.metrics()["dual_confirmed"]
        application.write("commit")
        assert application.metrics()["dual_confirmed"] == before + 1
        engine.caught_up()
        (there,) = target.execute("SELECT count(*) FROM item").fetchone() or (0,)
        assert rows(path, "SELECT count(*) FROM item") == [(there,)]
        assert there == 23


def test_many_connections_of_aiosqlite_at_once(postgres_dsn: str, tmp_path: Path, path: Path) -> None:
    """Whoever awaits a commit finds its row in the other store, before the switch and after it; what is undone is nowhere."""

    def write(follower: str, **environment: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, str(AIOSQLITE), str(path), postgres_dsn, follower],
            env={**os.environ, "OUTGROW_DUAL_WRITE_TIMEOUT": "20", "ENABLE_DUAL_WRITE": "true", **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        for follower in ("postgres", "sqlite"):
            found = write(follower)
            assert (found["written"], found["missing"]) == (60, [])
            assert found["metrics"]["dual_confirmed"] == 60
            assert bool(found["metrics"]["statements_there"]) is (follower == "sqlite")
            if follower == "postgres":
                engine.switch("postgres")
        engine.caught_up()
        assert rows(path, "SELECT count(*), count(DISTINCT name) FROM item") == [(120, 60)]
        assert engine.ask("verify")["differences"] == []
        os.kill(engine.process, signal.SIGSTOP)
        try:
            without = write("sqlite", OUTGROW_DUAL_WRITE_TIMEOUT="0.01")
        finally:
            os.kill(engine.process, signal.SIGCONT)
        assert without["missing"], "a follower that stands still is noticed"
