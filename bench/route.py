"""The drop-in sqlite3: against the standard module before a switch, against psycopg after it; memory, translation, arrival."""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg

from bench import dataset, results, route_memory, task
from outgrow import sqlite3 as drop_in
from outgrow.dialect import catalog, statements
from outgrow.route import tally, target

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))

from support import living

__all__ = ["measure_all"]

TURNS = 40
"""Turns that each side gets in a round; they alternate, so that whatever else the machine does falls on both."""

MANY = 25
"""Operations of a turn."""

LOOKUP = "SELECT id, company_id, type, amount, score FROM events WHERE id = ?"
INSERT = "INSERT INTO events (company_id, user_id, type, description, score) VALUES (?, ?, ?, ?, ?)"
UPDATE = "UPDATE events SET score = score + 1 WHERE id = ?"

# The same at PostgreSQL, as psycopg is given it.
THERE = {sql: sql.replace("?", "%s") for sql in (LOOKUP, INSERT, UPDATE)}

LOOK = "SELECT epoch, primary_store = 'postgres' FROM outgrow.standing"
TURN = "UPDATE outgrow.writer SET turn = turn + 1"

# Statements of several sizes for the translator: with what is bound.
TRANSLATED: dict[str, tuple[str, tuple[Any, ...]]] = {
    "key lookup": (LOOKUP, (1,)),
    "insert": (INSERT, (1, 2, "login", "a note", 1.5)),
    "grouped, with a date": (
        "SELECT type, count(*), sum(amount), strftime('%Y-%m', timestamp) AS month FROM events"
        " WHERE company_id = ? AND type LIKE ? GROUP BY type, month ORDER BY 2 DESC LIMIT ?",
        (1, "inv%", 10),
    ),
}

Operation = Callable[[int], None]


class Wrong(Exception):
    """A side did not do what it was measured at."""


def microseconds(operation: Operation, start: int) -> float:
    """Of one operation, in a turn of many."""
    began = time.perf_counter()
    for number in range(start, start + MANY):
        operation(number)
    return (time.perf_counter() - began) / MANY * 1e6


def compared(title: str, sides: Mapping[str, Operation], rounds: int, *, against: str) -> dict[str, Any]:
    """The median of each side's turns; `ratio` is the drop-in's over that of `against`."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    order = list(sides.items())
    for _, operation in order:  # whatever is prepared or translated once is not what is measured
        microseconds(operation, 1)
    for turn in range(rounds * TURNS):
        order.reverse()
        for name, operation in order:
            found[name].append(microseconds(operation, turn * MANY + 1))
    medians = {name: round(statistics.median(values), 2) for name, values in found.items()}
    return {
        "kind": "ratio",
        "title": title,
        "failures": [],
        "microseconds": medians,
        "against": against,
        "ratio": round(medians["drop-in"] / medians[against], 3),
    }


def lookup(connection: Any) -> Operation:
    def operation(number: int) -> None:
        if connection.execute(LOOKUP, (number,)).fetchone()[0] != number:
            raise Wrong(f"row {number}")

    return operation


def insert(connection: Any) -> Operation:
    def operation(number: int) -> None:
        connection.execute(INSERT, (number, 1, "login", "a line of some length, as rows have", 0.5))
        connection.commit()

    return operation


def several(connection: Any) -> Operation:
    """A transaction of four statements, as a request makes."""

    def operation(number: int) -> None:
        connection.execute("BEGIN")
        connection.execute(LOOKUP, (number,)).fetchone()
        connection.execute(INSERT, (number, 1, "login", "a line of some length, as rows have", 0.5))
        connection.execute(UPDATE, (number,))
        connection.execute(UPDATE, (number + 1,))
        connection.commit()

    return operation


def raw_lookup(session: psycopg.Connection[Any], *, same: bool) -> Operation:
    """One SELECT; with the `same` work also outgrow's look, as a statement of its own."""

    def operation(number: int) -> None:
        if same:
            session.execute(LOOK, prepare=True).fetchone()
        row = session.execute(THERE[LOOKUP].encode(), (number,), prepare=True).fetchone()
        if row is None or row[0] != number:
            raise Wrong(f"row {number}")

    return operation


def raw_insert(session: psycopg.Connection[Any], *, same: bool) -> Operation:
    """INSERT and COMMIT; with the `same` work also outgrow's look, and the row on which writers take turns."""

    def operation(number: int) -> None:
        session.execute("BEGIN")
        if same:
            session.execute(LOOK, prepare=True).fetchone()
            session.execute(TURN, prepare=True)
        row = (number, 1, "login", "a line of some length, as rows have", 0.5)
        session.execute(THERE[INSERT].encode(), row, prepare=True)
        session.execute("COMMIT")

    return operation


def raw_several(session: psycopg.Connection[Any], *, same: bool) -> Operation:
    """The transaction of four statements; with the `same` work also a savepoint for each but the first."""

    def guarded(sql: str, parameters: tuple[Any, ...]) -> None:
        if same:
            session.execute('SAVEPOINT "s"')
        session.execute(THERE[sql].encode(), parameters, prepare=True)
        if same:
            session.execute('RELEASE SAVEPOINT "s"')

    def operation(number: int) -> None:
        session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        if same:
            session.execute(LOOK, prepare=True).fetchone()
        session.execute(THERE[LOOKUP].encode(), (number,), prepare=True).fetchone()
        if same:
            session.execute(TURN, prepare=True)
        guarded(INSERT, (number, 1, "login", "a line of some length, as rows have", 0.5))
        guarded(UPDATE, (number,))
        guarded(UPDATE, (number + 1,))
        session.execute("COMMIT")

    return operation


ARRIVING = f"""
import json, sys, threading, time
from outgrow import sqlite3
db = sqlite3.connect(sys.argv[1])
def took(number):
    began = time.perf_counter()
    db.execute({LOOKUP!r}, (number,)).fetchall()
    return (time.perf_counter() - began) * 1000
took(1)
for thread in threading.enumerate():
    if thread.name == "outgrow-warming":
        thread.join()
print("here", flush=True)
sys.stdin.readline()
print(json.dumps([took(2), took(3)]))
"""


@contextlib.contextmanager
def waiting(path: pathlib.Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has read the file, and reads again when it is told to."""
    with subprocess.Popen(
        [sys.executable, "-c", ARRIVING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "here\n":
            raise Wrong("the process did not read")
        yield process


def translation(path: pathlib.Path, rounds: int) -> Iterator[dict[str, Any]]:
    """Cold: the translator itself; warm: finding the translation that is there, with its guards looked at; microseconds."""
    with contextlib.closing(drop_in.connect(str(path))) as connection:
        connection.execute(LOOKUP, (1,)).fetchone()
        at = target.of(connection._line.looker.state)
        known, counted = catalog.Catalog.of(at.plan), tally.Tally()
        for title, (sql, bound) in TRANSLATED.items():
            cold, warm = [], []
            at.translate(sql, bound, counted)
            for _ in range(rounds * TURNS):
                began = time.perf_counter()
                statements.translate(sql, known, bound)
                cold.append((time.perf_counter() - began) * 1e6)
                warm.append(microseconds(lambda _, sql=sql, bound=bound: at.translate(sql, bound, counted), 1))
            if counted.cached < len(warm) * MANY:
                raise Wrong("a translation was not kept")
            medians = {name: round(statistics.median(took), 2) for name, took in (("cold", cold), ("warm", warm))}
            yield {"kind": "translation", "title": title, "failures": [], **medians}


def measure_all(given: task.Task) -> dict[str, Any]:
    """Before a switch, at it, and after it, on one followed file."""
    data = dataset.prepare(given.directory, rows=given.rows)
    found: list[dict[str, Any]] = []

    def keep(entry: dict[str, Any]) -> None:
        found.append(entry)
        given.say(f"  {json.dumps({key: value for key, value in entry.items() if value != []})}")

    with tempfile.TemporaryDirectory(dir=given.directory) as name:
        directory = pathlib.Path(name)
        path = directory / "app.db"
        shutil.copyfile(data.file, path)
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA journal_mode=WAL")
        before(path, "file without a migration", given.rounds, keep)
        given.to.recreate()
        with living.Engine(directory, path, given.to.dsn, verify_every=3600) as engine:
            engine.start().ready(within=600)
            before(path, "followed file", given.rounds, keep)
            engine.caught_up()
            with waiting(path) as process:
                engine.switch("postgres")
                first, second = json.loads(process.communicate("\n")[0])
            keep(
                {
                    "kind": "arrival",
                    "title": "first statement after the switch, in a process that used the file before",
                    "failures": [],
                    "first_ms": round(first, 2),
                    "second_ms": round(second, 2),
                }
            )
            after(path, given.to.dsn, given.rounds, keep)
            sizes = (max(min(given.rows, 1_000_000) // 10, 1), min(given.rows, 1_000_000))
            for size in sizes:
                keep(route_memory.measure_rows(path, size))
            for entry in translation(path, given.rounds):
                keep(entry)
            engine.stop()
    return results.envelope("route", data=data, to=given.to, rounds=given.rounds, results=found)


def before(path: pathlib.Path, what: str, rounds: int, keep: Callable[[dict[str, Any]], None]) -> None:
    """The same file through both modules, in one process."""
    with contextlib.ExitStack() as stack:
        sides = {
            name: stack.enter_context(contextlib.closing(module.connect(str(path), timeout=30)))
            for name, module in (("standard", sqlite3), ("drop-in", drop_in))
        }
        for connection in sides.values():
            connection.execute("PRAGMA synchronous=NORMAL")
        keep(compared(f"key lookup, {what}", {n: lookup(c) for n, c in sides.items()}, rounds, against="standard"))
        keep(compared(f"insert + commit, {what}", {n: insert(c) for n, c in sides.items()}, rounds, against="standard"))


def after(path: pathlib.Path, dsn: str, rounds: int, keep: Callable[[dict[str, Any]], None]) -> None:
    """The drop-in at PostgreSQL, psycopg with the plain statements, and psycopg with everything that outgrow does as well."""
    with (
        contextlib.closing(drop_in.connect(str(path), timeout=30)) as here,
        psycopg.connect(dsn, autocommit=True) as session,
    ):
        for title, ours, raw in (
            ("key lookup", lookup, raw_lookup),
            ("insert + commit", insert, raw_insert),
            ("transaction of four statements", several, raw_several),
        ):
            sides = {
                "psycopg": raw(session, same=False),
                "psycopg, same work": raw(session, same=True),
                "drop-in": ours(here),
            }
            keep(compared(title, sides, rounds, against="psycopg, same work"))
