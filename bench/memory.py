"""Does memory stay where it is, and time in proportion, when the table is ten times as long?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench import dataset, outgrow_cli, results, server, target, task

__all__ = ["FACTOR", "TOLERANCE", "measure_all"]

FACTOR = 10
TOLERANCE = 0.20


def one_round(data: dataset.Dataset, to: server.Server, entry: dict[str, Any], say: Callable[[str], None]) -> None:
    to.recreate()
    try:
        report = outgrow_cli.copy(data.file, to.dsn)
        target.check(to, data)
    except (outgrow_cli.Failed, target.NotComplete) as error:
        entry["failures"].append(str(error))
        say(f"  {data.rows:>12,} rows  FAILED: {error}")
        return
    entry["peak_bytes"].append(report.run.peak)
    entry["seconds"].append(round(report.phases["copy"], 3))
    entry["process_seconds"].append(round(report.run.seconds, 3))
    say(
        f"  {data.rows:>12,} rows  peak {report.run.peak / 1e6:6.0f} MB  copy {report.phases['copy']:7.2f} s"
        f"  whole command {report.run.seconds:7.2f} s"
    )


def measure_all(given: task.Task) -> dict[str, Any]:
    """`outgrow copy` of a tenth of the rows and of all of them, interleaved.

    `growth` is the larger file's peak over the smaller one's, `within` whether it is at most `TOLERANCE` above 1;
    `time_per_row` the same ratio for the copy's seconds per row (1.0 is linear).
    """
    sizes = (max(given.rows // FACTOR, 1), given.rows)
    unavailable = outgrow_cli.unavailable()
    files = [dataset.prepare(given.directory, rows=size, text=True) for size in sizes]
    entries: list[dict[str, Any]] = [
        {
            "name": f"outgrow-{size}",
            "title": f"outgrow copy, {size:,} rows",
            "rows": size,
            "skipped": unavailable,
            "failures": [],
            **{key: [] for key in ("seconds", "process_seconds", "peak_bytes")},
        }
        for size in sizes
    ]
    if unavailable:
        given.say(f"  skipped: {unavailable}")
    else:
        for data in files:
            target.expected(given.to, data)
        for _ in given.each_round():
            for data, entry in zip(files, entries, strict=True):
                one_round(data, given.to, entry, given.say)
    for entry in entries:
        good = not entry["failures"]
        entry["median"] = results.median(entry["seconds"]) if good else None
        entry["median_peak_bytes"] = results.median(entry["peak_bytes"]) if good else None
    found = results.envelope("memory", data=files[-1], to=given.to, rounds=given.rounds, results=entries)
    return {**found, **judge(*entries)}


def judge(small: dict[str, Any], large: dict[str, Any]) -> dict[str, Any]:
    """The two ratios, or None where a size was not measured."""
    if not (small["median"] and large["median"]):
        return {"growth": None, "within": None, "time_per_row": None}
    growth = large["median_peak_bytes"] / small["median_peak_bytes"]
    pace = (large["median"] / large["rows"]) / (small["median"] / small["rows"])
    return {
        "growth": round(growth, 3),
        "within": growth <= 1 + TOLERANCE,
        "time_per_row": round(pace, 3),
    }
