"""What a statement begins with, and where a script's statements end."""

from __future__ import annotations

import pytest

from outgrow.route import classify, line


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT 1", classify.Kind.PLAIN),
        ("  -- a note\n insert INTO t VALUES (1)", classify.Kind.PLAIN),
        ("with c AS (SELECT 1) SELECT * FROM c", classify.Kind.PLAIN),
        ("begin", classify.Kind.BEGIN),
        ("BEGIN;", classify.Kind.BEGIN),
        ("End Transaction", classify.Kind.COMMIT),
        ("/* so */ rollback to x", classify.Kind.ROLLBACK),
        ("SAVEPOINT x", classify.Kind.SAVEPOINT),
        ("RELEASE x", classify.Kind.RELEASE),
        ("pragma user_version", classify.Kind.PRAGMA),
        ("CREATE TABLE t (a)", classify.Kind.OTHER),
        ("selec 1", classify.Kind.OTHER),
        (" ; -- nothing", classify.Kind.EMPTY),
        ("", classify.Kind.EMPTY),
        ("-- " + "x" * 200 + "\nSELECT 1", classify.Kind.PLAIN),
    ],
)
def test_a_statement_is_known_by_its_first_word(sql: str, kind: classify.Kind) -> None:
    assert classify.of(sql) is kind


def test_a_script_ends_where_sqlite_says() -> None:
    """Semicolons in texts, in comments and in the bodies of triggers end nothing."""
    script = (
        "INSERT INTO t VALUES ('a;b'); -- one; two\n"
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM u; DELETE FROM v; END;\n"
        "SELECT 1"
    )
    assert [statement.strip() for statement in line.statements(script)] == [
        "INSERT INTO t VALUES ('a;b');",
        "-- one; two\nCREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM u; DELETE FROM v; END;",
        "SELECT 1",
    ]
