"""The rehearsal: `make rehearsal` builds the HomeVerse file in ./demo and rehearses its move to PostgreSQL.

The file has rows on purpose that PostgreSQL cannot hold, so a good end is: every other value proven equal, these rows in
quarantine. Anything else fails.
"""

from __future__ import annotations

import pathlib
import sys

from examples.homeverse import seed
from outgrow import cli
from outgrow.cli import output

FILE = pathlib.Path("demo", "homeverse.db")

INTRODUCTION = f"""\
HomeVerse is an application whose SQLite file has grown for six years: 13 tables, embeddings,
and what six years leave behind: dangling keys, 'n/a' in an INTEGER, a NUL inside a message.
What becomes of it in PostgreSQL?

$ outgrow rehearse {FILE}
"""

CLOSING = f"""
That was a rehearsal: {FILE} is untouched, and the PostgreSQL it was copied into is gone.

  Rehearse your own file, even while its application runs:
      .venv/bin/outgrow rehearse /path/to/your.db
  See every column's type, and why:
      .venv/bin/outgrow plan {FILE}      writes {FILE}.plan.toml
"""


def build(path: pathlib.Path) -> None:
    """Build the file, unless an earlier call did."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    print(f"Building {path} ...", flush=True)
    seed.build(path)


def main() -> int:
    """Returns the exit status: 0 for the good end that the module describes."""
    build(FILE)
    print(INTRODUCTION, flush=True)
    try:
        cli.main(["rehearse", str(FILE)])
    except output.Ended as end:
        if end.outcome.problem is None or end.outcome.problem.code != "quarantined":
            print("This is not how the rehearsal should end.", file=sys.stderr)
            return 1
    print(CLOSING)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
