"""Where a live migration stands: nothing is loaded that an engine's answer does not need."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from outgrow import errors
from outgrow.migration import control
from outgrow.sqlite import file_state

__all__ = ["another_target", "followed", "refuse_archive", "status", "target"]

_STATUS_SECONDS = 5.0


def status(path: str | os.PathLike[str], to: str | None) -> Mapping[str, Any]:
    """Where the migration of a file stands: by its engine, or by what both databases say where none runs."""
    there = followed(path, to)
    if there is not None and there.control:
        try:
            answer: Mapping[str, Any] = control.ask(there.control, "status", target=to, seconds=_STATUS_SECONDS)
            return answer
        except errors.EngineMissing:
            pass
    from outgrow.migration import resting  # an engine's answer needs no driver

    return resting.status(path, to or (there.target if there else ""), there, archive=_trail(path))


def target(path: str | os.PathLike[str], to: str | None) -> str:
    """The target that was named, or else the one that a file in a live migration knows; errors.TargetMissing."""
    if to:
        return to
    there = file_state.peek(path)
    if there is None:
        refuse_archive(path)
        raise errors.TargetMissing(
            "No target was named",
            why=f"{path} is in no live migration and knows none",
            hint="Add --to postgresql://user@host/database, or set OUTGROW_TO",
        )
    return there.target


def followed(path: str | os.PathLike[str], to: str | None) -> file_state.FileState | None:
    """What the file says of its migration; a file that says nothing needs a target that may."""
    there = file_state.peek(path)
    if there is None and to is None:
        refuse_archive(path)
        raise errors.PhaseRefused(
            f"{path} is in no live migration",
            why="outgrow has put nothing into it",
            hint=f"Begin one: outgrow run {path} --to postgresql://user@host/database",
        )
    return there


def another_target(path: str | os.PathLike[str], own: str, named: str) -> errors.StoresDisagree:
    """The refusal of a target that is not the file's."""
    return errors.StoresDisagree(
        f"{path} is migrated to {own}",
        why=f"{named} does not hold this migration",
        hint="Leave --to and OUTGROW_TO out: the file knows its target",
    )


def refuse_archive(path: str | os.PathLike[str]) -> None:
    trail = _trail(path)
    if trail is not None:
        raise errors.PhaseRefused(
            f"The migration of {path} is finished",
            why=f"PostgreSQL is the primary for good, and this file is the archive; what happened is in {trail}",
            hint="Nothing has to run any more; the application uses PostgreSQL",
        )


def _trail(path: str | os.PathLike[str]) -> str | None:
    """The trail beside a file that a finished migration left, which is read-only; None where the file is no such archive."""
    trail = f"{os.fspath(path)}.outgrow.json"
    return trail if os.path.exists(trail) and not os.stat(path).st_mode & 0o222 else None
