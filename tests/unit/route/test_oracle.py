"""What SQLite says of a statement is known without rows, and whatever its constraints say to the values that are missing."""

from __future__ import annotations

import sqlite3

import pytest

from outgrow.route import oracle

SCHEMA = """
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL CHECK (name <> ''), amount INTEGER NOT NULL);
CREATE TRIGGER item_refuses BEFORE INSERT ON item BEGIN SELECT RAISE(ABORT, 'no'); END;
"""


@pytest.fixture
def asked() -> oracle.Oracle:
    with sqlite3.connect(":memory:") as file:
        file.executescript(SCHEMA)
        return oracle.Oracle(file)


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("INSERT INTO item (name, amount) VALUES (?, ?) RETURNING id, name AS called", ["id", "called"]),
        ("REPLACE INTO item (name, amount) VALUES (?, ?) RETURNING id", ["id"]),
        (
            "WITH given AS (SELECT ? AS n, ? AS a) INSERT INTO item (name, amount) SELECT n, a FROM given RETURNING id",
            ["id"],
        ),
        ("UPDATE item SET name = ?, amount = ? RETURNING *", ["id", "name", "amount"]),
        ("DELETE FROM item WHERE name = ? AND amount = ? RETURNING count(*) IS NULL", None),
        ("SELECT name, json_extract('{', ?), ? FROM (SELECT 1 AS name)", ["name", "json_extract('{', ?)", "?"]),
    ],
)
def test_result_columns_are_named_though_a_constraint_refuses_what_is_tried(
    asked: oracle.Oracle, sql: str, columns: list[str] | None
) -> None:
    if columns is None:
        with pytest.raises(sqlite3.OperationalError):
            asked.prepared(sql, ("a", 1))
        return
    found = asked.prepared(sql, ("a", 1))
    assert [column[0] for column in found.description or ()] == columns
    assert [column[0] for column in found.cursor.description] == columns


def test_what_was_tried_leaves_nothing(asked: oracle.Oracle) -> None:
    before = asked.answer("SELECT type, name FROM sqlite_master", ())[0]
    asked.prepared("INSERT INTO item (name, amount) VALUES (?, ?) RETURNING id", ("a", 1))
    assert asked.answer("SELECT type, name FROM sqlite_master", ())[0] == before
    assert asked.answer("SELECT count(*) FROM temp.sqlite_master", ())[0] == [(0,)]
    with pytest.raises(sqlite3.IntegrityError, match="no"):
        asked.answer("INSERT INTO item (name, amount) VALUES ('a', 1)", ())
