"""Reading one table of the target for verification: digests of spans and single rows, as canonical text."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from outgrow.model import plan
from outgrow.postgres import sql_table

__all__ = ["Row", "TableReader"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row of the target: the rowid where it is kept, canonical texts, and readable texts (None is NULL)."""

    rowid: int | None
    canonical: tuple[bytes, ...]
    readable: tuple[str | None, ...]


class TableReader:
    """Reads one planned table over one connection."""

    def __init__(self, connection: psycopg.Connection, schema: str, table: plan.TablePlan) -> None:
        # Raw cursors take $1, so that a % in somebody's column name is just a %.
        self._cursor = psycopg.RawCursor(connection)
        self.table = table
        self.sql = sql_table.TableSql(schema, table, generated=True)

    def digest(self, lower: tuple[str, ...], upper: tuple[str, ...]) -> tuple[int, bytes]:
        """The number of rows after `lower` and up to `upper` (keys as COPY text; empty is no bound), and their SHA-256."""
        statement = self.sql.digest(after=bool(lower), up_to=bool(upper))
        row = self._cursor.execute(statement.encode(), lower + upper).fetchone()
        assert row is not None
        return row[0], row[1]

    def rows(self, lower: tuple[str, ...], upper: tuple[str, ...]) -> list[Row]:
        """The rows of a span."""
        statement = self.sql.rows(after=bool(lower), up_to=bool(upper))
        found = self._cursor.execute(statement.encode(), lower + upper)
        return [
            Row(
                rowid=None if rowid is None else int(rowid),
                canonical=tuple(text.encode() for text in canonical),
                readable=tuple(readable),
            )
            for rowid, canonical, readable in found
        ]
