"""An application in several processes that writes down what was acknowledged, and the comparison with what is there."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg

from support import living

__all__ = ["Application", "application", "complaints"]

APPLICATION = Path(__file__).resolve().parents[1] / "integration" / "route" / "ledger_application.py"
WORKERS = 3


class Application:
    """Its processes, and their ledgers."""

    def __init__(self, directory: Path, path: Path) -> None:
        self._stop = directory / "stop"
        self.ledgers = [directory / f"ledger-{worker}" for worker in range(WORKERS)]
        self._processes = [
            subprocess.Popen(
                [sys.executable, str(APPLICATION), str(path), str(ledger), str(worker), str(self._stop)],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for worker, ledger in enumerate(self.ledgers)
        ]

    def acknowledged(self) -> list[list[int]]:
        """The entries of each ledger; a line that is being written does not count."""
        texts = [ledger.read_text() if ledger.exists() else "" for ledger in self.ledgers]
        return [[int(line) for line in text[: text.rfind("\n") + 1].split()] for text in texts]

    def goes_on(self, entries: int = 40) -> None:
        """Wait until every process has written so many more; none of them may have ended."""
        before = [len(one) for one in self.acknowledged()]

        def further() -> bool:
            for process in self._processes:
                assert process.poll() is None, process.communicate()[0]
            return all(len(now) >= then + entries for now, then in zip(self.acknowledged(), before, strict=True))

        living.until(further, "every process wrote on")

    def stop(self) -> None:
        """End all processes; what one of them complained about is raised."""
        self._stop.touch()
        for process in self._processes:
            said = process.communicate(timeout=60)[0]
            assert process.returncode == 0, said

    def kill(self) -> None:
        """Leave nothing behind."""
        for process in self._processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


@contextlib.contextmanager
def application(directory: Path, path: Path) -> Iterator[Application]:
    """The running application."""
    running = Application(directory, path)
    try:
        yield running
    finally:
        running.kill()


def complaints(ledgers: list[list[int]], dsn: str) -> list[str]:
    """What the target has other than the ledgers say."""
    found = []
    with psycopg.connect(dsn) as session:
        for worker, ledger in enumerate(ledgers):
            held = [
                n for (n,) in session.execute("SELECT number FROM entry WHERE worker = %s ORDER BY number", (worker,))
            ]
            if held != sorted(ledger):
                lost, more = set(ledger) - set(held), len(held) - len(ledger)
                found.append(f"of worker {worker}, {sorted(lost)} are lost, and there are {more} too many")
        row = session.execute("SELECT value FROM counter").fetchone()
        assert row is not None
        if row[0] != sum(map(len, ledgers)):
            found.append(f"the counter is at {row[0]} after {sum(map(len, ledgers))} increments")
    return found
