"""The end of a migration: both databases are left, and an end that was interrupted is completed by the same command."""

from __future__ import annotations

import pathlib
import secrets
from collections.abc import Mapping
from typing import Any

from outgrow import errors, failpoints
from outgrow.audit import trail
from outgrow.migration import session
from outgrow.model import plan_data
from outgrow.model.phase import Phase, Side
from outgrow.postgres import live as postgres_live
from outgrow.postgres import routing, state
from outgrow.sqlite import live

__all__ = ["abort", "complete", "finish", "refuse_users"]


def finish(file: live.LiveFile, target: postgres_live.TargetStore, keeper: state.State) -> Mapping[str, Any]:
    """Leave both databases after the phase has moved to `finished`; the file keeps what happened beside it."""
    trail.export(keeper, _trail_of(file))
    quarantined = sum(keeper.quarantine_counts().values())
    if routing.is_wanted(target.session):
        # The file keeps its fence and says where the primary is: the application's processes go on, and new ones find it.
        if file.state() is not None:
            file.set_control("")
        failpoints.hit("end.file_clean")
        routing.keep(target.session, target.planned)
        failpoints.hit("end.target_clean")
        return _finished(file, router=True, quarantined=quarantined)
    if file.state() is not None or file.journal_mode() == "wal":
        file.archive()
    failpoints.hit("end.file_clean")
    target.remove()
    failpoints.hit("end.target_clean")
    return _finished(file, router=False, quarantined=quarantined)


def abort(file: live.LiveFile, target: postgres_live.TargetStore) -> Mapping[str, Any]:
    """Leave both databases before the switch: no trace of outgrow stays, nor do the copied tables.

    The file comes last: until then it says which target it belonged to, and can be left alone.
    """
    target.drop()
    failpoints.hit("end.target_clean")
    return _left(file)


def complete(
    file: live.LiveFile, target: session.Target, keeper: state.State, wanted: str, *, router: str = ""
) -> Mapping[str, Any] | None:
    """Do what an end left undone when its process died, None where no end was begun. `wanted` is the command that asks."""
    if routing.is_kept(target.control):
        return _over(file, target, keeper, wanted, router)
    if keeper.exists():
        migration = keeper.migration()
        there = file.state()
        if wanted == "abort" and there is not None and there.run == str(migration.run) and there.primary is Side.SQLITE:
            # Whatever became of the file's tables: nothing of them is asked for.
            with keeper.lease("abort"):
                return abort(file, _store(file, target, migration))
        if migration.phase is not Phase.FINISHED or not postgres_live.exists(target.control):
            return None
        with keeper.lease("finish"):
            return finish(file, _store(file, target, migration), state.State(target.control, run=migration.run))
    there = file.state()
    if wanted == "abort" and there is None:
        return _aborted()
    if wanted == "abort" and there is not None and there.primary is Side.SQLITE:
        return _left(file) if there.target == target.dsn.without_password else None
    if wanted == "finish" and there is None and _trail_of(file).exists():
        return _finished(file, router=False)
    if wanted and there is None:
        raise errors.PhaseRefused(
            f"{file.path} is in no live migration",
            why="neither the file nor this target knows of one",
            hint=f"Begin one: outgrow run {file.path} --to …",
        )
    return None


def _store(file: live.LiveFile, target: session.Target, migration: state.Migration) -> postgres_live.TargetStore:
    made = plan_data.from_data(migration.plan)
    return postgres_live.TargetStore(target.control, made, null=secrets.token_hex(8), sequences_there=file.sequences)


def refuse_users(file: live.LiveFile) -> None:
    """Refuse to open a file's fence while others could write to it; errors.SourceBusy."""
    others = file.users()
    if others:
        raise errors.SourceBusy(
            f"{file.path} is still open in other processes",
            why=f"process {', '.join(map(str, others))}; without the fence they could write to it again",
            hint="Restart or stop them, so that they use PostgreSQL alone; then type it again",
        )


def _over(
    file: live.LiveFile, target: session.Target, keeper: state.State, wanted: str, router: str
) -> Mapping[str, Any] | None:
    """A migration that is over and whose router stayed: it can go too, and nothing else can be done."""
    there = file.state()
    if there is None or there.run != str(keeper.migration().run):
        return None
    if wanted != "finish":
        raise errors.PhaseRefused(
            f"The migration of {file.path} is finished",
            why="PostgreSQL is the primary for good; the file stays for the router, which finds PostgreSQL by it",
            hint=f"Nothing has to run any more. When no application uses the router: outgrow finish --drop-router {file.path}",
        )
    if router != "drop":
        return _finished(file, router=True)
    refuse_users(file)
    file.archive()
    failpoints.hit("end.file_clean")
    routing.drop(target.control)
    return _finished(file, router=False)


def _left(file: live.LiveFile) -> Mapping[str, Any]:
    file.leave()
    failpoints.hit("end.file_clean")
    return _aborted()


def _aborted() -> Mapping[str, Any]:
    return {"phase": "aborted", "primary": str(Side.SQLITE)}


def _finished(file: live.LiveFile, *, router: bool, quarantined: int = 0) -> Mapping[str, Any]:
    return {
        "phase": str(Phase.FINISHED),
        "primary": str(Side.POSTGRES),
        "archive": str(file.path),
        "router": "kept" if router else "removed",
        "trail": str(_trail_of(file)),
        "quarantined": quarantined,
    }


def _trail_of(file: live.LiveFile) -> pathlib.Path:
    return file.path.with_name(file.path.name + ".outgrow.json")
