"""The command line: a module a command, each parsing, calling the front door, and showing one result."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from outgrow.cli import glance, output

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line; every command but a plain `status` needs its parser."""
    output.prepare()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if glance.plain(given):
        (file,) = (argument for argument in given[1:] if argument != "--json")
        glance.status(file, os.environ.get("OUTGROW_TO") or None, as_json="--json" in given)
    from outgrow.cli import app

    app.main(given)
