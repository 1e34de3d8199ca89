"""Text, bytes, UUIDs and JSON: the same bytes, or a refusal."""

from __future__ import annotations

import contextlib
import json
import uuid
from pathlib import Path
from typing import Any

import law
import pytest
from hypothesis import given
from hypothesis import strategies as st
from law import Raw

from outgrow import codec

any_character = st.one_of(
    st.characters(),
    st.sampled_from(list("\0\x01\x1e\x1f\t\n\r\\\".N'\x7f\x80\ufeff\ufffe\uffff\ud800\udbff\udc00\udfff")),
)
clean_character = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
any_text = st.text(any_character, max_size=12)
clean_text = st.text(clean_character, max_size=12)


@law.fuzz
@given(st.lists(st.one_of(any_text, st.binary(max_size=8).map(Raw)), max_size=50))
def test_text_crosses_byte_for_byte_or_does_not_fit(bench: law.Bench, values: list[str]) -> None:
    """NUL and broken Unicode are what PostgreSQL has no place for."""
    bench.hold(codec.Text(), values)
    bench.hold(codec.Text(numbers=True), values, ["INTEGER", "NUMERIC", "REAL"])


@law.fuzz
@given(st.lists(clean_text, max_size=50))
def test_all_valid_unicode_without_nul_fits(bench: law.Bench, values: list[str]) -> None:
    """Noncharacters, marks of byte order, separators and backslashes included."""
    values = [*values, "\ufeff", "a\ufffe", "\uffff", "\U0010ffff", "\\.", "\\N", "\\", "\x1e\x1f", "a\r\n\tb", ""]
    assert len(bench.hold(codec.Text(), values, ["TEXT"]).crossed) == len(set(values))


def test_half_a_surrogate_pair_does_not_get_into_a_line(bench: law.Bench) -> None:
    """SQLite makes other characters of it on the way, which nobody could tell from real ones."""
    values = ["\ud800", "a\ud800b", "\udc00\ud800", "\ud800\ud800\udc00", "\udc00a"]
    assert not bench.hold(codec.Text(), values, ["TEXT"]).crossed
    if bench.encoding != "UTF-8":
        bench.fill(values, ["TEXT"])
        guards = bench.source.execute(f"SELECT {codec.Text().guard('c')} FROM source_TEXT").fetchall()
        assert guards == [(0,)] * len(values)


@law.fuzz
@given(st.lists(st.one_of(st.binary(max_size=20), any_text, st.binary(max_size=9).map(Raw)), max_size=50))
def test_bytes_and_the_bytes_of_texts_cross(bench: law.Bench, values: list[Any]) -> None:
    """The second form is there for what text cannot hold."""
    values = [*values, b"", "", b"\0", "\0", "nul\0nul", b"\\x68", "\\x68", "\ud800", Raw(b"\xff\xfe\xfd\xfc")]
    blobs = {value for value in values if type(value) is bytes}
    assert len(bench.hold(codec.Bytea(), values).crossed) == len(blobs)
    report = bench.hold(codec.Bytea(text=True), values, ["TEXT"])
    texts = {law.operand(value, bench.encoding)[1] for value in values if type(value) is not bytes}
    # SQLite leaves out the odd byte of a text in a UTF-16 file.
    whole = {text if bench.encoding == "UTF-8" else text[: len(text) & ~1] for text in texts}
    assert {exact for _, exact in report.crossed} == {text.hex().upper() for text in whole}


def test_text_of_an_odd_number_of_bytes_does_not_fit(encoding: str, tmp_path: Path) -> None:
    """SQLite reads such text from a UTF-16 file without a word; its last byte would not come back."""
    path = tmp_path / "odd.db"
    with contextlib.closing(law.open_file(encoding, path)) as source:
        source.execute("CREATE TABLE t (c)")
        source.execute("INSERT INTO t VALUES (x'610062')")
    image = path.read_bytes()
    # The record's header is 2 bytes long; a blob (18) becomes a text (19) of 3 bytes.
    assert image.count(b"\x02\x12a\0b") == 1
    path.write_bytes(image.replace(b"\x02\x12a\0b", b"\x02\x13a\0b"))
    with contextlib.closing(law.open_file(encoding, path)) as source:
        assert source.execute("SELECT typeof(c), hex(CAST(c AS BLOB)) FROM t").fetchall() == [("text", "610062")]
        for one in (codec.Bytea(text=True), codec.Text(), codec.Json(), codec.Jsonb()):
            for condition in (one.fits("c"), one.guard("c")):
                found = source.execute(f"SELECT {one.encode('c')}, ({condition}) FROM t").fetchone()
                assert found is not None
                assert encoding == "UTF-8" or not found[1]


def test_nothing_is_not_taken_for_empty(bench: law.Bench) -> None:
    """hex(NULL) is an empty text in SQLite: NULL became an empty bytea, and verification saw no difference."""
    for one, empty in ((codec.Bytea(), b""), (codec.Bytea(text=True), "")):
        bench.fill([None, empty], ["BLOB"])
        query = f"SELECT {one.encode('c')}, {one.canonical_source('c')} FROM source_BLOB ORDER BY id"
        assert bench.source.execute(query).fetchall() == [(None, None), ("\\x", "\\x")]


@law.fuzz
@given(st.lists(st.uuids(allow_nil=True), max_size=20))
def test_only_the_usual_spelling_of_a_uuid_crosses(bench: law.Bench, values: list[uuid.UUID]) -> None:
    """PostgreSQL takes capitals, braces and other hyphens, and gives back none of them."""
    texts = [str(value) for value in values]
    others = [spell(value) for value in values for spell in (lambda u: u.hex, lambda u: f"{{{u}}}", lambda u: u.urn)]
    others += [text + suffix for text in texts for suffix in (" ", "\0", "\0x", "\n", "0")]
    others += [text.upper() for text in texts if text.upper() != text] + [value.bytes for value in values]
    report = bench.hold(codec.Uuid(), [*texts, *others])
    assert {exact for _, exact in report.crossed} == {bench.stored(text) for text in texts}


@pytest.mark.parametrize("one", [codec.Text(), codec.Bytea(), codec.Bytea(text=True), codec.Uuid()], ids=repr)
@law.fuzz
@given(st.data())
def test_texts_and_bytes_are_ordered_alike(bench: law.Bench, one: codec.Codec, data: st.DataObject) -> None:
    """By bytes; in a UTF-16 file by code point, which is the order of UTF-8's bytes."""
    assert one.orderable
    kinds = {"uuid": st.uuids().map(str), "text": clean_text}
    strategy = kinds.get(one.type, clean_text if "text" in one.spec() else st.binary(max_size=4))
    values = [
        *data.draw(st.lists(strategy, max_size=50)),
        "é",
        "z",
        "\ue000",
        "\U00010000",
        "\uffff",
        "a",
        "a ",
        "A",
        "B",
    ]
    ours, theirs = bench.orders(one, values, "BLOB")
    assert ours == theirs


# Texts that are almost JSON, and JSON written in many ways.
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | clean_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(clean_text, inner, max_size=4),
    max_leaves=8,
)
numbers = st.one_of(
    st.from_regex(r"-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.from_regex(r"[-+]?[0-9]{0,3}\.?[0-9]{0,3}([eE][+-]?[0-9]{0,4})?", fullmatch=True),
    st.sampled_from(
        ["-0", "-0.0", "0.0", "1.0", "1E5", "1e400", "0.10", "-0.50", "9" * 400, "0x10", "01", "NaN", "Infinity"]
    ),
)
escaped = st.one_of(
    st.sampled_from(
        ["\\u0000", "\\ud83d\\ude00", "\\ud83d", "\\ude00", "\\u00e9", "\\u000A", "\\u000a", "\\u0001", "\\u001F"]
    ),
    st.sampled_from(
        ["\\n", "\\t", "\\b", "\\f", "\\r", "\\/", "/", "\\\\", '\\"', "\\x", "\\v", "\\'", "\x01", "\x7f", "\n"]
    ),
    st.sampled_from(["é", "😀", "\u2028", "\ufeff", "\uffff", "\ue000", "a", "b", "aa", "z"]),
)
strings = st.lists(escaped, max_size=3).map(lambda parts: '"' + "".join(parts) + '"')
spaces = st.sampled_from(["", "", "", " ", "\n", "\t", "\v", "\u00a0"])


def _array(items: list[str], space: str) -> str:
    return f"[{space}{f',{space}'.join(items)}]"


def _object(items: list[tuple[str, str]], space: str) -> str:
    return "{" + ", ".join(f"{key}:{space}{value}" for key, value in items) + "}"


handwritten = st.recursive(
    numbers | strings | st.sampled_from(["true", "false", "null", "True", "", "nul"]),
    lambda inner: (
        st.builds(_array, st.lists(inner, max_size=3), spaces)
        | st.builds(_object, st.lists(st.tuples(strings, inner), max_size=3), spaces)
    ),
    max_leaves=6,
)


def _as_jsonb(value: Any) -> str:
    """JSON with the keys in jsonb's order, but Python's numbers."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return "{" + ", ".join(f"{_as_jsonb(key)}: {_as_jsonb(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_as_jsonb, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


documents = st.one_of(
    json_values.map(_as_jsonb),
    json_values.map(json.dumps),
    json_values.map(lambda value: json.dumps(value, ensure_ascii=False, indent=1)),
    handwritten,
    handwritten,
)
DOCUMENTS = [
    *["{}", "[]", "null", "true", '""', "0", "-1", "1.0", "1.50", "-0", "-0.0", "-0.5", "1E5", "1e5", "1e400", "0.10"],
    *["9" * 131_072, "9" * 131_073, "0." + "1" * 16_383, "0." + "1" * 16_384, "-" + "9" * 131_072, "[" + "9" * 99 + ".50]"],
    *['{"a": 1}', '{"a":1}', '{"a": 1, "a": 1}', '{"b": 1, "aa": 2}', '{"aa": 1, "b": 2}', '{"": 1}', '{"\\n": 1}'],
    *['{"é": 1, "z": 2}', '{"z": 1, "é": 2}', '{"zz": 1, "é": 2}', '{"é": 1, "zz": 2}', '{"😀": 1, "éé": 2}'],
    *['{"éé": 1, "😀": 2}', '["\\u000b"]', '"\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"', '"😀"', '"\\u00e9"', '"é"'],
    *['"\\u001f"', '"\\u001F"', '"\x7f"', '"\\/"', '"/"', '"\t"', '"\\t"', "'a'", "{a: 1}", "\ufeff1"],
    *["[1,2]", "[1, 2]", "[1, 2] ", " 1", "[1, 2", "[1, ]", "NaN", "[NaN]", "Infinity"],
    *["[" * depth + "]" * depth for depth in (10, 100, 149)],
    *['{"a": ' * depth + "1" + "}" * depth for depth in (10, 100, 149)],
]  # fmt: skip


@law.fuzz
@given(st.lists(st.one_of(documents, any_text), max_size=40))
def test_json_crosses_to_the_letter_or_is_refused(bench: law.Bench, values: list[str]) -> None:
    """What is almost JSON, PostgreSQL refuses as well."""
    bench.hold(codec.Json(), values)


def test_json_keeps_what_jsonb_would_change(bench: law.Bench) -> None:
    """Duplicate keys, white space, escapes and numbers as they were written."""
    crossed = bench.hold(codec.Json(), [*DOCUMENTS, "[" * 1000 + "]" * 1000], ["TEXT"]).crossed
    kept = [
        '{"aa": 1, "b": 2}',
        '{"a": 1, "a": 1}',
        '"\\u00e9"',
        "1e400",
        "-0",
        '{"a":1}',
        '"\\u0000"',
        '"\\ud800"',
        " 1",
    ]
    assert {bench.stored(text) for text in kept} <= {exact for _, exact in crossed}


@law.fuzz
@given(st.lists(documents, max_size=40))
def test_jsonb_takes_what_it_would_write_itself(bench: law.Bench, values: list[str]) -> None:
    """Exactly that, and gives it back."""
    same_as_jsonb(bench, values)
    bench.hold(codec.Jsonb(), values)


def test_jsonb_takes_no_more_and_no_less_of_the_difficult_documents(bench: law.Bench) -> None:
    """Numbers, escapes, orders of keys, and depths."""
    same_as_jsonb(bench, DOCUMENTS)
    bench.hold(codec.Jsonb(), DOCUMENTS)


def test_jsonb_does_not_take_very_deep_documents(bench: law.Bench) -> None:
    """The answer would depend on the stack of whoever asks; at any depth it is the same."""
    deep = ["[" * depth + "]" * depth for depth in (152, 500, 900, 5_000, 100_000)]
    bench.fill(deep, ["TEXT"])
    assert bench.source.execute(f"SELECT total({codec.Jsonb().fits('c')}) FROM source_TEXT").fetchone() == (0.0,)


def test_json_has_no_order() -> None:
    """json has no comparison, and jsonb's is another than text's."""
    assert not codec.Json().orderable
    assert not codec.Jsonb().orderable


def same_as_jsonb(bench: law.Bench, texts: list[str]) -> None:
    """`fits` says what PostgreSQL finds by trying."""
    bench.fill(texts, ["TEXT"])
    fits = bench.source.execute(f"SELECT {codec.Jsonb().fits('c')} FROM source_TEXT ORDER BY id").fetchall()
    with bench.target.transaction(force_rollback=True):
        bench.target.execute(
            "CREATE FUNCTION pg_temp.unchanged(t text) RETURNS int LANGUAGE plpgsql AS"
            " 'BEGIN RETURN (t::jsonb::text = t)::int; EXCEPTION WHEN data_exception THEN RETURN 0; END'"
        )
        found = bench.target.execute(
            "SELECT pg_temp.unchanged(t) FROM unnest(%s::text[]) WITH ORDINALITY AS u (t, n) ORDER BY n", [texts]
        ).fetchall()
    assert dict(zip(texts, fits, strict=True)) == dict(zip(texts, found, strict=True))
