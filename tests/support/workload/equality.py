"""Both stores are equal: every table of the workload, value by value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.workload import apart, reading, schema

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Rows that one store has and the other one has not: `file: table: values`, at most 20 for each table and side."""

    differences: Sequence[str]
    rows: int

    def require(self) -> Comparison:
        """Return itself; AssertionError with the differences if there are any."""
        assert not self.differences, "\n".join(self.differences)
        return self


def compare(path: Path, dsn: str, shape: schema.Shape, *, separately: bool = False) -> Comparison:
    """Compare every table of the workload, value by value, generated ids and rowids included; nobody may be writing.

    It needs no plan, unlike `support.checker`, which knows all types and nothing of these tables. `separately` reads in a
    process of its own, for tests in whose process the engine has the file open.
    """
    if separately:
        return apart.call(compare, path, dsn, shape)
    differences: list[str] = []
    rows = 0
    with reading.opened(path) as file, reading.opened(dsn) as database:
        for table in schema.tables(shape).values():
            columns = dict(table.columns)
            if table.rowid and database.has_column(table.name, "rowid"):
                columns["rowid"] = "integer"
            surplus: Counter[int] = Counter()
            for row in file.rows(table.name, columns):
                surplus[hash(row)] += 1
                rows += 1
            for row in database.rows(table.name, columns):
                surplus[hash(row)] -= 1
            for name, side, sign in (("file", file, 1), ("database", database, -1)):
                left = Counter({mark: count * sign for mark, count in surplus.items() if count * sign > 0})
                differences += [f"{name}: {table.name}: {row}"[:300] for row in _picked(side, table, columns, left)][
                    :20
                ]
    return Comparison(differences=differences, rows=rows)


def _picked(
    side: reading.Database, table: schema.Table, columns: Mapping[str, schema.Kind], left: Counter[int]
) -> Iterator[reading.Row]:
    for row in side.rows(table.name, columns) if left else ():
        if left[hash(row)] > 0:
            left[hash(row)] -= 1
            yield row
