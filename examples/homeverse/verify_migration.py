"""Compare HOMEVERSE_DATABASE with DATABASE_URL, value by value: `python -m examples.homeverse.verify_migration`.

With `--accept-quarantine`, rows rightly in quarantine are no reason to fail: everything else is the same on both sides.
"""

from __future__ import annotations

import argparse
import os
import sys

from examples.homeverse import database
from outgrow import cli
from outgrow.cli import output


def main(arguments: list[str] | None = None) -> int:
    """The command line; ends with outgrow's exit status, but for an accepted quarantine."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.homeverse.verify_migration", description="Compare HomeVerse in both stores."
    )
    parser.add_argument("--accept-quarantine", action="store_true", help="succeed although rows are in quarantine")
    options = parser.parse_args(arguments)
    try:
        cli.main(["verify", database.path(), "--to", os.environ["DATABASE_URL"]])
    except output.Ended as end:
        problem = end.outcome.problem
        if options.accept_quarantine and problem is not None and problem.code == "quarantined":
            return 0
        raise


if __name__ == "__main__":
    sys.exit(main())
