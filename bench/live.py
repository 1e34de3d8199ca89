"""Following and switching a file in use: lag, what the application feels, the write pause, and what idling costs."""

from __future__ import annotations

import contextlib
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any

import psutil
import psycopg

from bench import results, task

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))

from support import living
from support.workload import running, schema, script

__all__ = ["measure_all"]

SECONDS, TURNS, WRITERS = 12.0, 3, 4
"""How long each rate is held."""

RATES = (200, 1_000, 0)
"""Writes a second of all processes together; 0 is as many as they can."""

KINDS = ("append", "count", "post", "transfer", "write_doc", "amend_doc", "weigh", "rename_tag", "join", "leave", "pad")
"""Operations of the workload that are of a size with an application's: one to six rows."""


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Median, 99th percentile and the most."""
    found = sorted(values)
    if not found:
        return {}
    return {
        "p50": round(statistics.median(found), 3),
        "p99": round(found[min(len(found) - 1, len(found) * 99 // 100)], 3),
        "max": round(found[-1], 3),
    }


WRITER = """
import json, random, sqlite3, sys, time
path, number, rate, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
db = sqlite3.connect(path, isolation_level=None, timeout=30)
db.execute("PRAGMA synchronous=NORMAL")
chance = random.Random(number)
began, n, took = time.monotonic(), 0, []
due = began
while time.monotonic() - began < seconds:
    if rate:
        # Requests come by chance; writers in step would always meet, or never.
        due += chance.expovariate(rate)
        wait = due - time.monotonic()
        if wait > 0:
            time.sleep(wait)
    at = time.monotonic()
    db.execute("INSERT INTO beat(writer, at, note) VALUES (?, ?, 'a line of some length, as rows have')", (number, at))
    took.append(time.monotonic() - at)
    n += 1
json.dump({"writes": n, "seconds": time.monotonic() - began, "latency": took}, sys.stdout)
"""


@contextlib.contextmanager
def watching(dsn: str, seen: dict[int, float], stop: list[bool]) -> Iterator[None]:
    """A thread that notes when each row of `beat` can first be seen in PostgreSQL."""
    import threading

    def look() -> None:
        with psycopg.connect(dsn, autocommit=True) as session:
            last = 0
            while not stop:
                rows = session.execute("SELECT id, at FROM beat WHERE id > %s ORDER BY id", (last,)).fetchall()
                now = time.monotonic()
                for number, at in rows:
                    seen[number] = now - at
                    last = number
                time.sleep(0.001)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.append(True)
        thread.join()


def write(path: pathlib.Path, rate: float, seconds: float) -> list[dict[str, Any]]:
    """Processes that insert rows, one a transaction, at a rate together; what each of them said."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(number), str(rate / WRITERS), str(seconds)],
            stdout=subprocess.PIPE,
        )
        for number in range(WRITERS)
    ]
    return [json.loads(process.communicate()[0]) for process in started]


def summary_of(told: list[dict[str, Any]]) -> dict[str, Any]:
    """What the processes of some rounds said; `late` is the share of writes that took over a millisecond."""
    latencies = [value * 1000 for one in told for value in one["latency"]]
    return {
        "writes": len(latencies),
        "latency_ms": percentiles(latencies),
        "late": round(sum(value > 1.0 for value in latencies) / len(latencies), 5),
    }


def made(path: pathlib.Path) -> pathlib.Path:
    """A file with a table to write to."""
    statements = "PRAGMA journal_mode=WAL; CREATE TABLE beat(id INTEGER PRIMARY KEY, writer INT, at REAL, note TEXT)"
    command = "import sqlite3,sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])"
    subprocess.run([sys.executable, "-c", command, str(path), statements], check=True)
    return path


def follow(given: task.Task, rate: float) -> dict[str, Any]:
    """Hold a rate in a file of its own and, by turns, in one that is followed; the lag as seen from PostgreSQL."""
    alone: list[dict[str, Any]] = []
    together: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=given.directory) as name:
        directory = pathlib.Path(name)
        path, other = made(directory / "app.db"), made(directory / "other.db")
        given.to.recreate()
        with living.Engine(directory, path, given.to.dsn, verify_every=3600) as engine:
            engine.start().ready()
            seen: dict[int, float] = {}
            stop: list[bool] = []
            with watching(given.to.dsn, seen, stop):
                time.sleep(1.0)
                process = psutil.Process(engine.process)
                idle = sum(process.cpu_times()[:2])
                time.sleep(5.0)
                idle = (sum(process.cpu_times()[:2]) - idle) / 5.0
                first = max(seen, default=0)
                for _ in range(TURNS):
                    alone += write(other, rate, SECONDS / TURNS)
                    told = write(path, rate, SECONDS / TURNS)
                    ended = time.monotonic()
                    engine.caught_up()
                    drained = time.monotonic() - ended
                    together += told
                time.sleep(0.2)
            lags = [lag * 1000 for number, lag in seen.items() if number > first]
            facts = engine.facts() or {}
            engine.stop()
    followed = summary_of(together)
    turns = [together[first : first + WRITERS] for first in range(0, len(together), WRITERS)]
    followed["rate"] = followed["writes"] / sum(max(one["seconds"] for one in turn) for turn in turns)
    return {
        "kind": "follow",
        "failures": [],
        "rate": rate,
        "alone": summary_of(alone),
        "followed": followed,
        "lag_ms": percentiles(lags),
        "drained_seconds": round(drained, 3),
        "engine_delay_ms": facts.get("delay_ms"),
        "idle_cpu": round(idle, 4),
    }


def switch(given: task.Task, *, rows: int, padding: int, rounds: int, rate: float = 500) -> dict[str, Any]:
    """Switch there and back under a workload."""
    with tempfile.TemporaryDirectory(dir=given.directory) as name:
        directory = pathlib.Path(name)
        path = directory / "app.db"
        kinds = tuple(kind for kind in KINDS if padding or kind != "pad")
        what = script.Script(seed=1, shape=schema.Shape(rows=rows, padding=padding), kinds=kinds)
        schema.create(path, what.shape)
        given.to.recreate()
        pauses: dict[str, list[float]] = {"postgres": [], "sqlite": []}
        steps: dict[str, list[float]] = {}
        with (
            running.Workload(directory, what, sqlite=path, postgres=given.to.dsn, rate=rate) as load,
            living.Engine(directory, path, given.to.dsn, verify_every=30) as engine,
        ):
            load.ready()
            engine.start().ready()
            for _ in range(rounds):
                for goal in ("postgres", "sqlite"):
                    facts = engine.switch(goal)
                    pauses[goal].append(facts["pause_ms"])
                    for step, took in facts["steps_ms"].items():
                        steps.setdefault(f"{goal}: {step}", []).append(took)
                    load.accepted(goal, 3)
            summary = load.stop().require()
            engine.stop()
    return {
        "kind": "switch",
        "failures": [],
        "rows": rows,
        "padding": padding,
        "rounds": rounds,
        "pause_ms": {goal: percentiles(values) for goal, values in pauses.items()},
        "steps_ms": {step: percentiles(values) for step, values in steps.items()},
        "operation_ms": {"p50": summary.latency.p50, "p99": summary.latency.p99, "max": summary.latency.longest},
        "gap_ms": summary.gap,
    }


def status(given: task.Task, *, times: int = 30) -> dict[str, Any]:
    """How long an engine that is under way needs to answer, and how long the whole command takes."""
    with tempfile.TemporaryDirectory(dir=given.directory) as name:
        directory = pathlib.Path(name)
        path = directory / "app.db"
        what = script.Script(seed=1, shape=schema.Shape(rows=5_000), kinds=KINDS[:-1])
        schema.create(path, what.shape)
        given.to.recreate()
        answers, commands = [], []
        with (
            running.Workload(directory, what, sqlite=path, postgres=given.to.dsn, rate=200) as load,
            living.Engine(directory, path, given.to.dsn, verify_every=30) as engine,
        ):
            load.ready()
            engine.start().ready()
            for _ in range(times):
                began = time.monotonic()
                engine.ask("status")
                answers.append((time.monotonic() - began) * 1000)
                began = time.monotonic()
                subprocess.run(
                    [sys.executable, "-m", "outgrow", "status", str(path), "--json"],
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
                commands.append((time.monotonic() - began) * 1000)
            load.stop().require()
            engine.stop()
    return {"kind": "status", "answer_ms": percentiles(answers), "command_ms": percentiles(commands), "failures": []}


def measure_all(given: task.Task) -> dict[str, Any]:
    """Every rate; `rounds` switches and rollbacks of a file, one ten times as large, and of one with 100 tables more."""
    found: list[dict[str, Any]] = []
    for rate in RATES:
        one = follow(given, rate)
        given.say(
            f"  {rate or 'saturating':>10} writes/s: {one['followed']['rate']:.0f}/s, lag {one['lag_ms']},"
            f" write alone {one['alone']['latency_ms']}, followed {one['followed']['latency_ms']},"
            f" drained in {one['drained_seconds']} s, idle {one['idle_cpu'] * 100:.1f} % of a core"
        )
        found.append(one)
    for rows, padding in ((5_000, 0), (50_000, 0), (5_000, 100)):
        switched = switch(given, rows=rows, padding=padding, rounds=given.rounds)
        given.say(
            f"  {rows:,} rows, {padding} more tables: {switched['pause_ms']}, operations {switched['operation_ms']}"
        )
        for step, took in switched["steps_ms"].items():
            given.say(f"      {step:24} {took}")
        found.append(switched)
    found.append(status(given))
    given.say(f"  status: {found[-1]}")
    return results.envelope("live", data=None, to=given.to, rounds=given.rounds, results=found)
