"""Expressions at random, mostly of matching types, now and then of any: translated ones mean the same."""

from __future__ import annotations

import collections
from typing import Any

import pytest
from both_databases import AFFINITIES, COLLATIONS, NAMES, TYPES, Both
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from outgrow.dialect import expressions, patterns, translation
from outgrow.dialect import value as values
from outgrow.model import schema


def translated(text: str) -> translation.Translation:
    return expressions.check(text, TYPES, NAMES, affinities=AFFINITIES, collations=COLLATIONS)


NUMBERS = st.sampled_from(
    ["NULL", "0", "1", "-1", "2", "7", "0.5", "-1.5", "1e3", "100", "9007199254740993", "9223372036854775807", "0x1F"]
)
STRINGS = st.sampled_from(
    ["NULL", "''", "'a'", "'A'", "'abc'", "'5'", "' 5'", "'é'", "'%'", "'a_%'", "'[a-c]*'", "'*b?'", '"draft"', "'1.0'"]
)
NUMERIC_COLUMNS = st.sampled_from(["n", "k", "e", "i", "s", "b", "f", "x", "y", "m"])
TEXT_COLUMNS = st.sampled_from(["t", "w", "g", "c", "o", "u"])
OTHER = st.sampled_from(["z", "d", "j", '"when"', "NULL", "TRUE", "x'61'", "'2020-01-01'"])


def _combined(inner: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    def of(kind: str) -> st.SearchStrategy[str]:
        fitting = inner.filter(lambda pair: pair[0] == kind).map(lambda pair: pair[1])
        return fitting if kind else inner.map(lambda pair: pair[1])

    numbers = st.one_of(NUMBERS, NUMERIC_COLUMNS, of("number"))
    texts = st.one_of(STRINGS, TEXT_COLUMNS, of("text"))
    truths = st.one_of(of("truth"), st.sampled_from(["b", "f"]))
    anything = st.one_of(numbers, texts, truths, OTHER)
    compared = st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT", "=="])
    computed = st.sampled_from(["+", "-", "*", "/", "%", "&", "|"])
    negated = st.sampled_from(["", "NOT "])
    collated = st.sampled_from(["", "", "", " COLLATE NOCASE", " COLLATE BINARY", " COLLATE RTRIM"])

    def build(kind: str, template: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, str]]:
        return st.tuples(*parts).map(lambda found: (kind, template.format(*found)))

    return st.one_of(
        build("number", "({} {} {})", numbers, computed, numbers),
        build("number", "(- {})", numbers),
        build("number", "(~ {})", numbers),
        build("number", "abs({})", numbers),
        build("number", "length({})", anything),
        build("number", "coalesce({}, {})", numbers, numbers),
        build("number", "max({}, {})", numbers, numbers),
        build("number", "instr({}, {})", texts, texts),
        build("number", "CASE WHEN {} THEN {} ELSE {} END", truths, numbers, numbers),
        build("number", "CAST({} AS INTEGER)", numbers),
        build("number", "CAST({} AS REAL)", numbers),
        build("number", "nullif({}, {})", numbers, numbers),
        build("text", "({} || {})", texts, texts),
        build("text", "({} || {})", texts, numbers),
        build("text", "lower({})", texts),
        build("text", "upper({})", texts),
        build("text", "trim({})", texts),
        build("text", "substr({}, 2, 2)", texts),
        build("text", "substr({}, {})", texts, numbers),
        build("text", "replace({}, {}, {})", texts, texts, texts),
        build("text", "coalesce({}, {})", texts, texts),
        build("text", "CAST({} AS TEXT)", numbers),
        build("text", "nullif({}, {})", texts, texts),
        build("truth", "({} {} {})", numbers, compared, numbers),
        build("truth", "({}{} {} {})", texts, collated, compared, texts),
        build("truth", "({} {} {})", anything, compared, anything),
        build("truth", "({} AND {})", truths, truths),
        build("truth", "({} OR {})", truths, truths),
        build("truth", "(NOT {})", truths),
        build("truth", "({} {}BETWEEN {} AND {})", numbers, negated, numbers, numbers),
        build("truth", "({} {}BETWEEN {} AND {})", texts, negated, texts, texts),
        build("truth", "({} {}IN ({}, {}))", numbers, negated, numbers, numbers),
        build("truth", "({}{} {}IN ({}, {}))", texts, collated, negated, texts, anything),
        build("truth", "({} {}LIKE {})", texts, negated, texts),
        build("truth", "({} {}GLOB {})", texts, negated, texts),
        build("truth", "({} IS NULL)", anything),
        build("truth", "({} IS TRUE)", truths),
        build("truth", "(typeof({}) = 'integer')", anything),
    )


LEAVES = st.one_of(
    NUMERIC_COLUMNS.map(lambda name: ("number", name)),
    TEXT_COLUMNS.map(lambda name: ("text", name)),
    st.sampled_from(["b", "f"]).map(lambda name: ("truth", name)),
)
EXPRESSIONS = st.recursive(LEAVES, _combined, max_leaves=6)


def _random_examples(both: Both, examples: int, *phases: Phase) -> collections.Counter[str]:
    outcomes: collections.Counter[str] = collections.Counter()

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, *phases],
    )
    @given(EXPRESSIONS)
    def run(pair: tuple[str, str]) -> None:
        kind, text = pair
        if kind == "truth":
            found = translated(text)
            outcomes["truth" if found.sql else "refused"] += 1
            if found.sql is not None:
                assert both.differences(text, found, lenient=True) == []
            found = expressions.index_predicate(text, TYPES, NAMES, affinities=AFFINITIES, collations=COLLATIONS)
            if found.sql is not None:
                assert both.differences(text, found) == []
            return
        found = expressions.index_expression(
            text, TYPES, NAMES, collation="BINARY", affinities=AFFINITIES, collations=COLLATIONS
        )
        outcomes[kind if found.sql else "refused"] += 1
        if found.sql is not None:
            assert both.value_differences(text, found) == []

    run()
    return outcomes


def test_random_expressions_mean_the_same_in_both_databases(both: Both) -> None:
    outcomes = _random_examples(both, 500, Phase.shrink)
    accepted = outcomes["truth"] + outcomes["number"] + outcomes["text"]
    assert accepted > 150, outcomes  # else the test would prove little


def test_random_expressions_find_a_planted_mistake(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plant: a LIKE that does not fold case does not survive."""

    def plain(operand: values.Value, *_: Any, **__: Any) -> values.Value:
        return values.boolean(f"({operand.sql} LIKE 'a%')")

    monkeypatch.setattr(patterns, "like", plain)
    with pytest.raises(AssertionError):
        _random_examples(both, 500)


WORDS = st.sampled_from(
    [
        "n",
        "t",
        "b",
        "x",
        '"draft"',
        "'a'",
        "1",
        "0.5",
        "NULL",
        "(",
        ")",
        ",",
        "+",
        "-",
        "*",
        "/",
        "||",
        "=",
        "<",
        "IS",
        "NOT",
        "AND",
        "OR",
        "IN",
        "LIKE",
        "GLOB",
        "BETWEEN",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "CAST",
        "AS",
        "INTEGER",
        "COLLATE",
        "length(",
        "coalesce(",
        "substr(",
        "NOCASE",
        "ISNULL",
        "ESCAPE",
        "x'00'",
        "x'0",
        "'",
        '"',
        "[",
        "->",
        ":p",
        "SELECT",
        ".",
        "~",
        "%",
        "datetime(",
        "'now'",
    ]
)


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(st.lists(WORDS, max_size=14).map(" ".join) | st.text(max_size=30), st.sampled_from(sorted(set(TYPES.values()))))
def test_no_text_makes_a_translation_raise(text: str, sql_type: str) -> None:
    for found in (
        translated(text),
        expressions.index_predicate(text, TYPES, NAMES),
        expressions.index_expression(text, TYPES, NAMES, collation="NOCASE"),
        expressions.generated(text, sql_type, TYPES, NAMES),
        expressions.default(text, sql_type, schema.Affinity.NUMERIC),
    ):
        assert (found.sql is None) == bool(found.reason)
