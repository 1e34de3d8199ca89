"""Reading one table of the target for verification: digests of spans and single rows, as canonical text."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from outgrow.model import plan, store
from outgrow.postgres import sql_table

__all__ = ["Row", "TableReader"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row of the target: the rowid where it is kept, canonical texts, and readable texts (None is NULL)."""

    rowid: int | None
    canonical: tuple[bytes, ...]
    readable: tuple[str | None, ...]


class TableReader:
    """Reads one planned table over one connection, with statements made by `statements`."""

    def __init__(self, connection: psycopg.Connection, sql: sql_table.TableSql) -> None:
        # Raw cursors take $1, so that a % in somebody's column name is just a %.
        self._cursor = psycopg.RawCursor(connection)
        self.sql = sql

    @staticmethod
    def statements(
        schema: str, table: plan.TablePlan, *, agreed: store.Agreement = store.MEASURED_ONLY
    ) -> sql_table.TableSql:
        """The statements over a table, generated columns included; readers of several connections share them."""
        return sql_table.TableSql(schema, table, generated=True, agreed=agreed)

    def digest(self, span: store.Span, form: store.Form, /) -> store.Digest:
        """The digest of a span of keys, hashed in the server."""
        statement = self.sql.digest(form, after=bool(span.lower_key), up_to=bool(span.upper_key))
        row = self._cursor.execute(statement.encode(), span.bound_keys).fetchone()
        assert row is not None
        return store.Digest(rows=row[0], hash=row[1], form=form)

    def rows(self, span: store.Span) -> list[Row]:
        """The rows of a span of keys."""
        statement = self.sql.rows(after=bool(span.lower_key), up_to=bool(span.upper_key))
        found = self._cursor.execute(statement.encode(), span.bound_keys)
        return [
            Row(
                rowid=None if rowid is None else int(rowid),
                canonical=tuple(text.encode() for text in canonical),
                readable=tuple(readable),
            )
            for rowid, canonical, readable in found
        ]
