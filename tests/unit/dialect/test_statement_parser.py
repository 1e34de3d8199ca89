"""Statements are read as SQLite reads them, or refused; nothing else comes of any text."""

from __future__ import annotations

import contextlib
import re
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outgrow.dialect import catalog, expression_tree, statement, statement_parser, statement_tree, statements
from outgrow.dialect.translation import Untranslatable

_TABLES = "CREATE TABLE a (x, y, z); CREATE TABLE b (x, w)"


def slots(sql: str) -> list[expression_tree.Parameter]:
    """The parameters of a query's result columns, in their order."""
    parsed = statement_parser.parse(sql)
    assert isinstance(parsed, statement_tree.Query)
    assert isinstance(parsed.first, statement_tree.Select)
    found = [column.expression for column in parsed.first.columns]
    return [one for one in found if isinstance(one, expression_tree.Parameter)]


def test_parameters_have_sqlites_numbers() -> None:
    sql = "SELECT ?, ?5, ?, :a, @b, :a, $c, ?2, ?"
    values = [f"value {number}" for number in range(1, 11)]
    found = slots(sql)
    lite = sqlite3.connect(":memory:").execute(sql, values).fetchone()
    assert [values[one.number] for one in found] == list(lite)
    assert [one.slot for one in found] == [0, 4, 5, "a", "b", "a", "c", 1, 9]


def test_a_statement_after_with_numbers_its_parameters_from_one() -> None:
    (found,) = slots("WITH q AS (SELECT 1) SELECT ? FROM q")
    assert found.number == 0


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT",
        "SELECT FROM a",
        "SELECT * FROM a WHERE",
        "SELECT * FROM a JOIN",
        "SELECT * FROM a NATURAL b",
        "SELECT x FROM a GROUP x",
        "SELECT (1, 2",
        "SELECT count(* FROM a",
        "INSERT a VALUES (1)",
        "INSERT INTO a VALUES",
        "INSERT INTO a (x VALUES (1)",
        "INSERT OR NOTHING INTO a VALUES (1)",
        "UPDATE a x = 1",
        "UPDATE a SET x",
        "DELETE a",
        "WITH q SELECT 1",
        "WITH q AS (SELECT 1) DROP TABLE a",
        "SELECT 1 UNION",
        "SELECT 1 x y",
        "SELECT rank() OVER (ORDER x) FROM a",
        "",
        ";",
    ],
)
def test_what_is_no_statement_is_refused(sql: str) -> None:
    with pytest.raises(Untranslatable):
        statement_parser.parse(sql)


_WORDS = st.sampled_from(
    re.findall(
        r"\S+",
        """SELECT DISTINCT * a.* x y a b AS n FROM a b JOIN LEFT ON USING ( ) , = ? :p 1 'text' "x" NULL WHERE GROUP BY HAVING
    ORDER DESC LIMIT OFFSET UNION ALL EXCEPT WITH VALUES INSERT INTO REPLACE OR IGNORE UPDATE SET DELETE RETURNING IN EXISTS NOT
    AND IS BETWEEN CASE WHEN THEN END count( max( OVER PARTITION FILTER CONFLICT DO NOTHING excluded . - || LIKE COLLATE
    NOCASE ;""",
    )
)
_TEXTS = st.lists(_WORDS, max_size=16).map(" ".join) | st.text(max_size=30)


@settings(max_examples=3000, deadline=None, derandomize=True)
@given(_TEXTS)
def test_no_text_raises_anything_but_refused(sql: str) -> None:
    with contextlib.suppress(statement.Refused):
        statements.translate(sql, catalog.Catalog(tables={}), (1, "x", None))


@settings(max_examples=3000, deadline=None, derandomize=True)
@given(_TEXTS.filter(lambda sql: ";" not in sql and "\0" not in sql))
def test_what_is_read_is_a_statement_in_sqlite_too(sql: str) -> None:
    try:
        statement_parser.parse(sql)
    except Untranslatable:
        return
    lite = sqlite3.connect(":memory:")
    lite.executescript(_TABLES)
    said = ""
    try:
        lite.execute(f"EXPLAIN {sql}", {"p": 1} if ":p" in sql else (1,) * sql.count("?"))
    except sqlite3.Error as error:
        said = str(error)
    finally:
        lite.close()
    assert "syntax error" not in said, sql
    assert "incomplete" not in said, sql


@pytest.mark.parametrize(
    "rest", ["", ";", "; ", "; /*", "; /* x", "; /* x */", ";/*", "; -- x\n/*", " /*", "; x", "; /", "; /* */ /*"]
)
def test_the_rest_behind_a_semicolon_is_read_as_sqlites_callers_read_it(rest: str) -> None:
    sql = f"SELECT 1{rest}"
    try:
        sqlite3.connect(":memory:").execute(sql)
        lite = True
    except sqlite3.Error:
        lite = False
    try:
        statement_parser.parse(sql)
        ours = True
    except Untranslatable:
        ours = False
    assert ours == lite
