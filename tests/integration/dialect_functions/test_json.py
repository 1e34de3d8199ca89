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
EDITS = [
    "$.a", "$.b", "$.new", "$.c.d", "$.c.new", "$.n.e.w", "$.n[0].w", "$.n[1]", "$.n[#].w[#]", "$[0]", "$[1]", "$[2]", "$[#]",
    "$[#-1]", "$[#-2]", "$[7]", "$[0][1]", "$.b[2]", "$.b[#].x", "$.b[5].c", "$.b[5].new", '$."a.b"', '$."a b".c', "$.a b",
    "$.é", '$.""', '$."q\\"uo"', '$.x"y', "$.a.b.c[1][1].d", "$.x[1]", "$.x[#]", None,
]  # fmt: skip
WHOLES = [
    '{"k": [ 1, {"l": null} ], "\\u00e9\\/": "\\/"}',
    "[ ]",
    "[[ ], { }, null]",
    '{"a": {"b": 1, "c": [1, 2]}, "d,": "{}[]:,"}',
]
PATCHES = [
    "{}", '{"a": null}', '{"a": 1, "b": null, "new": {"x": null, "y": [null]}}',
    '{"a": {"b": null, "z": {"q": null}}, "c": [1, 2]}',
    '{"c": {"d": null, "e": "f"}}', "[1, 2]", "5", "null", '"x"', '{"\\u0061": 7, "a b": {"c": true}}', None,
]  # fmt: skip
LABELS = ["a", "b", "a.b", "$.a", "$.c.d", "[0]", "zzz", None]


@pytest.fixture(scope="module")
def documents(both: Both) -> Both:
    return both.with_tables(
        {"d": ("TEXT", DOCUMENTS), "x": ("TEXT", BROKEN), "w": ("TEXT", PATHS), "l": ("TEXT", LABELS), "z": ("INTEGER", [
            0, 1, 2, -1, -3, 99,
        ]), "od": ("TEXT", [*DOCUMENTS, *WHOLES]), "oe": ("TEXT", EDITS), "op": ("TEXT", PATCHES)}
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
json_set(od, oe, 5) | od oe
json_set(od, oe, t) | od oe t : t < 'B'
json_set(od, oe, NULL, oe, json('{"x": [1 , 2]}')) | od oe
json_set(od, '$.a', 1, '$.a', 2, oe, json_extract(od, '$.a')) | od oe
json_insert(od, oe, 5, '$.new.x', json(od)) | od oe
json_insert(od, '$', 5, oe, json_array(f, 'x')) | od oe f
json_replace(od, oe, f, '$[0]', 'x') | od oe f
json_replace(od, '$', json_object('a', 1), oe, -1) | od oe
json_remove(od, oe) | od oe
json_remove(od, oe, '$.a', '$[0]') | od oe
json_remove(od, '$') | od
json_remove(od) | od
json_set(od) | od
json_patch(od, op) | od op
json_patch(json_set(od, '$.a', json('{"b": 1}')), op) | od op
typeof(json_set(od, oe, 1)) | od oe
json_array(json_remove(od, oe), json_set(od, oe, '[]')) | od oe
json_type(json_set(od, oe, 1), oe) | od oe
json_array(od ->> l, json_extract(od, '$.a')) | od l
json_array(json_extract(od, '$.a', '$.b')) | od
json_array(coalesce(json_extract(od, '$.a'), 'none'), coalesce(od ->> '$.a', 1)) | od
json_array(ifnull(json(od), json_array(1)), nullif(json(od), '[]')) | od
json_array(CASE WHEN z > 0 THEN json(od) ELSE json_array(z) END, iif(z, od -> '$.a', json('[ ]'))) | od z
json_array(max(json(od), json_array(z)), min(od -> '$.a', json(od))) | od z
json_array(+json(od), CAST(json(od) AS TEXT), likely(json(od)), json(od) || '') | od
json_quote(od ->> z) | od z : od NOT LIKE '[92%'
json_array(q) | q : abs(q) < 1e308
json_object('price', q, 'more', -q / 4) | q : abs(q) < 1e308
json_set('{"a": 1}', '$.b', q * 100) | q : abs(q) < 1e308
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
        "json_set(d, '$.a', x'00')",
        "json_set(d, '$.a')",
        "jsonb_set(d, '$.a', 1)",
        "json_array(n)",
        "json_array(coalesce(json(d), '[]'))",
        "json_array(CASE WHEN d = '' THEN json(d) ELSE d END)",
        "json_array(iif(d = '', json(d), json_extract(d, '$.a')))",
        "json_object('a', (SELECT json(d)))",
        "json_object('a', (SELECT json_group_array(d) FROM vd))",
        "json_array(CAST(json_extract(d, '$.a') AS TEXT))",
        "json_quote(x'00')",
    ],
)
def test_what_cannot_be_exact_is_refused(documents: Both, expression: str) -> None:
    with pytest.raises(statement.Refused):
        statements.translate(f"SELECT {expression} FROM vd", documents.known, ())


@pytest.mark.parametrize(
    "expression",
    [
        "json_set(?, '$', 1)",
        "json_replace(?, '$', 'x')",
        """json_patch(?, '{"a": 1, "a": 2}')""",
        "json_array(?, 0.1 + 0.2)",
        "json_set(?, '$.a', 331688.032777693)",
        "json_insert(?, '$.b', 3e15)",
        "json_replace(?, '$.a', 4.0 / 3.0)",
        "json_object('a', ?, 'b', 9e999)",
    ],
)
def test_what_versions_of_sqlite_do_not_agree_on_is_an_error(documents: Both, expression: str) -> None:
    sql = f"SELECT {expression}"
    old, new = (one.execute(sql, ('{"a": 1}',)).fetchone() for one in (documents.standard, documents.newest))
    assert new is not None
    if documents.standard.execute("SELECT sqlite_version() < '3.44'").fetchone() == (1,):
        assert old != new
    with pytest.raises(psycopg.Error, match="version"):
        documents.in_postgres(sql, ('{"a": 1}',))


@pytest.mark.parametrize("path", ["a", "$a", "$.", "$.new.", "$.new[", "$.new[-1]", "$.new[#1]", "$..a"])
def test_a_bad_path_of_a_change_is_an_error_in_both(documents: Both, path: str) -> None:
    with pytest.raises(apsw.SQLError, match="path"):
        documents.newest.execute("SELECT json_set('{}', ?, 1)", (path,)).fetchall()
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="bad JSON path"):
        documents.in_postgres("SELECT json_set('{}', ?, 1)", (path,))
