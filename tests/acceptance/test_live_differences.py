"""Differences that somebody made between a primary and its follower: reported, in a rollback's way, repaired on request."""

from __future__ import annotations

from pathlib import Path

import apsw
import psycopg
import pytest

from outgrow import errors, migration
from support import engine as engines
from support import living

ROWS = [(number, f"row {number}") for number in range(1, 21)]

PLANTED = (
    "UPDATE t SET v = 'changed' WHERE id = 3",
    "DELETE FROM t WHERE id = 7",
    "INSERT INTO t VALUES (99, 'extra')",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    values = ", ".join(f"({number}, '{text}')" for number, text in ROWS)
    return engines.script(
        tmp_path / "app.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
        f"INSERT INTO t VALUES {values}",
        journal_mode="wal",
    )


def plant_in_file(path: Path) -> None:
    """As a connection can whose triggers were switched off: neither the fence nor capture acts."""
    connection = apsw.Connection(str(path))
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
    connection.set_busy_timeout(30_000)
    for statement in PLANTED:
        connection.execute(statement)
    connection.close()


def plant_in_postgres(dsn: str) -> None:
    """As the owner of a table can: with the triggers switched off for one transaction."""
    with psycopg.connect(dsn) as session:
        names = [
            name
            for (name,) in session.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = 't'::regclass AND NOT tgisinternal"
            )
        ]
        session.execute("ALTER TABLE t DISABLE TRIGGER USER")
        for statement in PLANTED:
            session.execute(statement.encode())
        for name in names:
            session.execute(f"ALTER TABLE t ENABLE ALWAYS TRIGGER {name}".encode())


def in_file(path: Path) -> list[tuple[object, ...]]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(30_000)
    try:
        return list(connection.execute("SELECT id, v FROM t ORDER BY id"))
    finally:
        connection.close()


def in_postgres(dsn: str) -> list[tuple[object, ...]]:
    return engines.execute(dsn, "SELECT id, v FROM t ORDER BY id")


@pytest.mark.parametrize("running", [True, False], ids=["by the engine", "without an engine"])
@pytest.mark.parametrize("primary", ["sqlite", "postgres"])
def test_differences_are_repaired_on_request(
    primary: str, running: bool, postgres_dsn: str, path: Path, tmp_path: Path
) -> None:
    """What the primary has counts; nothing is repaired without being asked for."""
    with living.Engine(tmp_path, path, postgres_dsn, verify_every=600) as engine:
        engine.start().ready()
        if primary == "postgres":
            engine.switch("postgres")
        if not running:
            engine.stop()
        plant = plant_in_postgres if primary == "sqlite" else plant_in_file
        plant(postgres_dsn if primary == "sqlite" else path)  # type: ignore[arg-type]
        found = engines.run("verify", path)
        assert (found.status, len(found.facts["differences"])) == (1, 3)
        assert "--repair" in found.facts["error"]["hint"]
        assert found.facts["repaired"] == 0
        assert in_file(path) != in_postgres(postgres_dsn)
        repaired = engines.run("verify", path, "--repair")
        assert (repaired.status, repaired.facts["differences"], repaired.facts["repaired"]) == (0, [], 3)
        if running:
            assert "t: 3 rows brought over again: " in engine.said
        else:
            engine.start().ready()
        engine.caught_up()
        assert in_file(path) == in_postgres(postgres_dsn) == ROWS


def test_a_rollback_over_known_differences_is_refused(postgres_dsn: str, path: Path, tmp_path: Path) -> None:
    """What the file lacks would be lost for good; unless that is accepted, in an hour that is bad enough."""
    with living.Engine(tmp_path, path, postgres_dsn, verify_every=600) as engine:
        engine.start().ready()
        engine.switch("postgres")
        plant_in_file(path)
        engine.ask("verify")
        refused = engines.run("rollback", path)
        assert (refused.status, refused.error) == (errors.NotReady.exit_code, errors.NotReady.code)
        assert "3 differences" in refused.facts["error"]["why"]
        assert "--repair" in refused.facts["error"]["hint"]
        assert "--accept-differences" in refused.facts["error"]["hint"]
        accepted = engines.run("rollback", path, "--dry-run", "--accept-differences")
        assert (accepted.status, accepted.facts["ready"]) == (0, True)
        engine.ask("verify", repair=True)
        assert engines.run("rollback", path).facts["primary"] == "sqlite"
        assert in_file(path) == ROWS


def test_a_rollback_over_accepted_differences_leaves_them(postgres_dsn: str, path: Path, tmp_path: Path) -> None:
    with living.Engine(tmp_path, path, postgres_dsn, verify_every=600) as engine:
        engine.start().ready()
        engine.switch("postgres")
        plant_in_file(path)
        engine.ask("verify")
        assert engines.run("rollback", path, "--accept-differences").facts["primary"] == "sqlite"
        assert (3, "changed") in in_file(path)


def test_what_cannot_be_repaired_is_reported_and_no_endless_work(postgres_dsn: str, path: Path, tmp_path: Path) -> None:
    """A trigger of the owner's that changes whatever is brought over."""
    with living.Engine(tmp_path, path, postgres_dsn, verify_every=600) as engine:
        engine.start().ready()
        with psycopg.connect(postgres_dsn) as session:
            session.execute(
                "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN NEW.v := upper(NEW.v); RETURN NEW; END $$"
            )
            session.execute("CREATE TRIGGER shout BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION shout()")
        engines.script(path, "UPDATE t SET v = 'new' WHERE id = 5")
        engine.caught_up()
        repaired = engines.run("verify", path, "--repair")
        assert repaired.status == 1
        assert [(one["key"], one["target"]) for one in repaired.facts["differences"]] == [("5", "NEW")]
        assert repaired.facts["repaired"] == 0
        assert engines.run("abort", path).facts["phase"] == "aborted"


def test_only_a_live_migration_can_be_repaired(postgres_dsn: str, path: Path) -> None:
    migration.copy(path, postgres_dsn)
    refused = engines.run("verify", path, "--to", postgres_dsn, "--repair")
    assert (refused.status, refused.error) == (errors.PhaseRefused.exit_code, errors.PhaseRefused.code)
    assert "outgrow copy" in refused.facts["error"]["hint"]
