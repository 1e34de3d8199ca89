"""Which store is primary: the moves are compare-and-sets, and the database itself holds their rules against every writer."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator

import psycopg
import pytest

from outgrow import errors
from outgrow.model import plan, store
from outgrow.model.phase import Side
from outgrow.postgres import capture, foreign_keys, live_state, sequences
from support import live_target
from support.live_target import Target, numbers


@pytest.fixture
def target(any_postgres: str) -> Iterator[Target]:
    """A target that follows."""
    with live_target.make(any_postgres, numbers()) as made:
        yield made


def says(target: Target) -> tuple[int, Side, int | None, bool]:
    """Epoch, primary, what is prepared, and whether the fence stands."""
    found = live_state.read(target.session)
    fenced = capture.missing(target.session, target.plan, found.secret, fenced=True) == {}
    assert fenced or capture.missing(target.session, target.plan, found.secret, fenced=False) == {}
    return found.epoch, found.primary, found.prepared, fenced


def test_a_switch_and_a_rollback_pass_through_these_states(target: Target) -> None:
    """The target is open exactly while it is the primary."""
    session = target.session
    assert says(target) == (0, Side.SQLITE, None, True)
    live_state.prepare(session, 1)
    assert says(target) == (0, Side.SQLITE, 1, True)
    live_state.set_back(session)
    assert says(target) == (0, Side.SQLITE, None, True)
    live_state.prepare(session, 1)
    live_state.prepare(session, 1)
    live_state.open_(session, 1)
    assert says(target) == (1, Side.POSTGRES, None, False)
    live_state.close(session, 2)
    assert says(target) == (2, Side.SQLITE, None, True)
    live_state.prepare(session, 3)
    live_state.open_(session, 3)
    assert says(target) == (3, Side.POSTGRES, None, False)


def test_every_role_may_know_who_is_the_primary_and_nothing_else(target: Target) -> None:
    """An application's role looks there where its transactions begin; the secret of the follower is not for it."""
    target.open()
    with target.role() as role, target.connect(user=role) as session:
        assert session.execute("SELECT epoch, primary_store FROM outgrow.standing").fetchone() == (1, "postgres")
        session.execute("SELECT plan FROM outgrow.catalog")
        for name in ("live", "log", "migration", "quarantine"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(f"SELECT * FROM outgrow.{name}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("UPDATE outgrow.standing SET epoch = 9")


def test_an_application_sees_when_the_file_has_what_it_wrote(target: Target) -> None:
    """Its own entries and those before them are gone from the log then; its role may not read the log."""
    target.open()
    with target.role() as role, target.connect(user=role) as session:
        session.execute("INSERT INTO t VALUES (1, 'a', 1)")
        row = session.execute("SELECT outgrow.last_logged()").fetchone()
        assert row is not None
        session.execute("INSERT INTO t VALUES (2, 'b', 2)")
        assert session.execute("SELECT outgrow.has_arrived(%s)", row).fetchone() == (False,)
        reader = target.reader()
        reader.acknowledge(reader.changes(1).mark, live_target.applied(1))
        reader.settle()
        assert session.execute("SELECT outgrow.has_arrived(%s)", row).fetchone() == (True,)
        session.execute("UPDATE outgrow.writer SET turn = turn + 1")


def test_an_owner_without_any_other_privilege_can_do_it_all(unprivileged_dsn: str) -> None:
    """Following, preparing, opening, reading, locking, closing, cleaning up, removing."""
    key = plan.ConstraintPlan(name="fk", definition='FOREIGN KEY ("n") REFERENCES "public"."t" ("id")', parent="t")
    with live_target.make(unprivileged_dsn, numbers(), numbers("other", foreign_keys=(key,))) as target:
        row = target.session.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row == (False,)
        target.applier().apply(live_target.entries(1, store.LineChanges(table="t", **live_target.lines((5, "a", 1)))))
        with target.session.transaction():
            foreign_keys.add(target.session, target.plan)
            sequences.Sequences(target.session, target.plan).advance({"t": 9})
            live_state.prepare(target.session, 1)
        live_state.open_(target.session, 1)
        with target.connect() as session:
            assert session.execute("INSERT INTO t (name) VALUES ('b') RETURNING id").fetchone() == (10,)
        reader = target.reader()
        with target.connect(autocommit=False) as writer:
            writer.execute("UPDATE t SET n = 2")
            with pytest.raises(errors.Retryable, match="did not end within"), reader.locked(0.1):
                pass
        with reader.locked(5):
            reader.acknowledge(reader.changes(100).mark, live_target.applied(1))
            assert reader.changes(100).entries == 0
            live_state.close(target.session, 2)
        assert sequences.last(target.session, target.plan) == {"t": 10}
        with target.session.transaction():
            foreign_keys.drop(target.session, target.plan)
        target.session.execute("VACUUM outgrow.log")
        for number in (1, 2):
            for statement in capture.drop(number):
                target.session.execute(statement.encode())


def test_moves_that_do_not_belong_here_are_refused(target: Target) -> None:
    """Nothing changes, and who asked is told what there is."""
    session = target.session
    for move in (
        lambda: live_state.prepare(session, 2),
        lambda: live_state.prepare(session, 0),
        lambda: live_state.open_(session, 1),
        lambda: live_state.close(session, 1),
    ):
        with pytest.raises(errors.TargetBusy, match="sqlite of epoch 0"):
            move()
        assert says(target) == (0, Side.SQLITE, None, True)
    live_state.prepare(session, 1)
    with pytest.raises(errors.TargetBusy, match="prepared for epoch 1"):
        live_state.open_(session, 2)
    live_state.open_(session, 1)
    for move in (
        lambda: live_state.prepare(session, 2),
        lambda: live_state.set_back(session),
        lambda: live_state.open_(session, 1),
        lambda: live_state.close(session, 3),
    ):
        with pytest.raises(errors.TargetBusy, match="postgres of epoch 1"):
            move()
        assert says(target) == (1, Side.POSTGRES, None, False)


RULES = [
    ("epoch = 0", "cannot go back"),
    ("primary_store = 'sqlite'", "cannot change"),
    ("acknowledged = 4", "has batch 5"),
    ("primary_store = 'mysql', epoch = 2", "primary_store_check"),
    ("prepared = 2", "live_check"),
    ("seq = -1", "seq_check"),
    ("secret = 'short'", "secret_check"),
]


@pytest.mark.parametrize(("setting", "message"), RULES, ids=[rule[0] for rule in RULES])
def test_the_rules_hold_for_every_writer(target: Target, setting: str, message: str) -> None:
    """This is plain SQL, not the tool."""
    target.open()
    target.session.execute("UPDATE outgrow.live SET acknowledged = 5")
    with pytest.raises(psycopg.errors.CheckViolation, match=message):
        target.session.execute(f"UPDATE outgrow.live SET {setting}".encode())
    with pytest.raises(psycopg.errors.UniqueViolation):
        target.session.execute("INSERT INTO outgrow.live (secret) VALUES (repeat('x', 40))")


def test_beginning_is_done_once(unprivileged_dsn: str) -> None:
    """By whoever comes first; the secret stays."""
    with live_target.make(unprivileged_dsn, numbers()) as target:
        secret = live_state.read(target.session).secret
        target.session.execute("DROP VIEW outgrow.standing, outgrow.catalog; DROP TABLE outgrow.writer")
        target.session.execute("DROP TABLE outgrow.live, outgrow.log, outgrow.suspect, outgrow.shape CASCADE")
        for name in ("guard_live", "refuse", "move_position", "acknowledge", "last_logged", "has_arrived", "hold"):
            target.session.execute(f"DROP FUNCTION IF EXISTS outgrow.{name} CASCADE".encode())

        def begin() -> str:
            with target.engine() as session:
                live_state.begin(session)
                return live_state.read(session).secret

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            secrets = {made.result() for made in [pool.submit(begin) for _ in range(4)]}
        assert len(secrets) == 1
        assert secret not in secrets
        assert "secret" not in repr(live_state.read(target.session))


def test_a_lost_row_is_said_to_be_lost(target: Target) -> None:
    """Nobody goes on as if the migration had just begun."""
    target.session.execute("DELETE FROM outgrow.live")
    with pytest.raises(errors.StoresDisagree, match=r"outgrow\.live is gone"):
        live_state.read(target.session)


def test_a_move_is_on_the_disk_whatever_the_session_prefers(target: Target) -> None:
    """A decision that a crash takes back would be two primaries."""
    target.session.execute("SET synchronous_commit = off")
    live_state.prepare(target.session, 1)
    live_state.open_(target.session, 1)
    query = "SELECT pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()"
    assert target.session.execute(query).fetchone() == (True,)
    assert target.session.execute("SHOW synchronous_commit").fetchone() == ("off",)


def test_nobody_else_may_call_the_functions(target: Target) -> None:
    """Not even with the schema's privilege, as a monitor has it."""
    with target.role() as role, target.connect(user=role) as session:
        target.session.execute(f"GRANT USAGE ON SCHEMA outgrow TO {role}".encode())
        for call in ("move_position(0, 0, 1, 1, 0, false)", "acknowledge('{}', 1, 0)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(f"SELECT outgrow.{call}".encode())
