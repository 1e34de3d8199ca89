"""The phases of a migration and the one table of legal moves between them.

`advance` is the only way to a new phase; the target guards the move again with a compare-and-set, and a trigger in
the database holds the same table (see `postgres/sql/state.sql`; a test compares the two).
"""

from __future__ import annotations

import enum

from outgrow import errors

__all__ = ["MOVES", "Phase", "Side", "advance"]


class Side(enum.StrEnum):
    """One of the two stores."""

    SQLITE = "sqlite"
    POSTGRES = "postgres"

    @property
    def other(self) -> Side:
        """The other one."""
        return Side.POSTGRES if self is Side.SQLITE else Side.SQLITE


class Phase(enum.StrEnum):
    """Where a migration stands."""

    PLANNED = "planned"
    """The plan is stored at the target; nothing else is there."""
    CAPTURING = "capturing"
    """Triggers in the SQLite file log touched keys."""
    COPYING = "copying"
    """Rows are being copied, indexes and keys built."""
    FOLLOWING = "following"
    """The target follows the file's changes."""
    SWITCHED = "switched"
    """PostgreSQL is primary; the file follows."""
    FINISHED = "finished"
    """The migration is over: PostgreSQL is primary and there is no way back."""


MOVES: dict[Phase, frozenset[Phase]] = {
    # A stopped application needs no capture: it goes from planned to copying, and from there to finished.
    Phase.PLANNED: frozenset({Phase.CAPTURING, Phase.COPYING}),
    Phase.CAPTURING: frozenset({Phase.COPYING}),
    Phase.COPYING: frozenset({Phase.FOLLOWING, Phase.FINISHED}),
    Phase.FOLLOWING: frozenset({Phase.SWITCHED}),
    Phase.SWITCHED: frozenset({Phase.FOLLOWING, Phase.FINISHED}),
    Phase.FINISHED: frozenset(),
}
"""Legal moves, from each phase."""


def advance(current: Phase, new: Phase) -> Phase:
    """`new`, if the move is legal; errors.PhaseRefused otherwise."""
    if new not in MOVES[current]:
        allowed = ", ".join(sorted(MOVES[current])) or "nothing: the migration is over"
        raise errors.PhaseRefused(
            f"A migration that is {current} cannot become {new}",
            why=f"from {current} the legal moves are: {allowed}",
            hint="Look at the migration's phase in outgrow.migration on the target",
        )
    return new
