"""With PostgreSQL as primary: whatever can be done to its rows arrives in the file, and the file can be the primary again."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from outgrow import errors
from support import engine as engines
from support import living
from support.stage import SMALL, Stage
from support.workload import running, schema, script

KINDS = (
    *("sprout", "wipe", "scribble", "rekey_account", "rekey_doc", "rename_tag", "swap_tags", "swap_archive", "swap_slots"),
    *("swap_emails", "enrol", "weigh", "replace_account", "reopen", "close_account", "post", "plant", "graft", "prune"),
    *("move_membership", "large", "big_doc", "several", "partly", "undo", "stumble", "transfer", "write_doc", "append"),
)  # fmt: skip
"""TRUNCATE, keys that change or change places, cascades, upserts, large transactions, and such as are taken back."""


@contextlib.contextmanager
def staged(directory: Path, dsn: str, *, seed: int) -> Iterator[Stage]:
    """A workload of these kinds on PostgreSQL, which the file follows."""
    path = directory / "app.db"
    what = script.Script(seed=seed, shape=schema.Shape(rows=600, large=3_000, leaves=True), kinds=KINDS)
    schema.create(path, what.shape)
    with (
        running.Workload(directory, what, sqlite=path, postgres=dsn, rate=200) as load,
        running.Prober(directory, what, sqlite=path, postgres=dsn, rate=20) as prober,
        living.Engine(directory, path, dsn, tuned=SMALL) as engine,
    ):
        load.ready()
        engine.start().ready()
        engine.switch("postgres")
        yield Stage(path=path, dsn=dsn, what=what, load=load, prober=prober, engine=engine)


def tried(stage: Stage) -> None:
    """Wait until PostgreSQL has taken some of every kind."""
    living.until(lambda: set(stage.load.summary().kinds) | {"undo"} >= set(KINDS), "every kind was tried")
    stage.load.accepted("postgres", 20)


def test_a_rollback_waits_for_writes_that_were_not_noticed(postgres_dsn: str, tmp_path: Path) -> None:
    """Capture at the target was lost for one transaction: what that wrote goes to the file before this is the primary."""
    path = engines.script(
        tmp_path / "app.db",
        "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)",
        "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000)"
        " INSERT INTO item SELECT n, 'item ' || n FROM c",
        journal_mode="wal",
    )
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        engine.switch("postgres")
        engines.execute(
            postgres_dsn,
            "DO $$ BEGIN ALTER TABLE item DISABLE TRIGGER outgrow_capture_update;"
            " UPDATE item SET name = 'unseen' WHERE id = 4321; END $$",
        )
        with pytest.raises(errors.NotReady, match="compared again"):
            engine.ask("switch", to="sqlite")
        engine.switch("sqlite")
        assert engine.ask("verify")["differences"] == []
        assert engine.stop() == 0
        with contextlib.closing(sqlite3.connect(path)) as file:
            assert file.execute("SELECT name FROM item WHERE id = 4321").fetchone() == ("unseen",)


def test_ids_that_postgres_gave_are_not_given_again(postgres_dsn: str, tmp_path: Path) -> None:
    """Not with AUTOINCREMENT: neither such of rows that are gone since, nor such that a sequence was moved past."""
    path = engines.script(
        tmp_path / "app.db",
        *(
            f"CREATE TABLE {name} (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)"
            for name in ("gone", "moved", "new")
        ),
        "CREATE TABLE plain (id INTEGER PRIMARY KEY, name TEXT)",
        "INSERT INTO gone VALUES (4, 'a')",
        journal_mode="wal",
    )
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        engine.switch("postgres")
        with psycopg.connect(postgres_dsn) as application:
            application.execute("INSERT INTO gone (name) VALUES ('b'), ('c')")
            application.execute("INSERT INTO plain VALUES (9, 'b')")
            application.execute("INSERT INTO new (name) VALUES ('b')")
            application.execute("SELECT setval('moved_id_seq', 70)")
        with psycopg.connect(postgres_dsn) as application:
            application.execute("DELETE FROM gone WHERE id > 5")
            application.execute("DELETE FROM plain")
        engine.switch("sqlite")
        assert engine.stop() == 0
        with contextlib.closing(sqlite3.connect(path)) as file:
            given = [
                file.execute(f"INSERT INTO {name} (name) VALUES ('d')").lastrowid
                for name in ("gone", "moved", "new", "plain")
            ]
        assert given == [7, 71, 2, 1]


@pytest.mark.parametrize("seed", [1, 2])
def test_everything_that_is_done_in_postgres_arrives_in_the_file(postgres_dsn: str, tmp_path: Path, seed: int) -> None:
    with staged(tmp_path, postgres_dsn, seed=seed) as stage:
        tried(stage)
        stage.judge(last_epoch=1)


def test_after_all_that_the_file_is_the_primary_again(postgres_dsn: str, tmp_path: Path) -> None:
    """An engine dies on the way, between what the file has and what PostgreSQL knows that it has."""
    with staged(tmp_path, postgres_dsn, seed=3) as stage:
        assert stage.engine.stop() == 0
        with living.killed_at(stage.engine, "follow.applied#9"):
            stage.load.accepted("postgres", 20)
        stage.engine.ready()
        tried(stage)
        stage.engine.switch("sqlite")
        stage.load.accepted("sqlite", 10)
        stage.judge(last_epoch=2)
