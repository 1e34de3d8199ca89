"""The password of the DSN is seen by nobody: not in what a command says, nor at the server (`support.command` looks too)."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg import conninfo

from support import catalog, command, engine

SPELLINGS = {
    "no such database": "postgresql://somebody:{password}@localhost:1/nowhere",
    "no such host": "host=nowhere.invalid sslmode=disable user=somebody password={password}",
    "no such socket": "host=/nonexistent dbname=nowhere password='{password}'",
    "unencoded @": "postgresql://somebody:{password}@{password}@localhost/nowhere",
    "unencoded /": "postgresql://somebody:{password}/{password}@localhost/nowhere",
    "unencoded %": "postgresql://somebody:{password}%zz@localhost/nowhere",
    "unencoded [": "postgresql://somebody:[{password}@localhost/nowhere",
    "unknown parameter": "postgresql://somebody:{password}@localhost/nowhere?pasword={password}",
    "another driver": "postgresql+psycopg://somebody:{password}@localhost/nowhere",
    "not quoted": "host=localhost password={password} {password}",
    "a pooler": "postgresql://somebody:{password}@ep-cool-1-pooler.eu-1.aws.neon.tech/nowhere",
}


@pytest.mark.parametrize("options", [("--json",), ()], ids=["json", "people"])
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_dsn_that_leads_nowhere_is_refused_without_its_password(
    home: Path, spelling: str, options: tuple[str, ...]
) -> None:
    dsn = spelling.format(password=command.PASSWORD)

    refused = command.run("copy", home, "--to", dsn, *options, environment={"OUTGROW_DEBUG": "1"})

    assert refused.status in (2, 3, 4)
    assert refused.stdout if options else refused.stderr.startswith("outgrow: ")


def test_the_server_sees_no_password_while_a_copy_works(home: Path, postgres_dsn: str) -> None:
    user = conninfo.conninfo_to_dict(postgres_dsn)["user"]
    with command.held("chunk.committed#2", *command.copying(home, postgres_dsn)) as running:
        seen = engine.execute(
            postgres_dsn,
            "SELECT application_name, query, usename FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        running.release()
        assert running.end().status == 1

    assert {(name, who) for name, _, who in seen} == {("outgrow copy", user)}
    assert not any(command.PASSWORD in query for _, query, _ in seen)
    assert not catalog.contains(postgres_dsn, command.PASSWORD)


@pytest.mark.parametrize("point", ["schema.created", "chunk.copied#2", "step.done#2", "verify.span#2"])
def test_people_are_told_of_a_lost_connection_without_the_password(home: Path, postgres_dsn: str, point: str) -> None:
    arguments = [each for each in command.copying(home, postgres_dsn) if each != "--json"]
    with command.held(point, *arguments, environment={"OUTGROW_DEBUG": "1"}) as running:
        ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'outgrow copy'"
        engine.execute(postgres_dsn, f"{ended} AND datname = current_database()")
        running.release()
        lost = running.end()

    assert (lost.status, lost.stdout) == (3, "")
    assert "outgrow: The connection to PostgreSQL broke" in lost.stderr
    assert "Type the same command again" in lost.stderr
    command.completes(home, postgres_dsn)
