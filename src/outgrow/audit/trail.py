"""The audit trail: what happened to a migration, kept at the target in `outgrow.event`."""

from __future__ import annotations

import dataclasses
import json
import pathlib

from outgrow.model import event
from outgrow.postgres import state

__all__ = ["Trail", "epoch", "export"]

_KEPT = (event.StepDone, event.PhaseChanged, event.PrimaryChanged, event.CaptureRepaired, event.RowsRepaired)


class Trail:
    """A sink that writes steps and changes of phase to the target; the caller's thread must own the state's connection."""

    def __init__(self, keeper: state.State, command: str) -> None:
        self._keeper = keeper
        self._command = command

    def __call__(self, happened: event.Event) -> None:
        if isinstance(happened, _KEPT):
            self._keeper.record(type(happened).__name__, command=self._command, **dataclasses.asdict(happened))


def export(keeper: state.State, path: pathlib.Path) -> None:
    """Write the whole trail to a file, one event a line and then one row in quarantine, whole or not at all.

    For when the target is about to forget it.
    """
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w", encoding="utf-8") as lines:
        for at, kind, detail in keeper.events():
            lines.write(json.dumps({"at": at, "kind": kind, **detail}, ensure_ascii=False) + "\n")
        for at, detail in keeper.quarantine_records():
            lines.write(json.dumps({"at": at, "kind": "Quarantined", **detail}, ensure_ascii=False) + "\n")
    temporary.replace(path)


def epoch(path: pathlib.Path) -> int:
    """The epoch that a migration ended with, by its exported trail: how often the primary had moved."""
    with path.open(encoding="utf-8") as lines:
        return max((event["epoch"] for event in map(json.loads, lines) if event["kind"] == "PrimaryChanged"), default=0)
