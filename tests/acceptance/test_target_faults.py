"""The target is somebody else's, too small for us, or already at work: refused in words, and left as it was."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import conninfo

from outgrow.postgres import embedded
from support import catalog, command, engine, servers

IMPATIENT = "postgres.state.LEASE_PATIENCE=0.2"


def refused(ended: command.Ended, code: str, hint: str) -> None:
    """Require a refusal with its remedy."""
    assert (ended.status, ended.code, ended.stderr) == (2, code, "")
    assert hint in ended.hint
    assert ended.facts["error"]["retry"] is False


def everything(dsn: str) -> list[tuple[object, ...]]:
    """Every relation of the database that is not PostgreSQL's own, with the transaction that last changed it."""
    return engine.execute(dsn, "SELECT oid, xmin::text, relname FROM pg_class WHERE oid >= 16384 ORDER BY oid")


@pytest.mark.parametrize(
    ("statement", "hint"),
    [
        ("CREATE TABLE users (theirs integer)", "--schema NAME"),
        ("CREATE VIEW companies AS SELECT 1 AS theirs", "--schema NAME"),
        ("CREATE TYPE users AS ENUM ('theirs')", "--schema NAME"),
        ("CREATE SEQUENCE readings_note", "--schema NAME"),
        ("CREATE SCHEMA outgrow", "Rename that schema"),
        ("CREATE SCHEMA outgrow CREATE TABLE migration (theirs integer)", "Rename that schema"),
        ("CREATE SCHEMA outgrow CREATE TABLE migration (source text, phase text, plan jsonb)", "Rename that schema"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--restart",)], ids=["copy", "restart"])
def test_what_outgrow_did_not_make_stays(
    home: Path, postgres_dsn: str, statement: str, hint: str, options: tuple[str, ...]
) -> None:
    engine.execute(postgres_dsn, statement)
    before = everything(postgres_dsn)

    refused(command.run(*command.copying(home, postgres_dsn, *options)), "target_occupied", hint)

    assert everything(postgres_dsn) == before


def test_a_database_that_is_in_use_takes_a_copy_in_another_schema(home: Path, postgres_dsn: str) -> None:
    engine.execute(postgres_dsn, "CREATE TABLE users AS SELECT 1 AS theirs")

    done = command.run(*command.copying(home, postgres_dsn, "--schema", "app"))

    assert (done.status, done.code) == (1, "quarantined")
    assert engine.execute(postgres_dsn, "SELECT theirs FROM users") == [(1,)]


@pytest.mark.parametrize("point", ["chunk.committed#2", "finish.after"])
def test_another_files_migration_is_not_continued(home: Path, postgres_dsn: str, point: str) -> None:
    assert command.run(*command.copying(home, postgres_dsn), failpoint=f"{point}=kill").killed
    other = shutil.copy(home, home.with_name("other.db"))
    before = catalog.versions(postgres_dsn)

    ended = command.run(*command.copying(other, postgres_dsn))

    refused(ended, "target_occupied", "--restart")
    assert "home.db, not of other.db" in ended.facts["error"]["message"]
    assert catalog.versions(postgres_dsn) == before
    command.completes(home, postgres_dsn)


def test_a_role_without_privileges_besides_its_database_is_enough(home: Path, unprivileged_dsn: str) -> None:
    assert command.run(*command.copying(home, unprivileged_dsn), failpoint="step.done#3=kill").killed
    command.completes(home, unprivileged_dsn)
    again = command.run(*command.copying(home, unprivileged_dsn, "--restart"))
    assert (again.status, again.facts["resumed"]) == (1, 0)


@pytest.mark.parametrize("options", ["ENCODING 'LATIN1'", "ENCODING 'SQL_ASCII'"])
def test_a_database_in_another_encoding_is_unfit(
    home: Path, server: embedded.EmbeddedServer, options: LiteralString
) -> None:
    with servers.database(server, options) as dsn:
        refused(command.run(*command.copying(home, dsn)), "target_unfit", "ENCODING 'UTF8'")
        assert everything(dsn) == []


def test_a_database_that_is_read_only_is_unfit(home: Path, unprivileged_dsn: str) -> None:
    database = conninfo.conninfo_to_dict(unprivileged_dsn)["dbname"]
    engine.execute(unprivileged_dsn, f'ALTER DATABASE "{database}" SET default_transaction_read_only = on')

    refused(
        command.run(*command.copying(home, unprivileged_dsn)), "target_unfit", "default_transaction_read_only = off"
    )


@pytest.fixture
def guest_dsn(postgres_dsn: str) -> Iterator[str]:
    """The DSN of a role that may connect to a database of somebody else, and nothing more."""
    role = f"guest_of_{conninfo.conninfo_to_dict(postgres_dsn)['dbname']}"
    engine.execute(postgres_dsn, f"CREATE ROLE {role} LOGIN")
    yield conninfo.make_conninfo(postgres_dsn, user=role)
    engine.execute(postgres_dsn, f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


def test_the_privileges_that_are_missing_are_named_until_none_is(home: Path, postgres_dsn: str, guest_dsn: str) -> None:
    granted = []
    ask = "Ask an administrator for: "
    while (ended := command.run(*command.copying(home, guest_dsn))).code == "target_unfit":
        assert ended.status == 2
        assert ended.hint.startswith(f"{ask}GRANT ")
        granted.append(ended.hint.removeprefix(ask))
        assert granted.count(granted[-1]) == 1, granted
        engine.execute(postgres_dsn, granted[-1])

    assert [statement.split(" ON ")[1].split()[0] for statement in granted] == ["DATABASE", "SCHEMA"]
    assert (ended.status, ended.code) == (1, "quarantined")


def test_a_second_process_is_refused_while_the_first_works(home: Path, postgres_dsn: str) -> None:
    with command.held("chunk.committed#2", *command.copying(home, postgres_dsn)) as first:
        second = command.run(IMPATIENT, *command.copying(home, postgres_dsn))
        third = command.run(IMPATIENT, *command.copying(home, postgres_dsn, "--restart"))
        first.release()
        assert first.end().code == "quarantined"

    for ended in (second, third):
        refused(ended, "target_busy", "type the same command again")
        assert "runs `outgrow copy`" in ended.facts["error"]["why"]
    assert command.completes(home, postgres_dsn).facts["repeated"] is True


def test_a_second_process_takes_over_when_the_first_dies(home: Path, postgres_dsn: str) -> None:
    with (
        command.held("chunk.committed#2", *command.copying(home, postgres_dsn)) as first,
        command.start(*command.copying(home, postgres_dsn)) as second,
    ):
        command.until(lambda: second_waits(postgres_dsn))
        assert first.kill().killed
        ended = second.end()

    assert (ended.status, ended.code, ended.facts["repeated"]) == (1, "quarantined", False)
    assert ended.facts["resumed"] > 0
    assert command.completes(home, postgres_dsn).facts["repeated"] is True


def second_waits(dsn: str) -> bool:
    """Whether a process has asked for the lease that another holds."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%outgrow.lease AS held%'"
        " AND pid <> (SELECT pid FROM outgrow.lease) AND pid <> pg_backend_pid()"
    )
    return engine.execute(dsn, query) == [(1,)]


@pytest.mark.parametrize("dies", [False, True], ids=["lives", "dies"])
def test_of_two_processes_that_begin_at_once_one_makes_the_schema(home: Path, postgres_dsn: str, dies: bool) -> None:
    with (
        command.held("schema.created", *command.copying(home, postgres_dsn)) as first,
        command.start(*command.copying(home, postgres_dsn)) as second,
        psycopg.connect(postgres_dsn, autocommit=True) as observer,
    ):
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        command.until(lambda: observer.execute(waiting).fetchone() == (1,))
        if dies:
            assert first.kill().killed
        else:
            first.release()
            assert first.end().code == "quarantined"
        ended = second.end()

    assert (ended.status, ended.code) == (1, "quarantined")
    assert command.completes(home, postgres_dsn).facts["repeated"] is True
