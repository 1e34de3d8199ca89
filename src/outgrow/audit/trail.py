"""The audit trail: what happened to a migration, kept at the target in `outgrow.event`."""

from __future__ import annotations

import dataclasses

from outgrow.model import event
from outgrow.postgres import state

__all__ = ["Trail"]

_KEPT = (event.StepDone, event.PhaseChanged)


class Trail:
    """A sink that writes steps and changes of phase to the target; the caller's thread must own the state's connection."""

    def __init__(self, keeper: state.State, command: str) -> None:
        self._keeper = keeper
        self._command = command

    def __call__(self, happened: event.Event) -> None:
        if isinstance(happened, _KEPT):
            self._keeper.record(type(happened).__name__, command=self._command, **dataclasses.asdict(happened))
