"""Real SQLite files of other projects: each is copied whole, and looking at it leaves no trace.

The corpus has samples of Chinook and Northwind, what pgloader is tested with, and GeoPackages.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from support import checker, engine

QUARANTINED = {
    "pgloader/bad-utf8.db": 1,
}
"""Rows that PostgreSQL cannot hold; of every other file all arrive."""


def _databases(corpus: Path) -> list[Path]:
    """Every file of the corpus that is a SQLite database."""
    found = []
    for path in sorted(corpus.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(16) == b"SQLite format 3\0":
                    found.append(path)
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a file."""
    if "database" in metafunc.fixturenames:
        root = Path(os.environ.get("OUTGROW_CORPUS", Path(__file__).resolve().parents[3] / "shared" / "corpus"))
        names = [str(path.relative_to(root)) for path in _databases(root)] if root.is_dir() else []
        metafunc.parametrize("database", names)


@pytest.fixture
def copied(corpus: Path, database: str, tmp_path: Path) -> Iterator[Path]:
    """A private, writable copy of a database in a directory of its own."""
    directory = tmp_path / "data"
    directory.mkdir()
    path = directory / Path(database).name
    shutil.copyfile(corpus / database, path)
    path.chmod(0o644)
    before = engine.contents(directory)
    yield path
    assert engine.contents(directory) == before


def test_every_file_is_copied_whole(copied: Path, database: str, postgres_dsn: str) -> None:
    """Verification and the checker find no difference; what PostgreSQL cannot hold is in quarantine."""
    expected = QUARANTINED.get(database, 0)
    answer = engine.run("copy", copied, "--to", postgres_dsn)
    assert (answer.status, answer.facts["differences"], answer.facts["quarantined"]) == (bool(expected), [], expected)
    assert answer.error == ("quarantined" if expected else "")
    judged = checker.compare(copied, postgres_dsn).require()
    assert (judged.doubts, sum(judged.present.values())) == ((), answer.facts["rows"])
    assert sum(judged.quarantined.values()) == expected
    assert answer.facts["notes"] == {}


def test_every_file_is_checked_and_verified_again(copied: Path, database: str, postgres_dsn: str) -> None:
    """`check` says beforehand whether rows go to the quarantine; `copy` twice and `verify` find nothing new."""
    checked = engine.run("check", copied)
    assert checked.status in (0, 1)
    misfits = [finding for finding in checked.facts["findings"] if finding["code"] == "misfit"]
    assert bool(misfits) == bool(QUARANTINED.get(database, 0))
    first = engine.run("copy", copied, "--to", postgres_dsn)
    again = engine.run("copy", copied, "--to", postgres_dsn)
    assert (again.status, again.facts["repeated"]) == (first.status, True)
    verified = engine.run("verify", copied, "--to", postgres_dsn)
    assert (verified.status, verified.facts["differences"]) == (first.status, [])
    assert verified.facts["rows"] == first.facts["rows"] + first.facts["quarantined"]


TWO_ROWS = ("CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")


def _rehearse(path: Path, dsn: str) -> engine.Answer:
    return engine.run("rehearse", path, "--to", engine.emptied(dsn))


def _trace_free(path: Path, dsn: str, rows: int) -> None:
    """Neither command adds, changes or removes a file, and both see all rows."""
    before = engine.contents(path.parent)
    assert engine.run("check", path).facts["rows"] == rows
    assert engine.contents(path.parent) == before
    rehearsed = _rehearse(path, dsn)
    assert (rehearsed.status, rehearsed.facts["rows"]) == (0, rows)
    assert engine.contents(path.parent) == before


@pytest.mark.parametrize("mode", ["delete", "truncate", "persist", "wal"])
def test_a_closed_file_is_left_as_it_was(tmp_path: Path, postgres_dsn: str, mode: str) -> None:
    """In every journal mode that a closed file can have."""
    path = engine.script(tmp_path / "data" / "closed.db", *TWO_ROWS, journal_mode=mode)
    _trace_free(path, postgres_dsn, 2)


def test_a_log_without_its_index_is_read_and_left(tmp_path: Path, postgres_dsn: str) -> None:
    """The writer died, or the files were copied: the rows are only in the -wal."""
    path = tmp_path / "live" / "hot.db"
    copy = tmp_path / "data" / "hot.db"
    copy.parent.mkdir()
    with engine.writer(path):
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
    _trace_free(copy, postgres_dsn, 2)


def test_a_file_in_use_is_read_beside_its_writer(tmp_path: Path, postgres_dsn: str) -> None:
    """The application has it open in WAL mode; afterwards it goes on writing, and its rows are there."""
    path = tmp_path / "data" / "live.db"
    with engine.writer(path):
        names = sorted(each.name for each in path.parent.iterdir())
        wal = path.with_name("live.db-wal").read_bytes()
        assert engine.run("check", path).facts["rows"] == 2
        assert _rehearse(path, postgres_dsn).facts["rows"] == 2
        assert sorted(each.name for each in path.parent.iterdir()) == names
        assert path.with_name("live.db-wal").read_bytes() == wal
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (2,)
    connection.close()


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_read_only_directory_is_enough(tmp_path: Path, postgres_dsn: str, mode: str) -> None:
    """Nothing need be written beside the file, in WAL mode neither."""
    path = engine.script(tmp_path / "data" / "readonly.db", *TWO_ROWS, journal_mode=mode)
    path.chmod(stat.S_IRUSR)
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        _trace_free(path, postgres_dsn, 2)
    finally:
        path.parent.chmod(stat.S_IRWXU)


def test_a_copy_to_a_role_without_privileges_is_whole(tmp_path: Path, unprivileged_dsn: str) -> None:
    """The owner of the database need not be a superuser (50)."""
    path = engine.script(
        tmp_path / "a.db",
        "CREATE TABLE p (id INTEGER PRIMARY KEY)",
        "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p)",
        "INSERT INTO c VALUES (1, 2)",
    )
    answer = engine.run("copy", path, "--to", unprivileged_dsn)
    assert (answer.status, answer.facts["rows"]) == (0, 1)
    with psycopg.connect(unprivileged_dsn) as connection:
        assert connection.execute("SELECT id, p FROM c").fetchall() == [(1, 2)]
