"""Rows are looked at once, after their commit: whoever reads them next need not write to their pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from outgrow.postgres import connection, hints

ROWS = 20_000


@pytest.fixture
def session(any_postgres: str) -> Iterator[connection.Session]:
    with connection.connect(any_postgres, purpose="test", autocommit=True) as made:
        made.execute('CREATE TABLE public."T\'1" (n bigint, filler text)')
        yield made


def load(session: connection.Session, rows: int = ROWS) -> None:
    with session.transaction():
        session.execute(
            "INSERT INTO public.\"T'1\" SELECT n, repeat('x', 100) FROM generate_series(1, %s) AS n", (rows,)
        )


def dirtied(session: psycopg.Connection[Any]) -> int:
    """Pages that counting the rows has to change, when all that was changed until now is on the disk."""
    session.execute("CHECKPOINT")
    row = session.execute('EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT count(*) FROM public."T\'1"').fetchone()
    assert row is not None
    found: int = row[0][0]["Plan"]["Shared Dirtied Blocks"]
    return found


def test_without_it_the_next_reader_writes(session: connection.Session) -> None:
    load(session)
    assert dirtied(session) > 100


def test_the_next_reader_writes_nothing(session: connection.Session) -> None:
    fresh = hints.Hints("public")
    for _ in range(3):
        with fresh.loading(session, "T'1"):
            load(session)
    assert dirtied(session) <= 2  # the pages in which two loads meet


def test_it_is_so_where_commits_do_not_wait_for_the_disk(session: connection.Session) -> None:
    """As the copy's do: whoever looks at a row whose commit is not on disk yet can note nothing on it."""
    connection.commit_without_waiting(session)
    with hints.Hints("public").loading(session, "T'1"):
        load(session)
    assert dirtied(session) == 0
    assert session.execute("SHOW synchronous_commit").fetchone() == ("off",)


def test_what_was_there_before_is_not_read_again(session: connection.Session) -> None:
    load(session)
    with hints.Hints("public").loading(session, "T'1"):
        load(session, 100)
    assert dirtied(session) > 100


def test_pages_that_another_stream_fills_are_left_to_the_last(session: connection.Session, any_postgres: str) -> None:
    fresh = hints.Hints("public")
    loaded, may_end = threading.Event(), threading.Event()

    def other() -> None:
        with connection.connect(any_postgres, purpose="test", autocommit=True) as own, fresh.loading(own, "T'1"):
            load(own)
            loaded.set()
            may_end.wait(30)

    thread = threading.Thread(target=other)
    thread.start()
    assert loaded.wait(30)
    with fresh.loading(session, "T'1"):
        load(session)
    may_end.set()
    thread.join()
    assert dirtied(session) == 0


def test_a_failed_load_is_no_obstacle(session: connection.Session) -> None:
    fresh = hints.Hints("public")
    with pytest.raises(psycopg.errors.DivisionByZero), fresh.loading(session, "T'1"):
        session.execute("SELECT 1/0")
    with fresh.loading(session, "T'1"):
        load(session)
    assert dirtied(session) == 0
