"""The catalogue of pitfalls, one test a number: one file with a table for each, copied once and looked at many times.

The number is the catalogue's; a table is called after it. The fixture itself requires that engine and checker find every value
where it belongs, so the tests only say what each pitfall's special handling is.
"""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from outgrow import errors, migration
from outgrow.model import plan
from outgrow.postgres import embedded
from support import engine, servers

# Each row is a SQLite expression list; ids count from 1.
TABLES: dict[str, tuple[str, list[str]]] = {
    "p01": ("v TEXT", ["'a' || char(0) || 'b'", "'a'", "char(0)"]),
    "p02": ("v TEXT", ["CAST(x'636166E9' AS TEXT)", "'café'"]),
    "p03": ("v TEXT", ["char(0xFFFD)", "CAST(x'ff' AS TEXT)"]),
    "p05": ("v INTEGER", ["1", "'lots'", "-3"]),
    "p06": ("v INTEGER, n NUMERIC, d DATE", ["'', '', ''", "1, 1.5, '2024-01-01'", "NULL, NULL, NULL"]),
    "p07": ("v INTEGER", ["'0x10'", "16"]),
    "p08": ("v INTEGER", ["3.7", "4"]),
    "p09": ("v INTEGER", ["2147483648", "9223372036854775807", "-9223372036854775808"]),
    "p11": ("v INTEGER", ["9223372036854775808", "1"]),
    "p12": ("v DECIMAL(20,4)", ["'12345678901234567.89'", "'0.1'"]),
    "p13": ("v REAL, n NUMERIC", ["1234567.89, 1234567.89", "1230.99, 1230.99", "1e23, 1e23"]),
    "p14": ("v REAL, f FLOAT", ["3.14159265358979, 3.14159265358979"]),
    "p15": ("v REAL, n NUMERIC", ["1e999, 1e999", "-1e999, -1e999", "0.5, 0.5"]),
    "p16": ("v REAL, w", ["-0.0, -0.0", "0.0, 0.0"]),
    "p17": ("v NUMERIC", ["'Infinity'", "'nan'", "1"]),
    "p18": ("v BOOLEAN", ["1", "'t'", "'true'", "2", "''", "0.5", "'yes'", "'tr'"]),
    "p18_clean": ("v BOOLEAN, w BOOLEAN", ["1, 'true'", "0, 'false'", "NULL, NULL"]),
    "p19": ("v TEXT, w BLOB", ["x'ff', '-----BEGIN'", "x'00', 'aGVsbG8='"]),
    "p20": ("v BLOB, w TEXT", [r"'\x68', '\x68'", r"'\\x68', '\\x68'"]),
    "p21": ("v VARCHAR(3), c CHAR(2)", ["'toolong', 'a  '", "'abc   ', '   '"]),
    "p22": ("v JSON, w JSON", ["'', '{}'", """'{''a'':1}', '{"a": [1.50]}'""", "'NaN', 'null'"]),
    "p23": ("v JSON", ["""'{"b":1,"a":2,"a":3}'""", """' [1 ,2] '"""]),
    "p24": ("v UUID", ["'6ba7b810-9dad-11d1-80b4-00c04fd430c8'", "'cus_abc'"]),
    "p24_clean": ("v UUID", ["'6ba7b810-9dad-11d1-80b4-00c04fd430c8'"]),
    "p24_upper": ("v UUID", ["'6BA7B810-9DAD-11D1-80B4-00C04FD430C8'"]),
    "p25": ("v TEXT", [r"'\.'", r"'a' || char(10) || '\.' || char(10) || 'b'", r"'\N'", r"'\'", "char(9, 13, 10)"]),
    "p26": ("v DATE", ["'0000-00-00'", "'2024-01-01'"]),
    "p27": ("v DATETIME", ["1700000000", "0"]),
    "p28": ("v DATETIME", ["1700000000000", "1700000000"]),
    "p29": ("v DATETIME", ["2460000.5", "2460000.25"]),
    "p30": ("v DATE", ["'2024'", "'20240101'"]),
    "p31": ("v DATETIME", ["'2024-01-01T00:00:00+05:30'", "'2024-01-01T00:00:00+01:00'"]),
    "p31_utc": ("v DATETIME", ["'2024-01-01T00:00:00Z'", "'1969-12-31T23:59:59Z'"]),
    "p31_naive": ("v DATETIME", ["'2024-03-31 02:30:00'", "'2024-10-27 02:30:00'"]),
    "p32": ("v TIMESTAMP", ["'now'", "'today'", "'tomorrow'", "'infinity'", "'epoch'"]),
    "p33": ("v DATETIME", ["'01/02/2024'", "'2024-01-01 24:00:00'", "'2024-01-01 23:59:60'"]),
    "p33_rollover": ("v DATETIME", ["'2024-01-01 24:00:00'", "'2024-01-01 00:00:00'"]),
    "p34": ("v DATETIME", ["'2024-01-01 00:00:00.1234567'", "'2024-01-01 00:00:00.9999999'"]),
    "p35": ("v DATETIME", ["'10000-01-01 00:00:00'", "'9999-12-31 23:59:59'"]),
    "p36": ("v DATETIME", ["'2024-01-01 00:00:00 '", "'2024-01-01T00:00:00Z '"]),
    "p39": ("v TEXT", ["'a'"]),
}

SCRIPT = (
    "CREATE TABLE p37 (id INTEGER PRIMARY KEY, v TEXT)",
    "INSERT INTO p37 VALUES (7, 'a')",
    "CREATE TABLE p38 (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)",
    "CREATE TABLE p40 (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)",
    "INSERT INTO p40 VALUES (1, 'a'), (100, 'b')",
    "DELETE FROM p40 WHERE id = 100",
    "CREATE TABLE p41 (id INTEGER PRIMARY KEY, v TEXT)",
    "INSERT INTO p41 VALUES (-5, 'a'), (0, 'b')",
    "CREATE TABLE p41_last (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)",
    "INSERT INTO p41_last VALUES (9223372036854775807, 'end')",
    'CREATE TABLE "P42 Mixed" ("Id" INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)',
    "INSERT INTO \"P42 Mixed\" VALUES (41, 'a')",
    "CREATE TABLE p44 (id INT PRIMARY KEY, v TEXT)",
    "INSERT INTO p44 VALUES (NULL, 'a'), (NULL, 'b'), (3, 'c')",
    "CREATE TABLE p44_down (id INTEGER PRIMARY KEY DESC, v TEXT)",
    "INSERT INTO p44_down VALUES (NULL, 'a'), (2, 'b')",
    "CREATE TABLE p45 (k TEXT PRIMARY KEY, v INTEGER)",
    "INSERT INTO p45 VALUES (NULL, 1), (NULL, 2), ('a', 3)",
    "CREATE TABLE p46 (a INTEGER, b TEXT, UNIQUE (a, b))",
    "INSERT INTO p46 VALUES (1, NULL), (1, NULL), (NULL, NULL), (NULL, NULL)",
    "CREATE TABLE p47 (id INTEGER PRIMARY KEY, u TEXT COLLATE NOCASE UNIQUE)",
    "INSERT INTO p47 VALUES (1, 'É'), (2, 'é'), (3, 'Ada')",
    "CREATE TABLE p48 (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p37 (id))",
    "INSERT INTO p48 VALUES (1, 7), (2, 999), (3, NULL)",
    "CREATE TABLE p49 (id INTEGER PRIMARY KEY, a INTEGER REFERENCES nobody (id), b TEXT REFERENCES p37 (v),"
    " c TEXT REFERENCES p37 (id), d INTEGER REFERENCES p37, e INTEGER REFERENCES p49)",
    "INSERT INTO p49 VALUES (1, 5, 'zzz', '7', 7, 1)",
    "CREATE TABLE p51 (id INTEGER PRIMARY KEY, a TEXT DEFAULT (datetime('now')), b TEXT DEFAULT (hex(randomblob(4))),"
    " c DATETIME DEFAULT CURRENT_TIMESTAMP, d TEXT DEFAULT 'now')",
    "CREATE TABLE p52 (id INTEGER PRIMARY KEY, a TEXT DEFAULT \"draft\", b TEXT DEFAULT 'null', c TEXT DEFAULT null)",
    "CREATE TABLE p53 (id INTEGER PRIMARY KEY, a TEXT DEFAULT ('a'||'b'))",
    "CREATE TABLE p54 (id INTEGER PRIMARY KEY, a BOOLEAN DEFAULT 0, b NUMERIC DEFAULT false, c BOOLEAN DEFAULT 1)",
    "INSERT INTO p54 VALUES (1, 1, 2.5, 0)",
    "CREATE TABLE p55 (id INTEGER PRIMARY KEY, a TINYINT(1), b INT(11), c TEXT(20), d NUMBER, e, f INTEGER NON,"
    ' g BLOB SUB_TYPE TEXT, h FLOATING POINT, i "odd type", j POINT)',
    "INSERT INTO p55 VALUES (1, 300, 5, 'c', 1.5, x'00', 7, 'g', 3, 1, 9)",
    "CREATE TABLE p56 (id INTEGER PRIMARY KEY, n INTEGER, twice INTEGER AS (n * 2) VIRTUAL, more INTEGER AS (twice + 1),"
    " half INTEGER AS (n / 2), kept TEXT AS (substr('abc', 1, 2)) STORED)",
    "INSERT INTO p56 (n) VALUES (1), (NULL), (4611686018427387904)",
    "CREATE TABLE p57 (id INTEGER PRIMARY KEY, a TEXT CHECK (a GLOB '[a-z]*'), b CHECK (typeof(b) = 'integer'),"
    " c INTEGER CHECK (c == 1 OR c > 5), d BOOLEAN CHECK (d IN (0, 1)), e TEXT CHECK (length(e) <= 3))",
    "INSERT INTO p57 VALUES (1, 'abc', 1, 1, 1, 'éé'), (2, NULL, 2, 9, 0, NULL)",
    "CREATE TABLE p58 (id INTEGER PRIMARY KEY, b TEXT, deleted INTEGER)",
    "CREATE UNIQUE INDEX p58_live ON p58 (b) WHERE deleted = 0",
    "CREATE UNIQUE INDEX p58_truthy ON p58 (id, b) WHERE deleted",
    "INSERT INTO p58 VALUES (1, 'x', 0), (2, 'x', 1), (3, 'x', 1)",
    "CREATE TABLE p59 (id INTEGER PRIMARY KEY, u TEXT UNIQUE, v TEXT)",
    "CREATE INDEX p59_v ON p59 (v)",
    "CREATE INDEX p59_lower ON p59 (lower(v))",
    "INSERT INTO p59 SELECT 1, hex(randomblob(4000)), hex(randomblob(4000))",
    f'CREATE TABLE "{"n" * 70}" (id INTEGER PRIMARY KEY, "{"c" * 70}1" TEXT, "{"c" * 70}2" TEXT)',
    f"INSERT INTO \"{'n' * 70}\" VALUES (1, 'a', 'b')",
    "CREATE TABLE p60_pkey (id INTEGER PRIMARY KEY)",
    "CREATE TABLE p60 (id INTEGER PRIMARY KEY)",
    "CREATE TABLE p60_id_seq (id INTEGER PRIMARY KEY)",
    'CREATE TABLE "Users" ("Name" TEXT, name_ TEXT)',
    "INSERT INTO \"Users\" VALUES ('a', 'b')",
    'CREATE TABLE "Été" (id INTEGER PRIMARY KEY)',
    'CREATE TABLE "été" (id INTEGER PRIMARY KEY)',
    'CREATE TABLE "order" ("user" TEXT, xmin TEXT, xmin_ TEXT, ctid TEXT, "" TEXT)',
    "INSERT INTO \"order\" VALUES ('a', 'b', 'c', 'd', 'e')",
    f"CREATE TABLE p63 (id INTEGER PRIMARY KEY, {', '.join(f'c{n}' for n in range(1200))})",
    f"INSERT INTO p63 SELECT 1, {', '.join(['$$'] * 1200)}".replace("$$", "'twelve chars'"),
    "INSERT INTO p63 (id, c0) VALUES (2, 'narrow')",
    "CREATE VIRTUAL TABLE p64 USING fts5(body)",
    "CREATE TABLE p64_content_of_mine (id INTEGER PRIMARY KEY)",
    "INSERT INTO p64_content_of_mine VALUES (1)",
    "CREATE TABLE sqlite3_jobs (id INTEGER PRIMARY KEY)",
    "INSERT INTO sqlite3_jobs VALUES (65)",
    "CREATE VIEW p66_view AS SELECT application_function(id) FROM p37",
    "CREATE TRIGGER p66_trigger AFTER INSERT ON p37 BEGIN SELECT application_function(1); END",
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
    "INSERT INTO alembic_version VALUES ('abc')",
    "CREATE TABLE p68 (b TEXT, a INTEGER)",
    "ALTER TABLE p68 ADD COLUMN c TEXT DEFAULT 'late'",
    "INSERT INTO p68 (a, b) VALUES (1, 'b')",
)


def _statements() -> Iterator[str]:
    for name, (columns, rows) in TABLES.items():
        yield f"CREATE TABLE {name} (id INTEGER PRIMARY KEY AUTOINCREMENT, {columns})"
        for number, row in enumerate(rows, start=1):
            yield f"INSERT INTO {name} VALUES ({number}, {row})"
    yield from SCRIPT


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """The file, its copy, and its plan."""

    path: Path
    dsn: str
    report: migration.CopyReport

    def column(self, table: str, column: str = "v") -> plan.ColumnPlan:
        """The plan of a column."""
        found = self.report.plan.table(table)
        assert found is not None
        return found.column(column)

    def values(self, table: str, column: str = "v") -> list[Any]:
        """The values that arrived, as texts, in the order of the ids."""
        found = engine.execute(self.dsn, f'SELECT "{column}"::text FROM "{table}" ORDER BY id')
        return [value for (value,) in found]

    def findings(self, table: str) -> set[str]:
        """The codes of what the plan says of a table."""
        return {finding.code for finding in self.report.plan.findings if finding.table == table}

    def quarantined(self, table: str) -> int:
        """How many rows of a table are kept aside."""
        return self.report.quarantine_counts.get(table, 0)

    def next_id(self, table: str, column: str = "id") -> int:
        """The id that PostgreSQL would give next; the sequence stands as before."""
        with psycopg.connect(self.dsn) as connection:
            statement = f"SELECT nextval(pg_get_serial_sequence('public.\"{table}\"', '{column}'))"
            row = connection.execute(statement.encode()).fetchone()
            assert row is not None
            (given,) = row
            name = f"SELECT setval(pg_get_serial_sequence('public.\"{table}\"', '{column}'), {given}, false)"
            connection.execute(name.encode())
            return int(given)

    def unique(self, table: str, statement: str) -> bool:
        """Whether PostgreSQL refuses an INSERT as a duplicate; nothing is kept."""
        with psycopg.connect(self.dsn) as connection:
            try:
                connection.execute(f'INSERT INTO "{table}" {statement}'.encode())
            except psycopg.errors.UniqueViolation:
                return True
            finally:
                connection.rollback()
        return False


@pytest.fixture(scope="module")
def copied(server: embedded.EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copied]:
    """Everything in one copy, in which engine and checker find no difference."""
    path = engine.script(tmp_path_factory.mktemp("pitfalls") / "pitfalls.db", *_statements())
    with servers.database(server) as dsn:
        yield Copied(path=path, dsn=dsn, report=engine.copy(path, dsn).report)


def test_nothing_goes_to_the_quarantine_without_need(copied: Copied) -> None:
    """Four tables hold what no type of PostgreSQL can."""
    assert copied.report.quarantine_counts == {"p01": 2, "p02": 1, "p03": 1, "p63": 1}


# --- values ------------------------------------------------------------------------------------------------------


def test_p01_nul_in_text_goes_to_the_quarantine(copied: Copied) -> None:
    """The row that is not concerned arrives, and the reason names the place."""
    assert copied.values("p01") == ["a"]
    assert "NUL character (position 1)" in {q.reason.removeprefix("text with a ") for q in copied.report.quarantine}


def test_p02_latin_1_in_text_goes_to_the_quarantine(copied: Copied) -> None:
    """It is neither NULL nor U+FFFD."""
    assert copied.values("p02") == ["café"]
    assert "text that is not UTF-8 (byte 3: e9)" in {q.reason for q in copied.report.quarantine}


def test_p03_a_replacement_character_is_itself(copied: Copied) -> None:
    """Only what is really invalid is kept aside."""
    assert copied.values("p03") == ["\ufffd"]


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_p04_utf16_files_keep_text_and_types(tmp_path: Path, postgres_dsn: str, encoding: str) -> None:
    """Texts, keys in order, and dates that are recognised."""
    path = tmp_path / "wide.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA encoding = '{encoding}'")
    connection.execute("CREATE TABLE t (k TEXT PRIMARY KEY, at DATETIME, day DATE, flag BOOLEAN)")
    rows = [(text, "2024-01-01 00:00:00", "2024-01-01", "yes") for text in ("a", "é", "\uffff", "😀", "")]
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    judged = engine.copy(path, postgres_dsn)
    assert judged.outcome == "complete"
    types = [column.sql_type for column in judged.report.plan.tables[0].columns]
    assert types == ["text", "timestamp", "date", "boolean"]


def test_p05_words_among_integers_make_a_column_text(copied: Copied) -> None:
    """Complete, with a finding that names the row."""
    assert (copied.column("p05").sql_type, copied.values("p05")) == ("text", ["1", "lots", "-3"])
    assert copied.findings("p05") == {"widened_to_text"}


def test_p06_an_empty_text_is_not_null(copied: Copied) -> None:
    """In INTEGER, NUMERIC and DATE columns alike."""
    for column, values in {"v": ["", "1", None], "n": ["", "1.5", None], "d": ["", "2024-01-01", None]}.items():
        assert (copied.column("p06", column).sql_type, copied.values("p06", column)) == ("text", values)


def test_p07_hexadecimal_text_is_not_a_number(copied: Copied) -> None:
    """PostgreSQL 16 and later would read it as 16."""
    assert copied.values("p07") == ["0x10", "16"]


def test_p08_a_real_among_integers_is_kept(copied: Copied) -> None:
    """The column becomes numeric, in which both are what they are."""
    assert (copied.column("p08").sql_type, copied.values("p08")) == ("numeric", ["3.7", "4"])


def test_p09_integers_have_64_bits(copied: Copied) -> None:
    """Both ends included."""
    assert copied.column("p09").sql_type == "bigint"
    assert copied.values("p09") == ["2147483648", "9223372036854775807", "-9223372036854775808"]


def test_p10_a_narrower_type_is_the_users_choice(tmp_path: Path, postgres_dsn: str) -> None:
    """bigint by default; int4 where an ORM insists, and what does not fit is kept aside."""
    path = engine.script(
        tmp_path / "a.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)",
        "INSERT INTO t VALUES (1, 2147483648), (2, 5)",
    )
    engine.override(path, t__v='type = "integer"', t__id='type = "integer"')
    judged = engine.copy(path, postgres_dsn)
    assert judged.report.quarantine_counts == {"t": 1}
    assert [column.sql_type for column in judged.report.plan.tables[0].columns] == ["integer", "integer"]


def test_p11_what_sqlite_made_a_real_stays_one(copied: Copied) -> None:
    """9223372036854775808 was lost before; what is left of it is not lost again."""
    assert copied.column("p11").sql_type in ("numeric", "text")
    assert float(copied.values("p11")[0]) == 2.0**63


def test_p12_decimals_beyond_a_double_arrive_as_sqlite_has_them(copied: Copied) -> None:
    """SQLite itself kept an integer of 64 bits."""
    assert copied.values("p12") == ["12345678901234568", "0.1"]


def test_p13_reals_have_no_exponents_in_numeric(copied: Copied) -> None:
    """The fewest digits that read back as the same double."""
    assert copied.values("p13", "n")[:2] == ["1234567.89", "1230.99"]
    assert [float(value) for value in copied.values("p13")] == [1234567.89, 1230.99, 1e23]


def test_p14_reals_are_double_precision(copied: Copied) -> None:
    """FLOAT too: SQLite has no other."""
    assert copied.column("p14", "f").sql_type == "double precision"
    assert copied.values("p14", "f") == ["3.14159265358979"]


def test_p15_infinities_arrive(copied: Copied) -> None:
    """In double precision and in numeric."""
    assert copied.values("p15")[:2] == copied.values("p15", "n")[:2] == ["Infinity", "-Infinity"]


def test_p16_negative_zero_keeps_its_sign_where_sqlite_kept_it(copied: Copied) -> None:
    """A REAL column lost it before; a typeless one has it."""
    assert copied.values("p16") == ["0", "0"]
    assert copied.values("p16", "w") == ["-0", "0"]


def test_p17_words_that_numeric_would_take_stay_words(copied: Copied) -> None:
    """'Infinity' and 'nan' are texts."""
    assert (copied.column("p17").sql_type, copied.values("p17")) == ("text", ["Infinity", "nan", "1"])


def test_p18_booleans_are_0_and_1_or_one_pair_of_words(copied: Copied) -> None:
    """Whatever else PostgreSQL would take for a boolean is not one."""
    assert [copied.column("p18_clean", name).sql_type for name in "vw"] == ["boolean", "boolean"]
    assert copied.values("p18_clean", "w") == ["true", "false", None]
    assert copied.column("p18").sql_type == "text"
    assert copied.values("p18") == ["1", "t", "true", "2", "", "0.5", "yes", "tr"]


def test_p19_blobs_under_text_and_texts_under_blob(copied: Copied) -> None:
    """The values decide, not the declaration; nothing is decoded."""
    assert (copied.column("p19").sql_type, copied.column("p19", "w").sql_type) == ("bytea", "text")
    assert copied.values("p19", "w") == ["-----BEGIN", "aGVsbG8="]


def test_p20_text_that_looks_like_hexadecimal_bytes_is_text(copied: Copied) -> None:
    """Not the letter h."""
    assert copied.values("p20") == copied.values("p20", "w") == [r"\x68", r"\\x68"]


def test_p21_declared_lengths_are_not_enforced(copied: Copied) -> None:
    """SQLite never did, and trailing spaces are part of the text."""
    assert copied.values("p21") == ["toolong", "abc   "]
    assert copied.values("p21", "c") == ["a  ", "   "]


def test_p22_only_valid_json_becomes_json(copied: Copied) -> None:
    """'' and {'a':1} and NaN keep the column text."""
    assert (copied.column("p22").sql_type, copied.column("p22", "w").sql_type) == ("text", "json")


def test_p23_json_keeps_order_duplicates_and_spaces(copied: Copied) -> None:
    """json, never jsonb, unless the user asks for it."""
    assert copied.column("p23").sql_type == "json"
    assert copied.values("p23") == ['{"b":1,"a":2,"a":3}', " [1 ,2] "]


def test_p24_uuids_are_in_lower_case_or_text(copied: Copied) -> None:
    """PostgreSQL would fold the case, and joins with texts would break."""
    types = [copied.column(name).sql_type for name in ("p24_clean", "p24", "p24_upper")]
    assert types == ["uuid", "text", "text"]


def test_p25_backslashes_and_ends_of_copy_are_data(copied: Copied) -> None:
    r"""Rows after `\.` are not lost."""
    assert copied.values("p25") == ["\\.", "a\n\\.\nb", "\\N", "\\", "\t\r\n"]


# --- dates -------------------------------------------------------------------------------------------------------


def test_p26_a_zero_date_keeps_the_column_text(copied: Copied) -> None:
    """There is no such day."""
    assert (copied.column("p26").sql_type, copied.values("p26")) == ("text", ["0000-00-00", "2024-01-01"])


@pytest.mark.parametrize("table", ["p27", "p28"])
def test_p27_p28_numbers_in_date_columns_stay_numbers(copied: Copied, table: str) -> None:
    """Seconds or milliseconds: nobody guesses the unit."""
    assert copied.column(table).sql_type in ("bigint", "numeric")


def test_p29_julian_days_stay_numbers(copied: Copied) -> None:
    """Exactly as they are."""
    assert copied.values("p29") == ["2460000.5", "2460000.25"]


def test_p30_years_that_sqlite_made_integers_stay_integers(copied: Copied) -> None:
    """PostgreSQL would read 20240101 as a date."""
    assert copied.values("p30") == ["2024", "20240101"]


def test_p31_offsets_are_not_dropped(copied: Copied) -> None:
    """Any offset but UTC keeps the column text; UTC becomes timestamptz, and no offset timestamp."""
    assert [copied.column(name).sql_type for name in ("p31", "p31_utc", "p31_naive")] == [
        "text",
        "timestamptz",
        "timestamp",
    ]
    found = engine.execute(copied.dsn, "SELECT v FROM p31_utc WHERE id = 2")
    assert found == [(datetime.datetime(1969, 12, 31, 23, 59, 59, tzinfo=datetime.UTC),)]
    assert copied.values("p31_naive") == ["2024-03-31 02:30:00", "2024-10-27 02:30:00"]


def test_p32_words_are_not_moments(copied: Copied) -> None:
    """'now' is a text, not the time of the migration."""
    assert copied.values("p32") == ["now", "today", "tomorrow", "infinity", "epoch"]


def test_p33_only_iso_dates_become_dates(copied: Copied) -> None:
    """Nothing depends on DateStyle, and 24:00:00 does not become the next day."""
    assert [copied.column(name).sql_type for name in ("p33", "p33_rollover")] == ["text", "text"]


def test_p34_seven_digits_of_a_second_are_not_rounded(copied: Copied) -> None:
    """PostgreSQL keeps six."""
    assert copied.values("p34") == ["2024-01-01 00:00:00.1234567", "2024-01-01 00:00:00.9999999"]


def test_p35_the_year_10000_is_a_text(copied: Copied) -> None:
    """It would not come back in the same format."""
    assert copied.values("p35") == ["10000-01-01 00:00:00", "9999-12-31 23:59:59"]


def test_p36_a_trailing_space_is_kept(copied: Copied) -> None:
    """And hides no zone."""
    assert copied.values("p36") == ["2024-01-01 00:00:00 ", "2024-01-01T00:00:00Z "]


# --- keys and sequences ------------------------------------------------------------------------------------------


def test_p37_every_rowid_alias_gives_ids(copied: Copied) -> None:
    """Without AUTOINCREMENT too."""
    assert copied.column("p37", "id").identity
    assert copied.next_id("p37") == 8


def test_p38_an_empty_autoincrement_table_begins_at_1(copied: Copied) -> None:
    """Although sqlite_sequence does not know it."""
    assert copied.next_id("p38") == 1


def test_p39_sequences_continue_after_the_highest_id(copied: Copied) -> None:
    """The first insert finds a free id."""
    assert copied.next_id("p39") == 2


def test_p40_deleted_ids_are_not_given_again(copied: Copied) -> None:
    """AUTOINCREMENT remembers the highest id ever given."""
    assert copied.next_id("p40") == 101


def test_p41_negative_and_last_ids(copied: Copied) -> None:
    """Below 1 the sequence begins at 1; after the last id there is none, which the plan says."""
    assert copied.next_id("p41") == 1
    with pytest.raises(psycopg.errors.SequenceGeneratorLimitExceeded):
        copied.next_id("p41_last")
    assert "sequence_exhausted" in copied.findings("p41_last")


def test_p42_sequences_of_names_in_mixed_case(copied: Copied) -> None:
    """Quoted in the right places."""
    assert copied.next_id("P42 Mixed", "Id") == 42


def test_p43_the_application_may_give_ids_itself(copied: Copied) -> None:
    """GENERATED BY DEFAULT, not ALWAYS."""
    kinds = engine.execute(
        copied.dsn,
        "SELECT DISTINCT identity_generation FROM information_schema.columns"
        " WHERE is_identity = 'YES' AND table_schema = 'public'",
    )
    assert kinds == [("BY DEFAULT",)]


@pytest.mark.parametrize("table", ["p44", "p44_down"])
def test_p44_what_only_looks_like_a_rowid_alias_may_be_null(copied: Copied, table: str) -> None:
    """`INT PRIMARY KEY` and `INTEGER PRIMARY KEY DESC`: the rowid becomes the key."""
    assert not copied.column(table, "id").identity
    assert copied.findings(table) == {"null_in_primary_key"}
    assert None in copied.values(table, "id")


def test_p45_null_in_a_text_key(copied: Copied) -> None:
    """All three rows arrive, the declared key stays unique."""
    assert engine.execute(copied.dsn, "SELECT count(*) FROM p45") == [(3,)]
    assert copied.unique("p45", "(k) VALUES ('a')")


def test_p46_several_nulls_are_distinct(copied: Copied) -> None:
    """As in SQLite; and a table without a key has its rowid."""
    assert engine.execute(copied.dsn, "SELECT rowid FROM p46 ORDER BY rowid") == [(1,), (2,), (3,), (4,)]
    assert not copied.unique("p46", "(a, b) VALUES (1, NULL)")


def test_p47_nocase_folds_ascii_only(copied: Copied) -> None:
    """É and é are two, Ada and ADA are one."""
    assert copied.values("p47", "u") == ["É", "é", "Ada"]
    assert copied.unique("p47", "(u) VALUES ('ADA')")


def test_p48_dangling_rows_arrive_and_the_key_is_not_valid(copied: Copied) -> None:
    """New rows are checked; the finding counts the old ones."""
    assert copied.values("p48", "p") == ["7", "999", None]
    valid = engine.execute(
        copied.dsn, "SELECT convalidated FROM pg_constraint WHERE conrelid = 'p48'::regclass AND contype = 'f'"
    )
    assert valid == [(False,)]
    assert "orphans" in copied.findings("p48")


def test_p49_impossible_foreign_keys_are_left_out_with_a_reason(copied: Copied) -> None:
    """The implicit one and the one to itself are kept."""
    kept = engine.execute(
        copied.dsn,
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'p49'::regclass AND contype = 'f'",
    )
    assert {definition.split(" REFERENCES ")[0] for (definition,) in kept} == {"FOREIGN KEY (d)", "FOREIGN KEY (e)"}
    reasons = [o.reason for o in copied.report.plan.omissions if (o.kind, o.table) == ("foreign key", "p49")]
    assert len(reasons) == 3
    assert any("there is no table nobody" in reason for reason in reasons)
    assert any("is not unique in p37" in reason for reason in reasons)
    assert any("c is text, but p37.id is bigint" in reason for reason in reasons)


def test_p50_no_privilege_is_needed_to_load_rows_before_their_parents(tmp_path: Path, unprivileged_dsn: str) -> None:
    """Foreign keys are made after the rows; nothing is disabled."""
    path = engine.script(
        tmp_path / "a.db",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b)",
        "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a)",
        "INSERT INTO a VALUES (1, 1)",
        "INSERT INTO b VALUES (1, 1)",
    )
    assert engine.copy(path, unprivileged_dsn).outcome == "complete"


# --- defaults and DDL --------------------------------------------------------------------------------------------


def _inserted(copied: Copied, table: str) -> dict[str, Any]:
    """A row of nothing but defaults; nothing is kept."""
    with psycopg.connect(copied.dsn) as connection:
        cursor = connection.execute(f'INSERT INTO "{table}" (id) VALUES (77) RETURNING *'.encode())
        row = cursor.fetchone()
        assert row is not None
        assert cursor.description is not None
        connection.rollback()
        return dict(zip([column.name for column in cursor.description], row, strict=True))


def test_p51_defaults_are_computed_when_they_are_used(copied: Copied) -> None:
    """datetime('now') is the time of the INSERT, 'now' a word; what cannot be translated is left out and told."""
    row = _inserted(copied, "p51")
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    assert row["d"] == "now"
    if row["a"] is not None:
        assert abs(datetime.datetime.fromisoformat(row["a"]) - now) < datetime.timedelta(minutes=1)
    left_out = {o.name for o in copied.report.plan.omissions if (o.kind, o.table) == ("default", "p51")}
    for column, default in {"a": "(datetime('now'))", "b": "(hex(randomblob(4)))", "c": "CURRENT_TIMESTAMP"}.items():
        assert (row[column] is None) == (default in left_out)


def test_p52_words_in_double_quotes_are_texts(copied: Copied) -> None:
    """And 'null' is no NULL."""
    row = _inserted(copied, "p52")
    assert (row["a"], row["b"], row["c"]) == ("draft", "null", None)


def test_p53_an_expression_is_not_its_text(copied: Copied) -> None:
    """PRAGMA table_info strips the parentheses."""
    assert _inserted(copied, "p53")["a"] == "ab"


def test_p54_defaults_have_the_type_of_their_column(copied: Copied) -> None:
    """0 for a boolean, false for a number."""
    row = _inserted(copied, "p54")
    assert (row["a"], row["b"], row["c"]) == (False, 0, True)


def test_p55_types_follow_from_affinity_and_values(copied: Copied) -> None:
    """Never from how the declaration begins."""
    types = {name: copied.column("p55", name).sql_type for name in "abcdefghij"}
    expected = ("bigint", "bigint", "text", "numeric", "bytea", "bigint", "text", "bigint", "numeric", "bigint")
    assert tuple(types.values()) == expected


def test_p56_generated_columns_are_computed_or_copied(copied: Copied) -> None:
    """Verification compares them on both sides; one that PostgreSQL cannot have is an ordinary column with its values."""
    assert copied.column("p56", "half").generated
    assert copied.values("p56", "half") == ["0", None, "2305843009213693952"]
    assert copied.values("p56", "kept") == ["ab", "ab", "ab"]
    # A real where PostgreSQL has an overflow: no row is lost for it.
    assert [float(value) for value in copied.values("p56", "twice") if value] == [2.0, 2.0**63]
    assert copied.values("p56", "more")[:2] == ["3", None]


def test_p57_checks_mean_the_same_or_are_left_out(copied: Copied) -> None:
    """The rows passed all of them in SQLite, so they pass what is left; each that is left out is told."""
    made = copied.report.plan.table("p57")
    assert made is not None
    left_out = [o for o in copied.report.plan.omissions if (o.kind, o.table) == ("check", "p57")]
    assert len(made.checks) + len(left_out) == 5
    assert all(omission.reason for omission in left_out)


def test_p58_partial_unique_indexes_keep_their_predicate(copied: Copied) -> None:
    """Deleted rows may repeat; others may not."""
    assert not copied.unique("p58", "VALUES (9, 'x', 1)")
    assert copied.unique("p58", "VALUES (9, 'x', 0)")


def test_p59_long_values_have_a_unique_index_on_hashes(copied: Copied) -> None:
    """What cannot be indexed at all is left out and told."""
    assert copied.unique("p59", "(u) SELECT u FROM p59 WHERE id = 1")
    assert {o.name for o in copied.report.plan.omissions if (o.kind, o.table) == ("index", "p59")} >= {"p59_v"}


def test_p60_long_and_taken_names(copied: Copied) -> None:
    """Nothing is cut silently, and what PostgreSQL would name by itself leaves the user's names alone."""
    assert copied.findings("n" * 70) == {"renamed"}
    assert [column.source for column in copied.report.plan.table("n" * 70).columns][1:] == [
        "c" * 70 + "1",
        "c" * 70 + "2",
    ]  # type: ignore[union-attr]
    for table in ("p60", "p60_pkey", "p60_id_seq"):
        assert copied.next_id(table) == 1


def test_p61_names_keep_their_case(copied: Copied) -> None:
    """Also those that differ by É and é only."""
    assert engine.execute(copied.dsn, 'SELECT "Name", name_ FROM "Users"') == [("a", "b")]
    assert engine.execute(copied.dsn, 'SELECT count(*) FROM "Été", "été"') == [(0,)]


def test_p62_reserved_words_and_system_columns(copied: Copied) -> None:
    """Words are quoted; names that PostgreSQL keeps for itself get another one, and a finding."""
    made = copied.report.plan.table("order")
    assert made is not None
    targets = {column.source: column.target for column in made.columns}
    assert (targets["user"], targets["xmin_"]) == ("user", "xmin_")
    assert len(set(targets.values())) == 5
    assert not set(targets.values()) & {"xmin", "ctid", ""}
    assert "renamed" in copied.findings("order")


def test_p63_rows_too_wide_for_a_page_go_to_the_quarantine(copied: Copied) -> None:
    """Their neighbours arrive."""
    assert copied.values("p63", "c0") == ["narrow"]


def test_p63_more_columns_than_postgresql_has_are_refused(tmp_path: Path, postgres_dsn: str) -> None:
    """Before anything is written."""
    path = engine.script(tmp_path / "a.db", f"CREATE TABLE t ({', '.join(f'c{n}' for n in range(1601))})")
    with pytest.raises(errors.SchemaRefused, match="at most 1,600"):
        migration.copy(path, postgres_dsn)


def test_p64_virtual_and_shadow_tables_are_left_out(copied: Copied) -> None:
    """By what they are, not by their names."""
    kinds = {o.name: o.kind for o in copied.report.plan.omissions}
    assert (kinds["p64"], kinds["p64_content"]) == ("virtual table", "shadow table")
    assert engine.execute(copied.dsn, "SELECT id FROM p64_content_of_mine") == [(1,)]


def test_p65_a_name_that_begins_like_sqlites_own_is_the_users(copied: Copied) -> None:
    """`LIKE 'sqlite_%'` would hide it."""
    assert engine.execute(copied.dsn, "SELECT id FROM sqlite3_jobs") == [(65,)]


def test_p66_what_calls_the_application_is_reported_and_never_run(copied: Copied) -> None:
    """Views and triggers with functions that only it has."""
    assert {o.name for o in copied.report.plan.omissions} >= {"p66_view", "p66_trigger"}


def test_p67_history_tables_are_copied_unless_left_out(copied: Copied) -> None:
    """The application finds its migrations done."""
    assert engine.execute(copied.dsn, "SELECT version_num FROM alembic_version") == [("abc",)]


def test_p67_rows_of_others_at_the_target_are_refused(tmp_path: Path, postgres_dsn: str) -> None:
    """A target with tables that outgrow did not make is left alone."""
    engine.execute(postgres_dsn, "CREATE TABLE t (id int)")
    path = engine.script(tmp_path / "a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)")
    with pytest.raises(errors.TargetOccupied, match="already has: t"):
        migration.copy(path, postgres_dsn)


def test_p68_columns_are_matched_by_name(copied: Copied) -> None:
    """Also one that came later."""
    assert engine.execute(copied.dsn, "SELECT a, b, c FROM p68") == [(1, "b", "late")]


def test_p69_rows_that_are_only_in_the_log_are_copied(tmp_path: Path, postgres_dsn: str) -> None:
    """A copy of the main file alone would have no tables."""
    from support import torture

    path = tmp_path / "hot.db"
    torture.TORTURE["hot_wal"].make(path)
    assert engine.copy(path, postgres_dsn).report.rows == 500
