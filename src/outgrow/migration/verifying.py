"""`outgrow verify`: hold the target against the file, value by value."""

from __future__ import annotations

import dataclasses
import datetime
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from outgrow import errors
from outgrow.migration import commanding, control, quarantine_sample, session, standing
from outgrow.model import event, plan, plan_data
from outgrow.model.phase import Phase
from outgrow.postgres import connection as postgres
from outgrow.postgres import dsn, state
from outgrow.postgres import steps as target_steps
from outgrow.sqlite import connection as sqlite
from outgrow.sqlite import file_state, schema
from outgrow.verify import compare, run

__all__ = ["VerifyReport", "verify", "verify_target"]


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyReport:
    """A verification: rows of the file that were compared, those rightly in quarantine, and every difference.

    `quarantine_groups` is what is in quarantine now. `file_changed` says how the file's state differs from the one that was
    copied; it is empty where it does not. `live` is whether the file is in a live migration, whose differences can be
    repaired; `repaired` is how many were.
    """

    rows: int
    tables: int
    quarantined: int
    differences: tuple[compare.Difference, ...]
    results: tuple[compare.TableResult, ...]
    seconds: float
    quarantine_groups: tuple[quarantine_sample.Group, ...] = ()
    file_changed: str = ""
    live: bool = False
    repaired: int = 0


def verify_target(
    planned: plan.Plan, source: sqlite.Source, target: session.Target, *, jobs: int, steps: session.Steps
) -> VerifyReport:
    """Verify over a target that is open."""
    began = time.monotonic()
    _refuse_drift(planned, source, target)
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


def _refuse_drift(planned: plan.Plan, source: sqlite.Source, target: session.Target) -> None:
    """Refuse to compare what no longer has the shape that the plan gave it."""
    changed = target_steps.drift(target.control, planned)
    changed += [one for one in target_steps.strange(target.control, planned) if one.startswith("column ")]
    if changed:
        raise errors.TargetUnfit(
            "The target's tables are no longer those of the plan",
            why="; ".join(changed[:5]) + (f"; and {len(changed) - 5} more" if len(changed) > 5 else ""),
            hint="Undo these changes, or copy anew: outgrow copy FILE --to … --restart",
        )
    with sqlite.translate_errors(source.path):
        database = schema.read(source.main)
    gone = []
    for planned_table in planned.tables:
        table = database.table(planned_table.source)
        if table is None:
            gone.append(f"table {planned_table.source}")
            continue
        names = {column.name for column in table.columns}
        gone += [f"column {table.name}.{c.source}" for c in planned_table.columns if c.source not in names]
    if gone:
        raise errors.SourceChanged(
            f"{source.path} no longer has what was copied",
            why=f"missing in the file: {', '.join(gone[:5])}{f' and {len(gone) - 5} more' if len(gone) > 5 else ''}",
            hint="Name the file that was copied, or copy anew: outgrow copy FILE --to … --restart",
        )


def verify(
    path: str | os.PathLike[str],
    to: str | None = None,
    *,
    jobs: int = 2,
    repair: bool = False,
    sink: event.Sink = event.ignore,
) -> VerifyReport:
    """Compare a file with the target that holds its migration; while an engine follows the file, it does the work.

    A file in a live migration knows its target, which need not be named then. `repair` brings the rows that differ over again
    as the primary has them, and compares everything once more.

    Raises errors.Refused where the target holds none, or one of another file, and where there is nothing to be repaired from.
    """
    there = file_state.peek(path)
    live = there is not None
    if repair:
        if not live:
            raise errors.PhaseRefused(
                f"{path} is in no live migration",
                why="only the follower of a live migration can be brought a row over again",
                hint=f"Copy the file as it is now: outgrow copy {path} --to … --restart",
            )
        return _ask(lambda: commanding.command(path, to, "verify", {"repair": True}, sink=sink))
    if live:
        followed = _ask_engine(path, to)
        if followed is not None:
            return followed
    with (
        sqlite.open_source(path) as source,
        session.Target(standing.target(path, to), "verify") as target,
        postgres.translate_errors(target.control),
    ):
        keeper = state.State(target.control)
        if not keeper.exists():
            if there is not None and not (own := dsn.parse(there.target)).same_place(target.dsn):
                raise standing.another_target(path, own.masked, target.dsn.masked)
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
        planned = plan_data.from_data(migration.plan)
        if migration.phase in (Phase.PLANNED, Phase.COPYING) and not live:
            _refuse_unfinished(path, planned, keeper)
        report = verify_target(planned, source, target, jobs=jobs, steps=session.Steps(sink))
        report = dataclasses.replace(report, quarantine_groups=quarantine_sample.groups(keeper))
        if migration.phase not in (Phase.COPYING, Phase.FINISHED):
            return dataclasses.replace(report, live=live)
        return dataclasses.replace(report, file_changed=_changed(migration.fingerprint, source))


def _refuse_unfinished(path: str | os.PathLike[str], planned: plan.Plan, keeper: state.State) -> None:
    """Refuse to compare what an interrupted copy has not brought over yet."""
    done = keeper.steps()
    if all(step.name in done for step in target_steps.validations(planned)):
        return
    rows = sum(chunk.rows + chunk.quarantined for chunk in keeper.chunks())
    raise errors.NotReady(
        f"The copy is not complete: it has {rows:,} of {planned.rows:,} rows",
        why="it was interrupted before its end",
        hint=f"The same command continues it: outgrow copy {path} --to …",
    )


def _ask_engine(path: str | os.PathLike[str], to: str | None) -> VerifyReport | None:
    """What the engine that follows the file finds in a round made now; None where none answers."""
    there = file_state.peek(path)
    if there is None or not there.control:
        return None
    try:
        return _ask(lambda: control.ask(there.control, "verify", target=to))
    except errors.EngineMissing:
        return None


def _ask(question: Callable[[], Mapping[str, Any]]) -> VerifyReport:
    began = time.monotonic()
    found = question()
    differences = [compare.Difference(**{**one, "kind": compare.Kind(one["kind"])}) for one in found["differences"]]
    return VerifyReport(
        rows=found["rows"],
        tables=found["tables"],
        quarantined=found["quarantined"],
        differences=tuple(differences),
        results=(),
        seconds=time.monotonic() - began,
        quarantine_groups=quarantine_sample.told(found["quarantine_groups"]),
        live=True,
        repaired=found["repaired"],
    )


def _changed(copied: Mapping[str, Any], source: sqlite.Source) -> str:
    """How the file's fingerprint differs from that of the state that was copied."""
    now = dataclasses.asdict(source.fingerprint())
    return "" if now == dict(copied) else f"then {_described(copied)}; now {_described(now)}"


def _described(fingerprint: Mapping[str, Any]) -> str:
    """A fingerprint in words; times have milliseconds, because a small file is changed within one second."""

    def of(size: int, modified: int) -> str:
        at = datetime.datetime.fromtimestamp(modified / 1e9, datetime.UTC)
        return f"{size:,} bytes of {at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03} UTC"

    log = fingerprint["wal_size"]
    file_state = of(fingerprint["size"], fingerprint["modified"])
    return f"{file_state} with a log of {of(log, fingerprint['wal_modified'])}" if log else file_state
