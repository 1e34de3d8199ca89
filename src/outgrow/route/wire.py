"""A PostgreSQL connection on which several statements go out in one round trip, each prepared once (libpq's pipeline mode)."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer

__all__ = ["BAD", "Command", "Link", "Lost", "Wire"]

_INT, _FLOAT, _TEXT, _BYTES = 20, 701, 25, 17
_PREPARED = 300
"""Statements that a connection keeps prepared."""
_YOUTH = 60.0
"""Seconds for which a connection is handed on without the pool."""
_CHUNK = 500
"""Rows that come at a time where there are many."""

BAD = frozenset({pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE})
_ABORTED = pq.ExecStatus.PIPELINE_ABORTED
_MORE = frozenset(
    status for name in ("SINGLE_TUPLE", "TUPLES_CHUNK") if (status := getattr(pq.ExecStatus, name, None)) is not None
)


class Lost(Exception):
    """The connection is gone; what was under way on it may have happened or not."""


class Command(NamedTuple):
    """A PostgreSQL statement with the values of its parameters."""

    sql: str
    values: Sequence[Any] = ()


class Link(psycopg.Connection[Any]):
    """A connection of the pool; `wire` is made with its first use."""

    wire: Wire | None = None


class Wire:
    """Sends and waits. Between `acquire` and `release` of the pool it belongs to one session."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.pgconn = link.pgconn
        self.timeout: int | None = None
        """What lock_timeout is set to."""
        self._names: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._count = 0
        self._poll = select.poll()
        self._poll.register(link.pgconn.socket, select.POLLIN)
        self._transformer = Transformer.from_context(link)
        self._since = time.monotonic()
        self._streaming = False
        self._chunks = pq.version() >= 170000

    @property
    def streaming(self) -> bool:
        """Whether rows of the last statement are still to come."""
        return self._streaming

    def is_alive(self) -> bool:
        """Whether the server has not hung up meanwhile, as far as can be seen without asking it."""
        while self._poll.poll(0):
            try:
                self.pgconn.consume_input()
            except psycopg.Error:
                return False
        return self.pgconn.status == pq.ConnStatus.OK

    def is_young(self) -> bool:
        """Whether it may go on without a visit to the pool, which replaces connections after some time."""
        return self.pgconn.status == pq.ConnStatus.OK and time.monotonic() - self._since < _YOUTH

    def begin_use(self) -> bool:
        """Enter pipeline mode; False where the server has hung up."""
        if not self.is_alive():
            return False
        self._since = time.monotonic()
        self.pgconn.enter_pipeline_mode()
        return True

    def end_use(self) -> None:
        """Leave pipeline mode, so that the pool finds the connection as it knows connections."""
        try:
            if self.pgconn.status == pq.ConnStatus.OK:
                self.pgconn.exit_pipeline_mode()
        except psycopg.Error:
            self.link.close()

    def forget(self) -> None:
        """Prepare everything anew: the schema is another one."""
        self._names.clear()

    def run(self, commands: Sequence[Command], *, stream: bool = False) -> list[pq.abc.PGresult]:
        """The results of commands that are sent together; one transaction, unless they begin or end one themselves.

        There is a result for each command up to the first that fails. `stream`: of the last one the first chunk of rows only
        if there are many; `more` and `drain` go on from there.
        """
        pgconn = self.pgconn
        prepared: list[bool] = []
        made: list[tuple[str, tuple[int, ...]]] = []
        cleared = False
        try:
            if len(self._names) + len(commands) > _PREPARED:
                self._names.clear()
                pgconn.send_query_params(b"DEALLOCATE ALL", None)
                cleared = True
            for command in commands:
                values, oids, formats = _parameters(command.values)
                key = (command.sql, oids)
                name = self._names.get(key)
                prepared.append(name is None)
                if name is None:
                    name = self._name(key)
                    made.append(key)
                    pgconn.send_prepare(name, command.sql.encode(), oids or None)
                pgconn.send_query_prepared(name, values or None, formats or None)
            pgconn.pipeline_sync()
            while pgconn.flush():
                self._wait(select.POLLIN | select.POLLOUT)
            if cleared:
                self._next()
                self._end()
            results = self._collect(prepared, stream)
        except psycopg.Error as error:
            raise Lost(str(error)) from error
        if results and results[-1].status in BAD:
            for key in made:
                self._names.pop(key, None)
        return results

    def _collect(self, prepared: list[bool], stream: bool) -> list[pq.abc.PGresult]:
        results: list[pq.abc.PGresult] = []
        failed = False
        for number, new in enumerate(prepared):
            if new:
                result = self._next()
                self._end()
                if result.status in BAD and not failed:
                    results.append(result)
                    failed = True
            if stream and number == len(prepared) - 1 and not failed:
                self._stream()
            result = self._next()
            if result.status in _MORE:
                if not self._chunks or result.ntuples == _CHUNK:
                    results.append(result)
                    self._streaming = True
                    return results
                end = self._next()
                if end.status in BAD:
                    result = end
            self._end()
            if not failed and result.status != _ABORTED:
                results.append(result)
                failed = result.status in BAD
        self._sync()
        return results

    def more(self) -> pq.abc.PGresult | None:
        """The next chunk of a stream, None at its end."""
        if not self._streaming:
            return None
        try:
            result = self._next()
            if result.status in _MORE:
                return result
            self._streaming = False
            self._end()
            self._sync()
        except psycopg.Error as error:
            self._streaming = False
            raise Lost(str(error)) from error
        return result

    def rows(self, result: pq.abc.PGresult) -> list[tuple[Any, ...]]:
        """The rows of a result as Python values."""
        count = result.ntuples
        if not count:
            return []
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, count, tuple)

    def cancel(self) -> None:
        """Ask the server to give up what it does; may be called by any thread."""
        self.pgconn.get_cancel().cancel()

    def _stream(self) -> None:
        if self._chunks:
            self.pgconn.set_chunked_rows_mode(_CHUNK)
        else:
            self.pgconn.set_single_row_mode()

    def _next(self) -> pq.abc.PGresult:
        result = self._get()
        if result is None:
            raise psycopg.OperationalError("the connection was lost")
        return result

    def _end(self) -> None:
        """The end of a command's results."""
        while self._get() is not None:
            pass

    def _sync(self) -> None:
        while True:
            result = self._get()
            if result is not None and result.status == pq.ExecStatus.PIPELINE_SYNC:
                return
            if result is None and self.pgconn.status != pq.ConnStatus.OK:
                raise psycopg.OperationalError("the connection was lost")

    def _get(self) -> pq.abc.PGresult | None:
        pgconn = self.pgconn
        while pgconn.is_busy():
            self._wait(select.POLLIN)
        return pgconn.get_result()

    def _wait(self, events: int) -> None:
        if events != select.POLLIN:
            self._poll.modify(self.pgconn.socket, events)
        try:
            found = self._poll.poll()
        finally:
            if events != select.POLLIN:
                self._poll.modify(self.pgconn.socket, select.POLLIN)
        if any(event & ~select.POLLOUT for _descriptor, event in found):
            self.pgconn.consume_input()

    def _name(self, key: tuple[str, tuple[int, ...]]) -> bytes:
        self._count += 1
        name = self._names[key] = b"_outgrow_%d" % self._count
        return name


def _parameters(values: Sequence[Any]) -> tuple[list[bytes | None], tuple[int, ...], list[int]]:
    """Values as libpq takes them, their types, their formats."""
    texts: list[bytes | None] = []
    oids: list[int] = []
    formats: list[int] = []
    for value in values:
        kind = type(value)
        if kind is int:
            texts.append(b"%d" % value)
            oids.append(_INT)
        elif kind is str:
            texts.append(value.encode())
            oids.append(_TEXT)
        elif kind is float:
            texts.append(repr(value).encode())
            oids.append(_FLOAT)
        elif value is None:
            texts.append(None)
            oids.append(0)
        else:
            texts.append(value)
            oids.append(_BYTES)
        # A text of libpq's would end at a NUL; the binary form of a text is its bytes, and the server refuses a NUL in it.
        formats.append(int(oids[-1] in (_BYTES, _TEXT)))
    return texts, tuple(oids), formats
