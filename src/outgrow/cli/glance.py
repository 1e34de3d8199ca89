"""`outgrow status`, without what takes longer to load than the engine takes to answer: the parser of all the other commands."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from outgrow import migration
from outgrow.cli import output, wording

if TYPE_CHECKING:
    from rich import console as rich_console

__all__ = ["plain", "status"]


def plain(arguments: Sequence[str]) -> bool:
    """Whether a command line is `status FILE`, perhaps with `--json`: anything else is for the parser."""
    if list(arguments[:1]) != ["status"]:
        return False
    rest = [argument for argument in arguments[1:] if argument != "--json"]
    return len(rest) == 1 and not rest[0].startswith("-") and pathlib.Path(rest[0]).is_file()


def status(
    file: str | os.PathLike[str], to: str | None, *, watch: bool = False, as_json: bool = False, quiet: bool = False
) -> NoReturn:
    """Show where a migration stands, and exit."""

    def work() -> output.Outcome:
        def show(page: rich_console.Console) -> None:
            from outgrow.cli import status_page

            status_page.show(page, facts)

        def look() -> Mapping[str, Any]:
            return wording.checks_named(migration.status(file, to), file, to)

        facts = look()
        if watch and not as_json:
            from outgrow.cli import status_page

            facts = status_page.watch(facts, look)
        return output.Outcome(facts=facts, show=show)

    output.Output(command="status", file=file, as_json=as_json, quiet=quiet, to=to).run(work)
