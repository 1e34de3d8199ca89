"""Every torture file must be a sound SQLite file, and really hold what it is made for."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from support import checker, torture


@pytest.mark.parametrize("name", torture.TORTURE)
def test_every_file_is_sound(tmp_path: Path, name: str) -> None:
    """SQLite finds nothing wrong with it, and the checker can read every value."""
    path = tmp_path / "torture.db"
    torture.TORTURE[name].make(path)
    with checker._Source(path) as source:
        for table in source.tables():
            columns = list(source.columns(table))[:1998]
            assert sum(1 for _ in source.rows(table, columns, None)) == source.count(table)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_files_are_always_the_same(tmp_path: Path) -> None:
    """A failure can be looked at again."""
    for name in ("floats_at_random", "embeddings", "uuids", "only_separators"):
        contents = []
        for number in range(2):
            path = tmp_path / f"{name}{number}.db"
            torture.TORTURE[name].make(path)
            connection = sqlite3.connect(path)
            contents.append(list(connection.iterdump()))
            connection.close()
        assert contents[0] == contents[1]


def test_every_generator_says_what_it_tortures() -> None:
    """One line, and one of three outcomes."""
    for name, each in torture.TORTURE.items():
        assert each.about.endswith("."), name
        assert each.outcome in ("complete", "quarantine", "refused"), name


def test_a_dead_writer_leaves_its_content_in_the_wal(tmp_path: Path) -> None:
    """A copy of the main file alone has no tables."""
    path = tmp_path / "a.db"
    torture.TORTURE["hot_wal"].make(path)
    alone = tmp_path / "alone.db"
    alone.write_bytes(path.read_bytes())
    connection = sqlite3.connect(alone)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()


def test_a_dead_writer_leaves_its_changes_in_the_main_file(tmp_path: Path) -> None:
    """A copy of the main file alone holds what was never committed."""
    path = tmp_path / "a.db"
    torture.TORTURE["hot_journal"].make(path)
    assert path.with_name("a.db-journal").stat().st_size > 0
    assert b"never committed" in path.read_bytes()


def test_schema_format_1_is_kept(tmp_path: Path) -> None:
    """The descending index does not raise it."""
    path = tmp_path / "a.db"
    torture.TORTURE["schema_format_1"].make(path)
    assert path.read_bytes()[44:48] == b"\x00\x00\x00\x01"


def test_many_rows_come_in_any_number(tmp_path: Path) -> None:
    """Fewer for a quick test."""
    path = tmp_path / "a.db"
    torture.make_many_rows(path, rows=10)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (10,)
    connection.close()


@pytest.mark.parametrize("declared", torture.DECLARED_TYPES)
@pytest.mark.parametrize("strict", [False, True])
def test_the_checker_knows_the_affinity_of_every_type(declared: str, strict: bool) -> None:
    """By the documented rules, as SQLite itself applies them."""
    if strict and declared.upper() not in ("INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"):
        return
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE t (c {declared}) {'STRICT' if strict else ''}")
    (stored,) = connection.execute("SELECT type FROM pragma_table_xinfo('t')").fetchone()
    affinity = checker._Affinity(stored, strict=strict)
    for text in ("12", "1.5", "x"):
        try:
            connection.execute("INSERT INTO t VALUES (?)", [text])
        except sqlite3.IntegrityError:
            continue
        (value,) = connection.execute("SELECT c FROM t ORDER BY rowid DESC").fetchone()
        assert affinity.back(text) == value
        assert type(affinity.back(text)) is type(value)
    affinity.close()
    connection.close()
