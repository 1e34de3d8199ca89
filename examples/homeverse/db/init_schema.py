"""Make the schema: `python -m examples.homeverse.db.init_schema [--postgresql]`, for the file in HOMEVERSE_DATABASE.

With `--postgresql`, write the plan beside the file (every type with its reason; edit it to override one) and print the DDL that
it stands for. The migration makes the tables itself, in the transaction that closes them to everybody else until the switch.
"""

from __future__ import annotations

import argparse
import sys

from examples.homeverse import database
from outgrow import cli


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.homeverse.db.init_schema", description="Make the schema of HomeVerse."
    )
    parser.add_argument("--postgresql", action="store_true", help="plan it for PostgreSQL, and print the DDL")
    if parser.parse_args(arguments).postgresql:
        cli.main(["plan", database.path(), "--ddl"])
    database.init_schema()
    return 0


if __name__ == "__main__":
    sys.exit(main())
