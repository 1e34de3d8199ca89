"""Findings on a page: worst first, those of one kind together, each with a remedy."""

from __future__ import annotations

from collections.abc import Sequence

from rich import console, table, text

from outgrow.cli import grid
from outgrow.model import plan

__all__ = ["show"]

_STYLES = {plan.Severity.ERROR: "bold red", plan.Severity.WARNING: "yellow", plan.Severity.INFO: "cyan"}
_MOST = 25
_INDENT = 12


def show(page: console.Console, found: Sequence[plan.Finding]) -> None:
    """Findings, worst first, those of one kind together, each with a remedy."""
    if not found:
        page.print("Nothing stands in the way.", style="green")
        return
    grouped: dict[tuple[plan.Severity, str], list[plan.Finding]] = {}
    for finding in found:
        grouped.setdefault((finding.severity, finding.code), []).append(finding)
    listed = table.Table.grid(padding=(0, 2, 0, 0))
    listed.add_column(no_wrap=True)
    listed.add_column(overflow="fold")
    longest = 0
    for (severity, code), several in grouped.items():
        if listed.rows:
            listed.add_row()
        together = len(several) > 1 and code in _TOGETHER
        for shown in [several] if together else [[one] for one in several]:
            body = _finding(shown)
            longest = max(longest, *map(len, body.plain.split()))
            listed.add_row(text.Text(severity, style=_STYLES[severity]), body)
    if grid.is_terminal(page):
        page.print(listed)
    else:  # no name is broken in a pipe
        page.print(grid.Wide(listed, max(page.width, longest + _INDENT)), crop=False)


def _finding(several: Sequence[plan.Finding]) -> text.Text:
    """One finding, or several of one code: what, where, and the remedy."""
    first = several[0]
    if len(several) == 1:
        body = text.Text.assemble((_place(first), "bold"), "  " if _place(first) else "", grid.printable(first.message))
        if first.examples:
            body.append(f"\nfor instance in row {' and '.join(first.examples[:2])}", style="dim")
    else:
        heading, by_place = _TOGETHER[first.code]
        count = sum(one.count for one in several)
        body = text.Text(heading.format(number=len(several), count=count), style="bold")
        lines = [
            (_place(one), f" {one.count:,}" if by_place else f"  {grid.printable(one.message)}")
            for one in several[:_MOST]
        ]
        for position, (place, rest) in enumerate(lines):
            body.append((", " if position else "\n") if by_place else "\n").append(place, style="cyan").append(rest)
        if len(several) > _MOST:
            body.append(f"\nand {len(several) - _MOST} more (--json lists all)", style="dim")
    return body.append("\nnext  ", style="green").append(first.remedy, style="dim")


def _place(finding: plan.Finding) -> str:
    return grid.printable(".".join(part for part in (finding.table, finding.column) if part))


# How findings of one code are told together, and whether places with counts say enough.
_TOGETHER = {
    "misfit": ("{number} columns have values that PostgreSQL cannot hold as they are", False),
    "widened_to_text": ("{number} columns become text, so that every value arrives", False),
    "type_unknown": ("{number} columns have neither a declared type nor a value that tells one", False),
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
