"""The processes of a live migration: the application's workers, the load on them, outgrow's engine, and its commands.

Each is started in a session of its own, so that Ctrl-C in a terminal reaches only the one who started them, who ends them.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from examples.homeverse import load
from outgrow import errors
from outgrow.migration import control
from outgrow.sqlite import file_state

ROOT = pathlib.Path(__file__).resolve().parents[2]

DEADLINE = 60.0
"""Seconds after which something that should happen is taken to be never happening."""

FOREVER = 3600.0
"""Seconds of a load that is ended by whoever began it."""


class Ended(Exception):
    """A process ended, or did not do what it was started for."""


def until(condition: Callable[[], bool], what: str, *, within: float = DEADLINE) -> None:
    """Wait for a condition; Ended if it is not met in time."""
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            raise Ended(f"{what}: not within {within:.0f} s")
        time.sleep(0.02)


def surroundings() -> dict[str, str]:
    """The environment of what is started here: with compiled modules kept, as installed programs have them."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    if sys.dont_write_bytecode:
        kept["PYTHONPYCACHEPREFIX"] = str(ROOT / "demo" / "compiled")
    return kept


def compiled() -> None:
    """Let every module that the workers and outgrow's commands load be compiled once, and not by all of them at once."""
    modules = "examples.homeverse.app, outgrow.route.session, outgrow.dialect.statements, outgrow.cli.app"
    subprocess.run([sys.executable, "-c", f"import {modules}"], cwd=ROOT, env=surroundings(), check=True)


class Process:
    """A program in a session of its own; it is ended, with everything it started, at the end of the block."""

    def __init__(
        self, command: Sequence[str], *, log: pathlib.Path, environment: Mapping[str, str], out: int | None = None
    ) -> None:
        self.log = log
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env={**surroundings(), **environment},
                stdin=subprocess.DEVNULL,
                stdout=said if out is None else out,
                stderr=said,
                start_new_session=True,
            )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *exception: object) -> None:
        self.end()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        return self._process

    def require(self) -> None:
        """Raise Ended, with its last words, unless it runs."""
        status = self._process.poll()
        if status is not None:
            words = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise Ended(f"{self._process.args[2]} ended with {status}: {words[-1] if words else 'no word'}")  # type: ignore[index]

    def end(self, *, within: float = 20.0) -> int:
        """End it in order, else by force, with whatever of its session is left; returns its exit status."""
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(within)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()


class Application(Process):
    """HomeVerse in several worker processes, on outgrow's drop-in."""

    def __init__(self, file: pathlib.Path, *, workers: int, log: pathlib.Path) -> None:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            self._port = listening.getsockname()[1]
        command = ["examples.homeverse.serve", "--workers", str(workers), "--port", str(self._port)]
        super().__init__(command, log=log, environment={"HOMEVERSE_DATABASE": str(file)})
        self.base = f"http://127.0.0.1:{self._port}"

    def ready(self) -> None:
        """Wait until it answers."""

        def answers() -> bool:
            self.require()
            try:
                with urllib.request.urlopen(f"{self.base}/health", timeout=5):
                    return True
            except OSError:
                return False

        until(answers, "the application answers")


class Load(Process):
    """The load as a process of its own; a thread here hears of each answer when it comes."""

    def __init__(
        self, base: str, *, rate: float, ledger: pathlib.Path, log: pathlib.Path, tell: Callable[[load.Answer], None]
    ) -> None:
        command = ["examples.homeverse.load", base, "--rate", str(rate), "--seconds", str(FOREVER), "--report"]
        super().__init__([*command, "--ledger", str(ledger)], log=log, environment={}, out=subprocess.PIPE)
        self._tell = tell
        self._hearing = threading.Thread(target=self._hear, daemon=True)
        self._hearing.start()

    def _hear(self) -> None:
        for line in self.process.stdout or ():
            self._tell(load.Answer(**json.loads(line)))

    def end(self, *, within: float = 20.0) -> int:
        """End it when the requests that are under way have their answers, and all were heard."""
        status = super().end(within=within)
        self._hearing.join()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status


class Engine(Process):
    """`outgrow run`."""

    def __init__(self, file: pathlib.Path, dsn: str, *, log: pathlib.Path, verify_every: float) -> None:
        self._file = file
        command = ["outgrow", "run", str(file), "--to", dsn, "--verify-every", str(verify_every)]
        super().__init__(command, log=log, environment={})

    def facts(self) -> Mapping[str, Any] | None:
        """What it says of the migration; None while it does not answer."""
        try:
            there = file_state.peek(self._file)
            if there is None or not there.control:
                return None
            found: Mapping[str, Any] = control.ask(there.control, "status", seconds=10.0)
        except (errors.EngineMissing, errors.SourceBusy):
            return None
        return found

    def until(self, condition: Callable[[Mapping[str, Any]], bool], what: str, *, within: float = DEADLINE) -> None:
        """Wait until its facts are such."""

        def met() -> bool:
            self.require()
            found = self.facts()
            return found is not None and condition(found)

        until(met, what, within=within)


def command(*arguments: str) -> Mapping[str, Any]:
    """Run an outgrow command, and return the object that it prints with --json; Ended if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "outgrow", *arguments, "--json"],
        cwd=ROOT,
        env=surroundings(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    if done.returncode != 0:
        raise Ended(f"outgrow {arguments[0]} ended with {done.returncode}: {(done.stdout + done.stderr).strip()}")
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def audited(ledger: pathlib.Path, store: str) -> tuple[bool, str]:
    """Hold the ledger against a store, in a process of its own: whether all of it is there, and what the audit said."""
    done = subprocess.run(
        [sys.executable, "-m", "examples.homeverse.audit_ledger", str(ledger), store],
        cwd=ROOT,
        env=surroundings(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    return done.returncode == 0, (done.stdout + done.stderr).strip()
