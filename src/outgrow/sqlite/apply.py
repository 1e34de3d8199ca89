"""The file as follower: batches of values from PostgreSQL, each in one transaction, each row read back before the commit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import apsw

from outgrow.dialect import identifiers
from outgrow.model import plan, store
from outgrow.sqlite import capture, file_state, live, reader, values

__all__ = ["Applier"]

_TAKEN = frozenset({apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_ROWID})


class _Table:
    """The statements of one table, with a row's values bound in the order of the batch."""

    def __init__(
        self, connection: apsw.Connection, table: plan.TablePlan, *, encoding: str, autoincrement: bool
    ) -> None:
        self.plan = table
        self.autoincrement = autoincrement
        self.reader = reader.TableReader(connection, table, encoding=encoding, generated=True)
        sql = reader.TableReader(connection, table, encoding=encoding).sql
        columns = [column.source for column in sql.columns]
        marks = [
            column_codec.restored(f"?{number}")
            for number, column_codec in enumerate(sql.codecs, 2 if sql.keeps_rowid else 1)
        ]
        names = [identifiers.quote_sqlite(name) for name in columns]
        self.key_codecs = sql.key_codecs
        self._key_operands = sql.key_operands
        if sql.keeps_rowid:
            keyed, names, marks = [(sql.key_operands[0], "?1")], [sql.key_operands[0], *names], ["?1", *marks]
            self.key_positions: tuple[int, ...] = (0,)
        else:
            self.key_positions = tuple(columns.index(name) for name in table.key)
            keyed = [(names[position], marks[position]) for position in self.key_positions]
        found = self._where(keyed)
        # A key of NOCASE may change its case: it is set too, but for the rowid, which is what it is.
        settings = [f"{name}={mark}" for name, mark in zip(names, marks, strict=True)][1 if sql.keeps_rowid else 0 :]
        self.update = f"UPDATE {sql.name} SET {','.join(settings)} WHERE {found}"
        self.insert = f"INSERT INTO {sql.name}({','.join(names)}) VALUES ({','.join(marks)})"
        alone = [
            (operand, key_codec.restored(f"?{number}"))
            for number, (operand, key_codec) in enumerate(zip(sql.key_operands, sql.key_codecs, strict=True), 1)
        ]
        self.delete = f"DELETE FROM {sql.name} WHERE {self._where(alone)}"
        self.read = (
            f"SELECT {sql.as_bytes(self.reader.sql.canonical_line())} FROM {sql.name} WHERE {self._where(alone)}"
        )
        self.exact = f"SELECT {','.join(values.exact(mark) for _, mark in alone)}"

    @staticmethod
    def _where(pairs: Iterable[tuple[str, str]]) -> str:
        return " AND ".join(f"{operand} IS {mark} AND {operand} IS {mark} COLLATE BINARY" for operand, mark in pairs)

    def key(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(row[position] for position in self.key_positions)


class Applier:
    """Applies batches over the file's writer, so that neither capture nor the fence nor any trigger acts."""

    def __init__(self, file: live.LiveFile, planned: plan.Plan, captured: Iterable[capture.Captured]) -> None:
        self._file = file
        self._connection = file.writer
        self._tables = {
            one.plan.source: _Table(
                file.writer, one.plan, encoding=planned.encoding, autoincrement=one.table.autoincrement
            )
            for one in captured
        }

    def apply(self, batch: store.Batch[store.ValueChanges]) -> store.Applied:
        """Apply a batch durably, and count it; rows that the file would not give back as they are are left out and returned."""
        with self._file.writing():
            return self._apply(batch)

    def _apply(self, batch: store.Batch[store.ValueChanges]) -> store.Applied:
        refused: dict[tuple[str, tuple[Any, ...]], store.Refusal] = {}
        for changes in batch.changes:
            table = self._tables[changes.table]
            for key in changes.gone:
                self._connection.execute(table.delete, key)
            if table.autoincrement and changes.gone:
                # The ids of rows that are there count by themselves.
                self._advance(changes.table, max(int(key[0]) for key in changes.gone))
        later: list[tuple[_Table, tuple[Any, ...]]] = []
        for changes in batch.changes:
            table = self._tables[changes.table]
            for row in changes.rows:
                self._write(table, row, later, refused)
        for table, row in later:
            self._insert(table, row, refused, complete=batch.complete)
        for changes in batch.changes:
            self._read_back(self._tables[changes.table], changes, refused)
        self._connection.execute(f"UPDATE {file_state.STATE} SET applied=applied+1")
        serial = self._connection.execute(f"SELECT applied FROM {file_state.STATE}").fetchone()[0]  # type: ignore[index]
        return store.Applied(serial=serial, refusals=tuple(refused.values()))

    def _write(
        self,
        table: _Table,
        row: tuple[Any, ...],
        later: list[tuple[_Table, tuple[Any, ...]]],
        refused: dict[tuple[str, tuple[Any, ...]], store.Refusal],
    ) -> None:
        try:
            self._connection.execute(table.update, row)
            if self._connection.changes():
                return
            self._connection.execute(table.insert, row)
        except apsw.ConstraintError as error:
            if getattr(error, "extendedresult", None) not in _TAKEN:
                self._refuse(table, row, str(error), refused)
                return
            # Another row of the batch gives the unique value up, perhaps because this one gives up its own.
            self._connection.execute(table.delete, table.key(row))
            later.append((table, row))

    def _insert(
        self,
        table: _Table,
        row: tuple[Any, ...],
        refused: dict[tuple[str, tuple[Any, ...]], store.Refusal],
        *,
        complete: bool,
    ) -> None:
        try:
            self._connection.execute(table.insert, row)
        except apsw.ConstraintError as error:
            if not complete:
                raise store.Torn from error
            self._refuse(table, row, str(error), refused)

    def _read_back(
        self,
        table: _Table,
        changes: store.ValueChanges,
        refused: dict[tuple[str, tuple[Any, ...]], store.Refusal],
    ) -> None:
        for row, canonical in zip(changes.rows, changes.canonical, strict=True):
            key = table.key(row)
            if (changes.table, key) in refused:
                continue
            try:
                found = self._connection.execute(table.read, key).fetchone()
            except UnicodeDecodeError:
                found = None
            if found is None or found[0] != canonical:
                self._refuse(table, row, self._difference(canonical, found[0] if found else None), refused)

    @staticmethod
    def _difference(wanted: bytes, got: bytes | None) -> str:
        if got is None:
            return "the file gives no such row back"
        for theirs, ours in zip(wanted.split(b"\x1f"), got.split(b"\x1f"), strict=False):
            if theirs != ours:
                given, meant = (side[:60].decode(errors="replace") for side in (ours, theirs))
                return f"the file would give {given!r} back for {meant!r}"
        return "the file would give another row back"

    def _refuse(
        self,
        table: _Table,
        row: tuple[Any, ...],
        reason: str,
        refused: dict[tuple[str, tuple[Any, ...]], store.Refusal],
    ) -> None:
        key = table.key(row)
        self._connection.execute(table.delete, key)
        exact = self._connection.execute(table.exact, key).fetchone() or ()
        literal = values.literals(exact)
        names = [column.source for column in table.plan.copied]
        cells = row[1:] if table.plan.rowid is not None else row
        record = {name: {"class": "postgres", "value": _text(value)} for name, value in zip(names, cells, strict=True)}
        refused[table.plan.source, key] = store.Refusal(
            table=table.plan.source, key=literal, record=json.dumps(record, ensure_ascii=False), reason=reason
        )

    def advance_sequences(self, last: Mapping[str, int]) -> None:
        """Let AUTOINCREMENT continue after the highest id that PostgreSQL ever gave, by source table."""
        with self._file.writing():
            for name, value in last.items():
                if self._tables[name].autoincrement:
                    self._advance(name, value)

    def _advance(self, name: str, last: int) -> None:
        self._connection.execute("UPDATE sqlite_sequence SET seq=max(seq,?2) WHERE name=?1", (name, last))
        if not self._connection.changes():
            self._connection.execute("INSERT INTO sqlite_sequence(name,seq) VALUES (?1,?2)", (name, last))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return value.hex() if isinstance(value, bytes) else str(value)
