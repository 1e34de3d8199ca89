"""The commands of a live migration: run, status, switch, rollback, finish, abort."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outgrow import errors, migration
from outgrow.cli import glance, output, progress, wording
from outgrow.cli.options import File, Json, KnownTo, PlanFile, Quiet, Schema
from outgrow.model import event

if TYPE_CHECKING:
    from rich import console as rich_console

__all__ = ["register"]

Before = Annotated[
    str,
    typer.Option(
        "--before", metavar="COMMAND", help="A command to run first; if it fails, nothing is done.", show_default=False
    ),
]
After = Annotated[
    str, typer.Option("--after", metavar="COMMAND", help="A command to run when it is done.", show_default=False)
]
Deadline = Annotated[
    float,
    typer.Option(
        "--deadline",
        metavar="SECONDS",
        min=0.01,
        help="Give up, changing nothing, if the application's writes would have to wait for longer.",
    ),
]
AcceptQuarantine = Annotated[
    bool,
    typer.Option("--accept-quarantine", help="Switch although rows are in quarantine; they stay where they are."),
]
AcceptDifferences = Annotated[
    bool,
    typer.Option(
        "--accept-differences", help="Go back although the last verification found differences; they stay in the file."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say whether it could be done, check by check.")]


def register(app: typer.Typer) -> None:
    """Add the live commands to the command line."""
    app.command(name="run", short_help="Follow a file in use into PostgreSQL, until stopped.")(_run)
    app.command(name="status", short_help="Where a live migration stands, and what a switch waits for.")(_status)
    app.command(name="switch", short_help="Make PostgreSQL the primary, in milliseconds.")(_switch)
    app.command(name="rollback", short_help="Make the SQLite file the primary again.")(_rollback)
    app.command(name="finish", short_help="End the way back, and leave both databases.")(_finish)
    app.command(name="abort", short_help="Give a live migration up before the switch.")(_abort)


def _run(
    file: File,
    to: KnownTo = None,
    schema: Schema = "public",
    plan_file: PlanFile = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", metavar="N", min=1, max=8, help="Streams of the copy.")] = 1,
    wal: Annotated[
        bool, typer.Option("--wal", help="Bring the file into WAL mode, and back in the end, if it is not in it.")
    ] = False,
    verify_every: Annotated[
        float,
        typer.Option("--verify-every", metavar="SECONDS", min=0.1, help="Rest between two rounds of verification."),
    ] = 60.0,
    resync: Annotated[
        bool,
        typer.Option("--resync", help="Go on although the file is not the one that was followed; compare everything."),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Copy a file that is in use into PostgreSQL, follow its changes, and verify again and again, until stopped.

    Runs in the foreground, and continues from wherever it was when it is started again. Other commands (status, switch,
    rollback, finish) talk to it. Ctrl-C or SIGTERM end it in order; the application never notices.
    """
    ending = output.Output(command="run", file=file, as_json=as_json, quiet=quiet, to=to)

    def work() -> output.Outcome:
        with progress.reporting(quiet=quiet or as_json) as sink:
            engine = migration.Engine(
                file,
                to,
                migration.EngineOptions(
                    target_schema=schema,
                    plan_path=plan_file,
                    jobs=jobs,
                    convert_to_wal=wal,
                    verify_every=verify_every,
                    resync=resync,
                ),
                sink=sink if quiet or as_json else _telling(sink),
            )
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: engine.stop())
            engine.run()
        facts = dict(engine.answer("status", {}))

        def show(page: rich_console.Console) -> None:
            where = f"primary {facts['primary']}, epoch {facts['epoch']}"
            if not engine.over:
                page.print(f"Stopped; the same command continues: phase {facts['phase']}, {where}.")
            elif facts["phase"] == "finished":
                page.print(f"The migration is finished: {where}.")
            else:
                page.print("The migration was given up; no trace of it is left in either database.")

        return output.Outcome(facts=facts, show=show)

    ending.run(work)


def _telling(sink: event.Sink) -> event.Sink:
    """Lines for people about what happens while following, beside the progress of the steps."""

    def hear(happened: event.Event) -> None:
        sink(happened)
        line = ""
        match happened:
            case event.PhaseChanged(before=before, after=after):
                line = f"{before} → {after}"
            case event.PrimaryChanged(primary=primary, epoch=epoch, pause=pause):
                line = f"{primary} is the primary now (epoch {epoch}); writes paused for {pause * 1000:.1f} ms"
            case event.CaptureRepaired(tables=tables, reason=reason):
                line = f"capture was repaired: {reason}; comparing {', '.join(tables)}"
            case event.RowsRepaired(table=table, rows=rows, keys=keys):
                more = f" and {rows - len(keys):,} more" if rows > len(keys) else ""
                line = f"{table}: {wording.amount(rows, 'row')} brought over again: {'; '.join(keys)}{more}"
            case event.Notice(message=message):
                line = message
            case event.VerificationDone(rows=rows, differences=differences, seconds=seconds):
                line = f"verified {wording.amount(rows, 'row')} in {seconds:.1f} s: {wording.amount(differences, 'difference')}"
        if line:
            sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")

    return hear


def _status(
    file: File,
    to: KnownTo = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it anew every half second.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show where a live migration stands: phase, lag, rates, verification, and whether a switch could be made now."""
    glance.status(file, to, watch=watch, as_json=as_json, quiet=quiet)


def _transition(
    file: File,
    to: str | None,
    name: str,
    arguments: Mapping[str, Any],
    *,
    told: str,
    before: str,
    after: str,
    as_json: bool,
    quiet: bool,
) -> None:
    ending = output.Output(command=told, file=file, as_json=as_json, quiet=quiet, to=to)

    def work() -> output.Outcome:
        with progress.reporting(quiet=quiet or as_json) as sink:
            done = migration.command(file, to, name, arguments, before=before, after=after, sink=sink)
        facts = wording.checks_named(done, file, to)

        def show(page: rich_console.Console) -> None:
            if "ready" in facts:
                page.print("Ready." if facts["ready"] else "Not ready:")
                for check in facts["checks"]:
                    page.print(f"  {'✓' if check['ok'] else '✗'} {check['name']}: {check['found']}", soft_wrap=True)
                    if check["remedy"]:
                        page.print(f"      → {check['remedy']}", soft_wrap=True)
            elif facts.get("repeated"):
                page.print(f"{facts['primary']} is the primary already (epoch {facts['epoch']}).")
            elif "pause_ms" in facts:
                page.print(
                    f"{facts['primary']} is the primary now (epoch {facts['epoch']})."
                    f" Writes paused for {facts['pause_ms']:.1f} ms:"
                )
                steps = ", ".join(f"{step} {ms:.1f}" for step, ms in facts["steps_ms"].items())
                page.print(f"  {steps} ms", style="dim")
            else:
                page.print(f"The migration is {facts['phase']}; {facts['primary']} is the primary.")
                if "archive" in facts:
                    closed = (
                        "closed, and the router finds PostgreSQL by it"
                        if facts["router"] == "kept"
                        else "read-only now"
                    )
                    page.print(f"  The file is {closed}: {facts['archive']}", style="dim", soft_wrap=True)
                    page.print(f"  What happened is in {facts['trail']}", style="dim", soft_wrap=True)
                    if facts["quarantined"]:
                        kept = wording.amount(facts["quarantined"], "row is", "rows are")
                        page.print(
                            f"  {kept} in one of both databases only; the trail has the exact values", soft_wrap=True
                        )

        problem = None
        if facts.get("ready") is False:
            failing = [check for check in facts["checks"] if not check["ok"]]
            problem = output.Problem(
                code=errors.NotReady.code,
                message=f"Not ready: {', '.join(check['name'] for check in failing)}",
                hint=failing[0]["remedy"],
            )
        return output.Outcome(facts=facts, show=show, problem=problem)

    ending.run(work)


def _switch(
    file: File,
    to: Annotated[
        str,
        typer.Option("--to", metavar="STORE", help="Which store becomes the primary: postgres or sqlite; or a DSN."),
    ] = "postgres",
    dry_run: DryRun = False,
    deadline: Deadline = 5.0,
    accept_quarantine: AcceptQuarantine = False,
    before: Before = "",
    after: After = "",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make PostgreSQL the primary: writers wait for some milliseconds, and from then on the file refuses them.

    Given up before its decision (a check, the deadline, Ctrl-C, a crash), nothing has happened. After it, the file follows
    PostgreSQL, and `outgrow rollback` leads back at any time.
    """
    goal, where = (to, None) if to in ("postgres", "sqlite") else ("postgres", to)
    _transition(
        file,
        where or os.environ.get("OUTGROW_TO"),
        "switch",
        {"to": goal, "dry_run": dry_run, "deadline": deadline, "accept_quarantine": accept_quarantine},
        told="switch",
        before=before,
        after=after,
        as_json=as_json,
        quiet=quiet,
    )


def _rollback(
    file: File,
    to: KnownTo = None,
    dry_run: DryRun = False,
    deadline: Deadline = 5.0,
    accept_quarantine: AcceptQuarantine = False,
    accept_differences: AcceptDifferences = False,
    before: Before = "",
    after: After = "",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make the SQLite file the primary again, with everything that PostgreSQL has acknowledged; then follow it again."""
    _transition(
        file,
        to,
        "switch",
        {
            "to": "sqlite",
            "dry_run": dry_run,
            "deadline": deadline,
            "accept_quarantine": accept_quarantine,
            "accept_differences": accept_differences,
        },
        told="rollback",
        before=before,
        after=after,
        as_json=as_json,
        quiet=quiet,
    )


def _finish(
    file: File,
    to: KnownTo = None,
    router: Annotated[
        bool | None,
        typer.Option(
            "--keep-router/--drop-router",
            help="Whether applications go on through outgrow's sqlite3; decided by whether any did, if you do not say.",
            show_default=False,
        ),
    ] = None,
    accept_quarantine: Annotated[
        bool,
        typer.Option(
            "--accept-quarantine", help="Finish although rows are in quarantine; their values go into the trail."
        ),
    ] = False,
    before: Before = "",
    after: After = "",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """End the way back: remove every trace of outgrow from both databases, and leave the file as a read-only archive.

    An application that goes through outgrow's sqlite3 goes on: the file keeps its fence and says where PostgreSQL is, and the
    schema outgrow keeps what such an application needs.
    """
    arguments: dict[str, Any] = {"accept_quarantine": accept_quarantine}
    if router is not None:
        arguments["router"] = "keep" if router else "drop"
    _transition(file, to, "finish", arguments, told="finish", before=before, after=after, as_json=as_json, quiet=quiet)


def _abort(
    file: File, to: KnownTo = None, before: Before = "", after: After = "", as_json: Json = False, quiet: Quiet = False
) -> None:
    """Give a live migration up before the switch: remove every trace of outgrow, and the copied tables, from both databases."""
    _transition(file, to, "abort", {}, told="abort", before=before, after=after, as_json=as_json, quiet=quiet)
