"""JSON functions give in PostgreSQL what they give in SQLite."""

from __future__ import annotations

import apsw
import psycopg
import pytest

from integration.dialect_functions.dialect_values import Both
from outgrow.dialect import statement, statements

DOCUMENTS = [
    '{"a": 1, "b": [1, 2.5, "x", null, true, {"c": -1}], "c": {"d": "e"}}', "{}", "[]", "[1]", "[[1, 2], [3]]",
    "null", "true", "false", "0", "-12", "1.50", "1e3", '"text"', '"q\\"uo\\\\te\\n"',
    ' { "x" : [ 1 ,2 , " a b " ] } ', '{"a": "\\u00e9 é"}', '{"b": 1, "a": 2, "b": 3}', '{"a.b": 1, "": 2, "a b": 3}',
    "[9223372036854775807, 9223372036854775808, -0, 0.0]", '{"a": {"b": {"c": [0, [1, {"d": 5}]]}}}', None,
]  # fmt: skip
BROKEN = ["", "{", "[1,]", "{a: 1}", "'x'", "01", "nul", '{"a" 1}', "[1] x", '"\t"']
PATHS = [
    "$", "$.a", "$.b", "$.c.d", "$[0]", "$[1]", "$[#-1]", "$[#-2]", "$.b[2]", "$.b[5].c", "$.b[#-1]", '$."a.b"',
    '$."a b"', "$.a.b.c[1][1].d", "$.x", "$.x[0]", "$[0][1]", "$.zzz", "$[99]", None,
]  # fmt: skip
LABELS = ["a", "b", "a.b", "$.a", "$.c.d", "[0]", "zzz", None]


@pytest.fixture(scope="module")
def documents(both: Both) -> Both:
    return both.with_tables(
        {"d": ("TEXT", DOCUMENTS), "x": ("TEXT", BROKEN), "w": ("TEXT", PATHS), "l": ("TEXT", LABELS), "z": ("INTEGER", [
            0, 1, 2, -1, -3, 99,
        ])}
    )  # fmt: skip


SAME = """
json(d) | d
json_valid(d) | d
json_valid(x) | x
json_type(d) | d
json_type(d, w) | d w
json_array_length(d) | d
json_array_length(d, w) | d w
d -> l | d l
d -> z | d z
json_array(d, json(d), 1) | d
json_array(i, f, t, NULL) | i f t
json_array() |
json_object('a', i, t, json_array(f)) | i f t : t IS NOT NULL
json_object() |
json_quote(t) | t
json_quote(i) | i
json_quote(json(d)) | d
json_extract(d, '$.a', w) | d w
typeof(json_type(d)) | d
length(json(d)) | d
"""
CASTS = """
CAST(json_extract(d, w) AS TEXT) | d w : d NOT LIKE '[92%'
CAST(json_extract(d, w) AS REAL) | d w
CAST(json_extract(d, w) AS NUMERIC) + 1 | d w
CAST(json_extract(d, w) AS INTEGER) | d w
CAST(d ->> l AS TEXT) | d l
CAST(d ->> z AS TEXT) | d z : d NOT LIKE '[92%'
'<' || (d ->> '$.a') || '>' | d
upper(json_extract(d, '$.c.d')) | d
d ->> '$.c.d' LIKE 'E%' | d
json_extract(d, w) = 'e' | d w
json_extract(d, w) <> 1 | d w
json_extract(d, w) > 'a' | d w
json_extract(d, w) <= 'text' | d w
json_extract(d, w) >= 1 | d w
json_extract(d, w) < 2.5 | d w
2.5 <= json_extract(d, w) | d w
d ->> l = 1 | d l
d ->> l IS NULL | d l
json_extract(d, w) IS NOT NULL | d w
CASE WHEN json_extract(d, w) = '[1,2]' THEN 'y' END | d w
"""


def _cases(block: str) -> list[tuple[str, list[str], str]]:
    found = []
    for line in block.strip().splitlines():
        expression, _, rest = line.rpartition(" |")
        columns, _, where = rest.partition(":")
        found.append((expression, columns.split(), where.strip()))
    return found


@pytest.mark.parametrize(("expression", "columns", "where"), _cases(SAME + CASTS.strip()))
def test_a_json_function_gives_the_same(documents: Both, expression: str, columns: list[str], where: str) -> None:
    assert documents.same(expression, *columns, where=where) > 0


@pytest.mark.parametrize("expression", ["json(?)", "json_type(?)", "json_array_length(?)", "? -> 'a'"])
@pytest.mark.parametrize("broken", ["{", "[1 2]", "x"])
def test_malformed_json_is_an_error_in_both(documents: Both, expression: str, broken: str) -> None:
    with pytest.raises(apsw.SQLError, match="malformed"):
        documents.newest.execute(f"SELECT {expression}", (broken,)).fetchall()
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        documents.in_postgres(f"SELECT {expression}", (broken,))


@pytest.mark.parametrize("path", ["a", "$a", "$.", "$[", "$[x]", "$[-1]", "$[#1]", "$..a"])
def test_a_bad_path_is_an_error_in_both(documents: Both, path: str) -> None:
    document = "[1]" if "[" in path else "{}"
    with pytest.raises(apsw.SQLError, match="path"):
        documents.newest.execute("SELECT json_type(?, ?)", (document, path)).fetchall()
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="bad JSON path"):
        documents.in_postgres("SELECT json_type(?, ?)", (document, path))


@pytest.mark.parametrize(
    "expression",
    [
        "json_set(d, '$.a', 1)",
        "json_patch(d, '{}')",
        "json_array(1.5)",
        "json_quote(x'00')",
    ],
)
def test_what_cannot_be_exact_is_refused(documents: Both, expression: str) -> None:
    with pytest.raises(statement.Refused):
        statements.translate(f"SELECT {expression} FROM vd", documents.known, ())
