"""A transaction in one round trip: all of it or nothing, and afterwards the session is as it was, or closed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

import psycopg
import pytest

from outgrow.postgres import connection, round_trip
from support import proxy, servers


@pytest.fixture
def session(any_postgres: str) -> Iterator[psycopg.Connection]:
    """A session with a table of one of each kind of parameter."""
    with connection.connect(any_postgres, purpose="test", autocommit=True) as made:
        made.execute("CREATE TABLE public.t (i bigint PRIMARY KEY, s text, b boolean, a text[])")
        yield made


INSERT = b"INSERT INTO public.t VALUES ($1, $2, $3, $4)"


def rows(session: psycopg.Connection) -> list[tuple[Any, ...]]:
    """What the table holds."""
    return session.execute("SELECT * FROM public.t ORDER BY i").fetchall()


def test_parameters_arrive_as_they_are(session: psycopg.Connection) -> None:
    """Numbers, truth values, texts, arrays, NULL alone and in arrays, whatever the characters."""
    odd = ["", " ", "NULL", '"', "\\", "{a,b}", "\x1e\x1f\n", "é😀", None]
    trip = round_trip.RoundTrip(session)
    trip.run([(INSERT, [1, "it's\\", True, odd]), (INSERT, [-(2**63), "", False, []]), (INSERT, [2, None, None, None])])
    assert rows(session) == [(-(2**63), "", False, []), (1, "it's\\", True, odd), (2, None, None, None)]


def test_statements_are_prepared_again_when_psycopg_has_deallocated_all(session: psycopg.Connection) -> None:
    """As it does after every rollback, once it has prepared a statement of its own."""
    trip = round_trip.RoundTrip(session)
    trip.run([(INSERT, [1, "before", True, []])])
    session.execute("SELECT 1", prepare=True)
    with pytest.raises(psycopg.errors.UniqueViolation):
        trip.run([(INSERT, [1, "again", True, []])])
    trip.run([(INSERT, [2, "after", True, []])])
    assert [row[:2] for row in rows(session)] == [(1, "before"), (2, "after")]


@pytest.mark.parametrize("value", ["a\0b", ["a", "b\0"]])
def test_a_nul_is_refused_before_anything_is_sent(session: psycopg.Connection, value: Any) -> None:
    """libpq would take it for the end of the text and send the rest of nothing."""
    trip = round_trip.RoundTrip(session)
    with pytest.raises(psycopg.DataError, match="NUL"):
        trip.run(
            [(INSERT, [1, "x", True, []]), (b"SELECT $1::text", [value] if isinstance(value, str) else [None, value])]
        )
    assert rows(session) == []
    trip.run([(INSERT, [1, "x", True, []])])


def test_nothing_is_committed_when_one_statement_fails(session: psycopg.Connection) -> None:
    """The first error is told, and the next transaction is an ordinary one."""
    trip = round_trip.RoundTrip(session)
    for wrong in (
        (INSERT, [1, "again", True, []]),
        (INSERT, ["no number", None, None, None]),
        (b"SELECT no_such_function()", []),
        (b"SELEC", []),
    ):
        with pytest.raises(psycopg.Error) as told:
            trip.run([(INSERT, [1, "a", True, []]), wrong, (INSERT, [2, "b", True, []]), (b"SELECT 1/0", [])])
        assert told.value.sqlstate in ("23505", "22P02", "42883", "42601")
        assert session.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert rows(session) == []
    trip.run([(INSERT, [1, "a", True, []]), (b"SELECT 1", [])])
    assert rows(session) == [(1, "a", True, [])]


def test_statements_are_prepared_once(session: psycopg.Connection) -> None:
    """Also when a run repeats one, when it failed before, and when there are several users of a session."""
    count = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'outgrow%'"
    trip, other = round_trip.RoundTrip(session), round_trip.RoundTrip(session)
    with pytest.raises(psycopg.Error):
        trip.run([(INSERT, [1, "a", True, []]), (INSERT, [1, "a", True, []])])
    for number in range(5):
        trip.run([(INSERT, [2 * number, "a", True, []]), (INSERT, [2 * number + 1, "a", True, []])])
    assert session.execute(count).fetchone() == (1,)
    other.run([(INSERT, [99, "a", True, []])])
    assert session.execute(count).fetchone() == (2,)


def test_more_than_any_buffer_goes_through(session: psycopg.Connection) -> None:
    """In one parameter, and in twenty thousand statements whose answers nobody reads meanwhile."""
    trip = round_trip.RoundTrip(session)
    trip.run([(INSERT, [0, "x" * 50_000_000, True, []])])
    trip.run([(b"SELECT $1::text", ["y" * 1_000])] * 20_000)
    trip.run([(INSERT, [number, None, None, None]) for number in range(1, 20_001)])
    assert session.execute("SELECT count(*), max(length(s)) FROM public.t").fetchone() == (20_001, 50_000_000)


class Struck(Exception):
    """What a signal's handler raises."""


def test_a_signal_is_heard_while_the_server_makes_one_wait(session: psycopg.Connection, any_postgres: str) -> None:
    """The session is closed then: an answer is under way that nobody would fetch."""

    def strike(number: int, frame: FrameType | None) -> None:
        raise Struck

    before = signal.signal(signal.SIGALRM, strike)
    try:
        with servers.locked(any_postgres, "t"):
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            with pytest.raises(Struck):
                round_trip.RoundTrip(session).run([(INSERT, [1, "a", True, []])])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert session.closed


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_broken_connection_is_told(postgres_dsn: str, proxy: proxy.Proxy, when: str) -> None:
    """As psycopg tells it, so that it is translated like any other."""
    with connection.connect(proxy.dsn, purpose="test", autocommit=True) as session:
        session.execute("CREATE TABLE public.t (i bigint)")
        trip = round_trip.RoundTrip(session)
        trip.run([(b"INSERT INTO public.t VALUES ($1)", [1])])
        getattr(proxy, f"cut_{when}")(b"COMMIT")
        with pytest.raises(psycopg.OperationalError):
            trip.run([(b"INSERT INTO public.t VALUES ($1)", [2])])
        assert session.closed
    with connection.connect(postgres_dsn, purpose="test", autocommit=True) as again:
        row = again.execute("SELECT count(*) FROM public.t").fetchone()
    assert row == (2 if when == "after" else 1,)


def test_a_backend_that_is_ended_is_a_lost_connection(session: psycopg.Connection, any_postgres: str) -> None:
    """The error tree says so."""
    from outgrow import errors

    trip = round_trip.RoundTrip(session)
    with psycopg.connect(any_postgres, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [session.info.backend_pid])
    with pytest.raises(errors.TargetLost), connection.translate_errors(session):
        trip.run([(INSERT, [1, "a", True, []])])
