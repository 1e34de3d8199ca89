"""What is to be done the moment Ctrl-C or SIGTERM comes, before anything unwinds."""

from __future__ import annotations

import weakref
from typing import Protocol

__all__ = ["Hurried", "hurry", "register"]


class Hurried(Protocol):
    """Something that may keep its owner waiting, and can be told not to."""

    def hurry(self) -> None:
        """End in order within a few seconds, or be broken off."""


_registered: weakref.WeakSet[Hurried] = weakref.WeakSet()


def register(hurried: Hurried) -> None:
    """Have it hurried at an interrupt, as long as it lives."""
    _registered.add(hurried)


def hurry() -> None:
    """Hurry everything; for a signal's handler, before it raises.

    What unwinds after Ctrl-C talks to the server too (a rollback, the lease), and a server may have fallen silent.
    """
    for one in list(_registered):
        one.hurry()
