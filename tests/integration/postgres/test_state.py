"""The migration's state in the database: its phases are guarded there against every writer."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from outgrow import errors
from outgrow.model.phase import MOVES, Phase
from outgrow.postgres import connection, state

ILLEGAL = [(b, a) for b in Phase for a in Phase if a not in MOVES[b] and a is not b]


@pytest.fixture
def keeper(any_postgres: str) -> Iterator[state.State]:
    """A migration in phase planned."""
    with connection.connect(any_postgres, purpose="test", autocommit=True) as session:
        found = state.State(session)
        with session.transaction():
            found.begin(source="a.db", target_schema="public", plan="{}", fingerprint="{}", chunk_rows=100, version="0")
        yield found


def put(keeper: state.State, where: Phase) -> None:
    """Bring the migration to a phase past its guard."""
    with keeper.connection.transaction():
        keeper.connection.execute("ALTER TABLE outgrow.migration DISABLE TRIGGER guard_phase")
        keeper.connection.execute("UPDATE outgrow.migration SET phase = %s", [where])
        keeper.connection.execute("ALTER TABLE outgrow.migration ENABLE TRIGGER guard_phase")


def test_legal_moves_are_made(keeper: state.State) -> None:
    """By the function, and the database agrees."""
    for before, afters in MOVES.items():
        for after in afters:
            put(keeper, before)
            keeper.advance(before, after)
            assert keeper.migration().phase is after


def test_the_trigger_refuses_every_other_move(keeper: state.State) -> None:
    """Whoever writes it: this is plain SQL, not the tool."""
    for before, after in ILLEGAL:
        put(keeper, before)
        with pytest.raises(psycopg.errors.CheckViolation, match=f"{before} cannot become {after}"):
            keeper.connection.execute("UPDATE outgrow.migration SET phase = %s", [after])
        assert keeper.migration().phase is before


def test_an_unknown_phase_is_refused(keeper: state.State) -> None:
    """A phase that is in no move cannot be reached."""
    with pytest.raises(psycopg.errors.CheckViolation):
        keeper.connection.execute("UPDATE outgrow.migration SET phase = 'done'")


def test_a_move_from_a_phase_that_is_gone_is_refused(keeper: state.State) -> None:
    """Compare-and-set: of two processes that saw `planned`, one moves the migration and the other is told."""
    keeper.advance(Phase.PLANNED, Phase.COPYING)
    with pytest.raises(errors.PhaseRefused, match="no longer planned"):
        keeper.advance(Phase.PLANNED, Phase.COPYING)
    assert keeper.migration().phase is Phase.COPYING


def test_a_database_holds_one_migration(keeper: state.State) -> None:
    """A second row is refused."""
    with pytest.raises(psycopg.errors.UniqueViolation):
        keeper.connection.execute(
            "INSERT INTO outgrow.migration (source, target_schema, plan, fingerprint, chunk_rows, version)"
            " VALUES ('b.db', 'public', '{}', '{}', 1, '0')"
        )


def test_a_living_holder_keeps_the_lease(
    keeper: state.State, any_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process is told who holds it."""
    monkeypatch.setattr(state, "LEASE_PATIENCE", 0.0)
    with (
        keeper.lease("copy"),
        connection.connect(any_postgres, purpose="test", autocommit=True) as other,
        pytest.raises(errors.TargetBusy, match="outgrow copy"),
        state.State(other).lease("verify"),
    ):
        pass


def test_the_lease_of_a_dead_holder_is_free(keeper: state.State, any_postgres: str) -> None:
    """It ends with the holder's backend; nobody waits for an expiry."""
    gone = connection.connect(any_postgres, purpose="test", autocommit=True)
    held = state.State(gone).lease("copy")
    held.__enter__()
    gone.close()
    with keeper.lease("verify"):
        found = keeper.connection.execute("SELECT command FROM outgrow.lease").fetchone()
    assert found == ("verify",)


def test_a_run_from_before_a_restart_claims_nothing(keeper: state.State, any_postgres: str) -> None:
    """A process that lost its lease unnoticed must not fill the tables of the one that began anew."""
    old = keeper.migration().run
    with connection.connect(any_postgres, purpose="test", autocommit=True) as other:
        stale = state.State(other, run=old)
        stale.plan_chunk("t", 0, None)
        assert stale.claim_chunk("t", 0)
        assert not stale.claim_chunk("t", 0)
        keeper.connection.execute("DROP SCHEMA outgrow CASCADE")
        with pytest.raises(errors.TargetBusy, match="begun the migration anew"):
            stale.claim_chunk("t", 1)
        with keeper.connection.transaction():
            keeper.begin(
                source="a.db", target_schema="public", plan="{}", fingerprint="{}", chunk_rows=100, version="0"
            )
        with pytest.raises(errors.TargetBusy, match="begun the migration anew"):
            stale.claim_step("index i")
        with pytest.raises(errors.TargetBusy, match="begun the migration anew"):
            stale.plan_chunk("t", 1, None)
        assert state.State(other, run=keeper.migration().run).claim_step("index i")


def test_of_two_that_begin_one_is_told(keeper: state.State) -> None:
    """The schema is there: whoever wanted to make it looks again."""
    with pytest.raises(state.Begun), keeper.connection.transaction():
        keeper.begin(source="a.db", target_schema="public", plan="{}", fingerprint="{}", chunk_rows=100, version="0")
