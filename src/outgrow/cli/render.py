"""Pages for people: checks, plans, copies, quarantine, differences, verdicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rich import cells, console, rule, text

from outgrow.cli import findings, grid, profiles, wording
from outgrow.cli.grid import Kind
from outgrow.model import plan

if TYPE_CHECKING:
    from outgrow.migration import checking, copying, verifying

__all__ = [
    "checked",
    "copied",
    "planned_tables",
    "quarantine",
    "verdict",
    "verified",
]

_MOST = 25
_LONGEST_KEY = 60
_LONGEST_VALUE = 80


def _title(page: console.Console, words: str) -> None:
    page.print()
    if cells.cell_len(words) + 2 > page.width:
        page.print(text.Text(grid.printable(words), style="bold"), soft_wrap=True)
    else:
        page.print(rule.Rule(text.Text(grid.printable(words), style="bold"), align="left", style="dim"))


def _say(page: console.Console, words: str | text.Text, *, style: str = "") -> None:
    """Print a line, which is wrapped for those who read along only."""
    page.print(words, style=style or None, soft_wrap=not grid.is_terminal(page))


def planned_tables(page: console.Console, planned: plan.Plan, *, columns: bool) -> None:
    """The plan's tables; with `columns`, every type with its reason."""
    if not columns:
        _title(page, "Plan")
        listed = grid.Grid(
            table=Kind.NAME,
            rows=Kind.NUMBER,
            columns=Kind.NUMBER,
            key=Kind.NAME,
            indexes=Kind.NUMBER,
            foreign_keys=Kind.NUMBER,
        )
        for one in planned.tables[:_MOST]:
            key = ", ".join(one.primary_key) or f"{one.rowid} (the rowid)"
            numbers = (str(len(one.columns)), key, str(len(one.indexes)), str(len(one.foreign_keys)))
            listed.add(one.target, f"{one.rows:,}", *numbers)
        listed.show(page)
        if len(planned.tables) > _MOST:
            page.print(f"… and {wording.amount(len(planned.tables) - _MOST, 'more table')}", style="dim")
        return
    for one in planned.tables:
        _title(page, f"{one.target}  {wording.amount(one.rows, 'row')}")
        listed = grid.Grid(column=Kind.NAME, type=Kind.NAME, why=Kind.PROSE, evidence=Kind.PROSE)
        for column in one.columns:
            listed.add(column.target, column.sql_type, column.reason, column.evidence)
        listed.show(page)


def checked(page: console.Console, report: checking.CheckReport, name: str, *, columns: bool) -> None:
    """A check's page; with `columns`, what every column holds."""
    database = report.database
    _title(page, name)
    amounts = f"{wording.amount(len(database.tables), 'table')}, {wording.amount(report.rows, 'row')}"
    state = f"{database.encoding}, journal mode {database.journal_mode}; integrity check passed"
    _say(page, f"{wording.size(database.size)}, {amounts}, {state}")
    for one in report.tables if columns else ():
        planned = report.plan.table(one.table) if report.plan else None
        _title(page, f"{one.table}  {wording.amount(one.rows, 'row')}")
        profiles.show(page, one, planned)
    if columns and any(column.shapes for one in report.tables for column in one.columns):
        _say(page, "In formats, 9 is a digit and a is a letter.", style="dim")
    _title(page, "Findings")
    findings.show(page, report.findings)


def copied(page: console.Console, report: copying.CopyReport, *, where: str) -> None:
    """A copy's page; `where` names the target."""
    _title(page, "Copied" if not report.repeated else "Copied before; nothing was left to copy")
    steps = grid.Grid(step=Kind.NAME, time=Kind.NUMBER, **{"rows/s": Kind.NUMBER})
    rows = {"copy": report.rows - report.resumed, "verify": report.verification.rows}
    for name, spent in report.phases.items():
        done = rows.get(name, 0)
        steps.add(name, wording.seconds(spent), f"{done / spent:,.0f}" if done and spent else "")
    steps.show(page)
    _say(page, f"{wording.amount(report.rows, 'row')}, {wording.size(report.size)} in {where}")
    if report.resumed and not report.repeated:
        share = "all of them" if report.resumed == report.rows else f"{report.resumed:,} of them"
        _say(page, f"{share} had been copied by an earlier run", style="dim")
    for name, note in report.notes.items():
        _say(page, text.Text.assemble(("warning ", "yellow"), (name, "bold"), "  ", note))
    quarantine(page, report)


def quarantine(
    page: console.Console, report: copying.CopyReport | verifying.VerifyReport, *, live: bool = False
) -> None:
    """What is in quarantine, grouped by column and reason, with some rows of each group."""
    if not report.quarantine_groups:
        return
    _title(page, f"In quarantine: {wording.amount(sum(group.rows for group in report.quarantine_groups), 'row')}")
    for group in report.quarantine_groups[:_MOST]:
        place = ".".join(part for part in (group.table, group.column) if part)
        words = f"  {wording.amount(group.rows, 'row')}: {group.reason}"
        page.print()
        _say(page, text.Text.assemble((grid.printable(place), "bold"), grid.printable(words)))
        keys = [grid.shortened(example.key, _LONGEST_KEY) for example in group.examples]
        width = max(map(cells.cell_len, keys))
        for key, example in zip(keys, group.examples, strict=True):
            line = text.Text.assemble(("  row ", "dim"), key, " " * (width - cells.cell_len(key)))
            if group.column:
                line.append("  ").append_text(_short(example.value))
            if example.detail:
                line.append(grid.printable(f"  ({example.detail})"), style="dim")
            page.print(line, soft_wrap=True)
        if group.rows > len(group.examples):
            page.print(f"  and {group.rows - len(group.examples):,} more", style="dim")
    page.print()
    if len(report.quarantine_groups) > _MOST:
        page.print(f"… and {len(report.quarantine_groups) - _MOST:,} more kinds (--json lists all)", style="dim")
    words = "outgrow.quarantine at the target has their exact values. Repair them "
    if live:
        words += "where they are: the other database gets them then"
    else:
        words += "in the file, or choose another type for the column in the plan (outgrow plan), and copy again with --restart"
    page.print(text.Text.assemble(("next  ", "green"), (words, "dim")))


def verified(page: console.Console, report: verifying.VerifyReport) -> None:
    """A verification's page: whether the file is in the state that was copied, and the differences, if there are any."""
    if report.differences:
        _title(page, f"Differences: {wording.amount(len(report.differences), 'value or row', 'values or rows')}")
        listed = grid.Grid(
            table=Kind.NAME,
            key=Kind.NAME,
            what=Kind.NAME,
            column=Kind.NAME,
            in_the_file=Kind.PROSE,
            in_PostgreSQL=Kind.PROSE,
        )
        for one in report.differences[:_MOST]:
            values = [_short(one.source), _short(one.target)] if one.column else ["", ""]
            key = grid.shortened(one.key, _LONGEST_KEY)
            listed.add(one.table, key, str(one.kind), one.column, *values)
        listed.show(page)
        if len(report.differences) > _MOST:
            page.print(f"… and {len(report.differences) - _MOST:,} more (--json lists all)", style="dim")
    if report.repaired:
        _say(page, f"{wording.amount(report.repaired, 'difference')} repaired: the rows were brought over again")
    if report.file_changed:
        words = f"the file has changed since it was copied: {report.file_changed}"
        _say(page, text.Text.assemble(("warning  ", "yellow"), words))


def _short(value: str | None) -> text.Text:
    if value is None:
        return text.Text("NULL", style="dim")
    if not value:
        return text.Text("''", style="dim")
    return text.Text(grid.shortened(value, _LONGEST_VALUE))


def verdict(
    page: console.Console, report: verifying.VerifyReport, quarantined: int, *, named: Callable[[str], str]
) -> None:
    """The last lines: whether everything arrived, and what to type where it did not; `named` fills in its name."""
    page.print()
    proven = f"{wording.amount(report.rows - report.quarantined, 'row')} in {wording.amount(report.tables, 'table')}"
    if report.differences:
        words, style = f"✗ The two sides differ: {wording.amount(len(report.differences), 'difference')}", "bold red"
    elif quarantined:
        words = (
            f"! {proven} are the same on both sides, value by value; {wording.amount(quarantined, 'row')} in quarantine"
        )
        style = "bold yellow"
    else:
        words, style = f"✓ {proven}: every value is the same on both sides", "bold green"
    _say(page, text.Text(words, style=style))
    if report.differences:
        remedy = "To bring these rows over again, as the primary has them: outgrow verify FILE --repair"
        if not report.live:
            maybe = "These differences may be what was written since. " if report.file_changed else ""
            remedy = f"{maybe}To copy this state: outgrow copy FILE --to … --restart"
        page.print(text.Text.assemble(("next  ", "green"), (named(remedy), "dim")), soft_wrap=True)
