"""Comparing a table while it is written to: each span in two snapshots that belong together, so no alarm is false."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from outgrow.model import store
from outgrow.sqlite import reader as source_reader
from outgrow.verify import compare, pool

__all__ = ["Found", "compare_live"]

_SPAN_ROWS = 5_000
_SPAN_BYTES = 8 * 2**20

Snapshots = Callable[[], contextlib.AbstractContextManager[Callable[[], compare.Excused]]]
"""A block during which both sides are read in snapshots taken between two batches; it gives what the keys are, asked only where
digests differ, of which the follower may rightly lack the last change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a comparison found; `extras` are keys, as the target writes them, of rows that only the target has."""

    rows: int
    differences: Sequence[compare.Difference]
    extras: Sequence[store.Key]


def compare_live(
    source: source_reader.TableReader,
    target: pool.Target,
    snapshots: Snapshots,
    *,
    check: Callable[[], None],
    pace: Callable[[], None],
) -> Found:
    """Compare a whole table. Rows that were touched a moment ago are left to the next round."""
    table = source.table
    quarantine = compare.Quarantine(source, target)
    differences: list[compare.Difference] = []
    extras: list[store.Key] = []
    rows = 0
    size = max(1, min(_SPAN_ROWS, _SPAN_BYTES // max(table.widest, 1)))
    for span in source.spans(source.sql.key, size):
        check()
        pace()
        with snapshots() as excused:
            for _, ours, theirs in compare.digests(pool.Here(source), target.digests, [span]):
                rows += ours.rows
                if ours != theirs:
                    differences += compare.narrow(source, target, quarantine, span, excused(), extras)[0]
    with snapshots() as excused:
        unkeyed = list(source.unkeyed())
        unmet = quarantine.unmet()
        if unkeyed or unmet:
            literals = excused().literals
            for row in unkeyed:
                if row.key not in literals:
                    differences += quarantine.check(row)
            met = {row.key for row in unkeyed}
            for key in unmet:
                if key not in literals and key not in met:
                    differences += _stray(source, quarantine, key)
    return Found(rows=rows, differences=differences, extras=extras)


def _stray(source: source_reader.TableReader, quarantine: compare.Quarantine, key: str) -> Sequence[compare.Difference]:
    """A record whose row was not met: it may have become a misfit after its span was compared."""
    operands = source.sql.key_operands
    same = f" WHERE ({','.join(operands)}) IS ({key})" if len(operands) > 1 else f" WHERE {operands[0]} IS {key}"
    row = next(source.some(same, ()), None)
    if row is None:
        return [compare.Difference(table=source.table.source, key=key, kind=compare.Kind.QUARANTINE)]
    return list(quarantine.check(row))
