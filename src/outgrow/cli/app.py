"""The commands and their options."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

import outgrow
from outgrow import errors, migration
from outgrow.cli import live, output, progress, wording
from outgrow.cli.options import Columns, File, Jobs, Json, KnownTo, PlanFile, Quiet, Schema, To
from outgrow.model import plan

if TYPE_CHECKING:
    from rich import console as rich_console

__all__ = ["app", "commands", "main"]

app = typer.Typer(
    name="outgrow",
    help="Move a SQLite application to PostgreSQL, and prove that nothing was lost or changed.",
    epilog="Exit status: 0 done; 1 done, but not everything arrives as it is (findings of severity error, rows in "
    "quarantine, differences); 2 refused, with a remedy; 3 failed, type it again; 4 wrong usage; 70 a defect; "
    "130 interrupted (`run`, once it has begun, ends in order: 0).",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        sys.stdout.write(f"outgrow {outgrow.__version__}\n")
        raise typer.Exit
    if context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")
        raise typer.Exit(errors.Usage.exit_code)


def _finding_problem(found: tuple[plan.Finding, ...]) -> output.Problem | None:
    worst = [finding for finding in found if finding.severity == plan.Severity.ERROR]
    if not worst:
        return None
    message = f"{wording.amount(len(worst), 'finding')} of severity error"
    return output.Problem(code="findings", message=message, hint=worst[0].remedy)


def _verification_problem(report: migration.VerifyReport, quarantined: int) -> output.Problem | None:
    if report.differences:
        hint = "See `differences`; to copy the file as it is now: outgrow copy FILE --to … --restart"
        if report.live:
            hint = "See `differences`; to bring these rows over again: outgrow verify FILE --repair"
        return output.Problem(
            code="differences",
            message=f"{wording.amount(len(report.differences), 'difference')} between the file and PostgreSQL",
            why=f"the file has changed since it was copied: {report.file_changed}" if report.file_changed else "",
            hint=hint,
        )
    if quarantined:
        return output.Problem(
            code="quarantined",
            message=f"{wording.amount(quarantined, 'row')} in quarantine",
            hint="Look at outgrow.quarantine at the target; repair the file or change the plan",
        )
    return None


@app.command(short_help="Examine a file; writes nothing.")
def check(
    file: File, plan_file: PlanFile = None, columns: Columns = False, as_json: Json = False, quiet: Quiet = False
) -> None:
    """Examine a file: integrity, foreign keys, every column's values, and what stands in the way. Writes nothing."""
    ending = output.Output(command="check", file=file, as_json=as_json, quiet=quiet)

    def work() -> output.Outcome:
        with progress.reporting(quiet=quiet or as_json) as sink:
            report = migration.check(file, overrides=migration.overrides_for(file, plan_file), sink=sink)
        if report.integrity:
            raise errors.SourceCorrupt(
                f"{file} is damaged", why="; ".join(report.integrity[:3]), hint=report.findings[0].remedy
            )

        def show(page: rich_console.Console) -> None:
            from outgrow.cli import render

            render.checked(page, report, file.name, columns=columns)

        facts = {
            "file": str(file),
            "size": report.database.size,
            "encoding": report.database.encoding,
            "rows": report.rows,
            "tables": report.tables,
            "findings": report.findings,
            "seconds": round(report.seconds, 3),
        }
        return output.Outcome(
            facts=facts,
            show=show,
            problem=_finding_problem(report.findings),
        )

    ending.run(work)


@app.command(name="plan", short_help="Write the plan: every type, with its reason.")
def plan_command(
    file: File,
    destination: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="PLAN",
            help="Where to write the plan; - for standard output.",
            show_default="FILE.plan.toml",
        ),
    ] = "",
    schema: Schema = "public",
    ddl: Annotated[bool, typer.Option("--ddl", help="Print the DDL that the plan stands for.")] = False,
    columns: Columns = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the plan: every type with its reason and evidence, keys, indexes, defaults, and what is left out.

    Overrides that the plan already has are kept and followed. The same file and overrides give the same bytes.
    """
    ending = output.Output(command="plan", file=file, as_json=as_json, quiet=quiet and not ddl and destination != "-")

    def work() -> output.Outcome:
        path = pathlib.Path(destination) if destination not in ("", "-") else migration.default_plan_path(file)
        writes = destination != "-" and not ddl
        with progress.reporting(quiet=quiet or as_json) as sink:
            report = migration.make_plan(
                file, target_schema=schema, output=path if writes else None, overrides_from=path, sink=sink
            )

        def show(page: rich_console.Console) -> None:
            from outgrow.cli import findings, render

            if ddl:
                sys.stdout.write("".join(f"{statement};\n\n" for statement in report.ddl))
            elif destination == "-":
                sys.stdout.write(report.text)
            else:
                render.planned_tables(page, report.plan, columns=columns)
                findings.show(page, report.plan.findings)
                page.print(
                    f"\nThe plan is in {report.path}. Review it, then: outgrow rehearse {wording.typed(file)}",
                    soft_wrap=True,
                )

        facts = {
            "plan": str(report.path) if report.path else None,
            "rows": report.plan.rows,
            "tables": report.plan.tables,
            "left_out": report.plan.omissions,
            "findings": report.plan.findings,
            "ddl": report.ddl,
            "seconds": round(report.seconds, 3),
        }
        return output.Outcome(facts=facts, show=show, problem=_finding_problem(report.plan.findings))

    ending.run(work)


def _verify_facts(report: migration.VerifyReport) -> dict[str, Any]:
    return {"tables": report.tables, "differences": report.differences}


def _copy_facts(report: migration.CopyReport) -> dict[str, Any]:
    return {
        "target": report.target,
        "rows": report.rows,
        "quarantined": report.quarantined,
        "quarantine": report.quarantine,
        "quarantine_counts": report.quarantine_counts,
        "quarantine_groups": report.quarantine_groups,
        **_verify_facts(report.verification),
        "phases": {name: round(value, 3) for name, value in report.phases.items()},
        "notes": report.notes,
        "size": report.size,
        "resumed": report.resumed,
        "repeated": report.repeated,
    }


@app.command(short_help="Copy a file into PostgreSQL, and verify it.")
def copy(
    file: File,
    to: To,
    schema: Schema = "public",
    plan_file: PlanFile = None,
    jobs: Jobs = 2,
    restart: Annotated[
        bool, typer.Option("--restart", help="Drop what an earlier copy made at the target, and begin anew.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Copy a file that nobody writes to into PostgreSQL, and verify every value.

    Interrupted at any point, the same command continues; when all is done, it only verifies again. Rows that PostgreSQL
    cannot hold as they are go to the quarantine with their exact values, and the exit status is 1.
    """
    ending = output.Output(command="copy", file=file, as_json=as_json, quiet=quiet, to=to)

    def work() -> output.Outcome:
        with progress.reporting(quiet=quiet or as_json) as sink:
            report = migration.copy(
                file, to, target_schema=schema, plan_path=plan_file, jobs=jobs, restart=restart, sink=sink
            )

        def show(page: rich_console.Console) -> None:
            from outgrow.cli import render

            render.copied(page, report, where=report.target)
            render.verified(page, report.verification)
            render.verdict(page, report.verification, report.quarantined, named=ending.named)

        return output.Outcome(
            facts={**_copy_facts(report), "seconds": round(report.seconds, 3)},
            show=show,
            problem=_verification_problem(report.verification, report.quarantined),
        )

    ending.run(work)


@app.command(short_help="Compare a file with its target, value by value.")
def verify(
    file: File,
    to: KnownTo = None,
    jobs: Jobs = 2,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="In a live migration: bring the rows that differ over again, as the primary has them."
        ),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare a file with the target of its migration, value by value, and name every difference."""
    ending = output.Output(command="verify", file=file, as_json=as_json, quiet=quiet, to=to)

    def work() -> output.Outcome:
        with progress.reporting(quiet=quiet or as_json) as sink:
            report = migration.verify(file, to, jobs=jobs, repair=repair, sink=sink)

        def show(page: rich_console.Console) -> None:
            from outgrow.cli import render

            render.quarantine(page, report, live=report.live)
            render.verified(page, report)
            render.verdict(page, report, report.quarantined, named=ending.named)

        facts = {
            "rows": report.rows,
            "quarantined": report.quarantined,
            "quarantine_groups": report.quarantine_groups,
            **_verify_facts(report),
            "repaired": report.repaired,
            "file_changed": bool(report.file_changed),
            "seconds": round(report.seconds, 3),
        }
        return output.Outcome(facts=facts, show=show, problem=_verification_problem(report, report.quarantined))

    ending.run(work)


@app.command(short_help="All of these on a private snapshot, in a PostgreSQL of its own.")
def rehearse(
    file: File,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="DSN",
            envvar="OUTGROW_TO",
            help="A PostgreSQL database to rehearse in; by default an embedded one that vanishes afterwards.",
            show_default=False,
        ),
    ] = None,
    schema: Schema = "public",
    plan_file: PlanFile = None,
    jobs: Jobs = 2,
    columns: Columns = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check, plan, copy and verify a private snapshot of a file: what will work, what won't, how long, how big.

    The file may be in use; it and its directory stay untouched.
    """
    ending = output.Output(command="rehearse", file=file, as_json=as_json, quiet=quiet, to=to)

    def work() -> output.Outcome:
        with progress.reporting(quiet=quiet or as_json) as sink:
            report = migration.rehearse(file, to=to, target_schema=schema, plan_path=plan_file, jobs=jobs, sink=sink)
        found = report.copy.plan.findings if not report.check.plan else report.check.findings

        def show(page: rich_console.Console) -> None:
            from outgrow.cli import render

            render.checked(page, report.check, file.name, columns=False)
            render.planned_tables(page, report.copy.plan, columns=columns)
            render.copied(page, report.copy, where=report.copy.target if to else f"an embedded {report.server}")
            render.verified(page, report.copy.verification)
            page.print(
                f"\nRehearsed on {report.server} in {wording.seconds(report.seconds)}; the file was left as it is."
            )
            named = wording.typed(file)
            render.verdict(page, report.copy.verification, report.copy.quarantined, named=ending.named)
            page.print("Next, to review the decisions:", f"outgrow plan {named}", style="dim", soft_wrap=True)
            page.print(
                "  then, with the application stopped:", f"outgrow copy {named} --to DSN", style="dim", soft_wrap=True
            )
            page.print("  or while it goes on:", f"outgrow run {named} --to DSN", style="dim", soft_wrap=True)

        facts = {
            **_copy_facts(report.copy),
            "findings": found,
            "server": report.server,
            "source_size": report.check.database.size,
            "seconds": round(report.seconds, 3),
        }
        return output.Outcome(
            facts=facts,
            show=show,
            problem=_verification_problem(report.copy.verification, report.copy.quarantined),
        )

    ending.run(work)


live.register(app)


def commands() -> tuple[str, ...]:
    """The names of all commands, in the order of the help text."""
    return tuple(found.name or getattr(found.callback, "__name__", "") for found in app.registered_commands)


def main(given: Sequence[str]) -> NoReturn:
    """Run the command line; usage errors end like all others, in JSON where that was asked for."""
    try:
        migration.own_process()
        status = app(list(given), prog_name="outgrow", standalone_mode=False)
    except typer.TyperException as error:
        _wrong_usage(given, error.format_message())
    except (typer.Abort, KeyboardInterrupt):
        raise SystemExit(output.INTERRUPTED) from None
    raise SystemExit(status)


def _wrong_usage(given: Sequence[str], message: str) -> NoReturn:
    command = next((argument for argument in given if not argument.startswith("-")), "")
    hint = f"See: outgrow {command} --help" if command in commands() else "See: outgrow --help"
    error = errors.Usage(message, hint=hint)
    if message.startswith("Missing option '--to'"):
        error = errors.TargetMissing(
            "No target was named", hint=f"Add --to postgresql://user@host/database, or set OUTGROW_TO. {hint}"
        )
    output.fail(command, error, as_json="--json" in given)
