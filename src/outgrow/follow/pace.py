"""Giving way to the application: reading slows down while the application's own writes do."""

from __future__ import annotations

import collections
import statistics
import threading
import time
from collections.abc import Callable

__all__ = ["Pacer"]

EVERY = 0.25
"""Seconds between two measurements."""

_BASELINE = 5
_WINDOW = 5
_TOLERATED = 2.0
_SLACK = 0.005
_LEAST, _MOST = 0.002, 0.5


class Pacer:
    """Measures how long a small write takes, as the application's do, and lets readers pause accordingly.

    `write` makes one such write and returns its seconds. The first measurements, made before any reader begins, are the
    baseline;
    while the last ones are slower than twice that, `pace` waits longer and longer, up to half a second a call.
    """

    def __init__(self, write: Callable[[], float]) -> None:
        self._write = write
        self._recent: collections.deque[float] = collections.deque(maxlen=_WINDOW)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.baseline = 0.0
        self.delay = 0.0

    def __enter__(self) -> Pacer:
        self.baseline = statistics.median(self._write() for _ in range(_BASELINE))
        self._stop.clear()
        self._thread = threading.Thread(target=self._measure, name="outgrow-pace", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.delay = 0.0

    def _measure(self) -> None:
        while not self._stop.wait(EVERY):
            try:
                self.note(self._write())
            except Exception:  # a lock not to be had in ten seconds: the application is at its limit
                self.note(10.0)

    def note(self, seconds: float) -> None:
        """Take a measurement into account."""
        self._recent.append(seconds)
        if statistics.median(self._recent) > _TOLERATED * self.baseline + _SLACK:
            self.delay = min(max(self.delay * 2, _LEAST), _MOST)
        else:
            self.delay = self.delay / 2 if self.delay > _LEAST else 0.0

    def pace(self) -> None:
        """Wait as long as the application needs it; called by readers between two short reads."""
        if self.delay:
            time.sleep(self.delay)
