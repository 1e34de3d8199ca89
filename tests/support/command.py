"""The outgrow command as a real process: run to its end, killed or held at a failpoint, and never telling a password."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import conninfo

from support import catalog, checker, engine

__all__ = [
    "FEW_ROWS",
    "PASSWORD",
    "Ended",
    "Running",
    "completes",
    "copying",
    "held",
    "run",
    "start",
    "until",
    "with_password",
]

PASSWORD = "correct-horse-battery"
FEW_ROWS = "migration.copying.CHUNK_ROWS=40"
"""Makes many chunks of a small file."""

TUNED = Path(__file__).with_name("tuned.py")
DEADLINE = 60.0
"""Seconds after which a process is taken to hang."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A process that ended: its status (minus the signal that killed it) and what it printed."""

    status: int
    stdout: str
    stderr: str

    @property
    def facts(self) -> dict[str, Any]:
        """The one JSON object of `--json`."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    @property
    def code(self) -> str:
        """The code of the error that `--json` tells; empty if there is none."""
        return str((self.facts["error"] or {}).get("code", ""))

    @property
    def hint(self) -> str:
        """The hint of the error."""
        return str(self.facts["error"]["hint"])

    @property
    def killed(self) -> bool:
        """Whether it died of SIGKILL without a word."""
        return (self.status, self.stdout, self.stderr) == (-signal.SIGKILL, "", "")


class Running:
    """A process that runs; `at` is the directory of the failpoint that holds it."""

    def __init__(self, process: subprocess.Popen[str], at: Path | None = None) -> None:
        self.process = process
        self._at = at

    def reached(self) -> Running:
        """Return itself when the failpoint holds the process; AssertionError if it ends without."""
        assert self._at is not None
        hit = self._at / "hit"
        until(lambda: hit.exists() or self.process.poll() is not None)
        assert hit.exists(), self.process.communicate()
        return self

    def release(self) -> None:
        """Let the process go on."""
        assert self._at is not None
        (self._at / "go").touch()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self, within: float = DEADLINE) -> Ended:
        """Wait until it has ended, and look for the password in what it said."""
        stdout, stderr = self.process.communicate(timeout=within)
        for text in (stdout, stderr):
            assert PASSWORD not in text
        assert "Traceback" not in stderr
        return Ended(status=self.process.returncode, stdout=stdout, stderr=stderr)

    def kill(self) -> Ended:
        """End it with SIGKILL."""
        self.process.kill()
        return self.end()


def copying(path: Path, dsn: str, *options: object) -> tuple[object, ...]:
    """The arguments of a copy in many chunks, by a DSN with a password."""
    return (FEW_ROWS, "copy", path, "--to", with_password(dsn), "--json", *options)


def with_password(dsn: str) -> str:
    """The DSN with a password, which the test's servers do not ask for and no output may show."""
    return conninfo.make_conninfo(dsn, password=PASSWORD)


@contextlib.contextmanager
def start(
    *arguments: object, failpoint: str = "", environment: dict[str, str] | None = None, largest_file: int | None = None
) -> Iterator[Running]:
    """Start the command, with its constants set by leading `module.NAME=number`; killed at the end of the block.

    `largest_file` is the number of bytes beyond which it can write no file, as on a disk that is full.
    """
    with _started(arguments, {"OUTGROW_FAILPOINT": failpoint, **(environment or {})}, None, largest_file) as running:
        yield running


@contextlib.contextmanager
def held(point: str, *arguments: object, environment: dict[str, str] | None = None) -> Iterator[Running]:
    """Start the command, and wait until it is held at a failpoint."""
    with tempfile.TemporaryDirectory() as directory:
        at = Path(directory)
        with _started(arguments, {"OUTGROW_FAILPOINT": f"{point}=wait:{at}", **(environment or {})}, at) as running:
            yield running.reached()


@contextlib.contextmanager
def _started(
    arguments: tuple[object, ...], environment: dict[str, str], at: Path | None, largest_file: int | None = None
) -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, str(TUNED), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        if largest_file is not None:
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (largest_file, largest_file))
        yield Running(process, at)
    finally:
        process.kill()
        process.communicate()


def run(*arguments: object, **options: Any) -> Ended:
    """Run the command to its end; options as for `start`."""
    with start(*arguments, **options) as running:
        return running.end()


def completes(path: Path, dsn: str) -> Ended:
    """Type the command, and require that it ends with every row at the target or in quarantine, exactly once."""
    ended = run(*copying(path, dsn))
    assert (ended.status, ended.code, ended.facts["differences"]) == (1, "quarantined", [])
    checker.compare(path, dsn).require()
    assert engine.execute(dsn, "SELECT phase FROM outgrow.migration") == [("finished",)]
    assert not catalog.contains(dsn, PASSWORD)
    return ended


def until(condition: Callable[[], object], within: float = DEADLINE) -> None:
    """Wait for a condition that another process brings about; AssertionError if it does not."""
    deadline = time.monotonic() + within
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "the condition was never met"
        pause.wait(0.005)
