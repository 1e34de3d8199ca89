"""The schema of a file as the reader gives it: what is the application's, and nothing of outgrow's own."""

from __future__ import annotations

from pathlib import Path

from outgrow import migration
from outgrow.model import schema as model
from outgrow.sqlite import connection, schema
from support import engine

APPLICATION = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)",
    "CREATE INDEX people_name ON people (name)",
    "INSERT INTO people VALUES (7, 'Ada')",
)
OWN = (
    "CREATE TABLE _outgrow_log (seq INTEGER PRIMARY KEY AUTOINCREMENT, t, k1)",
    "INSERT INTO _outgrow_log VALUES (1, 1, 7)",
    "CREATE TABLE _OUTGROW_state (one INTEGER PRIMARY KEY, socket TEXT UNIQUE)",
    "CREATE INDEX _outgrow_people ON people (id, name)",
    "CREATE INDEX outgrow_log ON _outgrow_log (t)",
    "CREATE VIEW _outgrow_lag AS SELECT count(*) FROM _outgrow_log",
    "CREATE TRIGGER _outgrow_people_insert AFTER INSERT ON people BEGIN INSERT INTO _outgrow_log VALUES (NULL, 1, 1); END",
    "CREATE TRIGGER _outgrow_fence BEFORE INSERT ON _outgrow_log BEGIN SELECT 1; END",
)


def read(path: Path) -> model.Database:
    """The schema of a file."""
    with connection.open_source(path) as source:
        return schema.read(source.main)


def test_what_outgrow_puts_into_a_file_is_not_part_of_its_schema(tmp_path: Path) -> None:
    """Tables, indexes, triggers and sequences; a live file reads like the one it was."""
    before = read(engine.script(tmp_path / "before.db", *APPLICATION))
    live = read(engine.script(tmp_path / "live.db", *APPLICATION, *OWN))
    assert (live.tables, live.others, live.sequences) == (before.tables, before.others, before.sequences)


def test_what_outgrow_puts_into_a_file_is_neither_planned_nor_reported(tmp_path: Path) -> None:
    """Nor profiled: check, plan and findings know the application's tables only."""
    before = engine.script(tmp_path / "app.db", *APPLICATION)
    live = engine.script(tmp_path / "live" / "app.db", *APPLICATION, *OWN)
    assert migration.make_plan(live).text == migration.make_plan(before).text
    checked = migration.check(live)
    assert [table.table for table in checked.tables] == ["people"]
    assert checked.findings == ()


def test_names_that_only_look_alike_are_the_applications(tmp_path: Path) -> None:
    """`outgrow_log` and `my_outgrow_` are no names of outgrow's."""
    path = engine.script(tmp_path / "app.db", "CREATE TABLE outgrow_log (x)", "CREATE TABLE my_outgrow_ (x)")
    assert [table.name for table in read(path).tables] == ["outgrow_log", "my_outgrow_"]
