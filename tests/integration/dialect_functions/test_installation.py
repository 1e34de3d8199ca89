"""The functions in schema `outgrow`: how they come there, and who may call them."""

from __future__ import annotations

import threading

import psycopg
import pytest

from outgrow.postgres import dialect_functions
from support import living


def _functions(session: psycopg.Connection) -> dict[str, int]:
    rows = session.execute(
        "SELECT p.oid::regprocedure::text, p.xmin::text::bigint FROM pg_proc p WHERE pronamespace = 'outgrow'::regnamespace"
    ).fetchall()
    return dict(rows)


def test_they_are_installed_once(any_postgres: str) -> None:
    with psycopg.connect(any_postgres, autocommit=True) as session:
        session.execute("CREATE SCHEMA outgrow")
        assert not dialect_functions.installed(session)
        assert dialect_functions.install(session)
        first = _functions(session)
        assert len(first) > 40
        assert dialect_functions.installed(session)
        assert not dialect_functions.install(session)
        assert _functions(session) == first


def test_those_of_another_version_are_replaced(any_postgres: str) -> None:
    with psycopg.connect(any_postgres, autocommit=True) as session:
        session.execute("CREATE SCHEMA outgrow")
        dialect_functions.install(session)
        session.execute(
            "CREATE OR REPLACE FUNCTION outgrow.unhex(x text) RETURNS bytea LANGUAGE sql AS 'SELECT NULL::bytea'"
        )
        session.execute("COMMENT ON FUNCTION outgrow.decline(text) IS 'outgrow dialect of yesterday'")
        assert not dialect_functions.installed(session)
        assert dialect_functions.install(session)
        assert session.execute("SELECT outgrow.unhex('61')").fetchone() == (b"a",)


def test_they_come_and_go_with_the_transaction_around_them(any_postgres: str) -> None:
    with psycopg.connect(any_postgres) as session:
        session.execute("CREATE SCHEMA outgrow")
        session.commit()
        dialect_functions.install(session)
        session.rollback()
        assert not dialect_functions.installed(session)
        assert _functions(session) == {}


def test_two_at_once_do_not_meet(any_postgres: str) -> None:
    """The second waits for the first, and finds everything done."""
    with psycopg.connect(any_postgres, autocommit=True) as setup:
        setup.execute("CREATE SCHEMA outgrow")
    done: list[bool] = []
    with psycopg.connect(any_postgres) as first:
        assert dialect_functions.install(first)

        def second() -> None:
            with psycopg.connect(any_postgres) as session:
                done.append(dialect_functions.install(session))

        thread = threading.Thread(target=second)
        thread.start()
        waiting = "SELECT true FROM pg_locks WHERE classid = 'pg_namespace'::regclass AND NOT granted"
        with psycopg.connect(any_postgres, autocommit=True) as watch:
            living.until(lambda: watch.execute(waiting).fetchone() == (True,), "the second waits", within=10)
        first.commit()
        thread.join(60)
    assert done == [False]


def test_an_owner_without_privileges_installs_them_and_everybody_calls_them(
    unprivileged_dsn: str, postgres_dsn: str
) -> None:
    with psycopg.connect(unprivileged_dsn, autocommit=True) as session:
        session.execute("CREATE SCHEMA outgrow")
        assert dialect_functions.install(session)
        session.execute("GRANT USAGE ON SCHEMA outgrow TO PUBLIC")
        found = session.execute(
            "SELECT count(*) FROM pg_proc WHERE pronamespace = 'outgrow'::regnamespace"
            " AND (prosecdef OR NOT has_function_privilege('public', oid, 'EXECUTE'))"
        ).fetchone()
        assert found == (0,)


@pytest.mark.parametrize("path", ["pg_catalog", "hostile", "''"])
def test_a_search_path_does_not_change_them(any_postgres: str, path: str) -> None:
    with psycopg.connect(any_postgres, autocommit=True) as session:
        session.execute("CREATE SCHEMA outgrow")
        session.execute("CREATE SCHEMA hostile")
        dialect_functions.install(session)
        # PostgreSQL looks into pg_catalog first, unless the path says otherwise.
        session.execute("CREATE FUNCTION hostile.length(text) RETURNS integer LANGUAGE sql AS 'SELECT 99'")
        session.execute(f"SET search_path = {path}".encode())
        row = session.execute(
            "SELECT outgrow.substr('hello', -2, 5),"
            " outgrow.datetime(outgrow.moment('2024-01-31', NULL, '{+1 month}', false), false)"
        ).fetchone()
        assert row == ("lo", "2024-03-02 00:00:00")
