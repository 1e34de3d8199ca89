"""The live commands, as the library offers them: asked of the engine that runs, or done here where none does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import Any

from outgrow import errors
from outgrow.migration import control
from outgrow.model import event
from outgrow.sqlite import file_state

__all__ = ["command", "status"]

_STATUS_SECONDS = 5.0


def status(path: str | os.PathLike[str], to: str | None) -> Mapping[str, Any]:
    """Where the migration of a file stands: by its engine, or by what both databases say where none runs."""
    there = _followed(path, to)
    if there is not None and there.control:
        try:
            answer: Mapping[str, Any] = control.ask(there.control, "status", seconds=_STATUS_SECONDS)
            return answer
        except errors.EngineMissing:
            pass
    from outgrow.migration import resting  # an engine's answer needs no driver

    return resting.status(path, to or (there.target if there else ""), there)


def _followed(path: str | os.PathLike[str], to: str | None) -> file_state.FileState | None:
    """What the file says of its migration; a file that says nothing needs a target that may."""
    there = file_state.peek(path)
    if there is None and to is None:
        raise errors.PhaseRefused(
            f"{path} is in no live migration",
            why="outgrow has put nothing into it",
            hint=f"Begin one: outgrow run {path} --to postgresql://user@host/database",
        )
    return there


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
    there = _followed(path, to)
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
            answer: Mapping[str, Any] = control.ask(there.control, name, arguments)
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
        raise errors.EngineMissing("The work ended before it began", hint="Look at outgrow status, and type it again")
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
