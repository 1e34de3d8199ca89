"""Sessions on the target: the same whatever the role's defaults are, and every failure told with its remedy."""

from __future__ import annotations

import traceback

import psycopg
import pytest
from psycopg import conninfo, sql

from outgrow import errors
from outgrow.postgres import connection, dsn, embedded
from support import servers
from support.proxy import Proxy

CANARY = "hunter2"

HOSTILE = {
    "TimeZone": "Asia/Tokyo",
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "extra_float_digits": "-15",
    "client_encoding": "LATIN1",
    "standard_conforming_strings": "off",
    "bytea_output": "escape",
    "default_transaction_isolation": "serializable",
    "lock_timeout": "1",
    "statement_timeout": "5000",
    "idle_in_transaction_session_timeout": "5000",
    "idle_session_timeout": "5000",
    "search_path": "public",
}

EXPECTED = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "bytea_output": "hex",
    "default_transaction_isolation": "read committed",
    "lock_timeout": "0",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "row_security": "off",
    "search_path": "pg_catalog",
}


def shown(conn: psycopg.Connection, names: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        row = conn.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone()
        assert row is not None
        found[name] = row[0]
    return found


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_session_does_not_depend_on_the_databases_defaults(any_postgres: str, autocommit: bool) -> None:
    with psycopg.connect(any_postgres, autocommit=True) as admin:
        for name, value in HOSTILE.items():
            admin.execute(
                sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                    sql.Identifier(admin.info.dbname), sql.Identifier(name), sql.SQL(value) if "," in value else value
                )
            )

    with connection.connect(any_postgres, purpose="test", autocommit=autocommit) as conn:
        first = shown(conn, list(EXPECTED))
        conn.rollback()
        again = shown(conn, list(EXPECTED))

    assert first == EXPECTED
    assert again == EXPECTED


def test_a_later_servers_timeout_is_lifted_too(postgres_dsn: str) -> None:
    with connection.connect(f"{postgres_dsn}&options=-ctransaction_timeout%3D5000", purpose="test") as conn:
        assert shown(conn, ["transaction_timeout"]) == {"transaction_timeout": "0"}


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_session_is_named_idle_and_in_the_mode_asked_for(postgres_dsn: str, autocommit: bool) -> None:
    with connection.connect(dsn.parse(postgres_dsn), purpose="copy", autocommit=autocommit) as conn:
        assert conn.autocommit is autocommit
        assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert shown(conn, ["application_name"]) == {"application_name": "outgrow copy"}


def test_keepalives_are_on_and_the_dsn_has_the_last_word(postgres_dsn: str) -> None:
    with connection.connect(f"{postgres_dsn}&keepalives_idle=7", purpose="test") as conn:
        parameters = conn.info.get_parameters()

    assert parameters["keepalives_idle"] == "7"
    assert parameters["keepalives_interval"] == "10"
    assert parameters["connect_timeout"] == "10"


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"host": "127.0.0.1", "port": "1"}, "server runs"),
        ({"host": "/nonexistent"}, "socket directory"),
        ({"dbname": "nowhere"}, "Create the database"),
        ({"user": "nobody_here"}, "Create the role"),
        ({"host": "nowhere.invalid", "sslmode": "disable"}, "name resolution"),
    ],
)
def test_no_connection_is_unreachable_with_a_hint_and_without_the_password(
    postgres_dsn: str, changes: dict[str, str], hint: str
) -> None:
    target = conninfo.make_conninfo(postgres_dsn, password=CANARY, **changes)

    with pytest.raises(errors.TargetUnreachable) as caught:
        connection.connect(target, purpose="test")

    assert caught.value.retry
    assert hint in caught.value.hint
    assert caught.value.why
    assert "\n" not in caught.value.why
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None  # psycopg's exception holds the connection, and that the password


def test_a_wrong_password_is_told_and_not_shown(own_server: embedded.EmbeddedServer) -> None:
    with servers.administration(own_server) as admin:
        admin.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'")
        (own_server.data / "pg_hba.conf").write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        admin.execute("SELECT pg_reload_conf()")
    door = own_server.dsn_of("postgres", user="guarded")

    with pytest.raises(errors.TargetUnreachable) as wrong:
        connection.connect(f"{door}&password={CANARY}", purpose="test")
    with pytest.raises(errors.TargetUnreachable) as missing:
        connection.connect(door, purpose="test")
    connection.connect(f"{door}&password=right", purpose="test").close()

    assert CANARY not in "".join(traceback.format_exception(wrong.value))
    assert "password" in wrong.value.hint
    assert "password" in missing.value.hint


def test_a_connection_refused_half_way_is_unreachable(proxy: Proxy) -> None:
    proxy.refuse()
    with pytest.raises(errors.TargetUnreachable):
        connection.connect(proxy.dsn, purpose="test")

    proxy.admit()
    connection.connect(proxy.dsn, purpose="test").close()


def test_a_connection_lost_while_it_is_being_settled_is_lost_and_closed(proxy: Proxy) -> None:
    proxy.cut_before(b"set_config")

    with pytest.raises(errors.TargetLost):
        connection.connect(proxy.dsn, purpose="test")


def test_a_cut_between_two_statements_is_target_lost(proxy: Proxy) -> None:
    with connection.connect(proxy.dsn, purpose="test") as conn:
        conn.execute("SELECT 1")
        proxy.cut()
        with pytest.raises(errors.TargetLost), connection.translate_errors(conn):
            conn.execute("SELECT 1")


def test_using_a_connection_that_is_already_lost_is_target_lost(proxy: Proxy) -> None:
    with connection.connect(proxy.dsn, purpose="test") as conn:
        proxy.cut()
        for _ in range(2):
            with pytest.raises(errors.TargetLost), connection.translate_errors(conn):
                conn.execute("SELECT 1")


def test_a_commit_whose_answer_is_lost_is_target_lost_though_it_happened(proxy: Proxy, postgres_dsn: str) -> None:
    with connection.connect(proxy.dsn, purpose="test") as conn:
        conn.execute("CREATE TABLE public.t (a int)")
        proxy.cut_after(b"COMMIT")
        with pytest.raises(errors.TargetLost), connection.translate_errors(conn):
            conn.commit()

    assert proxy.trapped.is_set()
    with psycopg.connect(postgres_dsn) as direct:
        assert direct.execute("SELECT to_regclass('public.t')").fetchone() == ("t",)


def test_a_commit_that_never_arrived_is_target_lost_and_did_not_happen(proxy: Proxy, postgres_dsn: str) -> None:
    with connection.connect(proxy.dsn, purpose="test") as conn:
        conn.execute("CREATE TABLE public.t (a int)")
        proxy.cut_before(b"COMMIT")
        with pytest.raises(errors.TargetLost), connection.translate_errors(conn):
            conn.commit()

    with psycopg.connect(postgres_dsn) as direct:
        assert direct.execute("SELECT to_regclass('public.t')").fetchone() == (None,)


def test_a_session_ended_by_an_administrator_is_target_lost(any_postgres: str) -> None:
    with connection.connect(any_postgres, purpose="test") as conn, psycopg.connect(any_postgres) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 60000)", [conn.info.backend_pid])
        with pytest.raises(errors.TargetLost) as caught, connection.translate_errors(conn):
            conn.execute("SELECT 1")

    assert "administrator" in caught.value.why


def test_a_server_that_crashes_is_target_lost_and_then_unreachable(own_server: embedded.EmbeddedServer) -> None:
    with connection.connect(own_server.dsn, purpose="test") as conn:
        own_server.kill()
        with pytest.raises(errors.TargetLost), connection.translate_errors(conn):
            conn.execute("SELECT 1")
    with pytest.raises(errors.TargetUnreachable):
        connection.connect(own_server.dsn, purpose="test")


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("08006", errors.TargetLost),
        ("57P01", errors.TargetLost),
        ("57P02", errors.TargetLost),
        ("57P03", errors.TargetLost),
        ("53100", errors.OutOfSpace),
        ("40P01", errors.Retryable),
        ("40001", errors.Retryable),
        ("55P03", errors.Retryable),
        ("25006", errors.TargetUnfit),
    ],
)
def test_a_sqlstate_has_its_place_in_the_tree(postgres_dsn: str, state: str, kind: type[errors.OutgrowError]) -> None:
    with (
        connection.connect(postgres_dsn, purpose="test") as conn,
        pytest.raises(errors.OutgrowError) as caught,
        connection.translate_errors(conn),
    ):
        conn.execute(f"DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '{state}'; END $$")

    assert type(caught.value) is kind
    assert caught.value.why == "planted"
    assert caught.value.hint
    assert isinstance(caught.value.__cause__, psycopg.Error)


def test_a_lock_that_is_taken_is_retryable(postgres_dsn: str) -> None:
    with (
        connection.connect(postgres_dsn, purpose="first") as first,
        connection.connect(postgres_dsn, purpose="second") as second,
    ):
        first.execute("CREATE TABLE public.t (a int)")
        first.commit()
        first.execute("LOCK TABLE public.t")
        with pytest.raises(errors.Retryable) as caught, connection.translate_errors(second):
            second.execute("LOCK TABLE public.t NOWAIT")

    assert caught.value.retry


def test_an_error_without_a_word_in_the_tree_passes_untouched(postgres_dsn: str) -> None:
    with connection.connect(postgres_dsn, purpose="test") as conn:
        with pytest.raises(psycopg.errors.DivisionByZero), connection.translate_errors(conn):
            conn.execute("SELECT 1 / 0")
        with pytest.raises(KeyError), connection.translate_errors(conn):
            raise KeyError


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM locked.t",
        "INSERT INTO locked.t VALUES (1)",
        "SELECT nextval('locked.s')",
        "SELECT * FROM locked.v",
        "CREATE TABLE closed.t (a int)",
        'CREATE TABLE "Closed one".t (a int)',
        "SELECT locked.f()",
    ],
)
def test_the_grant_in_the_hint_gives_the_missing_privilege(
    unprivileged_dsn: str, server: embedded.EmbeddedServer, statement: str
) -> None:
    database = str(conninfo.conninfo_to_dict(unprivileged_dsn)["dbname"])
    with psycopg.connect(server.dsn_of(database), autocommit=True) as admin:
        admin.execute(
            """
            CREATE SCHEMA locked; CREATE SCHEMA closed; CREATE SCHEMA "Closed one";
            CREATE TABLE locked.t (a int); CREATE SEQUENCE locked.s; CREATE VIEW locked.v AS SELECT 1 AS a;
            CREATE FUNCTION locked.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
            REVOKE ALL ON FUNCTION locked.f() FROM PUBLIC;
            GRANT USAGE ON SCHEMA locked TO PUBLIC;
            """
        )
        # The name in PostgreSQL's message has no schema, so the administrator completes it by search_path.
        admin.execute("SET search_path = locked")
        with connection.connect(unprivileged_dsn, purpose="test", autocommit=True) as conn:
            with pytest.raises(errors.TargetUnfit) as caught, connection.translate_errors(conn):
                conn.execute(statement.encode())
            grant = caught.value.hint.removeprefix("Ask an administrator for: ")
            admin.execute(grant.encode())
            conn.execute(statement.encode())

    assert grant.startswith("GRANT ")


@pytest.mark.parametrize(
    ("statement", "hint"),
    [
        ("SET session_replication_role = replica", 'GRANT SET ON PARAMETER session_replication_role TO "owner_of_'),
        ("CREATE EXTENSION vector", 'CREATE EXTENSION "vector"'),
        ("ALTER TABLE public.t ADD b int", "the role that owns table t"),
        ("CREATE ROLE other", 'give "owner_of_'),
    ],
)
def test_other_missing_privileges_have_their_remedy(
    unprivileged_dsn: str, server: embedded.EmbeddedServer, statement: str, hint: str
) -> None:
    database = str(conninfo.conninfo_to_dict(unprivileged_dsn)["dbname"])
    with psycopg.connect(server.dsn_of(database), autocommit=True) as admin:
        admin.execute("CREATE TABLE public.t (a int)")
    with (
        connection.connect(unprivileged_dsn, purpose="test", autocommit=True) as conn,
        pytest.raises(errors.TargetUnfit) as caught,
        connection.translate_errors(conn),
    ):
        conn.execute(statement.encode())

    assert hint in caught.value.hint
