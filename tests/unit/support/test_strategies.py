"""Random databases must be sound files, and varied enough to be worth drawing."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import apsw
from hypothesis import HealthCheck, given, settings
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
        # The check of older SQLite libraries takes columns of STRICT tables WITHOUT ROWID for one another.
        with contextlib.closing(apsw.Connection(str(path))) as checking:
            assert checking.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection = sqlite3.connect(path)
        for table in database.tables:
            counted = connection.execute(f'SELECT count(*) FROM "{table.name.replace(chr(34), chr(34) * 2)}"')
            assert counted.fetchone() == (taken[table.name],)
            assert taken[table.name] <= len(table.rows)
        connection.close()


def test_all_kinds_of_tables_are_drawn() -> None:
    """A few hundred tables have each of these among them."""
    kinds: dict[str, Callable[[strategies.Table], object]] = {
        "composite WITHOUT ROWID": lambda table: table.without_rowid and len(table.primary_key) > 1,
        "STRICT with rows": lambda table: table.strict and table.rows,
        "AUTOINCREMENT": lambda table: table.autoincrement,
        "descending key": lambda table: table.descending,
        "duplicate rows": lambda table: not table.primary_key and len(set(map(repr, table.rows))) < len(table.rows),
        "foreign key": lambda table: table.foreign_keys,
        "unique index": lambda table: any(index.unique for index in table.indexes),
        "invalid UTF-8": lambda table: "RawText" in repr(table.rows),
        "no column name": lambda table: any(column.name == "" for column in table.columns),
    }
    seen: Counter[str] = Counter()

    @settings(quick, max_examples=600, derandomize=True)
    @given(strategies.tables())
    def look(table: strategies.Table) -> None:
        seen.update(kind for kind, has in kinds.items() if has(table))

    look()
    assert set(seen) == set(kinds)


@quick
@given(st.data())
def test_values_are_of_the_class_asked_for(data: st.DataObject) -> None:
    """So that a property can ask for one class only."""
    kinds = {"integer": int, "real": float, "text": str, "blob": bytes, "invalid": strategies.RawText}
    for storage, kind in kinds.items():
        assert type(data.draw(strategies.values(storage))) is kind
