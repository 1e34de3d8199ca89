"""SQL over one table of the target, made by pure functions: the mirror of `sqlite/sql.py`, with the same canonical text."""

from __future__ import annotations

from collections.abc import Sequence

from outgrow import codec
from outgrow.dialect import identifiers
from outgrow.model import plan
from outgrow.postgres import ddl

__all__ = ["TableSql"]

_BATCH = 90
"""PostgreSQL's functions take at most 100 arguments."""


def _concatenate(values: Sequence[str]) -> str:
    parts = list(values)
    while len(parts) > _BATCH:
        parts = [rf"concat_ws(E'\x1f',{','.join(parts[i : i + _BATCH])})" for i in range(0, len(parts), _BATCH)]
    return rf"concat_ws(E'\x1f',{','.join(parts)})"


class TableSql:
    """The SQL of one planned table in a target schema; with `generated`, generated columns are read as well."""

    def __init__(self, schema: str, table: plan.TablePlan, *, generated: bool = False) -> None:
        self.table = table
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
        """One column, or `operand` in its place, as canonical text."""
        c = operand or self.operands[position]
        text = self.codecs[position].canonical_target(c)
        if self.codecs[position].prefixed:
            text = f"octet_length({text})||':'||{text}" if text != c else f"octet_length({c})||':'||{c}"
        return text if self.columns[position].not_null else f"coalesce({text},'')"

    @property
    def _rowid(self) -> list[str]:
        return [f"{identifiers.quote(self.table.rowid)}::text"] if self.table.rowid is not None else []

    def canonical_line(self) -> str:
        """The row as canonical text, the rowid first where it is the key."""
        return _concatenate([*self._rowid, *(self.canonical(position) for position in range(len(self.columns)))])

    def digest(self, *, after: bool, up_to: bool) -> str:
        """The number of rows of a span and the SHA-256 of their canonical lines in key order."""
        return (
            r"SELECT count(*),sha256(convert_to(coalesce(string_agg(line,E'\x1e'),''),'UTF8')) FROM"
            f" (SELECT {self.canonical_line()} AS line FROM {self.name}{self.span(after=after, up_to=up_to)}"
            f" ORDER BY {self.order}) s"
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
