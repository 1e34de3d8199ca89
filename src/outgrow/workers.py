"""Several threads at one piece of work: the first failure stops all, and so does Ctrl-C."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence

__all__ = ["Stop", "Stopped", "run"]

_GLANCE = 0.1
"""Seconds. A signal that arrives just before a lock is waited for is heard only when that wait ends."""


class Stopped(Exception):
    """Raised in a worker that was told to stop; never reaches the caller of `run`."""


class Stop:
    """A request to stop that workers look at between two pieces of work."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Ask every worker to stop."""
        self._event.set()

    def asked(self) -> bool:
        """Whether a stop was asked for."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise Stopped if a stop was asked for."""
        if self.asked():
            raise Stopped


def run(works: Sequence[Callable[[], None]], stop: Stop, *, interrupt: Callable[[], None]) -> None:
    """Run each work in a thread of its own and wait for all of them.

    When one fails, the others are asked to stop, and its error is raised here. On KeyboardInterrupt `interrupt` is called
    too, which must see to it that nothing blocks for long: the threads are waited for, however often Ctrl-C is pressed.
    """
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except Stopped:
            pass
        except BaseException as error:  # raised again in the caller's thread
            failures.append(error)
            stop.set()

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            _join(thread)
    except BaseException:
        stop.set()
        with contextlib.suppress(KeyboardInterrupt):
            interrupt()
        for thread in threads:
            while thread.is_alive():
                with contextlib.suppress(KeyboardInterrupt):
                    _join(thread)
        raise
    if failures:
        raise failures[0]


def _join(thread: threading.Thread) -> None:
    while thread.is_alive():
        thread.join(_GLANCE)
