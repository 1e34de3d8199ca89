"""Functions on columns that PostgreSQL keeps as dates and times, and on bound values."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import apsw
import psycopg
import pytest

from integration.dialect_functions import dialect_values
from outgrow import migration
from outgrow.dialect import catalog, statement, statements
from outgrow.postgres import embedded
from support import servers

ROWS = [
    (
        1,
        "2024-01-31 23:59:59",
        "2024-02-29",
        "2024-01-31 23:59:59.999500",
        '{"a": [1, 2], "b": "x"}',
        "2024-01-31T10:00:00Z",
    ),
    (2, "1969-12-31 00:00:00", "1900-01-01", "2024-01-01 00:00:00.000400", "[]", "2024-12-31T23:59:59Z"),
    (3, "9999-12-31 12:34:56", "0001-01-01", "2000-02-29 12:00:00.123456", '{"b": null}', "1999-01-01T00:00:00Z"),
    (4, None, None, None, None, None),
]
SCHEMA = "CREATE TABLE e (id INTEGER PRIMARY KEY, at TIMESTAMP, day DATE, fine TIMESTAMP, doc JSON, zoned TIMESTAMP)"


@pytest.fixture(scope="module")
def moved(
    any_server: embedded.EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dialect_values.Both]:
    """A file that outgrow itself copied."""
    path: Path = tmp_path_factory.mktemp("columns") / "app.db"
    file, lite = apsw.Connection(str(path)), apsw.Connection(":memory:")
    for connection in (file, lite):
        connection.execute(SCHEMA)
        connection.executemany("INSERT INTO e VALUES (?, ?, ?, ?, ?, ?)", ROWS)
    file.close()
    with servers.database(any_server) as dsn:
        report = migration.copy(path, dsn)
        types = {column.source: column.sql_type for column in report.plan.tables[0].columns}
        assert types["at"] == "timestamp"
        assert types["day"] == "date"
        assert types["doc"] == "json"
        assert types["zoned"] == "timestamptz"
        with psycopg.connect(dsn, autocommit=True) as post:
            known = catalog.Catalog.of(report.plan)
            yield dialect_values.Both(sqlite3.connect(":memory:"), lite, post, known)


def _translated(moved: dialect_values.Both, expression: str) -> str:
    return statements.translate(f"SELECT {expression} FROM e", moved.known, ()).steps[0].sql


@pytest.mark.parametrize("column", ["at", "day", "fine", "zoned"])
@pytest.mark.parametrize(
    "expression",
    [
        "date({})",
        "time({})",
        "datetime({})",
        "unixepoch({})",
        "strftime('%Y-%m', {})",
        "strftime('%H:%M:%S %j', {})",
        "strftime('%s', {})",
        "strftime('%W-%w', {})",
        "strftime('%f', {})",
        "julianday({})",
        "date({}, 'start of month')",
        "datetime({}, 'start of year', '+1 month', '-1 day')",
        "julianday({}) - julianday('2000-01-01')",
        "date({}) = '2024-01-31'",
        "{} >= date('2000-01-01', '+1 day')",
        "{} < datetime('now', '-1 second')",
        "{} >= date('2024-01-31', '+0 days')",
        "{} > date('2024-02-28', '+1 day')",
        "{} <= date('2024-01-31', '+0 days')",
        "date('2024-01-31', '+0 days') < {}",
        "{} = datetime('2024-01-31 23:59:59', '+0 days')",
        "{} >= datetime('2024-01-31 23:59:58', '+1 seconds')",
        "{} <> date('2024-02-28', '+1 day')",
        "length({})",
        "substr({}, 1, 4)",
        "CAST(strftime('%Y', {}) AS INTEGER) + 1",
        "upper({})",
        "{} LIKE '2024%'",
    ],
)
def test_a_function_of_a_column_of_times(moved: dialect_values.Both, column: str, expression: str) -> None:
    assert moved.same_rows(f"SELECT id, {expression.format(column)} FROM e") == len(ROWS)


def test_postgresql_itself_formats_its_columns(moved: dialect_values.Both) -> None:
    for expression in ("date(at)", "strftime('%Y-%m', at)", "date(day, 'start of month')", "datetime(zoned)"):
        assert "outgrow.moment" not in _translated(moved, expression)


def test_columns_are_compared_bare_so_that_indexes_are_used(moved: dialect_values.Both) -> None:
    for condition in (
        "at > datetime('now', ?)",
        "at >= date('now', '-7 days')",
        "day = date('now')",
        "date('now') <= at",
    ):
        sql = statements.translate(
            f"SELECT id FROM e WHERE {condition}", moved.known, ["-1 day"] if "?" in condition else ()
        )
        moved.post.execute("SET enable_seqscan = off")
        moved.post.execute("CREATE INDEX IF NOT EXISTS e_at ON e (at)")
        moved.post.execute("CREATE INDEX IF NOT EXISTS e_day ON e (day)")
        explained = psycopg.RawCursor(moved.post)
        explained.execute(f"EXPLAIN {sql.steps[0].sql}".encode(), ["-1 day"] if "?" in condition else [])
        assert "Index Cond" in str(explained.fetchall()), condition
    moved.post.execute("RESET enable_seqscan")


@pytest.mark.parametrize(
    "expression",
    [
        "json_valid(doc)", "json_type(doc, '$.b')", "json_array_length(doc, '$.a')", "doc -> '$.a'",
        "json_array(doc)", "json_array(json(doc))", "CAST(doc ->> 'b' AS TEXT)",
    ],
)  # fmt: skip
def test_a_function_of_a_column_of_json(moved: dialect_values.Both, expression: str) -> None:
    assert moved.same_rows(f"SELECT id, {expression} FROM e") == len(ROWS)


@pytest.mark.parametrize(
    ("expression", "parameters"),
    [
        ("substr('hello', ?, ?)", [-3, 2]),
        ("'50%_a' LIKE ? ESCAPE '\\'", ["50\\%\\__"]),
        ("'Hello' LIKE ?", ["h%O"]),
        ("'Hello' GLOB ?", ["[A-Z]*o"]),
        ("12.5 LIKE ?", ["1%"]),
        ("date(?, ?)", ["2024-01-31", "+1 month"]),
        ("strftime(?, ?)", ["%d/%m", "2024-01-31"]),
        ("datetime(?, 'unixepoch')", [1_700_000_000]),
        ("date('2024-03-01', '-' || ? || ' days')", [1]),
        ("printf(?, ?, ?)", ["%05d|%s", 42, "x"]),
        ("coalesce(?, ?)", [None, 1.5]),
        ("coalesce(?, 0)", [2.0]),
        ("? + 1", ["41"]),
        ("? || ?", [1, "a"]),
        ("max(?, ?)", [1, 2.5]),
        ("round(?, ?)", [2.5, 0]),
        ("CAST(? AS INTEGER)", ["12abc"]),
        ("replace(?, ?, ?)", ["aXa", "X", ""]),
        ("typeof(?)", [1.0]),
        ("json_array(?, ?)", [1, "x"]),
        ("hex(?)", [b"\x01\xff"]),
        ("instr(?, ?)", ["haystack", "st"]),
        ("iif(?, 'yes', 'no')", [0]),
        ("nullif(?, '')", [""]),
    ],
)
def test_a_function_of_bound_values(both: dialect_values.Both, expression: str, parameters: list[object]) -> None:
    both.same(expression, parameters=parameters)


def test_a_planted_mistake_is_found(both: dialect_values.Both) -> None:
    """The plant: a substr() that counts from the start, as PostgreSQL's own does."""
    with both.post.transaction(force_rollback=True):
        both.post.execute(
            "CREATE OR REPLACE FUNCTION outgrow.substr(x text, start bigint, count bigint) RETURNS text"
            " LANGUAGE sql AS 'SELECT substr(x, start::integer)'"
        )
        with pytest.raises(AssertionError, match="differ"):
            both.same("substr(t, -2)", "t")
    both.same("substr(t, -2)", "t")


def test_functions_of_the_connection_are_refused(both: dialect_values.Both) -> None:
    for name in ("last_insert_rowid", "changes", "total_changes"):
        with pytest.raises(statement.Refused):
            statements.translate(f"SELECT {name}() + 1", both.known, ())
