"""PostgreSQL's errors, in SQLite's classes and words."""

from __future__ import annotations

import sqlite3
from typing import Any, ClassVar, cast

import psycopg
import pytest

from outgrow.route import mistakes


@pytest.mark.parametrize(
    ("statement", "kind", "said"),
    [
        ("SELECT '{' ::json", sqlite3.OperationalError, "malformed JSON"),
        ("SELECT 'x'::bigint", sqlite3.OperationalError, "outgrow cannot run this at PostgreSQL: invalid input syntax"),
        (
            "DO $$ BEGIN RAISE EXCEPTION 'outgrow: not so' USING ERRCODE = 'OG010'; END $$",
            sqlite3.OperationalError,
            "outgrow cannot run this at PostgreSQL: not so",
        ),
        (
            "DO $$ BEGIN RAISE EXCEPTION 'no chair' USING ERRCODE = 'OG005'; END $$",
            sqlite3.IntegrityError,
            "no chair",
        ),
        ("SELECT 1 FROM nothing_there", sqlite3.OperationalError, "PostgreSQL refuses the statement"),
    ],
)
def test_a_failure_is_one_of_sqlites(postgres_dsn: str, statement: str, kind: type[Exception], said: str) -> None:
    class There:
        tables: ClassVar[dict[str, Any]] = {}

    with psycopg.connect(postgres_dsn) as session:
        result = session.pgconn.exec_(statement.encode())
    found = mistakes.translate(result, cast(Any, There()), cast(Any, None))
    assert type(found) is kind
    assert str(found).startswith(said)
    assert found.sqlite_errorname in ("SQLITE_ERROR", "SQLITE_CONSTRAINT_TRIGGER")
