"""Reading what capture has logged: the touched rows of the file as they are now, in one snapshot with the log."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import apsw

from outgrow import errors
from outgrow.codec import separators
from outgrow.model import store
from outgrow.sqlite import capture, reader, sql, values

__all__ = ["ChangeReader", "Mark", "SchemaMoved"]

BATCH_BYTES = 64 * 2**20
"""What the rows of one batch may take, by the widest row that the plan saw in each table."""

_START = (0, 0)


class SchemaMoved(Exception):
    """The file's schema is no longer the one that capture was installed for: somebody has to look before changes are read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A position in the log: the last entry's number and its token, which tells it from another entry of that number."""

    seq: int
    token: int


class _Table:
    """The statements of one captured table, over a set of touched keys that a subquery names."""

    def __init__(self, connection: apsw.Connection, captured: capture.Captured, *, encoding: str, null: str) -> None:
        self.plan = captured.plan
        self.reader = reader.TableReader(connection, captured.plan, encoding=encoding, null=null)
        table = self.reader.sql
        keys = [table.scan.columns] if captured.plan.rowid is not None else list(table.key_operands)
        logged = [f"k{number}" for number in range(1, len(keys) + 1)]
        touched = f"FROM {capture.LOG} WHERE seq>? AND seq<=? AND t={captured.number}"
        listed = ",".join(logged)
        self.width = len(keys)
        self.columns = len(table.columns) + table.keeps_rowid
        # A key's own collation lets the index be used; what it finds besides is read again, which does no harm.
        among = f"({','.join(keys)}) IN (SELECT {listed} {touched})"
        line = table.copy_line(null)
        if self.columns == 1:
            line = f"{line}||char(31)"
        self.among = f" WHERE {among}"
        self.present = (
            f"SELECT {table.as_bytes(f'group_concat({line},char(30))')},count(*),total({table.misfit()})"
            f" FROM {table.name} WHERE {among}"
        )
        same = " AND ".join(
            f"{key} IS {mark} AND {key} IS {mark} COLLATE BINARY" for key, mark in self._pairs(keys, logged)
        )
        fitting = " AND ".join(
            f"{mark} IS NOT NULL AND {codec.fits(mark)}" for codec, mark in zip(table.key_codecs, logged, strict=True)
        )
        encoded = ",".join(
            f"outgrow_utf8(CAST({codec.encode(mark)} AS TEXT))"
            for codec, mark in zip(table.key_codecs, logged, strict=True)
        )
        distinct = f"(SELECT DISTINCT {listed} {touched}) AS touched"
        self.gone = (
            f"SELECT {encoded} FROM {distinct} WHERE {fitting} AND NOT EXISTS (SELECT 1 FROM {table.name} WHERE {same})"
        )
        self.literals = f"SELECT {','.join(values.exact(mark) for mark in logged)} FROM {distinct}"
        nulls = " OR ".join(f"{mark} IS NULL" for mark in logged)
        self.unkeyed = "" if captured.plan.rowid is not None else f"SELECT 1 FROM {distinct} WHERE {nulls} LIMIT 1"

    @staticmethod
    def _pairs(keys: list[str], logged: list[str]) -> Iterator[tuple[str, str]]:
        return zip(keys, logged, strict=True)


class ChangeReader:
    """Reads batches of changes over a connection of its own.

    `watched` are the source names of tables that have rows in quarantine, whose touched keys are named in every batch.
    """

    def __init__(
        self, connection: apsw.Connection, captured: Mapping[int, capture.Captured], *, encoding: str, null: str
    ) -> None:
        self._connection = connection
        self._tables = {
            number: _Table(connection, one, encoding=encoding, null=null) for number, one in captured.items()
        }
        self.watched: set[str] = set()
        self.schema_version = self._pragma("schema_version")

    def table(self, number: int) -> sql.TableSql:
        """The SQL of the table of that number."""
        return self._tables[number].reader.sql

    def _pragma(self, name: str) -> int:
        return int(self._connection.pragma(name))

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """One snapshot of the file; SchemaMoved where its schema is not the one this reader was made for."""
        self._connection.execute("BEGIN")
        try:
            # Reading anything takes the snapshot; the schema's version is part of it.
            if self._pragma("schema_version") != self.schema_version:
                raise SchemaMoved
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def last(self) -> Mark:
        """The last entry of the log."""
        row = self._connection.execute(f"SELECT seq,token FROM {capture.LOG} ORDER BY seq DESC LIMIT 1").fetchone()
        return Mark(seq=row[0], token=row[1]) if row else Mark(seq=0, token=0)

    def changes(self, after: Mark, limit: int) -> store.Batch[store.LineChanges]:
        """The changes after a mark, at most `limit` entries of the log.

        Raises SchemaMoved, and errors.SourceRewound where the log does not hold the entry of `after`: the file was replaced.
        """
        while True:
            with self.snapshot():
                self._recognise(after)
                last = self.last()
                upto = self._bound(after, last, limit)
                try:
                    return store.Batch(
                        changes=list(self._read(after.seq, upto.seq)),
                        entries=upto.seq - after.seq,
                        mark=upto,
                        complete=upto.seq == last.seq,
                    )
                except apsw.TooBigError:
                    if limit == 1:
                        raise
                    limit = max(1, min(limit, upto.seq - after.seq) // 2)

    def _recognise(self, mark: Mark) -> None:
        if mark.seq == 0:
            return
        row = self._connection.execute(f"SELECT token FROM {capture.LOG} WHERE seq=?", (mark.seq,)).fetchone()
        if row is None or row[0] != mark.token:
            raise errors.SourceRewound(
                "The file is not the one that was followed up to now",
                why=f"entry {mark.seq} of its log is {'missing' if row is None else 'another one'}: an older copy of the"
                " file was put in its place, or a power cut took back commits",
                hint="If that was meant, compare and repair: outgrow run FILE --to … --resync",
            )

    def _bound(self, after: Mark, last: Mark, limit: int) -> Mark:
        if limit >= store.EVERYTHING:
            return last
        if last.seq - after.seq > limit:
            last = self._at(after.seq + limit)
        room = BATCH_BYTES
        counts = self._connection.execute(
            f"SELECT t,count(*) FROM {capture.LOG} WHERE seq>? AND seq<=? GROUP BY t", (after.seq, last.seq)
        )
        wanted = sum(count * max(self._tables[t].plan.widest, 1) for t, count in counts if t in self._tables)
        if wanted <= room or last.seq - after.seq == 1:
            return last
        return self._at(after.seq + max(1, (last.seq - after.seq) * room // wanted))

    def _at(self, seq: int) -> Mark:
        row = self._connection.execute(f"SELECT seq,token FROM {capture.LOG} WHERE seq=?", (seq,)).fetchone()
        assert row is not None
        return Mark(seq=row[0], token=row[1])

    def _read(self, after: int, upto: int) -> Iterator[store.LineChanges]:
        numbers = self._connection.execute(
            f"SELECT DISTINCT t FROM {capture.LOG} WHERE seq>? AND seq<=? ORDER BY t", (after, upto)
        ).fetchall()
        for (number,) in numbers:
            if number in self._tables:
                yield self._changes(self._tables[int(number)], (after, upto))

    def _changes(self, table: _Table, bounds: tuple[int, int]) -> store.LineChanges:
        rows, lines = 0, b""
        single: list[tuple[str | None, ...]] = []
        misfits: list[store.Misfit] = []
        try:
            data, rows, flaws = self._connection.execute(table.present, bounds).fetchone() or (None, 0, 0)
            lines = data or b""
            clean = not flaws and (not rows or separators.are_clear(lines, rows=rows, units=max(table.columns - 1, 1)))
        except UnicodeDecodeError:  # a codec's function was given text that is not UTF-8
            clean = False
        unkeyed = bool(table.unkeyed) and self._connection.execute(table.unkeyed, bounds).fetchone() is not None
        if not clean:
            rows, lines = 0, b""
            for row in table.reader.some(table.among, bounds):
                if row.misfits:
                    misfits.append(table.reader.misfit(row))
                else:
                    single.append(table.reader.texts(row))
        if unkeyed:
            misfits += [table.reader.misfit(row) for row in table.reader.unkeyed()]
        keys: list[str] = []
        if misfits or table.plan.source in self.watched:
            keys = [values.literals(row) for row in self._connection.execute(table.literals, bounds)]
        gone = [tuple(text.decode() for text in row) for row in self._connection.execute(table.gone, bounds)]
        return store.LineChanges(
            table=table.plan.source, rows=rows, lines=lines, single=single, gone=gone, misfits=misfits, keys=keys
        )
