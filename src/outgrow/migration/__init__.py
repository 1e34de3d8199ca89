"""The library's front door: `check`, `make_plan`, `copy`, `verify`, `rehearse`; and live: `Engine`, `status`, `command`.

These functions wire phases together and hold no logic of their own. They raise `outgrow.errors` and tell their progress as
events to a sink.
"""

from __future__ import annotations

from outgrow.migration.checking import CheckReport, check
from outgrow.migration.commanding import command, status
from outgrow.migration.copying import CopyReport, copy
from outgrow.migration.engine import Engine
from outgrow.migration.engine import Options as EngineOptions
from outgrow.migration.planning import PlanReport, make_plan
from outgrow.migration.rehearsing import RehearseReport, rehearse
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
    "make_plan",
    "rehearse",
    "status",
    "verify",
]
