"""Totals hold at every moment: a thread reads them from PostgreSQL all the time."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from support.workload import schema

__all__ = ["Deviation", "Watch", "watch_total"]

QUERY = f"""
    SELECT (SELECT sum(balance)::bigint FROM account),
           (SELECT sum(moves)::bigint FROM account)
           - (SELECT sum(n)::bigint FROM counter WHERE id >= {schema.LEG_COUNTERS})"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviation:
    """A state of the database that no SQLite ever committed; `at` in nanoseconds of CLOCK_MONOTONIC."""

    at: int
    total: int | None
    unexplained: int | None


class Watch:
    """What the thread saw: `absent` counts the times when there was no server, or no table."""

    def __init__(self) -> None:
        self.reads = 0
        self.absent = 0
        self.deviations: list[Deviation] = []
        self._changed = threading.Condition()

    def add(self, deviation: Deviation | None) -> None:
        """Count a read."""
        with self._changed:
            self.reads += 1
            if deviation is not None:
                self.deviations.append(deviation)
            self._changed.notify_all()

    def wait(self, reads: int = 1, *, within: float = 60.0) -> None:
        """Wait for so many more reads that begin after the call."""
        with self._changed:
            wanted = self.reads + reads + 1  # one may be under way
            assert self._changed.wait_for(lambda: self.reads >= wanted, within), "the watcher does not read"

    def since(self, at: int) -> list[Deviation]:
        """The deviations from a moment on: until the follower has caught up for the first time, there may be any number."""
        return [each for each in self.deviations if each.at >= at]

    def require(self, since: int = 0) -> Watch:
        """Return itself; AssertionError if there were deviations, or if it never read."""
        assert self.reads, "the watcher never read"
        found = self.since(since)
        assert not found, f"{len(found)} of {self.reads} reads: {found[:5]}"
        return self


@contextlib.contextmanager
def watch_total(dsn: str, shape: schema.Shape, *, pause: float = 0.001) -> Iterator[Watch]:
    """Read two invariants, in one statement, again and again for the length of the block.

    The money is always the same; and the legs of transfers counted with the accounts are those counted with the processes,
    in another table. The first notices a transaction applied in parts, the second also one applied table by table.
    """
    watch, stop = Watch(), threading.Event()

    def read(connection: psycopg.Connection[tuple[int | None, ...]]) -> None:
        at = time.monotonic_ns()
        row = connection.execute(QUERY.encode()).fetchone()
        assert row is not None
        total, unexplained = row
        right = (total, unexplained) == (shape.total, 0)
        watch.add(None if right else Deviation(at=at, total=total, unexplained=unexplained))

    def run() -> None:
        while not stop.is_set():
            try:
                with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
                    while not stop.is_set():
                        read(connection)
                        stop.wait(pause)
            except psycopg.Error:
                watch.absent += 1
                stop.wait(0.02)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join()
