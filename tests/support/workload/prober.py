"""Tries to write to both stores at once, all the time: `python -m support.workload.prober --sqlite FILE --postgres DSN …`.

A thread for each store inserts a row of its own in a transaction of its own, and writes down when it began, when it ended,
and whether the store took it. The record of the thread for PostgreSQL has `.postgres` added to its name, the other `.sqlite`.
A prober never replays: each attempt is another row, and a refused one must never be there.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from support.workload import driver, record, stores, summary

__all__ = ["main", "probe", "records"]


def records(ledger: Path) -> list[Path]:
    """The two records that a prober writes."""
    return [ledger.with_name(f"{ledger.name}.{store}") for store in ("sqlite", "postgres")]


def probe(
    store: stores.Store, writer: record.Writer, prefix: str, *, pause: float, stopping: Callable[[], bool]
) -> None:
    """Write to one store until stopping."""
    n = 0
    while not stopping():
        n += 1
        op = f"{prefix}-{n}"
        start = time.monotonic_ns()
        writer.write("intent", n, "probe", start, start)

        def insert(store: stores.Store, op: str = op, n: int = n) -> None:
            store.insert("probe", op=op, n=n)

        outcome, detail = "acked", None
        try:
            store.within(insert)
        except stores.Fenced as trouble:
            outcome, detail = "fenced", trouble.epoch
        except stores.Gone as trouble:
            if trouble.unsure:
                writer.write("unsure", n, store.name, start, time.monotonic_ns())
            outcome = "gave up"
            time.sleep(0.02)
        except stores.Busy:
            outcome = "gave up"
        except (stores.Refused, stores.Duplicate) as trouble:
            outcome = "refused"
            writer.write("refused", n, store.name, start, time.monotonic_ns(), str(trouble))
        if outcome != "refused":
            writer.write(outcome, n, store.name, start, time.monotonic_ns(), detail)
        if outcome == "fenced":  # nothing more comes of this row, whereas the operation of a driver goes on
            writer.write("stopped", n, store.name, start, time.monotonic_ns())
        time.sleep(pause)
    writer.close()
    store.close()


def main() -> None:
    """Probe both stores until told to stop."""
    parser = driver.arguments()
    told = parser.parse_args()
    stop = driver.Stop(told)
    threads = []
    for store, path in zip(driver.found_stores(told), records(told.ledger), strict=True):
        prefix = f"{store.name}-{os.getpid()}"
        writer = record.Writer(path, record.Header(role="probe", script=told.script, prefix=prefix))
        pause = 1 / told.rate if told.rate else 0.001
        thread = threading.Thread(
            target=probe, args=(store, writer, prefix), kwargs={"pause": pause, "stopping": lambda: stop.heard}
        )
        thread.start()
        threads.append(thread)
    while not stop():
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    sys.stdout.write(json.dumps(summary.of(records(told.ledger)).to_json()) + "\n")


if __name__ == "__main__":
    main()
