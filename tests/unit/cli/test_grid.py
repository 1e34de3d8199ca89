"""Tables on a page: no name is broken in a pipe or on a terminal, whatever its width."""

from __future__ import annotations

import io

import pytest
from rich import console

from outgrow.cli import grid
from outgrow.cli.grid import Kind

LONG = "customer_subscription_preferences_of_the_last_quarter_" * 3
PROSE = "so many words that no line has room for them, wherever it is that they are read by somebody some day"


class Terminal(io.StringIO):
    """A stream that people look at."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def shown(file: io.StringIO, width: int, *rows: tuple[str, str, str]) -> list[str]:
    """The lines of a grid on a page of that width."""
    page = console.Console(file=file, width=width, color_system=None, highlight=False, markup=False, emoji=False)
    listed = grid.Grid(name=Kind.NAME, rows=Kind.NUMBER, in_the_file=Kind.PROSE)
    for row in rows:
        listed.add(*row)
    listed.show(page)
    return [line.rstrip() for line in file.getvalue().splitlines()]


@pytest.mark.parametrize("width", [40, 80, 100])
def test_in_a_pipe_a_row_is_a_line(width: int) -> None:
    """However long the name and the prose."""
    lines = shown(io.StringIO(), width, (LONG, "1,000", PROSE), ("b", "2", "c"))
    assert [line.split() for line in lines if LONG in line] == [[LONG, "1,000", *PROSE.split()]]
    assert ["b", "2", "c"] in [line.split() for line in lines]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_on_a_terminal_prose_is_wrapped_at_its_words(width: int) -> None:
    """Names and numbers stay whole, and no line is longer than the terminal."""
    lines = shown(Terminal(), width, ("preferences", "1,000", PROSE))
    assert all(len(line) <= width for line in lines)
    assert sum("preferences" in line for line in lines) == sum("1,000" in line for line in lines) == 1
    assert set(PROSE.split()) <= set(" ".join(lines).split())


def test_on_a_terminal_too_narrow_for_names_each_row_is_a_block() -> None:
    """A line a column, which the terminal itself breaks, so that a name can be copied whole; empty cells are left out."""
    lines = shown(Terminal(), 80, (LONG, "1,000", PROSE), ("b", "2", ""))
    assert [line for line in lines if line] == [
        f" name         {LONG}",
        " rows         1,000",
        f" in the file  {PROSE}",
        " name         b",
        " rows         2",
    ]


def test_wide_characters_are_measured_as_they_are_shown() -> None:
    """A name of 30 characters that take two columns each has no room in 60."""
    name = "名" * 30
    assert f" name         {name}" in shown(Terminal(), 60, (name, "1", ""))


def test_what_cannot_be_seen_is_escaped() -> None:
    """A name can neither end a line nor send the terminal a command."""
    assert grid.printable("a\nb\x1b[2Jc\0d\udce9é 🏡") == "a\\nb\\x1b[2Jc\\x00d\\udce9é 🏡"
    lines = shown(io.StringIO(), 80, ("a\nb\x1b[2J", "1", "[red]x[/red]"))
    assert ["a\\nb\\x1b[2J", "1", "[red]x[/red]"] in [line.split() for line in lines]


def test_long_values_are_cut_visibly() -> None:
    """What is left out ends in three dots, and short ones stay whole."""
    assert grid.shortened("a" * 80, 80) == "a" * 80
    assert grid.shortened("a" * 81, 80) == "a" * 79 + "…"
