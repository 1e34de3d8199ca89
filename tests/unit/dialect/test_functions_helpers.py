"""Expressions of the schema never call functions of schema `outgrow`: they outlive it."""

from __future__ import annotations

import itertools

import pytest

from outgrow.dialect import choices, expressions, functions, json_functions, mathematics, printing, texts
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value
from outgrow.model import schema

TYPES = {
    "i": "bigint",
    "r": "double precision",
    "t": "text",
    "b": "bytea",
    "f": "boolean",
    "n": "numeric",
    "d": "date",
    "j": "json",
}
VALUES = [
    Value(kind=Kind.INTEGER, sql="i", low=-(2**63), high=2**63 - 1),
    Value(kind=Kind.REAL, sql="r"),
    Value(kind=Kind.TEXT, sql="t", collated=True),
    Value(kind=Kind.BLOB, sql="b"),
    Value(kind=Kind.BOOLEAN, sql="f"),
    Value(kind=Kind.NUMBER, sql="n"),
]
NAMES = sorted({name for name, _ in {**functions.FUNCTIONS, **functions.STATEMENTS}})


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_has_no_function_of_outgrows(name: str) -> None:
    for count in range(4):
        for arguments in itertools.product(VALUES, repeat=count):
            try:
                found = functions.call(name, list(arguments), [])
            except Untranslatable:
                continue
            assert "outgrow." not in found.sql


@pytest.mark.parametrize(
    "expression",
    [
        "substr(t, i) = 'a'",
        "printf('%d', i) = '1'",
        "round(r) > 1",
        "t || r = ''",
        "CAST(t AS INTEGER) > 0",
        "n + 1 > 2",
        "t GLOB t",
        "CASE WHEN f THEN i ELSE r END > 0",
        "date(t) = '2024-01-01'",
        "json_type(t) = 'array'",
        "r LIKE '1%'",
    ],
)
def test_what_needs_them_is_refused_in_a_check(expression: str) -> None:
    affinities = dict.fromkeys(TYPES, schema.Affinity.BLOB)
    found = expressions.check(expression, TYPES, {name: name for name in TYPES}, affinities=affinities)
    assert found.sql is None


def test_the_check_would_see_one() -> None:
    """The plant: with `helpers` the same calls do name the schema."""
    found = functions.call("substr", [VALUES[2], VALUES[0]], [], helpers=True)
    assert "outgrow." in found.sql
    assert {"substr", "printf", "round", "json_type", "coalesce"} <= {
        name for module in (texts, printing, mathematics, json_functions, choices) for name, _ in module.FUNCTIONS
    }
