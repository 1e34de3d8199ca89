"""`outgrow copy`: from a file at rest to a verified PostgreSQL database, resumable at every point."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import outgrow
from outgrow import audit, codec, errors, failpoints, workers
from outgrow.audit import trail
from outgrow.copy import chunks, stream
from outgrow.migration import planning, quarantine_sample, session, verifying
from outgrow.model import event, plan, plan_data
from outgrow.model.phase import Phase
from outgrow.postgres import connection as postgres
from outgrow.postgres import hints, state
from outgrow.postgres import steps as target_steps
from outgrow.sqlite import connection as sqlite
from outgrow.sqlite import reader, schema

__all__ = ["CopyReport", "begin", "copy", "copy_opened", "discard", "readers", "run_steps"]

CHUNK_ROWS = 50_000


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyReport:
    """A finished copy. `rows` are at the target, `quarantined` are kept aside; `notes` are steps that had to be left out.

    `resumed` is the number of rows that an earlier run had copied; `repeated` says that there was nothing left to do.
    """

    plan: plan.Plan
    target: str
    rows: int
    quarantined: int
    quarantine: tuple[state.Quarantined, ...]
    quarantine_counts: Mapping[str, int]
    quarantine_groups: tuple[quarantine_sample.Group, ...]
    notes: Mapping[str, str]
    verification: verifying.VerifyReport
    phases: Mapping[str, float]
    size: int
    resumed: int
    repeated: bool
    seconds: float


def copy(
    path: str | os.PathLike[str],
    to: str,
    *,
    target_schema: str = "public",
    plan_path: str | os.PathLike[str] | None = None,
    jobs: int = 2,
    restart: bool = False,
    sink: event.Sink = event.ignore,
) -> CopyReport:
    """Copy a file that nobody writes to, and verify the copy.

    A copy that was interrupted is continued; one that is done is only verified again. With `restart`, what an earlier copy
    made is dropped first. Raises errors.TargetOccupied, errors.SourceChanged, errors.TargetUnfit, errors.Retryable.
    """
    overrides = planning.overrides_for(path, plan_path)
    with sqlite.open_source(path) as source, session.Target(to, "copy") as target:
        return copy_opened(
            source,
            target,
            target_schema=target_schema,
            overrides=overrides,
            jobs=jobs,
            restart=restart,
            sink=sink,
        )


def copy_opened(
    source: sqlite.Source,
    target: session.Target,
    *,
    target_schema: str,
    overrides: tuple[plan.Override, ...],
    jobs: int,
    restart: bool,
    sink: event.Sink,
    name: str | None = None,
) -> CopyReport:
    """Copy over a file and a target that are open."""
    began = time.monotonic()
    keeper = state.State(target.control)
    steps = session.Steps(sink)
    with postgres.translate_errors(target.control):
        fingerprint = dataclasses.asdict(source.fingerprint())
        if restart and keeper.exists():
            with keeper.lease("copy"):
                _drop(target.control, keeper)
        if not keeper.exists():
            if not overrides:
                _refuse_names(source, target, target_schema)
            with steps.step("plan"):
                made = planning.plan_source(
                    source, target_schema=target_schema, overrides=overrides, exact=False, sink=sink, name=name
                )
            with steps.step("schema", total=len(made.tables), unit="tables"):
                begin(target, keeper, made, fingerprint=fingerprint)
        with keeper.lease("copy"):
            steps.sink = audit.fan_out(sink, trail.Trail(keeper, "copy"))
            migration = keeper.migration()
            made = plan_data.from_data(migration.plan)
            _refuse_other(migration, made, source, fingerprint, overrides, name)
            repeated = migration.phase == Phase.FINISHED
            resumed = sum(chunk.rows for chunk in keeper.chunks())
            if not repeated:
                _fill(source, target, keeper, migration, made, jobs, steps, resumed)
            verification = verifying.verify_target(made, source, target, jobs=jobs, steps=steps)
            if not source.unchanged():
                raise errors.SourceChanged(
                    f"{source.path} was written to during the copy",
                    why="the copy is of no single state of the file",
                    hint="Stop the application, then: outgrow copy FILE --to … --restart; a file in use needs a snapshot",
                )
            if not repeated and not verification.differences:
                failpoints.hit("finish.before")
                _advance(keeper, Phase.COPYING, Phase.FINISHED, steps.sink)
                failpoints.hit("finish.after")
            return _report(target, keeper, made, verification, steps, resumed, repeated, began)


def begin(
    target: session.Target,
    keeper: state.State,
    made: plan.Plan,
    *,
    fingerprint: Mapping[str, object],
    chunk_rows: int | None = None,
    also: Callable[[], None] = lambda: None,
) -> None:
    """Create tables and state, and do what is to be done `also`, in one transaction, unless another process was faster."""
    with contextlib.suppress(state.Begun):
        with target.control.transaction():
            keeper.begin(
                source=made.source,
                target_schema=made.schema,
                plan=json.dumps(plan_data.to_data(made)),
                fingerprint=json.dumps(fingerprint),
                chunk_rows=chunk_rows or CHUNK_ROWS,
                version=outgrow.__version__,
            )
            _refuse_occupied(target.control, made)
            target_steps.create_schema(target.control, made)
            also()
            failpoints.hit("schema.created")
        failpoints.hit("schema.committed")


def _refuse_occupied(control: postgres.Session, made: plan.Plan) -> None:
    taken = target_steps.occupied(control, made)
    if taken:
        raise _occupied(made.schema, taken)


def _occupied(target_schema: str, taken: Sequence[str]) -> errors.TargetOccupied:
    shown = ", ".join(taken[:5]) + (f" and {len(taken) - 5} more" if len(taken) > 5 else "")
    return errors.TargetOccupied(
        f"The target's schema {target_schema} already has: {shown}",
        why="outgrow did not make these, and does not overwrite what it did not make",
        hint="Use an empty database, or another schema: --schema NAME",
    )


def _refuse_names(source: sqlite.Source, target: session.Target, target_schema: str) -> None:
    """Refuse tables that are in the way before the file is read: most keep their names."""
    with sqlite.translate_errors(source.path):
        names = [table.name for table in schema.read(source.main).tables]
    taken = target_steps.taken(target.control, target_schema, names)
    if taken:
        raise _occupied(target_schema, taken)


def _refuse_other(
    migration: state.Migration,
    made: plan.Plan,
    source: sqlite.Source,
    fingerprint: Mapping[str, object],
    overrides: tuple[plan.Override, ...],
    name: str | None,
) -> None:
    """Refuse to continue a migration of another file, of another state of the file, or of another plan."""
    hint = "To begin anew and drop what that copy made, add --restart; or use another database"
    if migration.source != (name or source.name):
        raise errors.TargetOccupied(
            f"The target holds a migration of {migration.source}, not of {name or source.name}",
            why="a database holds one migration",
            hint=hint,
        )
    if migration.phase not in (Phase.PLANNED, Phase.COPYING, Phase.FINISHED):
        raise errors.PhaseRefused(
            f"The target holds a live migration in phase {migration.phase}",
            why="copy is for a file at rest",
            hint="Continue it: outgrow run FILE; or use another database",
        )
    if dict(migration.fingerprint) != dict(fingerprint):
        raise errors.SourceChanged(
            f"{source.path} has changed since the copy at the target began",
            why="rows copied before and after would not be of one state",
            hint=hint,
        )
    if made.overrides != overrides:
        raise errors.TargetOccupied(
            "The plan's overrides are not those that the copy at the target began with",
            why="its tables were made after the other plan",
            hint=hint,
        )


def _fill(
    source: sqlite.Source,
    target: session.Target,
    keeper: state.State,
    migration: state.Migration,
    made: plan.Plan,
    jobs: int,
    steps: session.Steps,
    resumed: int,
) -> None:
    """Everything between the empty tables and the verification."""
    if migration.phase == Phase.PLANNED:
        _advance(keeper, Phase.PLANNED, Phase.COPYING, steps.sink)
    with (
        steps.step("copy", total=made.rows, done=resumed, unit="rows"),
        sqlite.translate_errors(source.path),
    ):
        todo = chunks.Queue(source, made, state.State(target.control, run=migration.run), rows=migration.chunk_rows)
        null = secrets.token_hex(8)
        streams = []
        fresh = hints.Hints(made.schema)
        for connection in target.sessions(jobs):
            make = readers(source, made, null)
            streams.append(
                stream.Stream(
                    make,
                    connection,
                    schema=made.schema,
                    run=migration.run,
                    null=null,
                    stop=target.stop,
                    sink=steps.sink,
                    hints=fresh,
                )
            )
        workers.run([functools.partial(one.run, todo) for one in streams], target.stop, interrupt=target.interrupt)
    sessions = target.sessions(jobs)
    indexes = [*target_steps.key_indexes(made), *target_steps.indexes(made)]
    run_steps(target, migration, "indexes", steps, (indexes, sessions))
    constraints, validations = list(target_steps.constraints(made)), list(target_steps.validations(made))
    run_steps(target, migration, "keys", steps, (constraints, sessions[:1]), (validations, sessions))


def run_steps(
    target: session.Target,
    migration: state.Migration,
    name: str,
    steps: session.Steps,
    *groups: tuple[Sequence[target_steps.Step], Sequence[postgres.Session]],
) -> None:
    """Do those steps that are not done, one group after the other, each over its sessions at once."""
    with steps.step(name, total=sum(len(todo) for todo, _ in groups), unit="steps"):
        for todo, sessions in groups:
            target_steps.run(
                sessions,
                iter(todo),
                run_id=migration.run,
                stop=target.stop,
                interrupt=target.interrupt,
                sink=steps.sink,
            )


def readers(source: sqlite.Source, made: plan.Plan, null: str, *, live: bool = False) -> stream.Readers:
    """Readers of tables over one connection, made when first asked for; `live` where the file is written to meanwhile.

    If it is not, the plan is of this very state of the file: what it found to fit is not looked at again.
    """
    connection = source.connect()

    @functools.cache
    def make(name: str) -> reader.TableReader:
        table = made.table(name)
        assert table is not None
        doubtful = frozenset(
            column.source
            for column in table.columns
            if column.misfits or (made.encoding != "UTF-8" and codec.from_spec(column.codec).inspects_text)
        )
        return reader.TableReader(
            connection, table, encoding=made.encoding, null=null, doubtful=None if live else doubtful, live=live
        )

    return make


def _advance(keeper: state.State, before: Phase, after: Phase, sink: event.Sink) -> None:
    keeper.advance(before, after)
    failpoints.hit("phase.advanced")
    sink(event.PhaseChanged(before=before, after=after))


def _drop(control: postgres.Session, keeper: state.State) -> None:
    """Drop what an earlier copy made: its tables and outgrow's own schema, in one transaction."""
    migration = keeper.migration()
    if migration.phase not in (Phase.PLANNED, Phase.COPYING, Phase.FINISHED):
        raise errors.PhaseRefused(
            f"The target holds a live migration in phase {migration.phase}",
            why="its rows may be the application's only copy",
            hint="Give it up first: outgrow abort FILE; after a switch, go back before that: outgrow rollback FILE",
        )
    with control.transaction():
        target_steps.drop_schema(control, plan_data.from_data(migration.plan))


def discard(target: session.Target) -> None:
    """Drop what a rehearsal made, as far as the connection still allows."""
    with contextlib.suppress(errors.OutgrowError), postgres.translate_errors(target.control):
        keeper = state.State(target.control)
        if keeper.exists():
            made = plan_data.from_data(keeper.migration().plan)
            with target.control.transaction():
                target_steps.drop_schema(target.control, made)


def _report(
    target: session.Target,
    keeper: state.State,
    made: plan.Plan,
    verification: verifying.VerifyReport,
    steps: session.Steps,
    resumed: int,
    repeated: bool,
    began: float,
) -> CopyReport:
    counts = keeper.quarantine_counts()
    row = target.control.execute("SELECT pg_catalog.pg_database_size(pg_catalog.current_database())").fetchone()
    return CopyReport(
        plan=made,
        target=target.dsn.masked,
        rows=sum(chunk.rows for chunk in keeper.chunks()),
        quarantined=sum(counts.values()),
        quarantine=tuple(keeper.quarantine_list(100)),
        quarantine_counts=counts,
        quarantine_groups=quarantine_sample.groups(keeper),
        notes={name: note for name, note in keeper.steps().items() if note},
        verification=verification,
        phases=steps.seconds,
        size=int(row[0]) if row else 0,
        resumed=resumed,
        repeated=repeated,
        seconds=time.monotonic() - began,
    )
