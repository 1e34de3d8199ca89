"""Connections to either side that digest spans beside the one walk over the file."""

from __future__ import annotations

import concurrent.futures
import contextlib
import queue
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from outgrow.model import plan, store
from outgrow.postgres import connection, reader, state

__all__ = ["Digests", "Here", "Pool", "Pooled", "Target", "agree"]

Member = TypeVar("Member")
Result = TypeVar("Result")


def agree(session: connection.Session) -> store.Agreement:
    """How both sides of a verification that begins now make their digests."""
    return store.Agreement(null=secrets.token_hex(16), hash=connection.fastest_hash(session))


class Pool(Generic[Member]):
    """A fixed number of connections and as many threads, each of which works with one connection at a time."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._idle: queue.Queue[Member] = queue.Queue()
        for member in members:
            self._idle.put(member)
        self._executor = concurrent.futures.ThreadPoolExecutor(len(members), "outgrow-digest")
        self.width = len(members)

    @contextlib.contextmanager
    def borrow(self) -> Iterator[Member]:
        """A connection for the length of the block."""
        member = self._idle.get()
        try:
            yield member
        finally:
            self._idle.put(member)

    def submit(self, work: Callable[[Member], Result]) -> concurrent.futures.Future[Result]:
        """Do something with a connection in another thread."""

        def borrowing() -> Result:
            with self.borrow() as member:
                return work(member)

        return self._executor.submit(borrowing)

    def __enter__(self) -> Pool[Member]:
        return self

    def __exit__(self, *exception: object) -> None:
        self._executor.shutdown(cancel_futures=True)


class Digests(Protocol):
    """Digests of one table, to come."""

    @property
    def ahead(self) -> int:
        """How many are worth asking for in advance."""

    def digest(self, span: store.Span, form: store.Form) -> concurrent.futures.Future[store.Digest]:
        """The digest of a span."""


class Pooled(Generic[Member]):
    """Digests by any connection of a pool, with a reader for each that `make` makes."""

    def __init__(self, pool: Pool[Member], make: Callable[[Member], store.Digesting]) -> None:
        self._pool = pool
        self._make = make
        self._readers: dict[int, store.Digesting] = {}

    @property
    def ahead(self) -> int:
        """Enough that no connection waits while a digest is looked at."""
        return 2 * self._pool.width

    def digest(self, span: store.Span, form: store.Form) -> concurrent.futures.Future[store.Digest]:
        """The digest of a span."""
        return self._pool.submit(lambda member: self._reader(member).digest(span, form))

    def _reader(self, member: Member) -> store.Digesting:
        if id(member) not in self._readers:
            self._readers[id(member)] = self._make(member)
        return self._readers[id(member)]


class Here:
    """Digests by the thread that asks for them."""

    ahead = 0

    def __init__(self, reader: store.Digesting) -> None:
        self._reader = reader

    def digest(self, span: store.Span, form: store.Form) -> concurrent.futures.Future[store.Digest]:
        """The digest of a span, which is there when this returns."""
        done: concurrent.futures.Future[store.Digest] = concurrent.futures.Future()
        done.set_result(self._reader.digest(span, form))
        return done


class Target:
    """One planned table of the target, read over any session of a pool."""

    def __init__(
        self, pool: Pool[connection.Session], schema: str, table: plan.TablePlan, agreed: store.Agreement
    ) -> None:
        self._pool = pool
        self._schema = schema
        self.table = table
        self.agreed = agreed
        self.sql = reader.TableReader.statements(schema, table, agreed=agreed)
        self.digests = Pooled(pool, lambda session: reader.TableReader(session, self.sql))

    def rows(self, span: store.Span) -> list[reader.Row]:
        """The rows of a span."""
        with self._pool.borrow() as session:
            return reader.TableReader(session, self.sql).rows(span)

    @contextlib.contextmanager
    def state(self) -> Iterator[state.State]:
        """outgrow's state at the target, over a session that nobody else uses meanwhile."""
        with self._pool.borrow() as session:
            yield state.State(session)
