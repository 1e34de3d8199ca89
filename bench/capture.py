"""What capture costs the application: its writes to the file with and without the triggers that log their keys."""

from __future__ import annotations

import pathlib
import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import apsw

from bench import dataset, results, task
from outgrow.model import plan
from outgrow.sqlite import capture, schema

__all__ = ["measure_all"]

BLOCKS = 40
"""Turns that each side gets in a round; they alternate, so that whatever else the machine does falls on both."""

SINGLE = 25
"""Statements in a turn, each a transaction of its own."""

MANY = 1_000
"""Rows of a transaction where there are many; a turn is one transaction."""

WARM_UP = 1_500
"""Commits, more than SQLite lets gather in its log file before it begins at its start again."""

TABLES = {"key": "no other unique index", "unique": "a second unique index"}
MODES = {"full": "synchronous=FULL", "normal": "synchronous=NORMAL"}
WRITES = ("insert", "update", "delete")

COLUMNS = "company_id, user_id, type, description, metadata, amount, score, active, timestamp"
SQL = {
    "insert": f"INSERT INTO events ({COLUMNS}, slug) VALUES (?,?,?,?,?,?,?,?,?,?)",
    "update": "UPDATE events SET score = score + 1, type = ? WHERE id = ?",
    "delete": "DELETE FROM events WHERE id = ?",
}


class Wrong(Exception):
    """The log does not have the rows that were written."""


class Side:
    """A file with capture or without, opened by Python's own sqlite3 as an application does; it counts what it wrote."""

    def __init__(self, file: pathlib.Path, *, rows: int, statements: tuple[str, ...] = ()) -> None:
        self._db = sqlite3.connect(file, isolation_level=None, cached_statements=512)
        self._db.execute("PRAGMA journal_mode=WAL")
        for statement in statements:
            self._db.execute(statement)
        self._sample = self._db.execute(f"SELECT {COLUMNS} FROM events LIMIT 1000").fetchall()
        self._captured = bool(statements)
        self._rows = rows
        self._added: list[int] = []
        self._random = random.Random(1)
        self._written = 0
        self._slug = 0

    def mode(self, name: str) -> None:
        """Set how commits reach the disk; the log file has its full size, since one that grows takes longer to sync."""
        self._db.execute("PRAGMA synchronous=OFF")
        for _ in range(WARM_UP):
            self._write("update")
        self._db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        self._db.execute(f"PRAGMA synchronous={name}")

    def _write(self, kind: str) -> None:
        if kind == "insert":
            self._slug += 1
            row = (*self._sample[self._slug % len(self._sample)], f"new {self._slug}")
            self._added.append(self._db.execute(SQL[kind], row).lastrowid or 0)
        elif kind == "update":
            self._db.execute(SQL[kind], ("changed", self._random.randint(1, self._rows)))
        else:
            self._db.execute(SQL[kind], (self._added.pop(self._random.randrange(len(self._added))),))
        self._written += 1

    def single(self, kind: str) -> Iterator[float]:
        """Seconds of each statement of a turn."""
        for _ in range(SINGLE):
            began = time.perf_counter()
            self._write(kind)
            yield time.perf_counter() - began

    def many(self, kind: str) -> Iterator[float]:
        """Seconds a row of one transaction."""
        began = time.perf_counter()
        self._db.execute("BEGIN IMMEDIATE")
        for _ in range(MANY):
            self._write(kind)
        self._db.execute("COMMIT")
        yield (time.perf_counter() - began) / MANY

    def close(self) -> None:
        """Raise Wrong unless the log has just the rows that were written."""
        if self._captured:
            (logged,) = self._db.execute(f"SELECT count(*) FROM {capture.LOG}").fetchone()
            if logged != self._written:
                raise Wrong(f"{self._written} rows were written and {logged} logged")
        self._db.close()


def statements(file: pathlib.Path) -> tuple[str, ...]:
    """The log and the triggers for that file, which is closed again."""
    db = apsw.Connection(str(file))
    try:
        database = schema.read(db)
    finally:
        db.close()
    found = next(each for each in database.tables if each.name == "events")
    planned = plan.TablePlan(source=found.name, target=found.name, columns=(), key=found.primary_key)
    captured = capture.Captured(number=1, plan=planned, table=found)
    return capture.create_log(1), *capture.triggers(captured, database).values()


def prepare(source: pathlib.Path, directory: pathlib.Path, name: str) -> pathlib.Path:
    """A copy of the benchmark's file with one column more, unique if `name` says so."""
    file = directory / f"{name}.db"
    shutil.copyfile(source, file)
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("PRAGMA synchronous=OFF")
    db.execute("ALTER TABLE events ADD COLUMN slug TEXT")
    db.execute("UPDATE events SET slug = 'event ' || id")
    if name == "unique":
        db.execute("CREATE UNIQUE INDEX events_slug ON events (slug)")
    db.close()
    return file


def one_round(pair: tuple[Side, Side], entries: dict[str, dict[str, Any]], table: str) -> None:
    """Every kind of write in every mode, the two sides taking turns."""
    for mode in MODES:
        for side in pair:
            side.mode(mode)
        for kind in WRITES:
            for many in (False, True):
                if many and mode != "full":
                    continue
                entry = entries[f"{table}-{kind}-{'many' if many else mode}"]
                # An update of many rows dirties as many pages: fewer turns say as much.
                turns = list(zip(pair, (entry["seconds_without"], entry["seconds_with"]), strict=True))
                for _ in range(BLOCKS if not many else BLOCKS // 4):
                    turns.reverse()
                    for side, seconds in turns:
                        seconds += side.many(kind) if many else side.single(kind)


def new_entries() -> dict[str, dict[str, Any]]:
    made = {}
    for table, what in TABLES.items():
        for kind in WRITES:
            names = {mode: f"autocommit, {said}" for mode, said in MODES.items()} | {
                "many": f"{MANY:,} in a transaction"
            }
            for name, said in names.items():
                lists: dict[str, Any] = {key: [] for key in ("failures", "seconds_without", "seconds_with")}
                title = f"{kind.upper()}, {what}: {said}"
                made[f"{table}-{kind}-{name}"] = {
                    "name": f"{table}-{kind}-{name}",
                    "title": title,
                    "skipped": None,
                    "ratio": None,
                    **lists,
                }
    return made


def summarise(entry: dict[str, Any]) -> None:
    """Replace the single measurements by microseconds: the median and the 99th percentile of each side."""
    for side in ("without", "with"):
        seconds = sorted(entry.pop(f"seconds_{side}"))
        entry[side] = round(statistics.median(seconds) * 1e6, 2) if seconds else None
        entry[f"{side}_p99"] = round(seconds[int(len(seconds) * 0.99)] * 1e6, 2) if seconds else None
    if entry["with"] and entry["without"]:
        entry["ratio"] = round(entry["with"] / entry["without"], 3)


def measure_all(given: task.Task) -> dict[str, Any]:
    """Rounds of all writes on four copies of the file; `ratio` is the median with capture over the one without."""
    data = dataset.prepare(given.directory, rows=given.rows)
    entries = new_entries()
    with tempfile.TemporaryDirectory(dir=given.directory) as directory:
        for table in TABLES:
            plain = prepare(data.file, pathlib.Path(directory), table)
            captured = plain.with_name(f"{table}-captured.db")
            shutil.copyfile(plain, captured)
            made = statements(captured)
            pair = Side(plain, rows=data.rows), Side(captured, rows=data.rows, statements=made)
            try:
                for _ in given.each_round():
                    one_round(pair, entries, table)
                for side in pair:
                    side.close()
            except Wrong as error:
                entries[f"{table}-insert-full"]["failures"].append(str(error))
    for entry in entries.values():
        summarise(entry)
        given.say(
            f"  {entry['title']:75} {entry['without']:8.1f} µs, with capture {entry['with']:8.1f}  {entry['ratio']:.2f}×"
        )
    return results.envelope("capture", data=data, to=given.to, rounds=given.rounds, results=list(entries.values()))
