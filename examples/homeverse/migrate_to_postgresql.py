"""Copy HOMEVERSE_DATABASE into DATABASE_URL: `python -m examples.homeverse.migrate_to_postgresql [--live]`.

`outgrow run` with `--live` (follows the file until stopped), and `outgrow copy` without, for a file that nobody writes to.
A second call continues the first. Rows that PostgreSQL cannot hold are in outgrow.quarantine, and the exit status is then 1.
"""

from __future__ import annotations

import argparse
import os

from examples.homeverse import database
from outgrow import cli


def main(arguments: list[str] | None = None) -> int:
    """The command line; ends with outgrow's exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.homeverse.migrate_to_postgresql", description="Copy HomeVerse into PostgreSQL."
    )
    parser.add_argument("--live", action="store_true", help="the application goes on; follow what it writes")
    parser.add_argument("--verify-every", default="60", help="seconds between two rounds of verification (default: 60)")
    options = parser.parse_args(arguments)
    target = ["--to", os.environ["DATABASE_URL"]]
    if options.live:
        cli.main(["run", database.path(), *target, "--verify-every", options.verify_every])
    cli.main(["copy", database.path(), *target])


if __name__ == "__main__":
    main()
