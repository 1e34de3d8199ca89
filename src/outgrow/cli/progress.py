"""Progress on standard error: bars with rate and time left on a terminal, a line a step elsewhere."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

from outgrow.cli import wording
from outgrow.model import event

__all__ = ["TITLES", "reporting"]

TITLES = {
    "snapshot": "Taking a private snapshot",
    "integrity": "Checking the file's integrity",
    "profile": "Profiling every column",
    "plan": "Deciding types by every value",
    "server": "Starting an embedded PostgreSQL",
    "schema": "Creating tables",
    "copy": "Copying rows",
    "indexes": "Building indexes",
    "keys": "Keys, sequences, statistics",
    "views and triggers": "Views and triggers",
    "capture": "Capture at PostgreSQL, statistics",
    "catch up": "Catching up",
    "verify": "Verifying every value",
}


@contextlib.contextmanager
def reporting(*, quiet: bool) -> Iterator[event.Sink]:
    """A sink that shows progress, or nothing when quiet."""
    if quiet:
        yield event.ignore
    elif sys.stderr.isatty():
        from outgrow.cli import bars

        with bars.Bars() as shown:
            yield shown
    else:
        yield _Lines()


class _Lines:
    """A line when a step begins, and one every few seconds while rows go by."""

    EVERY = 5.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._step = ""
        self._total = self._done = self._from = 0
        self._began = self._told = 0.0

    def __call__(self, happened: event.Event) -> None:
        with self._lock:
            match happened:
                case event.StepStarted():
                    self._step, self._total = happened.step, happened.total
                    self._done = self._from = happened.done
                    self._began = self._told = time.monotonic()
                    of = f" ({wording.counted(self._total, happened.unit)})" if happened.total else ""
                    if happened.done:
                        of = f" ({wording.counted(self._total, happened.unit)}, {happened.done:,} of them by an earlier run)"
                    self._write(f"{TITLES.get(happened.step, happened.step)}{of}\n")
                case event.ChunkCopied() | event.ChunkVerified():
                    self._done += happened.rows
                    self._tell()
                case _:
                    pass

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told < self.EVERY:
            return
        self._told = now
        rate = (self._done - self._from) / (now - self._began)
        left = (self._total - self._done) / rate if rate and self._total > self._done else 0
        self._write(
            f"  {self._done:,} of {wording.counted(self._total, 'rows')}, {rate:,.0f} rows/s, {left:,.0f} s left\n"
        )

    def _write(self, line: str) -> None:
        """Write a line; the work goes on when nobody reads any more."""
        with contextlib.suppress(BrokenPipeError):
            sys.stderr.write(line)
