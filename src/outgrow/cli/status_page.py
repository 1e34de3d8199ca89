"""A status for people, once or again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich import console, text
from rich import table as rich_table

from outgrow.cli import grid, page, wording

__all__ = ["show", "table", "watch"]

_EVERY = 0.5


def watch(facts: Mapping[str, Any], again: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Show it anew every half second until the migration is over; the last facts."""
    from rich import live as rich_live  # not for one look

    with rich_live.Live(table(facts), console=page.console(), auto_refresh=False) as shown:
        while facts["phase"] != "finished":
            time.sleep(_EVERY)
            facts = again()
            shown.update(table(facts), refresh=True)
    return facts


def show(page: console.Console, facts: Mapping[str, Any]) -> None:
    """Print it once; in a pipe without the blanks that fill up its lines."""
    if grid.is_terminal(page):
        page.print(table(facts))
        return
    with page.capture() as captured:
        page.print(table(facts))
    for line in captured.get().splitlines():
        page.out(line.rstrip(), highlight=False)


def table(facts: Mapping[str, Any]) -> rich_table.Table:
    """The facts of a status as two columns."""
    rows = rich_table.Table.grid(padding=(0, 2))
    rows.add_column(style="dim")
    rows.add_column(overflow="fold")
    rows.add_row("phase", f"{facts['phase']}" + (f" ({facts['step']})" if facts.get("step") else ""))
    rows.add_row("primary", f"{facts['primary']}, epoch {facts['epoch']}")
    rows.add_row("target", str(facts["target"]))
    if facts.get("lag_seconds") is not None:
        delays = facts.get("delay_ms")
        told = f"; batches arrive after {delays['p50']:.1f} ms (p99 {delays['p99']:.1f} ms)" if delays else ""
        pending = facts["pending_changes"]
        waiting = "nothing is waiting" if pending == 0 else "changes are waiting"
        if pending:
            waiting = f"about {wording.amount(pending, 'change is', 'changes are')} waiting"
        rows.add_row("lag", f"{facts['lag_seconds'] * 1000:.1f} ms, {waiting}{told}")
        rows.add_row("rate", f"{facts['changes_per_second']:,.0f} changes/s in the last seconds")
    if facts["phase"] in ("capturing", "copying") and facts.get("rows"):
        eta = facts.get("eta_seconds")
        left = f", about {eta:.0f} s left" if eta is not None else ""
        rows.add_row("copied", f"{facts['rows_copied']:,} of {wording.amount(facts['rows'], 'row')}{left}")
    verified = facts.get("verification")
    if verified:
        rows.add_row(
            "verified",
            f"{wording.amount(verified['rows'], 'row')}, {wording.amount(verified['differences'], 'difference')},"
            f" {verified['age_seconds']:.0f} s ago",
        )
    if facts.get("quarantined") is not None:
        rows.add_row("quarantine", wording.amount(facts["quarantined"], "row"))
    if facts.get("trouble"):
        rows.add_row("trouble", text.Text(str(facts["trouble"]), style="red"))
    rows.add_row("", "")
    if facts["next"]:
        rows.add_row(facts["next"], "ready" if facts["ready"] else "not ready")
    for check in facts["checks"]:
        mark = "✓" if check["ok"] else "✗"
        rows.add_row(f"  {mark} {check['name']}", check["found"])
        if check["remedy"]:
            rows.add_row("", f"→ {check['remedy']}")
    return rows
