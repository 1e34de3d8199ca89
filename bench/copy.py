"""Copying one wide table: outgrow, its competitors and the limit, side by side in interleaved rounds."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import json
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from bench import competitors, dataset, measure, outgrow_cli, results, server, target, task

__all__ = ["NAMES", "Contender", "Sample", "measure_all"]

ROOT = pathlib.Path(__file__).resolve().parents[1]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """One load: seconds of the load alone, of the whole process, and what it cost."""

    seconds: float
    process_seconds: float
    cpu: float
    peak: int
    phases: dict[str, float] = dataclasses.field(default_factory=dict)
    types: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contender:
    """Something to measure; `unavailable` says why it cannot be, `makes_table` that it makes its own."""

    name: str
    title: str
    notes: str
    load: Callable[[dataset.Dataset, server.Server], Sample]
    limit: bool = False
    makes_table: bool = False
    unavailable: str | None = None


class LoadFailed(Exception):
    """The contender itself ended with an error."""


def load_competitor(name: str, data: dataset.Dataset, to: server.Server) -> Sample:
    if data.text is None:
        raise ValueError("the dataset was prepared without its COPY text")
    competitor = next(one for one in competitors.ALL if one.name == name)
    job = competitors.Job(source=data.file, text=data.text, dsn=to.dsn, uri=to.uri())
    if competitor.program:
        run = measure.run(importlib.import_module(f"bench.competitors.{name}").command(job))
    else:
        given = {"--source": job.source, "--text": job.text, "--dsn": job.dsn, "--uri": job.uri}
        flags = [str(part) for pair in given.items() for part in pair]
        run = measure.run([sys.executable, "-m", "bench.competitors", name, *flags], cwd=ROOT)
    if run.status != 0:
        raise LoadFailed(f"exit {run.status}: {run.last_words}")
    seconds = run.seconds if competitor.program else json.loads(run.out.splitlines()[-1])["seconds"]
    return Sample(seconds=seconds, process_seconds=run.seconds, cpu=run.cpu, peak=run.peak)


def load_outgrow(jobs: int, data: dataset.Dataset, to: server.Server) -> Sample:
    report = outgrow_cli.copy(data.file, to.dsn, jobs=jobs)
    return Sample(
        seconds=report.phases["copy"],
        process_seconds=report.run.seconds,
        cpu=report.run.cpu,
        peak=report.run.peak,
        phases=report.phases,
        types=target.types(to),
    )


def contenders() -> list[Contender]:
    """outgrow first, then everybody else."""
    found = [
        Contender(
            name=f"outgrow{jobs}",
            title=f"outgrow, {jobs} stream{'s' if jobs > 1 else ''}",
            notes="seconds are the copy phase; CPU and memory are of the whole command, verification included",
            load=functools.partial(load_outgrow, jobs),
            makes_table=True,
            unavailable=outgrow_cli.unavailable(),
        )
        for jobs in (1, 2)
    ]
    found += [
        Contender(
            name=one.name,
            title=one.title,
            notes=one.notes,
            load=functools.partial(load_competitor, one.name),
            limit=one.limit,
            unavailable=competitors.missing(one),
        )
        for one in competitors.ALL
    ]
    return found


NAMES = ("outgrow1", "outgrow2", *(one.name for one in competitors.ALL))


def one_round(
    who: Contender, data: dataset.Dataset, to: server.Server, entry: dict[str, Any], say: Callable[[str], None]
) -> None:
    """One load by one contender, checked; the outcome is added to its entry."""
    to.recreate()
    if not who.makes_table:
        target.create(to)
        to.checkpoint()
    before = to.cpu_seconds()
    try:
        sample = who.load(data, to)
        to.settle()
        after = to.cpu_seconds()
        target.check(to, data)
    except (LoadFailed, outgrow_cli.Failed, target.NotComplete) as error:
        entry["failures"].append(str(error))
        say(f"  {who.name:16} FAILED: {error}")
        return
    entry["seconds"].append(round(sample.seconds, 3))
    entry["process_seconds"].append(round(sample.process_seconds, 3))
    entry["cpu"].append(round(sample.cpu, 3))
    entry["peak_bytes"].append(sample.peak)
    if before is not None and after is not None:
        entry["server_cpu"].append(round(after - before, 3))
    if sample.phases:
        entry["phases"].append(sample.phases)
    if sample.types:
        entry["types"] = sample.types
    say(
        f"  {who.name:16} {sample.seconds:7.2f} s  process {sample.process_seconds:7.2f} s"
        f"  CPU {sample.cpu:6.2f} s  peak {sample.peak / 1e6:6.0f} MB"
    )


def measure_all(given: task.Task) -> dict[str, Any]:
    """Run every contender `rounds` times, A B C A B C, and return the results with medians and ratios."""
    data = dataset.prepare(given.directory, rows=given.rows, text=True)
    target.expected(given.to, data)
    entries: dict[str, dict[str, Any]] = {}
    taking_part = []
    for who in contenders():
        if given.only and who.name not in given.only:
            continue
        entries[who.name] = {
            "name": who.name,
            "title": who.title,
            "notes": who.notes,
            "limit": who.limit,
            "skipped": who.unavailable,
            "failures": [],
            **{key: [] for key in ("seconds", "process_seconds", "cpu", "server_cpu", "peak_bytes", "phases")},
        }
        if who.unavailable:
            given.say(f"  {who.name:16} skipped: {who.unavailable}")
        else:
            taking_part.append(who)
    for _ in given.each_round():
        for who in taking_part:
            one_round(who, data, given.to, entries[who.name], given.say)
    add_ratios(list(entries.values()))
    return results.envelope("copy", data=data, to=given.to, rounds=given.rounds, results=list(entries.values()))


def add_ratios(entries: Sequence[dict[str, Any]]) -> None:
    """A failed round takes the whole contender out: half of its luck is no measurement."""
    for entry in entries:
        entry["median"] = None if entry["failures"] else results.median(entry["seconds"])
    limits = [entry["median"] for entry in entries if entry["limit"] and entry["median"]]
    for entry in entries:
        entry["ratio"] = round(entry["median"] / min(limits), 3) if limits and entry["median"] else None
