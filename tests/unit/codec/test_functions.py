"""The Python functions that SQLite calls: exact, total, and the same for every encoding of the file."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import apsw
import law
import pytest
from apsw import sqlite_extra
from hypothesis import given
from hypothesis import strategies as st

from outgrow import codec

Function = Callable[..., Any]
everything = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.binary(max_size=13),
)


@pytest.fixture
def functions(encoding: str) -> dict[str, Function]:
    """The functions for a file of that encoding."""
    return dict(codec.functions(encoding))


def test_no_other_encoding_is_known() -> None:
    """SQLite has these three."""
    with pytest.raises(KeyError):
        codec.functions("latin-1")


@law.fuzz
@given(value=everything)
def test_functions_never_raise_and_keep_null(encoding: str, value: Any) -> None:
    """In SQL, a value of the wrong class gives anything, but no error; NULL gives NULL or no."""
    source = law.open_file(encoding)
    # The others get what `restore` and `encode` gave.
    for name in sorted({*codec.functions(encoding)} - {"outgrow_text_stored", "outgrow_vector_blob", "outgrow_utf8"}):
        operand = "CAST(? AS BLOB)" if "text" in name else "?"
        row = source.execute(f"SELECT {name}({operand})", (value,)).fetchone()
        assert row is not None
        assert value is not None or not row[0]


@law.fuzz
@given(value=st.floats(allow_nan=False))
def test_bits_and_decimal_text_tell_a_double(functions: dict[str, Function], value: float) -> None:
    """Each is enough to make the same double again."""
    bits = functions["outgrow_bits"](value)
    assert struct.pack(">d", struct.unpack(">d", bytes.fromhex(bits))[0]) == struct.pack(">d", value)
    text = functions["outgrow_real"](value)
    assert math.copysign(1, float(text)) == math.copysign(1, value)
    assert float(text) == value


@law.fuzz
@given(values=st.lists(st.one_of(st.floats(allow_nan=False), everything), max_size=50))
def test_the_compiled_function_gives_what_ours_gives(values: list[Any]) -> None:
    """Whether apsw came with SQLite's own extension or not, digests are the same."""
    if not sqlite_extra.has("ieee754"):
        pytest.skip("this apsw came without it")
    ours, theirs = law.open_file("UTF-8"), apsw.Connection(":memory:")
    sqlite_extra.load(theirs, "ieee754")
    for value in values:
        query = "SELECT ieee754_to_blob(?)"
        assert ours.execute(query, (value,)).fetchone() == theirs.execute(query, (value,)).fetchone()


@pytest.mark.parametrize(("value", "text"), [(9e999, "Infinity"), (-9e999, "-Infinity"), (-0.0, "-0.0"), (0.1, "0.1")])
def test_doubles_are_written_as_postgresql_reads_them(functions: dict[str, Function], value: float, text: str) -> None:
    """Python's own word for infinity is not used."""
    assert functions["outgrow_real"](value) == text


@law.fuzz
@given(text=st.text(st.one_of(st.characters(), st.sampled_from("\0\ud800\udc00\ufeff\uffff")), max_size=8))
def test_a_flaw_is_nul_or_half_a_pair(encoding: str, text: str) -> None:
    """And nothing else of what Unicode has."""
    stored = law.operand(text, encoding)[1]
    halves = any("\ud800" <= char <= "\udfff" for char in stored.decode(law.PYTHON_ENCODING[encoding], "surrogatepass"))
    flaw = codec.functions(encoding)["outgrow_text_flaw"](stored)
    assert bool(flaw) == (halves or "\0" in text)
    if not halves:
        assert flaw == (codec.FLAW_NUL if "\0" in text else 0)


@pytest.mark.parametrize(
    "stored", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe0\x80\xaf", b"abc\xc3", b"\x80"]
)
def test_bytes_that_are_not_utf8_are_a_flaw(stored: bytes) -> None:
    """Overlong forms, surrogates, what lies beyond Unicode, and what was cut off; PostgreSQL refuses the same."""
    assert codec.functions("UTF-8")["outgrow_text_flaw"](stored) == codec.FLAW_ENCODING


@law.fuzz
@given(
    stored=st.one_of(
        st.binary(max_size=12),
        st.text(st.characters(), max_size=6).map(lambda t: t.encode("utf-16-le", "surrogatepass")),
    )
)
def test_bytes_of_a_text_come_back(encoding: str, stored: bytes) -> None:
    """Whatever they are, but for half a unit of UTF-16."""
    functions = codec.functions(encoding)
    whole = stored if encoding == "UTF-8" else stored[: len(stored) & ~1]
    assert functions["outgrow_text_stored"](bytes.fromhex(functions["outgrow_text_hex"](stored))) == whole


@law.fuzz
@given(text=st.text(max_size=8))
def test_every_encoding_gives_the_same_bytes_of_a_text(encoding: str, text: str) -> None:
    """UTF-8's, which PostgreSQL has."""
    functions = codec.functions(encoding)
    stored = law.operand(text, encoding)[1]
    assert bytes.fromhex(functions["outgrow_text_hex"](stored)) == text.encode()
    assert functions["outgrow_utf8"](text) == text.encode()


@law.fuzz
@given(value=everything)
def test_octets_are_counted_as_postgresql_counts_them(bench: law.Bench, value: Any) -> None:
    """Of text in UTF-8, whatever the file's encoding."""
    row = bench.source.execute("SELECT octet_length(?)", (value,)).fetchone()
    assert row is not None
    if isinstance(value, str | bytes):
        assert row[0] == len(value.encode() if isinstance(value, str) else value)
    else:
        assert (row[0] is None) == (value is None)
    if isinstance(value, str) and "\0" not in value:
        assert bench.target.execute("SELECT octet_length(%s)", [value]).fetchone() == row


@pytest.mark.parametrize("value", [None, "{}", 1, 1.5, b"\xff", b"\xff\xff\xff", b"[1,2]", b""])
def test_what_is_no_text_is_no_jsonb(functions: dict[str, Function], value: Any) -> None:
    """The function wants the bytes of a text in the file's encoding."""
    assert functions["outgrow_jsonb"](value) == 0


def test_the_depth_of_json_is_judged_alike_from_any_stack(encoding: str) -> None:
    """At the limit of its own, never at Python's."""
    judge = codec.functions(encoding)["outgrow_jsonb"]

    def deeper(frames: int, stored: bytes) -> int:
        return deeper(frames - 1, stored) if frames else int(judge(stored))

    for depth, expected in ((150, 1), (152, 0)):
        stored = law.operand("[" * depth + "]" * depth, encoding)[1]
        assert deeper(0, stored) == deeper(300, stored) == expected


@law.fuzz
@given(floats=st.lists(st.floats(width=32, allow_nan=False), max_size=8))
def test_vectors_are_written_with_digits_enough(functions: dict[str, Function], floats: list[float]) -> None:
    """Their text and their big-endian bits both make the same float32 again."""
    blob = struct.pack(f"<{len(floats)}f", *floats)
    text = functions["outgrow_vector"](blob)
    assert struct.pack(f"<{len(floats)}f", *(float(part) for part in text[1:-1].split(",") if part)) == blob
    assert functions["outgrow_vector_blob"](bytes.fromhex(functions["outgrow_vector_bits"](blob))) == blob
    assert functions["outgrow_vector_finite"](blob) == all(map(math.isfinite, floats))
