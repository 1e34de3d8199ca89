"""Progress on standard error: bars with rate and time left on a terminal, a line a step elsewhere."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

from rich import console, progress

from outgrow.model import event

__all__ = ["reporting"]

_TITLES = {
    "snapshot": "Taking a private snapshot",
    "integrity": "Checking the file's integrity",
    "profile": "Profiling every column",
    "plan": "Deciding types by every value",
    "server": "Starting an embedded PostgreSQL",
    "schema": "Creating tables",
    "copy": "Copying rows",
    "indexes": "Building keys and indexes",
    "keys": "Foreign keys, sequences, statistics",
    "verify": "Verifying every value",
}


@contextlib.contextmanager
def reporting(*, quiet: bool) -> Iterator[event.Sink]:
    """A sink that shows progress, or nothing when quiet."""
    if quiet:
        yield event.ignore
    elif sys.stderr.isatty():
        with _Bars() as bars:
            yield bars
    else:
        yield _Lines()


class _Bars:
    """Progress bars, one a step."""

    def __init__(self) -> None:
        self._progress = progress.Progress(
            progress.TextColumn("{task.description:<36}"),
            progress.BarColumn(bar_width=24),
            progress.TextColumn("{task.fields[amount]:>24}"),
            progress.TextColumn("{task.fields[rate]:>14}"),
            progress.TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=console.Console(stderr=True),
        )
        self._lock = threading.Lock()
        self._task: progress.TaskID | None = None
        self._done = 0
        self._from = 0
        self._total = 0
        self._unit = ""
        self._began = 0.0

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def __call__(self, happened: event.Event) -> None:
        with self._lock:
            match happened:
                case event.StepStarted():
                    self._finish()
                    self._total, self._unit = happened.total, happened.unit
                    self._done = self._from = happened.done
                    self._began = time.monotonic()
                    self._task = self._progress.add_task(
                        _TITLES.get(happened.step, happened.step), total=happened.total or None, amount="", rate=""
                    )
                    self._advance(0)
                case event.StepDone():
                    self._finish()
                case event.ChunkCopied() | event.ChunkVerified():
                    self._advance(happened.rows)
                case event.TableStarted() if self._unit in ("tables", "steps"):
                    self._advance(1)
                case _:
                    pass

    def _advance(self, amount: int) -> None:
        self._done += amount
        if self._task is None or not self._total:
            return
        elapsed = time.monotonic() - self._began
        rate = f"{(self._done - self._from) / elapsed:,.0f} rows/s" if self._unit == "rows" and elapsed > 0.2 else ""
        shown = f"{min(self._done, self._total):,} of {self._total:,} {self._unit}"
        self._progress.update(self._task, completed=self._done, amount=shown, rate=rate)

    def _finish(self) -> None:
        if self._task is not None:
            total = self._total or 1
            self._progress.update(self._task, total=total, completed=total)
            self._task = None


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
                    of = f" ({self._total:,} {happened.unit})" if happened.total else ""
                    if happened.done:
                        of = f" ({self._total:,} {happened.unit}, {happened.done:,} of them by an earlier run)"
                    self._write(f"{_TITLES.get(happened.step, happened.step)}{of}\n")
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
        self._write(f"  {self._done:,} of {self._total:,} rows, {rate:,.0f} rows/s, {left:,.0f} s left\n")

    def _write(self, line: str) -> None:
        """Write a line; the work goes on when nobody reads any more."""
        with contextlib.suppress(BrokenPipeError):
            sys.stderr.write(line)
