"""The demonstration: `make demo` moves HomeVerse to PostgreSQL while four processes serve requests; about two minutes.

Followed, verified, switched, rolled back, switched again, finished; then the proof. Everything happens in ./demo, and in an
embedded PostgreSQL that is gone afterwards. The exit status is 1 if a single request failed, a single acknowledged write is
missing, or anything else is not as it should be; 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import shutil
import sys

import rich.console

from examples.homeverse import processes, rehearsal, screen, story
from outgrow.postgres import embedded

DIRECTORY = pathlib.Path("demo", "live")

INTRODUCTION = """\
HomeVerse is an application that was written for SQLite: FastAPI, 13 tables, raw sqlite3. It goes over to PostgreSQL
now, while it is used, and nobody notices. Then it comes back, goes over again, and stays.
"""

CLOSING = """
The file, the ledger and what everybody said are in {directory}. The PostgreSQL is gone; it was an embedded one, without fsync.

  What would become of your own file, even while its application runs:
      .venv/bin/outgrow rehearse /path/to/your.db
  How to do this yourself, command by command:
      examples/homeverse/RUNBOOK.md
"""


def fresh(directory: pathlib.Path) -> pathlib.Path:
    """A directory without anything of an earlier telling, and the file in it."""
    rehearsal.build(rehearsal.FILE)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return pathlib.Path(shutil.copyfile(rehearsal.FILE, directory.resolve() / rehearsal.FILE.name))


def told(options: argparse.Namespace, console: rich.console.Console) -> bool:
    """Play the story, and show what came of it; whether it ended well."""
    showing = screen.Screen(console)
    file = fresh(DIRECTORY)
    showing.begin("PostgreSQL", "an embedded one, for the length of this story")
    with embedded.server() as server:
        telling = story.Story(
            directory=file.parent,
            file=file,
            dsn=server.dsn,
            rate=options.rate,
            workers=options.workers,
            lengths=story.Lengths().times(options.pace),
        )
        showing.done(f"PostgreSQL {server.version}; {file.stat().st_size / 1e6:.0f} MB of SQLite in {file.name}")
        problem = None
        with showing.shown(telling):
            try:
                story.play(telling, showing)
            except processes.Ended as ended:
                problem = str(ended)
    if problem is not None:
        telling.claim(False, problem)
    screen.proof(console, telling)
    return telling.ended_well


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m examples.homeverse.demo", description="A live move to PostgreSQL.")
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second (default: 200)")
    parser.add_argument("--workers", type=int, default=4, help="processes of the application (default: 4)")
    parser.add_argument("--pace", type=float, default=1.0, help="0.5 takes half the time (default: 1)")
    options = parser.parse_args(arguments)
    console = rich.console.Console(width=None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "140")))
    console.print(INTRODUCTION, highlight=False)
    try:
        well = told(options, console)
    except KeyboardInterrupt:
        console.print("Stopped; everything that was started has ended.")
        return 130
    console.print(CLOSING.format(directory=DIRECTORY), highlight=False)
    if not well:
        console.print("[bold red]This is not how the demonstration should end.[/bold red]")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
