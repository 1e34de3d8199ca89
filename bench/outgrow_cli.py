"""outgrow as a user runs it: the command line in a process of its own, its report read from `--json`."""

from __future__ import annotations

import dataclasses
import functools
import json
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

from bench import measure

__all__ = ["Failed", "Report", "copy", "unavailable", "verify"]

COMMAND = (sys.executable, "-m", "outgrow")


class Failed(Exception):
    """outgrow ended with an error, or with a report that the benchmark cannot read."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """What a command cost from outside, and the seconds of its phases by its own report."""

    run: measure.Run
    said: dict[str, Any]

    @property
    def phases(self) -> dict[str, float]:
        phases = self.said.get("phases")
        return phases if isinstance(phases, dict) else {}


@functools.cache
def unavailable(command: str = "copy") -> str | None:
    """Why `outgrow COMMAND` cannot be measured here, or None."""
    tried = subprocess.run(
        [*COMMAND, command, "--help"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if tried.returncode == 0:
        return None
    last = (tried.stderr.strip() or tried.stdout.strip() or "no output").splitlines()[-1]
    return f"`outgrow {command}` does not run here: {last}"


def call(*arguments: str) -> Report:
    with tempfile.TemporaryDirectory(prefix="outgrow-bench-") as directory:
        run = measure.run([*COMMAND, *arguments, "--json", "--quiet"], cwd=pathlib.Path(directory))
    if run.status != 0:
        raise Failed(f"exit {run.status}: {run.last_words}")
    try:
        said = json.loads(run.out)
    except ValueError as error:
        raise Failed(f"no JSON on standard output: {error}") from error
    if not isinstance(said, dict):
        raise Failed("the report is no JSON object")
    return Report(run=run, said=said)


def copy(file: pathlib.Path, dsn: str, *, jobs: int = 1) -> Report:
    report = call("copy", str(file), "--to", dsn, "--jobs", str(jobs))
    if "copy" not in report.phases:
        raise Failed("the report has no phases.copy")
    return report


def verify(file: pathlib.Path, dsn: str) -> Report:
    return call("verify", str(file), "--to", dsn)
