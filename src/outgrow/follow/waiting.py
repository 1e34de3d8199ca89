"""Waiting for the file's log to be written to, without asking all the time."""

from __future__ import annotations

import contextlib
import os
import pathlib
import select
import sys
from typing import Any

__all__ = ["Waiter"]


class Waiter:
    """Waits until a file is written to, somebody calls `wake`, or time is up; for one waiting thread.

    Linux tells of writes through inotify. Elsewhere, or where it has no watch left to give, only the time ends the wait.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.set_blocking(self._writing, False)
        self._notify: Any = None
        self._inode = 0
        if sys.platform == "linux":
            import inotify_simple

            with contextlib.suppress(OSError):
                self._notify = inotify_simple.INotify(nonblocking=True)  # type: ignore[no-untyped-call]
        self._watch()

    def _watch(self) -> None:
        """Watch the file that has the name now; it is another one after its last user closed it."""
        if self._notify is None:
            return
        try:
            inode = self._path.stat().st_ino
            if inode != self._inode:
                import inotify_simple

                flags = inotify_simple.flags
                self._notify.add_watch(self._path, flags.MODIFY | flags.DELETE_SELF)
                self._inode = inode
        except OSError:
            self._inode = 0

    @property
    def watches(self) -> bool:
        """Whether writes end the wait by themselves."""
        return bool(self._inode)

    def wait(self, seconds: float) -> None:
        """Wait for at most that long."""
        self._watch()
        self._select([self._reading] + ([self._notify.fileno()] if self._notify is not None else []), seconds)

    def rest(self, seconds: float) -> None:
        """Wait for that long whatever is written; only `wake` ends it."""
        self._select([self._reading], seconds)

    def _select(self, sources: list[int], seconds: float) -> None:
        ready, _, _ = select.select(sources, [], [], max(seconds, 0.0))
        for descriptor in ready:
            with contextlib.suppress(BlockingIOError):
                while os.read(descriptor, 65536):
                    pass

    def wake(self) -> None:
        """End the wait, or the next one; from any thread or a signal's handler."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._writing, b"\0")

    def close(self) -> None:
        """Let go of everything."""
        os.close(self._reading)
        os.close(self._writing)
        if self._notify is not None:
            self._notify.close()
