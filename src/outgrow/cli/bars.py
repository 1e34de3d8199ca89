"""Progress bars with rate and time left, for a terminal."""

from __future__ import annotations

import threading
import time

from rich import console, progress

from outgrow.cli import wording
from outgrow.cli.progress import TITLES
from outgrow.model import event

__all__ = ["Bars"]


_FULL = 112
_NARROW = 80


def _columns(width: int) -> list[progress.ProgressColumn]:
    """What fits into a line: on a narrow terminal the rate goes first, then the numbers of rows."""
    title = progress.TextColumn("{task.description:<35}")
    amount = progress.TextColumn("{task.fields[amount]:>26}")
    left = progress.TimeRemainingColumn(compact=True, elapsed_when_finished=True)
    if width >= _FULL:
        return [title, progress.BarColumn(bar_width=24), amount, progress.TextColumn("{task.fields[rate]:>14}"), left]
    if width >= _NARROW:
        return [title, progress.BarColumn(bar_width=max(4, min(24, width - _NARROW + 5))), amount, left]
    return [title, progress.BarColumn(bar_width=8), progress.TaskProgressColumn(), left]


class Bars:
    """A progress bar for the step that is at work, and a line for each one that is done."""

    def __init__(self, screen: console.Console | None = None) -> None:
        shown = screen or console.Console(stderr=True)
        self._progress = progress.Progress(*_columns(shown.width), console=shown)
        self._lock = threading.Lock()
        self._task: progress.TaskID | None = None
        self._title = self._amount = ""
        self._done = 0
        self._from = 0
        self._total = 0
        self._unit = ""
        self._began = 0.0

    def __enter__(self) -> Bars:
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
                    self._title, self._amount = TITLES.get(happened.step, happened.step), ""
                    self._task = self._progress.add_task(self._title, total=happened.total or None, amount="", rate="")
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
        self._amount = f"{min(self._done, self._total):,} of {wording.counted(self._total, self._unit)}"
        self._progress.update(self._task, completed=self._done, amount=self._amount, rate=rate)

    def _finish(self) -> None:
        if self._task is None:
            return
        self._progress.remove_task(self._task)
        self._task = None
        took = wording.seconds(time.monotonic() - self._began)
        amount = wording.counted(self._total, self._unit) if self._total else ""
        line = f"{self._title:<35}{took:>12}"
        if self._progress.console.width >= _NARROW:
            line = f"{self._title:<35}{amount:>20}{took:>12}"
        self._progress.console.print(line)
