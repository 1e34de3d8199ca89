"""What reverse capture costs the application: its writes at the target with and without the triggers that log their keys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg

from bench import dataset, outgrow_cli, results, task
from outgrow.model import plan
from outgrow.plan import file as plan_file
from outgrow.postgres import capture, live_state, state

__all__ = ["measure_all"]

SINGLE = 5_000
"""Statements of one row each."""

PART = 10
"""Statements of many rows take a tenth of the table."""

COPIED = "company_id, user_id, type, description, metadata, amount, score, active, timestamp"

# $1 is the key, or the highest of many; $2 is added to those of rows that come and go, another number with capture and without.
UPDATE = "UPDATE events SET score = score + 1 WHERE $2::bigint >= 0 AND id"
INSERT = f"INSERT INTO events SELECT id + $2::bigint, {COPIED} FROM events WHERE id"
DELETE = "DELETE FROM events WHERE id > $2::bigint AND id"

WRITES: dict[str, tuple[str, str, bool]] = {
    "update-one": ("UPDATE of one row, autocommit", f"{UPDATE} = $1", True),
    "insert-one": ("INSERT of one row, autocommit", f"{INSERT} = $1", True),
    "delete-one": ("DELETE of one row, autocommit", f"{DELETE} = $1::bigint + $2", True),
    "update-many": ("UPDATE of many rows", f"{UPDATE} <= $1", False),
    "insert-many": ("INSERT of many rows", f"{INSERT} <= $1", False),
    "delete-many": ("DELETE of many rows", f"{DELETE} <= $1::bigint + $2", False),
}


class Wrong(Exception):
    """The log does not have the rows that were written."""


def write(db: psycopg.Connection[Any], name: str, rows: int, *, captured: bool) -> float:
    """Microseconds a row of one kind of write."""
    _, statement, single = WRITES[name]
    cursor = psycopg.RawCursor(db)
    keys = [number * 7919 % rows + 1 for number in range(min(SINGLE, rows))] if single else [max(rows // PART, 1)]
    away = 10**9 * (1 + captured)
    db.execute("TRUNCATE outgrow.log")
    db.execute("CHECKPOINT")
    touched = 0
    began = time.perf_counter()
    for key in keys:
        touched += cursor.execute(statement.encode(), [key, away], prepare=True).rowcount
    seconds = time.perf_counter() - began
    (logged,) = db.execute("SELECT count(*) FROM outgrow.log").fetchone() or (0,)
    if not touched or logged != (touched if captured else 0):
        raise Wrong(f"{name}: {touched} rows were written and {logged} logged")
    return seconds / touched * 1e6


def measure_all(given: task.Task) -> dict[str, Any]:
    """Rounds of the same writes without and with capture, on a table that outgrow copied; `ratio` is with over without."""
    data = dataset.prepare(given.directory, rows=given.rows)
    unavailable = outgrow_cli.unavailable()
    entries: dict[str, dict[str, Any]] = {
        name: {"name": name, "title": title, "skipped": unavailable, "failures": [], "without": [], "with": []}
        for name, (title, _, _) in WRITES.items()
    }
    if unavailable:
        given.say(f"  skipped: {unavailable}")
    else:
        try:
            measure_rounds(given, data, entries)
        except (outgrow_cli.Failed, Wrong) as error:
            for entry in entries.values():
                entry["failures"].append(str(error))
            given.say(f"  FAILED: {error}")
    for entry in entries.values():
        without, with_ = results.median(entry["without"]), results.median(entry["with"])
        entry["median"] = with_
        entry["ratio"] = round(with_ / without, 3) if with_ and without else None
    return results.envelope("reverse", data=data, to=given.to, rounds=given.rounds, results=list(entries.values()))


def measure_rounds(given: task.Task, data: dataset.Dataset, entries: dict[str, dict[str, Any]]) -> None:
    """Copy once; then every write without and with capture, one right after the other, each first as often as the other."""
    given.to.recreate()
    outgrow_cli.copy(data.file, given.to.dsn)
    with given.to.connect() as db:
        (made,) = plan_file.from_data(state.State(db).migration().plan).tables
        live_state.begin(db)
        live_state.prepare(db, 1)
        live_state.open_(db, 1)
        install = capture.install("public", made, 1, live_state.read(db).secret)
        for number in given.each_round():
            for name, entry in entries.items():
                for captured in (False, True) if number % 2 else (True, False):
                    for statement in install if captured else capture.drop(1):
                        db.execute(statement.encode())
                    side = "with" if captured else "without"
                    entry[side].append(round(write(db, name, data.rows, captured=captured), 3))
                given.say(f"  {name:12} {entry['without'][-1]:9.2f} µs a row, with capture {entry['with'][-1]:9.2f} µs")
