"""Doing what the protocol says: steps over the two stores, timed, and given up harmlessly before the decision."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from outgrow import errors, failpoints
from outgrow.model.phase import Side
from outgrow.switch import protocol
from outgrow.switch.protocol import Step

__all__ = ["Bounded", "File", "Switched", "Switcher", "Target"]

_GRACE = 0.5
"""Seconds more than its deadline that a switch has for giving up by itself, before the connection is broken off."""

_PATIENCE = 10.0
"""Seconds for which a target may be silent after the decision, while both stores are closed, before it is asked anew."""

Bounded = Callable[[float], contextlib.AbstractContextManager[None]]
"""A block that a silent target does not keep waiting for longer: then the connection to it is broken off."""

Says = TypeVar("Says", covariant=True)


class Switchable(Protocol[Says]):
    """A store as the protocol handles it."""

    def says(self) -> Says:
        """What the store durably says."""

    def lock(self, seconds: float) -> float:
        """Keep writers out for as long as the lock is held; since when they have been waiting (monotonic clock).

        errors.Retryable, and nothing held, where it is not to be had within `seconds`.
        """

    def release(self) -> None:
        """Let the lock go, if it is held, with whatever was not committed."""

    def fence(self, epoch: int) -> None:
        """Close the store and name the other one as primary of `epoch`, durably, and let the lock go: the decision."""

    def open(self, epoch: int) -> None:
        """Accept the application's writes as primary of `epoch`, durably."""


class File(Switchable[protocol.FileSays], Protocol):
    """The file."""


class Target(Switchable[protocol.TargetSays], Protocol):
    """The target, which is prepared before it becomes primary."""

    def prepare(self, epoch: int) -> None:
        """Make ready as primary of `epoch`, durably, still closed."""

    def set_back(self) -> None:
        """Undo a preparation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Switched:
    """A change of the primary: how many seconds nobody could write, and those of each step."""

    primary: Side
    epoch: int
    pause: float
    steps: dict[str, float]


class Switcher:
    """Brings two stores to a goal. `drain` brings the follower to the primary's last commit while the lock is held.

    `bounded` sees to it that writers are not kept waiting by a target that does not answer.
    """

    def __init__(
        self, file: File, target: Target, *, drain: Callable[[Callable[[], None]], None], bounded: Bounded
    ) -> None:
        self._file = file
        self._target = target
        self._drain = drain
        self._bounded = bounded

    def recover(self) -> bool:
        """Finish what was decided, undo what was not; whether there was anything to do."""
        done = False
        while (step := self._next(None)) is not None:
            self._perform(step, end=0.0)
            done = True
        return done

    def unfinished(self) -> bool:
        """Whether there is anything for `recover` to do."""
        return self._next(None) is not None

    def switch(self, goal: Side, *, deadline: float) -> Switched | None:
        """Make `goal` the primary, None if it is. Given up before the decision, everything is as it was.

        `deadline` is how many seconds writers may be kept waiting; errors.SourceBusy or errors.Retryable where that is
        not enough.
        """
        steps: dict[str, float] = {}
        locked = drained = False
        since = end = 0.0
        bound = contextlib.ExitStack()
        try:
            while (step := self._next(goal, locked=locked, drained=drained)) is not None:
                entered = time.monotonic()
                if step is Step.LOCK:
                    end = entered + deadline
                    bound.enter_context(self._bounded(deadline + _GRACE))
                    since = entered = self._lock(deadline)
                elif step in (Step.DRAIN, Step.PREPARE, Step.FENCE) and entered > end:
                    raise _too_slow(step, deadline)
                else:
                    self._perform(step, end=end)
                steps[step] = steps.get(step, 0.0) + time.monotonic() - entered
                locked = locked or step is Step.LOCK
                drained = drained or step is Step.DRAIN
                if step is Step.FENCE:
                    locked = drained = False
                    bound.close()
                    bound.enter_context(self._bounded(_PATIENCE))
        except BaseException:
            self._give_up()
            raise
        finally:
            bound.close()
        if not steps:
            return None
        return Switched(
            primary=goal, epoch=self._file.says().epoch, pause=time.monotonic() - since if since else 0.0, steps=steps
        )

    def _next(self, goal: Side | None, *, locked: bool = False, drained: bool = False) -> Step | None:
        return protocol.next_step(self._file.says(), self._target.says(), goal, locked=locked, drained=drained)

    def _primary(self) -> File | Target:
        return self._file if self._file.says().primary is Side.SQLITE else self._target

    def _lock(self, seconds: float) -> float:
        since = self._primary().lock(seconds)
        failpoints.hit("switch.locked")
        return since

    def _perform(self, step: Step, *, end: float) -> None:
        match step:
            case Step.DRAIN:
                self._drain(lambda: _check(end))
                failpoints.hit("switch.drained")
            case Step.PREPARE:
                self._target.prepare(self._target.says().epoch + 1)
                failpoints.hit("switch.prepared")
            case Step.FENCE:
                failpoints.hit("switch.fencing")
                self._primary().fence(self._file.says().epoch + 1)
                failpoints.hit("switch.fenced")
            case Step.OPEN_TARGET:
                failpoints.hit("switch.opening")
                self._target.open(self._file.says().epoch)
                failpoints.hit("switch.opened")
            case Step.OPEN_FILE:
                failpoints.hit("switch.opening")
                self._file.open(self._target.says().epoch)
                failpoints.hit("switch.opened")
            case Step.SET_BACK:
                self._target.set_back()
                failpoints.hit("switch.set_back")

    def _give_up(self) -> None:
        """Let the locks go; what is prepared is set back by the next recovery."""
        for store in (self._file, self._target):
            with contextlib.suppress(errors.OutgrowError):
                store.release()


def _too_slow(step: Step, deadline: float) -> errors.Retryable:
    return errors.Retryable(
        f"The switch was given up before its decision: no time left to {step}",
        why=f"writers were kept waiting for the {deadline:g} s that were allowed",
        hint="Nothing changed. Try again when the follower is closer, or with a longer --deadline",
    )


def _check(end: float) -> None:
    if time.monotonic() > end:
        raise errors.Retryable(
            "The switch was given up before its decision: the follower was too far behind",
            why="draining took longer than writers may be kept waiting",
            hint="Nothing changed. Try again when the follower is closer, or with a longer --deadline",
        )
