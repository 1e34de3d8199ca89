"""Several threads at one piece of work: the first failure stops all, and so does Ctrl-C."""

from __future__ import annotations

import contextlib
import functools
import queue
import threading
from collections.abc import Callable, Sequence

__all__ = ["Stop", "Stopped", "run"]

_GLANCE = 0.1
"""Seconds. A signal that arrives just before a wait begins is heard only when that wait ends."""


class Stopped(Exception):
    """Raised in a worker that was told to stop; never reaches the caller of `run`."""


class Stop:
    """A request to stop that workers look at between two pieces of work.

    One `within` another is asked for with that one, too, but not the other way round: who fails alone stops nobody else.
    """

    def __init__(self, within: Stop | None = None) -> None:
        self._within = within
        self._asked = False  # no lock: it is set in handlers of signals too

    def set(self) -> None:
        """Ask every worker to stop."""
        self._asked = True

    def asked(self) -> bool:
        """Whether a stop was asked for."""
        return self._asked or (self._within is not None and self._within.asked())

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
    begun: set[int] = set()
    ended: set[int] = set()
    bell: queue.SimpleQueue[None] = queue.SimpleQueue()

    def guarded(number: int) -> None:
        begun.add(number)
        try:
            stop.check()  # who is not yet in `begun` when the caller stops waiting does nothing
            works[number]()
        except Stopped:
            pass
        except BaseException as error:  # raised again in the caller's thread
            failures.append(error)
            stop.set()
        finally:
            ended.add(number)
            bell.put(None)

    def wait() -> None:
        # Not Thread.join: interrupted, it takes the thread for ended (bpo-46726, up to Python 3.12).
        with contextlib.suppress(queue.Empty):
            bell.get(timeout=_GLANCE)

    try:
        for number in range(len(works)):
            threading.Thread(target=functools.partial(guarded, number), daemon=True).start()
        while len(ended) < len(works):
            wait()
    except BaseException:
        stop.set()
        with contextlib.suppress(KeyboardInterrupt):
            interrupt()
        while len(ended) < len(begun):
            with contextlib.suppress(KeyboardInterrupt):
                while len(ended) < len(begun):
                    wait()
        raise
    if failures:
        raise failures[0]
