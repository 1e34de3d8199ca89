"""Tables on a page in which no name is ever broken: neither in a pipe nor on a narrow terminal.

In a pipe a row is a line, however long. On a terminal only prose is wrapped, at its words; where that is not enough, each row
becomes a block with a line a column, as psql's `\\x auto` does.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from rich import box, cells, console, table, text

__all__ = ["Grid", "Kind", "Wide", "is_terminal", "printable", "shortened"]

_LEAST_PROSE = 16
"""Columns of a terminal that prose is left at least."""
_BETWEEN = 3
_ENDLESS = 1_000_000


class Kind(enum.Enum):
    """What a column holds, which decides how it may be broken."""

    NAME = enum.auto()
    """Names and keys: never."""
    NUMBER = enum.auto()
    """Numbers, aligned to the right: never."""
    PROSE = enum.auto()
    """Words and values: where a word ends, on terminals."""


def is_terminal(page: console.Console) -> bool:
    """Whether a person reads along, on lines of a limited width."""
    return page.file.isatty()


def printable(words: str) -> str:
    """The text with everything that cannot be seen written as an escape: it ends no line and sends a terminal no command."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in words)


def shortened(words: str, most: int) -> str:
    """The text on one line, its end left out where it is longer than `most` characters."""
    return printable(words if len(words) <= most else f"{words[: most - 1]}…")


_JUSTIFY: Mapping[Kind, Literal["left", "right"]] = {Kind.NAME: "left", Kind.NUMBER: "right", Kind.PROSE: "left"}


class Grid:
    """Rows of cells under titles; a cell is text, or what rich makes of it."""

    def __init__(self, **columns: Kind) -> None:
        """Columns by title, in their order; a title's underscores are its spaces."""
        self._titles = [title.replace("_", " ") for title in columns]
        self._kinds = list(columns.values())
        self._rows: list[Sequence[text.Text]] = []

    def add(self, *row: str | text.Text) -> None:
        """Add a row."""
        self._rows.append([cell if isinstance(cell, text.Text) else text.Text(printable(cell)) for cell in row])

    def show(self, page: console.Console) -> None:
        """Print it."""
        if not is_terminal(page):
            page.print(Wide(self._table(wrapping=False)), crop=False)
        elif self._least() <= page.width:
            page.print(self._table(wrapping=True))
        else:
            self._show_blocks(page)

    def _least(self) -> int:
        """The width below which something other than prose would be broken."""
        return sum(map(self._least_of, range(len(self._titles)))) + _BETWEEN * (len(self._titles) - 1) + 2

    def _least_of(self, position: int) -> int:
        natural = max(map(cells.cell_len, (self._titles[position], *self._plain(position))))
        return min(natural, _LEAST_PROSE) if self._kinds[position] is Kind.PROSE else natural

    def _plain(self, position: int) -> Iterable[str]:
        return (row[position].plain for row in self._rows)

    def _table(self, *, wrapping: bool) -> table.Table:
        made = table.Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
        for title, kind in zip(self._titles, self._kinds, strict=True):
            wraps = wrapping and kind is Kind.PROSE
            made.add_column(title, justify=_JUSTIFY[kind], overflow="fold", no_wrap=not wraps)
        for row in self._rows:
            made.add_row(*row)
        return made

    def _show_blocks(self, page: console.Console) -> None:
        width = max(map(len, self._titles))
        for row in self._rows:
            page.print()
            for title, cell in zip(self._titles, row, strict=True):
                if cell.plain:
                    page.print(text.Text.assemble(" ", (title.ljust(width), "dim"), "  ", cell), soft_wrap=True)


class Wide:
    """A table that is printed as if lines had that width; to be printed without cropping."""

    def __init__(self, inner: table.Table, width: int = _ENDLESS) -> None:
        self._inner = inner
        self._width = width

    def __rich_console__(self, page: console.Console, options: console.ConsoleOptions) -> console.RenderResult:
        yield from page.render(self._inner, options.update(width=self._width))
