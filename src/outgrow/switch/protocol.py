"""The switching protocol: from what both databases durably say, and a goal, to the next step.

    file (epoch, primary)      target (epoch, primary, prepared)         what it means
    ---------------------      ---------------------------------         -------------------------------------------
    e, sqlite                  e, sqlite, -                              the file is primary
    e, sqlite                  e, sqlite, e+1                            prepared; without a decision it is set back
    e+1, postgres              e, sqlite, e+1                            decided in the file: the target must be opened
    e+1, postgres              e+1, postgres, -                          the target is primary
    e+1, postgres              e+2, sqlite, -                            decided at the target: the file must be opened
    e+2, sqlite                e+2, sqlite, -                            the file is primary again

A switch, a rollback and the recovery after a crash are the same loop: look, ask `next_step`, do it. A primary closes itself
in the commit that decides, and the other one is opened after that commit; so at no time are both open.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from outgrow import errors
from outgrow.model.phase import Side

__all__ = ["FileSays", "Step", "TargetSays", "next_step", "open_sides"]


@dataclass(frozen=True, slots=True)
class FileSays:
    """What the file durably says; it is fenced exactly if `primary` is not itself."""

    epoch: int
    primary: Side


@dataclass(frozen=True, slots=True)
class TargetSays:
    """What the target durably says; it is fenced exactly if `primary` is not itself.

    `prepared` is the epoch that it has been made ready for as primary, None if for none.
    """

    epoch: int
    primary: Side
    prepared: int | None = None


class Step(enum.StrEnum):
    """What to do next."""

    LOCK = "lock"
    """Keep the primary's writers out, for as long as this process holds the lock."""
    DRAIN = "drain"
    """Bring the follower to the primary's last commit."""
    PREPARE = "prepare"
    """Make the target ready as primary of the next epoch (foreign keys, sequences), still closed."""
    FENCE = "fence"
    """The decision: in one commit the primary closes itself and names the other one."""
    OPEN_TARGET = "open target"
    """The target accepts writes, as primary of the epoch that the file decided."""
    OPEN_FILE = "open file"
    """The file accepts writes, as primary of the epoch that the target decided."""
    SET_BACK = "set back"
    """Undo a preparation that no decision followed."""


def open_sides(file: FileSays, target: TargetSays) -> frozenset[Side]:
    """The stores that accept the application's writes: never both."""
    sides = set()
    if file.primary is Side.SQLITE:
        sides.add(Side.SQLITE)
    if target.primary is Side.POSTGRES:
        sides.add(Side.POSTGRES)
    return frozenset(sides)


def next_step(
    file: FileSays, target: TargetSays, goal: Side | None = None, *, locked: bool = False, drained: bool = False
) -> Step | None:
    """The next step towards `goal` (None: only finish what was decided), or None when nothing is left to do.

    `locked` and `drained` are what this process holds at the moment; a crash loses both. Raises errors.StoresDisagree where
    the two do not belong together, as when an old copy of one of them was put in its place.
    """
    if target.epoch == file.epoch - 1 and file.primary is Side.POSTGRES and target.primary is Side.SQLITE:
        return Step.OPEN_TARGET
    if file.epoch == target.epoch - 1 and target.primary is Side.SQLITE and file.primary is Side.POSTGRES:
        return Step.OPEN_FILE
    if file.epoch != target.epoch or file.primary is not target.primary:
        raise errors.StoresDisagree(
            "The file and the target are not of one time",
            why=f"the file says epoch {file.epoch} with {file.primary} as primary, the target epoch {target.epoch} with"
            f" {target.primary}: one of them was replaced by an older copy",
            hint="Put the newer one back in its place; nothing was changed",
        )
    primary = file.primary
    if goal is None or goal is primary:
        return Step.SET_BACK if target.prepared is not None else None
    if not locked:
        # A preparation of an attempt that was given up is of an older state.
        return Step.SET_BACK if target.prepared is not None else Step.LOCK
    if not drained:
        return Step.DRAIN
    if primary is Side.SQLITE and target.prepared != target.epoch + 1:
        return Step.PREPARE
    return Step.FENCE
