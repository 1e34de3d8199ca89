"""What both databases say of a live migration while no engine runs."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from typing import Any

from outgrow import errors
from outgrow.audit import trail
from outgrow.migration import session, standing
from outgrow.model.phase import Phase, Side
from outgrow.postgres import connection as postgres
from outgrow.postgres import dsn, routing, state
from outgrow.sqlite import file_state

__all__ = ["status"]

_OF_AN_ENGINE = (
    "lag_seconds",
    "pending_changes",
    "changes_per_second",
    "delay_ms",
    "rows",
    "rows_copied",
    "eta_seconds",
    "verification",
)
"""Facts that only an engine knows."""

_ARCHIVED = {
    "name": "migration",
    "ok": True,
    "found": "it is finished; PostgreSQL is the primary for good, and this file is the archive",
    "remedy": "nothing has to run any more; the application uses PostgreSQL",
}


def status(
    path: str | os.PathLike[str], to: str, there: file_state.FileState | None, *, archive: str | None
) -> Mapping[str, Any]:
    """The same facts as an engine tells, as far as they are known; a target out of reach is told as trouble.

    `archive` is the trail beside a file that a finished migration left; if the target knows nothing either, it is over.
    """
    facts: dict[str, Any] = {
        "engine": False,
        "source": pathlib.Path(path).name,
        "target": dsn.parse(to).masked,
        "phase": str(Phase.PLANNED),
        "epoch": there.epoch if there else 0,
        "primary": str(there.primary) if there else "sqlite",
        "step": "",
        **dict.fromkeys(_OF_AN_ENGINE),
        "quarantined": None,
        "next": "rollback" if there and there.primary is Side.POSTGRES else "switch",
        "ready": False,
        "trouble": None,
        "checks": [
            {
                "name": "engine",
                "ok": False,
                "found": "no engine runs, so nothing is followed",
                "remedy": f"outgrow run {path}",
            }
        ],
    }
    try:
        with session.Target(to, "status") as target:
            keeper = state.State(target.control)
            with postgres.translate_errors(target.control):
                kept = routing.is_kept(target.control)
                found = keeper.migration() if kept or keeper.exists() else None
                if there is not None and (found is None or str(found.run) != there.run):
                    own = dsn.parse(there.target)
                    if found is not None or not own.same_place(target.dsn):
                        raise standing.another_target(path, own.masked, target.dsn.masked)
                    facts |= {"trouble": "The target knows nothing of this migration", "checks": [_left(path)]}
                elif kept:
                    facts |= {"phase": str(Phase.FINISHED), "next": "", "checks": [_over(path)]}
                elif found is not None:
                    facts |= {
                        "phase": str(found.phase),
                        "quarantined": sum(keeper.quarantine_counts().values()),
                    }
                    if there is None and found.fingerprint:
                        facts |= _copied(path, found.phase)
                elif archive is not None and there is None:
                    epoch = trail.epoch(pathlib.Path(archive))
                    facts |= {
                        "phase": str(Phase.FINISHED),
                        "epoch": epoch,
                        "primary": "postgres",
                        "next": "",
                        "checks": [_ARCHIVED],
                    }
    except errors.StoresDisagree:
        raise
    except errors.OutgrowError as error:
        facts["trouble"] = f"{error.message}: {error.why}"
    return facts


def _over(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    return {
        "name": "migration",
        "ok": True,
        "found": "it is over, and nothing has to run any more; the router finds PostgreSQL by the file",
        "remedy": f"when no application uses the router: outgrow finish --drop-router {path}",
    }


def _left(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    return {
        "name": "target",
        "ok": False,
        "found": "the target knows nothing of this migration: it was given up, or is another server",
        "remedy": f"outgrow abort {path}",
    }


def _copied(path: str | os.PathLike[str], phase: Phase) -> Mapping[str, Any]:
    """The facts of a copy of a file at rest, which nothing follows."""
    complete = phase is Phase.FINISHED
    check = {
        "name": "copy",
        "ok": complete,
        "found": "of a file at rest, complete; nothing follows it" if complete else "of a file at rest, not complete",
        "remedy": "" if complete else f"outgrow copy {path} --to …",
    }
    return {"next": "", "checks": [check]}
