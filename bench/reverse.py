"""What reverse capture costs the application: its writes at the target with and without the triggers that log their keys."""

from __future__ import annotations

import time
from typing import Any

import psycopg

from bench import dataset, outgrow_cli, results, task
from outgrow.model import plan_data
from outgrow.postgres import capture, live_state, state

__all__ = ["measure_all"]

SINGLE = 5_000
"""Statements of one row each."""

PIECES = 20
"""Statements of many rows, which together take a tenth of the table."""

COPIED = "company_id, user_id, type, description, metadata, amount, score, active, timestamp"
AWAY = 10**9
"""Added to the keys of rows that come and go."""

# A statement is about the rows after one key and up to another.
UPDATE = "UPDATE {table} SET score = score + 1 WHERE id > $1 AND id <= $2"
INSERT = f"INSERT INTO {{table}} SELECT id + {AWAY}, {COPIED} FROM {{table}} WHERE id > $1 AND id <= $2"
DELETE = f"DELETE FROM {{table}} WHERE id > $1::bigint + {AWAY} AND id <= $2::bigint + {AWAY}"

WRITES: dict[str, tuple[str, str, bool]] = {
    "update-one": ("UPDATE of one row, autocommit", UPDATE, True),
    "insert-one": ("INSERT of one row, autocommit", INSERT, True),
    "delete-one": ("DELETE of one row, autocommit", DELETE, True),
    "update-many": ("UPDATE of many rows", UPDATE, False),
    "insert-many": ("INSERT of many rows", INSERT, False),
    "delete-many": ("DELETE of many rows", DELETE, False),
}

SIDES = {"without": "plain", "with": "events"}


class Wrong(Exception):
    """The log does not have the rows that were written."""


def write(db: psycopg.Connection[Any], name: str, rows: int) -> dict[str, float]:
    """Microseconds a row of a write on either side, statement by statement in turns: a busy machine is busy for both."""
    _, statement, single = WRITES[name]
    size = 1 if single else max(rows // 10 // PIECES, 1)
    starts = (
        [number * 7919 % (rows - size) for number in range(min(SINGLE, rows))]
        if single
        else range(0, size * PIECES, size)
    )
    statements = {side: statement.format(table=table).encode() for side, table in SIDES.items()}
    cursor = psycopg.RawCursor(db)
    db.execute("TRUNCATE outgrow.log")
    seconds = dict.fromkeys(SIDES, 0.0)
    touched = dict.fromkeys(SIDES, 0)
    for start in starts:
        for side, text in statements.items():
            began = time.perf_counter()
            touched[side] += cursor.execute(text, [start, start + size], prepare=True).rowcount
            seconds[side] += time.perf_counter() - began
    (logged,) = db.execute("SELECT count(*) FROM outgrow.log").fetchone() or (0,)
    if not touched["with"] or {logged, touched["without"]} != {touched["with"]}:
        raise Wrong(f"{name}: {touched} rows were written and {logged} logged")
    return {side: seconds[side] / touched[side] * 1e6 for side in SIDES}


def measure_all(given: task.Task) -> dict[str, Any]:
    """Rounds of the same writes on a captured table and on one like it; `ratio` is with capture over without."""
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
    """Copy, make the other table, install capture, and write."""
    given.to.recreate()
    outgrow_cli.copy(data.file, given.to.dsn)
    with given.to.connect() as db:
        db.execute("CREATE TABLE plain (LIKE events INCLUDING ALL)")
        db.execute("INSERT INTO plain SELECT * FROM events")
        db.execute("VACUUM ANALYZE plain")
        (made,) = plan_data.from_data(state.State(db).migration().plan).tables
        live_state.begin(db)
        live_state.prepare(db, 1)
        live_state.open_(db, 1)
        for statement in capture.install("public", made, 1, live_state.read(db).secret):
            db.execute(statement.encode())
        for _ in given.each_round():
            for name, entry in entries.items():
                given.to.checkpoint()
                for side, microseconds in write(db, name, data.rows).items():
                    entry[side].append(round(microseconds, 3))
                given.say(f"  {name:12} {entry['without'][-1]:9.2f} µs a row, with capture {entry['with'][-1]:9.2f} µs")
