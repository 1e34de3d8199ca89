"""SQLite files that hurt: each generator makes one file, full of one kind of trouble.

`TORTURE` has them all by name, in the order of this module, with what is expected of a migration:

    complete     every row arrives; nothing is refused, and quarantine stays empty
    quarantine   the migration goes through; rows that no column type of the target can hold are kept in quarantine
    refused      the migration is refused before anything is written

Files are made with the standard `sqlite3` module, and always the same: random values have a fixed seed.
Numbers in docstrings are those of the catalogue of pitfalls.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import math
import random
import re
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

__all__ = ["DECLARED_TYPES", "TORTURE", "Torture", "quoted"]

Outcome = Literal["complete", "quarantine", "refused"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Torture:
    """A generator, what it tortures, and what is expected of a migration."""

    make: Callable[[Path], None]
    about: str
    outcome: Outcome


TORTURE: dict[str, Torture] = {}


def _expect(outcome: Outcome) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def register(make: Callable[..., None]) -> Callable[..., None]:
        about = (inspect.getdoc(make) or "").splitlines()[0]
        TORTURE[make.__name__.removeprefix("make_")] = Torture(make=make, about=about, outcome=outcome)
        return make

    return register


@contextlib.contextmanager
def _file(path: Path, *before: str) -> Iterator[sqlite3.Connection]:
    """A new file, written in one transaction; `before` runs outside it."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for statement in before:
            connection.execute(statement)
        connection.execute("BEGIN")
        yield connection
        connection.execute("COMMIT")
    finally:
        connection.close()


def quoted(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _folded(name: str) -> str:
    """The name as SQLite compares names: without case in ASCII only."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def _fill(connection: sqlite3.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows by column name."""
    names = ", ".join(map(quoted, columns))
    marks = ", ".join("?" * len(columns))
    connection.executemany(f"INSERT INTO {quoted(table)} ({names}) VALUES ({marks})", rows)


def _script(connection: sqlite3.Connection, statements: str) -> None:
    """Run statements parted by lines that hold a semicolon only, in the transaction at hand."""
    for statement in re.split(r"\n\s*;\n", statements):
        connection.execute(statement)


# --- declared types ----------------------------------------------------------------------------------------------

DECLARED_TYPES = (
    "",
    *("INT", "INTEGER", "TINYINT", "TINYINT(1)", "SMALLINT", "MEDIUMINT", "BIGINT", "UNSIGNED BIG INT", "INT2", "INT8"),
    *("INT(11)", "INT UNSIGNED(10)", "INTEGER(20)", "integer", "Integer", "BIGINT UNSIGNED", "INT64", "UINT32", "LONG"),
    *("INTEGER NON", "SERIAL", "BIGSERIAL", "LARGEINT", "POINT", "FLOATING POINT", "INTERVAL", "PRINT"),
    *("CHARACTER(20)", "VARCHAR(255)", "VARCHAR(3)", "VARYING CHARACTER(255)", "NCHAR(55)", "NATIVE CHARACTER(70)"),
    *("NVARCHAR(100)", "TEXT", "TEXT(20)", "CLOB", "VARCHAR( 3 )", "CHAR", "CHARINT", "TINYTEXT", "MEDIUMTEXT"),
    *("LONGTEXT",),
    *("VARCHAR2(10)", "STRING", "CITEXT", "NTEXT", "XML", "ENUM", "[SET]"),
    *("BLOB", "BLOB SUB_TYPE TEXT", "BLOB SUB_TYPE BINARY", "LONGBLOB", "TINYBLOB", "BYTEA", "BINARY(16)"),
    *("VARBINARY(16)",),
    *("REAL", "DOUBLE", "DOUBLE PRECISION", "FLOAT", "FLOAT(24)", "FLOAT8", "float", "SINGLE"),
    *("NUMERIC", "NUMERIC(10,2)", "DECIMAL(10,5)", "DECIMAL", "DECIMAL(20,4)", "DEC", "NUMBER", "NUMBER(10)"),
    *("MONEY", "NUM"),
    *("BOOLEAN", "BOOL", "BIT", "DATE", "DATETIME", "DATETIME(6)", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "YEAR"),
    *("TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITHOUT TIME ZONE", "DATETIMEOFFSET", "SMALLDATETIME"),
    *("JSON", "JSONB", "UUID", "GUID", "UNIQUEIDENTIFIER", "INET", "GEOMETRY", "VECTOR(3)", "HSTORE", "ANY", "NULL"),
    *('"my type"', "[odd type]", "`tick`", "STRICT", "a b c d(1,2)", "TYPE(1)", "TYPE(-1,+2)", "INT_TEXT"),
    *("TEXTINT", "Ünï"),
)
"""Types that applications really declare, and some that only prove that SQLite takes any."""

_ONE_OF_EACH_CLASS: tuple[Any, ...] = (
    *(None, 0, 1, -7, 2**31, 2**63 - 1, 0.5, -0.0, 3.0, 1e300, math.inf, "", "text", "12", "1e3", " 5 ", "0x10", "é"),
    *(b"", b"blob", b"12", b"\x00\xff"),
)


@_expect("quarantine")
def make_every_class_in_every_type(path: Path) -> None:
    """Every storage class in a column of every declared type, one table a type (5, 6, 8, 19, 55)."""
    with _file(path) as connection:
        for number, declared in enumerate(DECLARED_TYPES):
            connection.execute(f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, c {declared})")
            _fill(connection, f"t{number}", ["c"], [[value] for value in _ONE_OF_EACH_CLASS])


@_expect("complete")
def make_one_class_in_every_type(path: Path) -> None:
    """Columns of every declared type, all integers in one table, all reals, texts, blobs or NULLs in others (55)."""
    columns = [f"c{number}" for number in range(len(DECLARED_TYPES))]
    declared = ", ".join(f"{name} {kind}" for name, kind in zip(columns, DECLARED_TYPES, strict=True))
    values: dict[str, list[Any]] = {
        "integers": [0, 1, -1, 255, 65536, -(2**31), 2**40],
        "bits": [0, 1],
        "reals": [0.5, -2.25, 1e-7, 123456.789],
        "texts": ["", "a", "longer than any length declared", "é", "trailing  "],
        "blobs": [b"", b"\x00", b"\xff\xfe", b"plain"],
        "nulls": [None, None],
    }
    with _file(path) as connection:
        for table, each in values.items():
            connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {declared})")
            _fill(connection, table, columns, [[value] * len(columns) for value in [*each, None]])


@_expect("quarantine")
def make_every_class_in_keyed_and_rowidless_tables(path: Path) -> None:
    """Every storage class in the key of a table WITHOUT ROWID and of one with a typeless PRIMARY KEY."""
    values = [value for value in _ONE_OF_EACH_CLASS if value is not None]
    with _file(path) as connection:
        connection.execute("CREATE TABLE rowidless (k PRIMARY KEY, v) WITHOUT ROWID")
        connection.execute("CREATE TABLE keyed (k PRIMARY KEY, v)")
        for table in ("rowidless", "keyed"):
            connection.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?, ?)", [(value, value) for value in values])


@_expect("complete")
def make_strict_types(path: Path) -> None:
    """A STRICT table with each type it allows but ANY."""
    with _file(path) as connection:
        connection.execute(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b INTEGER, c REAL, d TEXT NOT NULL, e BLOB) STRICT"
        )
        connection.execute("CREATE TABLE r (k TEXT PRIMARY KEY, v REAL) STRICT, WITHOUT ROWID")
        _fill(connection, "t", ["a", "b", "c", "d", "e"], [(1, 2, 3, "4", b"5"), (None, None, -0.5, "", None)])
        _fill(connection, "r", ["k", "v"], [("a", 1.5), ("", math.inf)])


@_expect("quarantine")
def make_strict_any(path: Path) -> None:
    """A STRICT table's ANY column, which keeps '12' and 12 apart, unlike ANY elsewhere."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE strict_any (id INTEGER PRIMARY KEY, c ANY) STRICT")
        connection.execute("CREATE TABLE loose_any (id INTEGER PRIMARY KEY, c ANY)")
        for table in ("strict_any", "loose_any"):
            _fill(connection, table, ["c"], [[value] for value in _ONE_OF_EACH_CLASS])


@_expect("complete")
def make_blobs_and_texts_in_each_other(path: Path) -> None:
    """A TEXT column of blobs only, a BLOB column of texts only, and texts that look like encoded bytes (19, 20)."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, blobs TEXT, texts BLOB, looks TEXT)")
        rows = [
            (b"\xff", "-----BEGIN CERTIFICATE-----", r"\x68"),
            (b"", "aGVsbG8=", r"\\x68"),
            (b"\x00\x5c\x2e", "", "0xff"),
            (bytes(range(256)), r"\000", r"\001\002"),
        ]
        _fill(connection, "t", ["blobs", "texts", "looks"], rows)


@_expect("complete")
def make_lengths_ignored(path: Path) -> None:
    """VARCHAR(3) with longer texts and trailing spaces (21)."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(3), c CHAR(3), n NCHAR(1) UNIQUE)")
        rows = [("toolong", "a", "a"), ("abc   ", "a  ", "a "), ("", " ", ""), ("é" * 3, "   ", "  ")]
        _fill(connection, "t", ["v", "c", "n"], rows)


# --- texts -------------------------------------------------------------------------------------------------------


def _characters(first: int) -> Iterator[str]:
    for start in range(first, 0x110000, 64):
        points = [point for point in range(start, min(start + 64, 0x110000)) if not 0xD800 <= point <= 0xDFFF]
        if points:
            yield "".join(map(chr, points))


@_expect("complete")
def make_unicode_every_character(path: Path) -> None:
    """Every code point but NUL and the surrogates, 64 a row; those below U+0800 also alone, as values and as keys."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE rows64 (id INTEGER PRIMARY KEY, t TEXT NOT NULL)")
        connection.execute("CREATE TABLE alone (k TEXT PRIMARY KEY, v) WITHOUT ROWID")
        _fill(connection, "rows64", ["t"], ([text] for text in _characters(1)))
        _fill(connection, "alone", ["k", "v"], ((chr(point), chr(point)) for point in range(1, 0x800)))


@_expect("complete")
def make_unicode_pairs(path: Path) -> None:
    """Combining characters, byte order marks, U+FFFD, non-characters, joiners, direction marks."""
    texts = [
        *("é", "e\u0301", "\ufeff", "\ufeffBOM", "BOM\ufeff", "\ufffd", "\ufffe", "\uffff", "\U0001fffe", "\U0010ffff"),
        *("\ud7ff\ue000", "👩‍👩‍👧‍👦", "🇪🇺", "👍🏽", "ß", "ẞ", "ſ", "K", "\u212a", "İ", "ı", "i\u0307", "Å", "\u212b"),
        *("ﬀ",),
        *("\u200b", "\u2028", "\u2029", "\u0085", "\xa0", "\u3000", "\u202eabc", "ά", "ά", "가", "\u1100\u1161", "𝒳"),
        *("a" * 63 + "é", "é" * 1000, "e" + "\u0301" * 500, "Ω", "\u2126", "\x7f", "\x80", "\x9f", "\xad"),
    ]
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, t TEXT, u VARCHAR)")
        connection.execute("CREATE TABLE k (t TEXT PRIMARY KEY)")
        _fill(connection, "t", ["t", "u"], [(text, text * 2) for text in texts])
        _fill(connection, "k", ["t"], [[text] for text in dict.fromkeys(texts)])


@_expect("quarantine")
def make_nul_in_text(path: Path) -> None:
    """NUL in texts, first, last, in between, alone; some of them equal up to the NUL, some in keys (1)."""
    texts = ["a\x00b", "a\x00c", "a", "\x00", "", "\x00\x00", "\x00a", "a\x00", "plain", "é\x00é"]
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, t TEXT, v VARCHAR(2))")
        connection.execute("CREATE TABLE k (k TEXT PRIMARY KEY, v INTEGER)")
        _fill(connection, "t", ["t", "v"], [(text, "fine") for text in texts])
        _fill(connection, "t", ["t", "v"], [("fine", text) for text in texts])
        _fill(connection, "k", ["k", "v"], [(text, number) for number, text in enumerate(texts)])


_INVALID_UTF8 = (
    *(b"caf\xe9", b"\xff", b"\xfe\xff", b"\x80", b"\xc3", b"a\xc3", b"\xc3a", b"\xe2\x82", b"\xf0\x9f\x98"),
    *(b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80"),
    *(b"\xf5\x80\x80\x80",),
    *(b"\xef\xbf\xbd", b"\xef\xbb\xbf", b"ok", b"\xf8\x88\x80\x80\x80", b"\xff\xfe\x00\x00", b"\xe9\t\\.\n"),
)


@_expect("quarantine")
def make_invalid_utf8(path: Path) -> None:
    """Texts that are no UTF-8: Latin-1, lone and overlong sequences, encoded surrogates; as keys too (2)."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, t TEXT)")
        connection.execute("CREATE TABLE k (k TEXT PRIMARY KEY, v INTEGER)")
        connection.executemany("INSERT INTO t (t) VALUES (CAST(? AS TEXT))", [[raw] for raw in _INVALID_UTF8])
        connection.executemany("INSERT INTO k VALUES (CAST(? AS TEXT), ?)", [(raw, len(raw)) for raw in _INVALID_UTF8])


_COPY_HOSTILE = (
    *("\\", "\\\\", "\\.", "\n\\.\n", "a\n\\.", "\\.\n", "\\N", "\\\\N", "\\n", "\\t", "\\x41", "\\101", "\\b\\f\\v"),
    *("\t", "\n", "\r", "\r\n", "\n\r", "\t\t", "a\tb", "a\nb", "a\r\nb", "end\\", "end\n", "\x08\x0c\x0b"),
    *("\x1b[0m", "\x7f"),
    *("NULL", "null", "Null", "", " ", "  ", "'", "''", '"', '""', '"a","b"', "'; DROP TABLE t; --", "$1", "%s"),
    *("%(x)s", "{}"),
    *("{x}", ":x", "?", "@x", "$$", "E'\\n'", "(1,2)", "{1,2}", "ROW(1)", "--", "/*", "*/", ";", ",", "|", "~"),
    *("`", "%%"),
    *("\x1c", "\x1d", "\x1e", "\x1f", "\x1f\x1e", "\x1e\x1f\x1e", "\x1d" * 9, "\x1f" * 9, "a\x1fb", "a\x1eb"),
    *("\x1e\n\x1f\t",),
    *("\x1f\\N\x1e", "\\\x1f", "\\\x1e", "\x1f\\.\x1e", "\x01", "\x02\x03\x04", "\x1a", "\x00"[:0], "\x1e\\.\n"),
    *("\\\n",),
)


@_expect("complete")
def make_copy_hostile(path: Path) -> None:
    r"""Backslashes, `\.`, `\N`, control characters, separators, quotes, placeholders (25)."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE one (t TEXT)")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c BLOB)")
        connection.execute("CREATE TABLE k (k TEXT, l TEXT, PRIMARY KEY (k, l)) WITHOUT ROWID")
        _fill(connection, "one", ["t"], [[text] for text in (*_COPY_HOSTILE, None, *_COPY_HOSTILE)])
        rows = [(text, text[::-1], text.encode()) for text in _COPY_HOSTILE]
        _fill(connection, "t", ["a", "b", "c"], [*rows, *((b, a, c) for a, b, c in rows), (None, "\\N", None)])
        pairs = {(one, two) for one in _COPY_HOSTILE for two in _COPY_HOSTILE[::7]}
        _fill(connection, "k", ["k", "l"], sorted(pairs))


@_expect("complete")
def make_only_separators(path: Path) -> None:
    """Values made of the control characters x01 to x1f only, at random, in every column of every row (25)."""
    generator = random.Random(31)
    controls = [chr(point) for point in range(1, 32)]

    def text() -> str:
        return "".join(generator.choices(controls, k=generator.randrange(12)))

    with _file(path) as connection:
        connection.execute("CREATE TABLE t (a TEXT, b TEXT, c TEXT)")
        _fill(connection, "t", ["a", "b", "c"], [(text(), text(), text()) for _ in range(3000)])


@_expect("complete")
def make_large_values(path: Path) -> None:
    """Texts of 100 KB, ASCII and not, compressible and not; 10 MB of each; an index on them (59)."""
    generator = random.Random(10)
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, t TEXT, b BLOB)")
        connection.execute("CREATE INDEX t_t ON t (t)")
        hundred = ["x" * 100_000, "é\t\\" * 30_000, generator.randbytes(50_000).hex(), "😀" * 25_000]
        _fill(connection, "t", ["t", "b"], [(text, text.encode()) for text in hundred])
        _fill(connection, "t", ["t", "b"], [(generator.randbytes(5_000_000).hex(), None)])
        _fill(connection, "t", ["t", "b"], [(None, generator.randbytes(10_000_000)), ("\\" * 3000, b"\\" * 3000)])


@_expect("complete")
def make_long_text_keys(path: Path) -> None:
    """A TEXT PRIMARY KEY and a UNIQUE column with values of 4 to 100 KB, incompressible (59)."""
    generator = random.Random(59)
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (k TEXT PRIMARY KEY, u TEXT UNIQUE, v INTEGER)")
        sizes = (10, 2_000, 4_000, 20_000, 50_000)
        rows = [(generator.randbytes(n).hex(), generator.randbytes(n).hex(), n) for n in sizes]
        _fill(connection, "t", ["k", "u", "v"], rows)


@_expect("quarantine")
def make_long_texts_under_numbers(path: Path) -> None:
    """Texts of 16 KB in keys and indexes of INTEGER and REAL columns, and one number among them (5, 59)."""
    generator = random.Random(5)
    long = [generator.randbytes(8_000).hex() for _ in range(8)]
    with _file(path) as connection:
        connection.execute("CREATE TABLE keyed (k INT PRIMARY KEY, u REAL UNIQUE, v INTEGER)")
        connection.execute("CREATE INDEX keyed_v ON keyed (v)")
        connection.execute("CREATE TABLE rowidless (k INT PRIMARY KEY, v INTEGER) WITHOUT ROWID")
        _fill(connection, "keyed", ["k", "u", "v"], [(one, one, one) for one in long])
        _fill(connection, "rowidless", ["k", "v"], [*((one, 1) for one in long), (7, 3)])


# --- numbers -----------------------------------------------------------------------------------------------------

_FLOATS = (
    *(0.0, -0.0, 1.0, -1.0, 0.1, 1 / 3, 2 / 3, math.pi, 0.1 + 0.2, 1e21, 1e22, 1e23, 9007199254740993.0, 2.0**53 + 2),
    *(5e-324, -5e-324, 2.2250738585072009e-308, 2.2250738585072014e-308, 1.7976931348623157e308),
    *(-1.7976931348623157e308,),
    *(math.inf, -math.inf, 2.0**63, -(2.0**63), 2.0**63 - 1024, 2.0**64, 1e15, 1e16, 1e17, 123456789012345680.0),
    *(1e-5, 1e-4),
    *(1234567.89, 1230.99, 0.30000000000000004, 1.0000000000000002, 4.35, 9.95, 1e300, 8.41e21, 2.0**-1074 * 3),
    *(7.0e-310,),
    *(99999999999999990.0, 0.9999999999999999, 1e-323, 179769313486231570e291, 6.02214076e23, 1.005, 2.5, 1e999),
)


@_expect("complete")
def make_floats_of_every_class(path: Path) -> None:
    """Subnormals, the extremes, infinities, both zeros, 17 digits; in REAL and in typeless columns (13, 14, 15, 16)."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, r REAL, d DOUBLE PRECISION, f FLOAT, typeless)")
        _fill(connection, "t", ["r", "d", "f", "typeless"], [(x, x, x, x) for x in _FLOATS])


@_expect("complete")
def make_floats_in_numeric_columns(path: Path) -> None:
    """The same floats under NUMERIC and INTEGER affinity, where some become integers (8, 12, 13)."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n NUMERIC, d DECIMAL(10,2), i INTEGER)")
        _fill(connection, "t", ["n", "d", "i"], [(x, x, x) for x in _FLOATS])


@_expect("complete")
def make_floats_at_random(path: Path) -> None:
    """100,000 random bit patterns, without NaN (which SQLite stores as NULL)."""
    generator = random.Random(64)
    floats: list[float] = []
    while len(floats) < 100_000:
        floats += [x for (x,) in struct.iter_unpack("<d", generator.randbytes(8 * 1000)) if not math.isnan(x)]
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, r REAL, typeless)")
        _fill(connection, "t", ["r", "typeless"], zip(floats[:100_000], reversed(floats[:100_000]), strict=True))


def _integers() -> list[int]:
    edges = {edge + step for power in range(64) for edge in (2**power, -(2**power)) for step in (-1, 0, 1)}
    decimals = {sign * 10**power + step for power in range(19) for sign in (1, -1) for step in (-1, 0, 1)}
    return sorted(n for n in edges | decimals if -(2**63) <= n < 2**63)


@_expect("complete")
def make_integers_at_boundaries(path: Path) -> None:
    """2^k and 10^k and their neighbours, up to both ends of int64, as values and as keys (9)."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER, b BIGINT, s TINYINT, typeless)")
        connection.execute("CREATE TABLE k (k INT PRIMARY KEY, l INT UNIQUE) WITHOUT ROWID")
        rows = [(n, n, n, n, n) for n in _integers()]
        _fill(connection, "t", ["id", "i", "b", "s", "typeless"], rows)
        _fill(connection, "k", ["k", "l"], [(n, n) for n in _integers()])


@_expect("complete")
def make_numbers_in_the_wrong_class(path: Path) -> None:
    """Too large integers, 3.7, 'lots', '' in INTEGER; '0x10', 'nan', 'Infinity' in NUMERIC (5-8, 11-17)."""
    numbers: tuple[Any, ...] = (
        *("9223372036854775808", "-9223372036854775809", 9.3e18, 3.7, "lots", "", " ", "0x10", "0X1F", "nan", "NaN"),
        *("Infinity", "-Infinity", "inf", "1e5x", "12abc", "1_000", "1,5", "٣", "12345678901234567.89", "1e999"),
        *("-0.0",),
        *("+5", " 7 ", "007", ".5", "5.", "1e3", "- 3", 42, -42, 0, None),
    )
    with _file(path) as connection:
        connection.execute(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER, n NUMERIC, d DECIMAL(20,4), r REAL, k BIGINT NOT NULL)"
        )
        _fill(connection, "t", ["i", "n", "d", "r", "k"], [(x, x, x, x, 1) for x in numbers])
        # One column at a time too, so that each value meets a column that is otherwise clean.
        for number, value in enumerate(numbers):
            connection.execute(f"CREATE TABLE i{number} (id INTEGER PRIMARY KEY, i INTEGER, n NUMERIC)")
            _fill(connection, f"i{number}", ["i", "n"], [(1, 1.5), (value, value), (2, 2.5)])


@_expect("complete")
def make_booleans(path: Path) -> None:
    """0 and 1, one pair of words, and all of 1, '1', 't', 'true', 2, '', 0.5 in one BOOLEAN column (18)."""
    with _file(path) as connection:
        connection.execute(
            "CREATE TABLE clean"
            " (id INTEGER PRIMARY KEY, b BOOLEAN, n BOOLEAN NOT NULL DEFAULT 0, w TEXT, y TEXT, c BOOL)"
        )
        rows = [(1, 0, "true", "Y", 1), (0, 1, "false", "N", 0), (None, 1, None, None, None)]
        _fill(connection, "clean", ["b", "n", "w", "y", "c"], rows)
        connection.execute("CREATE TABLE mixed (id INTEGER PRIMARY KEY, b BOOLEAN, w TEXT)")
        words = [1, "1", "t", "true", "TRUE", "True", 2, -1, "", 0.5, "yes", "tr", "on", "f", 0, "0", "false", None]
        _fill(connection, "mixed", ["b", "w"], [(word, word) for word in words])


# --- texts with a meaning ----------------------------------------------------------------------------------------


@_expect("complete")
def make_json_texts(path: Path) -> None:
    r"""Valid JSON, invalid JSON, `\u0000`, duplicate keys, lone surrogates, huge numbers, deep nesting (22, 23)."""
    valid = [
        *("{}", "[]", '{"b":1,"a":2}', '{"a":1,"a":2}', ' { "spaces" : [ 1 , 2 ] } ', '"text"', "null", "true"),
        *('{"z":"\\u00e9"}', '{"z":"é"}', "[1.0,1,1e2,-0,12345678901234567890123]", '{"a":"\\ud83d\\ude00"}', '"\\/"'),
        json.dumps({"nested": [{"deep": {"er": list(range(50))}}] * 20}),
    ]
    odd = [
        "",
        "{'a':1}",
        "NaN",
        "[1,]",
        '"\\u0000"',
        '"\\ud83d"',
        "{a:1}",
        "[1e400]",
        "Infinity",
        "[" * 5000 + "]" * 5000,
    ]
    with _file(path) as connection:
        connection.execute("CREATE TABLE valid (id INTEGER PRIMARY KEY, j TEXT, k VARCHAR, b BLOB)")
        connection.execute("CREATE TABLE odd (id INTEGER PRIMARY KEY, j TEXT)")
        connection.execute("CREATE TABLE declared (id INTEGER PRIMARY KEY, j JSON)")
        _fill(connection, "valid", ["j", "k", "b"], [(text, text, text.encode()) for text in valid])
        _fill(connection, "odd", ["j"], [[text] for text in valid + odd])
        _fill(connection, "declared", ["j"], [[text] for text in valid])
        for number, text in enumerate(odd):
            connection.execute(f"CREATE TABLE odd{number} (id INTEGER PRIMARY KEY, j TEXT)")
            _fill(connection, f"odd{number}", ["j"], [['{"a": 1}'], [text]])


@_expect("complete")
def make_json_numbers(path: Path) -> None:
    """JSON as a declared type has NUMERIC affinity: '12' and '1.50' are stored as numbers among texts (22)."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, j JSON)")
        _fill(connection, "t", ["j"], [["12"], ["1.50"], ['{"a": 1}'], ["1e3"], ['"12"'], ["null"]])


@_expect("complete")
def make_uuids(path: Path) -> None:
    """Lower and upper case, braces, no hyphens, 'cus_abc', 16-byte blobs; as keys and foreign keys (24)."""
    generator = random.Random(24)
    bare = [generator.randbytes(16).hex() for _ in range(40)]
    plain = [f"{u[:8]}-{u[8:12]}-{u[12:16]}-{u[16:20]}-{u[20:]}" for u in bare]
    columns = ["id", "parent", "upper", "braces", "bare", "mixed", "raw", "declared"]
    with _file(path) as connection:
        connection.execute(
            "CREATE TABLE t (id CHAR(36) PRIMARY KEY, parent TEXT REFERENCES t (id), upper TEXT, braces TEXT,"
            " bare TEXT, mixed TEXT, raw BLOB, declared UUID)"
        )
        rows = []
        for number, u in enumerate(plain):
            mixed = "cus_abc" if number == 5 else u.upper() if number % 2 else u
            raw = bytes.fromhex(bare[number])
            rows.append((u, plain[number // 2], u.upper(), f"{{{u}}}", f"x{bare[number]}", mixed, raw, u))
        _fill(connection, "t", columns, rows)


# One table for each pitfall, so that a plan which gives one of them up shows which.
_TEMPORAL: dict[str, tuple[str, list[Any]]] = {
    "p26_zero_dates": ("DATE", ["0000-00-00", "2024-01-01", "2024-00-10", "2023-02-29"]),
    "p26_zero_timestamps": ("DATETIME", ["0000-00-00 00:00:00", "2024-01-01 10:00:00"]),
    "p27_epoch_seconds": ("DATETIME", [1700000000, 0, -1, 2**31, 4102444800]),
    "p27_epoch_milliseconds": ("TIMESTAMP", [1700000000000, 1700000000001, 0]),
    "p28_mixed_units": ("DATETIME", [1700000000, 1700000000000, 1700000000000000]),
    "p29_julian_days": ("DATETIME", [2460000.5, 2460000.123456789, 0.5]),
    "p30_years_as_integers": ("DATE", ["2024", "20240101", "19991231"]),
    "p31_one_offset": ("TEXT", ["2024-01-01T00:00:00+05:30", "2024-07-01T12:00:00.500+05:30"]),
    "p31_zulu": ("DATETIME", ["2024-01-01T00:00:00Z", "1969-12-31T23:59:59Z"]),
    "p31_many_offsets": ("TEXT", ["2024-01-01T00:00:00+05:30", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00-08"]),
    "p31_naive": ("TIMESTAMP", ["2024-03-31 02:30:00", "2024-10-27 02:30:00", "1900-01-01 00:00:00"]),
    "p32_now": ("TIMESTAMP", ["now", "today", "tomorrow", "yesterday", "epoch", "infinity", "-infinity", "allballs"]),
    "p33_slashes": ("DATE", ["01/02/2024", "31/12/2024", "2024/01/02", "1.2.2024"]),
    "p33_rollover": ("DATETIME", ["2024-01-01 24:00:00", "2024-12-31 23:59:60", "2024-06-30 23:60:00"]),
    "p33_words": ("DATE", ["Jan 2 2024", "2 January 2024", "2024-Jan-02", "J2460000", "20240102T030405"]),
    "p34_nanoseconds": ("DATETIME", ["2024-01-01 00:00:00.123456789", "2024-01-01 00:00:00.9999999"]),
    "p34_fractions_vary": ("DATETIME", ["2024-01-01 00:00:00.1", "2024-01-01 00:00:00.123456", "2024-01-01 00:00:00"]),
    "p34_isoformat": ("DATETIME", ["2024-01-01 00:00:00.100000", "2024-01-01 00:00:00", "2024-01-01 00:00:00.000001"]),
    "p35_years": ("DATETIME", ["10000-01-01 00:00:00", "0001-01-01 00:00:00", "9999-12-31 23:59:59", "294277-01-01"]),
    "p35_before_christ": ("DATE", ["-0044-03-15", "0044-03-15 BC", "0000-01-01"]),
    "p36_spaces": (
        "TEXT",
        ["2024-01-01 00:00:00 ", " 2024-01-01 00:00:00", "2024-01-01T00:00:00Z ", "2024-01-01  00:00:00"],
    ),
    "separators_vary": ("DATETIME", ["2024-01-01 00:00:00", "2024-01-01T00:00:00", "2024-01-01 00:00"]),
    "minutes_only": ("DATETIME", ["2024-01-01 00:00", "2024-06-01 23:59"]),
    "dates": ("DATE", ["2024-01-01", "1970-01-01", "2000-02-29"]),
    "times": ("TIME", ["00:00:00", "23:59:59", "12:34:56"]),
    "times_odd": ("TIME", ["24:00:00", "9:00", "12:34:56.7", "12:34:56+02", "-01:00:00", "100:00:00"]),
    "digits_of_others": ("TEXT", ["٢٠٢٤-٠١-٠١", "２０２４-01-01"]),
}


@_expect("complete")
def make_temporal(path: Path) -> None:
    """Dates and times in every disguise, one table a pitfall, each with one storage class (26-36)."""
    with _file(path) as connection:
        for table, (declared, values) in _TEMPORAL.items():
            connection.execute(
                f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, at {declared}, same {declared} NOT NULL)"
            )
            _fill(connection, table, ["at", "same"], [(value, value) for value in values])
            _fill(connection, table, ["at", "same"], [(None, values[0])])


@_expect("complete")
def make_temporal_mixed(path: Path) -> None:
    """All of those in one DATETIME column, one DATE column and one TEXT column: numbers among texts (27-30)."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME, day DATE, written TEXT)")
        values = [value for _, each in _TEMPORAL.values() for value in each]
        _fill(connection, "t", ["at", "day", "written"], [(value, value, value) for value in values])


@_expect("complete")
def make_embeddings(path: Path) -> None:
    """Vectors as little-endian float32 blobs, of one length and of several, and as JSON."""
    generator = random.Random(32)
    edge = struct.pack("<8f", 0.0, -0.0, 1e-45, -1e-45, 3.4028234663852886e38, 1.1754943508222875e-38, 0.1, 1 / 3)
    with _file(path) as connection:
        connection.execute(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, embedding BLOB, text_embedding TEXT, ragged BLOB, odd BLOB)"
        )
        rows: list[tuple[Any, ...]] = [
            (edge, json.dumps(struct.unpack("<8f", edge)), edge[:4], b"\x00\x00\xc0\x7f" * 2)
        ]
        for number in range(200):
            floats = [generator.gauss(0, 1) for _ in range(8)]
            packed = struct.pack("<8f", *floats)
            rows.append((packed, json.dumps(floats), packed[: 4 * (number % 9)], packed[: number % 33]))
        rows.append((None, None, None, None))
        _fill(connection, "t", ["embedding", "text_embedding", "ragged", "odd"], rows)


# --- names -------------------------------------------------------------------------------------------------------

_HOSTILE_NAMES = (
    *("user", "order", "select", "table", "group", "End", "default", "CamelCase", "camelcase2", "UPPER", "with space"),
    *("dotted.name", "public.t", 'quo"te', "apo'strophe", "back`tick", "[bracket]", "semi;colon", "per%cent", "%s"),
    *("%(x)s",),
    *("{}", "{name}", ":x", "$1", "$$", "?", "@x", "#", "back\\slash", "\\N", "tab\there", "line\nfeed", " lead"),
    *("trail ",),
    *(" ", "", "🦣", "日本語", "é", "É", "e\u0301", "ß", "ss", "\u200b", "\u202e", "1st", "-", "--", "/*", "a,b"),
    *("a)b", "pg_x"),
    *("pg_class", "pg_toast", "information_schema", "xmin", "ctid", "oid", "tableoid", "cmax", "rowid", "sqlite3_jobs"),
    *("sqliteX", "outgrow", "migration", "quarantine", "text", "int8", "_text", "null", "NULL", "true"),
    *("current_user", "t_pkey"),
    *("t_id_seq", "_t", "a" * 63, "a" * 64, "é" * 31 + "x", "é" * 32, "x" * 100, "old", "new", "NEW", "excluded"),
    *("value",),
)


@_expect("complete")
def make_hostile_table_names(path: Path) -> None:
    """Reserved words, case, quotes, dots, spaces, emoji, system names, placeholders, no name (60-62, 65)."""
    seen: set[str] = set()
    with _file(path) as connection:
        connection.execute('CREATE TABLE "t" (id INTEGER PRIMARY KEY AUTOINCREMENT, t TEXT UNIQUE)')
        connection.execute("INSERT INTO t (t) VALUES ('t')")
        for name in _HOSTILE_NAMES:
            if _folded(name) in seen:
                continue
            seen.add(_folded(name))
            connection.execute(
                f"CREATE TABLE {quoted(name)} (id INTEGER PRIMARY KEY, {quoted(name + '_')} TEXT UNIQUE)"
            )
            connection.execute(f"INSERT INTO {quoted(name)} VALUES (1, ?)", [name])
            connection.execute(f"CREATE INDEX {quoted('index of ' + name)} ON {quoted(name)} ({quoted(name + '_')})")


@_expect("complete")
def make_hostile_column_names(path: Path) -> None:
    """The same names as columns of one table, and each as the key of a table of that name (62)."""
    names = list({_folded(name): name for name in _HOSTILE_NAMES}.values())
    with _file(path) as connection:
        columns = ", ".join(f"{quoted(name)} TEXT" for name in names)
        connection.execute(f"CREATE TABLE columns (id INTEGER PRIMARY KEY, {columns})")
        _fill(connection, "columns", names, [names, names[::-1], [None] * len(names)])
        for number, name in enumerate(names):
            if name != "columns":
                connection.execute(f"CREATE TABLE {quoted(name)} ({quoted(name)} TEXT PRIMARY KEY, v INTEGER)")
                connection.execute(f"INSERT INTO {quoted(name)} VALUES (?, ?)", [name, number])


@_expect("complete")
def make_colliding_names(path: Path) -> None:
    """Tables, columns and indexes whose long names have the first 63 bytes in common, also in mid-character (60)."""
    stem, wide = "long_name_" * 9, "é" * 40
    with _file(path) as connection:
        for ending in ("one", "two", "three"):
            for start in (stem, wide, "x" + wide):
                table = f"{start}_{ending}"
                connection.execute(
                    f"CREATE TABLE {quoted(table)} (id INTEGER PRIMARY KEY, {quoted(start + '_a')} TEXT UNIQUE,"
                    f" {quoted(start + '_b')} TEXT, parent INTEGER REFERENCES {quoted(table)} (id))"
                )
                connection.execute(
                    f"CREATE INDEX {quoted(table + '_index')} ON {quoted(table)} ({quoted(start + '_b')})"
                )
                connection.execute(
                    f"INSERT INTO {quoted(table)} VALUES (1, 'a', ?, 1), (2, 'b', ?, NULL)", [ending, start]
                )


@_expect("complete")
def make_names_alike(path: Path) -> None:
    """Names that differ only by É and é, by a space, or not at all once they are folded to snake case (61)."""
    tables = (
        "Été",
        "été",
        "userId",
        "user_id",
        "user id",
        "USER-ID",
        "a",
        " a",
        "a ",
        "Ünique",
        "ünique",
        "straße",
        "STRASSE",
    )
    with _file(path) as connection:
        for number, table in enumerate(tables):
            columns = ", ".join(f"{quoted(name)} INTEGER" for name in tables)
            connection.execute(f"CREATE TABLE {quoted(table)} ({columns}, PRIMARY KEY ({quoted(tables[0])}))")
            _fill(connection, table, tables, [range(number, number + len(tables))])


@_expect("complete")
def make_names_taken(path: Path) -> None:
    """Tables, indexes and views with the names that PostgreSQL would give to something else (60)."""
    with _file(path) as connection:
        _script(
            connection,
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT UNIQUE, b INTEGER CHECK (b > 0))
            ;
            CREATE TABLE t_pkey (id INTEGER PRIMARY KEY, a)
            ;
            CREATE TABLE t_id_seq (id INTEGER PRIMARY KEY, a)
            ;
            CREATE TABLE t_a_key (id INTEGER PRIMARY KEY, a)
            ;
            CREATE TABLE t_b_check (id INTEGER PRIMARY KEY, a)
            ;
            CREATE TABLE _t (id INTEGER PRIMARY KEY, a)
            ;
            CREATE TABLE __t (id INTEGER PRIMARY KEY, a)
            ;
            CREATE INDEX t_a_idx ON t_pkey (a)
            ;
            CREATE INDEX idx ON t (a)
            ;
            CREATE VIEW t_a_idx1 AS SELECT a FROM t
            ;
            INSERT INTO t (a, b) VALUES ('a', 1)
            ;
            INSERT INTO t_id_seq VALUES (1, 'a')
            ;
            INSERT INTO _t VALUES (1, 1)""",
        )


# --- keys --------------------------------------------------------------------------------------------------------


@_expect("complete")
def make_keys_of_every_type(path: Path) -> None:
    """Composite, TEXT, BLOB, REAL and BOOLEAN keys; keys out of the columns' order; a key of all columns."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE composite (a INTEGER, b TEXT, c BLOB, v, PRIMARY KEY (c, a, b))")
        connection.execute("CREATE TABLE whole (a TEXT, b TEXT, PRIMARY KEY (b, a))")
        connection.execute("CREATE TABLE blobs (k BLOB PRIMARY KEY, v)")
        connection.execute("CREATE TABLE reals (k REAL PRIMARY KEY, v)")
        connection.execute("CREATE TABLE flags (k BOOLEAN PRIMARY KEY, v)")
        connection.execute("CREATE TABLE texts (k TEXT PRIMARY KEY, v)")
        texts = ["", " ", "a", "A", "a ", "é", "É", "Z", "z", "10", "9", "_", "-", "\t", "\\", "~", "😀", "\uffff"]
        _fill(
            connection,
            "composite",
            ["a", "b", "c", "v"],
            [(n % 3, text, text.encode(), n) for n, text in enumerate(texts)],
        )
        _fill(connection, "whole", ["a", "b"], [(one, two) for one in texts for two in texts])
        _fill(connection, "blobs", ["k", "v"], [(bytes([n]) * (n % 4), n) for n in range(1, 256) if n % 4 or n == 4])
        _fill(connection, "reals", ["k", "v"], [(x, str(n)) for n, x in enumerate(dict.fromkeys(_FLOATS))])
        _fill(connection, "flags", ["k", "v"], [(0, "no"), (1, "yes")])
        _fill(connection, "texts", ["k", "v"], [(text, n) for n, text in enumerate(texts)])


@_expect("complete")
def make_keys_with_null(path: Path) -> None:
    """TEXT PRIMARY KEY with NULL twice, `INT PRIMARY KEY` with NULL, NULL in parts of composite keys (44, 45)."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE texts (k TEXT PRIMARY KEY, v INTEGER)")
        connection.execute("CREATE TABLE ints (k INT PRIMARY KEY, v INTEGER)")
        connection.execute("CREATE TABLE descending (k INTEGER PRIMARY KEY DESC, v INTEGER)")
        connection.execute("CREATE TABLE pairs (a INTEGER, b TEXT, v INTEGER, PRIMARY KEY (a, b))")
        connection.execute("CREATE TABLE only_null (k TEXT PRIMARY KEY)")
        _fill(connection, "texts", ["k", "v"], [(None, 1), (None, 2), (None, 2), ("a", 3), ("", 4)])
        _fill(connection, "ints", ["k", "v"], [(None, 1), (None, 1), (5, 3)])
        _fill(connection, "descending", ["k", "v"], [(None, 1), (2, 2), (None, 3)])
        _fill(
            connection,
            "pairs",
            ["a", "b", "v"],
            [(None, None, 1), (1, None, 2), (1, None, 2), (None, "b", 3), (1, "b", 4)],
        )
        _fill(connection, "only_null", ["k"], [[None], [None]])


@_expect("complete")
def make_keys_nocase(path: Path) -> None:
    """NOCASE and RTRIM keys and unique columns: ASCII folds, É and é are two (47)."""
    words = ["Ada", "É", "é", "SS", "ß", "İ", "i", "K", "\u212a", "tail", "tail\t"]
    with _file(path) as connection:
        connection.execute("CREATE TABLE keyed (k TEXT COLLATE NOCASE PRIMARY KEY, v INTEGER)")
        connection.execute("CREATE TABLE rowidless (k TEXT COLLATE NOCASE, l TEXT, PRIMARY KEY (k, l)) WITHOUT ROWID")
        connection.execute("CREATE TABLE trimmed (k TEXT COLLATE RTRIM PRIMARY KEY, v INTEGER)")
        connection.execute("CREATE TABLE uniques (id INTEGER PRIMARY KEY, u TEXT UNIQUE COLLATE NOCASE)")
        connection.execute("CREATE TABLE indexed (id INTEGER PRIMARY KEY, u TEXT)")
        connection.execute("CREATE UNIQUE INDEX indexed_u ON indexed (u COLLATE NOCASE)")
        for table, column in [("keyed", "k"), ("trimmed", "k"), ("uniques", "u"), ("indexed", "u")]:
            _fill(connection, table, [column], [[word] for word in words])
        _fill(connection, "rowidless", ["k", "l"], [(word, other) for word in words for other in ("x", "X")])


@_expect("complete")
def make_keys_without_rowid(path: Path) -> None:
    """WITHOUT ROWID with composite, descending, NOCASE and repeated key columns."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE a (k INTEGER PRIMARY KEY, v) WITHOUT ROWID")
        connection.execute(
            "CREATE TABLE b (v TEXT, k INTEGER, l TEXT, m BLOB, PRIMARY KEY (l COLLATE NOCASE DESC, k DESC, m))"
            " WITHOUT ROWID"
        )
        connection.execute("CREATE TABLE c (k TEXT, v TEXT, PRIMARY KEY (k DESC, k)) WITHOUT ROWID")
        connection.execute("CREATE TABLE d (rowid TEXT PRIMARY KEY, v) WITHOUT ROWID")
        _fill(connection, "a", ["k", "v"], [(n, n) for n in (-(2**63), -1, 0, 1, 2**63 - 1)])
        _fill(
            connection,
            "b",
            ["v", "k", "l", "m"],
            [(f"v{n}", n % 5, "aB"[n % 2] * (n % 7), bytes([n])) for n in range(60)],
        )
        _fill(connection, "c", ["k", "v"], [("a", "b"), ("A", "b"), ("", None)])
        _fill(connection, "d", ["rowid", "v"], [("a", 1), ("b", 2)])


@_expect("complete")
def make_duplicate_rows(path: Path) -> None:
    """No key at all, and rows that are equal in every column, NULLs included (46)."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (a INTEGER, b TEXT)")
        connection.execute("CREATE TABLE u (a INTEGER, b TEXT, UNIQUE (a, b))")
        _fill(connection, "t", ["a", "b"], [(1, "x")] * 100 + [(None, None)] * 100 + [(2, None)] * 3)
        _fill(connection, "u", ["a", "b"], [(1, None)] * 10 + [(None, None)] * 10 + [(1, "x")])
        connection.execute("DELETE FROM t WHERE _rowid_ % 3 = 0")


@_expect("complete")
def make_extreme_rowids(path: Path) -> None:
    """Negative rowids and both ends of int64, as INTEGER PRIMARY KEY and hidden (41)."""
    rowids = [-(2**63), -(2**63) + 1, -(2**31), -1, 0, 1, 2**31, 2**53 + 1, 2**63 - 2, 2**63 - 1]
    with _file(path) as connection:
        connection.execute("CREATE TABLE alias (id INTEGER PRIMARY KEY, v INTEGER)")
        connection.execute("CREATE TABLE hidden (v INTEGER)")
        connection.execute("CREATE TABLE lower (id integer primary key not null, v)")
        connection.execute("CREATE TABLE late (v, id INTEGER, PRIMARY KEY (id ASC))")
        _fill(connection, "alias", ["id", "v"], [(n, n) for n in rowids])
        _fill(connection, "hidden", ["rowid", "v"], [(n, n) for n in rowids])
        _fill(connection, "lower", ["id", "v"], [(-5, 1), (None, 2)])
        _fill(connection, "late", ["v", "id"], [(1, 7), (2, None)])


@_expect("complete")
def make_rowid_names_taken(path: Path) -> None:
    """Columns called rowid, oid and _rowid_, one or two of them, with other values than the rowid."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE one (rowid TEXT, v)")
        connection.execute("CREATE TABLE two (ROWID TEXT, oid INTEGER)")
        connection.execute("CREATE TABLE other (_rowid_ INTEGER, rowid INTEGER)")
        connection.execute("CREATE TABLE aliased (rowid INTEGER PRIMARY KEY, oid TEXT, _rowid_ TEXT)")
        connection.execute("CREATE TABLE keyed (rowid TEXT PRIMARY KEY, oid TEXT, _rowid_ TEXT)")
        for table, columns in {
            "one": ("rowid", "v"),
            "two": ("rowid", "oid"),
            "other": ("_rowid_", "rowid"),
            "aliased": ("rowid", "oid"),
            "keyed": ("rowid", "_rowid_"),
        }.items():
            _fill(connection, table, columns, [(n, -n) for n in (5, 3, 9)])


@_expect("refused")
def make_rowid_out_of_reach(path: Path) -> None:
    """No key, and columns called rowid, oid and _rowid_, so that nothing can name a row."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (rowid TEXT, oid TEXT, _rowid_ TEXT)")
        _fill(connection, "t", ["rowid", "oid", "_rowid_"], [("a", "b", "c")] * 2)


@_expect("complete")
def make_autoincrement(path: Path) -> None:
    """AUTOINCREMENT: never used, emptied, ahead of max(id), at the end of int64, its sequence lost or odd (38-41)."""
    with _file(path) as connection:
        for name in ("unused", "emptied", "ahead", "exact", "last", "forgotten", "odd"):
            connection.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)")
        connection.execute("CREATE TABLE plain (id INTEGER PRIMARY KEY, v TEXT)")
        for name in ("emptied", "ahead", "exact", "forgotten", "odd", "plain"):
            _fill(connection, name, ["id", "v"], [(1, "a"), (100, "b")])
        connection.execute("DELETE FROM emptied")
        connection.execute("DELETE FROM ahead WHERE id = 100")
        _fill(connection, "last", ["id", "v"], [(2**63 - 1, "end")])
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'forgotten'")
        connection.execute("UPDATE sqlite_sequence SET seq = 50 WHERE name = 'odd'")
        connection.execute("INSERT INTO sqlite_sequence VALUES ('no such table', 7), ('odd', NULL)")


# --- constraints -------------------------------------------------------------------------------------------------


@_expect("complete")
def make_foreign_keys(path: Path) -> None:
    """Self, circular, composite, implicit and deferred foreign keys, all of them kept (49)."""
    with _file(path) as connection:
        _script(
            connection,
            """
            CREATE TABLE tree (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES tree (id) ON DELETE CASCADE)
            ;
            CREATE TABLE hen (id INTEGER PRIMARY KEY, egg INTEGER REFERENCES egg (id) DEFERRABLE INITIALLY DEFERRED)
            ;
            CREATE TABLE egg (id INTEGER PRIMARY KEY, hen INTEGER NOT NULL REFERENCES hen (id) ON UPDATE CASCADE)
            ;
            CREATE TABLE place (country TEXT, city TEXT, PRIMARY KEY (country, city))
            ;
            CREATE TABLE visit (id INTEGER PRIMARY KEY, c TEXT, t TEXT,
                FOREIGN KEY (c, t) REFERENCES place (country, city))
            ;
            CREATE TABLE implicit (id INTEGER PRIMARY KEY, tree REFERENCES tree, c TEXT, t TEXT,
                FOREIGN KEY (c, t) REFERENCES place ON DELETE SET NULL)
            ;
            CREATE TABLE by_unique (id INTEGER PRIMARY KEY, code TEXT UNIQUE)
            ;
            CREATE TABLE to_unique (code TEXT REFERENCES by_unique (code) MATCH FULL ON DELETE SET DEFAULT)
            ;
            INSERT INTO tree VALUES (1, 1), (2, 3), (3, 2), (4, NULL)
            ;
            INSERT INTO hen VALUES (1, 1), (2, NULL)
            ;
            INSERT INTO egg VALUES (1, 1), (2, 2)
            ;
            INSERT INTO place VALUES ('AT', 'Wien'), ('AT', 'Graz')
            ;
            INSERT INTO visit VALUES (1, 'AT', 'Wien'), (2, 'AT', NULL), (3, NULL, 'nowhere')
            ;
            INSERT INTO implicit VALUES (1, 4, 'AT', 'Graz')
            ;
            INSERT INTO by_unique VALUES (1, 'x'), (2, NULL)
            ;
            INSERT INTO to_unique VALUES ('x'), (NULL)""",
        )


@_expect("complete")
def make_foreign_keys_broken(path: Path) -> None:
    """Dangling rows, missing parent tables and columns, parents that aren't unique, TEXT to INTEGER (48, 49)."""
    with _file(path, "PRAGMA foreign_keys = off") as connection:
        _script(
            connection,
            """
            CREATE TABLE parent (id INTEGER PRIMARY KEY, loose TEXT, k TEXT COLLATE NOCASE UNIQUE)
            ;
            CREATE TABLE dangling (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent (id))
            ;
            CREATE TABLE orphan (id INTEGER PRIMARY KEY, p INTEGER REFERENCES nobody (id))
            ;
            CREATE TABLE no_column (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent (gone))
            ;
            CREATE TABLE not_unique (id INTEGER PRIMARY KEY, p TEXT REFERENCES parent (loose))
            ;
            CREATE TABLE other_type (id INTEGER PRIMARY KEY, p TEXT REFERENCES parent (id),
                n INTEGER REFERENCES parent (k))
            ;
            CREATE TABLE too_wide (a INTEGER, b INTEGER, FOREIGN KEY (a, b) REFERENCES parent)
            ;
            CREATE TABLE nocase (id INTEGER PRIMARY KEY, p TEXT REFERENCES parent (k))
            ;
            CREATE TABLE keyless (a)
            ;
            CREATE TABLE to_keyless (a REFERENCES keyless)
            ;
            CREATE VIEW seen AS SELECT id FROM parent
            ;
            CREATE TABLE to_view (a INTEGER REFERENCES seen (id))
            ;
            INSERT INTO parent VALUES (1, 'a', 'Ada'), (2, 'a', '7')
            ;
            INSERT INTO dangling VALUES (1, 1), (2, 99), (3, NULL), (4, -1)
            ;
            INSERT INTO orphan VALUES (1, 1)
            ;
            INSERT INTO no_column VALUES (1, 1)
            ;
            INSERT INTO not_unique VALUES (1, 'a'), (2, 'b')
            ;
            INSERT INTO other_type VALUES (1, '1', 7), (2, 'one', 8)
            ;
            INSERT INTO too_wide VALUES (1, 2)
            ;
            INSERT INTO nocase VALUES (1, 'ADA'), (2, 'ada')
            ;
            INSERT INTO to_keyless VALUES (1)
            ;
            INSERT INTO to_view VALUES (1)""",
        )


@_expect("complete")
def make_unique_indexes(path: Path) -> None:
    """Partial, expression, descending, NOCASE and overlapping unique indexes, several NULLs (46, 58, 59)."""
    with _file(path) as connection:
        _script(
            connection,
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT, deleted INTEGER,
                UNIQUE (a, b) ON CONFLICT REPLACE)
            ;
            CREATE UNIQUE INDEX t_partial ON t (b) WHERE deleted = 0
            ;
            CREATE UNIQUE INDEX t_truthy ON t (a) WHERE deleted
            ;
            CREATE UNIQUE INDEX t_expression ON t (lower(b), coalesce(deleted, -id))
            ;
            CREATE UNIQUE INDEX t_nocase ON t (b COLLATE NOCASE DESC, id)
            ;
            CREATE UNIQUE INDEX t_not_null ON t (a, deleted) WHERE a IS NOT NULL AND b GLOB 'u*'
            ;
            CREATE INDEX t_twice ON t (a, a DESC, b)
            ;
            CREATE INDEX t_constant ON t (1)
            ;
            CREATE INDEX "t index ""quoted"" %s" ON t ("a")
            ;
            CREATE INDEX t_length ON t (length(b) + a) WHERE typeof(a) = 'integer'
            ;
            INSERT INTO t VALUES (1, 1, 'x', 0), (2, 2, 'y', 0), (3, 3, 'x', NULL), (4, NULL, NULL, 0),
                (5, NULL, NULL, 0), (6, 1, 'X', 1), (7, 4, 'É', 0), (8, 5, 'é', 0)""",
        )


@_expect("complete")
def make_checks(path: Path) -> None:
    """CHECKs in SQLite's own words, on columns, on tables, with names (57)."""
    with _file(path) as connection:
        connection.execute(
            """
            CREATE TABLE t (
                id INTEGER PRIMARY KEY, a INTEGER CHECK (a == 1 OR a IS 2), b TEXT CHECK (b GLOB '[a-z]*'),
                c CHECK (typeof(c) IN ('integer', 'text')), d BOOLEAN NOT NULL CHECK (d IN (0, 1)),
                e TEXT CHECK ("e" <> ''),
                f TEXT CONSTRAINT short CHECK (length(f) <= 5), g TEXT CHECK (g IS NULL OR json_valid(g)),
                h INTEGER CHECK (h),
                CHECK (a < 3 AND b NOT LIKE 'X%'), CONSTRAINT "odd ""name" CHECK (length(id) > 0)
            )"""
        )
        rows = [
            (1, "a", 5, 0, "e", "short", "{}", 1),
            (2, "b", 6, 1, "f", None, "[1]", -1),
            (None, None, 0, 1, None, None, None, None),
        ]
        _fill(connection, "t", list("abcdefgh"), rows)


@_expect("complete")
def make_defaults(path: Path) -> None:
    """Defaults as expressions, as words in double quotes, of the wrong type, frozen times (51-54)."""
    with _file(path) as connection:
        connection.execute(
            """
            CREATE TABLE t (
                id INTEGER PRIMARY KEY, a TEXT DEFAULT (strftime('%s', 'now')), b TEXT DEFAULT (datetime('now')),
                c REAL DEFAULT (julianday('now')), d TEXT DEFAULT (hex(randomblob(4))), e TEXT DEFAULT "draft",
                f TEXT DEFAULT 'null', g TEXT DEFAULT null, h TEXT DEFAULT ('a'||'b'), i BOOLEAN DEFAULT 0,
                j NUMERIC DEFAULT false, k TEXT DEFAULT 'now', l DATETIME DEFAULT CURRENT_TIMESTAMP,
                m DATE DEFAULT CURRENT_DATE, n BLOB DEFAULT x'00ff', o INTEGER DEFAULT -5, p INTEGER DEFAULT +5,
                q REAL DEFAULT 1e3, r INTEGER DEFAULT 0x10, s TEXT DEFAULT 'it''s %s',
                u INTEGER NOT NULL DEFAULT (1 + 1), w INTEGER DEFAULT 9223372036854775808, x TEXT DEFAULT TRUE,
                y DATETIME DEFAULT (datetime('now', 'localtime')), z INTEGER DEFAULT (abs(random()))
            )"""
        )
        fixed = dict.fromkeys("abdklmy", "fixed") | {"c": 2460000.5, "z": 7}
        _fill(connection, "t", list(fixed), [list(fixed.values())] * 2)


@_expect("complete")
def make_short_records(path: Path) -> None:
    """Columns added later, so that old rows don't have them on disk and read their defaults."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
        _fill(connection, "t", ["a"], [["one"], ["two"]])
        for column in (
            "b INTEGER DEFAULT 7",
            "c TEXT NOT NULL DEFAULT 'é\t'",
            "d BLOB DEFAULT x'00ff'",
            "e REAL DEFAULT -0.5",
            "f",
            "g REAL DEFAULT 3",
            "h TEXT DEFAULT 12",
            "i INTEGER DEFAULT '34'",
        ):
            connection.execute(f"ALTER TABLE t ADD COLUMN {column}")
        _fill(connection, "t", ["a", "b"], [("three", None)])


@_expect("complete")
def make_generated_columns(path: Path) -> None:
    """Generated columns, virtual and stored, of one another, of the key, unique and indexed (56)."""
    with _file(path) as connection:
        connection.execute(
            """
            CREATE TABLE t (
                id INTEGER PRIMARY KEY, twice INTEGER GENERATED ALWAYS AS (n * 2) VIRTUAL, n INTEGER,
                kept TEXT AS (upper(t)) STORED, thrice INT AS (twice + n), t TEXT, typeless AS (id || ':' || t),
                parts TEXT AS (substr(t, 1, 2)) STORED UNIQUE, CHECK (twice IS NULL OR twice % 2 = 0)
            )"""
        )
        connection.execute("CREATE TABLE g (a INTEGER, b TEXT AS ('k' || a) STORED, c AS (a / 2.0), UNIQUE (b))")
        connection.execute("CREATE INDEX t_thrice ON t (thrice)")
        _fill(connection, "t", ["n", "t"], [(1, "ab"), (None, None), (-5, "É"), (2**40, "")])
        _fill(connection, "g", ["a"], [[1], [2], [None], [None]])


@_expect("complete")
def make_views_and_triggers(path: Path) -> None:
    """Views on views, broken ones, triggers of every kind, all with functions that only the application has (66)."""
    with _file(path) as connection:
        _script(
            connection,
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)
            ;
            CREATE TABLE log (at TEXT, what TEXT)
            ;
            CREATE VIEW v AS SELECT id, a FROM t
            ;
            CREATE VIEW w (x, "y z") AS SELECT *, 1 FROM v JOIN t USING (id, a)
            ;
            CREATE VIEW broken AS SELECT gone FROM no_such_table
            ;
            CREATE VIEW theirs AS SELECT title_sort(a) FROM t
            ;
            CREATE TRIGGER theirs_too AFTER UPDATE ON t BEGIN SELECT title_sort(NEW.a); END
            ;
            CREATE TRIGGER logs AFTER INSERT ON t WHEN NEW.a <> '' BEGIN INSERT INTO log VALUES ('now', NEW.a); END
            ;
            CREATE TRIGGER refuses BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'never'); END
            ;
            CREATE TRIGGER instead INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (NEW.id, NEW.a); END
            ;
            INSERT INTO v VALUES (1, 'one'), (2, '')
            ;
            INSERT INTO t VALUES (3, 'three')""",
        )


@_expect("complete")
def make_virtual_tables(path: Path) -> None:
    """FTS5, FTS4 and R-Tree with their shadow tables, and ordinary tables named like shadows (64)."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE docs (id INTEGER PRIMARY KEY, body TEXT)")
        connection.execute("CREATE TABLE docs_data (id INTEGER PRIMARY KEY, body TEXT)")
        connection.execute("CREATE TABLE other_content (id INTEGER PRIMARY KEY, body TEXT)")
        connection.execute("CREATE VIRTUAL TABLE search USING fts5(body, content='docs', content_rowid='id')")
        connection.execute("CREATE VIRTUAL TABLE notes USING fts5(title, body)")
        for table in ("docs", "docs_data", "other_content"):
            _fill(connection, table, ["body"], [["one two"], ["three"]])
        connection.execute("INSERT INTO search (search) VALUES ('rebuild')")
        _fill(connection, "notes", ["title", "body"], [("a", "hello world"), ("b", "bye")])
        for module, columns, rows in (
            ("fts4", "a, b", [("x", "y")]),
            ("rtree", "id, x0, x1, y0, y1", [(1, 0.0, 1.0, 0.0, 1.0), (2, 5.5, 6.5, -1.0, 1.0)]),
        ):
            # Not every SQLite library has them.
            with contextlib.suppress(sqlite3.OperationalError):
                connection.execute(f"CREATE VIRTUAL TABLE {module}_table USING {module}({columns})")
                _fill(connection, f"{module}_table", columns.split(", "), rows)


@_expect("complete")
def make_application_collation(path: Path) -> None:
    """A column with a collation that only the application has; comparing it fails everywhere else."""
    with _file(path) as connection:
        connection.create_collation("localized", lambda one, two: (one > two) - (one < two))
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT COLLATE localized, v INTEGER)")
        _fill(connection, "t", ["name", "v"], [("b", 1), ("a", 2), ("b", 3)])


@_expect("complete")
def make_odd_ddl(path: Path) -> None:
    """Comments, four ways to quote, CREATE TABLE AS, renamed tables and columns, statistics, a table of one column."""
    with _file(path) as connection:
        _script(
            connection,
            """
            CREATE TABLE [brackets] (`tick` INTEGER PRIMARY KEY /* a comment, with ) */, "double" TEXT,
                'single' TEXT -- end
            , [brackets and spaces] INT(10), "PRIMARY" TEXT, "check" TEXT CHECK ("check" <> 'CHECK ('))
            ;
            CREATE TABLE copied AS SELECT 1 AS i, 1.5 AS r, 'x' AS t, x'00' AS b, NULL AS n, CAST(1 AS NUMERIC) AS m
            ;
            CREATE TABLE before (a INTEGER PRIMARY KEY, b TEXT UNIQUE, c REFERENCES before (a))
            ;
            ALTER TABLE before RENAME TO "after all"
            ;
            ALTER TABLE "after all" RENAME COLUMN b TO "b b"
            ;
            CREATE TABLE single (x)
            ;
            CREATE TABLE dropped (a, b, c)
            ;
            INSERT INTO dropped VALUES (1, 2, 3)
            ;
            ALTER TABLE dropped DROP COLUMN b
            ;
            INSERT INTO brackets VALUES (1, 'a', 'b', 2, 'c', 'd')
            ;
            INSERT INTO "after all" VALUES (1, 'x', 1)
            ;
            INSERT INTO single VALUES (NULL), (NULL), (1)
            ;
            ANALYZE""",
        )


@_expect("complete")
def make_history_tables(path: Path) -> None:
    """The tables in which ORMs keep their migrations (67)."""
    with _file(path) as connection:
        for table, column in {
            "alembic_version": "version_num VARCHAR(32) NOT NULL PRIMARY KEY",
            "django_migrations": "id integer NOT NULL PRIMARY KEY AUTOINCREMENT",
            "schema_migrations": "version varchar PRIMARY KEY",
            "__EFMigrationsHistory": '"MigrationId" TEXT NOT NULL PRIMARY KEY',
            "_prisma_migrations": "id TEXT PRIMARY KEY NOT NULL",
            "goose_db_version": "id INTEGER PRIMARY KEY AUTOINCREMENT",
            "__diesel_schema_migrations": "version VARCHAR(50) PRIMARY KEY NOT NULL",
        }.items():
            connection.execute(f"CREATE TABLE {quoted(table)} ({column}, applied DATETIME)")
            connection.execute(f"INSERT INTO {quoted(table)} VALUES (7, '2024-01-01 00:00:00')")


# --- sizes -------------------------------------------------------------------------------------------------------


def _many_columns(connection: sqlite3.Connection, count: int, first: str) -> list[str]:
    names = [f"c{number}" for number in range(1, count)]
    connection.execute(f"CREATE TABLE t ({first}, {', '.join(names)})")
    return names


@_expect("refused")
def make_columns_2000(path: Path) -> None:
    """As many columns as SQLite allows; PostgreSQL stops at 1,600 (63)."""
    with _file(path) as connection:
        names = _many_columns(connection, 2000, "id INTEGER PRIMARY KEY")
        _fill(connection, "t", names, [range(len(names))])


@_expect("complete")
def make_columns_1599(path: Path) -> None:
    """Just below PostgreSQL's limit, most of them NULL (63)."""
    with _file(path) as connection:
        names = _many_columns(connection, 1599, "id INTEGER PRIMARY KEY")
        _fill(
            connection, "t", names, [[n if n % 10 == shift else None for n in range(len(names))] for shift in range(5)]
        )


@_expect("complete")
def make_columns_1600(path: Path) -> None:
    """Exactly PostgreSQL's limit (63)."""
    with _file(path) as connection:
        names = _many_columns(connection, 1600, "id INTEGER PRIMARY KEY")
        _fill(connection, "t", names, [[None] * len(names), [1] * 500 + [None] * (len(names) - 500)])


@_expect("refused")
def make_columns_1600_without_a_key(path: Path) -> None:
    """Exactly the limit, but the rowid needs a column too (63)."""
    with _file(path) as connection:
        names = _many_columns(connection, 1600, "c0")
        _fill(connection, "t", names, [[None] * len(names)] * 2)


@_expect("quarantine")
def make_rows_too_wide(path: Path) -> None:
    """Rows whose 1,500 short texts don't fit on a page of PostgreSQL, next to rows that do (63)."""
    with _file(path) as connection:
        names = _many_columns(connection, 1500, "id INTEGER PRIMARY KEY")
        narrow: list[Any] = ["x"] + [None] * (len(names) - 1)
        _fill(connection, "t", names, [narrow, ["twelve chars"] * len(names), narrow])


@_expect("complete")
def make_empty_tables(path: Path) -> None:
    """Tables without rows, some with keys, sequences, foreign keys and generated columns."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, t TEXT UNIQUE)")
        connection.execute("CREATE TABLE b (a INTEGER REFERENCES a (id), g AS (a + 1))")
        connection.execute("CREATE TABLE c (k TEXT, l INT, PRIMARY KEY (k, l)) WITHOUT ROWID")
        connection.execute("CREATE TABLE d (x)")
        connection.execute("CREATE TABLE full (id INTEGER PRIMARY KEY)")
        connection.execute("INSERT INTO full VALUES (1)")


@_expect("complete")
def make_empty_file(path: Path) -> None:
    """A file of no bytes, which is a valid empty database."""
    path.write_bytes(b"")


@_expect("complete")
def make_no_tables(path: Path) -> None:
    """A file with a header and a view, but without a table."""
    with _file(path, "PRAGMA user_version = 7", "PRAGMA application_id = 42") as connection:
        connection.execute("CREATE VIEW v AS SELECT 1")


@_expect("complete")
def make_tables_300(path: Path) -> None:
    """300 small tables with indexes and foreign keys to the one before."""
    with _file(path) as connection:
        for number in range(300):
            connection.execute(
                f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, a TEXT, b REAL,"
                f" p INTEGER REFERENCES t{max(number - 1, 0)} (id))"
            )
            connection.execute(f"CREATE INDEX i{number} ON t{number} (a)")
            _fill(connection, f"t{number}", ["a", "b", "p"], [(f"row {n}", n / 7, 1) for n in range(10)])


@_expect("complete")
def make_many_rows(path: Path, rows: int = 500_000) -> None:
    """Half a million tiny rows with holes in their rowids."""
    with _file(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT)")
        _fill(connection, "t", ["id", "a", "b"], ((n * 3 + n % 2, n % 1000, f"{n:x}") for n in range(rows)))


# --- files -------------------------------------------------------------------------------------------------------


def _encoded(path: Path, encoding: str) -> None:
    texts = [
        *("", "a", "A", "é", "É", "ß", "日本語", "😀", "\U0010ffff", "\ufeff", "\ufffd", "e\u0301", "\t\\.\n"),
        *("\x1f\x1e",),
        *("z" * 5000, "ÿĀ", "\ud7ff", "\ue000", "💩" * 300, " ", "NULL", "\\N", "\u2028", "10", "9"),
    ]
    with _file(path, f"PRAGMA encoding = '{encoding}'") as connection:
        connection.execute("CREATE TABLE keyed (k TEXT PRIMARY KEY, v TEXT)")
        connection.execute(
            "CREATE TABLE rowidless (k TEXT, l TEXT COLLATE NOCASE, v, PRIMARY KEY (k, l)) WITHOUT ROWID"
        )
        connection.execute("CREATE TABLE rowed (t TEXT, i INTEGER, r REAL, b BLOB)")
        connection.execute('CREATE TABLE "日本語" ("😀" TEXT UNIQUE DEFAULT \'é\')')
        _fill(connection, "keyed", ["k", "v"], [(text, text * 2) for text in texts])
        _fill(
            connection, "rowidless", ["k", "l", "v"], [(one, two, 1) for one in texts[:12] for two in ("x", "é", "É")]
        )
        _fill(
            connection, "rowed", ["t", "i", "r", "b"], [(text, n, n / 3, text.encode()) for n, text in enumerate(texts)]
        )
        _fill(connection, "日本語", ["😀"], [[text] for text in texts])


@_expect("complete")
def make_utf16le(path: Path) -> None:
    """A UTF-16 little-endian file with texts and text keys of all kinds (4)."""
    _encoded(path, "UTF-16le")


@_expect("complete")
def make_utf16be(path: Path) -> None:
    """A UTF-16 big-endian file with texts and text keys of all kinds (4)."""
    _encoded(path, "UTF-16be")


@_expect("quarantine")
def make_utf16_surrogates(path: Path) -> None:
    """Lone surrogates in a UTF-16 file, of which SQLite's UTF-8 makes other, valid characters (3, 4)."""
    halves = (
        "3DD8",
        "61003DD8",
        "3DD86100",
        "00DC",
        "00DC6100",
        "3DD83DD800DE",
        "3DD800DE",
        "6100",
        "00DC3DD8",
        "3DD80000",
    )
    with _file(path, "PRAGMA encoding = 'UTF-16le'") as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, t TEXT)")
        for half in halves:
            connection.execute(f"INSERT INTO t (t) VALUES (CAST(x'{half}' AS TEXT))")


def _sample(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b REAL, c BLOB)")
    _fill(connection, "t", ["a", "b", "c"], [(f"text {n}", n / 3, bytes([n % 256]) * n) for n in range(1500)])
    connection.execute("DELETE FROM t WHERE id % 7 = 0 OR id BETWEEN 900 AND 1200")


@_expect("complete")
def make_schema_format_1(path: Path) -> None:
    """The oldest schema format, in which a descending index is kept ascending and 0 and 1 take a byte."""
    with _file(path) as connection:
        _sample(connection)
        connection.execute("CREATE TABLE k (a INTEGER, b TEXT, PRIMARY KEY (a, b))")
        _fill(connection, "k", ["a", "b"], [(n, str(n)) for n in range(2, 100)])
    # The format is the four bytes at offset 44; `PRAGMA legacy_file_format` no longer does anything.
    with path.open("r+b") as file:
        file.seek(44)
        file.write(struct.pack(">I", 1))
    with _file(path) as connection:
        connection.execute("CREATE INDEX k_down ON k (b DESC, a DESC)")


@_expect("complete")
def make_auto_vacuum(path: Path) -> None:
    """An auto_vacuum file with incremental vacuum pending."""
    with _file(path, "PRAGMA auto_vacuum = incremental") as connection:
        _sample(connection)


@_expect("complete")
def make_pages_of_512(path: Path) -> None:
    """The smallest page, on which most values overflow."""
    with _file(path, "PRAGMA page_size = 512") as connection:
        _sample(connection)


@_expect("complete")
def make_pages_of_65536(path: Path) -> None:
    """The largest page, whose size the header writes as 1."""
    with _file(path, "PRAGMA page_size = 65536") as connection:
        _sample(connection)


_HOT_WAL = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = wal")
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, f"only in the wal {n}") for n in range(500)])
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE t SET a = 'never committed'")
os._exit(0)
"""


@_expect("complete")
def make_hot_wal(path: Path) -> None:
    """A WAL-mode file whose writer died: all content is in the -wal, the file itself has no tables (69)."""
    subprocess.run([sys.executable, "-c", _HOT_WAL, str(path)], check=True)


_HOT_JOURNAL = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
connection.execute("BEGIN")
connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, f"committed {n}") for n in range(5000)])
connection.execute("COMMIT")
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE t SET a = 'never committed'")
os._exit(0)
"""


@_expect("refused")
def make_hot_journal(path: Path) -> None:
    """A writer died in a transaction that had spilled into the file: only rolling back, a write, makes it whole."""
    subprocess.run([sys.executable, "-c", _HOT_JOURNAL, str(path)], check=True)
