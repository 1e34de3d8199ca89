"""Queries at random, with bound values: those that are translated give the same rows in both databases."""

from __future__ import annotations

import collections
import sqlite3
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import errors as pg_errors

from outgrow.dialect import results, statement
from outgrow.dialect import value as values

if TYPE_CHECKING:
    from conftest import Stores

_OUT_OF_RANGE = (pg_errors.NumericValueOutOfRange, pg_errors.FloatingPointException, pg_errors.DivisionByZero)
Text = st.SearchStrategy[str]

SOURCES = {
    "users u": ("u",),
    "orders o": ("o",),
    "kinds k": ("k",),
    "tags g": ("g",),
    "users u JOIN orders o ON o.user_id = u.id": ("u", "o"),
    "users u LEFT JOIN orders o ON o.user_id = u.id AND o.total > 5": ("u", "o"),
    "users u LEFT JOIN user_tags t ON t.user_id = u.id LEFT JOIN tags g ON g.tag = t.tag": ("u", "t", "g"),
    "kinds k, tags g": ("k", "g"),
    "(SELECT id, name, active, score FROM users WHERE id > 1) u": ("s",),
    "users u JOIN users b ON u.boss = b.id": ("u",),
    "mixed m": ("m",),
    "mixed m, json_each(m.data) e": ("m", "e"),
    "users u LEFT JOIN mixed m ON m.mark = u.score OR m.id = u.id": ("u", "m"),
}
COLUMNS = {
    "u": {
        "number": ["u.id", "u.boss", 'u."Order"', "u.score", "u.balance"],
        "text": ["u.name", "u.email", "u.nick", "u.created_at", "u.born", "u.prefs"],
        "truth": ["u.active"],
    },
    "m": {
        "number": ["m.id", "m.mark", "m.price", "m.size", "json_extract(m.doc, '$.a')"],
        "text": ["m.mark", "m.doc", "m.data", "m.day", "m.doc ->> 'b'"],
        "truth": [],
    },
    "e": {"number": ["e.value", "e.key"], "text": ["e.atom", "e.type"], "truth": []},
    "s": {"number": ["u.id", "u.score"], "text": ["u.name"], "truth": ["u.active"]},
    "o": {
        "number": ["o.id", "o.total", "o.price", "o.quantity"],
        "text": ["o.status", "o.placed", "o.token"],
        "truth": [],
    },
    "k": {"number": ["k.i", "k.r"], "text": ["k.t", "k.d", "k.x", "k.y"], "truth": ["k.f"]},
    "t": {"number": ["t.at", "t.user_id"], "text": ["t.tag"], "truth": []},
    "g": {"number": ["g.weight"], "text": ["g.tag", "g.note"], "truth": []},
}
NUMBERS = st.sampled_from(["0", "1", "-1", "2", "7", "0.5", "NULL", "20", "1e3", "9007199254740993"])
STRINGS = st.sampled_from(
    [
        "''",
        "'a'",
        "'Ann'",
        "'ann'",
        "'5'",
        "'new'",
        "NULL",
        "'2024-01-01'",
        "'2024-01-01 10:00:00'",
        "'é'",
        "'red'",
        "'a%'",
    ]
)
BOUND = st.sampled_from(
    [
        0,
        1,
        -1,
        5,
        2**53,
        0.5,
        -1.5,
        2.0,
        "",
        "a",
        "Ann",
        "5",
        "x",
        "2024-01-01",
        "2024-01-01 10:00:00",
        b"abc",
        b"",
        None,
    ]
)


def _expressions(tables: tuple[str, ...]) -> dict[str, Text]:
    """Strategies for expressions over these tables: number, text and truth."""
    of = {kind: [name for table in tables for name in COLUMNS[table][kind]] for kind in ("number", "text", "truth")}
    leaf_number = st.one_of(st.sampled_from(of["number"]), st.sampled_from(of["number"]), NUMBERS, st.just("?"))
    leaf_text = st.one_of(st.sampled_from(of["text"]), st.sampled_from(of["text"]), STRINGS, st.just("?"))

    def build(template: str, *parts: Text) -> Text:
        return st.tuples(*parts).map(lambda found: template.format(*found))

    compared = st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT"])
    anything = st.one_of(leaf_number, leaf_text)
    number = st.one_of(
        leaf_number,
        leaf_number,
        build("({} + {})", leaf_number, leaf_number),
        build("({} * {})", leaf_number, leaf_number),
        build("({} / {})", leaf_number, leaf_number),
        build("coalesce({}, {})", leaf_number, leaf_number),
        build("length({})", leaf_text),
        build("coalesce({}, {})", leaf_number, leaf_text),
        build("iif({} > {}, {}, {})", leaf_number, leaf_number, leaf_number, leaf_text),
        build("CASE WHEN {} > {} THEN {} ELSE {} END", leaf_number, leaf_number, leaf_number, leaf_number),
        build("(SELECT max(z.total) FROM orders z WHERE z.user_id = {})", leaf_number),
        build("(SELECT count(*) FROM users z WHERE z.name = {})", leaf_text),
    )
    text = st.one_of(
        leaf_text,
        leaf_text,
        build("({} || {})", leaf_text, leaf_text),
        build("lower({})", leaf_text),
        build("substr({}, 1, 2)", leaf_text),
        build("coalesce({}, {})", leaf_text, leaf_text),
        build("(SELECT z.name FROM users z WHERE z.id = {})", leaf_number),
    )
    simple = st.one_of(
        build("({} {} {})", number, compared, number),
        build("({} {} {})", text, compared, text),
        build("({} {} {})", anything, compared, anything),
        build("({} BETWEEN {} AND {})", anything, anything, anything),
        build("({} IN ({}, {}))", anything, anything, anything),
        build("({} NOT IN ({}, {}))", text, text, anything),
        build("({} IN (SELECT user_id FROM orders))", anything),
        build("({} IN (SELECT name FROM users WHERE id > {}))", anything, leaf_number),
        build("({} IN (SELECT created_at FROM users))", text),
        build("EXISTS (SELECT 1 FROM orders z WHERE z.user_id = {} AND z.status = {})", leaf_number, leaf_text),
        build("(({}, {}) = ({}, {}))", anything, anything, anything, anything),
        build("(({}, {}) < ({}, {}))", leaf_number, leaf_text, leaf_number, leaf_text),
        build("({} IS NULL)", anything),
        build("({} LIKE 'a%')", text),
        build("({} {} {} COLLATE NOCASE)", text, compared, text),
        *([st.sampled_from(of["truth"])] if of["truth"] else []),
        leaf_number,
    )
    truth = st.one_of(
        simple,
        build("({} AND {})", simple, simple),
        build("({} OR {})", simple, simple),
        build("(NOT {})", simple),
    )
    return {
        "number": number,
        "text": text,
        "truth": truth,
        "column": st.sampled_from(of["number"] + of["text"] + of["truth"]),
    }


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, list[Any]]:
    source = draw(st.sampled_from(sorted(SOURCES)))
    of = _expressions(SOURCES[source])
    some = st.one_of(of["number"], of["text"], of["truth"], of["column"])
    where = draw(st.one_of(st.just(""), of["truth"].map(lambda found: f" WHERE {found}")))
    shape = draw(
        st.sampled_from(["plain", "plain", "star", "distinct", "grouped", "aggregate", "compound", "window", "in from"])
    )
    columns = ", ".join(draw(st.lists(some, min_size=1, max_size=3)))
    match shape:
        case "plain":
            sql = f"SELECT {columns} FROM {source}{where}"
            if draw(st.booleans()):
                sql += f" ORDER BY {draw(some)} DESC"
        case "star":
            sql = f"SELECT * FROM {source}{where}"
        case "distinct":
            sql = f"SELECT DISTINCT {columns} FROM {source}{where}"
        case "grouped":
            key = draw(st.one_of(of["column"], of["truth"], of["text"]))
            function = draw(
                st.sampled_from(["count(*)", "max({})", "min({})", "count({})", "count(DISTINCT {})", "sum({})"])
            )
            extra = draw(st.sampled_from(["", f", {draw(of['column'])}"]))
            if function.startswith("m"):
                extra = ""  # of several rows with the same maximum, SQLite takes any
            call = function.format(draw(of["column"]))
            sql = f"SELECT {key}, {call}{extra} FROM {source}{where} GROUP BY {key}"
            if draw(st.booleans()):
                sql += f" HAVING {call} > {draw(NUMBERS)}"
            if "?" in key:  # two bound values are two expressions
                sql = sql.replace("?", "?1")
        case "aggregate":
            calls = draw(
                st.lists(
                    st.sampled_from(["count(*)", "max({})", "min({})", "count({})", "avg({})"]), min_size=1, max_size=3
                )
            )
            sql = f"SELECT {', '.join(call.format(draw(of['column'])) for call in calls)} FROM {source}{where}"
        case "compound":
            operator = draw(st.sampled_from(["UNION", "UNION ALL", "INTERSECT", "EXCEPT"]))
            kind = draw(st.sampled_from(["number", "text", "truth"]))
            sql = f"SELECT {draw(of[kind])} FROM {source}{where} {operator} SELECT {draw(of[kind])} FROM {source}"
        case "window":
            over = f"OVER (PARTITION BY {draw(of['column'])} ORDER BY {draw(of['column'])})"
            call = draw(st.sampled_from(["rank()", "dense_rank()", "count(*)", "max({})", "min({})"])).format(
                draw(of["column"])
            )
            sql = f"SELECT {draw(of['column'])}, {call} {over} FROM {source}{where}"
        case _:
            inner = f"SELECT {draw(some)}, {draw(some)} FROM {source}{where}"
            sql = f"WITH q(a, b) AS ({inner}) SELECT b, a FROM q WHERE a IS NOT b"
    holes = 1 if "?1" in sql else sql.count("?")
    return sql, [draw(BOUND) for _ in range(holes)]


def _run(stores: Stores, examples: int, *phases: Phase) -> collections.Counter[str]:
    outcomes: collections.Counter[str] = collections.Counter()

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, *phases],
    )
    @given(queries())
    def run(query: tuple[str, list[Any]]) -> None:
        sql, parameters = query
        try:
            stores.in_sqlite(sql, parameters)
        except sqlite3.Error:
            outcomes["no query"] += 1
            return
        try:
            found = stores.translate(sql, parameters)
        except statement.Refused as refused:
            outcomes["refused"] += 1
            stores.refused.append(str(refused))
            return
        try:
            stores.same(sql, parameters)
        except _OUT_OF_RANGE:
            assert found.caveat, sql
            outcomes["out of range"] += 1
        except psycopg.Error as error:
            if "an integer and an equal real" in str(error):
                outcomes["either"] += 1
                return
            raise AssertionError(f"{sql} {parameters}\n{found.steps[-1].sql}") from error
        else:
            outcomes["same"] += 1

    run()
    return outcomes


def test_random_queries_give_the_same_rows(stores: Stores) -> None:
    outcomes = _run(stores, 700, Phase.shrink)
    assert outcomes["same"] > 300, outcomes  # else the test would prove little


def test_random_queries_find_a_planted_mistake(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plant: a boolean that comes back as true counts as text."""

    def plain(operand: values.Value) -> str:
        return f"({operand.sql})::text"

    monkeypatch.setattr(results, "outer", plain)
    with pytest.raises(AssertionError):
        _run(stores, 200)
