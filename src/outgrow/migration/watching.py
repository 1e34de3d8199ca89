"""What an engine knows of itself, kept so that `status` is answered at once, whatever the engine and PostgreSQL are doing."""

from __future__ import annotations

import collections
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from outgrow import errors
from outgrow.follow import loop
from outgrow.model import event, plan
from outgrow.model.phase import Phase, Side

__all__ = ["FRESH", "Check", "View"]

CLOSE = 1.0
"""Seconds of lag with which a switch may begin."""

FRESH = 3600.0
"""Seconds for which a verification counts."""

_RATE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One condition of a switch: whether it holds, what was found, and what to do where it does not."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


_UNSEEN = Check(
    name="shape", ok=False, found="the target was not looked at yet", remedy="Wait: outgrow status FILE --watch"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """A round of verification: when it ended (monotonic clock), and what it found."""

    at: float
    rows: int
    differences: int
    seconds: float


class View:
    """Facts from the engine's events, and the answers made of them; every method may be called by any thread."""

    def __init__(self, source: str) -> None:
        self._lock = threading.Lock()
        self.source = source
        self.target = ""
        self.phase: Phase | None = None
        self.epoch = 0
        self.primary = Side.SQLITE
        self.step = ""
        self.rows_planned = 0
        self.rows_copied = 0
        self.copy_began = 0.0
        self.quarantined = 0
        self.trouble: errors.OutgrowError | None = None
        self.verified: Verified | None = None
        self.standing: tuple[Check, ...] = ()
        self.suspects = 0
        self._following: loop.Following[Any] | None = None
        self._applied: collections.deque[tuple[float, int]] = collections.deque()

    def begin(self, planned: plan.Plan, phase: Phase, target: str) -> None:
        """A migration was begun or found."""
        with self._lock:
            self.phase, self.target, self.rows_planned = phase, target, planned.rows

    def direct(self, primary: Side, epoch: int, following: loop.Following[Any]) -> None:
        """The engine follows in this direction now."""
        with self._lock:
            self.primary, self.epoch, self._following = primary, epoch, following

    def equal_at(self, primary: Side, epoch: int) -> float | None:
        """When the follower of this epoch lacked nothing for the last time, over earlier connections; None if unknown."""
        with self._lock:
            same = self._following is not None and (self.primary, self.epoch) == (primary, epoch)
            return self._following.equal_at if same and self._following is not None else None

    def hear(self, happened: event.Event) -> None:
        """Take note of an event."""
        with self._lock:
            match happened:
                case event.PhaseChanged(after=after):
                    self.phase = Phase(after)
                case event.StepStarted(step=step, done=done):
                    self.step = step
                    if step == "copy":
                        self.rows_copied, self.copy_began = done, time.monotonic()
                case event.StepDone():
                    self.step = ""
                case event.ChunkCopied(rows=rows):
                    self.rows_copied += rows
                case event.RowsQuarantined(rows=rows):
                    self.quarantined += rows
                case event.BatchApplied(entries=entries):
                    now = time.monotonic()
                    self._applied.append((now, entries))
                    while self._applied and self._applied[0][0] < now - _RATE_SECONDS:
                        self._applied.popleft()

    def differences(self) -> int:
        """How many differences the last round found."""
        return self.verified.differences if self.verified is not None else 0

    def checks(self) -> tuple[Check, ...]:
        """Every condition of a switch, as it stands at this moment."""
        progress = self._following.progress() if self._following is not None else None
        phase = self.phase
        following = phase in (Phase.FOLLOWING, Phase.SWITCHED) and self.trouble is None
        lag = progress.lag if progress is not None else 0.0
        if self.trouble is not None:
            found, remedy = f"{self.trouble.message}: {self.trouble.why}", self.trouble.hint
        elif not following:
            found, remedy = f"the migration is {phase}", "Wait for the copy"
        else:
            found, remedy = f"{lag:.3f} s behind", "Wait; look at the rates: outgrow status FILE --watch"
        near = following and progress is not None and lag <= CLOSE
        checks = [Check(name="lag", ok=near, found=found, remedy="" if near else remedy)]
        verified = self.verified
        if self.suspects:
            fresh, found = False, f"{self.suspects} tables are being compared again"
            remedy = "Wait; outgrow status FILE --watch"
        elif verified is None:
            fresh, found, remedy = False, "no round is complete yet", "Wait for it, or ask: outgrow verify FILE"
        else:
            age = time.monotonic() - verified.at
            fresh = verified.differences == 0 and age < FRESH
            found = f"{verified.rows:,} rows, {verified.differences:,} differences, {age:.0f} s ago"
            remedy = "outgrow verify FILE"
            if verified.differences:
                remedy = (
                    "Look at them: outgrow verify FILE; then bring these rows over again: outgrow verify FILE --repair"
                )
        checks.append(Check(name="verification", ok=fresh, found=found, remedy="" if fresh else remedy))
        empty = self.quarantined == 0
        checks.append(
            Check(
                name="quarantine",
                ok=empty,
                found="1 row" if self.quarantined == 1 else f"{self.quarantined:,} rows",
                remedy=""
                if empty
                else "Repair these rows where they are (outgrow.quarantine at the target names them), or accept that they stay"
                f" behind: outgrow {self._next()} FILE --accept-quarantine",
            )
        )
        return (*checks, *(self.standing or (_UNSEEN,)))

    def _next(self) -> str:
        """The transition that comes next."""
        return "switch" if self.primary is Side.SQLITE else "rollback"

    def wanted(self) -> list[Check]:
        """The conditions of the next transition. A rollback is for a bad hour: it asks for nothing that takes time."""
        checks = self.checks()
        if self.primary is Side.SQLITE:
            return list(checks)
        names = {"lag", "quarantine", "shape"}
        if self.suspects or self.differences():
            names.add("verification")  # what was missed would be lost for good
        return [check for check in checks if check.name in names]

    def status(self) -> Mapping[str, Any]:
        """The answer to `status`."""
        checks = self.wanted()
        with self._lock:
            progress = self._following.progress() if self._following is not None else None
            now = time.monotonic()
            span = min(_RATE_SECONDS, max(now - self._applied[0][0], 0.001)) if self._applied else _RATE_SECONDS
            rate = sum(entries for _, entries in self._applied) / span
            delays = sorted(progress.delays) if progress is not None else []
            left = max(self.rows_planned - self.rows_copied, 0)
            copying = self.phase is Phase.COPYING and self.step == "copy"
            speed = self.rows_copied / max(now - self.copy_began, 0.001) if copying else 0.0
            verified = self.verified
            return {
                "engine": True,
                "source": self.source,
                "target": self.target,
                "phase": str(self.phase) if self.phase is not None else "planned",
                "step": self.step,
                "epoch": self.epoch,
                "primary": str(self.primary),
                "lag_seconds": round(progress.lag, 6) if progress is not None else None,
                "pending_changes": progress.pending if progress is not None else None,
                "changes_per_second": round(rate, 1),
                "delay_ms": {
                    "p50": round(delays[len(delays) // 2] * 1000, 3),
                    "p99": round(delays[min(len(delays) - 1, len(delays) * 99 // 100)] * 1000, 3),
                }
                if delays
                else None,
                "rows": max(self.rows_planned, self.rows_copied),
                "rows_copied": self.rows_copied,
                "eta_seconds": round(left / speed, 1) if speed else None,
                "quarantined": self.quarantined,
                "verification": {
                    "rows": verified.rows,
                    "differences": verified.differences,
                    "seconds": round(verified.seconds, 3),
                    "age_seconds": round(now - verified.at, 1),
                }
                if verified is not None
                else None,
                "trouble": self.trouble.message if self.trouble is not None else None,
                "next": self._next(),
                "ready": all(check.ok for check in checks),
                "checks": [
                    {"name": check.name, "ok": check.ok, "found": check.found, "remedy": check.remedy}
                    for check in checks
                ],
            }
