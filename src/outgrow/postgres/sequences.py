"""The sequences of identity columns: brought behind every id that was ever given, in one round trip for all tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import psycopg

from outgrow.model import plan
from outgrow.postgres import ddl, sql_table

__all__ = ["Sequences", "last"]


class Sequences:
    """The sequences of a target that follows. A table that nobody wrote to since it was looked at is not looked at again."""

    def __init__(self, session: psycopg.Connection, planned: plan.Plan) -> None:
        self._session = session
        self._plan = planned
        self._tables = {table.source: table for table in planned.tables if table.identity is not None}
        self._written = set(self._tables)
        self._minimums: Mapping[str, int] = {}

    def wrote(self, tables: Iterable[str]) -> None:
        """Rows of tables, by source name, were written."""
        self._written.update(tables)

    def advance(self, minimums: Mapping[str, int]) -> None:
        """Let every identity continue after the highest id there is, and after `minimums` (by source table); never go back.

        `minimums` are what `sqlite_sequence` says: ids that were given and deleted are not given again.
        """
        raised = {name for name, minimum in minimums.items() if self._minimums.get(name) != minimum}
        tables = [table for name, table in self._tables.items() if name in self._written or name in raised]
        _advance(self._session, self._plan.schema, tables, minimums)
        self._written.clear()
        self._minimums = dict(minimums)


def _advance(
    session: psycopg.Connection, schema: str, tables: Iterable[plan.TablePlan], minimums: Mapping[str, int]
) -> None:
    parts = []
    values: list[object] = []
    for table in tables:
        found = sql_table.TableSql(schema, table).sequence()
        assert found is not None
        column, highest = found
        number = len(values)
        parts.append(
            f"(pg_catalog.pg_get_serial_sequence(${number + 1}, ${number + 2})::regclass,"
            f" greatest(({highest}), ${number + 3}::bigint))"
        )
        values += [ddl.qualified(schema, table.target), column, minimums.get(table.source)]
    if parts:
        statement = (
            f"SELECT pg_catalog.setval(s.sequence, s.wanted) FROM (VALUES {', '.join(parts)}) AS s (sequence, wanted)"
            " WHERE s.wanted > coalesce(pg_catalog.pg_sequence_last_value(s.sequence), 0)"
        )
        psycopg.RawCursor(session).execute(statement.encode(), values)


def last(session: psycopg.Connection, planned: plan.Plan) -> Mapping[str, int]:
    """The highest id that each identity ever gave or holds, by source table; tables that never had one are left out."""
    names, parts = [], []
    values: list[object] = []
    for table in planned.tables:
        found = sql_table.TableSql(planned.schema, table).sequence()
        if found is None:
            continue
        column, highest = found
        number = len(values)
        names.append(table.source)
        parts.append(
            f"greatest(({highest}), pg_catalog.pg_sequence_last_value("
            f"pg_catalog.pg_get_serial_sequence(${number + 1}, ${number + 2})::regclass))"
        )
        values += [ddl.qualified(planned.schema, table.target), column]
    if not parts:
        return {}
    row = psycopg.RawCursor(session).execute(f"SELECT ARRAY[{','.join(parts)}]::bigint[]".encode(), values).fetchone()
    assert row is not None
    return {name: value for name, value in zip(names, row[0], strict=True) if value is not None}
