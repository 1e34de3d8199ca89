"""Killed anywhere, and typed again: the same command ends with the database that an uninterrupted run makes."""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from outgrow import failpoints
from outgrow.postgres import embedded
from support import catalog, checker, command, engine, servers

MANY = ("chunk.claimed", "chunk.copied", "chunk.committed", "step.done", "step.committed", "verify.span")
"""Points that a copy of the file meets many times."""

TWICE = ("phase.advanced", "row.quarantined")

KILLS = [
    *((point, hit) for point in failpoints.COPY_POINTS if point not in (*MANY, *TWICE) for hit in ("first",)),
    *((point, hit) for point in TWICE for hit in ("first", "last")),
    *((point, hit) for point in MANY for hit in ("first", "second", "last")),
]


@pytest.fixture(scope="module")
def hits(
    original: Path, server: embedded.EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, int]:
    """How often an uninterrupted copy meets each point."""
    directory = tmp_path_factory.mktemp("hits")
    path = shutil.copy(original, directory / "home.db")
    with servers.database(server) as dsn:
        done = command.run(*command.copying(path, dsn), failpoint=f"trace={directory / 'trace'}")
    assert done.code == "quarantined"
    return Counter((directory / "trace").read_text().split())


@pytest.fixture(scope="module")
def uninterrupted(
    original: Path, server: embedded.EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """What a copy leaves at the target when nothing happens to it."""
    path = shutil.copy(original, tmp_path_factory.mktemp("uninterrupted") / "home.db")
    with servers.database(server) as dsn:
        done = command.run(*command.copying(path, dsn))
        assert (done.status, done.code, done.facts["resumed"]) == (1, "quarantined", 0)
        checker.compare(path, dsn).require()
        yield catalog.dump(dsn)


def complete(path: Path, dsn: str, uninterrupted: dict[str, Any], ended: command.Ended) -> None:
    """Require that the file is at the target, exactly as after an uninterrupted run."""
    assert (ended.status, ended.code, ended.stderr) == (1, "quarantined", "")
    assert (ended.facts["quarantined"], ended.facts["differences"]) == (2, [])
    checker.compare(path, dsn).require()
    assert catalog.dump(dsn) == uninterrupted
    assert not catalog.contains(dsn, command.PASSWORD)


def unchanged(path: Path, dsn: str) -> None:
    """Require that the same command changes nothing any more, and says so."""
    before = catalog.versions(dsn)
    again = command.run(*command.copying(path, dsn))
    assert (again.status, again.facts["repeated"]) == (1, True)
    assert catalog.versions(dsn) == before


def test_a_copy_with_quarantined_rows_meets_every_point(hits: Mapping[str, int]) -> None:
    assert set(hits) == set(failpoints.COPY_POINTS)
    assert {point for point, count in hits.items() if count == 1} == set(failpoints.COPY_POINTS) - {*MANY, *TWICE}
    assert {hits[point] for point in TWICE} == {2}
    assert min(hits[point] for point in MANY) > 3


@pytest.mark.parametrize(("point", "hit"), KILLS)
def test_killed_at_a_point_the_same_command_completes(
    point: str, hit: str, home: Path, postgres_dsn: str, hits: Mapping[str, int], uninterrupted: dict[str, Any]
) -> None:
    number = {"first": 1, "second": 2, "last": hits[point]}[hit]
    killed = command.run(*command.copying(home, postgres_dsn), failpoint=f"{point}#{number}=kill")
    assert killed.killed

    again = command.run(*command.copying(home, postgres_dsn))

    complete(home, postgres_dsn, uninterrupted, again)
    finished = (point, hit) in (("phase.advanced", "last"), ("finish.after", "first"))
    assert again.facts["repeated"] is finished


@pytest.mark.parametrize("point", ["chunk.committed#2", "step.done#1", "finish.after"])
def test_typed_a_third_time_the_command_changes_nothing(point: str, home: Path, postgres_dsn: str) -> None:
    assert command.run(*command.copying(home, postgres_dsn), failpoint=f"{point}=kill").killed
    assert command.run(*command.copying(home, postgres_dsn)).status == 1

    unchanged(home, postgres_dsn)


@pytest.mark.parametrize(
    "points",
    [
        ("schema.created", "chunk.copied#3"),
        ("chunk.committed#2", "chunk.committed#2", "chunk.committed#2"),
        ("row.quarantined", "row.quarantined"),
        ("step.done#2", "verify.span#2"),
        ("finish.before", "finish.before"),
    ],
    ids="-".join,
)
def test_killed_again_and_again_each_run_goes_on_from_the_last(
    points: tuple[str, ...], home: Path, postgres_dsn: str, uninterrupted: dict[str, Any]
) -> None:
    rows = [0]
    for point in points:
        assert command.run(*command.copying(home, postgres_dsn), failpoint=f"{point}=kill").killed
        if point != "schema.created":
            rows += engine.execute(postgres_dsn, "SELECT coalesce(sum(rows), 0)::int FROM outgrow.chunk")[0]
    assert rows == sorted(rows)

    again = command.run(*command.copying(home, postgres_dsn))

    complete(home, postgres_dsn, uninterrupted, again)
    assert again.facts["resumed"] == rows[-1] > 0


def sessions(admin: psycopg.Connection, waiting: bool = False) -> set[int]:
    """The backends of outgrow in this database; with `waiting`, those that wait for a lock."""
    query = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'outgrow %%'"
        " AND (NOT %s OR wait_event_type = 'Lock')"
    )
    return {pid for (pid,) in admin.execute(query, [waiting])}


@contextlib.contextmanager
def orphaned(
    dsn: str, point: str, lock: LiteralString, *arguments: object
) -> Iterator[tuple[psycopg.Connection, psycopg.Connection, set[int]]]:
    """A copy is killed while its backends wait for a lock, and they live on: who holds the lock, who may look, the backends."""
    with (
        psycopg.connect(dsn) as blocker,
        psycopg.connect(dsn, autocommit=True) as admin,
        command.held(point, *arguments) as first,
    ):
        blocker.execute(lock)
        first.release()
        command.until(lambda: sessions(admin, waiting=True))
        orphans = sessions(admin, waiting=True)
        assert first.kill().killed
        assert orphans <= sessions(admin)
        yield blocker, admin, orphans


def test_a_dead_process_whose_backend_still_builds_a_key_is_waited_for(
    home: Path, postgres_dsn: str, uninterrupted: dict[str, Any]
) -> None:
    one = command.copying(home, postgres_dsn, "--jobs", "1")
    lock: LiteralString = "LOCK TABLE matches, notifications IN ACCESS EXCLUSIVE MODE"
    with (
        orphaned(postgres_dsn, "step.committed#1", lock, *one) as (blocker, admin, orphans),
        command.start(*command.copying(home, postgres_dsn)) as second,
    ):
        command.until(lambda: sessions(admin, waiting=True) - orphans)
        blocker.rollback()
        complete(home, postgres_dsn, uninterrupted, second.end())


def test_the_lease_of_a_dead_process_lasts_as_long_as_its_backend(
    home: Path, postgres_dsn: str, uninterrupted: dict[str, Any]
) -> None:
    arguments = command.copying(home, postgres_dsn)
    lock: LiteralString = "SELECT FROM outgrow.migration FOR UPDATE"
    with (
        orphaned(postgres_dsn, "finish.before", lock, *arguments) as (blocker, admin, orphan),
        command.start(*arguments) as second,
    ):
        # Its last statement waits for the row: so it has the lease, and the orphan is gone.
        command.until(lambda: sessions(admin, waiting=True) - orphan)
        assert not orphan & sessions(admin)
        blocker.rollback()
        complete(home, postgres_dsn, uninterrupted, second.end())


def test_a_table_of_many_chunks_of_the_ordinary_size_resumes(tmp_path: Path, postgres_dsn: str) -> None:
    rows = 120_000
    path = engine.script(
        tmp_path / "many.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)",
        f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
        " INSERT INTO t SELECT i * 3, 'row ' || i FROM n",
    )
    arguments = ("copy", path, "--to", command.with_password(postgres_dsn), "--json", "--jobs", "1")

    assert command.run(*arguments, failpoint="chunk.copied#2=kill").killed
    again = command.run(*arguments)

    assert (again.status, again.facts["rows"], again.facts["resumed"]) == (0, rows, 50_000)
    checker.compare(path, postgres_dsn).require()
