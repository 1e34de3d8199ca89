"""What SQLite stores, told from what crosses: the quarantine's exact values and literals, without a look at the file.

That it agrees with SQLite for every type is in `integration/postgres/test_there_and_back.py`; here are the borders.
"""

from __future__ import annotations

import struct

import pytest

from outgrow import codec
from outgrow.codec import stored


def bits(value: float) -> str:
    """IEEE 754 bits in hexadecimal."""
    return struct.pack(">d", value).hex()


NUMBERS = [
    ("12", ("integer", "12")),
    ("-9223372036854775808", ("integer", "-9223372036854775808")),
    ("9223372036854775808", ("real", bits(2.0**63))),
    ("1e+20", ("real", bits(1e20))),
    ("0.5", ("real", bits(0.5))),
    ("9e999", ("real", bits(float("inf")))),
    ("-Infinity", ("real", bits(float("-inf")))),
]


@pytest.mark.parametrize(("text", "found"), NUMBERS)
def test_a_number_is_an_integer_if_it_is_one_of_64_bits(text: str, found: tuple[str, str]) -> None:
    """As columns with NUMERIC affinity have it."""
    assert stored.exact(codec.Numeric(), text) == found


@pytest.mark.parametrize("text", ["n/a", "", " 1", "1 ", "0x10", "1e", ".", "e5", "Infinity", "1_0", "١"])
def test_text_beside_numbers_is_text_unless_it_is_a_number(text: str) -> None:
    """Such a column cannot hold the text of a number as text."""
    assert stored.exact(codec.Text(numbers=True), text) == ("text", text.encode().hex())
    assert stored.exact(codec.Text(numbers=True), "-1.5E3") == ("real", bits(-1500.0))
    assert stored.exact(codec.Text(), "12") == ("text", "3132")


def test_what_the_target_cannot_have_in_a_key_does_not_cross() -> None:
    """NUL, bytes that are no text, and values of another class than the column's."""
    assert stored.crossing(codec.Text(), "text", "610062") is None
    assert stored.crossing(codec.Text(), "text", "ff") is None
    assert stored.crossing(codec.Text(), "integer", "1") is None
    assert stored.crossing(codec.Bigint(), "text", "31") is None
    assert stored.crossing(codec.Bigint(), "real", bits(1.0)) is None
    assert stored.crossing(codec.Bytea(), "text", "61") is None
    assert stored.crossing(codec.Bytea(text=True), "text", "00") == "\\x00"
    assert stored.crossing(codec.Text(), "null", None) is None


def test_a_literal_is_what_sqlite_reads_as_the_value() -> None:
    """Text that is not plain is a cast of its bytes."""
    assert stored.literal("null", None) == "NULL"
    assert stored.literal("integer", "-5") == "-5"
    assert stored.literal("real", bits(0.1)) == "0.1"
    assert stored.literal("text", b"it's".hex()) == "'it''s'"
    assert stored.literal("text", "00") == "CAST(x'00' AS TEXT)"
    assert stored.literal("text", "ff") == "CAST(x'ff' AS TEXT)"
    assert stored.literal("blob", "00ff") == "x'00ff'"
