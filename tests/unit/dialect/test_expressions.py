"""Expressions of a schema and their translations, run on the same rows in both databases."""

from __future__ import annotations

import psycopg
import pytest
from both_databases import AFFINITIES, COLLATIONS, COLUMNS, NAMES, TYPES, Both

from outgrow.dialect import expressions, identifiers, translation
from outgrow.model import schema

CHECKS = [
    "n IN (0, 1, 2)",
    "n NOT IN (5, NULL)",
    "n IN ()",
    "b IN (0, 1)",
    "b = 1",
    "b <> f",
    "b",
    "NOT b",
    "b = 2",
    "b IS 1",
    "b IS NOT TRUE",
    "n IS TRUE",
    "b + f = 1",
    "(n > 0) + (k > 0) = 1",
    "n",
    "x",
    "m",
    "n == 5",
    "n != 5",
    "n IS 5",
    "n IS NOT k",
    "n IS DISTINCT FROM k",
    "n = '5'",
    "n = '5.0'",
    "n > 0.5",
    "s = 40000",
    "x >= 0.5 AND x <= 2",
    "x BETWEEN 0 AND 1.5",
    "x = 9007199254740992",
    "m > 0.1",
    "m = 0.1",
    "m = n",
    "m < m",
    "s < x",
    "t = 'abc'",
    "t < 'b'",
    "t = \"draft\"",
    "t IN ('a', 'A', \"draft\")",
    "t = 5",
    "w = 5",
    "c = 'ABC'",
    "c IN ('a', 'ABC')",
    "c < 'B'",
    "c = t",
    "t = c",
    "o = 'abc'",
    "t = 'ABC' COLLATE NOCASE",
    "c COLLATE BINARY = 'ABC'",
    "t LIKE 'a%'",
    "t LIKE 'A_C'",
    "t LIKE '%É%'",
    "t LIKE 'b\\_c'",
    "t LIKE 'b\\_c' ESCAPE '\\'",
    "t LIKE '50x%' ESCAPE 'x'",
    "t NOT LIKE '%B%'",
    "t LIKE w || '%'",
    "n LIKE '1%'",
    "b LIKE '1'",
    "t GLOB 'a*'",
    "t GLOB '[a-z]*'",
    "t GLOB '[^a-z]*'",
    "t GLOB '*[]]*'",
    "t GLOB '[]^[]*'",
    "t GLOB '[a-]-[z]'",
    "t GLOB '?'",
    "t GLOB '*.c'",
    "t GLOB 'x[^a]y'",
    "length(t) <= 3",
    "length(n) = 1",
    "length(z) > 1",
    "length(b) = 1",
    "length(u) = 36",
    "length(j) > 4",
    "typeof(n) = 'integer'",
    "typeof(n) <> 'integer'",
    "typeof(n) IN ('integer', 'null')",
    "typeof(t) = 'integer'",
    "'text' = typeof(t)",
    "typeof(m) IN ('integer', 'real')",
    "typeof(\"when\") = 'x' OR 1",
    "typeof(n) IS NOT 'null'",
    "json_valid(j)",
    "NOT json_valid(j)",
    "json_valid(j) OR j IS NULL",
    "json_type(j) = 'object'",
    "json_type(j) <> 'text'",
    "upper(t) = t",
    "lower(t) = t",
    "lower(c) = 'abc'",
    "trim(t) = t",
    "rtrim(t, 'c') <> t",
    "replace(t, 'a', '') = ''",
    "instr(t, 'b') > 0",
    "substr(t, 1, 1) = 'a'",
    "substr(t, 2) = 'b'",
    "t || '!' = 'a!'",
    "n || t = '1a'",
    "coalesce(t, '') <> ''",
    "ifnull(n, 0) >= 0",
    "coalesce(b, 0) = 0",
    "coalesce(x, 0) > 0",
    "nullif(t, '') IS NOT NULL",
    "abs(i) < 5",
    "n / 2 = 1",
    "n / k > 0",
    "n % 2 = 1",
    "i % s = 1",
    "i / s = 0",
    "n + k > 0",
    "n * 2 = 4",
    "-n < 0",
    "~n < 0",
    "n & 4 <> 0",
    "n | 1 = 1",
    "n >> 1 = 0",
    "n << 3 < 100",
    "x * y > 1",
    "x + y > 1",
    "x / y > 1",
    "x - y = 0",
    "-x < 0",
    "abs(x) < 1",
    "i * x > 0",
    "max(n, k) > 5",
    "min(n, k, i) < 0",
    "CASE WHEN b THEN n > 0 ELSE k > 0 END",
    "CASE t WHEN 'a' THEN 1 WHEN 'b' THEN 0 END",
    "iif(b, n, k) > 0",
    "d > '2000-01-01'",
    "d IN ('2020-01-01')",
    "u = '0a1b2c3d-4e5f-4a6b-8c7d-0123456789ab'",
    "\"when\" IS NULL",
    "\"when\" ISNULL OR \"when\" NOT NULL",
    "CAST(b AS TEXT) = '1'",
    "CAST(n AS INTEGER) = 1",
    "n BETWEEN 0 AND 5 OR t ISNULL",
    "n NOT BETWEEN k AND 100",
    "NOT n = 1 AND NOT k = 0",
    "n = 1 OR k = 1 AND i = 1",
    "n < k = 1",
    "z = x'616263'",
    "z > x'00'",
    "hex(z) = 'FF01'",
    "0x10 > n",
    "n > -9223372036854775808",
    "n < 9223372036854775808",
    "[n] > 0 AND `k` > 0 AND \"N\" > 0 AND sample.n > 0",
    "'a' < t COLLATE BINARY",
    "CAST(c AS TEXT) = 'ABC'",
    "+c = 'ABC'",
    "+n = 5",
    "e = 5",
    "e <> n",
    "e + 1 = 6",
    "g = 'a'",
    "g = t",
    "g || 'x' = 'ax'",
    "/* why */ n > 0 -- because",
]  # fmt: skip

REFUSED = {
    "n > (SELECT 1)": "query",
    "\"when\" > '2020-01-01'": "timestamp",
    "u < t": "number",
    "+n = '5'": "compares",
    "e = '5'": "compares",
    "g = 5": "compares",
    "n = 'abc'": "compares",
    "t > 1.5e20": "version",
    "x = n": "exactly",
    "m = x": "exactly",
    "m + 1 > 2": "exactly",
    "t": "condition",
    "substr(t, -1) = 'a'": "substr",
    "round(x) = 1": "round",
    "date(d) = d": "date",
    "t MATCH 'a'": "MATCH",
    "t REGEXP 'a'": "REGEXP",
    "nothing > 1": "nothing",
    "n > ?": "?",
    "(n, k) = (1, 2)": ",",
    "t = c COLLATE MINE": "MINE",
    "t GLOB 'a['": "set",
    "typeof(m) = 'integer'": "typeof",
    "random() > 0": "random",
    "t > CURRENT_DATE": "CURRENT_DATE",
    "j ->> '$.a' = 1": "JSON",
    "CAST(t AS INTEGER) > 0": "cast",
    "CAST(x AS INTEGER) > 0": "cast",
    "'a' < 'B'": "order",
    "length(x) > 3": "text",
}


def translated(text: str) -> translation.Translation:
    return expressions.check(text, TYPES, NAMES, affinities=AFFINITIES, collations=COLLATIONS)


@pytest.mark.parametrize("text", CHECKS)
def test_p57_a_check_decides_every_row_alike(both: Both, text: str) -> None:
    if 'typeof("when")' in text:
        assert translated(text).sql is None
        return
    assert both.differences(text, translated(text), lenient=True) == []


@pytest.mark.parametrize("text", CHECKS)
def test_p58_a_partial_index_has_the_same_rows(both: Both, text: str) -> None:
    found = expressions.index_predicate(text, TYPES, NAMES, affinities=AFFINITIES, collations=COLLATIONS)
    if found.sql is not None:
        assert both.differences(text, found) == []


@pytest.mark.parametrize("text", CHECKS)
def test_p59_a_translation_is_immutable_in_postgresql(both: Both, text: str) -> None:
    """PostgreSQL refuses an index on anything less."""
    found = expressions.index_predicate(text, TYPES, NAMES, affinities=AFFINITIES, collations=COLLATIONS)
    if found.sql is not None:
        with both.post.transaction(force_rollback=True):
            both.post.execute("CREATE TABLE none AS SELECT * FROM sample WHERE false")
            both.post.execute(f"CREATE INDEX ON none (id) WHERE {found.sql}")


@pytest.mark.parametrize(("text", "why"), REFUSED.items())
def test_what_may_differ_is_refused_with_a_reason(text: str, why: str) -> None:
    found = translated(text)
    assert found.sql is None
    assert why in found.reason


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("t LIKE 'a%'", "({t} LIKE 'a%')"),
        ("n / k > 0", "({n} / {k}) > 0"),
        ("c = 'ABC'", "({c} = 'ABC')"),
        ("typeof(n) = 'integer'", "true"),
        ("x - y = 0", "({x} - {y}) = 0"),
        ("upper(t) = t", "translate(upper({t}), 'é', 'É') = {t}"),
        ("max(n, k) > 5", "greatest({n}, {k}) > 5"),
        ("t GLOB 'a*'", "{t} ILIKE 'a%'"),
    ],
)
def test_the_comparison_finds_a_wrong_translation(both: Both, source: str, wrong: str) -> None:
    """The plants: translations as a simple rewriting of words would give them."""
    quoted = {name: identifiers.quote(target) for name, target in NAMES.items()}
    try:
        assert both.differences(source, translation.Translation(wrong.format(**quoted)))
    except psycopg.errors.DivisionByZero:
        assert "/" in wrong


def test_columns_without_a_told_affinity_have_the_usual_one() -> None:
    assert expressions.check("N > 0", {"n": "bigint"}, {"n": "m"}) == translation.Translation('("m" > 0)')


def test_p5_a_column_widened_to_text_can_only_be_tested_for_null() -> None:
    widened = {"n": schema.Affinity.INTEGER}
    for text in ("n > 5", "n LIKE '5%'", "typeof(n) = 'text'", "n"):
        assert expressions.check(text, {"n": "text"}, {"n": "n"}, affinities=widened).sql is None
    found = expressions.check("n IS NOT NULL", {"n": "text"}, {"n": "n"}, affinities=widened)
    assert found.sql == '("n" IS NOT NULL)'


def test_p52_a_quoted_name_that_is_no_column_is_a_string() -> None:
    assert expressions.check('t = "draft"', {"t": "text"}, {"t": "t"}).sql == "(\"t\" = 'draft')"
    assert expressions.check("t = `draft`", {"t": "text"}, {"t": "t"}).sql is None
    assert (
        expressions.check('t = "Draft"', {"t": "text", "draft": "text"}, {"t": "t", "draft": "d"}).sql == '("t" = "d")'
    )


def test_overflow_is_told_as_a_caveat() -> None:
    assert "64 bits" in translated("n + k > 0").caveat
    assert "double" in translated("x * y > 0").caveat
    assert not translated("i + s > 0").caveat
    assert not translated("n % 7 = 0").caveat


def test_deep_nesting_is_refused_and_no_crash() -> None:
    assert translated("(" * 20_000 + "1" + ")" * 20_000).sql is None


INDEXED = [
    "lower(t)",
    "upper(c)",
    "length(t)",
    "n + 1",
    "substr(t, 1, 2)",
    "coalesce(w, t)",
    "t || w",
    "n",
    "x",
    "b",
    "d",
    "abs(m)",
]


@pytest.mark.parametrize("text", INDEXED)
def test_p59_an_expression_index_holds_the_same_values(both: Both, text: str) -> None:
    found = expressions.index_expression(text, TYPES, NAMES, affinities=AFFINITIES, collations=COLLATIONS)
    plain = translation.Translation(f"({found.sql})::text" if text == "d" else found.sql, caveat=found.caveat)
    assert both.value_differences(text, plain) == []
    with both.post.transaction(force_rollback=True):
        both.post.execute("CREATE TABLE none AS SELECT * FROM sample WHERE false")
        both.post.execute(f"CREATE INDEX ON none (({found.sql}))")


def test_p47_a_term_under_nocase_folds_ascii_only() -> None:
    types, names = {"t": "text"}, {"t": "t"}
    assert expressions.index_expression("t", types, names, collation="nocase").sql == 'lower("t" COLLATE "C")'
    assert expressions.index_expression("t", types, names, collation="RTRIM").sql == "rtrim(\"t\", ' ')"
    assert expressions.index_expression("t", types, names, collation="mine").sql is None


GENERATED = [
    ("n / 2", "bigint"),
    ("x * n", "double precision"),
    ("n", "double precision"),
    ("t || ' ' || w", "text"),
    ("n > 0", "boolean"),
    ("n > 0", "integer"),
    ("i", "text"),
    ("substr(t, 1, 3)", "text"),
    ("CASE WHEN n > 0 THEN 'more' ELSE 'less' END", "text"),
    ("z", "bytea"),
    ("i % 100", "smallint"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sql_type"), GENERATED)
def test_p56_a_generated_column_has_the_same_values(both: Both, text: str, sql_type: str) -> None:
    declared = {"boolean": "BOOLEAN", "bytea": "BLOB", "double precision": "REAL"}.get(sql_type, sql_type)
    columns = ", ".join(f'"{name}" {column[0]}' for name, column in COLUMNS.items())
    both.lite.execute(f"CREATE TABLE made (id, {columns}, made {declared} AS ({text}) STORED)")
    try:
        both.lite.execute("INSERT INTO made SELECT * FROM sample")
        wanted = [value for (value,) in both.lite.execute("SELECT made FROM made ORDER BY id")]
    finally:
        both.lite.execute("DROP TABLE made")
    found = expressions.generated(text, sql_type, TYPES, NAMES, affinities=AFFINITIES, collations=COLLATIONS)
    assert found.sql is not None, found.reason
    values = both.in_postgres(found.sql)
    assert all(
        one == other or (found.caveat and isinstance(other, Exception))
        for one, other in zip(wanted, values, strict=True)
    )
    with both.post.transaction(force_rollback=True):
        both.post.execute("CREATE TABLE made (LIKE sample)")
        both.post.execute(f"ALTER TABLE made ADD made {sql_type} GENERATED ALWAYS AS ({found.sql}) STORED")


@pytest.mark.parametrize(
    ("text", "sql_type"),
    [
        ("n", "integer"),
        ("x", "bigint"),
        ("t", "bigint"),
        ("n", "boolean"),
        ("x", "text"),
        ("t", "timestamp"),
        ("n * n", "numeric(3)"),
    ],
)
def test_p56_a_generated_column_that_could_differ_is_refused(text: str, sql_type: str) -> None:
    found = expressions.generated(text, sql_type, TYPES, NAMES, affinities=AFFINITIES)
    assert found.sql is None or sql_type.startswith("numeric")


def test_references_names_the_columns_of_an_expression() -> None:
    columns = {"n": 1, "T": 2, "x": 3}
    assert expressions.references('N + length(t) > 0 OR y = "X"', columns) == {"n", "T", "x"}
    assert expressions.references("n > 1", columns) == {"n"}
    assert expressions.references("n > (SELECT 1)", columns) == {"n", "T", "x"}
