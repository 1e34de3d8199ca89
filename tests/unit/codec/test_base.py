"""Every codec, whatever its type: one law for all, and plain data that describes it."""

from __future__ import annotations

import itertools
import struct
from typing import Any

import apsw
import law
import psycopg
import pytest
from law import Raw

from outgrow import codec
from outgrow.codec import temporal

NUMBERS = [0, 1, -1, 2, 12, 2**15, 2**31, 2**63 - 1, -(2**63), 0.0, -0.0, 1.0, 0.5, 1e19, 9e999, -9e999, -(2.0**63)]
TEXTS = [
    *["", " ", "0", "1", "-0", "1.0", "1e5", "0x10", "0b1", "1_000", "12", " 12", "12 ", "NaN", "nan", "Infinity"],
    *["inf", "-inf", "9e999", "9223372036854775808", "true", "t", "T", "tr", " true", "yes", "on", "False", "OFF", "2"],
    *["now", "today", "tomorrow", "yesterday", "epoch", "infinity", "-infinity", "allballs", "noon", "24:00:00"],
    *["23:59:60", "12:34:56", "12:34:56.7", "12:34", "12:34:56 ", "12:34:56+00", "12:34:56 PM", "1٢:34:56"],
    *["2024-02-29", "2023-02-29", "2024-02-30", "2024-00-10", "2024-13-01", "2024-01-00", "2024-04-31", "2024-01-32"],
    *["0000-01-01", "0001-01-01", "9999-12-31", "-001-01-01", "10000-01-01", "2024-01-01 BC", "2024-01-01 ", "20240101"],
    *["01/02/2024", "2024-1-2", "2024-01-01\0", "2024-01-01\0x", "٢024-01-01", "J2460000", "2024-W01-1", "2024.001"],
    *["2024-06-30 23:59:60", "2024-01-01 24:00:00", "2024-01-01 24:00:01", "2024-06-30 12:00:00", "0000-01-01 00:00:00"],
    *["2024-06-30 12:00:00 BC", "2024-06-30 12:00:00 AD", "2024-06-30 12:00:00\0", "2024-06-30 12:00:00Z"],
    *["2024-06-30T12:00:00", "2024-06-30T12:00:00z", "2024-06-30 12:00:00+00", "2024-06-30 12:00:00-00"],
    *["2024-06-30 12:00:00+00:00", "2024-06-30 12:00:00+05:30", "2024-06-30 12:00:00 UTC", "2024-06-30t12:00:00"],
    *["2024-06-30 12:00:00.000000", "2024-06-30 12:00:00.5", "2024-06-30 12:00:00.123456789", "2024-06-30 12:00:00."],
    *["2024-06-30 12:00:00.5.0", "12:00:00.5.0"],
    *["2024-02-30T12:00:00Z", "1582-10-10 00:00:00", "2024-06-30  12:00:00", "2024-06-30 12:60:00"],
    *["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"],
    *["{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "a0eebc999c0b4ef8bb6d6bb9bd380a11", "cus_abc"],
    *["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\0", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1١", "\\x68", "\\", r"\.", r"\N"],
    *["a\tb\nc\rd\x1e\x1f\b\v", "\\.\n", "é", "e\u0301", "\ufeffBOM", "\ufffd", "\ufffe", "\uffff", "\U0010ffff", "😀"],
    *["\ud800", "\udc00", "a\ud800b", "\ud800\ud800", "\udc00\ud800", "nul\0nul", "\0", "{}", '{"a":1}', '{"a": 1}', "[1,]"],
    *["{'a':1}", '"\\u0000"', '"\\ud800"', "[1e400]", "[0.10]", "\x7f", "\x01", "x" * 70_000, "[[[]]]", '"\x01"', "nul"],
]  # fmt: skip
RAW = [Raw(b"\xff"), Raw(b"caf\xe9"), Raw(b"\xc0\x80"), Raw(b"\xe0\x80\xaf"), Raw(b"\xf4\x90\x80\x80"), Raw(b"12\xff:")]
BLOBS = [b"", b"\0", b"\xff", b"text", b"\\x68", bytes(range(256)), bytes(12), b"abc", bytes(13)]
BLOBS += [struct.pack("<3f", *floats) for floats in [(1, -0.0, 1e-45), (9e999, 0, 0), (float("nan"), 0, 0)]]

WORDS = [spell(word) for pair in codec.BOOLEAN_WORDS for word in pair for spell in (str, str.capitalize, str.upper)]
CLOCKS = [f"12:34:56{('.' + '123456'[:digits]).rstrip('.')}" for digits in range(7)]
MOMENTS = [f"2024-02-29{sep}{clock}{zone}" for sep in " T" for clock in CLOCKS for zone in ("", *temporal.ZONES)]

VALUES = [*NUMBERS, *TEXTS, *RAW, *BLOBS, *WORDS, *CLOCKS, *MOMENTS]

CODECS: list[codec.Codec] = [
    codec.Bigint(),
    codec.Integer(),
    codec.Smallint(),
    codec.Boolean(),
    *(codec.Boolean(false=false, true=true) for false, true in codec.BOOLEAN_WORDS),
    codec.Boolean(false="False", true="True"),
    codec.Boolean(false="OFF", true="ON"),
    codec.Double(),
    codec.Numeric(),
    codec.Text(),
    codec.Bytea(),
    codec.Bytea(text=True),
    codec.Uuid(),
    codec.Json(),
    codec.Jsonb(),
    codec.Date(),
    *(codec.Time(fraction=fraction) for fraction in range(-1, 7)),
    *(codec.Timestamp(separator=separator, fraction=fraction) for separator in " T" for fraction in range(-1, 7)),
    *(
        codec.Timestamptz(separator=separator, fraction=fraction, zone=zone)
        for separator, fraction, zone in itertools.product(" T", range(-1, 7), temporal.ZONES)
    ),
]
NUMBERS_AS_TEXT = codec.Text(numbers=True)
VECTOR = codec.Vector(dimensions=3)


def _name(one: codec.Codec) -> str:
    return ",".join(str(value) for value in one.spec().values())


def test_what_fits_comes_back_and_what_only_the_guard_lets_through_is_refused(bench: law.Bench) -> None:
    """Values that others have lost, in columns of every affinity, by every codec."""
    for one in CODECS:
        report = bench.hold(one, VALUES)
        assert report.crossed, one


def test_numbers_kept_as_text_come_back_where_affinity_makes_numbers_of_them(bench: law.Bench) -> None:
    """The declared types for which this codec is meant."""
    bench.hold(NUMBERS_AS_TEXT, VALUES, ["INTEGER", "NUMERIC", "REAL"])


@pytest.mark.parametrize("one", [*CODECS, NUMBERS_AS_TEXT, VECTOR], ids=_name)
def test_no_expression_raises_and_null_stays_null(encoding: str, one: codec.Codec) -> None:
    """A chunk is read before anybody knows what is in it."""
    source = law.open_file(encoding)
    source.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, c)")
    for value in [None, *VALUES]:
        x, parameter = law.operand(value, encoding)
        source.execute(f"INSERT INTO t (c) VALUES ({x})", (parameter,))
    results = [f"CAST({x} AS BLOB)" for x in (one.encode("c"), one.canonical_source("c"))]
    rows = source.execute(f"SELECT {','.join(results)}, ({one.fits('c')}), ({one.guard('c')}) FROM t ORDER BY id")
    assert next(rows)[:2] == (None, None)
    for encoded, canonical, fits, guard in rows:
        assert not fits or (guard and encoded is not None and canonical is not None)
    counted = source.execute(f"SELECT count(*), total(c IS NULL OR {one.fits('c')}) FROM t").fetchone()
    assert counted is not None
    assert counted[0] == len(VALUES) + 1


@pytest.mark.parametrize("one", [*CODECS, NUMBERS_AS_TEXT, VECTOR], ids=_name)
def test_an_application_s_own_collation_is_never_asked_for(one: codec.Codec) -> None:
    """The file may name collations that only its application has."""
    source = apsw.Connection(":memory:")
    source.create_collation("theirs", lambda left, right: 0)
    source.execute("CREATE TABLE t (c COLLATE theirs)")
    for name, function in codec.functions("UTF-8").items():
        source.create_scalar_function(name, function, deterministic=True, flags=apsw.SQLITE_INNOCUOUS)
    source.create_collation("theirs", None)
    for expression in (one.encode("c"), one.canonical_source("c"), one.fits("c"), one.guard("c")):
        source.execute(f"SELECT {expression} FROM t").fetchall()


@pytest.mark.parametrize("one", [*CODECS, NUMBERS_AS_TEXT, VECTOR], ids=_name)
def test_a_spec_describes_its_codec(one: codec.Codec) -> None:
    """What the plan file keeps makes the same codec again."""
    again = codec.from_spec(dict(one.spec()))
    assert again == one
    assert type(again) is type(one)
    assert hash(again) == hash(one)
    assert (again.sql_type, again.orderable) == (one.sql_type, one.orderable)


def test_specs_tell_codecs_apart() -> None:
    """No two codecs have one spec."""
    assert len({*CODECS, NUMBERS_AS_TEXT, VECTOR}) == len(CODECS) + 2


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"type": ""},
        {"type": "money"},
        {"type": "bigint", "fraction": 3},
        {"type": "boolean", "false": "true", "true": "false"},
        {"type": "boolean", "false": "0", "true": "1"},
        {"type": "boolean", "true": "yes"},
        {"type": "boolean", "false": "no", "true": "Yes"},
        {"type": "boolean", "false": "a' OR 1 --", "true": "yes"},
        {"type": "timestamp", "separator": "_"},
        {"type": "timestamp", "fraction": 7},
        {"type": "timestamp", "fraction": "3"},
        {"type": "timestamp", "zone": "Z"},
        {"type": "timestamptz", "zone": "+01"},
        {"type": "time", "fraction": -2},
        {"type": "vector"},
        {"type": "vector", "dimensions": 0},
        {"type": "vector", "dimensions": "3"},
    ],
    ids=str,
)
def test_a_spec_of_nothing_is_refused(spec: dict[str, Any]) -> None:
    """What would not keep the law, or not even be SQL, is no codec."""
    with pytest.raises(ValueError, match=r"."):
        codec.from_spec(spec)


class _OffByADigit(codec.Double):
    def restore(self, c: str) -> str:
        return f"{c}*1.0000000000000002"


class _WrongCanonicalText(codec.Numeric):
    def canonical_source(self, x: str) -> str:
        return f"format('%.15g',{x})"


class _OneCanonicalText(codec.Text):
    def canonical_source(self, x: str) -> str:
        return f"lower({x})"

    def canonical_target(self, c: str) -> str:
        return f"lower({c})"


class _TrustfulBoolean(codec.Boolean):
    def fits(self, x: str) -> str:
        return f"typeof({x}) IN ('integer','text')"


class _TrustfulDate(codec.Date):
    def guard(self, x: str) -> str:
        return f"typeof({x})='text'"


class _JealousUuid(codec.Uuid):
    def guard(self, x: str) -> str:
        return f"{super().guard(x)} AND {x}>'b'"


class _ShapelessJson(codec.Json):
    def shape(self, x: str) -> str:
        return f"typeof({x})='text'"


class _HastyText(codec.Text):
    def conclusive(self, x: str) -> str:
        return f"{x} IS NOT NULL"


class _HastyJson(codec.Json):
    def conclusive(self, x: str) -> str:
        return f"typeof({x})='text'"


class _HastyTime(codec.Time):
    def conclusive(self, x: str) -> str:
        return f"typeof({x})='text' AND octet_length({x})=8"


class _HastyFraction(codec.Timestamp):
    def conclusive(self, x: str) -> str:
        return f"typeof({x})='text' AND octet_length({x})=23"


class _HastySeparator(codec.Timestamp):
    def conclusive(self, x: str) -> str:
        return f"typeof({x})='text' AND octet_length({x})=19"


class _HastyNumeric(codec.Numeric):
    def canonical_source(self, x: str) -> str:
        return f"iif(typeof({x})='integer',{x},outgrow_numeric({x}))"


class _JealousUuidAtLast(codec.Uuid):
    def conclusive(self, x: str) -> str:
        return f"{super().conclusive(x)} AND {x}>'b'"


class _WrongClass(codec.Bigint):
    def restored(self, p: str) -> str:
        return f"CAST({p} AS TEXT)"


@pytest.mark.parametrize(
    ("one", "fault"),
    [
        (_OffByADigit(), "comes back as"),
        (_WrongCanonicalText(), "canonical text"),
        (_OneCanonicalText(), "of two values"),
        (_TrustfulBoolean(), "fits, but is refused"),
        (_TrustfulBoolean(), "comes back as"),
        (_TrustfulDate(), "accepted, but does not fit: text b'now'"),
        (_JealousUuid(), "the guard refuses"),
        (_ShapelessJson(), "the shape says something else"),
        (_HastyText(), "does not fit, but the target says the same: blob b'text'"),
        (_HastyJson(), "plain canonical text b'' is that of NULL"),
        (_HastyTime(fraction=0), "does not fit, but the target says the same: text b'24:00:00'"),
        (_HastyFraction(fraction=3), "does not fit, but the target says the same: text b'2024-06-30 12:00:00.5.0'"),
        (_HastySeparator(separator="T"), "does not fit, but the target says the same: text b'2024-06-30 12:00:00'"),
        (_HastyNumeric(), "does not fit, but the target says the same: real 3ff0000000000000"),
        (_JealousUuidAtLast(), "nothing can be concluded"),
        (_WrongClass(), "comes back as"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, codec.Codec) else "",
)
def test_a_codec_that_breaks_the_law_is_found_out(target: psycopg.Connection, one: codec.Codec, fault: str) -> None:
    """The tests of this directory can fail."""
    report = law.Bench("UTF-8", target).check(one, VALUES)
    assert any(fault in violation for violation in report.violations), report.violations
