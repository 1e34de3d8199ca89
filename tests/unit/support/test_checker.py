"""The checker must see what it is there to see: every test plants one fault in two databases made by hand."""

from __future__ import annotations

import json
import math
import random
import sqlite3
import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from support import checker, servers


class Pair:
    """A SQLite file and a PostgreSQL database, with a plan that says which tables belong together."""

    def __init__(self, path: Path, dsn: str) -> None:
        self.path, self.dsn = path, dsn
        self.tables: list[dict[str, Any]] = []
        self.source = sqlite3.connect(path, isolation_level=None)
        self.target = psycopg.connect(dsn, autocommit=True)
        self.target.execute("CREATE SCHEMA outgrow")
        self.target.execute("CREATE TABLE outgrow.migration (plan jsonb)")
        self.target.execute("CREATE TABLE outgrow.quarantine (table_name text, key text, row jsonb)")

    def close(self) -> None:
        self.source.close()
        self.target.close()

    def plan(self, source: str, target: str, columns: Sequence[str | tuple[str, str]], **more: Any) -> None:
        """Plan a table; a column with another name in the target is a pair of names."""
        pairs = [(name, name) if isinstance(name, str) else name for name in columns]
        planned = [
            {"source": ours, "target": theirs, "type": "unused", "codec": {}, "generated": False}
            for ours, theirs in pairs
        ]
        self.tables.append({"source": source, "target": target, "key": [], "rowid": None, "columns": planned} | more)

    def quarantine(self, table: str, key: str, **values: Any) -> None:
        """Keep a row the way the engine does."""
        self.target.execute(
            "INSERT INTO outgrow.quarantine VALUES (%s, %s, %s)",
            [table, key, json.dumps({name: kept(value) for name, value in values.items()})],
        )

    def compare(self, **more: Any) -> checker.Report:
        self.target.execute("DELETE FROM outgrow.migration")
        self.target.execute("INSERT INTO outgrow.migration VALUES (%s)", [json.dumps({"tables": self.tables})])
        return checker.compare(self.path, self.dsn, **more)

    def column(self, declared: str, kind: str, rows: Sequence[tuple[Any, str | None]]) -> checker.Report:
        """Compare one column of rows (SQLite value, PostgreSQL text)."""
        self.source.execute(f"CREATE TABLE c (id INTEGER PRIMARY KEY, v {declared})")
        self.target.execute(f"CREATE TABLE c (id bigint, v {kind})")
        for number, (value, text) in enumerate(rows):
            self.source.execute("INSERT INTO c VALUES (?, ?)", [number, value])
            self.target.execute(
                sql.SQL("INSERT INTO c VALUES ({}, {})").format(sql.Literal(number), sql.Literal(text)).as_string()
            )
        self.plan("c", "c", ["id", "v"], key=["id"])
        return self.compare()


def kept(value: Any) -> dict[str, Any]:
    """One quarantined value."""
    match value:
        case None:
            return {"class": "null", "value": None}
        case int():
            return {"class": "integer", "value": str(value)}
        case float():
            return {"class": "real", "value": struct.pack(">d", value).hex()}
        case str():
            return {"class": "text", "value": value.encode().hex()}
        case _:
            return {"class": "blob", "value": value.hex()}


@pytest.fixture(scope="module")
def dsn(server: Any) -> Iterator[str]:
    """One database for the whole module: making one takes longer than a test."""
    with servers.database(server) as made:
        yield made


@pytest.fixture
def pair(tmp_path: Path, dsn: str) -> Iterator[Pair]:
    """Two empty databases."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS outgrow, public CASCADE")
        connection.execute("CREATE SCHEMA public")
    both = Pair(tmp_path / "app.db", dsn)
    yield both
    both.close()


@pytest.fixture
def people(pair: Pair) -> Pair:
    """Three rows that crossed without a fault."""
    pair.source.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, height REAL, face BLOB)")
    pair.target.execute("CREATE TABLE people (id bigint PRIMARY KEY, name text, height double precision, face bytea)")
    rows = [(1, "Ada", 1.1, b"\x00\xff"), (2, "Bob\t\\N", 2.2, b""), (3, None, None, None)]
    pair.source.executemany("INSERT INTO people VALUES (?, ?, ?, ?)", rows)
    for row in rows:
        pair.target.execute("INSERT INTO people VALUES (%s, %s, %s, %s)", row)
    pair.plan("people", "people", ["id", "name", "height", "face"], key=["id"])
    return pair


def only(report: checker.Report) -> checker.Difference:
    """The one difference there is."""
    assert len(report.differences) == 1, str(report)
    return report.differences[0]


# --- rows


def test_equal_databases_have_no_difference(people: Pair) -> None:
    """Otherwise no other test here means anything."""
    report = people.compare().require()
    assert report.present == {"people": 3}
    assert report.doubts == ()


def test_a_process_of_its_own_reports_the_same(people: Pair) -> None:
    """`apart` carries the whole report back."""
    people.target.execute("UPDATE people SET name = 'Eve' WHERE id = 1")
    assert people.compare(apart=True) == people.compare()


def test_one_changed_bit_of_a_double_is_found(people: Pair) -> None:
    """The last bit of the mantissa."""
    people.target.execute("UPDATE people SET height = %s WHERE id = 1", [math.nextafter(1.1, 2)])
    found = only(people.compare())
    assert (found.kind, found.table, found.column) == ("value", "people", "height")
    assert found.key == "id=integer 1"
    assert "3ff199999999999a" in str(found.source)


def test_one_changed_bit_of_a_blob_is_found(people: Pair) -> None:
    """The lowest bit of the last byte."""
    people.target.execute(r"UPDATE people SET face = '\x00fe' WHERE id = 1")
    assert only(people.compare()).column == "face"


def test_a_null_turned_into_an_empty_text_is_found(people: Pair) -> None:
    """In either direction."""
    people.target.execute("UPDATE people SET name = '' WHERE id = 3")
    people.target.execute("UPDATE people SET face = NULL WHERE id = 2")
    assert {(d.key, d.column) for d in people.compare().differences} == {
        ("id=integer 3", "name"),
        ("id=integer 2", "face"),
    }


def test_a_missing_row_is_found(people: Pair) -> None:
    """It is neither in the target nor in quarantine."""
    people.target.execute("DELETE FROM people WHERE id = 2")
    found = only(people.compare())
    assert (found.kind, found.key) == ("missing row", "id=integer 2")


def test_an_extra_row_is_found(people: Pair) -> None:
    """A row that the source never had."""
    people.target.execute("INSERT INTO people VALUES (4, 'Mallory')")
    found = only(people.compare())
    assert (found.kind, found.key) == ("extra row", "id=4")


def test_a_row_that_arrived_twice_is_found(people: Pair) -> None:
    """Exactly once means once."""
    people.target.execute("ALTER TABLE people DROP CONSTRAINT people_pkey")
    people.target.execute("INSERT INTO people SELECT * FROM people WHERE id = 1")
    assert only(people.compare()).kind == "extra row"


def test_values_swapped_between_two_rows_are_found(people: Pair) -> None:
    """Sums and counts would not see it."""
    people.target.execute("UPDATE people SET height = 3.3 - height WHERE id IN (1, 2)")
    people.target.execute("UPDATE people SET height = CASE id WHEN 1 THEN 2.2 ELSE 1.1 END WHERE id < 3")
    assert people.compare().kinds() == {"value": 2}


def test_values_swapped_between_two_columns_are_found(pair: Pair) -> None:
    """The mapping is by name."""
    pair.source.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)")
    pair.source.execute("INSERT INTO t VALUES (1, 2, 3)")
    pair.target.execute("CREATE TABLE t (id bigint, b bigint, a bigint)")
    pair.target.execute("INSERT INTO t VALUES (1, 2, 3)")
    pair.plan("t", "t", ["id", "a", "b"], key=["id"])
    assert [d.column for d in pair.compare().differences] == ["a", "b"]


def test_duplicate_rows_without_a_key_are_counted(pair: Pair) -> None:
    """Without a key the rows are a multiset."""
    pair.source.execute("CREATE TABLE t (a, b)")
    pair.source.executemany("INSERT INTO t VALUES (?, ?)", [(1, "x"), (1, "x"), (2, None)])
    pair.target.execute("CREATE TABLE t (a bigint, b text)")
    pair.target.execute("INSERT INTO t VALUES (1, 'x'), (1, 'x'), (2, NULL)")
    pair.plan("t", "t", ["a", "b"])
    pair.compare().require()
    pair.target.execute("DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t)")
    assert only(pair.compare()).kind == "missing row"


def test_a_rowid_is_a_key_and_must_be_the_same(pair: Pair) -> None:
    """Duplicate rows keep their rowids, whatever the columns are called."""
    pair.source.execute("CREATE TABLE t (rowid, a)")
    pair.source.executemany("INSERT INTO t(_rowid_, rowid, a) VALUES (?, ?, ?)", [(-5, "r", 1), (7, "r", 1)])
    pair.target.execute('CREATE TABLE t ("row id" bigint, rowid text, a bigint)')
    pair.target.execute("INSERT INTO t VALUES (-5, 'r', 1), (7, 'r', 1)")
    pair.plan("t", "t", ["rowid", "a"], rowid="row id")
    pair.compare().require()
    pair.target.execute('UPDATE t SET "row id" = 8 WHERE "row id" = 7')
    assert pair.compare().kinds() == {"missing row": 1, "extra row": 1}


def test_keys_with_null_are_matched_by_the_whole_row(pair: Pair) -> None:
    """SQLite lets NULL into a TEXT PRIMARY KEY, more than once."""
    pair.source.execute("CREATE TABLE t (k TEXT PRIMARY KEY, v)")
    pair.source.executemany("INSERT INTO t VALUES (?, ?)", [(None, 1), (None, 2), ("a", 3)])
    pair.target.execute("CREATE TABLE t (k text, v bigint)")
    pair.target.execute("INSERT INTO t VALUES (NULL, 2), (NULL, 1), ('a', 3)")
    pair.plan("t", "t", ["k", "v"], key=["k"])
    pair.compare().require()
    pair.target.execute("UPDATE t SET v = 9 WHERE v = 2")
    assert only(pair.compare()).column == "v"


def test_renamed_tables_and_columns_are_followed(pair: Pair) -> None:
    """Names come from the plan, however odd they are."""
    pair.source.execute('CREATE TABLE "Ord%er""s" ("$1 {}" INTEGER PRIMARY KEY, "" TEXT)')
    pair.source.execute('INSERT INTO "Ord%er""s" VALUES (1, ?)', ["é"])
    pair.target.execute('CREATE TABLE "or%%ders" (id int, "%%s" varchar)', [])
    pair.target.execute("INSERT INTO \"or%%ders\" VALUES (1, 'é')", [])
    pair.plan('Ord%er"s', "or%ders", [("$1 {}", "id"), ("", "%s")], key=["$1 {}"])
    pair.compare().require()


def test_tables_left_out_are_named(people: Pair) -> None:
    """Also virtual tables, and a table whose name only looks like one of SQLite's own."""
    people.source.execute("CREATE TABLE sqlite3_jobs (a)")
    people.source.execute("CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT)")
    people.target.execute("CREATE TABLE debris (a int)")
    people.target.execute("ALTER TABLE people ADD COLUMN note text")
    report = people.compare().require()
    assert report.left_out == ("counted", "sqlite3_jobs")
    assert report.unplanned == ("debris", "people.note")


def test_a_column_left_out_is_a_difference(people: Pair) -> None:
    """A table may be left out on purpose, a column never."""
    people.source.execute("ALTER TABLE people ADD COLUMN age")
    assert only(people.compare()).column == "age"
    people.target.execute("ALTER TABLE people DROP COLUMN face")
    assert people.compare().kinds() == {"missing column": 2}


def test_a_missing_table_is_found(people: Pair) -> None:
    """Planned, but not there."""
    people.target.execute("DROP TABLE people")
    assert only(people.compare()).kind == "missing table"


def test_generated_columns_are_compared(pair: Pair) -> None:
    """They are invisible in `table_info`, not here."""
    pair.source.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b INT AS (a * 2), c INT AS (b + 1) STORED)")
    pair.source.execute("INSERT INTO t(id, a) VALUES (1, 5)")
    pair.target.execute("CREATE TABLE t (id bigint, a bigint, b bigint, c bigint)")
    pair.target.execute("INSERT INTO t VALUES (1, 5, 10, 12)")
    pair.plan("t", "t", ["id", "a", "b", "c"], key=["id"])
    assert only(pair.compare()).column == "c"


def test_many_rows_are_compared_in_buckets_on_disk(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three faults in 5,000 rows are still found, and keep their storage class on the way through the disk."""
    monkeypatch.setattr(checker, "ROWS_PER_BUCKET", 300)
    pair.source.execute("CREATE TABLE t (k TEXT PRIMARY KEY, a INTEGER, b BLOB)")
    rows = [(f"k{i}é", i, struct.pack(">q", i * 7919)) for i in range(5000)]
    pair.source.execute("BEGIN")
    pair.source.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    pair.source.execute("COMMIT")
    pair.target.execute("CREATE TABLE t (k text, a bigint, b bytea)")
    with pair.target.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s, %s)", rows)
    pair.plan("t", "t", ["k", "a", "b"], key=["k"])
    assert pair.compare().require().present == {"t": 5000}
    pair.target.execute("UPDATE t SET a = a + 1 WHERE a = 4321")
    pair.target.execute("DELETE FROM t WHERE a = 7")
    pair.target.execute("UPDATE t SET k = k || ' ' WHERE a = 9")
    assert pair.compare().kinds() == {"value": 1, "missing row": 2, "extra row": 1}


# --- quarantine


def test_a_quarantined_row_is_accounted_for(people: Pair) -> None:
    """Its values are exactly the source's."""
    people.target.execute("DELETE FROM people WHERE id = 1")
    people.quarantine("people", "1", id=1, name="Ada", height=1.1, face=b"\x00\xff")
    report = people.compare().require()
    assert report.present == {"people": 2}
    assert report.quarantined == {"people": 1}


@pytest.mark.parametrize(
    ("column", "value"),
    [("name", "Ada "), ("name", b"Ada"), ("height", 1.1000000000000003), ("height", None), ("face", b"\x00\xfe")],
)
def test_a_wrong_value_in_quarantine_is_found(people: Pair, column: str, value: Any) -> None:
    """One column differs, in value or in storage class only."""
    people.target.execute("DELETE FROM people WHERE id = 1")
    people.quarantine("people", "1", **({"id": 1, "name": "Ada", "height": 1.1, "face": b"\x00\xff"} | {column: value}))
    found = only(people.compare())
    assert (found.kind, found.column, found.key) == ("quarantine value", column, "id=integer 1")


def test_the_sign_of_zero_matters_in_quarantine(pair: Pair) -> None:
    """0.0 and -0.0 compare equal everywhere else."""
    pair.source.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
    pair.source.execute("INSERT INTO t VALUES (1, ?)", [-0.0])
    pair.target.execute("CREATE TABLE t (id bigint, v bigint)")
    pair.plan("t", "t", ["id", "v"], key=["id"])
    pair.quarantine("t", "1", id=1, v=0.0)
    assert only(pair.compare()).kind == "quarantine value"


def test_a_row_present_and_quarantined_is_found(people: Pair) -> None:
    """It must be one or the other."""
    people.quarantine("people", "1", id=1, name="Ada", height=1.1, face=b"\x00\xff")
    assert only(people.compare()).kind == "both"


def test_a_row_quarantined_twice_is_found(people: Pair) -> None:
    """A retried chunk must not keep its rows again."""
    people.target.execute("DELETE FROM people WHERE id = 1")
    for _ in range(2):
        people.quarantine("people", "1", id=1, name="Ada", height=1.1, face=b"\x00\xff")
    assert only(people.compare()).kind == "stray quarantine"


def test_a_quarantined_row_the_source_does_not_have_is_found(people: Pair) -> None:
    """So is one of a table that nobody planned, and one that can't be read."""
    people.quarantine("people", "9", id=9, name=None, height=None, face=None)
    people.quarantine("nothing", "1", id=1)
    people.quarantine("people", "8", id=8)
    assert people.compare().kinds() == {"stray quarantine": 3}


def test_duplicates_may_be_split_between_target_and_quarantine(pair: Pair) -> None:
    """Two equal rows without a key: one may be kept, one may have crossed."""
    pair.source.execute("CREATE TABLE t (a)")
    pair.source.execute("INSERT INTO t VALUES (1), (1)")
    pair.target.execute("CREATE TABLE t (a bigint)")
    pair.target.execute("INSERT INTO t VALUES (1)")
    pair.plan("t", "t", ["a"])
    pair.quarantine("t", "", a=1)
    pair.compare().require()
    pair.target.execute("INSERT INTO t VALUES (1)")
    assert only(pair.compare()).kind == "both"


# --- values


EQUAL = {
    "integers": ("INTEGER", "bigint", [(2**63 - 1, str(2**63 - 1)), (-(2**63), str(-(2**63))), (None, None)]),
    "smallints": ("INTEGER", "smallint", [(-3, "-3")]),
    "booleans": ("BOOLEAN", "boolean", [(0, "f"), (1, "t")]),
    "boolean words": ("TEXT", "boolean", [("True", "t"), ("False", "f"), ("True", "t")]),
    "doubles": (
        "",
        "double precision",
        [(0.1, "0.1"), (-0.0, "-0"), (5e-324, "5e-324"), (math.inf, "inf"), (1e308 * 1.7, repr(1e308 * 1.7))],
    ),
    "numerics": ("NUMERIC", "numeric", [(3, "3"), (3, "3.00"), (0.1, "0.1"), (0.1, "0.100"), (math.inf, "Infinity")]),
    "texts": (
        "TEXT",
        "text",
        [("", ""), ("é\U0001f600\ufeff", "é\U0001f600\ufeff"), ("\\N\\.\t\r\n\x1f", "\\N\\.\t\r\n\x1f")],
    ),
    "numbers kept as text": (
        "NUMERIC",
        "text",
        [
            (5, "5"),
            (-7, "-7.0"),
            (0.5, "0.5"),
            (1e300, "1e300"),
            (2.0**63, "9.223372036854775808e18"),
            ("lots", "lots"),
        ],
    ),
    "reals kept as text": ("REAL", "text", [(5.0, "5"), (5.0, "5.0"), (-0.25, "-0.25"), (math.inf, "9e999")]),
    "blobs": ("BLOB", "bytea", [(b"", "\\x"), (b"\x00\\", "\\x005c")]),
    "texts as bytea": ("TEXT", "bytea", [("a\x00é", "\\x6100c3a9")]),
    "uuids": ("TEXT", "uuid", [("12345678-9abc-def0-1234-56789abcdef0",) * 2]),
    "json": ("TEXT", "json", [('{"b": 1.0,  "a":[]}',) * 2]),
    "jsonb": ("TEXT", "jsonb", [('{"b": 1.0,  "a":[null,true,1e2]}',) * 2, ("1", "1.0"), ('{"a":1,"a":2}', '{"a":2}')]),
    "dates": ("DATE", "date", [("2024-02-29", "2024-02-29"), ("0001-01-01", "0001-01-01")]),
    "times": ("TIME", "time", [("23:59:59", "23:59:59"), ("00:00:00.5", "00:00:00.5")]),
    "timestamps": (
        "DATETIME",
        "timestamp",
        [("2024-01-02 03:04:05.123456", "2024-01-02 03:04:05.123456"), ("2024-01-02 03:04:05", "2024-01-02 03:04:05")],
    ),
    "timestamps with an offset": (
        "DATETIME",
        "timestamptz",
        [("2024-01-01T00:30:00+05:30", "2023-12-31 19:00:00Z"), ("2024-07-01T00:30:00+05:30", "2024-06-30 19:00:00Z")],
    ),
    "naive timestamps are UTC": ("DATETIME", "timestamptz", [("1600-02-29 12:00", "1600-02-29 12:00:00+00")]),
}


@pytest.mark.parametrize("name", EQUAL)
def test_equal_values_are_equal(pair: Pair, name: str) -> None:
    """Every rule accepts what it is meant to accept."""
    report = pair.column(*EQUAL[name]).require()
    assert report.doubts == ()


UNEQUAL: dict[str, tuple[str, str, Any, str | None]] = {
    "integer off by one": ("INTEGER", "bigint", 5, "6"),
    "real rounded to integer": ("", "bigint", 3.0, "3"),
    "text read as integer": ("BLOB", "bigint", "16", "16"),
    "hexadecimal read as integer": ("INTEGER", "bigint", "0x10", "16"),
    "two as true": ("BOOLEAN", "boolean", 2, "t"),
    "zero as true": ("BOOLEAN", "boolean", 0, "t"),
    "boolean to NULL": ("BOOLEAN", "boolean", 0, None),
    "odd word as true": ("TEXT", "boolean", "tru", "t"),
    "minus zero": ("", "double precision", -0.0, "0"),
    "minus zero as numeric": ("", "numeric", -0.0, "0"),
    "integer as double": ("", "double precision", 3, "3"),
    "double cut to 15 digits": ("REAL", "double precision", 0.1 + 0.2, "0.3"),
    "double in single precision": ("REAL", "double precision", 3.14159265358979, "3.1415927"),
    "numeric cut": ("REAL", "numeric(10,2)", 1.005, "1.01"),
    "large integer as numeric": ("INTEGER", "numeric", 2**53 + 1, str(2**53)),
    "infinity as the largest": ("REAL", "double precision", math.inf, "1.7976931348623157e308"),
    "text nan as numeric": ("NUMERIC", "numeric", "nan", "NaN"),
    "truncated text": ("TEXT", "text", "truncated", "truncate"),
    "trailing space lost": ("TEXT", "text", "a ", "a"),
    "trailing space added": ("TEXT", "char(3)", "a", "a"),
    "case changed": ("TEXT", "text", "É", "é"),
    "normalised": ("TEXT", "text", "e\u0301", "é"),
    "replacement character": ("TEXT", "text", "\ufeffa", "\ufffda"),
    "NUL cut off": ("TEXT", "text", "a\x00b", "a"),
    "newline changed": ("TEXT", "text", "a\r\nb", "a\nb"),
    "integer into typeless text": ("", "text", 5, "5"),
    "blob as text": ("TEXT", "text", b"abc", "abc"),
    "real as text that comes back integer": ("NUMERIC", "text", 2.0**63, str(2**62)),
    "real as text of 15 digits": ("REAL", "text", 0.1 + 0.2, "0.3"),
    "Infinity as a word": ("REAL", "text", math.inf, "Infinity"),
    "blob decoded from hex": ("BLOB", "bytea", rb"\x68", r"\x68"),
    "integer as bytea": ("BLOB", "bytea", 104, r"\x68"),
    "upper-case uuid": ("TEXT", "uuid", "ABCDEF01-0000-0000-0000-000000000000", "abcdef01-0000-0000-0000-000000000000"),
    "braces around uuid": (
        "TEXT",
        "uuid",
        "{00000000-0000-0000-0000-000000000000}",
        "00000000-" + "0000-" * 3 + "0" * 12,
    ),
    "blob as uuid": ("BLOB", "uuid", bytes(16), "00000000-0000-0000-0000-000000000000"),
    "json spaces": ("TEXT", "json", '{"a": 1}', '{"a":1}'),
    "jsonb value": ("TEXT", "jsonb", '{"a": 1}', '{"a": true}'),
    "shifted timestamp": ("TEXT", "timestamptz", "2024-01-01T00:00:00+05:30", "2024-01-01 00:00:00Z"),
    "shifted by a session's zone": ("TEXT", "timestamptz", "2024-01-01 00:00:00", "2024-01-01 00:00:00+01"),
    "zone dropped": ("TEXT", "timestamp", "2024-01-01T00:00:00Z", "2024-01-01 00:00:00"),
    "one microsecond": ("TEXT", "timestamp", "2024-01-01 00:00:00.000001", "2024-01-01 00:00:00"),
    "seven digits rounded": ("TEXT", "timestamp", "2024-01-01 00:00:00.1234567", "2024-01-01 00:00:00.123457"),
    "timestamp(3) rounds": ("TEXT", "timestamp(3)", "2024-01-01 00:00:00.1234", "2024-01-01 00:00:00.1234"),
    "24:00 rolled over": ("TEXT", "timestamp", "2024-01-01 24:00:00", "2024-01-02 00:00:00"),
    "leap second rolled over": ("TEXT", "timestamp", "2024-01-01 23:59:60", "2024-01-02 00:00:00"),
    "trailing space in a timestamp": ("TEXT", "timestamp", "2024-01-01 00:00:00 ", "2024-01-01 00:00:00"),
    "now": ("TEXT", "timestamp", "now", "2024-01-01 00:00:00"),
    "epoch": ("TEXT", "timestamptz", "epoch", "1970-01-01 00:00:00Z"),
    "day and month swapped": ("TEXT", "date", "2024-01-02", "2024-02-01"),
    "slashes": ("TEXT", "date", "01/02/2024", "2024-01-02"),
    "compact date": ("DATE", "date", "20240101", "2024-01-01"),
    "no such day": ("TEXT", "date", "2023-02-29", "2023-03-01"),
    "infinite date": ("TEXT", "date", "infinity", "infinity"),
    "before Christ": ("TEXT", "date", "0044-03-15", "0044-03-15 BC"),
    "time": ("TEXT", "time", "12:00:00", "00:00:00"),
    "single precision": ("REAL", "real", 0.5, "0.5"),
    "an interval": ("TEXT", "interval", "1 day", "1 day"),
}


@pytest.mark.parametrize("name", UNEQUAL)
def test_a_changed_value_is_found(pair: Pair, name: str) -> None:
    """Every rule refuses the silent changes of the catalogue of pitfalls."""
    declared, kind, value, text = UNEQUAL[name]
    found = only(pair.column(declared, kind, [(value, text)]))
    assert found.column == "v"
    assert found.kind == ("type" if kind in ("real", "interval") else "value")


def test_invalid_utf8_turned_into_replacement_characters_is_found(pair: Pair) -> None:
    """Text is compared as the bytes that SQLite holds."""
    pair.source.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    pair.source.execute("INSERT INTO t VALUES (1, CAST(x'636166E9' AS TEXT))")
    pair.target.execute("CREATE TABLE t (id bigint, v text)")
    pair.target.execute("INSERT INTO t VALUES (1, 'caf\ufffd')")
    pair.plan("t", "t", ["id", "v"], key=["id"])
    assert only(pair.compare()).column == "v"


FORMATS = {
    "separators": ("timestamp", ["2024-01-01 00:00:00", "2024-01-01T00:00:00"]),
    "offsets": ("timestamptz", ["2024-01-01 00:00:00+01:00", "2024-01-01 00:00:00+02:00"]),
    "spellings of UTC": ("timestamptz", ["2024-01-01 00:00:00Z", "2024-01-01 00:00:00+00:00"]),
    "seconds left out": ("timestamp", ["2024-01-01 00:00", "2024-01-01 00:00:00"]),
    "lengths of fractions": ("timestamp", ["2024-01-01 00:00:00.120", "2024-01-01 00:00:00.123456"]),
    "zero fractions": ("time", ["00:00:00.000000", "00:00:00", "00:00:00.000001"]),
    "dates among timestamps": ("timestamp", ["2024-01-01", "2024-01-01 00:00:00"]),
}


@pytest.mark.parametrize("name", FORMATS)
def test_more_than_one_format_of_text_in_a_column_is_found(pair: Pair, name: str) -> None:
    """The instants are right, but nobody could write the texts again."""
    kind, texts = FORMATS[name]
    assert only(pair.column("TEXT", kind, [(text, text) for text in texts])).kind == "format"


def test_more_than_one_pair_of_words_in_a_boolean_column_is_found(pair: Pair) -> None:
    """'t' and 'true' are both true, and both lost."""
    assert only(pair.column("TEXT", "boolean", [("t", "t"), ("true", "t")])).kind == "format"


def test_words_of_different_pairs_are_found(pair: Pair) -> None:
    """0 and 'yes' are no pair, though each is unambiguous."""
    assert only(pair.column("BLOB", "boolean", [(0, "f"), ("yes", "t")])).kind == "format"


def test_a_storage_class_nobody_can_restore_is_doubted(pair: Pair) -> None:
    """3 and 3.0 are the same number, but not the same value in a column without a type."""
    report = pair.column("", "numeric", [(3, "3"), (4.0, "4")]).require()
    assert [doubt.column for doubt in report.doubts] == ["v"]


def test_a_real_that_would_come_back_as_integer_is_doubted(pair: Pair) -> None:
    """-2^63 is the one real that NUMERIC keeps, though it is an integer."""
    report = pair.column("NUMERIC", "numeric", [(-(2.0**63), str(-(2**63)))]).require()
    assert "comes back as integer" in str(report.doubts[0])


def test_text_and_blob_in_one_bytea_column_are_doubted(pair: Pair) -> None:
    """Both have the same bytes."""
    assert pair.column("", "bytea", [(b"a", r"\x61"), ("a", r"\x61")]).require().doubts


def test_domains_and_enums_count_as_what_they_are_built_on(pair: Pair) -> None:
    """The type is the one in the target's catalogue."""
    pair.target.execute("CREATE TYPE mood AS ENUM ('sad', 'ok')")
    pair.target.execute("CREATE DOMAIN feeling AS mood")
    report = pair.column("TEXT", "feeling", [("sad", "sad"), ("ok", "sad")])
    assert only(report).key == "id=integer 1"


def test_vectors_are_compared_bit_by_bit(pair: Pair) -> None:
    """float32, little-endian."""
    if not pair.target.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone():
        pytest.skip("no pgvector here")
    pair.target.execute("CREATE EXTENSION vector")
    generator = random.Random(7)
    blobs = [struct.pack("<4f", *(generator.uniform(-1, 1) for _ in range(4))) for _ in range(50)]
    blobs.append(struct.pack("<4f", 0.0, -0.0, 1e-45, 3.4028234663852886e38))
    rows = [(blob, str(list(struct.unpack("<4f", blob)))) for blob in blobs]
    pair.column("BLOB", "vector(4)", rows).require()
    pair.target.execute("UPDATE c SET v = '[1,2,3,4]' WHERE id = 3")
    pair.target.execute("UPDATE c SET v = '[0,0,1e-45,3.4028235e38]' WHERE id = 50")
    assert {found.key for found in pair.compare().differences} == {"id=integer 3", "id=integer 50"}


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_utf16_files_are_read_as_text(pair: Pair, encoding: str) -> None:
    """Bytes are compared after SQLite's own conversion."""
    pair.source.execute(f"PRAGMA encoding = '{encoding}'")
    pair.column("TEXT", "text", [("é\U0001f600", "é\U0001f600")]).require()


def test_a_lone_surrogate_read_as_another_character_is_found(pair: Pair) -> None:
    """SQLite itself reads U+D83D and 'a' as the one character U+1F461."""
    pair.source.execute("PRAGMA encoding = 'UTF-16le'")
    pair.source.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    pair.source.execute("INSERT INTO t VALUES (1, CAST(x'3DD86100' AS TEXT))")
    assert pair.source.execute("SELECT v FROM t").fetchone() == ("\U0001f461",)
    pair.target.execute("CREATE TABLE t (id bigint, v text)")
    pair.target.execute("INSERT INTO t VALUES (1, '\U0001f461')")
    pair.plan("t", "t", ["id", "v"], key=["id"])
    assert only(pair.compare()).column == "v"


def test_a_write_ahead_log_is_read_too(pair: Pair) -> None:
    """Rows that are only in the -wal file count."""
    pair.source.execute("PRAGMA journal_mode = wal")
    pair.column("TEXT", "text", [("a", "a")]).require()
    pair.source.execute("INSERT INTO c VALUES (9, 'late')")
    assert only(pair.compare()).kind == "missing row"


@pytest.mark.slow
def test_100_000_rows_of_ten_columns_take_less_than_20_seconds(pair: Pair) -> None:
    """Tests compare after every phase, so the checker has to be fast enough."""
    kinds = ["bigint", "text", "double precision", "numeric", "bytea", "timestamp", "boolean", "text", "bigint", "text"]
    names = [f"c{i}" for i in range(10)]
    declared = ["INTEGER PRIMARY KEY", "TEXT", "REAL", "NUMERIC", "BLOB", "TEXT", "BOOLEAN", "TEXT", "INTEGER", "INT"]
    pair.source.execute(f"CREATE TABLE t ({', '.join(map(' '.join, zip(names, declared, strict=True)))})")
    pair.target.execute(f"CREATE TABLE t ({', '.join(map(' '.join, zip(names, kinds, strict=True)))})")
    generator = random.Random(1)
    rows = []
    for i in range(100_000):
        number, stamp = generator.random(), f"2024-01-01 00:{i // 60 % 60:02}:{i % 60:02}"
        rows.append((i, f"name {i}", number, i, number.hex().encode(), stamp, i % 2, "é" * (i % 9), -i, i))
    pair.source.execute("BEGIN")
    pair.source.executemany("INSERT INTO t VALUES (?,?,?,?,?,?,?,?,?,?)", rows)
    pair.source.execute("COMMIT")
    with pair.target.cursor() as cursor, cursor.copy("COPY t FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    pair.plan("t", "t", names, key=["c0"])
    began = time.monotonic()
    report = pair.compare().require()
    assert time.monotonic() - began < 20
    assert report.present == {"t": 100_000}
