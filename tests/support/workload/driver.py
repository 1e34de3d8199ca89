"""One process of the workload: `python -m support.workload.driver --sqlite FILE --postgres DSN --ledger FILE …`.

Every operation goes to the store that took the last one. Where that store is fenced, the operation is replayed on the other
one, and so back and forth until one of them takes it: an application with a router that is as simple as can be. When an
acknowledgement was lost, the same operation is tried again, and its row in the ledger tells whether it is there.

SIGTERM ends it after the operation at hand; then it prints a summary as JSON. Killed and started again with the same ledger,
it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from support.workload import record, schema, script, sqlite_store, stores, summary

__all__ = ["Driver", "main"]

MILLISECOND = 1_000_000


class Driver:
    """Runs the operations of one process, one after the other; at the end of its block, everything is closed."""

    def __init__(
        self,
        what: script.Script,
        process: int,
        writer: record.Writer,
        candidates: Sequence[stores.Store],
        *,
        patience: float,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.what, self.process, self.writer, self.candidates = what, process, writer, candidates
        self.patience, self.stopping = int(patience * 1e9), stopping
        self.at = 0

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.writer.close()
        for store in self.candidates:
            store.close()

    def perform(self, n: int, due: int | None = None, *, unsure: bool = False) -> str:
        """Run the n-th operation until a store has taken it; returns the outcome. `unsure`: it may have been run before."""
        operation = self.what.operation(self.process, n)
        begun = time.monotonic_ns()
        self.writer.write("intent", n, operation.kind, begun if due is None else due, begun)
        fences = 0
        while True:
            store = self.candidates[self.at]
            start = time.monotonic_ns()
            try:
                store.perform(operation)
            except stores.Fenced as trouble:
                why = str(trouble)
                self._note("fenced", n, start, trouble.epoch)
                self._turn()
                fences += 1
                if fences > 1:  # both are closed
                    _pause(MILLISECOND)
            except stores.Busy as trouble:
                why = str(trouble)
                _pause(MILLISECOND)
            except stores.Gone as trouble:
                why = str(trouble)
                if trouble.unsure:
                    unsure = True
                    self._note("unsure", n, start)
                self._turn()
                _pause(5 * MILLISECOND)
            except stores.Duplicate as trouble:
                if unsure:
                    return self._note("found", n, start)
                return self._note("refused", n, start, f"committed before it was tried: {trouble}")
            except stores.Refused as trouble:
                return self._note("refused", n, start, str(trouble))
            else:
                return self._note("acked" if operation.commits else "rolled", n, start)
            if self.stopping():
                return self._note("stopped", n, start)
            if time.monotonic_ns() - begun > self.patience:
                return self._note("gave up", n, start, why)

    def run(self, first: int, *, rate: float, last: int | None = None) -> None:
        """Run operations from the first until stopping, or up to the last; `rate` a second, 0 is as fast as possible."""
        started = time.monotonic_ns()
        n = first
        while not self.stopping() and (last is None or n <= last):
            due = None
            if rate:
                due = started + int((n - first + self.process / self.what.shape.processes) * 1e9 / rate)
                while (early := due - time.monotonic_ns()) > 0 and not self.stopping():
                    _pause(min(early, 20 * MILLISECOND))
                if self.stopping():
                    return
            if self.perform(n, due) == "gave up":
                return
            n += 1

    def _turn(self) -> None:
        self.at = (self.at + 1) % len(self.candidates)

    def _note(self, outcome: str, n: int, start: int, detail: object = None) -> str:
        self.writer.write(outcome, n, self.candidates[self.at].name, start, time.monotonic_ns(), detail)
        return outcome


def _pause(nanoseconds: int) -> None:
    time.sleep(nanoseconds / 1e9)


def arguments() -> argparse.ArgumentParser:
    """What both processes of a workload can be told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sqlite", type=Path, help="the file; left out, only PostgreSQL is used")
    parser.add_argument("--postgres", metavar="DSN", help="the database; left out, only SQLite is used")
    parser.add_argument(
        "--ledger", type=Path, required=True, help="the file that says what was tried and what came of it"
    )
    parser.add_argument("--script", type=script.Script.from_json, default=script.Script(), metavar="JSON")
    parser.add_argument("--rate", type=float, default=0, help="writes a second, by the clock; 0 is as many as possible")
    parser.add_argument("--seconds", type=float, help="how long to run")
    parser.add_argument("--until-file", type=Path, help="run until this file exists")
    parser.add_argument("--fence-prefix", default=stores.OUTGROW.prefix, help="how SQLite's error begins at a fence")
    parser.add_argument("--fence-state", default=stores.OUTGROW.state, help="the SQLSTATE of PostgreSQL's fence")
    parser.add_argument("--pragma", action="append", default=[], help="run on each SQLite connection")
    parser.add_argument("--busy-timeout", type=float, default=5, help="seconds that SQLite waits for a lock")
    return parser


def found_stores(told: argparse.Namespace) -> list[stores.Store]:
    """The stores that the arguments name."""
    tables = schema.tables(told.script.shape)
    fence = stores.Fence(prefix=told.fence_prefix, state=told.fence_state)
    found: list[stores.Store] = []
    if told.sqlite:
        found.append(
            sqlite_store.SqliteStore(told.sqlite, tables, fence, pragmas=told.pragma, timeout=told.busy_timeout)
        )
    if told.postgres:
        from support.workload import postgres_store  # psycopg is slow to load

        found.append(postgres_store.PostgresStore(told.postgres, tables, fence))
    return found


class Stop:
    """True once SIGTERM came, the time is over, or the file is there."""

    def __init__(self, told: argparse.Namespace) -> None:
        self.heard = False
        self.file: Path | None = told.until_file
        self.deadline = None if told.seconds is None else time.monotonic() + told.seconds
        signal.signal(signal.SIGTERM, self._hear)
        signal.signal(signal.SIGINT, self._hear)

    def __call__(self) -> bool:
        if self.deadline is not None and time.monotonic() >= self.deadline:
            self.heard = True
        if self.file is not None and not self.heard and os.path.exists(self.file):
            self.heard = True
        return self.heard

    def _hear(self, *_: object) -> None:
        self.heard = True


def main() -> None:
    """Run one process."""
    parser = arguments()
    parser.add_argument("--process", type=int, default=0, help="the number of this process")
    parser.add_argument("--operations", type=int, help="how many to run")
    parser.add_argument("--first", choices=["sqlite", "postgres"], help="the store to begin with")
    parser.add_argument("--patience", type=float, default=60, help="seconds after which an operation is given up")
    told = parser.parse_args()
    stop = Stop(told)
    candidates = found_stores(told)
    following, pending = record.open_intent(told.ledger)
    writer = record.Writer(told.ledger, record.Header(role="workload", process=told.process, script=told.script))
    with Driver(told.script, told.process, writer, candidates, patience=told.patience, stopping=stop) as driver:
        driver.at = [store.name for store in candidates].index(told.first) if told.first else 0
        if pending is not None:
            driver.perform(pending, unsure=True)
        driver.run(following, rate=told.rate, last=told.operations and following + told.operations - 1)
    sys.stdout.write(json.dumps(summary.of([told.ledger]).to_json()) + "\n")


if __name__ == "__main__":
    main()
