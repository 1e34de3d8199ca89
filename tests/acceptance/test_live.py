"""A file in use is followed, switched and rolled back, while a ledger knows of every acknowledged write."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from outgrow import failpoints, migration
from support import engine as engines
from support import living
from support.stage import staged
from support.workload import watching


def test_switches_and_rollbacks_under_writes_lose_nothing(any_postgres: str, tmp_path: Path) -> None:
    """Three times there and back; the total of all accounts holds at every moment once the follower has caught up."""
    with staged(tmp_path, any_postgres) as stage:
        stage.engine.start().ready()
        since = time.monotonic_ns()
        with watching.watch_total(any_postgres, stage.what.shape, pause=0.01) as watch:
            for _ in range(3):
                for goal in ("postgres", "sqlite"):
                    stage.engine.switch(goal)
                    stage.load.accepted(goal, 3)
            watch.wait()
        stage.judge(last_epoch=6)
        watch.require(since)


THERE = (
    "switch.locked",
    "switch.drained",
    "switch.prepared",
    "switch.fencing",
    "switch.fenced",
    "switch.opening",
    "switch.opened",
)
BACK = tuple(point for point in THERE if point != "switch.prepared")


@pytest.mark.parametrize("point", THERE)
def test_an_engine_killed_in_a_switch_leaves_one_primary(point: str, postgres_dsn: str, tmp_path: Path) -> None:
    """Before the decision nothing happened, after it the next engine finishes what was decided; nothing is lost."""
    with staged(tmp_path, postgres_dsn) as stage:
        with living.killed_at(stage.engine, point):
            stage.engine.ready()
            with contextlib.suppress(Exception):
                stage.engine.ask("switch", to="postgres")
        stage.engine.ready()
        decided = point in ("switch.fenced", "switch.opening", "switch.opened")
        found = stage.engine.facts()
        assert found is not None
        assert (found["primary"], found["epoch"]) == (("postgres", 1) if decided else ("sqlite", 0))
        stage.engine.switch("postgres")
        stage.load.accepted("postgres", 3)
        stage.judge(last_epoch=1)


@pytest.mark.parametrize("point", BACK)
def test_an_engine_killed_in_a_rollback_leaves_one_primary(point: str, postgres_dsn: str, tmp_path: Path) -> None:
    """The same the other way round."""
    with staged(tmp_path, postgres_dsn) as stage:
        stage.engine.start().ready()
        stage.engine.switch("postgres")
        stage.load.accepted("postgres", 3)
        stage.engine.stop()
        with living.killed_at(stage.engine, point):
            stage.engine.ready()
            with contextlib.suppress(Exception):
                stage.engine.ask("switch", to="sqlite")
        stage.engine.ready()
        decided = point in ("switch.fenced", "switch.opening", "switch.opened")
        found = stage.engine.facts()
        assert found is not None
        assert (found["primary"], found["epoch"]) == (("sqlite", 2) if decided else ("postgres", 1))
        stage.engine.switch("sqlite")
        stage.load.accepted("sqlite", 3)
        stage.judge(last_epoch=2)


ON_THE_WAY = (
    "schema.created",
    "schema.committed",
    "capture.installed",
    "capture.committed",
    "phase.advanced#1",
    "phase.advanced#2",
    "phase.advanced#3",
    "chunk.claimed#3",
    "chunk.copied#3",
    "chunk.committed#5",
    "step.done#2",
    "step.committed#30",
    "follow.read#2",
    "follow.applied#2",
    "follow.acknowledged#3",
)


@pytest.mark.parametrize("point", ON_THE_WAY)
def test_an_engine_killed_on_the_way_continues(point: str, postgres_dsn: str, tmp_path: Path) -> None:
    """From an empty target to a following one, under writes: the same command again."""
    assert point.partition("#")[0] in failpoints.POINTS
    with staged(tmp_path, postgres_dsn) as stage:
        with living.killed_at(stage.engine, point):
            pass
        stage.engine.ready()
        stage.load.ready(20)
        stage.judge(last_epoch=0)


@pytest.mark.parametrize("point", ["follow.read", "follow.applied", "follow.acknowledged"])
def test_an_engine_killed_while_it_follows_back_continues(point: str, postgres_dsn: str, tmp_path: Path) -> None:
    """With PostgreSQL as primary: the file gets every change once more or once, never not."""
    with staged(tmp_path, postgres_dsn) as stage:
        stage.engine.start().ready()
        stage.engine.switch("postgres")
        stage.engine.stop()
        with living.killed_at(stage.engine, f"{point}#4"):
            stage.load.accepted("postgres", 5)
        stage.engine.ready()
        stage.engine.switch("sqlite")
        stage.load.accepted("sqlite", 3)
        stage.judge(last_epoch=2)


def test_a_file_in_a_live_migration_knows_its_target(postgres_dsn: str, tmp_path: Path) -> None:
    """To go on, and to verify with an engine and without one, no target need be named."""
    path = engines.script(
        tmp_path / "app.db", "CREATE TABLE t (a)", "INSERT INTO t VALUES (1), (2)", journal_mode="wal"
    )
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        engine.stop()
    with living.Engine(tmp_path, path, "") as engine:
        engine.start().ready()
        assert migration.verify(path).rows == 2
        told = migration.status(path, None)
        engine.stop()
    assert set(migration.status(path, None)) == set(told), "the same facts with an engine and without"
    assert migration.verify(path).rows == 2
