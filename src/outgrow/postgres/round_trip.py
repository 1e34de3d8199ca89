"""A transaction in one round trip, through libpq itself.

For a batch of one row psycopg's own pipeline takes 125 µs, this 50 µs (*measured*): a follower's delay, and most of its CPU.
"""

from __future__ import annotations

import itertools
import select
from collections.abc import Iterator, Sequence

import psycopg
from psycopg import errors, pq

__all__ = ["RoundTrip", "Statement", "Value"]

Value = str | int | bool | Sequence[str | None] | None
"""A parameter: a number, a truth value, a text, or an array of texts."""

Statement = tuple[bytes, Sequence[Value]]
"""SQL with $1, $2, … and its parameters, whose types the server infers."""

_FORGOTTEN = "26000"
"""SQLSTATE: there is no prepared statement of that name."""

_numbers = itertools.count(1)
"""For names of prepared statements, which must differ between all users of a session."""

_FINE = frozenset({pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK})


class RoundTrip:
    """Runs transactions over a session in autocommit mode; every statement stays prepared."""

    def __init__(self, session: psycopg.Connection) -> None:
        self._session = session
        self._names: dict[bytes, bytes] = {}

    def run(self, statements: Sequence[Statement]) -> None:
        """Run statements in a transaction; raises the psycopg.Error of the first that failed, and then nothing was committed.

        Only where the connection broke may it have been committed; the session is not usable any more.
        """
        values = [[_text(value) for value in parameters] for _, parameters in statements]
        problem = self._run(statements, values)
        if problem is not None and problem.sqlstate == _FORGOTTEN:
            # psycopg deallocates everything after a rollback, and after a DROP: not only what it prepared itself.
            self._names.clear()
            problem = self._run(statements, values)
        if problem is not None:
            raise problem

    def _run(self, statements: Sequence[Statement], values: Sequence[list[bytes | None]]) -> psycopg.Error | None:
        with self._session.lock:
            pgconn = self._session.pgconn
            pgconn.enter_pipeline_mode()
            try:
                problem = self._exchange(pgconn, statements, values)
            except BaseException:
                # Interrupted, or the connection broke: answers may be under way that nobody waits for.
                self._session.close()
                raise
            pgconn.exit_pipeline_mode()
        if self._session.info.transaction_status != pq.TransactionStatus.IDLE:
            self._session.rollback()
        return problem

    def _exchange(
        self, pgconn: pq.abc.PGconn, statements: Sequence[Statement], values: Sequence[list[bytes | None]]
    ) -> psycopg.Error | None:
        names: dict[bytes, bytes] = {}
        made: dict[int, bytes] = {}  # the place of an answer: the statement that is prepared then
        answers = 1
        pgconn.send_query_params(b"BEGIN", None)
        for (statement, _), parameters in zip(statements, values, strict=True):
            name = self._names.get(statement) or names.get(statement)
            if name is None:
                name = names[statement] = b"outgrow_%d" % next(_numbers)
                pgconn.send_prepare(name, statement)
                made[answers] = statement
                answers += 1
            pgconn.send_query_prepared(name, parameters)
            answers += 1
        pgconn.send_query_params(b"COMMIT", None)
        pgconn.pipeline_sync()
        problem: psycopg.Error | None = None
        for place, result in enumerate(_results(pgconn)):
            if result.status in _FINE:
                if place in made:
                    self._names[made[place]] = names[made[place]]
            elif problem is None:
                problem = errors.error_from_result(result, encoding="utf-8")
        return problem


def _results(pgconn: pq.abc.PGconn) -> Iterator[pq.abc.PGresult]:
    """The results up to the end of the pipeline; waiting for them, signals are heard."""
    waiting = select.poll()
    waiting.register(pgconn.socket)
    while True:
        more = pgconn.flush()
        while pgconn.is_busy():
            waiting.modify(pgconn.socket, select.POLLIN | (select.POLLOUT if more else 0))
            waiting.poll()
            pgconn.consume_input()
            more = pgconn.flush()
        result = pgconn.get_result()
        if pgconn.status == pq.ConnStatus.BAD:
            raise psycopg.OperationalError(pgconn.get_error_message())
        if result is None:  # the end of one statement's results
            continue
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            return
        yield result


def _text(value: Value) -> bytes | None:
    """A parameter in text form."""
    match value:
        case None:
            return None
        case str():
            text = value
        case bool():
            return b"t" if value else b"f"
        case int():
            return b"%d" % value
        case _:
            text = "{" + ",".join(_element(element) for element in value) + "}"
    encoded = text.encode()
    if b"\0" in encoded:  # libpq would take it for the end
        raise psycopg.DataError("PostgreSQL has no text with NUL characters")
    return encoded


def _element(text: str | None) -> str:
    if text is None:
        return "NULL"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
