"""Facts that happened, one frozen class each; audit log, progress bars and metrics are sinks of the same stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = [
    "BatchApplied",
    "CaptureRepaired",
    "ChunkCopied",
    "ChunkVerified",
    "DifferenceFound",
    "Event",
    "Notice",
    "PhaseChanged",
    "PrimaryChanged",
    "RowsQuarantined",
    "RowsRepaired",
    "Sink",
    "StepDone",
    "StepStarted",
    "TableStarted",
    "VerificationDone",
    "ignore",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepStarted(Event):
    """A step of the work begins; `total` is the number of its units (rows, indexes), 0 if unknown."""

    step: str
    total: int = 0
    done: int = 0
    unit: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepDone(Event):
    """A step ended after `seconds`."""

    step: str
    seconds: float
    units: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseChanged(Event):
    """The migration moved to another phase."""

    before: str
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TableStarted(Event):
    """Work on a table began within a step."""

    step: str
    table: str
    rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkCopied(Event):
    """A chunk of a table is committed at the target: `rows` rows, `size` bytes of COPY text."""

    table: str
    rows: int
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkVerified(Event):
    """A chunk's digests were compared."""

    table: str
    rows: int
    equal: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RowsQuarantined(Event):
    """Rows of a table do not fit and are kept in the quarantine."""

    table: str
    rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchApplied(Event):
    """The follower has another batch: `entries` of the log; `complete` if nothing was waiting behind it."""

    entries: int
    complete: bool
    refused: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PrimaryChanged(Event):
    """The primary is another store, as of `epoch`; the write pause, and the seconds of each of its steps."""

    epoch: int
    primary: str
    pause: float
    steps: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptureRepaired(Event):
    """Capture was lost for tables (a rebuild, a dropped trigger) and is installed again; they are compared and repaired."""

    tables: tuple[str, ...]
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RowsRepaired(Event):
    """Rows of a table differed and are brought over again; `keys` are the first of them, as SQL literals."""

    table: str
    rows: int
    keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationDone(Event):
    """A round of verification over all tables ended."""

    rows: int
    differences: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice(Event):
    """Something that somebody who watches should read."""

    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DifferenceFound(Event):
    """The two sides differ in one row; `kind` is missing, extra or value."""

    table: str
    key: str
    kind: str
    column: str = ""


Sink = Callable[[Event], None]
"""Something that hears of events, from any thread."""


def ignore(event: Event) -> None:
    """A sink that keeps nothing."""
