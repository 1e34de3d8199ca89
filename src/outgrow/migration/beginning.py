"""The way to a following target: plan, schema, capture, copy, indexes; each step is found done when it is repeated."""

from __future__ import annotations

import functools
import pathlib
import secrets
from collections.abc import Mapping

from outgrow import errors, failpoints, workers
from outgrow.copy import chunks, stream
from outgrow.follow import pace
from outgrow.migration import copying, planning, session, standing
from outgrow.model import plan, schema
from outgrow.model.phase import Phase
from outgrow.postgres import dialect_functions, dsn, hints, state
from outgrow.postgres import live as postgres_live
from outgrow.postgres import steps as target_steps
from outgrow.sqlite import capture, live
from outgrow.sqlite import schema as sqlite_schema

__all__ = ["begin", "captured_tables", "copy", "install_capture"]

CHUNK_ROWS = 20_000
"""Rows of one chunk: less than in a copy at rest, because a chunk that fails is read again from a file in use."""


def begin(
    file: live.LiveFile,
    target: session.Target,
    keeper: state.State,
    *,
    target_schema: str,
    plan_path: pathlib.Path | None,
    steps: session.Steps,
) -> state.Migration:
    """The migration at the target; where there is none, it is planned and its tables are made.

    Raises errors.TargetOccupied where the target's migration is another file's, and errors.PhaseRefused where the
    file's is another target's.
    """
    there = file.state()
    if not keeper.exists():
        if there is not None:
            raise standing.another_target(file.path, dsn.parse(there.target).masked, target.dsn.masked)
        overrides = planning.overrides_for(file.path, plan_path)
        with steps.step("plan"):
            made = planning.plan_source(
                file.source, target_schema=target_schema, overrides=overrides, exact=False, sink=steps.sink
            )
        with steps.step("schema", total=len(made.tables), unit="tables"):
            copying.begin(
                target,
                keeper,
                made,
                fingerprint={},
                chunk_rows=CHUNK_ROWS,
                also=lambda: postgres_live.begin(target.control, made),
            )
    else:
        dialect_functions.install(target.control)  # another version of outgrow may have begun
    migration = keeper.migration()
    if migration.source != file.name:
        raise errors.TargetOccupied(
            f"The target holds a migration of {migration.source}, not of {file.name}",
            why="a database holds one migration",
            hint="Use another database",
        )
    if there is not None and there.run != migration.run:
        raise errors.StoresDisagree(
            f"{file.path} and the target belong to different migrations",
            why=f"the file was captured for {there.target}",
            hint=f"Name that target, or give the file's migration up: outgrow abort {file.path}",
        )
    if there is None and migration.phase not in (Phase.PLANNED, Phase.CAPTURING):
        if migration.phase in (Phase.COPYING, Phase.FINISHED) and migration.fingerprint:
            raise errors.PhaseRefused(
                "The target holds a copy of a file at rest",
                why="it was made by outgrow copy and follows nothing",
                hint="Use another database; or drop the copy: outgrow copy FILE --to … --restart",
            )
        raise errors.StoresDisagree(
            f"{file.path} knows nothing of the migration at the target",
            why="it is another file of that name, or an old copy of it",
            hint="Put the file back, or use another database",
        )
    return migration


def captured_tables(planned: plan.Plan, database: schema.Database) -> Mapping[int, capture.Captured]:
    """The planned tables by their numbers; errors.SourceChanged where the file has lost one."""
    result = {}
    for number, table in enumerate(planned.tables, 1):
        found = database.table(table.source)
        if found is None:
            raise errors.SourceChanged(
                f"The file has no table {table.source} any more",
                why="it was dropped or renamed after the migration was planned",
                hint="Bring it back; or begin anew: outgrow abort FILE, then outgrow run FILE --to …",
            )
        result[number] = capture.Captured(number=number, plan=table, table=found)
    return result


def install_capture(
    file: live.LiveFile, migration: state.Migration, made: plan.Plan, *, target: str, mode: str
) -> None:
    """Install capture in one transaction of the file, unless it is there."""
    if file.state() is not None:
        return
    with file.writing():
        database = sqlite_schema.read(file.writer)
        captured = captured_tables(made, database)
        width = max((len(one.terms) for one in captured.values()), default=1)
        triggers = capture.expected(captured.values(), database)
        file.begin([capture.create_log(width), *triggers.values()], run=migration.run, target=target, journal_mode=mode)
        failpoints.hit("capture.installed")
    failpoints.hit("capture.committed")


def copy(
    file: live.LiveFile,
    target: session.Target,
    migration: state.Migration,
    made: plan.Plan,
    *,
    jobs: int,
    steps: session.Steps,
) -> None:
    """Copy every chunk that is not copied, and build the primary keys, while the application writes."""
    keeper = state.State(target.control, run=migration.run)
    resumed = sum(chunk.rows for chunk in keeper.chunks())
    sessions = target.sessions(jobs)
    postgres_live.admit(sessions)
    pacer = pace.Pacer(file.pulse())
    with pacer, steps.step("copy", total=made.rows, done=resumed, unit="rows"):
        todo = chunks.Queue(file.source, made, keeper, rows=migration.chunk_rows, live=True)
        null = secrets.token_hex(8)
        fresh = hints.Hints(made.schema)
        streams = [
            stream.Stream(
                copying.readers(file.source, made, null, live=True),
                connection,
                schema=made.schema,
                run=migration.run,
                null=null,
                stop=target.stop,
                sink=steps.sink,
                hints=fresh,
                pace=pacer.pace,
            )
            for connection in sessions
        ]
        workers.run([functools.partial(one.run, todo) for one in streams], target.stop, interrupt=target.interrupt)
    copying.run_steps(target, migration, "keys", steps, (list(target_steps.keys(made)), sessions))
    programs = list(target_steps.views_and_triggers(made))
    copying.run_steps(target, migration, "views and triggers", steps, (programs, sessions[:1]))
