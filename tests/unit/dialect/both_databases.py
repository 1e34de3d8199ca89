"""The same rows in a SQLite in memory and in PostgreSQL, to run an expression and its translation on."""

from __future__ import annotations

import datetime
import decimal
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import apsw
import psycopg
from psycopg import errors as pg_errors

from outgrow.dialect import translation
from outgrow.model import schema

A = schema.Affinity
_BIG = 2**63 - 1
_UUID = "0a1b2c3d-4e5f-4a6b-8c7d-0123456789ab"
_TEXTS = [
    "",
    "a",
    "A",
    "ab",
    "aB",
    "Abc",
    "abc ",
    " abc",
    "abc",
    "é",
    "É",
    "ß",
    "b_c",
    "50%",
    "a\\b",
    "x\ny",
    "[]",
    "a-z",
    "^]",
    "draft",
]
_REALS = [0.0, 0.5, -1.5, 2.0, 1e10, 2.0**53, 1e308, -1e308, 1e-300, float("inf"), float("-inf"), None]

# name: declared in SQLite, type in PostgreSQL, affinity, values
COLUMNS: dict[str, tuple[str, str, A, list[Any]]] = {
    "n": ("INTEGER", "bigint", A.INTEGER, [0, 1, -1, 2, 5, 7, -7, 2**53, 2**53 + 1, _BIG, -_BIG - 1, None]),
    "k": ("INTEGER", "bigint", A.INTEGER, [0, 1, -1, 3, -2, 10, 100, 1024, _BIG, -_BIG - 1, None]),
    "i": ("INT", "integer", A.INTEGER, [0, 1, -1, 4, -9, 2**31 - 1, -(2**31), None]),
    "s": ("SMALLINT", "smallint", A.INTEGER, [0, 1, -1, 2, 32767, -32768, None]),
    "b": ("BOOLEAN", "boolean", A.NUMERIC, [0, 1, None]),
    "f": ("BOOL", "boolean", A.NUMERIC, [1, 0, 1, None, 0]),
    "x": ("REAL", "double precision", A.REAL, _REALS),
    "y": ("DOUBLE", "double precision", A.REAL, [0.0, 1.0, -0.1, 0.1, 1e308, 2.5, float("inf"), None]),
    "m": ("NUMERIC", "numeric", A.NUMERIC, [0, 1, 0.5, -0.1, 0.1, 2**53 + 1, 12345678901234, 1e-7, None]),
    "t": ("TEXT", "text", A.TEXT, [*_TEXTS, None]),
    "w": ("VARCHAR(10)", "text", A.TEXT, [None, *_TEXTS, "5", "05", "5.0", "10"]),
    "c": ("TEXT COLLATE NOCASE", "text", A.TEXT, [*_TEXTS, "ABC", "aBC", None]),
    "o": ("TEXT COLLATE RTRIM", "text", A.TEXT, [*_TEXTS, "abc  ", "abc\t", " ", None]),
    "e": ("", "bigint", A.BLOB, [5, 0, -1, _BIG, None]),
    "g": ("", "text", A.BLOB, ["a", "5", "", "A", "é", None]),
    "z": ("BLOB", "bytea", A.BLOB, [b"", b"\x00", b"\xff\x01", b"abc", None]),
    "d": ("DATE", "date", A.NUMERIC, ["2020-01-01", "1999-12-31", "0001-01-01", "9999-12-31", None]),
    "u": ("UUID", "uuid", A.NUMERIC, [_UUID, "ffffffff-0000-4000-8000-000000000000", None]),
    "j": ("JSON", "json", A.NUMERIC, ['{"a": 1}', "[1, 2]", '"text"', "null", "true", None]),
    "when": ("TIMESTAMP", "timestamp", A.NUMERIC, ["2020-01-01 00:00:00", None]),
}  # fmt: skip
TYPES = {name: column[1] for name, column in COLUMNS.items()}
NAMES = {name: f'{name.upper()} "é"' for name in COLUMNS}
AFFINITIES = {name: column[2] for name, column in COLUMNS.items()}
COLLATIONS = {"c": "NOCASE", "o": "RTRIM"}
OUT_OF_RANGE = (pg_errors.NumericValueOutOfRange, pg_errors.FloatingPointException)


def _rows() -> list[tuple[Any, ...]]:
    chance = random.Random(20)
    longest = max(len(column[3]) for column in COLUMNS.values())
    rows = [tuple(column[3][at % len(column[3])] for column in COLUMNS.values()) for at in range(longest)]
    rows += [tuple(chance.choice(column[3]) for column in COLUMNS.values()) for _ in range(100)]
    return rows


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass
class Both:
    """Both databases with the same table `sample`; `id` numbers its rows."""

    lite: apsw.Connection
    post: psycopg.Connection[Any]
    compared: int = field(default=0)

    def in_sqlite(self, expressions: Sequence[str]) -> list[tuple[Any, ...]]:
        """The expressions in every row; an overflow is the value of all of them in its row."""
        listed = ", ".join(f"({expression}\n)" for expression in expressions)
        try:
            return list(self.lite.execute(f"SELECT {listed} FROM sample ORDER BY id"))
        except apsw.SQLError as error:
            if "overflow" not in str(error):
                raise
        columns = ", ".join(map(_quoted, COLUMNS))
        found: list[tuple[Any, ...]] = []
        for row, *values in self.lite.execute(f"SELECT id, {columns} FROM sample ORDER BY id"):
            try:
                found += self.lite.execute(f"SELECT {listed} FROM sample WHERE id = ?", (row,))
            except apsw.SQLError as error:
                found.append(tuple([error] * (len(expressions) - len(COLUMNS)) + values))
        return found

    def in_postgres(self, sql: str) -> list[Any]:
        """The expression's value in every row; an out-of-range error is the value of its row."""
        try:
            return [row[0] for row in self.post.execute(f"SELECT {sql} FROM sample ORDER BY id")]
        except OUT_OF_RANGE:
            return [self._one(sql, row) for (row,) in self.post.execute("SELECT id FROM sample ORDER BY id").fetchall()]

    def _one(self, sql: str, row: int) -> Any:
        try:
            found = self.post.execute(f"SELECT {sql} FROM sample WHERE id = {row}").fetchone()
        except OUT_OF_RANGE as error:
            return error
        assert found is not None
        return found[0]

    def differences(self, source: str, translated: translation.Translation, *, lenient: bool = False) -> list[str]:
        """Rows in which a condition and its translation differ; `lenient` takes NULL for true, as a CHECK does."""
        assert translated.sql is not None, translated.reason
        theirs = self.in_postgres(f"(({translated.sql}))::boolean")
        found = []
        for (truth, null, *row), other in zip(
            self._with_rows(f"({source}\n) IS TRUE", f"({source}\n) IS NULL"), theirs, strict=True
        ):
            wanted = truth if isinstance(truth, Exception) else None if null else bool(truth)
            if lenient:
                wanted, other = _passes(wanted), _passes(other)
            found += self._judged(source, translated, wanted, other, row)
        self.compared += 1
        return found

    def value_differences(self, source: str, translated: translation.Translation) -> list[str]:
        """Rows in which a value and its translation differ."""
        assert translated.sql is not None, translated.reason
        theirs = self.in_postgres(translated.sql)
        found = []
        for (value, *row), other in zip(self._with_rows(source), theirs, strict=True):
            found += self._judged(source, translated, value, _as_sqlite(other), row)
        self.compared += 1
        return found

    def _judged(
        self, source: str, translated: translation.Translation, wanted: Any, other: Any, row: list[Any]
    ) -> list[str]:
        if isinstance(wanted, Exception) or (isinstance(other, Exception) and translated.caveat):
            return []
        if isinstance(other, Exception) or other != wanted or (other is None) != (wanted is None):
            named = dict(zip(COLUMNS, row, strict=True))
            return [f"{source} is {wanted!r}, {translated.sql} is {other!r} for {named}"]
        return []

    def _with_rows(self, *expressions: str) -> list[tuple[Any, ...]]:
        return self.in_sqlite([*expressions, *map(_quoted, COLUMNS)])


def _passes(value: Any) -> Any:
    return value if isinstance(value, Exception) else value is not False


def _as_sqlite(value: Any) -> Any:
    match value:
        case memoryview():
            return bytes(value)
        case decimal.Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime.date():
            return value.isoformat()
    return value


def fill(lite: apsw.Connection, post: psycopg.Connection[Any]) -> Both:
    """The same table in both databases."""
    written = ", ".join(f"{_quoted(name)} {column[0]}" for name, column in COLUMNS.items())
    lite.execute(f"CREATE TABLE sample (id INTEGER PRIMARY KEY, {written})")
    in_c = {"text": 'text COLLATE "C"'}
    written = ", ".join(f"{_quoted(NAMES[name])} {in_c.get(sql, sql)}" for name, sql in TYPES.items())
    post.execute(f"CREATE TABLE sample (id bigint PRIMARY KEY, {written})")
    holes = ", ".join(["?"] * (len(COLUMNS) + 1))
    copied = f"INSERT INTO sample VALUES ({holes.replace('?', '%s')})"
    booleans = [position for position, sql in enumerate(TYPES.values(), start=1) if sql == "boolean"]
    for number, row in enumerate(_rows(), start=1):
        values: list[Any] = [number, *row]
        lite.execute(f"INSERT INTO sample VALUES ({holes})", values)
        for position in booleans:
            values[position] = None if values[position] is None else bool(values[position])
        post.execute(copied, values)
    return Both(lite, post)
