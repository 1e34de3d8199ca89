"""The library's front door: `check`, `make_plan`, `copy`, `verify`, `rehearse`; and live: `Engine`, `status`, `command`.

These functions wire phases together and hold no logic of their own. They raise `outgrow.errors` and tell their progress as
events to a sink. A module is loaded when one of its names is first used: `status` needs no driver and no planner.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outgrow.migration.checking import CheckReport, check
    from outgrow.migration.commanding import command
    from outgrow.migration.copying import CopyReport, copy
    from outgrow.migration.engine import Engine, EngineOptions
    from outgrow.migration.planning import PlanReport, default_plan_path, make_plan, overrides_for
    from outgrow.migration.rehearsing import RehearseReport, rehearse
    from outgrow.migration.standing import status
    from outgrow.migration.verifying import VerifyReport, verify

__all__ = [
    "CheckReport",
    "CopyReport",
    "Engine",
    "EngineOptions",
    "PlanReport",
    "RehearseReport",
    "VerifyReport",
    "check",
    "command",
    "copy",
    "default_plan_path",
    "make_plan",
    "overrides_for",
    "own_process",
    "rehearse",
    "status",
    "verify",
]

_MODULES = {
    "checking": ("CheckReport", "check"),
    "commanding": ("command",),
    "copying": ("CopyReport", "copy"),
    "engine": ("Engine", "EngineOptions"),
    "planning": ("PlanReport", "default_plan_path", "make_plan", "overrides_for"),
    "rehearsing": ("RehearseReport", "rehearse"),
    "standing": ("status",),
    "verifying": ("VerifyReport", "verify"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def own_process() -> bool:
    """Set SQLite's library up for a process that is outgrow's own; whether it was in time: nothing may be open yet."""
    from outgrow.sqlite import library

    return library.allocate_without_counting()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
