"""SQL over one table of the target, made by pure functions: the mirror of `sqlite/sql.py`, with the same canonical text."""

from __future__ import annotations

from collections.abc import Sequence

from outgrow import codec
from outgrow.dialect import identifiers
from outgrow.model import plan, store
from outgrow.postgres import ddl

__all__ = ["TableSql"]

_BATCH = 45
"""PostgreSQL's functions take at most 100 arguments, and a value can be two."""


def _concatenate(values: Sequence[str]) -> str:
    """Join values with UNIT; one that is two arguments must be NULL in exactly one of them, which is left out."""
    parts = list(values)
    while len(parts) > _BATCH:
        parts = [rf"concat_ws(E'\x1f',{','.join(parts[i : i + _BATCH])})" for i in range(0, len(parts), _BATCH)]
    return rf"concat_ws(E'\x1f',{','.join(parts)})"


class TableSql:
    """The SQL of one planned table in a target schema; with `generated`, generated columns are read as well.

    `agreed` is how digests are made.
    """

    def __init__(
        self,
        schema: str,
        table: plan.TablePlan,
        *,
        generated: bool = False,
        agreed: store.Agreement = store.MEASURED_ONLY,
    ) -> None:
        self.table = table
        self._agreed = agreed
        self.name = ddl.qualified(schema, table.target)
        self.columns = table.columns if generated else table.copied
        self.codecs = tuple(codec.from_spec(column.codec) for column in self.columns)
        self.operands = tuple(identifiers.quote(column.target) for column in self.columns)
        self._key = self._key_columns()

    def _key_columns(self) -> list[tuple[str, str, str]]:
        """For each column of the key: its name, its type, and the fold (a template) under which SQLite orders it."""
        if self.table.rowid is not None:
            return [(identifiers.quote(self.table.rowid), "bigint", "{}")]
        result = []
        for source in self.table.key:
            column = self.table.column(source)
            fold = "{}"
            if column.sql_type == "text":
                fold = {"NOCASE": 'lower({} COLLATE "C")', "RTRIM": "rtrim({})"}.get(column.collation, "{}")
            result.append((identifiers.quote(column.target), column.sql_type, fold))
        return result

    @property
    def order(self) -> str:
        """The key as ORDER BY terms: SQLite's order."""
        return ",".join(fold.format(name) for name, _, fold in self._key)

    def span(self, *, after: bool, up_to: bool) -> str:
        """A WHERE clause for the rows after one key and up to another, whose parts as COPY text are $1, $2, …"""
        parts = []
        terms = ",".join(fold.format(name) for name, _, fold in self._key)
        number = 1
        for wanted, operator in ((after, ">"), (up_to, "<=")):
            if not wanted:
                continue
            values = []
            for _, sql_type, fold in self._key:
                values.append(fold.format(f"${number}::text::{sql_type}"))
                number += 1
            parts.append(f"({terms}){operator}({','.join(values)})")
        return f" WHERE {' AND '.join(parts)}" if parts else ""

    def canonical(self, position: int, operand: str = "") -> str:
        """One column, or `operand` in its place, as measured canonical text."""
        text = self.codecs[position].canonical_target(operand or self.operands[position])
        if self.codecs[position].prefixed:
            text = f"octet_length({text})||':'||{text}"
        return text if self.columns[position].not_null else f"coalesce({text},'')"

    def _plain(self, position: int) -> str:
        """One column as plain canonical text: one or two arguments, of which exactly one is not NULL, whatever the value."""
        c = self.operands[position]
        if self.codecs[position].empty:
            return f"coalesce({self.codecs[position].canonical_target(c)},'{self._agreed.null}')"
        # What the server writes by itself is not made a text before.
        return f"{self.codecs[position].canonical_output(c)},CASE WHEN {c} IS NULL THEN '' END"

    @property
    def _rowid(self) -> list[str]:
        return [f"{identifiers.quote(self.table.rowid)}::text"] if self.table.rowid is not None else []

    def canonical_line(self) -> str:
        """The row as measured canonical text, the rowid first where it is the key."""
        return _concatenate([*self._rowid, *(self.canonical(position) for position in range(len(self.columns)))])

    def _plain_line(self) -> str:
        rowid = [f"coalesce({text},'')" for text in self._rowid]
        return _concatenate([*rowid, *(self._plain(position) for position in range(len(self.columns)))])

    def digest(self, form: store.Form, *, after: bool, up_to: bool) -> str:
        """The number of rows of a span and the hash of their canonical text in key order."""
        plain = form is store.Form.PLAIN
        line, joiner = (self._plain_line(), r"E'\x1f'") if plain else (self.canonical_line(), r"E'\x1e'")
        return (
            f"SELECT count(*),{self._agreed.hash}(convert_to(coalesce(string_agg(line,{joiner}),''),'UTF8')) FROM"
            f" (SELECT {line} AS line FROM {self.name}{self.span(after=after, up_to=up_to)} ORDER BY {self.order}) s"
        )

    def rows(self, *, after: bool, up_to: bool) -> str:
        """The rows of a span: the rowid (text or NULL), canonical texts and readable texts, as two arrays."""
        canonical = ",".join(f"coalesce({self.canonical(position)},'')" for position in range(len(self.columns)))
        readable = ",".join(f"{operand}::text" for operand in self.operands)
        rowid = self._rowid[0] if self._rowid else "NULL"
        return (
            f"SELECT {rowid},ARRAY[{canonical}]::text[],ARRAY[{readable}]::text[] FROM {self.name}"
            f"{self.span(after=after, up_to=up_to)} ORDER BY {self.order}"
        )

    def copy(self, null: str) -> str:
        """COPY of lines as the file's reader makes them."""
        names = ([identifiers.quote(self.table.rowid)] if self.table.rowid is not None else []) + list(self.operands)
        return (
            f"COPY {self.name} ({','.join(names)}) FROM STDIN"
            rf" (FORMAT text, DELIMITER E'\x1f', NULL '{null}', ENCODING 'UTF8')"
        )

    def sequence(self) -> tuple[str, str] | None:
        """The table's identity column and its highest value, as two expressions; None where it has none."""
        name = self.table.identity
        if name is None:
            return None
        return name, f"SELECT max({identifiers.quote(name)}) FROM {self.name}"
