"""The file is locked, written to, in use, damaged or no database: refused in words, and never half copied unnoticed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import checker, command, engine

IMPATIENT = "sqlite.connection.BUSY_TIMEOUT=300"


@contextlib.contextmanager
def application(path: Path) -> Iterator[sqlite3.Connection]:
    """The application's connection, in autocommit."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


@pytest.fixture(params=["delete", "wal"])
def either(request: pytest.FixtureRequest, home: Path) -> Path:
    """The file in each of the two journal modes."""
    with application(home) as connection:
        assert connection.execute(f"PRAGMA journal_mode = {request.param}").fetchone() == (request.param,)
    return home


def write(path: Path) -> None:
    """One committed change, which leaves the file's size as it is."""
    with application(path) as connection:
        connection.execute("UPDATE readings SET note = 'changed' WHERE id = 1")


def changed(ended: command.Ended, dsn: str) -> None:
    """Require that the command refused a changed file, and that the target is not taken for finished."""
    assert (ended.status, ended.code, ended.stderr) == (2, "source_changed", "")
    assert "--restart" in ended.hint
    assert engine.execute(dsn, "SELECT phase FROM outgrow.migration") == [("copying",)]


def restarts(path: Path, dsn: str) -> None:
    """Begin anew, and require that what is at the target is the file as it is now."""
    ended = command.run(*command.copying(path, dsn, "--restart"))
    assert (ended.status, ended.code, ended.facts["resumed"]) == (1, "quarantined", 0)
    checker.compare(path, dsn).require()
    assert engine.execute(dsn, "SELECT note FROM readings WHERE id = 1") == [("changed",)]


def test_a_file_locked_for_longer_than_the_deadline_is_busy(home: Path, postgres_dsn: str) -> None:
    with application(home) as connection:
        connection.execute("PRAGMA journal_mode = delete")
        connection.execute("BEGIN EXCLUSIVE")
        refused = command.run(IMPATIENT, *command.copying(home, postgres_dsn))

    assert (refused.status, refused.code, refused.stderr) == (3, "source_busy", "")
    command.completes(home, postgres_dsn)


def test_a_file_locked_in_the_middle_of_the_copy_is_busy(home: Path, postgres_dsn: str) -> None:
    with application(home) as connection:
        connection.execute("PRAGMA journal_mode = delete")
        with command.held("chunk.committed#2", IMPATIENT, *command.copying(home, postgres_dsn)) as running:
            connection.execute("BEGIN EXCLUSIVE")
            running.release()
            stopped = running.end()

    assert (stopped.status, stopped.code, stopped.stderr) == (3, "source_busy", "")
    command.completes(home, postgres_dsn)


@pytest.mark.parametrize("point", ["schema.committed", "chunk.committed#2", "verify.span#2"])
def test_a_file_that_is_written_to_during_the_copy_is_refused(either: Path, postgres_dsn: str, point: str) -> None:
    with command.held(point, *command.copying(either, postgres_dsn)) as running:
        write(either)
        running.release()
        changed(running.end(), postgres_dsn)

    changed(command.run(*command.copying(either, postgres_dsn)), postgres_dsn)
    restarts(either, postgres_dsn)


def test_a_file_that_changed_since_the_copy_was_killed_is_refused(either: Path, postgres_dsn: str) -> None:
    assert command.run(*command.copying(either, postgres_dsn), failpoint="chunk.committed#3=kill").killed
    write(either)

    changed(command.run(*command.copying(either, postgres_dsn)), postgres_dsn)
    restarts(either, postgres_dsn)


def test_a_restart_that_is_killed_goes_on_without_restart(home: Path, postgres_dsn: str) -> None:
    command.completes(home, postgres_dsn)
    write(home)
    killed = command.run(*command.copying(home, postgres_dsn, "--restart"), failpoint="chunk.committed#3=kill")
    assert killed.killed

    assert command.completes(home, postgres_dsn).facts["resumed"] > 0


BUSY_APPLICATION = """
import sqlite3, sys, threading
path, stop = sys.argv[1], threading.Event()

def read():
    connection = sqlite3.connect(path, timeout=30)
    while not stop.is_set():
        assert connection.execute("SELECT (SELECT total(n) FROM a) - (SELECT total(n) FROM b)").fetchone() == (0,)

def write():
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    number = 0
    while not stop.is_set():
        connection.execute("BEGIN IMMEDIATE")
        for table in ("a", "b"):
            connection.execute(f"INSERT INTO {table} (n) VALUES (?)", [number])
            connection.execute(f"UPDATE {table} SET n = n + 1 WHERE id = 1 + ? % 100", [number])
        connection.execute("COMMIT")
        number += 1
        if number == 100:
            print("begun", flush=True)
    print(number, flush=True)

threads = [threading.Thread(target=each) for each in (read, write)]
for thread in threads:
    thread.start()
sys.stdin.read()
stop.set()
for thread in threads:
    thread.join()
"""


def test_a_rehearsal_beside_a_busy_application_is_of_one_state_and_disturbs_nobody(
    tmp_path: Path, postgres_dsn: str
) -> None:
    path = tmp_path / "busy.db"
    with application(path) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        for table in ("a", "b"):
            connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
    with subprocess.Popen(
        [sys.executable, "-c", BUSY_APPLICATION, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as busy:
        assert busy.stdout is not None
        assert busy.stdout.readline() == "begun\n"
        files = {each: each.stat().st_ino for each in tmp_path.iterdir()}
        rehearsed = command.run("rehearse", path, "--to", command.with_password(postgres_dsn), "--json")
        assert {each: each.stat().st_ino for each in tmp_path.iterdir()} == files
        assert {each.name for each in files} == {"busy.db", "busy.db-wal", "busy.db-shm"}
        said, complaints = busy.communicate("")

    assert (rehearsed.status, rehearsed.facts["differences"], rehearsed.stderr) == (0, [], "")
    assert (busy.returncode, complaints) == (0, "")
    # Each transaction of the application writes one row to either table.
    rows, torn = divmod(rehearsed.facts["rows"], 2)
    assert not torn
    assert 100 <= rows <= int(said)
    with application(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_copy_leaves_the_directory_as_it_was(either: Path, postgres_dsn: str) -> None:
    before = engine.contents(either.parent)

    assert command.run(*command.copying(either, postgres_dsn)).status == 1

    assert engine.contents(either.parent) == before


def test_what_a_killed_copy_leaves_in_the_directory_the_next_one_removes(either: Path, postgres_dsn: str) -> None:
    before = engine.contents(either.parent)
    assert command.run(*command.copying(either, postgres_dsn), failpoint="chunk.committed#2=kill").killed

    assert command.run(*command.copying(either, postgres_dsn)).status == 1

    assert engine.contents(either.parent) == before


def _missing(path: Path) -> None:
    path.unlink()


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _text(path: Path) -> None:
    path.write_text("This is no database.\n" * 500)


def _noise(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


def _short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def _truncated(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 4096 // 2 * 4096)


def _flipped(path: Path) -> None:
    with application(path) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'readings'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(bytes(255 - byte for byte in path.read_bytes()[(page - 1) * 4096 :][:64]))


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (_missing, "source_unreadable", "does not exist"),
        (_directory, "source_unreadable", "is a directory"),
        (_text, "source_unreadable", "is not a SQLite database"),
        (_noise, "source_unreadable", "is not a SQLite database"),
        (_short, "source_corrupt", "is damaged"),
        (_truncated, "source_corrupt", "is damaged"),
        (_flipped, "source_corrupt", "is damaged"),
    ],
)
@pytest.mark.parametrize("verb", ["copy", "check", "rehearse"])
def test_what_is_no_sound_database_is_refused(
    home: Path, postgres_dsn: str, verb: str, spoil: Callable[[Path], None], code: str, words: str
) -> None:
    spoil(home)
    target = () if verb == "check" else ("--to", command.with_password(postgres_dsn))

    refused = command.run(verb, home, *target, "--json")

    assert (refused.status, refused.code, refused.stderr) == (2, code, "")
    assert words in refused.facts["error"]["message"]
    assert refused.hint
    if engine.execute(postgres_dsn, "SELECT to_regclass('outgrow.migration') IS NOT NULL") == [(True,)]:
        assert engine.execute(postgres_dsn, "SELECT phase FROM outgrow.migration") != [("finished",)]


def test_a_file_of_no_bytes_is_an_empty_database(tmp_path: Path, postgres_dsn: str) -> None:
    path = tmp_path / "empty.db"
    path.touch()

    done = command.run(*command.copying(path, postgres_dsn))

    assert (done.status, done.facts["tables"], done.facts["rows"]) == (0, 0, 0)
    assert path.stat().st_size == 0


def test_a_file_that_this_user_may_not_read_is_refused(home: Path, postgres_dsn: str) -> None:
    home.chmod(0)
    if os.access(home, os.R_OK):
        pytest.skip("This user may read everything")

    refused = command.run(*command.copying(home, postgres_dsn))

    assert (refused.status, refused.code) == (2, "source_unreadable")
    assert refused.facts["error"]["why"] == "permission denied"


def test_a_directory_that_cannot_be_written_does_not_matter(either: Path, postgres_dsn: str) -> None:
    either.parent.chmod(0o555)
    try:
        if os.access(either.parent, os.W_OK):
            pytest.skip("This user may write everywhere")
        assert command.run(*command.copying(either, postgres_dsn)).status == 1
    finally:
        either.parent.chmod(0o755)
