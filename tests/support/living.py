"""A live migration as tests drive it: the engine as a real process, asked over its socket, killed and started again.

The test's own process opens a live file with outgrow's SQLite library only; the standard module is the application's, in
processes of its own (`support.workload`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from outgrow import errors
from outgrow.migration import control
from outgrow.sqlite import file_state

__all__ = ["Engine", "until"]

DEADLINE = 60.0
"""Seconds after which a condition is taken to be never met."""

TUNED = Path(__file__).with_name("tuned.py")


def until(condition: Callable[[], bool], what: str, *, within: float = DEADLINE) -> None:
    """Wait for a condition; AssertionError if it is not met in time."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.01)


class Engine:
    """`outgrow run` of one file, started as often as need be; its words are in `log`."""

    def __init__(
        self, directory: Path, path: Path, dsn: str, *, verify_every: float = 1.0, tuned: tuple[str, ...] = ()
    ) -> None:
        self.path, self.dsn = path, dsn
        self.log = directory / "engine.log"
        self._tuned = tuned
        self._options = ["--verify-every", str(verify_every)]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def start(self, *options: str, failpoint: str = "") -> Engine:
        """Start the engine; at a failpoint it dies, waits, or writes down what it passes (see `outgrow.failpoints`)."""
        command = [sys.executable, str(TUNED), *self._tuned] if self._tuned else [sys.executable, "-m", "outgrow"]
        named = ["--to", self.dsn] if self.dsn else []
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "run", str(self.path), *named, *self._options, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "OUTGROW_FAILPOINT": failpoint, "OUTGROW_DEBUG": "1"},
            )
        return self

    @property
    def said(self) -> str:
        """Everything that it printed so far."""
        return self.log.read_text()

    @property
    def process(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status, None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def ended(self, *, within: float = DEADLINE) -> int:
        """Wait for its end."""
        assert self._process is not None
        return self._process.wait(within)

    def died(self, *, within: float = DEADLINE) -> None:
        """Wait until it died at its failpoint."""
        status = self.ended(within=within)
        assert status == -signal.SIGKILL, f"it ended with {status}\n{self.said}"

    def kill(self) -> None:
        """End it with SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """End it in order."""
        assert self._process is not None
        self._process.terminate()
        return self.ended()

    def facts(self) -> Mapping[str, Any] | None:
        """What it says of itself; None while it does not answer."""
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"the engine ended with {self._process.returncode}\n{self.said}")
        try:
            there = file_state.peek(self.path)
            if there is None or not there.control:
                return None
            found: Mapping[str, Any] = control.ask(there.control, "status", seconds=10.0)
        except (errors.EngineMissing, errors.SourceBusy):
            return None
        return found

    def until(self, condition: Callable[[Mapping[str, Any]], bool], what: str, *, within: float = DEADLINE) -> None:
        """Wait until its facts are such."""

        def met() -> bool:
            found = self.facts()
            return found is not None and condition(found)

        try:
            until(met, what, within=within)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.facts()}\n{self.said}") from None

    def ready(self, *, within: float = DEADLINE) -> Engine:
        """Wait until a switch could be made."""
        self.until(lambda facts: bool(facts["ready"]), "the engine is ready", within=within)
        return self

    def caught_up(self, *, within: float = DEADLINE) -> None:
        """Wait until the follower has everything; the application must be at rest."""
        self.until(
            lambda facts: facts["lag_seconds"] == 0 and facts["pending_changes"] == 0 and not facts["trouble"],
            "the follower has caught up",
            within=within,
        )

    def ask(self, command: str, **arguments: Any) -> Mapping[str, Any]:
        """Ask it for something; what it refuses is raised."""
        there = file_state.peek(self.path)
        assert there is not None
        found: Mapping[str, Any] = control.ask(there.control, command, arguments, seconds=DEADLINE)
        return found

    def switch(self, to: str, *, within: float = DEADLINE, **arguments: Any) -> Mapping[str, Any]:
        """Make a store the primary, trying again while the engine is not ready for it."""
        end = time.monotonic() + within
        while True:
            try:
                return self.ask("switch", to=to, **arguments)
            except (errors.NotReady, errors.Retryable):
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)


@contextlib.contextmanager
def killed_at(engine: Engine, failpoint: str, *options: str) -> Iterator[Engine]:
    """Start an engine that dies at a failpoint, let the block bring it there, and start it again."""
    engine.start(*options, failpoint=f"{failpoint}=kill")
    yield engine
    engine.died()
    engine.start(*options)
