"""The table of phases: the code's and the database's are the same."""

from __future__ import annotations

import re

import pytest

from outgrow import errors
from outgrow.model import phase
from outgrow.postgres import statements

PAIRS = [(before, after) for before in phase.Phase for after in phase.Phase]


def test_the_database_holds_the_same_table() -> None:
    """The rows that state.sql inserts are the moves of the code."""
    rows = statements.named("create_state").partition("INSERT INTO outgrow.move VALUES")[2].partition(";")[0]
    moves = {(before, after) for before, afters in phase.MOVES.items() for after in afters}
    assert set(re.findall(r"\('(\w+)', '(\w+)'\)", rows)) == {(str(b), str(a)) for b, a in moves}


def test_every_phase_is_in_the_table() -> None:
    """And every phase but the first can be reached."""
    assert set(phase.MOVES) == set(phase.Phase)
    assert set().union(*phase.MOVES.values()) == set(phase.Phase) - {phase.Phase.PLANNED}


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_only_the_tables_moves_are_legal(before: phase.Phase, after: phase.Phase) -> None:
    """Any other is refused, and the refusal names the legal ones."""
    if after in phase.MOVES[before]:
        assert phase.advance(before, after) is after
        return
    with pytest.raises(errors.PhaseRefused) as refused:
        phase.advance(before, after)
    assert all(legal in refused.value.why for legal in phase.MOVES[before])
    assert refused.value.hint
