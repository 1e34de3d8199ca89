"""Markdown tables from the JSON results; a number in the README is never typed by hand.

    python -m bench.table results/*.json                    print them
    python -m bench.table results/*.json --into README.md docs/performance.md   put them between their markers
    python -m bench.table results/*.json --into README.md docs/performance.md --check

A marker pair is `<!-- bench:copy -->` … `<!-- /bench:copy -->`, with the benchmark's name.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from bench import results

__all__ = ["insert", "render"]

WORDS = (
    "way",
    "whole job",
    "step",
    "write",
    "remark",
    "switch",
    "status",
    "statement",
    "result",
    "translation",
    "process",
)


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table; columns of figures are aligned right."""
    lines = [
        "| " + " | ".join(head) + " |",
        "|" + "|".join("---" if name in WORDS else "---:" for name in head) + "|",
    ]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def megabytes(value: float | None) -> str:
    return "" if value is None else f"{value / 1e6:.0f}"


def microseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def spread(values: Sequence[float]) -> str:
    return f"{seconds(min(values))}–{seconds(max(values))}" if len(values) > 1 else ""


def outcome(entry: dict[str, Any]) -> str | None:
    """Why an entry has no figures, or None when it has."""
    if entry["skipped"]:
        return "not measured"
    if entry["failures"]:
        return f"failed: {entry['failures'][0]}"
    return None


def by_time(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fastest first; what has no figure last."""
    return sorted(entries, key=lambda entry: (entry["median"] is None, entry["median"] or 0))


def copy_table(found: dict[str, Any]) -> str:
    rows = []
    for entry in by_time(found["results"]):
        if entry["skipped"]:
            continue
        title = f"**{entry['title']}**" if entry["name"].startswith("outgrow") else entry["title"]
        failed = outcome(entry)
        rows.append(
            [
                title,
                failed or seconds(entry["median"]),
                spread(entry["seconds"]),
                f"{entry['ratio']:.2f}×" if entry["ratio"] else "",
                seconds(results.median(entry["cpu"])),
                seconds(results.median(entry["server_cpu"])),
                megabytes(results.median(entry["peak_bytes"])),
            ]
        )
    head = ["way", "seconds", "from–to", "against the limit", "client CPU s", "server CPU s", "peak MB"]
    remarks: dict[str, list[str]] = {}
    for entry in found["results"]:
        if entry["notes"] and not entry["skipped"]:
            remarks.setdefault(entry["notes"], []).append(entry["title"])
    return "\n".join([grid(head, rows), "", *(f"- {'; '.join(who)}: {note}." for note, who in remarks.items())])


def phases(entry: dict[str, Any]) -> str:
    """The seconds of outgrow's phases in its fastest round."""
    if not entry["phases"]:
        return ""
    fastest = min(entry["phases"], key=lambda measured: sum(measured.values()))
    return f"{entry['title']}: " + ", ".join(f"{name} {seconds(spent)} s" for name, spent in fastest.items())


def whole_table(found: dict[str, Any]) -> str:
    rows = [
        [
            f"**{entry['title']}**" if entry["name"].startswith("outgrow") else entry["title"],
            outcome(entry) or seconds(entry["median"]),
            spread(entry["seconds"]),
            seconds(results.median(entry["cpu"])),
            megabytes(results.median(entry["peak_bytes"])),
            entry["notes"],
        ]
        for entry in by_time(found["results"])
        if not entry["skipped"]
    ]
    table = grid(["whole job", "seconds", "from–to", "client CPU s", "peak MB", "remark"], rows)
    return "\n\n".join([table, *map(phases, found["results"])]).rstrip()


def memory_table(found: dict[str, Any]) -> str:
    rows = [
        [
            f"{entry['rows']:,}",
            outcome(entry) or megabytes(entry["median_peak_bytes"]),
            seconds(entry["median"]),
            seconds(results.median(entry["process_seconds"])),
        ]
        for entry in found["results"]
    ]
    table = grid(["rows", "peak MB", "copy seconds", "whole command seconds"], rows)
    if found["growth"] is None:
        return table
    return (
        f"{table}\n\nTen times the rows: {found['growth']:.2f}× the peak memory,"
        f" {found['time_per_row']:.2f}× the copy's time per row."
    )


def verify_table(found: dict[str, Any]) -> str:
    rows = [
        [entry["title"], outcome(entry) or seconds(entry["median"]), spread(entry["seconds"])]
        for entry in found["results"]
    ]
    table = grid(["step", "seconds", "from–to"], rows)
    return table if found["ratio"] is None else f"{table}\n\nVerifying takes {found['ratio']:.2f}× the copy."


def capture_table(found: dict[str, Any]) -> str:
    rows = [
        [
            entry["title"],
            outcome(entry) or microseconds(entry["without"]),
            microseconds(entry["with"]),
            f"{entry['ratio']:.2f}×" if entry["ratio"] else "",
            microseconds(entry["without_p99"]),
            microseconds(entry["with_p99"]),
        ]
        for entry in found["results"]
    ]
    return grid(["write", "median µs a row without capture", "with it", "ratio", "p99 without", "p99 with"], rows)


def reverse_table(found: dict[str, Any]) -> str:
    rows = [
        [
            entry["title"],
            outcome(entry) or microseconds(results.median(entry["without"])),
            microseconds(results.median(entry["with"])),
            f"{entry['ratio']:.2f}×" if entry["ratio"] else "",
        ]
        for entry in found["results"]
    ]
    return grid(["write", "µs a row without capture", "with it", "ratio"], rows)


def three(found: dict[str, float] | None) -> list[str]:
    return [f"{found[name]:.1f}" if found else "" for name in ("p50", "p99", "max")]


def live_table(found: dict[str, Any]) -> str:
    """Three tables: following at several rates, switching files of several sizes, and asking for the status."""
    following, switching, steps, asking = [], [], [], []
    for one in found["results"]:
        if one["kind"] == "follow":
            alone, followed = one["alone"], one["followed"]
            following.append(
                [
                    f"{followed['rate']:,.0f}" + ("" if one["rate"] else " (as many as they can)"),
                    *three(one["lag_ms"])[:2],
                    f"{one['drained_seconds'] * 1000:.0f}",
                    f"{alone['latency_ms']['p99']:.1f}",
                    f"{followed['latency_ms']['p99']:.1f}",
                    f"{alone['late']:.2%}",
                    f"{followed['late']:.2%}",
                    f"{one['idle_cpu']:.1%}",
                ]
            )
        elif one["kind"] == "switch":
            name = f"{one['rows']:,} accounts" + (f", {one['padding']} more tables" if one["padding"] else "")
            for goal, pause in one["pause_ms"].items():
                way = f"to {goal}, {name}"
                switching.append([way, str(one["rounds"]), *three(pause), *three(one["operation_ms"])[1:]])
                each = [(step, took) for step, took in one["steps_ms"].items() if step.startswith(goal)]
                steps.append(
                    f"- {way}: " + ", ".join(f"{s.partition(': ')[2]} {t['p50']:.1f}" for s, t in each) + " ms"
                )
        else:
            asking = [
                ["the engine's answer", *three(one["answer_ms"])],
                ["the whole command", *three(one["command_ms"])],
            ]
    follow_head = [
        "writes/s",
        "lag p50 ms",
        "p99",
        "drained after ms",
        "write p99 ms alone",
        "followed",
        "over 1 ms alone",
        "followed",
        "idle, of a core",
    ]
    parts = [
        grid(follow_head, following),
        grid(["switch", "times", "pause p50 ms", "p99", "max", "operation p99 ms", "max"], switching),
        "\n".join(steps),
        grid(["status", "p50 ms", "p99", "max"], asking),
    ]
    return "\n\n".join(parts)


def route_table(found: dict[str, Any]) -> str:
    """Four tables: before the switch, after it, memory of large results, translation and arrival."""
    here, there, memory, translation, arrival = [], [], [], [], []
    for one in found["results"]:
        if one["failures"]:
            here.append([one["title"], f"failed: {one['failures'][0]}", "", ""])
        elif one["kind"] == "ratio" and one["against"] == "standard":
            took = one["microseconds"]
            here.append(
                [one["title"], *(microseconds(took[side]) for side in ("standard", "drop-in")), f"{one['ratio']:.2f}×"]
            )
        elif one["kind"] == "ratio":
            took = one["microseconds"]
            sides = [took[side] for side in ("psycopg", "psycopg, same work", "drop-in")]
            alone = f"{took['drop-in'] / took['psycopg']:.2f}×"
            there.append([one["title"], *map(microseconds, sides), f"{one['ratio']:.2f}×", alone])
        elif one["kind"] == "streaming":
            memory.append([one["title"], megabytes(one["peak_bytes"]), seconds(one["seconds"])])
        elif one["kind"] == "translation":
            translation.append([one["title"], microseconds(one["cold"]), f"{one['warm']:.2f}"])
        else:
            arrival.append([one["title"], f"{one['first_ms']:.1f}", f"{one['second_ms']:.2f}"])
    head = ["statement", "psycopg µs", "psycopg, the same work", "drop-in", "ratio", "ratio to psycopg alone"]
    return "\n\n".join(
        [
            grid(["statement", "standard module µs", "drop-in", "ratio"], here),
            grid(head, there),
            grid(["result", "peak MB", "seconds"], memory),
            grid(["translation", "µs, cold", "warm"], translation),
            grid(["process", "ms", "the next statement ms"], arrival),
        ]
    )


TABLES = {
    "copy": copy_table,
    "whole": whole_table,
    "memory": memory_table,
    "verify": verify_table,
    "capture": capture_table,
    "reverse": reverse_table,
    "live": live_table,
    "route": route_table,
}


def caption(found: dict[str, Any]) -> str:
    """What was measured on what, and how to get it again."""
    machine, made = found["machine"], found["server"]
    size = f"{found['rows']:,} rows, a file of {found['file_bytes'] / 1e6:.0f} MB; " if found["rows"] else ""
    again = f" --rows {found['rows']}" if found["rows"] else ""
    rounds = f"median of {found['rounds']} rounds" if found["rounds"] > 1 else "one round"
    used = ", ".join(f"{name} {version}" for name, version in found["versions"].items() if name != "outgrow")
    return (
        f"{size}{rounds}, {found['date']}. {machine['cores']} cores ({machine['processor']}),"
        f" {machine['memory_bytes'] / 2**30:.0f} GiB, PostgreSQL {made['version']} ({made['how']}); {used}."
        f" Again: `python -m bench {found['benchmark']}{again} --rounds {found['rounds']}`."
    )


def render(found: dict[str, Any]) -> str:
    below = textwrap.fill(f"<sub>{caption(found)}</sub>", 150, break_long_words=False, break_on_hyphens=False)
    return f"{TABLES[found['benchmark']](found)}\n\n{below}\n"


def insert(document: str, name: str, rendered: str) -> str:
    """The document with what stands between the benchmark's markers replaced, if it has them."""
    start, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    before, opened, rest = document.partition(start)
    _, closed, after = rest.partition(end)
    if not (opened and closed):
        return document
    return f"{before}{start}\n{rendered}{end}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.table", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=pathlib.Path, nargs="+")
    parser.add_argument("--into", type=pathlib.Path, nargs="+", help="documents with markers")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the document differs")
    options = parser.parse_args()
    every = [json.loads(file.read_text()) for file in options.results]
    if options.into is None:
        print("\n".join(f"### {found['benchmark']}\n\n{render(found)}" for found in every))
        return
    for page in options.into:
        document = page.read_text()
        made = document
        for found in every:
            made = insert(made, found["benchmark"], render(found))
        if not options.check:
            page.write_text(made)
        elif made != document:
            sys.exit(f"{page} does not show these results; run without --check")


if __name__ == "__main__":
    main()
