"""`outgrow rehearse`: the whole job on a private snapshot, so that the answer is known before anything is at stake."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import shutil
import tempfile
import time
from dataclasses import dataclass

from outgrow import errors
from outgrow.migration import checking, copying, planning, session
from outgrow.model import event
from outgrow.postgres import connection as postgres
from outgrow.postgres import embedded, state
from outgrow.sqlite import connection, snapshot

__all__ = ["RehearseReport", "rehearse"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RehearseReport:
    """A rehearsal: what the check found, what the copy and its verification came to, and how long each took."""

    check: checking.CheckReport
    copy: copying.CopyReport
    server: str
    snapshot_seconds: float
    seconds: float


def rehearse(
    path: str | os.PathLike[str],
    *,
    to: str | None = None,
    target_schema: str = "public",
    plan_path: str | os.PathLike[str] | None = None,
    jobs: int = 2,
    sink: event.Sink = event.ignore,
) -> RehearseReport:
    """Check, plan, copy and verify a private snapshot of a file, by default into an embedded PostgreSQL that then vanishes.

    The file may be in use; it and its directory stay untouched. What is made in the database `to` is dropped again.
    Raises errors.SourceCorrupt for a damaged file, errors.TargetOccupied where `to` holds a migration.
    """
    began = time.monotonic()
    path = pathlib.Path(path)
    overrides = planning.overrides_for(path, plan_path)
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="outgrow-rehearsal-")))
        with connection.open_source(path) as original:
            sink(event.StepStarted(step="snapshot"))
            _refuse_too_large(original, directory)
            copied = snapshot.take(original, directory / "snapshot.db")
            name, journal_mode = original.name, original.main.pragma("journal_mode")
        snapshot_seconds = time.monotonic() - began
        sink(event.StepDone(step="snapshot", seconds=snapshot_seconds))
        checked = checking.check(copied, sink=sink, overrides=overrides)
        # The snapshot differs from the file in nothing but this.
        database = dataclasses.replace(checked.database, journal_mode=journal_mode)
        checked = dataclasses.replace(checked, database=database)
        if checked.plan is None:
            raise errors.SourceCorrupt(
                f"{path} is damaged",
                why=checked.integrity[0],
                hint=f"See the whole list: outgrow check {path}",
            )
        if to is None:
            sink(event.StepStarted(step="server"))
            server = stack.enter_context(embedded.server())
            sink(event.StepDone(step="server", seconds=0.0))
            to = server.dsn
        source = stack.enter_context(connection.open_source(copied))
        target = stack.enter_context(session.Target(to, "rehearse"))
        _refuse_migration(target)
        stack.callback(copying.discard, target)
        done = copying.copy_opened(
            source,
            target,
            target_schema=target_schema,
            overrides=overrides,
            jobs=jobs,
            restart=False,
            sink=sink,
            name=name,
        )
        return RehearseReport(
            check=checked,
            copy=done,
            server=target.facts.version.split(" on ")[0],
            snapshot_seconds=snapshot_seconds,
            seconds=time.monotonic() - began,
        )


def _refuse_migration(target: session.Target) -> None:
    with postgres.translate_errors(target.control):
        if state.State(target.control).exists():
            raise errors.TargetOccupied(
                f"{target.dsn.masked} holds a migration",
                why="a rehearsal needs a database without one, and takes everything it made away again",
                hint="Rehearse in another database, or in the embedded PostgreSQL: leave --to and OUTGROW_TO out",
            )


def _refuse_too_large(source: connection.Source, directory: pathlib.Path) -> None:
    needed = source.path.stat().st_size
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise errors.OutOfSpace(
            f"A snapshot needs {needed / 2**20:,.0f} MB, and {directory.parent} has {free / 2**20:,.0f} MB free",
            hint="Set TMPDIR to a larger disk",
        )
