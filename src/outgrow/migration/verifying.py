"""`outgrow verify`: hold the target against the file, value by value."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from outgrow import errors
from outgrow.migration import session
from outgrow.model import event, plan
from outgrow.plan import file
from outgrow.postgres import connection as postgres
from outgrow.postgres import state
from outgrow.sqlite import connection as sqlite
from outgrow.verify import compare, run

__all__ = ["VerifyReport", "verify", "verify_target"]


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyReport:
    """A verification: rows of the file that were compared, those rightly in quarantine, and every difference."""

    rows: int
    tables: int
    quarantined: int
    differences: tuple[compare.Difference, ...]
    results: tuple[compare.TableResult, ...]
    seconds: float


def verify_target(
    planned: plan.Plan, source: sqlite.Source, target: session.Target, *, jobs: int, steps: session.Steps
) -> VerifyReport:
    """Verify over a target that is open."""
    began = time.monotonic()
    with steps.step("verify", total=planned.rows, unit="rows"), sqlite.translate_errors(source.path):
        result = run.verify(
            planned,
            source,
            target.sessions(jobs),
            stop=target.stop,
            interrupt=target.interrupt,
            sink=steps.sink,
        )
    return VerifyReport(
        rows=result.rows,
        tables=len(result.tables),
        quarantined=result.quarantined,
        differences=result.differences,
        results=result.tables,
        seconds=time.monotonic() - began,
    )


def verify(path: str | os.PathLike[str], to: str, *, jobs: int = 2, sink: event.Sink = event.ignore) -> VerifyReport:
    """Compare a file with the target that holds its migration.

    Raises errors.Refused where the target holds none, or one of another file.
    """
    with (
        sqlite.open_source(path) as source,
        session.Target(to, "verify") as target,
        postgres.translate_errors(target.control),
    ):
        keeper = state.State(target.control)
        if not keeper.exists():
            raise errors.TargetUnfit(
                f"{target.dsn.masked} holds no migration",
                why="there is no schema outgrow in it",
                hint=f"Copy first: outgrow copy {path} --to …",
            )
        migration = keeper.migration()
        if migration.source != source.name:
            raise errors.TargetOccupied(
                f"The target holds a migration of {migration.source}, not of {source.name}",
                why="verification compares a file with its own migration",
                hint="Name that file, or the database of this one",
            )
        planned = file.from_data(migration.plan)
        return verify_target(planned, source, target, jobs=jobs, steps=session.Steps(sink))
