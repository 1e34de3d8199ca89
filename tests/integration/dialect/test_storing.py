"""Every column with every kind of value: PostgreSQL has what SQLite stored, or there was an error; never another value."""

from __future__ import annotations

import collections
import sqlite3
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from outgrow.dialect import statement, storing
from outgrow.dialect import value as values

if TYPE_CHECKING:
    from conftest import Stores
    from outgrow.dialect import catalog

VALUES: list[Any] = [
    None, 0, 1, 2, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63),
    0.0, 1.0, 0.5, -1.5, 1e10, 1e300, 2.0**63, 0.1 + 0.2, float("inf"), float("-inf"),
    "", "0", "1", " 2 ", "1.5", "1e3", "0x10", "x", "é", "null", "NULL", '{"a": 1}', "[]", "nan", "infinity", "now", "true",
    "2024-01-01", "2024-02-30", "2024-01-01 10:00:00", "2024-01-01T10:00:00", "2024-01-01 24:00:00", "0000-01-01 00:00:00",
    "0a1b2c3d-4e5f-4a6b-8c7d-0123456789ff", "0A1B2C3D-4E5F-4A6B-8C7D-0123456789FF", "today", "\\x61",
    b"", b"a", b"\x00\xff",
]  # fmt: skip


def _outcome(stores: Stores, table: str, sql: str, parameters: tuple[Any, ...] = ()) -> str:
    """What came of a statement, in a savepoint that is then rolled back in both databases."""
    stores.lite.execute("SAVEPOINT trial")
    stores.post.execute("SAVEPOINT trial")
    try:
        try:
            found = stores.translate(sql, parameters)
        except statement.Refused:
            return "refused"
        try:
            stores.in_postgres(found, parameters)
        except psycopg.Error:
            return "error"
        try:
            stores.in_sqlite(sql, parameters)
        except sqlite3.Error as error:
            raise AssertionError(f"{sql} {parameters}: PostgreSQL does what SQLite refuses: {error}") from error
        stores.same(f"SELECT * FROM {table}")
        return "same"
    finally:
        stores.lite.execute("ROLLBACK TO trial")
        stores.post.execute("ROLLBACK TO SAVEPOINT trial")


def _columns(stores: Stores, table: str) -> list[catalog.Column]:
    known = stores.known.table(table)
    assert known is not None
    return [column for column in known.columns if not column.identity]


def _try_values(stores: Stores, table: str) -> collections.Counter[str]:
    outcomes: collections.Counter[str] = collections.Counter()
    first = stores.lite.execute(f"SELECT {_columns(stores, table)[0].target} FROM {table}").fetchone()[0]
    for column in _columns(stores, table):
        where = f" WHERE {_columns(stores, table)[0].target} IS ?"
        for value in VALUES:
            outcomes[_outcome(stores, table, f"UPDATE {table} SET {column.target} = ?{where}", (value, first))] += 1
            if isinstance(value, str):
                written = "'" + value.replace("'", "''") + "'"
                outcomes[
                    _outcome(stores, table, f"UPDATE {table} SET {column.target} = {written}{where}", (first,))
                ] += 1
    return outcomes


@pytest.mark.parametrize("table", ["users", "orders", "tags", "kinds", "log"])
def test_a_bound_value_is_stored_as_it_is_or_not_at_all(stores: Stores, table: str) -> None:
    outcomes = _try_values(stores, table)
    assert outcomes["same"] > 30, outcomes
    assert outcomes["refused"] > 10, outcomes


@pytest.mark.parametrize("table", ["users", "orders", "kinds"])
def test_a_column_is_stored_in_another_as_it_is_or_not_at_all(stores: Stores, table: str) -> None:
    outcomes: collections.Counter[str] = collections.Counter()
    for column in _columns(stores, table):
        for other in _columns(stores, table):
            sql = f"UPDATE {table} SET {column.target} = {other.target}"
            outcomes[_outcome(stores, table, sql)] += 1
            outcomes[_outcome(stores, table, f"{sql} || ''")] += 1
            outcomes[_outcome(stores, table, f"{sql} + 1")] += 1
            outcomes[_outcome(stores, table, f"UPDATE {table} SET {column.target} = coalesce({other.target}, 1)")] += 1
    assert outcomes["same"] > 50, outcomes


def test_a_value_that_is_altered_is_found(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plant: a cast in the place of the guards."""

    def cast(operand: values.Value, column: catalog.Column) -> str:
        return f"({operand.sql})::text::{column.sql_type}"

    monkeypatch.setattr(storing, "store", cast)
    with pytest.raises(AssertionError):
        _try_values(stores, "users")
