"""A target that is not the file's is refused by every command, with an engine and without one; and what status says at rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from outgrow.postgres import embedded
from support import engine as engines
from support import living, servers


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return engines.script(
        tmp_path / "app.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)",
        "INSERT INTO t VALUES (1, 10), (2, 20)",
        journal_mode="wal",
    )


@pytest.fixture
def other_dsn(server: embedded.EmbeddedServer) -> Iterator[str]:
    """Another, empty database."""
    with servers.database(server) as dsn:
        yield dsn


COMMANDS = (
    ("status",),
    ("verify",),
    ("verify", "--repair"),
    ("switch",),
    ("switch", "--dry-run"),
    ("rollback",),
    ("finish",),
    ("abort",),
)


@pytest.mark.parametrize("running", [True, False], ids=["with an engine", "without an engine"])
def test_a_wrong_target_is_refused_and_nothing_changes(
    running: bool, postgres_dsn: str, other_dsn: str, path: Path, tmp_path: Path
) -> None:
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        if not running:
            engine.stop()
        for command in COMMANDS:
            name, *options = command
            found = engines.run(name, path, "--to", other_dsn, *options)
            assert (found.status, found.error) == (2, "stores_disagree"), (command, found.facts)
            unread = engines.run(name, path, "--to", "mysql", *options)
            assert (unread.status, unread.error) == (4, "usage"), (command, unread.facts)
        same = engines.run("status", path, "--to", postgres_dsn)
        assert (same.status, same.facts["primary"], same.facts["epoch"]) == (0, "sqlite", 0)
        assert engines.run("verify", path, "--to", f"{postgres_dsn}&application_name=x").status == 0
    assert engines.execute(other_dsn, "SELECT to_regnamespace('outgrow')") == [(None,)]


def test_a_second_engine_is_refused_at_once(postgres_dsn: str, path: Path, tmp_path: Path) -> None:
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        found = engines.run("run", path)
        assert (found.status, found.error) == (2, "target_busy")
        assert found.facts["error"]["hint"].endswith(f"outgrow status {path} --watch")


def test_the_next_transition_is_named_with_its_own_checks(postgres_dsn: str, path: Path, tmp_path: Path) -> None:
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        there = engines.run("status", path).facts
        assert (there["next"], there["ready"]) == ("switch", True)
        engine.switch("postgres")
        back = engines.run("status", path).facts
        assert back["next"] == "rollback"
        assert {check["name"] for check in back["checks"]} == {"lag", "quarantine", "shape"}
        tried = engines.run("rollback", path, "--dry-run").facts
        assert {check["name"] for check in tried["checks"]} == {"lag", "quarantine", "shape"}


def test_finish_asks_for_rows_in_quarantine_and_keeps_them_in_the_trail(
    postgres_dsn: str, path: Path, tmp_path: Path
) -> None:
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        engines.script(path, "INSERT INTO t VALUES (4, 'nor this')")
        engine.until(lambda facts: bool(facts["quarantined"]), "the row that does not fit")
        (group,) = engines.run("verify", path).facts["quarantine_groups"]
        assert (group["table"], group["column"], group["rows"]) == ("t", "v", 1)
        assert (group["examples"][0]["key"], group["examples"][0]["value"]) == ("4", "nor this")
        refused = engines.run("switch", path)
        assert refused.error == "not_ready"
        assert f"outgrow switch {path} --accept-quarantine" in refused.facts["error"]["hint"]
        assert engines.run("switch", path, "--accept-quarantine").status == 0
        stays = engines.run("finish", path)
        assert (stays.status, stays.error) == (2, "not_ready")
        assert f"outgrow finish {path} --accept-quarantine" in stays.facts["error"]["hint"]
        assert engines.run("status", path).facts["phase"] == "switched"
        done = engines.run("finish", path, "--accept-quarantine").facts
        assert engine.ended() == 0
    kept = [json.loads(line) for line in Path(done["trail"]).read_text().splitlines()]
    rows = [one for one in kept if one["kind"] == "Quarantined"]
    assert len(rows) == done["quarantined"] > 0
    assert all(one["table"] == "t" and one["row"]["v"]["class"] == "text" for one in rows)
    assert {bytes.fromhex(one["row"]["v"]["value"]).decode() for one in rows} >= {"nor this"}


def test_an_archive_is_known(postgres_dsn: str, other_dsn: str, path: Path, tmp_path: Path) -> None:
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        engine.switch("postgres")
        engine.ask("finish")
        assert engine.ended() == 0
    before = path.read_bytes(), path.stat().st_mtime_ns
    for command in (("run", "--to", other_dsn), ("run", "--to", postgres_dsn), ("verify",), ("status",)):
        name, *options = command
        found = engines.run(name, path, *options)
        assert (found.status, found.error) == (2, "phase_refused"), (command, found.facts)
        assert "finished" in found.facts["error"]["message"]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_the_status_of_a_copy_is_that_of_a_copy(postgres_dsn: str, path: Path) -> None:
    assert engines.run("copy", path, "--to", postgres_dsn).status == 0
    found = engines.run("status", path, "--to", postgres_dsn).facts
    assert (found["phase"], found["next"], found["ready"]) == ("finished", "", False)
    assert [(check["name"], check["ok"], check["remedy"]) for check in found["checks"]] == [("copy", True, "")]


def test_a_table_in_the_way_is_told_before_the_file_is_read(postgres_dsn: str, path: Path) -> None:
    engines.execute(postgres_dsn, "CREATE TABLE t (x integer); SELECT 1")
    found = engines.run("copy", path, "--to", postgres_dsn)
    assert (found.status, found.error) == (2, "target_occupied")
    assert found.facts["error"]["message"].endswith("already has: t")


def test_a_column_that_somebody_added_is_not_passed_over(postgres_dsn: str, path: Path) -> None:
    assert engines.run("copy", path, "--to", postgres_dsn).status == 0
    engines.execute(postgres_dsn, "ALTER TABLE t ADD more integer; SELECT 1")
    found = engines.run("verify", path, "--to", postgres_dsn)
    assert (found.status, found.error) == (2, "target_unfit")
    assert "t.more" in found.facts["error"]["why"]
