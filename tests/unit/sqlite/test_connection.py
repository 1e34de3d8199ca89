"""A file is open in one SQLite library of the process only, however many threads look at it."""

from __future__ import annotations

import concurrent.futures
import contextlib
import pathlib
import sqlite3

import pytest

from outgrow import errors
from outgrow.sqlite import connection, file_state


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    made = tmp_path / "app.db"
    with contextlib.closing(sqlite3.connect(made)) as session:
        session.execute("PRAGMA journal_mode=WAL")
        session.execute("CREATE TABLE t (a)")
    return made


def test_threads_look_at_one_file_at_the_same_time(path: pathlib.Path) -> None:
    def look(_: int) -> None:
        for _again in range(50):
            assert file_state.peek(path) is None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(look, range(8)))


def test_a_file_that_another_library_has_open_is_refused_before_and_after(path: pathlib.Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as session:
        session.execute("SELECT count(*) FROM t").fetchall()
        with pytest.raises(errors.SourceInUse), connection.open_source(path):
            pass
    assert file_state.peek(path) is None
    with contextlib.closing(sqlite3.connect(path)) as session:
        session.execute("SELECT count(*) FROM t").fetchall()
        with pytest.raises(errors.SourceInUse), connection.open_source(path):
            pass
