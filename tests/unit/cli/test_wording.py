"""Amounts in the right grammatical number, and remedies that name the user's own file."""

from __future__ import annotations

import io
import re

import pytest
from rich import console

from outgrow.cli import bars, page, wording
from outgrow.model import event


@pytest.mark.parametrize(("number", "told"), [(0, "0 rows"), (1, "1 row"), (2_000, "2,000 rows")])
def test_units_are_counted_in_the_right_number(number: int, told: str) -> None:
    assert wording.counted(number, "rows") == told


@pytest.mark.parametrize(
    ("remedy", "told"),
    [
        ("Wait; outgrow status FILE --watch", "Wait; outgrow status 'my app.db' --watch"),
        ("outgrow finish --drop-router FILE; or", "outgrow finish --drop-router 'my app.db'; or"),
        (
            "outgrow abort FILE, then outgrow run FILE --to …",
            "outgrow abort 'my app.db', then outgrow run 'my app.db' --to …",
        ),
        ("Give sslrootcert=FILE", "Give sslrootcert=FILE"),
    ],
)
def test_a_remedy_names_the_file_as_it_is_typed(remedy: str, told: str) -> None:
    assert wording.named(remedy, "my app.db") == told


def test_the_remedies_of_checks_name_it_too() -> None:
    checks = [{"name": "lag", "ok": False, "found": "3 s", "remedy": "outgrow status FILE --watch"}]
    assert wording.checks_named({"epoch": 1, "checks": checks}, "a.db") == {
        "epoch": 1,
        "checks": [{"name": "lag", "ok": False, "found": "3 s", "remedy": "outgrow status a.db --watch"}],
    }
    assert wording.checks_named({"epoch": 1}, "a.db") == {"epoch": 1}


@pytest.mark.parametrize(("said", "width"), [("60", 60), ("", 100), ("wide", 100), ("0", 100)])
def test_a_page_in_a_pipe_is_as_wide_as_columns_says(monkeypatch: pytest.MonkeyPatch, said: str, width: int) -> None:
    monkeypatch.setenv("COLUMNS", said)
    assert page.console().width == width


@pytest.mark.parametrize("width", [60, 80, 100, 112, 200])
def test_a_line_of_progress_fits_into_the_terminal(width: int) -> None:
    screen = console.Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    shown = bars.Bars(screen)
    title = "Keys, sequences, statistics"
    with shown:
        shown(event.StepStarted(step="keys", total=9_999_999, unit="rows"))
        shown(event.ChunkCopied(table="t", rows=1_234_567, size=1))
    assert isinstance(screen.file, io.StringIO)
    last = [line for line in screen.file.getvalue().splitlines() if title in line][-1]
    assert "…" not in last
    assert re.search(r"(\d:|-:)\S+\s*$", last), "the time left is in sight"
    assert "1,234,567 of 9,999,999 rows" in last or (width < 80 and "12%" in last)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_step_that_is_done_leaves_one_line(width: int) -> None:
    screen = console.Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with bars.Bars(screen) as shown:
        shown(event.StepStarted(step="keys", total=3, unit="steps"))
        shown(event.StepDone(step="keys", seconds=0.1, units=3))
        shown(event.StepStarted(step="copy", total=1_234_567, unit="rows"))
    assert isinstance(screen.file, io.StringIO)
    done = [
        line
        for line in screen.file.getvalue().split("\n")
        if re.search(r"Keys, sequences, statistics .* m?s\s*$", line)
    ]
    assert len(done) == 1
    assert len(done[0].rstrip().rpartition("\r")[2]) <= width
    assert ("3 steps" in done[0]) == (width >= 80)
