"""The work of a copy as chunks: every table walked in steps, always the same steps, so that a restart finds its place."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Set
from dataclasses import dataclass

from outgrow.model import plan, store
from outgrow.sqlite import connection, reader

__all__ = ["Chunk", "Queue"]

_CHUNKS = 16
_MOST_LARGER = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """One transaction's work: the rows of a span in scan order; `ordinal` counts from 0 in each table."""

    table: plan.TablePlan
    ordinal: int
    span: store.Span


def _rows(table: plan.TablePlan, least: int) -> int:
    """The rows of one chunk: more in a large table, where each commit interrupts the stream, but always the same number."""
    return max(least, min(_MOST_LARGER * least, table.rows // _CHUNKS))


class Queue:
    """Hands out chunks to several threads, largest table first; chunks already done are passed over."""

    def __init__(self, source: connection.Source, planned: plan.Plan, *, rows: int, done: Set[tuple[str, int]]) -> None:
        self._lock = threading.Lock()
        self._chunks = self._walk(source, planned, rows, done)

    @staticmethod
    def _walk(source: connection.Source, planned: plan.Plan, rows: int, done: Set[tuple[str, int]]) -> Iterator[Chunk]:
        walker = source.connect()
        for table in sorted(planned.tables, key=lambda t: (-t.rows, t.source)):
            walking = reader.TableReader(walker, table, encoding=planned.encoding)
            for ordinal, span in enumerate(walking.spans(walking.sql.scan, _rows(table, rows))):
                if (table.source, ordinal) not in done:
                    yield Chunk(table=table, ordinal=ordinal, span=span)

    def take(self) -> Chunk | None:
        """The next chunk, None when all are taken."""
        with self._lock:
            return next(self._chunks, None)
