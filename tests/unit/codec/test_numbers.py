"""Integers, booleans, doubles and numerics: the same number, of the same storage class, to the last bit."""

from __future__ import annotations

import decimal
import itertools
import math
import random
import sys

import law
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outgrow import codec

EDGES = [0, 1, 2, *(sign * 2**power + by for sign in (1, -1) for power in (15, 31, 53, 63) for by in (-2, -1, 0, 1))]
INTEGERS = [number for number in EDGES if -(2**63) <= number < 2**63]
DOUBLES = [
    *(sign * value for sign in (1.0, -1.0) for value in (0.0, 0.1, 1 / 3, 1e-5, 1e15, 1e16, 1e22, 1e23, 1e300, 9e999)),
    *(sign * value for sign in (1.0, -1.0) for value in (5e-324, sys.float_info.min, sys.float_info.max, 1e308)),
    *(math.nextafter(sign * 2.0**power, sign * to) for sign in (1, -1) for power in (-1022, 0, 52, 63) for to in (0, 9e99)),
    *(sign * 2.0**power for sign in (1, -1) for power in (-1074, -1022, 31, 52, 53, 62, 63, 64, 1023)),
    *[1234567.89, 1234567.8899999999, 0.30000000000000004, 0.3, 9007199254740993.0, 4503599627370495.5, 2.5, 3.7, 1e21],
    *[123456789012345.6, 99999999999999.98, 9.007199254740993e15, 1.7976931348623157e308, 2.2250738585072011e-308],
    *[9223372036854774784.0, 9223372036854776832.0, -9223372036854777856.0, 8.5e18, 9.999999999999999e22, 6.02214076e23],
]  # fmt: skip
BY_BITS = [law.double(random.Random(1).getrandbits(64)) for _ in range(2000)]

integers = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**33), 2**33), st.sampled_from(INTEGERS))
doubles = st.one_of(
    st.floats(allow_nan=False),
    st.integers(0, 2**64 - 1).map(law.double).filter(lambda value: value == value),
    st.decimals(-(10**9), 10**9, places=2).map(float),
    st.sampled_from(DOUBLES),
)


@law.fuzz
@given(st.lists(integers, max_size=60))
def test_integers_cross_in_the_types_that_have_room(bench: law.Bench, values: list[int]) -> None:
    """What is outside a type's range PostgreSQL would refuse, and the condition does."""
    for one in (codec.Bigint(), codec.Integer(), codec.Smallint(), codec.Boolean(), codec.Numeric()):
        bench.hold(one, values)


@pytest.mark.parametrize(("one", "bits"), [(codec.Bigint(), 64), (codec.Integer(), 32), (codec.Smallint(), 16)])
def test_the_whole_range_of_an_integer_type_crosses(bench: law.Bench, one: codec.Codec, bits: int) -> None:
    """Up to the limits, and no further."""
    crossed = bench.hold(one, INTEGERS, ["INTEGER"]).crossed
    expected = {str(number) for number in INTEGERS if -(2 ** (bits - 1)) <= number < 2 ** (bits - 1)}
    assert {number for _, number in crossed} == expected


@law.fuzz
@given(st.lists(doubles, max_size=60))
def test_doubles_cross_bit_for_bit(bench: law.Bench, values: list[float]) -> None:
    """As double precision and as numeric."""
    for one in (codec.Double(), codec.Numeric()):
        bench.hold(one, [*values, *(-value for value in values)])


def test_doubles_at_the_edges_cross(bench: law.Bench) -> None:
    """Both zeros, subnormals, infinities, the limits, and random bits."""
    values = [*DOUBLES, *(value for value in BY_BITS if value == value)]
    assert len(bench.hold(codec.Double(), values, ["REAL"]).crossed) >= len({*values}) - 1
    bench.hold(codec.Double(), values, ["BLOB", "NUMERIC"])
    bench.hold(codec.Numeric(), values)


def test_the_sign_of_zero_crosses_where_sqlite_keeps_it(bench: law.Bench) -> None:
    """A column without an affinity stores -0.0; as double precision it is still there."""
    crossed = bench.hold(codec.Double(), [-0.0, 0.0], ["BLOB"]).crossed
    assert crossed == {("real", "8000000000000000"): "-0", ("real", "0000000000000000"): "0"}


def test_every_number_of_a_numeric_column_crosses_but_one(bench: law.Bench) -> None:
    """The real -2^63 is the one integral number of 64 bits that SQLite keeps as a real there."""
    report = bench.hold(codec.Numeric(), [*INTEGERS, *DOUBLES, -(2.0**63)], ["NUMERIC"])
    bench.fill([*INTEGERS, *DOUBLES, -(2.0**63)], ["NUMERIC"])
    stored = set(bench.source.execute(f"SELECT typeof(c), {law.EXACT} FROM source_NUMERIC"))
    assert stored - {*report.crossed} == {("real", "c3e0000000000000")}


@pytest.mark.parametrize("declared", ["NUMERIC", "INTEGER"])
def test_numeric_shows_money_as_people_write_it(bench: law.Bench, declared: str) -> None:
    """1234567.89, not 1234567.8899999999."""
    cents = [
        123456789,
        10,
        1,
        -5,
        1999,
        30,
        999999999999999,
        *(random.Random(2).randrange(-(10**13), 10**13) for _ in range(999)),
    ]
    shown = bench.texts(codec.Numeric(), [number / 100 for number in cents], declared)
    assert shown == [f"{(decimal.Decimal(number) / 100).normalize():f}" for number in cents]


@law.fuzz
@given(st.lists(doubles.filter(math.isfinite), min_size=1, max_size=60))
def test_numeric_has_no_more_digits_than_needed(bench: law.Bench, values: list[float]) -> None:
    """PostgreSQL's text has 15 significant digits, or as few more as the same double needs."""
    fractions = [value for value in values if value != math.trunc(value)]
    shown = bench.texts(codec.Numeric(), fractions, "NUMERIC")
    assert [float(text) for text in shown] == fractions
    for text, value in zip(shown, fractions, strict=True):
        assert len(decimal.Decimal(text).as_tuple().digits) <= max(
            15, len(decimal.Decimal(repr(value)).as_tuple().digits)
        )


def test_boolean_words_cross_and_no_other_spelling_fits(bench: law.Bench) -> None:
    """PostgreSQL takes every prefix of its words, in any case, with spaces around them."""
    pairs = {(spell(f), spell(t)) for f, t in codec.BOOLEAN_WORDS for spell in (str, str.capitalize, str.upper)}
    spelled = {word for pair in pairs for word in pair}
    prefixes = {word[:length] + space for word in spelled for length in range(6) for space in ("", " ", "\0")}
    for false, true in pairs:
        one = codec.Boolean(false=false, true=true)
        crossed = bench.hold(
            one, [*spelled, "0", "1", 0, 1, 2, 0.0, 1.0, "ｙ", "yes\n", b"t"], ["TEXT", "NUMERIC"]
        ).crossed
        assert crossed == {("text", bench.stored(false)): "false", ("text", bench.stored(true)): "true"}
        bench.hold(one, prefixes, ["TEXT"])


@pytest.mark.parametrize(
    "one",
    [codec.Bigint(), codec.Integer(), codec.Smallint(), codec.Double(), codec.Numeric()],
    ids=lambda one: one.type,
)
@law.fuzz
@given(st.data())
def test_numbers_are_ordered_alike(bench: law.Bench, one: codec.Codec, data: st.DataObject) -> None:
    """A key's order is SQLite's."""
    assert one.orderable
    values = data.draw(st.lists(st.one_of(integers, doubles), max_size=60))
    for declared in ("NUMERIC", "REAL", "BLOB"):
        ours, theirs = bench.orders(one, values, declared)
        assert ours == theirs


@pytest.mark.parametrize(("false", "true"), [("", ""), *codec.BOOLEAN_WORDS, ("No", "Yes"), ("OFF", "ON")])
def test_booleans_are_ordered_alike(bench: law.Bench, false: str, true: str) -> None:
    """False comes before true, in words too."""
    values = [true, false, true] if true else [1, 0, 1]
    ours, theirs = bench.orders(codec.Boolean(false=false, true=true), values, "NUMERIC")
    assert ours == theirs
    assert len(set(ours)) == 2


def test_numbers_with_text_among_them_are_no_key(bench: law.Bench) -> None:
    """SQLite has 9 before 10 before 'a'; PostgreSQL's text has '10' before '9'."""
    one = codec.Text(numbers=True)
    assert not one.orderable
    ours, theirs = bench.orders(one, [9, 10, "a"], "NUMERIC")
    assert ours != theirs


@law.fuzz
@given(st.lists(st.one_of(integers, doubles, st.text(max_size=8)), max_size=60))
def test_numbers_kept_as_text_come_back_as_numbers(bench: law.Bench, values: list[int | float | str]) -> None:
    """A column of mixed classes, whose affinity turns the text into the number again."""
    one = codec.Text(numbers=True)
    bench.hold(one, [*values, *itertools.chain(INTEGERS, DOUBLES)], ["INTEGER", "NUMERIC", "REAL"])
