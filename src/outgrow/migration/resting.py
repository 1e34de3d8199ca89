"""What both databases say of a live migration while no engine runs."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from typing import Any

from outgrow import errors
from outgrow.audit import trail
from outgrow.migration import session
from outgrow.model.phase import Phase
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
    "ok": False,
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
                if routing.is_kept(target.control):
                    facts |= {"phase": str(Phase.FINISHED), "checks": [_over(path)]}
                elif keeper.exists():
                    facts |= {
                        "phase": str(keeper.migration().phase),
                        "quarantined": sum(keeper.quarantine_counts().values()),
                    }
                elif archive is not None and there is None:
                    epoch = trail.epoch(pathlib.Path(archive))
                    facts |= {
                        "phase": str(Phase.FINISHED),
                        "epoch": epoch,
                        "primary": "postgres",
                        "checks": [_ARCHIVED],
                    }
    except errors.OutgrowError as error:
        facts["trouble"] = f"{error.message}: {error.why}"
    return facts


def _over(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    return {
        "name": "migration",
        "ok": False,
        "found": "it is over, and nothing has to run any more; the router finds PostgreSQL by the file",
        "remedy": f"when no application uses the router: outgrow finish --drop-router {path}",
    }
