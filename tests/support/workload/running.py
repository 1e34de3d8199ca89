"""Starts the processes of a workload, knows how far they are, and stops, kills and restarts them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from support.workload import apart, prober, record, script, summary

__all__ = ["Prober", "Workload"]

DEADLINE = 60.0
"""Seconds after which a condition is taken to be never met."""


class _Processes:
    """Processes of one module, each with a file for its errors."""

    def __init__(self, directory: Path, module: str) -> None:
        self.directory, self._module = directory, module
        self._started: dict[str, subprocess.Popen[str]] = {}

    def _start(self, name: str, arguments: Sequence[object]) -> None:
        with (self.directory / f"{name}.err").open("a") as errors:
            self._started[name] = subprocess.Popen(
                [sys.executable, "-m", f"support.workload.{self._module}", *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=apart.environment(),
            )

    def _errors(self, name: str) -> str:
        return (self.directory / f"{name}.err").read_text()

    def _running(self) -> None:
        """AssertionError if a process failed."""
        for name, process in self._started.items():
            assert process.poll() in (None, 0), f"{name} ended with {process.returncode}: {self._errors(name)}"

    def _until(self, condition: Callable[[], bool], within: float) -> None:
        deadline = time.monotonic() + within
        while not condition():
            self._running()
            assert time.monotonic() < deadline, "the workload never came so far"
            time.sleep(0.005)

    def _end(self, within: float) -> None:
        """Wait for all; AssertionError if one failed."""
        for name, process in self._started.items():
            process.communicate(timeout=within)
            # A process that was still starting has no handler yet, and has done nothing.
            assert process.returncode in (0, -signal.SIGTERM), (
                f"{name} ended with {process.returncode}: {self._errors(name)}"
            )

    def _kill(self) -> None:
        for process in self._started.values():
            if process.poll() is None:
                process.kill()
            process.communicate()


class Workload(_Processes):
    """Processes that write until they are stopped; those that are left are killed at the end of the block.

    `rate` is in writes a second of all processes together, 0 is as many as they can. `options` are arguments for every process.
    """

    def __init__(
        self,
        directory: Path,
        what: script.Script,
        *,
        sqlite: Path | None = None,
        postgres: str | None = None,
        processes: int = 4,
        rate: float = 0,
        pragmas: Sequence[str] = ("synchronous = NORMAL",),
        options: Sequence[object] = (),
    ) -> None:
        super().__init__(directory, "driver")
        assert processes <= what.shape.processes, "the script's shape has room for fewer processes"
        self.what, self.processes = what, processes
        self._arguments: list[object] = ["--script", what.to_json(), "--rate", rate / processes]
        self._arguments += [word for pragma in pragmas for word in ("--pragma", pragma)]
        self._arguments += options
        if sqlite is not None:
            self._arguments += ["--sqlite", sqlite]
        if postgres is not None:
            self._arguments += ["--postgres", postgres]
        self.ledgers = [directory / f"ledger-{process}" for process in range(processes)]
        self._tails = [record.Tail(path) for path in self.ledgers]
        self._acked = [Counter[str]() for _ in range(processes)]

    def __enter__(self) -> Workload:
        for process in range(self.processes):
            self.start(process)
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()

    def start(self, process: int) -> None:
        """Start one process, anew if it was killed: it goes on where its ledger ends."""
        arguments = [*self._arguments, "--process", process, "--ledger", self.ledgers[process]]
        self._start(f"process-{process}", arguments)

    def kill(self, process: int) -> None:
        """End one process with SIGKILL, whatever it is doing."""
        killed = self._started.pop(f"process-{process}")
        killed.kill()
        killed.communicate()

    def acknowledged(self) -> list[Counter[str]]:
        """For each process, how many of its operations each store has taken so far."""
        for tail, acked in zip(self._tails, self._acked, strict=True):
            acked.update(line.store for line in tail.poll() if line.what in ("acked", "found"))
        return [Counter(acked) for acked in self._acked]

    def accepted(self, store: str, count: int = 1, *, within: float = DEADLINE) -> None:
        """Wait until the store has taken so many more operations of each process."""
        before = self.acknowledged()

        def enough() -> bool:
            pairs = zip(before, self.acknowledged(), strict=True)
            return all(now[store] >= then[store] + count for then, now in pairs)

        self._until(enough, within)

    def ready(self, count: int = 1, *, within: float = DEADLINE) -> None:
        """Wait until each process has had so many operations taken since the beginning."""
        self._until(lambda: all(acked.total() >= count for acked in self.acknowledged()), within)

    def stop(self, *, within: float = DEADLINE) -> summary.Summary:
        """End all processes after their operation at hand, and sum up."""
        for process in self._started.values():
            process.send_signal(signal.SIGTERM)
        return self.wait(within=within)

    def wait(self, *, within: float = DEADLINE) -> summary.Summary:
        """Wait for processes that end by themselves (`--seconds`, `--operations`, `--until-file`), and sum up."""
        self._end(within)
        return self.summary()

    def summary(self) -> summary.Summary:
        """How it has been until now."""
        return summary.of(self.ledgers)


class Prober(_Processes):
    """A process that tries to write to both stores all the time, `rate` times a second at the most."""

    def __init__(
        self,
        directory: Path,
        what: script.Script,
        *,
        sqlite: Path,
        postgres: str,
        rate: float = 200,
        options: Sequence[object] = (),
    ) -> None:
        super().__init__(directory, "prober")
        ledger = directory / "probes"
        self.ledgers = prober.records(ledger)
        self._arguments: list[object] = [
            *("--script", what.to_json(), "--sqlite", sqlite, "--postgres", postgres, "--ledger", ledger),
            *("--rate", rate, "--busy-timeout", 0.05, *options),
        ]
        self._tails = {
            store: record.Tail(path) for store, path in zip(("sqlite", "postgres"), self.ledgers, strict=True)
        }
        self._outcomes = {store: Counter[str]() for store in self._tails}

    def __enter__(self) -> Prober:
        self._start("prober", self._arguments)
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()

    def saw(self, store: str, outcome: str, count: int = 1, *, within: float = DEADLINE) -> None:
        """Wait until so many more attempts at a store came out as `acked`, `fenced`, ..."""
        self._poll()
        before = self._outcomes[store][outcome]

        def enough() -> bool:
            self._poll()
            return self._outcomes[store][outcome] >= before + count

        self._until(enough, within)

    def stop(self, *, within: float = DEADLINE) -> None:
        """End it."""
        for process in self._started.values():
            process.send_signal(signal.SIGTERM)
        self._end(within)

    def _poll(self) -> None:
        for store, tail in self._tails.items():
            self._outcomes[store].update(line.what for line in tail.poll())
