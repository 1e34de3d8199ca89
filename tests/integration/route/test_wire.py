"""Several statements in one round trip, on each PostgreSQL version."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outgrow.postgres import embedded
from outgrow.route import mistakes, pools, wire
from support import servers

Command = wire.Command


@pytest.fixture
def pool(any_postgres: str) -> Iterator[pools.Pool]:
    """A pool of the test's own."""
    found = pools.Pool(any_postgres)
    yield found
    found.close()


def test_values_come_back_as_they_were_sent(pool: pools.Pool) -> None:
    found = pool.acquire()
    values = [2**63 - 1, -1, 0.1, 1e300, float("inf"), "é'\"\\", "", b"\x00\xff", b"", None]
    marks = ", ".join(
        f"${number}{cast}"
        for number, cast in enumerate(["", "", "", "", "", "::text", "::text", "::bytea", "::bytea", "::text"], 1)
    )
    (result,) = found.run([Command(f"SELECT {marks}", values)])
    assert found.rows(result) == [tuple(values)]
    (result,) = found.run([Command("SELECT 1::numeric, 1.5::numeric, true, '2020-01-01'::date")])
    assert found.rows(result) == [(1, 1.5, 1, "2020-01-01")]
    pool.release(found)


def test_a_text_with_a_nul_is_refused_and_not_cut(pool: pools.Pool) -> None:
    found = pool.acquire()
    (result,) = found.run([Command("SELECT $1::text", ["a\0b"])])
    assert mistakes.sqlstate(result) == "22021"
    pool.release(found)


def test_what_stands_together_is_one_transaction(pool: pools.Pool) -> None:
    found = pool.acquire()
    found.run([Command("CREATE TABLE t (a bigint PRIMARY KEY)")])
    results = found.run([Command("INSERT INTO t VALUES (1)"), Command("INSERT INTO t VALUES (1)"), Command("SELECT 1")])
    assert [result.status in wire.BAD for result in results] == [False, True]
    assert mistakes.sqlstate(results[-1]) == "23505"
    (result,) = found.run([Command("SELECT count(*) FROM t")])
    assert found.rows(result) == [(0,)]
    pool.release(found)


def test_a_statement_that_cannot_be_prepared_fails_alone(pool: pools.Pool) -> None:
    found = pool.acquire()
    for _attempt in range(2):
        results = found.run([Command("SELECT 1"), Command("SELECT nothing")])
        assert mistakes.sqlstate(results[-1]) == "42703"
    pool.release(found)


@pytest.mark.parametrize("rows", [0, 1, 499, 500, 501, 2000])
def test_a_stream_has_every_row_once(pool: pools.Pool, rows: int) -> None:
    found = pool.acquire()
    for _attempt in range(2):
        result = found.run([Command("SELECT 1"), Command("SELECT generate_series(1, $1)", [rows])], stream=True)[-1]
        held = found.rows(result)
        while found.streaming:
            more = found.more()
            held += [] if more is None else found.rows(more)
        assert held == [(number,) for number in range(1, rows + 1)]
    pool.release(found)


def test_an_error_in_the_middle_of_a_stream_is_seen(pool: pools.Pool) -> None:
    found = pool.acquire()
    found.run([Command("SELECT 1 / (700 - n) FROM generate_series(1, 5000) AS n")], stream=True)
    assert found.streaming
    seen = []
    while found.streaming and (more := found.more()) is not None:
        seen.append(more)
    assert mistakes.sqlstate(seen[-1]) == "22012"
    (result,) = found.run([Command("SELECT 1")])
    assert found.rows(result) == [(1,)]
    pool.release(found)


def test_more_statements_than_are_kept_prepared(pool: pools.Pool) -> None:
    found = pool.acquire()
    for number in range(700):
        (result,) = found.run([Command(f"SELECT {number}")])
        assert found.rows(result) == [(number,)]
    (result,) = found.run([Command("SELECT count(*) FROM pg_prepared_statements")])
    assert found.rows(result)[0][0] <= 300
    pool.release(found)


def test_a_server_that_was_restarted_meanwhile_is_noticed_before_the_next_use() -> None:
    with embedded.server() as server, servers.database(server) as dsn:
        pool = pools.Pool(dsn)
        found = pool.acquire()
        found.run([Command("SELECT 1")])
        pool.release(found)
        server.restart()
        found = pool.acquire()
        (result,) = found.run([Command("SELECT 2")])
        assert found.rows(result) == [(2,)]
        pool.release(found)
        pool.close()
