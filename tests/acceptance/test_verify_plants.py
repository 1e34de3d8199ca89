"""Whatever is changed in either database after a copy, `outgrow verify` names it, and nothing else."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from outgrow import migration
from outgrow.postgres import embedded
from support import engine, servers


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A difference as `verify --json` prints it."""

    table: str
    key: str
    kind: str
    column: str = ""
    source: str | None = None
    target: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """A file and the database that holds its copy."""

    path: Path
    dsn: str


TENTH = 0.1
NEXT = struct.unpack(">d", (struct.unpack(">Q", struct.pack(">d", TENTH))[0] + 1).to_bytes(8, "big"))[0]

SCHEMA = (
    "CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER, r REAL, a TEXT, b TEXT, at DATETIME, raw BLOB, n NUMERIC)",
    *(
        f"INSERT INTO t VALUES ({n}, {n * 10}, {n}.1, 'a{n}', 'b{n}', '2024-01-01 00:00:00.{n:06}', x'0{n}ff', {n}.25)"
        for n in range(1, 10)
    ),
    f"UPDATE t SET r = {TENTH!r} WHERE id = 1",
    "UPDATE t SET a = 'a' || char(31), b = 'b' WHERE id = 2",
    "UPDATE t SET a = NULL, b = '' WHERE id = 3",
    "UPDATE t SET i = NULL, raw = x'', r = -0.5 WHERE id = 4",
    "UPDATE t SET a = 'x' || char(30) || 'y' WHERE id = 5",
    "CREATE TABLE w (k TEXT, l INTEGER, v TEXT, PRIMARY KEY (k, l)) WITHOUT ROWID",
    "INSERT INTO w VALUES ('it''s', 1, 'v'), ('it''s', 2, 'v'), ('é', 1, NULL), ('Z', 1, 'v')",
    "CREATE TABLE plain (v TEXT)",
    "INSERT INTO plain VALUES ('same'), ('same'), ('other')",
    "CREATE TABLE q (id INTEGER PRIMARY KEY, v TEXT, w REAL)",
    "INSERT INTO q VALUES (1, 'good', 1.5), (2, CAST(x'ff' AS TEXT), 2.5), (3, 'bad' || char(0), 3.5)",
    "CREATE TABLE empty (v TEXT)",
    "CREATE TABLE g (id INTEGER PRIMARY KEY, n INTEGER, odd TEXT AS (hex(n)) STORED)",
    "INSERT INTO g (n) VALUES (1), (2)",
)


@pytest.fixture(scope="module")
def copied(server: embedded.EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copied]:
    """A verified copy; every test leaves it as it was."""
    path = engine.script(tmp_path_factory.mktemp("plants") / "plants.db", *SCHEMA)
    with servers.database(server) as dsn:
        assert engine.copy(path, dsn).report.quarantined == 2
        yield Copied(path=path, dsn=dsn)


def value(table: str, key: object, column: str, source: str | None, target: str | None) -> Difference:
    """A value that differs."""
    return Difference(table=table, key=str(key), kind="value", column=column, source=source, target=target)


PLANTS: dict[str, tuple[str, str, list[Difference]]] = {
    "one_bit_of_a_float": (
        f"UPDATE t SET r = {NEXT!r} WHERE id = 1",
        f"UPDATE t SET r = {TENTH!r} WHERE id = 1",
        [value("t", 1, "r", repr(TENTH), repr(NEXT))],
    ),
    "the_sign_of_a_float": (
        "UPDATE t SET r = 0.5 WHERE id = 4",
        "UPDATE t SET r = -0.5 WHERE id = 4",
        [value("t", 4, "r", "-0.5", "0.5")],
    ),
    "one_digit_of_an_integer": (
        "UPDATE t SET i = 71 WHERE id = 7",
        "UPDATE t SET i = 70 WHERE id = 7",
        [value("t", 7, "i", "70", "71")],
    ),
    "one_character": (
        "UPDATE t SET a = 'A7' WHERE id = 7",
        "UPDATE t SET a = 'a7' WHERE id = 7",
        [value("t", 7, "a", "a7", "A7")],
    ),
    "a_trailing_space": (
        "UPDATE t SET b = 'b7 ' WHERE id = 7",
        "UPDATE t SET b = 'b7' WHERE id = 7",
        [value("t", 7, "b", "b7", "b7 ")],
    ),
    "a_missing_row": (
        "DELETE FROM t WHERE id = 9",
        "INSERT INTO t VALUES (9, 90, 9.1, 'a9', 'b9', '2024-01-01 00:00:00.000009', '\\x09ff', 9.25)",
        [Difference(table="t", key="9", kind="missing")],
    ),
    "an_extra_row": (
        "INSERT INTO t (id) VALUES (1000)",
        "DELETE FROM t WHERE id = 1000",
        [Difference(table="t", key="1000", kind="extra")],
    ),
    "a_row_with_another_key": (
        "UPDATE t SET id = 1001 WHERE id = 8",
        "UPDATE t SET id = 8 WHERE id = 1001",
        [Difference(table="t", key="8", kind="missing"), Difference(table="t", key="1001", kind="extra")],
    ),
    "two_values_swapped_between_rows": (
        "UPDATE t SET a = CASE id WHEN 6 THEN 'a7' ELSE 'a6' END WHERE id IN (6, 7)",
        "UPDATE t SET a = 'a' || id WHERE id IN (6, 7)",
        [value("t", 6, "a", "a6", "a7"), value("t", 7, "a", "a7", "a6")],
    ),
    "two_values_swapped_between_columns": (
        "UPDATE t SET a = b, b = a WHERE id = 6",
        "UPDATE t SET a = b, b = a WHERE id = 6",
        [value("t", 6, "a", "a6", "b6"), value("t", 6, "b", "b6", "a6")],
    ),
    "a_separator_moved_into_the_next_column": (
        r"UPDATE t SET a = 'a', b = E'\x1fb' WHERE id = 2",
        r"UPDATE t SET a = E'a\x1f', b = 'b' WHERE id = 2",
        [value("t", 2, "a", "a\x1f", "a"), value("t", 2, "b", "b", "\x1fb")],
    ),
    "an_empty_text_for_null": (
        "UPDATE t SET a = '' WHERE id = 3",
        "UPDATE t SET a = NULL WHERE id = 3",
        [value("t", 3, "a", None, "")],
    ),
    "null_for_an_empty_text": (
        "UPDATE t SET b = NULL WHERE id = 3",
        "UPDATE t SET b = '' WHERE id = 3",
        [value("t", 3, "b", "", None)],
    ),
    "null_and_empty_swapped": (
        "UPDATE t SET a = b, b = a WHERE id = 3",
        "UPDATE t SET a = b, b = a WHERE id = 3",
        [value("t", 3, "a", None, ""), value("t", 3, "b", "", None)],
    ),
    "null_for_empty_bytes": (
        "UPDATE t SET raw = NULL WHERE id = 4",
        "UPDATE t SET raw = '' WHERE id = 4",
        [value("t", 4, "raw", "\\x", None)],
    ),
    "zero_for_null": (
        "UPDATE t SET i = 0 WHERE id = 4",
        "UPDATE t SET i = NULL WHERE id = 4",
        [value("t", 4, "i", None, "0")],
    ),
    "a_microsecond": (
        "UPDATE t SET at = at + interval '1 microsecond' WHERE id = 5",
        "UPDATE t SET at = at - interval '1 microsecond' WHERE id = 5",
        [value("t", 5, "at", "2024-01-01 00:00:00.000005", "2024-01-01 00:00:00.000006")],
    ),
    "one_bit_of_a_blob": (
        "UPDATE t SET raw = '\\x06fe' WHERE id = 6",
        "UPDATE t SET raw = '\\x06ff' WHERE id = 6",
        [value("t", 6, "raw", "\\x06ff", "\\x06fe")],
    ),
    "the_last_digit_of_a_numeric": (
        "UPDATE t SET n = 6.2500000000000009 WHERE id = 6",
        "UPDATE t SET n = 6.25 WHERE id = 6",
        [value("t", 6, "n", "6.25", "6.2500000000000009")],
    ),
    "a_value_under_a_composite_key": (
        "UPDATE w SET v = 'V' WHERE k = 'it''s' AND l = 2",
        "UPDATE w SET v = 'v' WHERE k = 'it''s' AND l = 2",
        [value("w", "'it''s',2", "v", "v", "V")],
    ),
    "a_row_missing_under_a_composite_key": (
        "DELETE FROM w WHERE k = 'é'",
        "INSERT INTO w VALUES ('é', 1, NULL)",
        [Difference(table="w", key="'é',1", kind="missing")],
    ),
    "an_extra_row_under_a_composite_key": (
        "INSERT INTO w VALUES ('it''s', 3, 'v')",
        "DELETE FROM w WHERE l = 3",
        [Difference(table="w", key="'it''s',3", kind="extra")],
    ),
    "one_of_two_equal_rows_without_a_key": (
        "DELETE FROM plain WHERE rowid = 2",
        "INSERT INTO plain VALUES (2, 'same')",
        [Difference(table="plain", key="2", kind="missing")],
    ),
    "a_row_in_an_empty_table": (
        "INSERT INTO empty VALUES (1, NULL)",
        "DELETE FROM empty",
        [Difference(table="empty", key="1", kind="extra")],
    ),
    "a_changed_quarantine_record": (
        """UPDATE outgrow.quarantine SET row = jsonb_set(row::jsonb, '{v,value}', '"fe"') WHERE key = '2'""",
        """UPDATE outgrow.quarantine SET row = jsonb_set(row::jsonb, '{v,value}', '"ff"') WHERE key = '2'""",
        [Difference(table="q", key="2", kind="quarantine")],
    ),
    "a_missing_quarantine_record": (
        "UPDATE outgrow.quarantine SET key = 'none' WHERE key = '3'",
        "UPDATE outgrow.quarantine SET key = '3' WHERE key = 'none'",
        [Difference(table="q", key="3", kind="missing"), Difference(table="q", key="none", kind="quarantine")],
    ),
    "a_quarantined_row_that_is_also_there": (
        "INSERT INTO q VALUES (2, 'good', 2.5)",
        "DELETE FROM q WHERE id = 2",
        [Difference(table="q", key="2", kind="extra")],
    ),
    "a_quarantine_record_of_a_row_that_is_there": (
        "INSERT INTO outgrow.quarantine (table_name, key, row, column_name, reason)"
        " VALUES ('q', '1', '{}', 'v', 'planted')",
        "DELETE FROM outgrow.quarantine WHERE reason = 'planted'",
        [Difference(table="q", key="1", kind="quarantine")],
    ),
    "a_second_quarantine_record": (
        "INSERT INTO outgrow.quarantine (table_name, key, row, column_name, reason)"
        " SELECT table_name, key, row, column_name, 'planted' FROM outgrow.quarantine WHERE key = '2'",
        "DELETE FROM outgrow.quarantine WHERE reason = 'planted'",
        [Difference(table="q", key="2", kind="quarantine")],
    ),
    "a_quarantine_record_of_no_row": (
        "INSERT INTO outgrow.quarantine (table_name, key, row, column_name, reason)"
        " VALUES ('w', '''gone'',1', '{}', 'v', 'planted')",
        "DELETE FROM outgrow.quarantine WHERE reason = 'planted'",
        [Difference(table="w", key="'gone',1", kind="quarantine")],
    ),
}
"""For each: what is planted, what repairs it, and what must be found."""


def _found(copied: Copied) -> tuple[int, list[Difference]]:
    answer = engine.run("verify", copied.path, "--to", copied.dsn)
    return answer.status, [Difference(**each) for each in answer.facts["differences"]]


def _whole(copied: Copied) -> bool:
    return migration.verify(copied.path, copied.dsn).differences == ()


@pytest.mark.parametrize("name", PLANTS)
def test_a_plant_in_postgresql_is_found(copied: Copied, name: str) -> None:
    """Table, key, column and both values are named; after the repair nothing is."""
    plant, repair, expected = PLANTS[name]
    engine.execute(copied.dsn, plant)
    try:
        status, found = _found(copied)
    finally:
        engine.execute(copied.dsn, repair)
    assert status == 1
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert _whole(copied)


IN_THE_FILE = {
    "a_value": (
        "UPDATE t SET b = 'B7' WHERE id = 7",
        "UPDATE t SET b = 'b7' WHERE id = 7",
        [value("t", 7, "b", "B7", "b7")],
    ),
    "a_storage_class": (
        "UPDATE t SET n = 6 WHERE id = 6",
        "UPDATE t SET n = 6.25 WHERE id = 6",
        [value("t", 6, "n", "6", "6.25")],
    ),
    "a_new_row": (
        "INSERT INTO plain VALUES ('new')",
        "DELETE FROM plain WHERE v = 'new'",
        [Difference(table="plain", key="4", kind="missing")],
    ),
    "a_deleted_row": (
        "DELETE FROM w WHERE k = 'Z'",
        "INSERT INTO w VALUES ('Z', 1, 'v')",
        [Difference(table="w", key="'Z',1", kind="extra")],
    ),
    "a_value_that_no_longer_fits": (
        "UPDATE t SET r = 'text' WHERE id = 6",
        "UPDATE t SET r = 6.1 WHERE id = 6",
        [Difference(table="t", key="6", kind="extra"), Difference(table="t", key="6", kind="missing")],
    ),
    "a_quarantined_value": (
        "UPDATE q SET w = 9.5 WHERE id = 2",
        "UPDATE q SET w = 2.5 WHERE id = 2",
        [Difference(table="q", key="2", kind="quarantine")],
    ),
    "a_quarantined_row_repaired": (
        "UPDATE q SET v = 'fits' WHERE id = 2",
        "UPDATE q SET v = CAST(x'ff' AS TEXT) WHERE id = 2",
        [Difference(table="q", key="2", kind="quarantine")],
    ),
}


@pytest.mark.parametrize("name", IN_THE_FILE)
def test_a_plant_in_the_file_is_found(copied: Copied, name: str) -> None:
    """The file may not change after its copy without `verify` saying so."""
    plant, repair, expected = IN_THE_FILE[name]
    engine.script(copied.path, plant)
    try:
        status, found = _found(copied)
    finally:
        engine.script(copied.path, repair)
    assert status == 1
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert _whole(copied)


def test_nothing_is_found_where_nothing_differs(copied: Copied) -> None:
    """The status is 1 all the same, because of the rows in quarantine."""
    answer = engine.run("verify", copied.path, "--to", copied.dsn)
    assert (answer.status, answer.error, answer.facts["quarantined"]) == (1, "quarantined", 2)


def test_the_planted_float_is_its_neighbour() -> None:
    """Otherwise one bit was not one bit."""
    assert math.nextafter(TENTH, 1) == NEXT
