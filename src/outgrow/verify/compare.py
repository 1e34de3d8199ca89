"""Comparing one table: digests of spans first, single rows where they differ."""

from __future__ import annotations

import collections
import concurrent.futures
import enum
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from outgrow import failpoints
from outgrow.model import event, store
from outgrow.postgres import reader as target_reader
from outgrow.sqlite import reader as source_reader
from outgrow.sqlite import values
from outgrow.verify import pool

__all__ = ["NOBODY", "Difference", "Excused", "Kind", "Quarantine", "TableResult", "compare", "digests", "narrow"]

_ToCome: TypeAlias = "concurrent.futures.Future[store.Digest]"

_SPAN_ROWS = 20_000
_SPAN_BYTES = 16 * 2**20
_NARROW_ROWS = 250


class Kind(enum.StrEnum):
    """What is wrong with a row."""

    MISSING = "missing"
    """In the file, but not at the target and not in the quarantine."""
    EXTRA = "extra"
    """At the target, but not in the file."""
    VALUE = "value"
    """On both sides with different values."""
    QUARANTINE = "quarantine"
    """In the quarantine with other values than in the file, or without need."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One difference: `source` and `target` are readable values, None for NULL or for a row that is not there."""

    table: str
    key: str
    kind: Kind
    column: str = ""
    source: str | None = None
    target: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Excused:
    """Keys that the follower may rightly lack at this moment: by SQL literal, and by canonical text or rowid."""

    literals: frozenset[str] = frozenset()
    identities: frozenset[Any] = frozenset()


NOBODY = Excused()


@dataclass(frozen=True, kw_only=True, slots=True)
class TableResult:
    """A compared table: rows of the file, how many of them are in quarantine, and the differences."""

    table: str
    rows: int
    quarantined: int
    differences: tuple[Difference, ...]


class Quarantine:
    """The quarantine of one table: a row that does not fit must be in it exactly once, with exactly its values."""

    def __init__(self, source: source_reader.TableReader, target: pool.Target) -> None:
        self._columns = source.sql.columns
        self._copied = {column.source for column in source.table.copied}
        self._table = source.table.source
        self._target = target
        self._met: set[str] = set()

    def holds(self, row: source_reader.Row) -> bool:
        """Whether there is any record of the row."""
        return bool(self._records(row))

    def check(self, row: source_reader.Row) -> Iterator[Difference]:
        """What is wrong with the record of a row that must have one."""
        self._met.add(row.key)
        kept = self._records(row)
        record: Mapping[str, Any] = json.loads(row.record(self._columns))
        if kept != [{name: value for name, value in record.items() if name in self._copied}]:
            yield self._difference(row.key, Kind.QUARANTINE if kept else Kind.MISSING)

    def strays(self) -> Iterator[Difference]:
        """Records of rows that need none; asked when all rows have been checked."""
        yield from (self._difference(key, Kind.QUARANTINE) for key in self.unmet())

    def unmet(self) -> list[str]:
        """The keys of records whose rows have not been checked."""
        with self._target.state() as keeper:
            return [key for key in keeper.quarantined_keys(self._table) if key not in self._met]

    def _records(self, row: source_reader.Row) -> list[Mapping[str, Any]]:
        with self._target.state() as keeper:
            return keeper.quarantined_rows(self._table, row.key)

    def _difference(self, key: str, kind: Kind) -> Difference:
        return Difference(table=self._table, key=key, kind=kind)


def compare(
    source: source_reader.TableReader,
    target: pool.Target,
    *,
    ahead: pool.Digests,
    check: Callable[[], None],
    sink: event.Sink,
) -> TableResult:
    """Compare a whole table span by span, the two sides at the same time; `ahead` makes the digests of `source`.

    A span whose digests are equal is proven equal: a value that does not fit has a canonical text that the target never has.
    Any other span is compared row by row.
    """
    table = source.table
    quarantine = Quarantine(source, target)
    differences: list[Difference] = []
    rows = quarantined = 0
    size = max(1, min(_SPAN_ROWS, _SPAN_BYTES // max(table.widest, 1)))
    for span, ours, theirs in digests(ahead, target.digests, source.spans(source.sql.key, size)):
        check()
        failpoints.hit("verify.span")
        rows += ours.rows
        equal = ours == theirs
        if not equal:
            found, held = narrow(source, target, quarantine, span)
            differences += found
            quarantined += held
            equal = not found
        sink(event.ChunkVerified(table=table.source, rows=ours.rows, equal=equal))
    for row in source.unkeyed():
        rows += 1
        quarantined += 1
        differences += quarantine.check(row)
    differences += quarantine.strays()
    for difference in differences:
        sink(
            event.DifferenceFound(
                table=difference.table, key=difference.key, kind=difference.kind, column=difference.column
            )
        )
    return TableResult(table=table.source, rows=rows, quarantined=quarantined, differences=tuple(differences))


def digests(
    source: pool.Digests, target: pool.Digests, spans: Iterable[store.Span]
) -> Iterator[tuple[store.Span, store.Digest, store.Digest]]:
    """Spans with both digests, which are asked for in advance; once plain text is not clear, the rest is measured."""
    form = store.Form.PLAIN
    pending: collections.deque[tuple[store.Span, _ToCome, _ToCome]] = collections.deque()

    def settled() -> tuple[store.Span, store.Digest, store.Digest]:
        nonlocal form
        span, ours, theirs = pending.popleft()
        if ours.result().form is not theirs.result().form:
            form = ours.result().form
            theirs = target.digest(span, form)
        return span, ours.result(), theirs.result()

    for span in spans:
        theirs = target.digest(span, form)
        pending.append((span, source.digest(span, form), theirs))
        if len(pending) > target.ahead:
            yield settled()
    while pending:
        yield settled()


def _key_positions(source: source_reader.TableReader) -> tuple[int, ...]:
    names = [column.source for column in source.sql.columns]
    return tuple(names.index(name) for name in source.table.key)


def narrow(
    source: source_reader.TableReader,
    target: pool.Target,
    quarantine: Quarantine,
    span: store.Span,
    excused: Excused = NOBODY,
    extras: list[store.Key] | None = None,
) -> tuple[list[Difference], int]:
    """Compare the rows of those parts of a span whose digests differ; keys that only the target has go into `extras`."""
    found: list[Difference] = []
    held = 0
    for part, ours, theirs in digests(
        pool.Here(source), target.digests, source.spans(source.sql.key, _NARROW_ROWS, within=span)
    ):
        if ours != theirs:
            differences, kept = _compare_rows(source, target, quarantine, part, excused, extras)
            found += differences
            held += kept
    return found, held


def _compare_rows(
    source: source_reader.TableReader,
    target: pool.Target,
    quarantine: Quarantine,
    span: store.Span,
    excused: Excused,
    extras: list[store.Key] | None,
) -> tuple[list[Difference], int]:
    """The differences of a span, and how many of its rows are rightly in quarantine."""
    positions = _key_positions(source)

    def identity(rowid: int | None, canonical: tuple[bytes, ...]) -> Any:
        return rowid if target.table.rowid is not None else tuple(canonical[position] for position in positions)

    there: collections.defaultdict[Any, list[target_reader.Row]] = collections.defaultdict(list)
    for target_row in target.rows(span):
        if (found_identity := identity(target_row.rowid, target_row.canonical)) not in excused.identities:
            there[found_identity].append(target_row)
    found: list[Difference] = []
    held = 0
    for row in source.rows(source.sql.key, span):
        if row.key in excused.literals or identity(row.rowid, row.canonical) in excused.identities:
            continue
        same = there[identity(row.rowid, row.canonical)]
        # Without its primary key the target may hold a row twice: the equal one is this row's, any other is too many.
        other = next((one for one in same if one.canonical == row.canonical), same[0] if same else None)
        if other is not None:
            same.remove(other)
        if row.misfits:
            held += 1
            if other is not None:
                found.append(Difference(table=source.table.source, key=row.key, kind=Kind.EXTRA))
            found += quarantine.check(row)
        elif other is None:
            # PostgreSQL may refuse what the file's side takes to fit; then the row was kept.
            if quarantine.holds(row):
                held += 1
                found += quarantine.check(row)
            else:
                found.append(Difference(table=source.table.source, key=row.key, kind=Kind.MISSING))
        else:
            found += _compare_values(source, row, other)
    for other in itertools.chain.from_iterable(there.values()):
        if extras is not None:
            texts = [other.readable[position] or "" for position in positions]
            extras.append((str(other.rowid),) if other.rowid is not None else tuple(texts))
        found.append(Difference(table=source.table.source, key=_target_key(target, other, positions), kind=Kind.EXTRA))
    return found, held


def _target_key(target: pool.Target, row: target_reader.Row, positions: tuple[int, ...]) -> str:
    if row.rowid is not None:
        return str(row.rowid)
    parts = []
    for position in positions:
        text = row.readable[position] or ""
        numeric = target.sql.columns[position].sql_type in ("bigint", "integer", "smallint", "double precision")
        parts.append(text if numeric else "'" + text.replace("'", "''") + "'")
    return ",".join(parts)


def _compare_values(
    source: source_reader.TableReader, row: source_reader.Row, other: target_reader.Row
) -> Iterator[Difference]:
    for position, (ours, theirs) in enumerate(zip(row.canonical, other.canonical, strict=True)):
        if ours != theirs:
            yield Difference(
                table=source.table.source,
                key=row.key,
                kind=Kind.VALUE,
                column=source.sql.columns[position].source,
                source=values.readable(row.classes[position], row.exact[position]),
                target=other.readable[position],
            )
