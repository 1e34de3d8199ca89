"""SQL over one table of the file, made by pure functions: lines of COPY text, canonical lines, conditions on spans of keys.

A *line* is a row's values joined by UNIT; a *group* is lines joined by RECORD, or by UNIT as well in plain canonical text. Both
characters may occur in the data: whoever reads COPY lines or plain text counts them, and measured lines carry lengths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from outgrow import codec
from outgrow.codec import separators
from outgrow.dialect import identifiers
from outgrow.model import plan

__all__ = ["UTF8_COLLATION", "Order", "TableSql", "join_terms"]

UTF8_COLLATION = "outgrow_utf8"
"""A collation that a connection to a UTF-16 file has: the order of the text's UTF-8 bytes, which is PostgreSQL's "C"."""

_BATCH = 90


def join_terms(parts: Sequence[str], joiner: str) -> str:
    """Join with an operator, as a tree whose depth stays within SQLite's limit of 1,000 for thousands of parts."""
    parts = list(parts)
    while len(parts) > _BATCH:
        parts = [f"({joiner.join(parts[i : i + _BATCH])})" for i in range(0, len(parts), _BATCH)]
    return joiner.join(parts)


def concatenate(values: Sequence[str]) -> str:
    """Join values with UNIT; functions take at most 1,000 arguments, so wide rows are nested."""
    parts = list(values)
    while len(parts) > _BATCH:
        parts = [f"concat_ws(char(31),{','.join(parts[i : i + _BATCH])})" for i in range(0, len(parts), _BATCH)]
    return f"concat_ws(char(31),{','.join(parts)})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """An order in which a table can be walked: SQLite terms that are unique together and not NULL where `where` holds.

    It is `natural` when the table itself is stored in it.
    """

    terms: tuple[str, ...]
    where: str = ""
    natural: bool = False

    @property
    def columns(self) -> str:
        """The terms as a list, for SELECT and ORDER BY."""
        return ",".join(self.terms)

    def conditions(self, *, after: bool, up_to: bool) -> str:
        """A WHERE clause for the rows after one bound position and up to another (a parameter for each term, in that order)."""
        parts = [f"({self.where})"] if self.where else []
        for wanted, operator in ((after, ">"), (up_to, "<=")):
            if wanted and len(self.terms) == 1:
                parts.append(f"{self.terms[0]}{operator}?")
            elif wanted:
                parts.append(f"({self.columns}){operator}({','.join('?' * len(self.terms))})")
        return f" WHERE {' AND '.join(parts)}" if parts else ""


class TableSql:
    """The SQL of one planned table of a file with that encoding.

    With `generated`, the columns that both sides compute are read as well, which only verification wants.
    """

    def __init__(self, table: plan.TablePlan, *, encoding: str, generated: bool = False) -> None:
        self.table = table
        self.name = identifiers.quote_sqlite(table.source)
        # In UTF-16 files a cast to BLOB gives UTF-16.
        self._bytes = "CAST({} AS BLOB)" if encoding == "UTF-8" else "outgrow_utf8({})"
        self.columns = table.columns if generated else table.copied
        self.codecs = tuple(codec.from_spec(column.codec) for column in self.columns)
        self.operands = tuple(identifiers.quote_sqlite(column.source) for column in self.columns)
        self._index = {column.source: position for position, column in enumerate(self.columns)}
        scan = (table.rowid_name,) if table.rowid_name else tuple(self._operand(name) for name in table.scan)
        self.scan = Order(terms=scan, natural=table.rowid_name is not None)
        self.key, self.key_codecs = self._key(encoding)

    def position(self, source: str) -> int:
        """The position of the column of that name."""
        return self._index[source]

    def _operand(self, source: str) -> str:
        return self.operands[self._index[source]]

    def _key(self, encoding: str) -> tuple[Order, tuple[codec.Codec, ...]]:
        """The order of the key, which PostgreSQL shares; rows whose key does not fit are outside it."""
        if self.table.rowid is not None:
            return Order(terms=self.scan.terms, natural=True), (codec.Bigint(),)
        codecs = tuple(self.codecs[self._index[name]] for name in self.table.key)
        terms = []
        guards = []
        for name, key_codec in zip(self.table.key, codecs, strict=True):
            column, operand = self.columns[self._index[name]], self._operand(name)
            textual = key_codec.type in ("text", "bytea") and encoding != "UTF-8" and column.collation == "BINARY"
            terms.append(f"{operand} COLLATE {UTF8_COLLATION}" if textual else operand)
            if not column.identity:
                guards.append(f"{operand} IS NOT NULL AND {key_codec.guard(operand)}")
        alias = len(terms) == 1 and self.columns[self._index[self.table.key[0]]].identity
        return Order(terms=tuple(terms), where=" AND ".join(guards), natural=alias), codecs

    @property
    def live(self) -> Order:
        """The order of the key as SQLite itself has it, in which a table that changes is copied: a key stays where it is."""
        if self.table.rowid is not None or (self.key.natural and self.table.rowid_name is not None):
            return self.scan
        present = " AND ".join(f"{operand} IS NOT NULL" for operand in self.key_operands)
        return Order(terms=self.key_operands, where=present)

    @property
    def key_operands(self) -> tuple[str, ...]:
        """The columns of the key as operands: the rowid where the target keeps it."""
        if self.table.rowid is not None:
            return (str(self.table.rowid_name),)
        return tuple(self._operand(name) for name in self.table.key)

    def as_bytes(self, text: str) -> str:
        """An expression's text as UTF-8 bytes, whatever the file's encoding."""
        return self._bytes.format(text)

    @property
    def keeps_rowid(self) -> bool:
        """Whether the target has a column for the rowid, which then comes first in every line."""
        return self.table.rowid is not None

    def key_encoded(self) -> str:
        """The key as COPY text: a list of expressions."""
        pairs = zip(self.key_codecs, self.key.terms, strict=True)
        return ",".join(f"CAST({key_codec.encode(term)} AS TEXT)" for key_codec, term in pairs)

    def misfit(self, doubtful: frozenset[str] | None = None) -> str:
        """A condition, never NULL: by the cheap guards, some value of the row does not fit.

        `doubtful` are the columns to look at, all without it.
        """
        parts = []
        for column, column_codec, x in zip(self.columns, self.codecs, self.operands, strict=True):
            if column.identity or (doubtful is not None and column.source not in doubtful):
                continue
            fits = column_codec.guard(x)
            parts.append(f"NOT ({x} IS NOT NULL AND {fits})" if column.not_null else f"NOT ({x} IS NULL OR {fits})")
        return join_terms(parts, " OR ") or "0"

    def fits(self, position: int, operand: str = "") -> str:
        """A condition, never NULL: the value of that column, or of `operand` in its place, fits exactly."""
        x = operand or self.operands[position]
        fits = self.codecs[position].fits(x)
        return f"({x} IS NOT NULL AND {fits})" if self.columns[position].not_null else f"({x} IS NULL OR {fits})"

    def copy_line(self, null: str) -> str:
        """The row as one unescaped line of COPY text; `null` is the text that stands for NULL."""
        values = [str(self.table.rowid_name)] if self.keeps_rowid else []
        for column, column_codec, x in zip(self.columns, self.codecs, self.operands, strict=True):
            value = column_codec.encode(x)
            values.append(value if column.identity else f"ifnull({value},'{null}')")
        return concatenate(values)

    def canonical(self, position: int, operand: str = "") -> str:
        """One column, or `operand` in its place, as measured canonical text.

        NULL is empty, and free text has its length in bytes before it. A value that does not fit by the cheap guard is `!`,
        which the target never says.
        """
        x, column_codec = operand or self.operands[position], self.codecs[position]
        text = column_codec.canonical_source(x)
        if column_codec.prefixed:
            text = f"octet_length({text})||':'||{text}"
        return self._value(position, x, column_codec.guard(x), text, null="''", misfit="'!'")

    def _plain(self, position: int, null: str) -> str:
        """One column as plain canonical text, never NULL; what does not fit is NUL, which no text of the target has."""
        x, column_codec = self.operands[position], self.codecs[position]
        null = f"'{null}'" if column_codec.empty else "''"
        text = column_codec.canonical_source(x)
        return self._value(position, x, column_codec.conclusive(x), text, null=null, misfit="char(0)")

    def _value(self, position: int, x: str, condition: str, text: str, *, null: str, misfit: str) -> str:
        column = self.columns[position]
        if column.identity:
            return text
        absent = "" if column.not_null else f" WHEN {x} IS NULL THEN {null}"
        return f"CASE WHEN {condition} THEN {text}{absent} ELSE {misfit} END"

    def canonical_line(self) -> str:
        """The row as measured canonical text, the rowid first where it is the key."""
        return self._line([self.canonical(position) for position in range(len(self.columns))])

    def plain_line(self, null: str) -> str:
        """The row as plain canonical text, where `null` stands for NULL in columns that have empty texts."""
        return self._line([self._plain(position, null) for position in range(len(self.columns))])

    def _line(self, values: Sequence[str]) -> str:
        return concatenate([str(self.table.rowid_name), *values] if self.keeps_rowid else values)

    def group(
        self, line: str, order: Order, *, joiner: str = separators.RECORD, misfit: str = "0", after: bool, up_to: bool
    ) -> str:
        """The lines of a span as one blob, their number, and how many of its rows the condition `misfit` holds for."""
        where = order.conditions(after=after, up_to=up_to)
        if order.natural:
            lines, bad, rows = line, misfit, f"{self.name} NOT INDEXED{where}"
        else:
            # The LIMIT keeps SQLite from flattening the subquery, whose order the aggregate needs.
            inner = f"SELECT {line} AS line,{misfit} AS bad FROM {self.name}{where} ORDER BY {order.columns} LIMIT -1"
            lines, bad, rows = "line", "bad", f"({inner})"
        joined = self._bytes.format(f"group_concat({lines},char({ord(joiner)}))")
        return f"SELECT {joined},count(*),{'0' if misfit == '0' else f'total({bad})'} FROM {rows}"

    def step(self, order: Order, *, after: bool, up_to: bool, extra: str = "") -> str:
        """The position (and `extra` expressions) of the row that is `?` rows after the first one of the span."""
        return (
            f"SELECT {order.columns}{extra} FROM {self.name}{order.conditions(after=after, up_to=up_to)}"
            f" ORDER BY {order.columns} LIMIT 1 OFFSET ?"
        )
