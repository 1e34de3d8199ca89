"""A status for people says what is known, whatever is not."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich import console

from outgrow.cli import status_page

FACTS: dict[str, Any] = {
    "phase": "switched",
    "step": "",
    "primary": "postgres",
    "epoch": 1,
    "target": "dbname=x",
    "lag_seconds": 0.2,
    "pending_changes": 0,
    "changes_per_second": 0.0,
    "delay_ms": None,
    "quarantined": None,
    "verification": None,
    "trouble": None,
    "next": "switch",
    "ready": False,
    "checks": [],
}


def shown(**facts: Any) -> str:
    page = console.Console(file=io.StringIO(), width=100)
    page.print(status_page.table({**FACTS, **facts}))
    assert isinstance(page.file, io.StringIO)
    return page.file.getvalue()


@pytest.mark.parametrize(
    ("pending", "told"),
    [(0, "nothing is waiting"), (12_000, "about 12,000 changes are waiting"), (None, "200.0 ms, changes are waiting")],
)
def test_what_waits(pending: int | None, told: str) -> None:
    assert told in shown(pending_changes=pending)


def test_trouble_is_told_as_it_is() -> None:
    assert "[red] or [/nothing]" in shown(trouble="[red] or [/nothing]")


def test_what_no_engine_tells_is_left_out() -> None:
    assert "lag" not in shown(lag_seconds=None, pending_changes=None, changes_per_second=None)
