"""What the columns of a table hold, on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import console

from outgrow.cli import grid, wording
from outgrow.cli.grid import Kind
from outgrow.model import plan

if TYPE_CHECKING:
    from outgrow.migration import checking
    from outgrow.sqlite import profile

__all__ = ["show"]

_EXACT = 10**12
"""Larger integers are rounded; --json has them whole."""


def show(page: console.Console, table: checking.TableCheck, planned: plan.TablePlan | None) -> None:
    """Each column with its type at the target and what all its values have in common; then how texts of some are written."""
    types = {column.source: column.sql_type for column in planned.columns} if planned else {}
    listed = grid.Grid(column=Kind.NAME, becomes=Kind.PROSE, holds=Kind.PROSE, range=Kind.PROSE)
    for one in table.columns:
        listed.add(one.column, types.get(one.column, ""), _holds(one), _range(one))
    listed.show(page)
    written = grid.Grid(column=Kind.NAME, format_of_its_texts=Kind.NAME, texts=Kind.NUMBER)
    for one in table.columns:
        for position, (shape, count) in enumerate(one.shapes.items()):
            written.add(one.column if not position else "", shape or "(empty)", f"{count:,}")
    if any(one.shapes for one in table.columns):
        written.show(page)


def _holds(one: profile.ColumnProfile) -> str:
    """Values by storage class, then NULLs."""
    counts = [f"{count:,} {kind}" for kind, count in one.counts.items() if count]
    return ", ".join([*counts, f"{one.nulls:,} NULL"] if one.nulls else counts)


def _range(one: profile.ColumnProfile) -> str:
    """From the least to the greatest number; the longest text or blob."""
    said = []
    if one.minimum is not None and one.maximum is not None:
        least, greatest = _number(one.minimum), _number(one.maximum)
        said.append(least if one.minimum == one.maximum else f"{least} to {greatest}")
    if "text" in one.counts or "blob" in one.counts:
        said.append(f"up to {wording.size(one.longest)}")
    return ", ".join(said)


def _number(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) and abs(number) < _EXACT else f"{number:g}"
