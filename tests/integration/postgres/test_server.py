"""What a server says of itself, and which servers are refused."""

from __future__ import annotations

import dataclasses

import psycopg
import pytest
from psycopg import conninfo

from outgrow import errors
from outgrow.postgres import connection, embedded
from outgrow.postgres import server as target
from support import servers
from support.proxy import Proxy


def test_examine_tells_a_superuser_from_an_owner(postgres_dsn: str, unprivileged_dsn: str) -> None:
    with connection.connect(postgres_dsn, purpose="test") as conn:
        mighty = target.examine(conn)
        assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    with connection.connect(unprivileged_dsn, purpose="test") as conn:
        humble = target.examine(conn)

    assert (mighty.is_superuser, mighty.current_user) == (True, "postgres")
    assert (humble.is_superuser, humble.can_create_in_database) == (False, True)
    assert humble.current_user.startswith("owner_of_")
    assert humble.current_user.endswith(humble.database)


def test_a_role_that_may_not_create_schemas_is_seen(unprivileged_dsn: str, server: embedded.EmbeddedServer) -> None:
    role = conninfo.conninfo_to_dict(unprivileged_dsn)["user"]
    with (
        servers.database(server) as other,
        connection.connect(conninfo.make_conninfo(other, user=str(role)), purpose="test") as conn,
    ):
        assert not target.examine(conn).can_create_in_database


def test_an_ordinary_server_passes(any_postgres: str) -> None:
    with connection.connect(any_postgres, purpose="test") as conn:
        facts = target.examine(conn)

    target.require(facts)
    assert facts.version_num // 10000 in (15, 18)
    assert f"PostgreSQL {facts.version_num // 10000}" in facts.version
    assert (facts.encoding, facts.lc_collate) == ("UTF8", "C")
    assert not facts.in_recovery


def test_extensions_are_listed_as_available_and_as_installed(postgres_dsn: str) -> None:
    with connection.connect(postgres_dsn, purpose="test") as conn:
        before = target.examine(conn)
        conn.execute("CREATE EXTENSION citext SCHEMA public")
        after = target.examine(conn)

    assert {"citext", "vector"} <= set(before.available)
    assert before.installed == {}
    assert set(after.installed) == {"citext"}
    assert after.installed["citext"] == after.available["citext"]


def test_a_session_that_answers_from_another_process_is_pooled(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.connect(proxy.dsn, purpose="test") as conn:
        assert not target.examine(conn).is_pooled
        monkeypatch.setattr(psycopg.ConnectionInfo, "backend_pid", 1)
        assert target.examine(conn).is_pooled


def test_another_encoding_is_refused(server: embedded.EmbeddedServer) -> None:
    with servers.administration(server) as admin:
        admin.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    try:
        with connection.connect(server.dsn_of("latin"), purpose="test") as conn:
            facts = target.examine(conn)
    finally:
        with servers.administration(server) as admin:
            admin.execute("DROP DATABASE latin WITH (FORCE)")

    with pytest.raises(errors.TargetUnfit, match="LATIN1"):
        target.require(facts)


def test_a_standby_is_refused() -> None:
    with embedded.server(settings={"wal_level": "replica"}) as primary:
        primary.stop()
        (primary.data / "standby.signal").touch()
        primary.start()
        with connection.connect(primary.dsn, purpose="test") as conn:
            facts = target.examine(conn)

    with pytest.raises(errors.TargetUnfit, match="standby"):
        target.require(facts)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"version_num": 130014}, "PostgreSQL 13"),
        ({"version": "CockroachDB CCL v24.3.0 (x86_64-pc-linux-gnu)", "version_num": 130000}, "CockroachDB"),
        ({"version": "PostgreSQL 15.2-YB-2025.1.0.0-b0 on x86_64-pc-linux-gnu"}, "YugabyteDB"),
        ({"version": "PostgreSQL 11.2-YB-2.20.1.0-b0 on x86_64-pc-linux-gnu", "version_num": 110002}, "YugabyteDB"),
    ],
)
def test_old_servers_and_lookalikes_are_refused_by_name(
    postgres_dsn: str, changes: dict[str, object], match: str
) -> None:
    with connection.connect(postgres_dsn, purpose="test") as conn:
        facts = dataclasses.replace(target.examine(conn), **changes)  # type: ignore[arg-type]

    with pytest.raises(errors.TargetUnfit, match=match) as caught:
        target.require(facts)

    assert caught.value.hint
