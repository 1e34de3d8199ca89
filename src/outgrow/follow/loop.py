"""The follower's work: take a batch from the primary, apply it, acknowledge it; without knowing which store is which."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from outgrow import failpoints
from outgrow.model import event, store

__all__ = ["Following", "Progress"]

LIMIT = 10_000
"""Entries of the log in one batch; when more are waiting the follower is catching up."""

UNSEEN = 1.0
"""Seconds after which a follower that has not looked at its primary may lack anything: one of the two does not answer."""

_KEPT = 1_000

Changes = TypeVar("Changes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far the follower is. `lag` is the age in seconds of the oldest change that it may lack, 0.0 when it lacks none.

    `pending` is about how many log entries it was seen to lack when it last read, None before it has read anything.
    `delays` are the last batches' seconds from the moment when their changes could be seen until they were applied.
    """

    lag: float
    behind: bool
    pending: int | None
    batches: int
    entries: int
    delays: tuple[float, ...]


class Following(Generic[Changes]):
    """A primary and its follower, in one direction.

    `equal_at` is when (monotonic clock) the follower was last known to lack nothing; by default now, for want of knowledge.
    """

    def __init__(
        self,
        primary: store.Primary[Changes],
        follower: store.Follower[Changes],
        *,
        sink: event.Sink,
        equal_at: float | None = None,
    ) -> None:
        self._primary = primary
        self._follower = follower
        self._sink = sink
        self._equal_at = time.monotonic() if equal_at is None else equal_at
        self._behind = True
        self._pending: int | None = None
        self._batches = 0
        self._entries = 0
        self._delays: collections.deque[float] = collections.deque(maxlen=_KEPT)

    def step(self, *, seen: float | None = None) -> bool:
        """Bring one batch over; whether there was anything. `seen` is when its changes could first be seen."""
        looked = time.monotonic()
        batch = self._primary.changes(LIMIT)
        if not batch.entries and not batch.changes:
            self._equal_at, self._behind, self._pending = looked, False, 0
            return False
        self._behind = True
        self._pending = batch.entries if batch.complete else self._primary.pending()
        failpoints.hit("follow.read")
        try:
            applied = self._follower.apply(batch)
        except store.Torn:
            batch = self._primary.changes(store.EVERYTHING)
            applied = self._follower.apply(batch)
        failpoints.hit("follow.applied")
        self._primary.acknowledge(batch.mark, applied)
        failpoints.hit("follow.acknowledged")
        self._batches += 1
        self._entries += batch.entries
        if batch.complete:
            self._equal_at, self._behind, self._pending = looked, False, 0
            self._delays.append(time.monotonic() - (looked if seen is None else seen))
        self._sink(
            event.BatchApplied(
                entries=batch.entries,
                complete=batch.complete,
                refused=len(applied.refusals),
                seconds=time.monotonic() - looked,
            )
        )
        return True

    def approach(self, *, check: Callable[[], None] = lambda: None) -> None:
        """Bring batches over until one had everything that was waiting; an application that writes on may be ahead again."""
        check()
        while self.step() and self._behind:
            check()

    def drain(self, *, check: Callable[[], None] = lambda: None) -> None:
        """Bring batches over until nothing is waiting."""
        while True:
            check()
            if not self.step():
                return

    @property
    def is_behind(self) -> bool:
        """Whether the last batch left something waiting."""
        return self._behind

    @property
    def equal_at(self) -> float:
        """When, by the monotonic clock, the follower lacked nothing for the last time."""
        return self._equal_at

    def progress(self) -> Progress:
        """How far the follower is; may be asked by another thread."""
        since = time.monotonic() - self._equal_at
        behind = self._behind or since > UNSEEN
        return Progress(
            lag=since if behind else 0.0,
            behind=behind,
            pending=self._pending,
            batches=self._batches,
            entries=self._entries,
            delays=tuple(self._delays),
        )
