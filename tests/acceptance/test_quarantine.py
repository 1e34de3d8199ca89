"""What is in quarantine as reports tell it: grouped by table, column and reason, each group with some of its values."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from outgrow import migration
from outgrow.migration import quarantine_sample
from outgrow.postgres import connection, state
from support import command, engine

LATIN = b"caf\xe9"


def insert(path: Path, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows; bytes become text as they are."""
    with closing(sqlite3.connect(path)) as writer, writer:
        writer.executemany(statement, rows)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file whose rows do not fit for several reasons."""
    path = engine.script(tmp_path / "app.db", "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, amount INTEGER)")
    insert(path, "INSERT INTO notes VALUES (?, 'x', 'n/a')", ((number,) for number in range(1, 41)))
    insert(path, "INSERT INTO notes VALUES (?, ? || char(0) || 'end', 1)", ((n, "." * n) for n in range(100, 110)))
    insert(path, "INSERT INTO notes VALUES (?, CAST(? AS TEXT), 1)", [(200, LATIN), (201, LATIN * 50)])
    insert(path, "INSERT INTO notes VALUES (?, 'fits', 1)", [(300,)])
    engine.override(path, notes__amount='type = "bigint"')
    return path


def test_alike_rows_are_told_together(source: Path, postgres_dsn: str) -> None:
    """With their number and three of them; where in its text a row is flawed makes no group of its own."""
    groups = migration.copy(source, postgres_dsn).quarantine_groups
    assert [(one.table, one.column, one.rows, one.reason) for one in groups] == [
        ("notes", "amount", 40, "text value that bigint could not give back as it is"),
        ("notes", "body", 10, "text with a NUL character"),
        ("notes", "body", 2, "text that is not UTF-8"),
    ]
    assert [[(one.key, one.value, one.detail) for one in group.examples] for group in groups] == [
        [("1", "n/a", ""), ("2", "n/a", ""), ("3", "n/a", "")],
        [(f"{n}", f"{'.' * n}\0end"[:79] + "…", f"position {n}") for n in (100, 101, 102)],
        [("200", "caf\\xe9", "byte 3: e9"), ("201", ("caf\\xe9" * 50)[:79] + "…", "byte 3: e9")],
    ]


def test_the_page_shows_keys_and_values(source: Path, postgres_dsn: str) -> None:
    """Each on one line, with what cannot be seen as an escape."""
    page = command.run("copy", source, "--to", postgres_dsn).stdout
    shown = page.partition("In quarantine: 52 rows ─")[2].partition("next  ")[0].partition("\n\n")[2]
    assert shown.splitlines() == [
        "notes.amount  40 rows: text value that bigint could not give back as it is",
        "  row 1  n/a",
        "  row 2  n/a",
        "  row 3  n/a",
        "  and 37 more",
        "",
        "notes.body  10 rows: text with a NUL character",
        *(f"  row {n}  {'.' * 79}…  (position {n})" for n in (100, 101, 102)),
        "  and 7 more",
        "",
        "notes.body  2 rows: text that is not UTF-8",
        "  row 200  caf\\xe9  (byte 3: e9)",
        f"  row 201  {('caf' + chr(92) + 'xe9') * 11}ca…  (byte 3: e9)",
        "",
    ]


def test_the_kinds_of_values_are_readable(tmp_path: Path, postgres_dsn: str) -> None:
    """Reals as numbers, blobs in hexadecimal, NULL as nothing; keys are SQL literals."""
    path = engine.script(
        tmp_path / "app.db",
        "CREATE TABLE t (k TEXT PRIMARY KEY, v INTEGER)",
        "INSERT INTO t VALUES ('it''s', 1.5), ('b', x'00ff'), ('c', 7)",
    )
    engine.override(path, t__v='type = "bigint"')
    groups = migration.copy(path, postgres_dsn).quarantine_groups
    assert {(one.key, one.value) for group in groups for one in group.examples} == {
        ("'it''s'", "1.5"),
        ("'b'", "\\x00ff"),
    }


def test_the_words_of_postgresql_stand_unchanged(postgres_dsn: str) -> None:
    """What is in their brackets makes groups of its own; where it names no column there is no value."""
    with connection.connect(postgres_dsn, purpose="test", autocommit=True) as session:
        keeper = state.State(session)
        with session.transaction():
            keeper.begin(source="a", target_schema="public", plan="{}", fingerprint="{}", chunk_rows=1, version="0")
            session.execute(
                "INSERT INTO outgrow.quarantine (table_name, key, row, column_name, reason) VALUES"
                " ('t', '1', '{\"a\": {\"class\": \"integer\", \"value\": \"5\"}}', 'a', 'PostgreSQL: out of range (5)'),"
                " ('t', '2', '{}', '', 'PostgreSQL: row is too big: size 8920')"
            )
        groups = quarantine_sample.groups(keeper)
    assert [(one.column, one.reason, one.examples[0].value) for one in groups] == [
        ("", "PostgreSQL: row is too big: size 8920", None),
        ("a", "PostgreSQL: out of range (5)", "5"),
    ]


def test_more_rows_than_a_batch_are_all_kept(tmp_path: Path, postgres_dsn: str) -> None:
    """In one transaction with the chunk's other rows, each exactly once."""
    path = engine.script(tmp_path / "app.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)")
    insert(path, "INSERT INTO t VALUES (?, iif(? % 2, 'n/a', 5))", ((n, n) for n in range(7_000)))
    engine.override(path, t__n='type = "bigint"')
    judged = engine.copy(path, postgres_dsn)
    assert judged.report.quarantined == 3_500
    assert [(group.rows, group.column) for group in judged.report.quarantine_groups] == [(3_500, "n")]
