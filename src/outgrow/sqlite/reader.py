"""Reading one table of the file: spans of keys, groups of COPY text, digests, and single rows with their exact values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from outgrow.codec import separators
from outgrow.model import plan, store
from outgrow.sqlite import sql, values

__all__ = ["Group", "Row", "TableReader"]

_GROUP_ROWS = 1_000
_GROUP_BYTES = 8 * 2**20
_COLUMNS_AT_ONCE = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Unescaped lines of a span, joined by RECORD."""

    data: bytes
    rows: int
    misfits: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row with everything that is known of its values, column by column in the plan's order.

    `key` is a SQL literal of the key (text), `rowid` the rowid where the target keeps it. `classes` and `exact` are storage
    class and exact value (integer: decimal; real: IEEE bits in hexadecimal; text: hexadecimal UTF-8; blob: hexadecimal).
    `encoded` is COPY text, None for NULL or a misfit; `canonical` is canonical text; `misfits` are positions of columns.
    """

    key: str
    rowid: int | None
    classes: tuple[str, ...]
    exact: tuple[str | None, ...]
    encoded: tuple[bytes | None, ...]
    canonical: tuple[bytes, ...]
    misfits: tuple[int, ...]

    def record(self, columns: Sequence[plan.ColumnPlan]) -> str:
        """The row as the quarantine keeps it: JSON of source column to class and exact value."""
        cells = zip(columns, self.classes, self.exact, strict=True)
        return json.dumps({c.source: {"class": kind, "value": value} for c, kind, value in cells}, ensure_ascii=False)


class TableReader:
    """Reads one planned table over one connection; not for use by two threads at once.

    `null` stands for NULL in COPY lines, and is no value of the data. `generated` adds the columns that both sides compute, and
    `agreed` is how digests are made. `doubtful` are the columns whose values have to be looked at while copying; the plan, made
    of the same state of the file, vouches for the others. `walk` is the order in which it is copied: with `live`, that of the
    key.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        table: plan.TablePlan,
        *,
        encoding: str,
        null: str = "",
        generated: bool = False,
        agreed: store.Agreement = store.MEASURED_ONLY,
        doubtful: frozenset[str] | None = None,
        live: bool = False,
    ) -> None:
        self._connection = connection
        self.table = table
        self.sql = sql.TableSql(table, encoding=encoding, generated=generated)
        self._copy_line = self.sql.copy_line(null)
        self._canonical_line = self.sql.canonical_line()
        self._utf16 = encoding != "UTF-8"
        self._hash = agreed.hash
        self._plain_line = self.sql.plain_line(agreed.null) if agreed.null and not self._utf16 else None
        self.walk = self.sql.live if live else self.sql.scan
        self._misfit = self.sql.misfit(doubtful)
        self.group_rows = max(1, min(_GROUP_ROWS, _GROUP_BYTES // max(table.widest, 1)))

    def spans(self, order: sql.Order, rows: int, within: store.Span | None = None) -> Iterator[store.Span]:
        """Consecutive spans of `rows` rows (the last one shorter), covering all of `within`, of which there is always one.

        Only keys are read. A key that cannot bound a span (text that is not UTF-8) leaves it to the next row.
        """
        lower, lower_key = (within.lower, within.lower_key) if within else (None, ())
        end = within.upper if within else None
        width = len(order.terms)
        extra = f",{self.sql.key_encoded()}" if order is self.sql.key else ""
        while True:
            statement = self.sql.step(order, after=lower is not None, up_to=end is not None, extra=extra)
            offset, more = rows - 1, 1
            while (found := self._bound(statement, (lower or ()) + (end or ()) + (offset,), order)) == ():
                offset, more = offset + more, more * 2
            if found is None or found[:width] == end:
                upper_key = within.upper_key if within else ()
                yield store.Span(lower=lower, upper=end, lower_key=lower_key, upper_key=upper_key)
                return
            upper, upper_key = found[:width], found[width:]
            yield store.Span(lower=lower, upper=upper, lower_key=lower_key, upper_key=upper_key)
            lower, lower_key = upper, upper_key

    def last(self, order: sql.Order) -> store.Position | None:
        """The last position there is; None in an empty table, and for one that cannot bound a span."""
        where = order.conditions(after=False, up_to=False)
        terms = ",".join(f"{term} DESC" for term in order.terms)
        statement = f"SELECT {order.columns} FROM {self.sql.name}{where} ORDER BY {terms} LIMIT 1"
        return self._bound(statement, (), order) or None

    def _bound(self, statement: str, parameters: store.Position, order: sql.Order) -> store.Position | None:
        """The position that a step finds, None beyond the end; empty for one that cannot bound a span.

        That is text which is not UTF-8, which has a NUL, or which SQLite reads as another text (half a surrogate pair).
        """
        try:
            found = self._connection.execute(statement, parameters).fetchone()
        except UnicodeDecodeError:
            return ()
        if found is None:
            return None
        if any(isinstance(value, str) and "\0" in value for value in found):
            return ()
        if self._utf16 and any(isinstance(value, str) for value in found):
            position = found[: len(order.terms)]
            same = " AND ".join(f"{term}=?" for term in order.terms)
            if self._connection.execute(f"SELECT 1 FROM {self.sql.name} WHERE {same}", position).fetchone() is None:
                return ()
        return tuple(found)

    def _fetch_group(
        self, line: str, order: sql.Order, span: store.Span, *, joiner: str = separators.RECORD, misfit: str = "0"
    ) -> tuple[bytes, int, int]:
        after, up_to = span.lower is not None, span.upper is not None
        statement = self.sql.group(line, order, joiner=joiner, misfit=misfit, after=after, up_to=up_to)
        try:
            data, rows, misfits = self._connection.execute(statement, span.bounds).fetchone() or (b"", 0, 0)
        except UnicodeDecodeError:
            # A codec's function was given text that is not UTF-8: whatever the row is, it has to be looked at by itself.
            return b"", 1, 1
        return data or b"", rows, int(misfits)

    def copy_groups(self, span: store.Span) -> Iterator[tuple[store.Span, Group]]:
        """The span as groups of COPY lines in the order of the walk, each with its own span."""
        for part in self.spans(self.walk, self.group_rows, span):
            data, rows, misfits = self._fetch_group(self._copy_line, self.walk, part, misfit=self._misfit)
            if rows:
                yield part, Group(data=data, rows=rows, misfits=misfits)

    def digest(self, span: store.Span, form: store.Form, /) -> store.Digest:
        """The digest of a span in key order, measured where plain text would not be clear."""
        if form is store.Form.PLAIN and self._plain_line is not None:
            data, rows, bad = self._fetch_group(self._plain_line, self.sql.key, span, joiner=separators.UNIT)
            if not bad and self._is_clear(data, rows):
                return store.Digest(hash=hashlib.new(self._hash, data).digest(), rows=rows, form=form)
        data, rows, _ = self._fetch_group(self._canonical_line, self.sql.key, span)
        return store.Digest(hash=hashlib.new(self._hash, data).digest(), rows=rows)

    def _is_clear(self, data: bytes, rows: int) -> bool:
        """Whether plain text has no separator but those between its values."""
        return data.count(separators.UNIT.encode()) == max(rows * (len(self.sql.columns) + self.sql.keeps_rowid) - 1, 0)

    def count(self) -> int:
        """The number of rows of the table."""
        return int(self._connection.execute(f"SELECT count(*) FROM {self.sql.name}").fetchone()[0])  # type: ignore[index]

    def unwalked(self) -> Iterator[Row]:
        """The rows that no span of the walk contains: those without a key, in a live copy."""
        if self.walk.where:
            yield from self._rows(f" WHERE NOT ({self.walk.where})", (), self.sql.scan)

    def unkeyed(self) -> Iterator[Row]:
        """The rows whose key does not fit, which no span in key order contains."""
        if self.sql.key.where:
            yield from self._rows(f" WHERE NOT ({self.sql.key.where})", (), self.sql.scan)

    def keys(self, rows: str, parameters: store.Position, operands: Sequence[str]) -> Iterator[tuple[str, Any]]:
        """Keys that a FROM clause gives as `operands`: as SQL literals, and as the row's rowid or canonical texts."""
        expressions = [values.exact(operand) for operand in operands]
        if self.table.rowid is None:
            for name, operand in zip(self.table.key, operands, strict=True):
                position = self.sql.position(name)
                text = f"outgrow_utf8(CAST({self.sql.canonical(position, operand)} AS TEXT))"
                expressions.append(f"iif({self.sql.fits(position, operand)},{text},x'')")
        for row in self._connection.execute(f"SELECT DISTINCT {','.join(expressions)} FROM {rows}", parameters):
            exact = row[: 2 * len(operands)]
            yield values.literals(exact), int(exact[1]) if self.table.rowid is not None else tuple(row[len(exact) :])

    def some(self, where: str, parameters: store.Position) -> Iterator[Row]:
        """The rows that a WHERE clause selects, one by one, in no order that matters."""
        yield from self._rows(where, parameters, self.sql.scan)

    def texts(self, row: Row) -> tuple[str | None, ...]:
        """A fitting row's COPY texts, the rowid first where the target keeps it."""
        values = tuple(None if value is None else value.decode() for value in row.encoded)
        return values if row.rowid is None else (str(row.rowid), *values)

    def misfit(self, row: Row, *, why: str = "") -> store.Misfit:
        """A row for the quarantine: the first column that does not fit and the reason, or PostgreSQL's own word for it."""
        position = row.misfits[0] if row.misfits else None
        return store.Misfit(
            key=row.key,
            record=row.record(self.sql.columns),
            column="" if position is None else self.sql.columns[position].source,
            reason=why or ("" if position is None else self._reason(row, position)),
        )

    def _reason(self, row: Row, position: int) -> str:
        kind, exact = row.classes[position], row.exact[position]
        wanted = self.sql.columns[position].sql_type
        if kind == "null":
            return "NULL in a column that cannot be NULL"
        if kind == "text" and wanted in ("text", "json", "jsonb"):
            stored = bytes.fromhex(exact or "")
            try:
                text = stored.decode()
            except UnicodeDecodeError as error:
                return f"text that is not UTF-8 (byte {error.start}: {stored[error.start : error.start + 1].hex()})"
            if "\0" in text:
                return f"text with a NUL character (position {text.index(chr(0))})"
        return f"{kind} value that {wanted} could not give back as it is"

    def rows(self, order: sql.Order, span: store.Span) -> Iterator[Row]:
        """The rows of a span, one by one."""
        where = order.conditions(after=span.lower is not None, up_to=span.upper is not None)
        yield from self._rows(where, span.bounds, order)

    def _rows(self, where: str, parameters: store.Position, order: sql.Order) -> Iterator[Row]:
        cursors = []
        count = len(self.sql.columns)
        for start in range(0, count, _COLUMNS_AT_ONCE):
            expressions = []
            for position in range(start, min(start + _COLUMNS_AT_ONCE, count)):
                x = self.sql.operands[position]
                encoded = f"CAST({self.sql.codecs[position].encode(x)} AS TEXT)"
                fits = self.sql.fits(position)
                expressions += [
                    values.exact(x),
                    f"iif({fits},outgrow_utf8({encoded}),NULL)",
                    f"iif({fits},outgrow_utf8(CAST({self.sql.canonical(position)} AS TEXT)),x'')",
                    fits,
                ]
            rowid = self.table.rowid_name or "NULL"
            statement = f"SELECT {rowid},{','.join(expressions)} FROM {self.sql.name}{where} ORDER BY {order.columns}"
            cursors.append(self._connection.cursor().execute(statement, parameters))
        for batches in zip(*cursors, strict=True):
            flat = [value for batch in batches for value in batch[1:]]
            yield self._row(batches[0][0], flat)

    def _row(self, rowid: int | None, flat: list[Any]) -> Row:
        classes = tuple(flat[0::5])
        exact = tuple(flat[1::5])
        by_source = dict(zip((c.source for c in self.sql.columns), zip(classes, exact, strict=True), strict=True))
        if self.table.rowid is not None or not self.table.key:
            key = str(rowid)
        else:
            key = ",".join(values.literal(*by_source[name]) for name in self.table.key)
        return Row(
            key=key,
            rowid=rowid if self.sql.keeps_rowid else None,
            classes=classes,
            exact=exact,
            encoded=tuple(flat[2::5]),
            canonical=tuple(flat[3::5]),
            misfits=tuple(position for position, fits in enumerate(flat[4::5]) if not fits),
        )
