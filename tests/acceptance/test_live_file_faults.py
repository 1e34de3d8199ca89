"""The file's side of a live migration fails: locks that are not let go, full disks, clocks set back, kills near the end."""

from __future__ import annotations

import ast
import concurrent.futures
import contextlib
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import outgrow
from outgrow import errors, migration
from outgrow.migration import control
from outgrow.sqlite import file_state
from support import engine as engines
from support import living
from support.stage import staged

HOLDER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
db.execute("BEGIN IMMEDIATE")
for statement in sys.argv[2:]:
    db.execute(statement)
print("held", flush=True)
sys.stdin.readline()
db.execute("COMMIT")
"""

APPLICATION = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
for statement in sys.argv[2:]:
    for row in db.execute(statement):
        print(*row)
"""

SIDES = {"sqlite": "postgres", "postgres": "sqlite"}
DEADLINE = 0.5
SOON = 5.0
"""Seconds within which a switch with that deadline has to have an answer, on a busy machine."""


@contextlib.contextmanager
def held(path: Path, *statements: str) -> Iterator[None]:
    """An application's transaction that has the file's write lock for the length of the block, and is committed then."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path, *statements], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
        process.communicate("go on\n")
        assert process.returncode == 0


def application(path: Path, *statements: str) -> subprocess.CompletedProcess[str]:
    """The application's statements, in a process of its own with the standard library's SQLite."""
    return subprocess.run(
        [sys.executable, "-c", APPLICATION, path, *statements], capture_output=True, text=True, check=False
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a few rows."""
    found = tmp_path / "app.db"
    done = application(
        found,
        "PRAGMA journal_mode = wal",
        "CREATE TABLE item (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE)",
        "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 300)"
        " INSERT INTO item (name) SELECT 'item ' || n FROM c",
    )
    assert done.returncode == 0, done.stderr
    return found


def refused(engine: living.Engine, goal: str) -> errors.OutgrowError:
    """Ask for a switch that has to be given up in time; what it says."""
    began = time.monotonic()
    with pytest.raises(errors.Retryable) as found:
        engine.ask("switch", to=goal, deadline=DEADLINE)
    assert time.monotonic() - began < SOON
    assert found.value.hint
    return found.value


def stands(engine: living.Engine, primary: str, epoch: int) -> None:
    """Require that the engine says who is the primary."""
    found = engine.facts()
    assert found is not None
    assert (found["primary"], found["epoch"]) == (primary, epoch)


# --- Locks that are not let go ----------------------------------------------------------------------------------------


def test_a_switch_gives_up_on_a_file_that_stays_locked(postgres_dsn: str, tmp_path: Path) -> None:
    """The transaction that had the lock commits as if nothing had been, and the next switch works."""
    with staged(tmp_path, postgres_dsn) as stage:
        stage.engine.start().ready()
        with held(stage.path, "UPDATE doc SET name = name WHERE id = 1"):
            assert "locked by the application" in str(refused(stage.engine, "postgres"))
            stands(stage.engine, "sqlite", 0)
        stage.load.accepted("sqlite", 3)
        stage.engine.switch("postgres")
        stage.load.accepted("postgres", 3)
        stage.judge(last_epoch=1)


def test_a_rollback_gives_up_on_a_transaction_that_stays_open(postgres_dsn: str, tmp_path: Path) -> None:
    """It is named, it commits, and the next rollback works."""
    with staged(tmp_path, postgres_dsn) as stage:
        stage.engine.start().ready()
        stage.engine.switch("postgres")
        with psycopg.connect(postgres_dsn, application_name="nightly report") as session:
            session.execute("UPDATE doc SET name = name WHERE id = 1")
            assert "nightly report" in str(refused(stage.engine, "sqlite"))
            stands(stage.engine, "postgres", 1)
            stage.load.accepted("postgres", 3)
            session.commit()
        stage.engine.switch("sqlite")
        stage.load.accepted("sqlite", 3)
        stage.judge(last_epoch=2)


def test_a_rollback_gives_up_on_a_file_that_somebody_keeps_locked(
    postgres_dsn: str, path: Path, tmp_path: Path
) -> None:
    """A fenced file can be locked all the same; PostgreSQL's writers do not wait for that."""
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        engine.switch("postgres")
        engines.execute(postgres_dsn, "INSERT INTO item (name) VALUES ('before')")
        engine.caught_up()
        with held(path):
            assert "locked by the application" in str(refused(engine, "sqlite"))
            engines.execute(postgres_dsn, "INSERT INTO item (name) VALUES ('meanwhile')")
            stands(engine, "postgres", 1)
        engine.switch("sqlite")
        assert application(path, "SELECT name FROM item WHERE id > 300").stdout == "before\nmeanwhile\n"


def test_an_engine_outlives_a_lock_that_lasts(postgres_dsn: str, tmp_path: Path) -> None:
    """The file follows and cannot be written to for longer than anybody waits: it says so, refuses at once, and goes on."""
    with staged(
        tmp_path, postgres_dsn, tuned=("sqlite.live.PATIENCE=0.5", "migration.engine.LONGEST_PAUSE=0.5")
    ) as stage:
        stage.engine.start().ready()
        stage.engine.switch("postgres")
        with held(stage.path):
            stage.load.accepted("postgres", 3)
            stage.engine.until(lambda facts: "locked" in (facts["trouble"] or ""), "the engine says what is wrong")
            assert "locked" in str(refused(stage.engine, "sqlite"))
        stage.engine.ready()
        stage.engine.switch("sqlite")
        stage.load.accepted("sqlite", 3)
        stage.judge(last_epoch=2)


# --- Disks that are full ----------------------------------------------------------------------------------------------


def test_a_follower_without_space_waits_for_it(postgres_dsn: str, tmp_path: Path) -> None:
    """A quota on the engine's account: nothing is acknowledged that the file does not have, and with space it goes on."""
    with staged(tmp_path, postgres_dsn) as stage:
        stage.engine.start().ready()
        stage.engine.switch("postgres")
        resource.prlimit(stage.engine.process, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        stage.load.accepted("postgres", 3)
        stage.engine.until(lambda facts: "No space" in (facts["trouble"] or ""), "the engine says what is wrong")
        assert refused(stage.engine, "sqlite").code == "out_of_space"
        stage.load.accepted("postgres", 3)
        resource.prlimit(stage.engine.process, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        stage.engine.ready()
        stage.engine.switch("sqlite")
        stage.load.accepted("sqlite", 3)
        stage.judge(last_epoch=2)


def fill(path: Path) -> None:
    """Leave no space on the disk of a directory."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (65536, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))


def test_a_full_disk_takes_the_write_and_its_capture_or_neither(
    small_disk: Path, postgres_dsn: str, tmp_path: Path
) -> None:
    """The application meets the end of the disk in the middle of its statements; with space everything goes on."""
    path = small_disk / "app.db"
    made = application(
        path, "PRAGMA journal_mode = wal", "CREATE TABLE item (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT)"
    )
    assert made.returncode == 0, made.stderr
    with living.Engine(tmp_path, path, postgres_dsn, verify_every=0.2) as engine:
        engine.start().ready()
        fill(small_disk / "filling")
        failing = application(path, *["INSERT INTO item (body) VALUES (hex(randomblob(3000)))"] * 400)
        assert "database or disk is full" in failing.stderr
        counts = "SELECT (SELECT count(*) FROM item), (SELECT count(DISTINCT k1) FROM _outgrow_log WHERE t = 1)"
        there, logged = map(int, application(path, counts).stdout.split())
        assert there == logged
        (small_disk / "filling").unlink()
        assert application(path, "INSERT INTO item (body) VALUES ('after')").returncode == 0
        living.until(
            lambda: engines.execute(postgres_dsn, "SELECT count(*) FROM item") == [(there + 1,)], "all rows are there"
        )
        engine.ready()
        engine.switch("postgres")
        fill(small_disk / "filling")
        engines.execute(
            postgres_dsn,
            "INSERT INTO item (body) SELECT repeat(md5(n::text), 200) FROM generate_series(1, 200) AS n",
        )
        engine.until(lambda facts: "No space" in (facts["trouble"] or ""), "the engine says what is wrong")
        (small_disk / "filling").unlink()
        engine.ready()
        assert engine.ask("verify")["differences"] == []
        engine.switch("sqlite")
        assert application(path, "SELECT count(*) FROM item").stdout == f"{there + 201}\n"


# --- Clocks set back --------------------------------------------------------------------------------------------------

LATER = """
DO $$ DECLARE c record; BEGIN
    FOR c IN SELECT table_name, column_name FROM information_schema.columns
             WHERE table_schema = 'outgrow' AND data_type = 'timestamp with time zone' LOOP
        EXECUTE format('ALTER TABLE outgrow.%1$I DISABLE TRIGGER USER', c.table_name);
        EXECUTE format('UPDATE outgrow.%1$I SET %2$I = %2$I + interval ''10 years''', c.table_name, c.column_name);
        EXECUTE format('ALTER TABLE outgrow.%1$I ENABLE TRIGGER USER', c.table_name);
    END LOOP;
    UPDATE pg_trigger SET tgenabled = 'A' WHERE tgname = 'fence';
END $$
"""


def test_what_was_written_down_in_the_future_does_no_harm(postgres_dsn: str, tmp_path: Path) -> None:
    """As after a clock was set back by ten years: the lease of the dead, the position, and the file itself are of then."""
    with staged(tmp_path, postgres_dsn) as stage:
        stage.engine.start().ready()
        stage.engine.kill()
        engines.execute(postgres_dsn, LATER)
        assert engines.execute(postgres_dsn, "SELECT taken_at > now() + interval '9 years' FROM outgrow.lease") == [
            (True,)
        ]
        then = time.time() + 10 * 365 * 86400
        for name in stage.path.parent.glob("app.db*"):
            os.utime(name, (then, then))
        stage.engine.start().ready(within=10)
        for epoch, goal in enumerate(("postgres", "sqlite"), 1):
            stage.engine.switch(goal)
            stage.load.accepted(goal, 3)
            stands(stage.engine, goal, epoch)
        stage.judge(last_epoch=2)


WALL_CLOCK = {
    "datetime": {"now", "today", "utcnow"},
    "date": {"today"},
    "time": {"time", "time_ns", "localtime", "gmtime"},
}


def test_nothing_reads_the_wall_clock() -> None:
    """Deadlines, lag, and the age of a verification are of the monotonic clock; the time of day is for people alone."""
    found = [
        f"{path.name}: {node.value.id}.{node.attr}"
        for path in Path(outgrow.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.attr in WALL_CLOCK.get(node.value.id, ())
    ]
    assert found == []


# --- Kills near the end -----------------------------------------------------------------------------------------------


def trace_of(path: Path) -> int:
    """How many of outgrow's tables and triggers the file has."""
    count = "SELECT count(*) FROM sqlite_master WHERE name LIKE '%outgrow%'"
    return int(application(path, count).stdout)


def command(path: Path, dsn: str, name: str, **arguments: Any) -> dict[str, Any]:
    """A command as the library offers it, in this process: it does the work where no engine runs."""
    return dict(migration.command(path, dsn, name, arguments))


ENDS = ("end.file_clean", "end.target_clean")


@pytest.mark.parametrize("point", ["end.file_read_only", *ENDS])
def test_a_finish_that_was_killed_is_completed(point: str, postgres_dsn: str, path: Path, tmp_path: Path) -> None:
    """By the same command, and by an engine that is started once more."""
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start(failpoint=f"{point}=kill").ready()
        engine.switch("postgres")
        engines.execute(postgres_dsn, "INSERT INTO item (name) VALUES ('last')")
        with contextlib.suppress(errors.EngineMissing):
            engine.ask("finish")
        engine.died()
    assert command(path, postgres_dsn, "finish")["phase"] == "finished"
    assert engines.execute(postgres_dsn, "SELECT to_regnamespace('outgrow'), count(*) FROM item") == [(None, 301)]
    assert trace_of(path) == 0
    assert path.stat().st_mode & 0o222 == 0
    assert application(path, "SELECT name FROM item WHERE id > 300").stdout == "last\n"


@pytest.mark.parametrize("point", ENDS)
def test_an_abort_that_was_killed_is_completed(point: str, postgres_dsn: str, path: Path, tmp_path: Path) -> None:
    """By the same command; the application writes on, and another migration can begin."""
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start(failpoint=f"{point}=kill").ready()
        with contextlib.suppress(errors.EngineMissing):
            engine.ask("abort")
        engine.died()
        assert application(path, "UPDATE item SET name = 'written' WHERE id = 3").returncode == 0
        assert command(path, postgres_dsn, "abort")["phase"] == "aborted"
        assert engines.execute(postgres_dsn, "SELECT to_regclass('item'), to_regnamespace('outgrow')") == [(None, None)]
        assert trace_of(path) == 0
        engine.start().ready()
        assert engines.execute(postgres_dsn, "SELECT name FROM item WHERE id = 3") == [("written",)]


def test_an_engine_killed_after_it_pruned_continues(postgres_dsn: str, tmp_path: Path) -> None:
    """What was pruned is what the target has, durably."""
    with staged(tmp_path, postgres_dsn, tuned=("migration.connected.KEEP_SECONDS=0.2",)) as stage:
        with living.killed_at(stage.engine, "follow.pruned#2"):
            stage.load.accepted("sqlite", 5)
        stage.engine.ready()
        stage.engine.switch("postgres")
        stage.load.accepted("postgres", 3)
        stage.judge(last_epoch=1)


def test_an_engine_killed_while_it_sets_back_continues(postgres_dsn: str, tmp_path: Path) -> None:
    """A switch dies prepared, its successor dies when it has undone that, and the third makes the switch."""
    with staged(tmp_path, postgres_dsn) as stage:
        stage.engine.start(failpoint="switch.prepared=kill").ready()
        with contextlib.suppress(errors.EngineMissing):
            stage.engine.ask("switch", to="postgres")
        stage.engine.died()
        with living.killed_at(stage.engine, "switch.set_back"):
            stage.load.accepted("sqlite", 3)
        stage.engine.ready()
        stands(stage.engine, "sqlite", 0)
        stage.engine.switch("postgres")
        stage.load.accepted("postgres", 3)
        stage.judge(last_epoch=1)


def test_an_engine_killed_after_it_repaired_capture_remembers(postgres_dsn: str, path: Path, tmp_path: Path) -> None:
    """Its successor finds every trigger in its place, and compares the table all the same."""
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        with living.killed_at(engine, "capture.repaired"):
            engine.ready()
            done = application(
                path,
                "BEGIN",
                "DROP TRIGGER _outgrow_1_update",
                "UPDATE item SET name = 'unseen' WHERE id = 7",
                "COMMIT",
            )
            assert done.returncode == 0, done.stderr
        engine.ready()
        assert engine.ask("verify")["differences"] == []
        assert engines.execute(postgres_dsn, "SELECT name FROM item WHERE id = 7") == [("unseen",)]


# --- Two operators at once --------------------------------------------------------------------------------------------


def at_once(engine: living.Engine, *asked: tuple[str, dict[str, Any]]) -> list[dict[str, Any] | errors.OutgrowError]:
    """Requests made at the same time, each over a connection of its own; answers and refusals in their order."""
    there = file_state.peek(engine.path)
    assert there is not None

    def ask(command: str, arguments: dict[str, Any]) -> dict[str, Any] | errors.OutgrowError:
        try:
            return dict(control.ask(there.control, command, arguments, seconds=living.DEADLINE))
        except errors.OutgrowError as error:
            return error

    with concurrent.futures.ThreadPoolExecutor(len(asked)) as pool:
        return [each.result() for each in [pool.submit(ask, *one) for one in asked]]


def test_two_switches_at_once_are_one(postgres_dsn: str, tmp_path: Path) -> None:
    """The second one finds it done."""
    with staged(tmp_path, postgres_dsn) as stage:
        stage.engine.start().ready()
        found = at_once(stage.engine, *[("switch", {"to": "postgres"})] * 3)
        assert all(isinstance(one, dict) and one["epoch"] == 1 for one in found), found
        assert sorted(one["repeated"] for one in found if isinstance(one, dict)) == [False, True, True]
        stage.load.accepted("postgres", 3)
        stage.judge(last_epoch=1)


def test_a_switch_and_a_rollback_at_once_come_one_after_the_other(postgres_dsn: str, tmp_path: Path) -> None:
    """Either the rollback finds nothing to do and the switch is made, or both are."""
    with staged(tmp_path, postgres_dsn) as stage:
        stage.engine.start().ready()
        found = at_once(stage.engine, ("switch", {"to": "postgres"}), ("switch", {"to": "sqlite"}))
        made = [one["epoch"] for one in found if isinstance(one, dict) and not one["repeated"]]
        assert len(made) >= 1
        assert sorted(made) == list(range(1, len(made) + 1))
        primary = "postgres" if len(made) == 1 else "sqlite"
        stands(stage.engine, primary, len(made))
        stage.load.accepted(primary, 3)
        stage.judge(last_epoch=len(made))


def test_a_finish_and_a_rollback_at_once_leave_one_primary(postgres_dsn: str, path: Path, tmp_path: Path) -> None:
    """Whoever comes second is refused, with words that say why."""
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        engine.switch("postgres")
        finished, back = at_once(engine, ("finish", {}), ("switch", {"to": "sqlite"}))
        written = application(path, "INSERT INTO item (name) VALUES ('new')").returncode == 0
        if isinstance(finished, dict):
            assert isinstance(back, errors.OutgrowError)
            assert engine.ended() == 0
        else:
            assert isinstance(finished, errors.PhaseRefused)
            assert isinstance(back, dict)
            assert written
        assert (path.stat().st_mode & 0o222 == 0) == isinstance(finished, dict)


def test_two_commands_at_once_without_an_engine_are_one(postgres_dsn: str, path: Path, tmp_path: Path) -> None:
    """Each does the work itself: the lease lets one at a time, and the other one finds it done."""
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        assert engine.stop() == 0
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "outgrow", "switch", path, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [(process.communicate(timeout=60), process.returncode) for process in both]
    assert sum(status == 0 for _, status in told) >= 1, told
    assert all(status in (0, 2, 3) for _, status in told), told
    assert engines.execute(postgres_dsn, "SELECT epoch, primary_store FROM outgrow.live") == [(1, "postgres")]
