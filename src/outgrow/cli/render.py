"""Pages for people: findings, tables, quarantine, differences, verdicts."""

from __future__ import annotations

import pathlib
import shlex
from collections.abc import Sequence

from rich import box, console, rule, table, text

from outgrow.migration import checking, copying, verifying
from outgrow.model import plan

__all__ = [
    "amount",
    "checked",
    "copied",
    "findings",
    "planned_tables",
    "seconds",
    "size",
    "typed",
    "verdict",
    "verified",
]

_STYLES = {plan.Severity.ERROR: "bold red", plan.Severity.WARNING: "yellow", plan.Severity.INFO: "cyan"}
_MOST = 25


def size(number: float) -> str:
    """Bytes for people."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if number < 1024 or unit == "GB":
            return f"{number:,.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:,.1f} {unit}"
        number /= 1024
    return ""


def typed(file: pathlib.Path) -> str:
    """A file's name as it can be pasted into a shell."""
    name = str(file)
    return shlex.quote(f"./{name}" if name.startswith("-") else name)


def seconds(number: float) -> str:
    """A duration for people."""
    if number < 1:
        return f"{number * 1000:,.0f} ms"
    return f"{number:,.1f} s" if number < 120 else f"{number // 60:,.0f} min {number % 60:02.0f} s"


def amount(number: int, thing: str, several: str = "") -> str:
    """A number of things, in the right grammatical number."""
    return f"{number:,} {thing if number == 1 else several or thing + 's'}"


def _grid(*titles: str, right: Sequence[int] = ()) -> table.Table:
    made = table.Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for position, title in enumerate(titles):
        made.add_column(title, justify="right" if position in right else "left", overflow="fold")
    return made


def _title(page: console.Console, words: str) -> None:
    page.print()
    page.print(rule.Rule(text.Text(words, style="bold"), align="left", style="dim"))


def findings(page: console.Console, found: Sequence[plan.Finding]) -> None:
    """Findings, worst first, those of one kind together, each with a remedy."""
    if not found:
        page.print("Nothing stands in the way.", style="green")
        return
    grouped: dict[tuple[plan.Severity, str], list[plan.Finding]] = {}
    for finding in found:
        grouped.setdefault((finding.severity, finding.code), []).append(finding)
    grid = table.Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for (severity, code), several in grouped.items():
        if grid.rows:
            grid.add_row()
        together = len(several) > 1 and code in _TOGETHER
        for shown in [several] if together else [[one] for one in several]:
            grid.add_row(text.Text(severity, style=_STYLES[severity]), _finding(shown))
    page.print(grid)


def _finding(several: Sequence[plan.Finding]) -> text.Text:
    """One finding, or several of one code: what, where, and the remedy."""
    first = several[0]
    if len(several) == 1:
        body = text.Text.assemble((_place(first), "bold"), "  " if _place(first) else "", first.message)
        if first.examples:
            body.append(f"\nfor instance in row {' and '.join(first.examples[:2])}", style="dim")
    else:
        heading, by_place = _TOGETHER[first.code]
        count = sum(one.count for one in several)
        body = text.Text(heading.format(number=len(several), count=count), style="bold")
        lines = [(_place(one), f" {one.count:,}" if by_place else f"  {one.message}") for one in several[:_MOST]]
        for position, (place, rest) in enumerate(lines):
            body.append((", " if position else "\n") if by_place else "\n").append(place, style="cyan").append(rest)
        if len(several) > _MOST:
            body.append(f"\nand {len(several) - _MOST} more (--json lists all)", style="dim")
    return body.append("\nnext  ", style="green").append(first.remedy, style="dim")


def _place(finding: plan.Finding) -> str:
    return ".".join(part for part in (finding.table, finding.column) if part)


# How findings of one code are told together, and whether places with counts say enough.
_TOGETHER = {
    "misfit": ("{number} columns have values that PostgreSQL cannot hold as they are", False),
    "widened_to_text": ("{number} columns become text, so that every value arrives", False),
    "orphans": (
        "{number} foreign keys are broken by {count:,} rows: created NOT VALID, they check new rows only",
        True,
    ),
    "default_left_out": ("{number} defaults cannot be carried over", False),
    "generated_column_left_out": ("{number} generated columns become ordinary ones", False),
    "check_left_out": ("{number} CHECK constraints cannot be carried over", False),
    "index_left_out": ("{number} indexes cannot be carried over", False),
    "rowid_column": ("{number} tables without a primary key get a column for the rowid", False),
    "renamed": ("{number} names have to change", False),
    "foreign_key_left_out": ("{number} foreign keys cannot be carried over", False),
}


def planned_tables(page: console.Console, planned: plan.Plan, *, columns: bool) -> None:
    """The plan's tables; with `columns`, every type with its reason."""
    if not columns:
        _title(page, "Plan")
        grid = _grid("table", "rows", "columns", "key", "indexes", "foreign keys", right=(1, 2, 4, 5))
        for one in planned.tables[:_MOST]:
            key = ", ".join(one.primary_key) or f"{one.rowid} (the rowid)"
            numbers = (str(len(one.columns)), key, str(len(one.indexes)), str(len(one.foreign_keys)))
            grid.add_row(text.Text(one.target), f"{one.rows:,}", *map(text.Text, numbers))
        page.print(grid)
        if len(planned.tables) > _MOST:
            page.print(f"… and {len(planned.tables) - _MOST} more tables", style="dim")
        return
    for one in planned.tables:
        _title(page, f"{one.target}  {one.rows:,} rows")
        grid = _grid("column", "type", "why", "evidence")
        for column in one.columns:
            grid.add_row(
                text.Text(column.target),
                text.Text(column.sql_type),
                text.Text(column.reason),
                text.Text(column.evidence),
            )
        page.print(grid)


def checked(page: console.Console, report: checking.CheckReport, name: str, *, columns: bool) -> None:
    """A check's page."""
    database = report.database
    _title(page, name)
    page.print(
        f"{size(database.size)}, {amount(len(database.tables), 'table')}, {amount(report.rows, 'row')}, "
        f"{database.encoding}, journal mode {database.journal_mode}; integrity check passed"
    )
    if columns:
        for one in report.tables:
            planned = report.plan.table(one.table) if report.plan else None
            types = {column.source: column.sql_type for column in planned.columns} if planned else {}
            _title(page, f"{one.table}  {amount(one.rows, 'row')}")
            grid = _grid(
                *("column", "becomes", "NULL", "integer", "real", "text", "blob", "from", "to", "longest"),
                right=range(2, 10),
            )
            for profile in one.columns:
                counts = [
                    f"{profile.counts[kind]:,}" if kind in profile.counts else ""
                    for kind in ("integer", "real", "text", "blob")
                ]
                ends = [
                    "" if end is None else f"{end:,}" if isinstance(end, int) else f"{end:g}"
                    for end in (profile.minimum, profile.maximum)
                ]
                becomes = types.get(profile.column, "")
                measured = (f"{profile.nulls:,}", *counts, *ends, size(profile.longest))
                grid.add_row(text.Text(profile.column), text.Text(becomes), *measured)
            page.print(grid)
            for profile in one.columns:
                if profile.shapes:
                    shown = ", ".join(f"{shape} ({count:,})" for shape, count in profile.shapes.items())
                    page.print(text.Text.assemble((profile.column, "bold"), "  ", (shown, "dim")))
    _title(page, "Findings")
    findings(page, report.findings)


def copied(page: console.Console, report: copying.CopyReport, *, where: str) -> None:
    """A copy's page; `where` names the target."""
    _title(page, "Copied" if not report.repeated else "Copied before; nothing was left to do")
    grid = _grid("step", "time", "rows/s", right=(1, 2))
    for name, spent in report.phases.items():
        rate = f"{(report.rows - report.resumed) / spent:,.0f}" if name == "copy" and spent and report.rows else ""
        rate = f"{report.verification.rows / spent:,.0f}" if name == "verify" and spent else rate
        grid.add_row(name, seconds(spent), rate)
    page.print(grid)
    page.print(f"{amount(report.rows, 'row')}, {size(report.size)} in {where}")
    if report.resumed and not report.repeated:
        page.print(f"{amount(report.resumed, 'row')} of them had been copied by an earlier run", style="dim")
    for name, note in report.notes.items():
        page.print(text.Text.assemble(("warning ", "yellow"), (name, "bold"), "  ", note))
    _quarantine(page, report)


def _quarantine(page: console.Console, report: copying.CopyReport) -> None:
    if not report.quarantined:
        return
    _title(page, f"In quarantine: {amount(report.quarantined, 'row')}")
    grid = _grid("table", "key", "column", "reason")
    for one in report.quarantine[:_MOST]:
        grid.add_row(text.Text(one.table), text.Text(one.key[:60]), text.Text(one.column), text.Text(one.reason))
    page.print(grid)
    if report.quarantined > _MOST:
        page.print(f"… and {report.quarantined - _MOST:,} more", style="dim")
    words = (
        "outgrow.quarantine at the target has their exact values. Repair them in the file, or choose another type for the "
        "column in the plan (outgrow plan), and copy again with --restart"
    )
    page.print(text.Text.assemble(("next  ", "green"), (words, "dim")))


def verified(page: console.Console, report: verifying.VerifyReport) -> None:
    """A verification's page: the differences, if there are any."""
    if not report.differences:
        return
    _title(page, f"Differences: {amount(len(report.differences), 'value or row', 'values or rows')}")
    grid = _grid("table", "key", "what", "column", "in the file", "in PostgreSQL")
    for one in report.differences[:_MOST]:
        values = [_short(one.source), _short(one.target)] if one.column else ["", ""]
        grid.add_row(text.Text(one.table), text.Text(one.key[:60]), str(one.kind), text.Text(one.column), *values)
    page.print(grid)
    if len(report.differences) > _MOST:
        page.print(f"… and {len(report.differences) - _MOST:,} more (--json lists all)", style="dim")


def _short(value: str | None) -> text.Text:
    if value is None:
        return text.Text("NULL", style="dim")
    return text.Text(value if len(value) <= 80 else f"{value[:77]}…")


def verdict(page: console.Console, report: verifying.VerifyReport, quarantined: int) -> None:
    """The last line: whether everything arrived."""
    page.print()
    proven = f"{amount(report.rows - report.quarantined, 'row')} in {amount(report.tables, 'table')}"
    if report.differences:
        words, style = f"✗ The two sides differ: {amount(len(report.differences), 'difference')}", "bold red"
    elif quarantined:
        words = f"! {proven} are the same on both sides, value by value; {amount(quarantined, 'row')} in quarantine"
        style = "bold yellow"
    else:
        words, style = f"✓ {proven}: every value is the same on both sides", "bold green"
    page.print(text.Text(words, style=style))
