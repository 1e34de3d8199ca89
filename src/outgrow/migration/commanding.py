"""The commands that change a live migration: asked of the engine that runs, or done here where none does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import Any

from outgrow import errors
from outgrow.migration import control, standing
from outgrow.model import event
from outgrow.sqlite import file_state

__all__ = ["command"]


def command(
    path: str | os.PathLike[str],
    to: str | None,
    name: str,
    arguments: Mapping[str, Any],
    *,
    before: str = "",
    after: str = "",
    sink: event.Sink = event.ignore,
) -> Mapping[str, Any]:
    """Have a command done. `before` and `after` are commands of the user's, run by a shell; the first one can call it off."""
    there = standing.followed(path, to)
    _hook(before, name, "before", {})
    result = _ask(path, to, there, name, arguments, sink)
    _hook(after, name, "after", result)
    return result


def _ask(
    path: str | os.PathLike[str],
    to: str | None,
    there: file_state.FileState | None,
    name: str,
    arguments: Mapping[str, Any],
    sink: event.Sink,
) -> Mapping[str, Any]:
    if there is not None and there.control:
        try:
            answer: Mapping[str, Any] = control.ask(there.control, name, arguments, target=to)
            return answer
        except errors.EngineMissing as error:
            if "went away" in error.why:
                raise
    from outgrow.migration import engine

    worker = engine.Engine(path, to or (there.target if there else ""), engine.EngineOptions(lasting=False), sink=sink)
    reply = worker.submit(name, {**arguments, "alone": True})
    reply.add_done_callback(lambda _: worker.stop())
    worker.run()
    if not reply.done():
        raise errors.EngineMissing(
            "The work ended before it began", hint="Look where it stands: outgrow status FILE; and type it again"
        )
    return reply.result()


def _hook(command: str, name: str, when: str, result: Mapping[str, Any]) -> None:
    if not command:
        return
    facts = {
        f"OUTGROW_{key.upper()}": str(value) for key, value in result.items() if not isinstance(value, (dict, list))
    }
    environment = {**os.environ, "OUTGROW_TRANSITION": name, "OUTGROW_WHEN": when, **facts}
    done = subprocess.run(command, shell=True, env=environment, check=False)
    if done.returncode == 0:
        return
    if when == "before":
        raise errors.Refused(
            f"The command before the {name} failed, so it was called off",
            why=f"{command!r} ended with status {done.returncode}",
            hint="Nothing changed. Put that right, and type it again",
        )
    raise errors.Retryable(
        f"The {name} is done, but the command after it failed",
        why=f"{command!r} ended with status {done.returncode}",
        hint="Run that command by hand",
    )
