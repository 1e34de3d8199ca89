"""What may happen to a file that is followed: lost triggers, rebuilt and new tables, planted differences, old copies."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from outgrow import errors
from support import engine as engines
from support import living

APPLICATION = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
for statement in sys.argv[2:]:
    db.execute(statement)
"""


def application(path: Path, *statements: str) -> None:
    """The application's statements, in a process of its own with the standard library's SQLite."""
    done = subprocess.run(
        [sys.executable, "-c", APPLICATION, str(path), *statements], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with three tables and a few rows."""
    found = tmp_path / "app.db"
    application(
        found,
        "CREATE TABLE item(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, price DECIMAL(10,2), at TIMESTAMP)",
        "CREATE TABLE tag(word TEXT PRIMARY KEY, n INTEGER)",
        "CREATE TABLE note(body TEXT)",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n<300)"
        " INSERT INTO item(name, price, at) SELECT 'item '||n, n/4.0, '2026-01-01 10:00:00' FROM c",
        "INSERT INTO tag SELECT name, id FROM item WHERE id <= 50",
        "INSERT INTO note SELECT name FROM item WHERE id <= 20",
    )
    return found


@pytest.fixture
def running(path: Path, postgres_dsn: str, tmp_path: Path) -> Iterator[living.Engine]:
    """An engine that is ready, verifying all the time."""
    with living.Engine(tmp_path, path, postgres_dsn, verify_every=0.3) as engine:
        yield engine.start().ready()


def test_a_dropped_trigger_is_found_and_repaired(running: living.Engine, path: Path, postgres_dsn: str) -> None:
    """What was written without it arrives all the same."""
    application(
        path,
        "DROP TRIGGER _outgrow_1_update",
        "UPDATE item SET name = 'unseen' WHERE id = 7",
        "DELETE FROM tag WHERE n = 3",
    )
    living.until(
        lambda: engines.execute(postgres_dsn, "SELECT name FROM item WHERE id = 7") == [("unseen",)], "the row arrives"
    )
    assert "capture was repaired" in running.said
    running.ready()
    assert running.ask("verify")["differences"] == []


def test_a_rebuilt_table_is_captured_again(running: living.Engine, path: Path, postgres_dsn: str) -> None:
    """The documented way to alter a table, which ALTER TABLE in Alembic and Django goes, drops its triggers."""
    application(
        path,
        "BEGIN",
        "CREATE TABLE new_tag(word TEXT PRIMARY KEY, n INTEGER)",
        "INSERT INTO new_tag SELECT word, n + 1000 FROM tag WHERE n <> 5",
        "DROP TABLE tag",
        "ALTER TABLE new_tag RENAME TO tag",
        "COMMIT",
        "UPDATE tag SET n = 1 WHERE n = 1010",
    )
    living.until(
        lambda: engines.execute(postgres_dsn, "SELECT count(*), min(n) FROM tag") == [(49, 1)],
        "the table is the new one",
    )
    running.ready()
    assert running.ask("verify")["differences"] == []


def test_new_columns_and_tables_are_followed(running: living.Engine, path: Path, postgres_dsn: str) -> None:
    """They are planned as all others were, and go there and back."""
    application(
        path,
        "ALTER TABLE item ADD COLUMN colour TEXT DEFAULT 'red'",
        "UPDATE item SET colour = 'blue' WHERE id = 9",
        "CREATE TABLE extra(a INTEGER, b TEXT, c REAL, PRIMARY KEY (a, b))",
        "INSERT INTO extra VALUES (1, 'x', 0.5), (2, 'y', 1.5)",
    )
    living.until(
        lambda: engines.execute(postgres_dsn, "SELECT to_regclass('extra') IS NOT NULL") == [(True,)],
        "the table is there",
    )
    living.until(lambda: engines.execute(postgres_dsn, "SELECT count(*) FROM extra") == [(2,)], "its rows are there")
    assert engines.execute(postgres_dsn, "SELECT id, colour FROM item WHERE colour <> 'red'") == [(9, "blue")]
    running.ready()
    running.switch("postgres")
    engines.execute(postgres_dsn, "INSERT INTO extra VALUES (3, 'z', 2.5)")
    running.switch("sqlite")
    assert running.ask("verify")["differences"] == []
    application(path, "UPDATE extra SET c = 9 WHERE a = 3")
    living.until(
        lambda: engines.execute(postgres_dsn, "SELECT c FROM extra WHERE a = 3") == [(9.0,)], "it is followed again"
    )


def test_a_dropped_column_stops_the_engine(running: living.Engine, path: Path) -> None:
    """With words that say what to do; nothing is silently out of date."""
    application(path, "ALTER TABLE item DROP COLUMN price")
    assert running.ended() == errors.SourceChanged.exit_code
    assert "column item.price is gone" in running.said
    assert "outgrow abort" in running.said


def test_a_planted_difference_is_found_within_a_round(running: living.Engine, postgres_dsn: str) -> None:
    """Somebody who switches the triggers off, as an owner can, changes one value at the target."""
    engines.execute(
        postgres_dsn,
        "DO $$ BEGIN ALTER TABLE tag DISABLE TRIGGER USER; UPDATE tag SET n = 77 WHERE word = 'item 4';"
        " ALTER TABLE tag ENABLE ALWAYS TRIGGER outgrow_capture_insert; ALTER TABLE tag ENABLE ALWAYS TRIGGER"
        " outgrow_capture_update; ALTER TABLE tag ENABLE ALWAYS TRIGGER outgrow_capture_delete;"
        " ALTER TABLE tag ENABLE ALWAYS TRIGGER outgrow_capture_truncate; END $$",
    )
    found = running.ask("verify")["differences"]
    assert [(one["table"], one["key"], one["column"], one["source"], one["target"]) for one in found] == [
        ("tag", "'item 4'", "n", "4", "77")
    ]
    facts = running.facts()
    assert facts is not None
    assert not facts["ready"]


def test_stray_writes_to_the_follower_are_refused(running: living.Engine, path: Path, postgres_dsn: str) -> None:
    """On either side, whoever follows; the primary takes them."""
    with pytest.raises(Exception, match="outgrow: fenced"):
        engines.execute(postgres_dsn, "DELETE FROM note")
    running.switch("postgres")
    engines.execute(postgres_dsn, "DELETE FROM note")
    with pytest.raises(AssertionError, match="outgrow: fenced"):
        application(path, "DELETE FROM tag")


def test_values_that_the_file_cannot_hold_are_told_before_a_rollback(
    running: living.Engine, path: Path, postgres_dsn: str
) -> None:
    """A time with a zone's day and a fraction that the file's format has no room for goes to the quarantine."""
    running.switch("postgres")
    engines.execute(postgres_dsn, "UPDATE item SET at = 'infinity' WHERE id = 11")
    running.until(lambda facts: facts["quarantined"] == 1, "the row is in quarantine")
    with pytest.raises(errors.NotReady, match="quarantine"):
        running.ask("switch", to="sqlite")
    engines.execute(postgres_dsn, "UPDATE item SET at = '2026-02-03 04:05:06' WHERE id = 11")
    running.until(lambda facts: facts["quarantined"] == 0, "the quarantine is empty again")
    running.switch("sqlite")
    assert running.ask("verify")["differences"] == []


def test_an_older_copy_in_the_files_place_is_refused(running: living.Engine, path: Path, postgres_dsn: str) -> None:
    """And followed from then on only if somebody says so."""
    assert running.stop() == 0
    application(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    old = path.with_name("old.db")
    shutil.copyfile(path, old)
    running.start().ready()
    application(path, "UPDATE item SET name = 'newer' WHERE id = 1", "DELETE FROM tag WHERE n = 2")
    running.caught_up()
    living.until(
        lambda: engines.execute(postgres_dsn, "SELECT name FROM item WHERE id = 1") == [("newer",)], "the row arrives"
    )
    assert running.stop() == 0
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(old, path)
    application(path, *(f"UPDATE item SET name = 'other {n}' WHERE id = {n + 20}" for n in range(5)))
    running.start()
    assert running.ended() == errors.SourceRewound.exit_code
    assert "older copy of the file" in running.said
    running.start("--resync").ready()
    assert running.ask("verify")["differences"] == []
    assert engines.execute(postgres_dsn, "SELECT name FROM item WHERE id = 1") == [("item 1",)]


def test_two_engines_do_not_work_at_once(running: living.Engine, path: Path, postgres_dsn: str, tmp_path: Path) -> None:
    """The second is refused; it takes over when the first is dead."""
    other = living.Engine(tmp_path, path, postgres_dsn, tuned=("postgres.state.LEASE_PATIENCE=1",))
    other.log = tmp_path / "other.log"
    with other:
        other.start()
        assert other.ended() == errors.TargetBusy.exit_code
        running.kill()
        other.start().ready()


def test_abort_and_finish_leave_no_trace(running: living.Engine, path: Path, postgres_dsn: str) -> None:
    """Given up, both databases are as they were; then once more to the end, where the tables stay."""
    running.ask("abort")
    assert running.ended() == 0
    assert engines.execute(postgres_dsn, "SELECT to_regclass('item'), to_regnamespace('outgrow')") == [(None, None)]
    application(path, "UPDATE item SET name = 'free' WHERE id = 2")
    running.start().ready()
    running.switch("postgres")
    running.ask("finish")
    assert running.ended() == 0
    assert engines.execute(postgres_dsn, "SELECT to_regnamespace('outgrow')") == [(None,)]
    engines.execute(postgres_dsn, "INSERT INTO item(name) VALUES ('after')")
    assert engines.execute(postgres_dsn, "SELECT id FROM item WHERE name = 'after'") == [(301,)]
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            'import sqlite3,sys;print(sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM sqlite_master'
            " WHERE name LIKE '%outgrow%'\").fetchone()[0])",
            str(path),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "0"
    assert path.stat().st_mode & 0o222 == 0
    assert not path.with_name(path.name + "-wal").exists()


def test_a_target_that_was_tampered_with_is_not_ready(running: living.Engine, postgres_dsn: str) -> None:
    """A dropped index, a column of somebody else's, and a rule that swallows writes are told, each with its remedy."""
    assert names_failing(running) == set()
    engines.execute(postgres_dsn, "ALTER TABLE tag ADD COLUMN theirs text")
    engines.execute(postgres_dsn, "CREATE RULE swallow AS ON UPDATE TO note DO INSTEAD NOTHING")
    dropped = engines.execute(
        postgres_dsn,
        "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND tablename = 'item' AND indexname NOT LIKE '%pkey'",
    )[0][0]
    engines.execute(postgres_dsn, f'DROP INDEX "{dropped}"')
    running.ask("verify")
    assert names_failing(running) == {"indexes", "shape", "way back"}
    with pytest.raises(errors.NotReady, match="theirs is in PostgreSQL only"):
        running.ask("switch", to="postgres")


def names_failing(engine: living.Engine) -> set[str]:
    """The checks of a switch that do not pass."""
    facts = engine.facts()
    assert facts is not None
    return {check["name"] for check in facts["checks"] if not check["ok"]}


def test_foreign_keys_hold_and_are_validated_after_a_switch(path: Path, postgres_dsn: str, tmp_path: Path) -> None:
    """From the first moment for new rows; one that old rows break stays as it is, and is told."""
    application(
        path,
        "CREATE TABLE good(id INTEGER PRIMARY KEY, item INT REFERENCES item(id) ON DELETE CASCADE)",
        "CREATE TABLE bad(id INTEGER PRIMARY KEY, item INT REFERENCES item(id))",
        "INSERT INTO good SELECT id, id FROM item",
        "INSERT INTO bad VALUES (1, 1), (2, 9999)",
    )
    state = (
        "SELECT conrelid::regclass::text, convalidated FROM pg_constraint WHERE contype = 'f'"
        " AND connamespace = 'public'::regnamespace ORDER BY 1"
    )
    with living.Engine(tmp_path, path, postgres_dsn, verify_every=0.3) as engine:
        engine.start().ready()
        assert engines.execute(postgres_dsn, state) == []
        engine.switch("postgres")
        with pytest.raises(Exception, match="violates foreign key"):
            engines.execute(postgres_dsn, "INSERT INTO good VALUES (1000, 9999)")
        living.until(
            lambda: engines.execute(postgres_dsn, state) == [("bad", False), ("good", True)], "what can be is validated"
        )
        living.until(lambda: "is not present in table" in engine.said, "what cannot be is told")
        engines.execute(postgres_dsn, "DELETE FROM item WHERE id = 5")
        engine.switch("sqlite")
        assert engine.ask("verify")["differences"] == []
        assert engines.execute(postgres_dsn, state) == []


def test_changes_that_wait_are_counted(running: living.Engine, path: Path, postgres_dsn: str) -> None:
    """While something keeps the follower from taking them; none is left afterwards."""
    statement = (
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n<40) INSERT INTO note SELECT n FROM c"
    )
    with psycopg.connect(postgres_dsn) as other:
        other.execute("LOCK TABLE note IN ACCESS EXCLUSIVE MODE")
        application(path, statement)
        running.until(lambda facts: facts["pending_changes"] == 40, "forty changes wait")
    running.until(lambda facts: facts["pending_changes"] == 0, "none is left")
    living.until(lambda: engines.execute(postgres_dsn, "SELECT count(*) FROM note") == [(60,)], "they are there")
