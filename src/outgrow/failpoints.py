"""Named points of the work at which a test can make the process die or wait; nothing happens unless it is asked for.

`OUTGROW_FAILPOINT=chunk.copied#3=kill` kills the process with SIGKILL at the third hit of `chunk.copied`. With
`=wait:PATH`, PATH being a directory, the process makes the file `PATH/hit` there and waits until `PATH/go` exists. Several
are separated by commas. `trace=PATH` writes the name of every point that is hit to the file PATH, one a line.
"""

from __future__ import annotations

import os
import pathlib
import signal
import threading
import time

__all__ = ["COPY_POINTS", "LIVE_POINTS", "POINTS", "hit"]

COPY_POINTS = (
    "schema.created",
    "schema.committed",
    "phase.advanced",
    "chunk.claimed",
    "chunk.copied",
    "chunk.committed",
    "row.quarantined",
    "step.done",
    "step.committed",
    "verify.span",
    "finish.before",
    "finish.after",
)
"""The points of a copy, in the order in which it meets them."""

LIVE_POINTS = (
    "capture.installed",
    "capture.committed",
    "capture.repaired",
    "follow.read",
    "follow.applied",
    "follow.acknowledged",
    "follow.pruned",
    "switch.locked",
    "switch.drained",
    "switch.prepared",
    "switch.fencing",
    "switch.fenced",
    "switch.opening",
    "switch.opened",
    "switch.set_back",
    "end.target_clean",
    "end.file_read_only",
    "end.file_clean",
)
"""The points that only a live migration has."""

POINTS = COPY_POINTS + LIVE_POINTS

_TRACE = "trace"

_lock = threading.Lock()
_counts: dict[str, int] = {}


def _parse(text: str) -> dict[tuple[str, int], str]:
    actions = {}
    for part in filter(None, text.split(",")):
        where, _, action = part.partition("=")
        name, _, number = where.partition("#")
        if name not in (*POINTS, _TRACE):
            raise ValueError(f"no failpoint {name!r}")
        actions[name, int(number or 1)] = action
    return actions


_ACTIONS = _parse(os.environ.get("OUTGROW_FAILPOINT", ""))


def hit(name: str) -> None:
    """Pass a point: usually nothing, otherwise what the environment asks for."""
    if not _ACTIONS:
        return
    with _lock:
        _counts[name] = count = _counts.get(name, 0) + 1
        if trace := _ACTIONS.get((_TRACE, 1)):
            with open(trace, "a", encoding="ascii") as file:
                file.write(f"{name}\n")
    action = _ACTIONS.get((name, count), "")
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action.startswith("wait:"):
        directory = pathlib.Path(action.removeprefix("wait:"))
        (directory / "hit").touch()
        while not (directory / "go").exists():
            time.sleep(0.002)
