"""The error tree: each leaf says what happened, why, and the next command to type.

    OutgrowError
    ├── Usage                      exit 4: the command line or the plan file is wrong
    │   ├── PlanInvalid
    │   └── TargetMissing
    ├── Refused                    exit 2: nothing was changed; the hint is the remedy
    │   ├── SourceUnreadable
    │   ├── SourceCorrupt
    │   ├── SourceChanged
    │   ├── SourceRewound
    │   ├── SourceInUse
    │   ├── StoresDisagree
    │   ├── NotReady
    │   ├── TargetOccupied
    │   ├── TargetUnfit
    │   ├── TargetBusy
    │   ├── MissingDependency
    │   ├── PhaseRefused
    │   └── SchemaRefused
    ├── Retryable                  exit 3: type the same command again
    │   ├── TargetUnreachable
    │   ├── TargetLost
    │   ├── SourceBusy
    │   ├── EngineMissing
    │   └── OutOfSpace
    └── Internal                   exit 70: a defect in outgrow

Exit 0 is *done*; exit 1 is *done, but not everything arrives as it is* (differences, rows in quarantine, findings of severity
error) and is not an error.
"""

from __future__ import annotations

__all__ = [
    "EngineMissing",
    "Internal",
    "MissingDependency",
    "NotReady",
    "OutOfSpace",
    "OutgrowError",
    "PhaseRefused",
    "PlanInvalid",
    "Refused",
    "Retryable",
    "SchemaRefused",
    "SourceBusy",
    "SourceChanged",
    "SourceCorrupt",
    "SourceInUse",
    "SourceRewound",
    "SourceUnreadable",
    "StoresDisagree",
    "TargetBusy",
    "TargetLost",
    "TargetMissing",
    "TargetOccupied",
    "TargetUnfit",
    "TargetUnreachable",
    "Usage",
]


class OutgrowError(Exception):
    """Base of every error that outgrow raises on purpose.

    `message` is what happened, `why` the cause, `hint` the next command or act, `retry` whether the
    same command may succeed unchanged.
    """

    code = "error"
    exit_code = 70
    retry = False

    def __init__(self, message: str, *, why: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        return ". ".join(part.rstrip(".") for part in (self.message, self.why, self.hint) if part)


class Usage(OutgrowError):
    """The command cannot be understood."""

    code = "usage"
    exit_code = 4


class PlanInvalid(Usage):
    """The plan file has a mistake, or was edited outside its overrides."""

    code = "plan_invalid"


class TargetMissing(Usage):
    """No target was named."""

    code = "target_missing"


class Refused(OutgrowError):
    """outgrow will not do this; nothing was changed."""

    code = "refused"
    exit_code = 2


class SourceUnreadable(Refused):
    """The file is missing, not a SQLite database, encrypted, or not readable for this user."""

    code = "source_unreadable"


class SourceCorrupt(Refused):
    """The integrity check of the file failed."""

    code = "source_corrupt"


class SourceChanged(Refused):
    """The file changed while it was being copied, or since the copy began."""

    code = "source_changed"


class SourceRewound(Refused):
    """The file is an older state of the one that was followed: a copy was put in its place, or commits were lost."""

    code = "source_rewound"


class SourceInUse(Refused):
    """The file is open in this very process through another SQLite library."""

    code = "source_in_use"


class StoresDisagree(Refused):
    """What the file and the target say of the migration does not belong together."""

    code = "stores_disagree"


class NotReady(Refused):
    """A check that must pass before a switch did not."""

    code = "not_ready"


class SchemaRefused(Refused):
    """The file's schema cannot exist in PostgreSQL (for instance more than 1,600 columns)."""

    code = "schema_refused"


class TargetOccupied(Refused):
    """The target holds data that is not this migration's."""

    code = "target_occupied"


class TargetUnfit(Refused):
    """The target lacks a privilege, an extension, an encoding or a version."""

    code = "target_unfit"


class TargetBusy(Refused):
    """Another outgrow process works on this target."""

    code = "target_busy"


class MissingDependency(Refused):
    """An optional dependency is not installed."""

    code = "missing_dependency"


class PhaseRefused(Refused):
    """The move is not legal in the migration's phase."""

    code = "phase_refused"


class Retryable(OutgrowError):
    """The same command may succeed when typed again; what was done is kept."""

    code = "retryable"
    exit_code = 3
    retry = True


class TargetUnreachable(Retryable):
    """No connection to PostgreSQL could be made."""

    code = "target_unreachable"


class TargetLost(Retryable):
    """The connection to PostgreSQL broke during the work."""

    code = "target_lost"


class SourceBusy(Retryable):
    """The file is locked by another process for longer than the deadline."""

    code = "source_busy"


class EngineMissing(Retryable):
    """No engine answers for the file, or it went away before it answered."""

    code = "engine_missing"


class OutOfSpace(Retryable):
    """A disk is full."""

    code = "out_of_space"


class Internal(OutgrowError):
    """A defect in outgrow: please report it."""

    code = "internal"
