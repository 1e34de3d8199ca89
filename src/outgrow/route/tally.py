"""What the connections of this process did, counted by each for itself: a counter that threads share would lose counts."""

from __future__ import annotations

import threading
import weakref

__all__ = ["FIELDS", "Tally", "note_refusal", "refusals", "total"]

FIELDS = ("here", "there", "cached", "cold", "refused")
"""Statements in the file and at PostgreSQL; translations that were there, that were made, and that were refused."""

REFUSALS = 100
"""Statements that are kept with the reason why they have no translation; later ones are only counted."""

_lock = threading.RLock()
_refusals: dict[str, str] = {}
_ended = dict.fromkeys(FIELDS, 0)


class Tally:
    """The counts of one connection; when it goes, they stay."""

    __slots__ = ("__weakref__", "cached", "cold", "here", "refused", "there")

    def __init__(self) -> None:
        self.here = self.there = self.cached = self.cold = self.refused = 0
        with _lock:
            _living.add(self)

    def __del__(self) -> None:
        with _lock:
            for name in FIELDS:
                _ended[name] += getattr(self, name)


_living: weakref.WeakSet[Tally] = weakref.WeakSet()


def note_refusal(sql: str, reason: str) -> None:
    """Keep a statement that has no translation, for whoever asks which."""
    with _lock:
        if len(_refusals) < REFUSALS:
            _refusals.setdefault(sql, reason)


def refusals() -> dict[str, str]:
    """Statements of this process that have no translation, each with the reason."""
    with _lock:
        return dict(_refusals)


def total() -> dict[str, int]:
    """All counts of this process."""
    with _lock:
        living = list(_living)
        return {name: _ended[name] + sum(getattr(one, name) for one in living) for name in FIELDS}
