"""Sessions on the target that digest spans beside the one reader of the file."""

from __future__ import annotations

import concurrent.futures
import contextlib
import queue
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from outgrow.model import plan, store
from outgrow.postgres import connection, reader, state

__all__ = ["Pool", "Target"]

Result = TypeVar("Result")


class Pool:
    """A fixed number of sessions and as many threads, each of which works with one session at a time."""

    def __init__(self, sessions: Sequence[connection.Session]) -> None:
        self._idle: queue.Queue[connection.Session] = queue.Queue()
        for session in sessions:
            self._idle.put(session)
        self._executor = concurrent.futures.ThreadPoolExecutor(len(sessions), "outgrow-digest")
        self.width = len(sessions)

    @contextlib.contextmanager
    def borrow(self) -> Iterator[connection.Session]:
        """A session for the length of the block."""
        session = self._idle.get()
        try:
            yield session
        finally:
            self._idle.put(session)

    def submit(self, work: Callable[[connection.Session], Result]) -> concurrent.futures.Future[Result]:
        """Do something with a session in another thread."""

        def borrowing() -> Result:
            with self.borrow() as session:
                return work(session)

        return self._executor.submit(borrowing)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *exception: object) -> None:
        self._executor.shutdown(cancel_futures=True)


class Target:
    """One planned table of the target, read over any session of a pool."""

    def __init__(self, pool: Pool, schema: str, table: plan.TablePlan) -> None:
        self._pool = pool
        self._schema = schema
        self._readers: dict[int, reader.TableReader] = {}
        self.table = table
        self.sql = reader.TableReader.statements(schema, table)

    @property
    def ahead(self) -> int:
        """How many digests are worth asking for in advance."""
        return self._pool.width + 1

    def _reader(self, session: connection.Session) -> reader.TableReader:
        return self._readers.setdefault(id(session), reader.TableReader(session, self.sql))

    def digest(self, span: store.Span) -> concurrent.futures.Future[store.Digest]:
        """The digest of a span, to come."""
        return self._pool.submit(lambda session: self._reader(session).digest(span))

    def rows(self, span: store.Span) -> list[reader.Row]:
        """The rows of a span."""
        with self._pool.borrow() as session:
            return self._reader(session).rows(span)

    @contextlib.contextmanager
    def state(self) -> Iterator[state.State]:
        """outgrow's state at the target, over a session that nobody else uses meanwhile."""
        with self._pool.borrow() as session:
            yield state.State(session)
