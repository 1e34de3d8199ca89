"""What the proof costs: `outgrow verify` against the copy of the same file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench import dataset, measure, outgrow_cli, results, server, target, task

__all__ = ["measure_all"]


def add(entry: dict[str, Any], run: measure.Run, seconds: float, say: Callable[[str], None]) -> None:
    entry["seconds"].append(round(seconds, 3))
    entry["process_seconds"].append(round(run.seconds, 3))
    entry["cpu"].append(round(run.cpu, 3))
    entry["peak_bytes"].append(run.peak)
    say(
        f"  {entry['name']:16} {seconds:7.2f} s  process {run.seconds:7.2f} s  CPU {run.cpu:6.2f} s"
        f"  peak {run.peak / 1e6:6.0f} MB"
    )


def new_entry(name: str, title: str, skipped: str | None) -> dict[str, Any]:
    lists: dict[str, list[float]] = {key: [] for key in ("seconds", "process_seconds", "cpu", "peak_bytes")}
    return {"name": name, "title": title, "skipped": skipped, "failures": [], **lists}


def one_round(
    data: dataset.Dataset, to: server.Server, copying: dict[str, Any], verifying: dict[str, Any], say: Any
) -> None:
    """Copy, prove by our own digests that the copy is right, then let outgrow verify it."""
    to.recreate()
    try:
        report = outgrow_cli.copy(data.file, to.dsn)
        add(copying, report.run, report.phases["copy"], say)
        target.check(to, data)
        to.checkpoint()
        proof = outgrow_cli.verify(data.file, to.dsn)
        add(verifying, proof.run, proof.phases.get("verify", proof.run.seconds), say)
    except (outgrow_cli.Failed, target.NotComplete) as error:
        verifying["failures"].append(str(error))
        say(f"  FAILED: {error}")


def measure_all(given: task.Task) -> dict[str, Any]:
    """Rounds of a copy followed by a verification; `ratio` is verification over copy phase."""
    data = dataset.prepare(given.directory, rows=given.rows, text=True)
    unavailable = outgrow_cli.unavailable() or outgrow_cli.unavailable("verify")
    copying, verifying = (
        new_entry(name, title, unavailable)
        for name, title in (("copy", "outgrow copy, the copy phase"), ("verify", "outgrow verify"))
    )
    if unavailable:
        given.say(f"  skipped: {unavailable}")
    else:
        target.expected(given.to, data)
        for _ in given.each_round():
            one_round(data, given.to, copying, verifying, given.say)
    for entry in (copying, verifying):
        entry["median"] = None if verifying["failures"] else results.median(entry["seconds"])
    found = results.envelope("verify", data=data, to=given.to, rounds=given.rounds, results=[copying, verifying])
    both = copying["median"] and verifying["median"]
    return {**found, "ratio": round(verifying["median"] / copying["median"], 3) if both else None}
