"""Consoles, and how errors look on them."""

from __future__ import annotations

import os
import sys

from rich import console as rich_console
from rich import text

from outgrow import errors

__all__ = ["console", "failed", "interrupted"]


class _Page(rich_console.Console):
    """A console that leaves it to its user what happens when the reader is gone."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(*, stderr: bool = False) -> rich_console.Console:
    """A console; without a terminal it has no colours, and COLUMNS says how wide it is (100 if that is not set)."""
    said = os.environ.get("COLUMNS", "")
    elsewhere = int(said) if said.isascii() and said.isdigit() and int(said) else 100
    width = None if (sys.stderr if stderr else sys.stdout).isatty() else elsewhere
    return _Page(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def failed(error: errors.OutgrowError, hint: str) -> None:
    """What happened, why, and the next command, on standard error."""
    shown = console(stderr=True)
    shown.print(text.Text.assemble(("outgrow: ", "bold red"), (error.message, "bold")), soft_wrap=True)
    if error.why:
        shown.print(text.Text.assemble(("   why  ", "dim"), error.why), soft_wrap=True)
    if hint:
        shown.print(text.Text.assemble(("  next  ", "green"), hint), soft_wrap=True)


def interrupted(hint: str) -> None:
    """That the user ended the command, on standard error."""
    console(stderr=True).print(text.Text.assemble(("outgrow: ", "bold red"), "interrupted. ", hint))
