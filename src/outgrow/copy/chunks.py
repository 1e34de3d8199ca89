"""The work of a copy as chunks: tables walked in steps, each written down before it is copied, where a restart finds it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from outgrow.model import plan, store
from outgrow.postgres import state
from outgrow.sqlite import connection, reader, values

__all__ = ["Chunk", "Queue"]

_CHUNKS = 16
_MOST_LARGER = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """One transaction's work: the rows of a span in the order of the walk; `ordinal` counts from 0 in each table.

    The `last` one brings the rows that no span contains too.
    """

    table: plan.TablePlan
    ordinal: int
    span: store.Span
    last: bool


def _rows(table: plan.TablePlan, least: int) -> int:
    """The rows of one chunk: more in a large table, where each commit interrupts the stream."""
    return max(least, min(_MOST_LARGER * least, table.rows // _CHUNKS))


class Queue:
    """Hands out chunks to several threads, largest table first; chunks already done are passed over.

    With `live`, tables are walked in the order of their keys, because a row's rowid may change under the walk; and no
    further than
    to the last key that there is when the walk begins, because what comes later is logged.
    """

    def __init__(
        self, source: connection.Source, planned: plan.Plan, keeper: state.State, *, rows: int, live: bool = False
    ) -> None:
        self._lock = threading.Lock()
        self._keeper = keeper
        self._live = live
        known: dict[str, list[state.Chunk]] = {}
        for chunk in keeper.chunks():
            known.setdefault(chunk.table, []).append(chunk)
        self._chunks = self._walk(source, planned, rows, known)

    def _walk(
        self, source: connection.Source, planned: plan.Plan, rows: int, known: dict[str, list[state.Chunk]]
    ) -> Iterator[Chunk]:
        walker = source.connect()
        for table in sorted(planned.tables, key=lambda t: (-t.rows, t.source)):
            begun = known.get(table.source, [])
            lower: store.Position | None = None
            for chunk in begun:
                upper = None if chunk.upper is None else values.load(chunk.upper)
                if not chunk.done:
                    span = store.Span(lower=lower, upper=upper)
                    yield Chunk(table=table, ordinal=chunk.ordinal, span=span, last=upper is None)
                lower = upper
            if begun and lower is None:
                continue
            walking = reader.TableReader(walker, table, encoding=planned.encoding, live=self._live)
            rest = store.Span(lower=lower, upper=walking.last(walking.walk) if self._live else None)
            for ordinal, span in enumerate(walking.spans(walking.walk, _rows(table, rows), rest), len(begun)):
                last = span.upper == rest.upper
                # Once the last chunk is written down, no restart walks any further: later rows may be there by then.
                bound = None if last or span.upper is None else values.dump(span.upper)
                self._keeper.plan_chunk(table.source, ordinal, bound)
                yield Chunk(table=table, ordinal=ordinal, span=span, last=last)

    def take(self) -> Chunk | None:
        """The next chunk, None when all are taken."""
        with self._lock:
            return next(self._chunks, None)
