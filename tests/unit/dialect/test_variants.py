"""A value of any type comes from PostgreSQL as a json, and is what SQLite would have given."""

from __future__ import annotations

import pytest

from outgrow.dialect import statement, variants


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", 2.0**63),
        ("\t 5 \n", 5),
        ("5.0", 5.0),
        ("1e3", 1000.0),
        ("-9e999", float("-inf")),
        ("true", 1),
        ("false", 0),
        ("null", None),
        ('"5"', "5"),
        ('"a \\u00e9\\n"', "a é\n"),
        ('[1, " [ ] ", {"a" : null}]', '[1," [ ] ",{"a":null}]'),
    ],
)
def test_a_json_is_the_value_that_it_stands_for(text: str, value: statement.Bound) -> None:
    assert repr(variants.decoded(text)) == repr(value)
