"""What the proof costs: `outgrow verify` against the copy of the same file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench import dataset, measure, outgrow_cli, results, server, target, task

__all__ = ["measure_all"]


def add(
    entry: dict[str, Any], run: measure.Run, seconds: float, server_cpu: float | None, say: Callable[[str], None]
) -> None:
    entry["seconds"].append(round(seconds, 3))
    entry["process_seconds"].append(round(run.seconds, 3))
    entry["cpu"].append(round(run.cpu, 3))
    entry["peak_bytes"].append(run.peak)
    if server_cpu is not None:
        entry["server_cpu"].append(round(server_cpu, 3))
    server = "" if server_cpu is None else f", of the server {server_cpu:6.2f} s"
    say(
        f"  {entry['name']:16} {seconds:7.2f} s  process {run.seconds:7.2f} s  CPU {run.cpu:6.2f} s{server}"
        f"  peak {run.peak / 1e6:6.0f} MB"
    )


def spent(to: server.Server, before: float | None) -> float | None:
    """CPU of the server since `before`, the last client's sessions included."""
    to.settle()
    after = to.cpu_seconds()
    return None if before is None or after is None else after - before


def new_entry(name: str, title: str, skipped: str | None) -> dict[str, Any]:
    lists: dict[str, list[float]] = {
        key: [] for key in ("seconds", "process_seconds", "cpu", "server_cpu", "peak_bytes")
    }
    return {"name": name, "title": title, "skipped": skipped, "failures": [], **lists}


def one_round(
    data: dataset.Dataset, to: server.Server, copying: dict[str, Any], verifying: dict[str, Any], say: Any
) -> None:
    """Copy, prove by our own digests that the copy is right, then let outgrow verify it."""
    to.recreate()
    try:
        before = to.cpu_seconds()
        report = outgrow_cli.copy(data.file, to.dsn)
        add(copying, report.run, report.phases["copy"], spent(to, before), say)
        target.check(to, data)
        to.checkpoint()
        before = to.cpu_seconds()
        proof = outgrow_cli.verify(data.file, to.dsn)
        add(verifying, proof.run, proof.phases.get("verify", proof.run.seconds), spent(to, before), say)
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
