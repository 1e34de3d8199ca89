"""Random databases must be sound files, and varied enough to be worth drawing."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from support import strategies

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@quick
@given(strategies.databases())
def test_every_database_is_a_sound_file(database: strategies.Database) -> None:
    """SQLite takes the schema, whatever was drawn, and keeps the rows it says it took."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.db")
        taken = strategies.build(path, database)
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for table in database.tables:
            counted = connection.execute(f'SELECT count(*) FROM "{table.name.replace(chr(34), chr(34) * 2)}"')
            assert counted.fetchone() == (taken[table.name],)
            assert taken[table.name] <= len(table.rows)
        connection.close()


def test_all_kinds_of_tables_are_drawn() -> None:
    """Each of these is found within hypothesis's usual number of attempts."""
    once = settings(max_examples=3000, derandomize=True, database=None)
    for wanted in (
        lambda table: table.without_rowid and len(table.primary_key) > 1,
        lambda table: table.strict and table.rows,
        lambda table: table.autoincrement,
        lambda table: not table.primary_key and len(set(map(repr, table.rows))) < len(table.rows),
        lambda table: table.foreign_keys,
        lambda table: any(index.unique for index in table.indexes),
        lambda table: any(isinstance(value, strategies.RawText) for row in table.rows for value in row),
    ):
        find(strategies.tables(), lambda table, wanted=wanted: bool(wanted(table)), settings=once)


@quick
@given(st.data())
def test_values_are_of_the_class_asked_for(data: st.DataObject) -> None:
    """So that a property can ask for one class only."""
    kinds = {"integer": int, "real": float, "text": str, "blob": bytes, "invalid": strategies.RawText}
    for storage, kind in kinds.items():
        assert type(data.draw(strategies.values(storage))) is kind
