"""The target as follower: batches of lines from the file, each in one transaction that also moves the position.

A batch takes one round trip, and one statement a table, whatever its size: the server splits the lines. A batch with a row that
PostgreSQL refuses is rolled back and done again with savepoints, until the refused rows are found; those go to the quarantine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import psycopg

from outgrow import codec
from outgrow.codec import stored
from outgrow.codec.separators import RECORD, UNIT
from outgrow.dialect import identifiers
from outgrow.model import plan, store
from outgrow.postgres import capture, keys, live_state, loader, round_trip, sql_table, state, statements

__all__ = ["Applier"]

_PIECE = 32 * 2**20
"""Bytes of lines in one parameter."""
_NO_SUCH_VALUE = ("22", "23", "54")
_TAKEN = "23505"
"""SQLSTATE: another row has that unique value."""

_BEGIN = f"""
SELECT set_config('{capture.APPLYING}', $1, true), set_config('synchronous_commit', 'off', true),
       set_config('jit', 'off', true), outgrow.move_position($2, $3, $4, $5, $6, $7)
""".strip().encode()


_FORGET = statements.named("forget_quarantined", file="live").encode()
_KEEP = statements.named("keep_quarantined", file="live").encode()


class _Table:
    """The statements of one table."""

    def __init__(self, schema: str, table: plan.TablePlan) -> None:
        self.plan = table
        self.sql = sql_table.TableSql(schema, table)
        self.key = keys.columns(table)
        kept = [identifiers.quote(table.rowid)] if table.rowid is not None else []
        names = [*kept, *self.sql.operands]
        types = ["bigint"] * len(kept) + [column.sql_type for column in self.sql.columns]
        self.codecs = [codec.Bigint()] * len(kept) + list(self.sql.codecs)
        values = ",".join(f"s.a[{number}]::{sql_type}" for number, sql_type in enumerate(types, 1))
        keyed = {column.name for column in self.key}
        # A row may take over a unique value that another one of the batch gives up; and ON CONFLICT needs an index on the key.
        self.upserts = bool(table.indexed_key) and not any(index.unique for index in table.indexes)
        conflict = ""
        if self.upserts:
            settings = ",".join(f"{name}=excluded.{name}" for name in names if name not in keyed)
            action = f"DO UPDATE SET {settings}" if settings else "DO NOTHING"
            conflict = f" ON CONFLICT ({','.join(column.name for column in self.key)}) {action}"
        insert = f"INSERT INTO {self.sql.name} AS t ({','.join(names)}) SELECT {values} FROM "
        # OFFSET 0: otherwise the planner puts the split into each of the values, and every line is split for every column.
        split = (
            r"(SELECT string_to_array(l.line,E'\x1f',$2) FROM string_to_table($1,E'\x1e') AS l(line) OFFSET 0) AS s(a)"
        )
        self.insert_lines = (insert + split + conflict).encode()
        self.insert_one = (insert + "(VALUES ($1::text[])) AS s(a)" + conflict).encode()
        given = [column.typed(f"given.k{number}") for number, column in enumerate(self.key, 1)]
        self.delete = (
            f"DELETE FROM {self.sql.name} AS t USING {keys.parameters(self.key)}"
            f" WHERE {keys.matching(self.key, 't', given)}"
        ).encode()

    def key_of(self, row: Sequence[str | None]) -> store.Key:
        """The key in a row's texts."""
        return tuple(row[column.position] or "" for column in self.key)

    def misfit_key(self, misfit: store.Misfit) -> store.Key | None:
        """The key under which the target may have had a row that does not fit any more; None if it cannot be there."""
        if self.plan.rowid is not None or not self.plan.key:
            return (misfit.key,)
        record = json.loads(misfit.record)
        texts = [
            stored.crossing(column.codec, record[column.source]["class"], record[column.source]["value"])
            for column in self.key
        ]
        if misfit.column in self.plan.key or None in texts:
            return None
        return tuple(text for text in texts if text is not None)


@dataclass(kw_only=True, slots=True)
class _Work:
    """What is to be done to one table: its rows as joined lines, and as texts where a value has a separator in it."""

    table: _Table
    lines: str = ""
    odd: list[tuple[str | None, ...]] = field(default_factory=list)
    gone: list[store.Key] = field(default_factory=list)
    misfits: Sequence[store.Misfit] = ()
    forgotten: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Line:
    """A row that PostgreSQL may refuse (see `loader.Line`); one that it does is kept in `refused`."""

    table: _Table
    row: tuple[str | None, ...]
    null: bytes
    refused: list[store.Misfit]

    @property
    def line(self) -> bytes:
        """The escaped line."""
        return b"\x1f".join(self.null if text is None else loader.escape(text.encode()) for text in self.row)

    def misfit(self, *, why: str = "") -> store.Misfit:
        """The row for the quarantine, its exact values told from its texts."""
        cells = {}
        width = len(self.row) - len(self.table.sql.columns)
        for column, column_codec, text in zip(
            self.table.sql.columns, self.table.sql.codecs, self.row[width:], strict=True
        ):
            kind, value = ("null", None) if text is None else stored.exact(column_codec, text)
            cells[column.source] = {"class": kind, "value": value}
        made = store.Misfit(
            key=keys.literal(self.table.key, self.table.key_of(self.row)),
            record=json.dumps(cells, ensure_ascii=False),
            column="",
            reason=why,
        )
        self.refused.append(made)
        return made


class Applier:
    """Applies batches over one session in autocommit mode, which finds the types of extensions (`connection.find_extensions`).

    `null` is the token that stands for NULL in the lines. A batch's `mark` has `seq` and `token`, the entry of the file's log
    that it leads to. When the connection broke, only the server knows whether a batch is there: make another one, which asks.
    """

    def __init__(self, session: psycopg.Connection, planned: plan.Plan, *, null: str) -> None:
        self._session = session
        self._cursor = psycopg.RawCursor(session)
        self._round_trip = round_trip.RoundTrip(session)
        self._null = null
        self._tables = {table.source: _Table(planned.schema, table) for table in planned.tables}
        found = live_state.read(session)
        self._secret, self._epoch = found.secret, found.epoch
        self.position = (found.seq, found.token)

    def apply(self, batch: store.Batch[store.LineChanges]) -> store.Applied:
        """Apply a batch and move the position, or neither, without waiting for the disk.

        All rows that went to the quarantine are in the result, those included that did not fit in the file's judgement. Raises
        errors.TargetBusy where the position, the epoch or the primary is not what this process believes, and store.Torn where
        a batch that is not complete breaks a unique index: the row that has the value will give it up later.
        """
        work = [self._sorted(changes) for changes in batch.changes]
        first = self._first(batch)
        try:
            self._round_trip.run([first, *self._statements(work)])
            refused = [(one.table, misfit) for one in work for misfit in one.misfits]
        except psycopg.Error as error:
            if error.sqlstate == live_state.MOVED:
                raise live_state.moved(error) from error
            if error.sqlstate == _TAKEN and not batch.complete:
                raise store.Torn from error
            if (error.sqlstate or "")[:2] not in _NO_SUCH_VALUE:
                raise
            refused = self._carefully(first, work)
        self.position = (batch.mark.seq, batch.mark.token)
        return store.Applied(
            refusals=tuple(
                store.Refusal(table=table.plan.source, key=one.key, record=one.record, reason=one.reason)
                for table, one in refused
            )
        )

    def _first(self, batch: store.Batch[store.LineChanges]) -> round_trip.Statement:
        mark = batch.mark
        position = [*self.position, mark.seq, mark.token, self._epoch, not batch.complete]
        return _BEGIN, [self._secret, *position]

    def _sorted(self, changes: store.LineChanges) -> _Work:
        table = self._tables[changes.table]
        work = _Work(table=table, gone=list(changes.gone), misfits=changes.misfits, forgotten=list(changes.keys))
        lines = [changes.lines.decode()] if changes.rows else []
        for row in changes.single:
            if any(text is not None and (UNIT in text or RECORD in text) for text in row):
                work.odd.append(row)
            else:
                lines.append(self._joined(row))
        work.lines = RECORD.join(lines)
        work.forgotten += [misfit.key for misfit in changes.misfits]
        work.gone += [key for misfit in changes.misfits if (key := table.misfit_key(misfit)) is not None]
        return work

    def _joined(self, row: tuple[str | None, ...]) -> str:
        line = UNIT.join(self._null if text is None else text for text in row)
        # Of an empty text, nothing would be left.
        return line + UNIT if len(row) == 1 else line

    def _rows(self, work: _Work) -> Iterator[tuple[str | None, ...]]:
        """All rows as texts."""
        width = len(work.table.codecs)
        for line in work.lines.split(RECORD) if work.lines else ():
            parts = line.split(UNIT)[:width]
            yield tuple(None if part == self._null else part for part in parts)
        yield from work.odd

    def _touched(self, work: _Work) -> list[store.Key]:
        """The keys that have to be away before rows come: those of all rows, where another unique index is in the way."""
        if work.table.upserts:
            return work.gone
        return [*work.gone, *(work.table.key_of(row) for row in self._rows(work))]

    def _statements(self, work: Sequence[_Work]) -> Iterator[round_trip.Statement]:
        for one in work:
            if one.forgotten:
                yield _FORGET, [one.table.plan.source, one.forgotten]
            if touched := self._touched(one):
                yield one.table.delete, keys.transposed(one.table.key, touched)
        for one in work:
            for piece in _pieces(one.lines):
                yield one.table.insert_lines, [piece, self._null]
            for row in one.odd:
                yield one.table.insert_one, [list(row)]
            for misfit in one.misfits:
                yield _KEEP, [one.table.plan.source, misfit.key, misfit.record, misfit.column, misfit.reason]

    def _carefully(self, first: round_trip.Statement, work: Sequence[_Work]) -> list[tuple[_Table, store.Misfit]]:
        """The whole batch once more, with room for rows that PostgreSQL refuses; returns all that went to the quarantine."""
        found: list[tuple[_Table, store.Misfit]] = []
        try:
            with self._session.transaction():
                self._cursor.execute(*first)
                for one in work:
                    if one.forgotten:
                        self._cursor.execute(_FORGET, [one.table.plan.source, one.forgotten])
                    self._delete(one.table, [*one.gone, *map(one.table.key_of, self._rows(one))])
                for one in work:
                    refused: list[store.Misfit] = []
                    null = self._null.encode()
                    lines = (_Line(one.table, row, null, refused) for row in self._rows(one))
                    loader.load(self._session, one.table.plan, one.table.sql, self._null, lines)
                    state.State(self._session).quarantine(one.table.plan.source, one.misfits)
                    found += [(one.table, misfit) for misfit in (*one.misfits, *refused)]
        except psycopg.Error as error:
            if error.sqlstate == live_state.MOVED:
                raise live_state.moved(error) from error
            raise
        return found

    def _delete(self, table: _Table, found: Sequence[store.Key]) -> None:
        """Delete rows by their keys; a key that PostgreSQL refuses as a value has none."""
        try:
            with self._session.transaction():
                self._cursor.execute(table.delete, keys.transposed(table.key, found))
        except psycopg.Error as error:
            if (error.sqlstate or "")[:2] not in _NO_SUCH_VALUE:
                raise
            if len(found) > 1:
                middle = len(found) // 2
                self._delete(table, found[:middle])
                self._delete(table, found[middle:])


def _pieces(lines: str) -> Iterator[str]:
    """Lines in pieces that a parameter may have; of a line that is longer by itself, the whole."""
    start = 0
    while len(lines) - start > _PIECE:
        end = lines.rfind(RECORD, start, start + _PIECE)
        end = end if end >= 0 else lines.find(RECORD, start)
        if end < 0:
            break
        yield lines[start:end]
        start = end + 1
    if start < len(lines):
        yield lines[start:]
