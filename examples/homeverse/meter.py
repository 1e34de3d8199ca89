"""What the answers say: how many, how many failed, and how long they took, by stretches of the story."""

from __future__ import annotations

import bisect
import collections
import dataclasses
import threading
import time
from collections.abc import Sequence

from examples.homeverse import load

WINDOW = 5.0
"""Seconds that the live figures look back."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figures:
    """Of some answers; milliseconds from the moment at which a request was due."""

    requests: int
    failed: int
    p50: float
    p99: float
    longest: float

    @classmethod
    def of(cls, answers: Sequence[load.Answer]) -> Figures:
        found = load.percentiles([answer.took for answer in answers])
        failed = sum(answer.failure is not None for answer in answers)
        return cls(requests=len(answers), failed=failed, p50=found["p50"], p99=found["p99"], longest=found["max"])


class Meter:
    """Hears of every answer, from a thread of its own; each request belongs to the stretch in which it was due."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: list[load.Answer] = []
        self._stretches: list[tuple[float, str]] = []
        self._failed = 0

    def tell(self, answer: load.Answer) -> None:
        with self._lock:
            self._answers.append(answer)
            self._failed += answer.failure is not None

    def stretch(self, name: str) -> None:
        """Begin a stretch; the one before ends."""
        with self._lock:
            self._stretches.append((time.monotonic(), name))

    @property
    def requests(self) -> int:
        return len(self._answers)

    @property
    def failed(self) -> int:
        return self._failed

    def recent(self) -> Figures:
        """Of the last seconds."""
        since = time.monotonic() - WINDOW
        with self._lock:
            tail = self._answers[-4096:]
        return Figures.of([answer for answer in tail if answer.due + answer.took >= since])

    def course(self, steps: int, width: float) -> list[float]:
        """The longest answer, in seconds, of each of the last steps of time."""
        now = time.monotonic()
        found = [0.0] * steps
        with self._lock:
            tail = self._answers[-16384:]
        for answer in tail:
            step = steps - 1 - int((now - answer.due - answer.took) / width)
            if 0 <= step < steps:
                found[step] = max(found[step], answer.took)
        return found

    def stretches(self) -> list[tuple[str, Figures]]:
        """Every stretch in its order."""
        with self._lock:
            begun, answers = list(self._stretches), list(self._answers)
        moments = [moment for moment, _ in begun]
        parted = collections.defaultdict(list)
        for answer in answers:
            parted[max(0, bisect.bisect_right(moments, answer.due) - 1)].append(answer)
        return [(name, Figures.of(parted[number])) for number, (_, name) in enumerate(begun)]

    def begun(self, name: str) -> float:
        """When the stretch of this name began."""
        with self._lock:
            return next(moment for moment, each in self._stretches if each == name)

    def since(self, name: str) -> Figures:
        """Of everything that was due since the stretch of this name began."""
        begin = self.begun(name)
        with self._lock:
            return Figures.of([answer for answer in self._answers if answer.due >= begin])

    def failures(self) -> list[tuple[str, int]]:
        """What failed, the most frequent first."""
        with self._lock:
            return collections.Counter(a.failure for a in self._answers if a.failure is not None).most_common()
