"""The whole job: schema, copy, indexes, keys and verification of a file as an application would have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench import competitors, dataset, measure, outgrow_cli, results, server, target, task
from bench.competitors import pgloader_load

__all__ = ["NAMES", "measure_all"]

NAMES = ("outgrow1", "outgrow2", "pgloader")

TITLES = {
    "outgrow1": "outgrow copy, 1 stream",
    "outgrow2": "outgrow copy, 2 streams",
    "pgloader": "pgloader",
}

NOTES = {
    "outgrow1": "includes the proof that every value arrived",
    "outgrow2": "includes the proof that every value arrived",
    "pgloader": "verifies nothing; REAL cast to double precision, its default being float4",
}


class Incomplete(Exception):
    """An index, a key or a row that the file has is missing from the target."""


# What the file has beyond its rows: three keys (two primary, one foreign), two indexes.
CATALOG = """
SELECT (SELECT count(*) FROM companies),
       (SELECT count(*) FROM pg_constraint
        WHERE contype = 'p' AND conrelid IN ('events'::regclass, 'companies'::regclass)),
       (SELECT count(*) FROM pg_constraint
        WHERE contype = 'f' AND conrelid = 'events'::regclass AND convalidated),
       (SELECT count(*) FROM pg_index
        WHERE indrelid = 'events'::regclass AND NOT indisprimary AND indisvalid)
"""


def check_catalog(to: server.Server) -> None:
    want = (dataset.COMPANIES, 2, 1, 2)
    with to.connect() as db:
        have = db.execute(CATALOG).fetchone()
    if have != want:
        raise Incomplete(f"companies, primary keys, foreign keys, indexes: {have} instead of {want}")


def run_pgloader(data: dataset.Dataset, to: server.Server) -> tuple[measure.Run, dict[str, float]]:
    job = competitors.Job(source=data.file, text=data.file, dsn=to.dsn, uri=to.uri())
    run = measure.run(pgloader_load.command(job, pgloader_load.WHOLE))
    if run.status != 0:
        raise Incomplete(f"exit {run.status}: {run.last_words}")
    return run, {}


def run_outgrow(data: dataset.Dataset, to: server.Server, jobs: int) -> tuple[measure.Run, dict[str, float]]:
    report = outgrow_cli.copy(data.file, to.dsn, jobs=jobs)
    return report.run, report.phases


def measure_all(given: task.Task) -> dict[str, Any]:
    """Interleaved rounds of the whole job; every value is checked as in the copy benchmark."""
    data = dataset.prepare(given.directory, rows=given.rows, whole=True, text=True)
    target.expected(given.to, data)
    pgloader = next(one for one in competitors.ALL if one.program == "pgloader")
    unavailable = {
        "outgrow1": outgrow_cli.unavailable(),
        "outgrow2": outgrow_cli.unavailable(),
        "pgloader": competitors.missing(pgloader),
    }
    entries: dict[str, dict[str, Any]] = {
        name: {
            "name": name,
            "title": TITLES[name],
            "notes": NOTES[name],
            "skipped": unavailable[name],
            "failures": [],
            **{key: [] for key in ("seconds", "cpu", "server_cpu", "peak_bytes", "phases")},
        }
        for name in NAMES
        if not given.only or name in given.only
    }
    for name, entry in entries.items():
        if entry["skipped"]:
            given.say(f"  {name:16} skipped: {entry['skipped']}")
    for _ in given.each_round():
        for name, entry in entries.items():
            if not entry["skipped"]:
                one_round(name, data, given.to, entry, given.say)
    for entry in entries.values():
        entry["median"] = None if entry["failures"] else results.median(entry["seconds"])
    return results.envelope("whole", data=data, to=given.to, rounds=given.rounds, results=list(entries.values()))


def one_round(
    name: str, data: dataset.Dataset, to: server.Server, entry: dict[str, Any], say: Callable[[str], None]
) -> None:
    """The whole job once; pgloader's own verdict is not trusted, nor is ours."""
    to.recreate()
    before = to.cpu_seconds()
    try:
        if name == "pgloader":
            run, phases = run_pgloader(data, to)
        else:
            run, phases = run_outgrow(data, to, int(name[-1]))
        to.settle()
        after = to.cpu_seconds()
        check_catalog(to)
        target.check(to, data)
    except (Incomplete, outgrow_cli.Failed, target.NotComplete) as error:
        entry["failures"].append(str(error))
        say(f"  {name:16} FAILED: {error}")
        return
    entry["seconds"].append(round(run.seconds, 3))
    entry["cpu"].append(round(run.cpu, 3))
    entry["peak_bytes"].append(run.peak)
    entry["types"] = target.types(to)
    if before is not None and after is not None:
        entry["server_cpu"].append(round(after - before, 3))
    if phases:
        entry["phases"].append(phases)
    say(f"  {name:16} {run.seconds:7.2f} s  CPU {run.cpu:6.2f} s  peak {run.peak / 1e6:6.0f} MB")
