"""Dual write: a commit returns when the other store has it too, or when it has waited long enough.

What carries a commit over is the engine, in either direction; here is only the wait for it. One thread for each file asks how
far the engine is, for all who wait, so that whatever PostgreSQL or the network does, nobody waits for longer than the timeout.
Once somebody waited in vain the other store is behind: nobody waits until it has caught up, and the commits are counted.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

from outgrow.route import file_state, mistakes, pools, settings, wire
from outgrow.route.standard import sqlite3

__all__ = ["Watch", "figures", "of"]

_STANDING = wire.Command("SELECT primary_store = 'postgres', seq FROM outgrow.standing")
_LAST = wire.Command("SELECT outgrow.last_logged()")
_LEAST, _MOST = 0.0005, 0.01
"""Seconds between two questions while somebody waits: the first, and the longest."""
_SLOW = 0.25
"""Seconds between two questions while the other store is behind and nobody waits."""
_IDLE = 30.0
"""Seconds without a commit after which the thread ends."""
_GONE = frozenset({"3F000", "42P01", "42883"})
"""There is no migration at the target any more."""


@dataclass(eq=False)
class _Ticket:
    """A commit that is waited for: `mark` is the last entry of its store's log that belongs to it, None until it is known."""

    in_postgres: bool
    since: float
    is_waited_for: bool
    mark: int | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Watch:
    """How far the other store is behind one file's commits, and who waits for it."""

    def __init__(self, path: str) -> None:
        self.confirmed = self.timed_out = self.unwaited = 0
        self.waited, self.longest = 0.0, 0.0
        self.behind_since: float | None = None
        self.trouble = ""
        """Why the last question had no answer; empty where it had one."""
        self._path = path
        self._file: sqlite3.Connection | None = None
        self._changed = threading.Condition()
        self._tickets: list[_Ticket] = []
        self._thread: threading.Thread | None = None

    def wait(self, *, in_postgres: bool, timeout: float) -> None:
        """Wait until the other store has what was committed just now; for no longer than `timeout`, and never an error."""
        began = time.monotonic()
        with self._changed:
            behind = self.behind_since is not None
            ticket = _Ticket(in_postgres=in_postgres, since=began, is_waited_for=not behind)
            if behind:
                self.unwaited += 1
                # Of those that nobody waits for, two are enough to see when the other store has caught up.
                others = [one for one in self._tickets if not one.is_waited_for and one.mark is not None]
                self._tickets = [one for one in self._tickets if one.is_waited_for] + others[-1:]
            self._tickets.append(ticket)
            if self._thread is None:
                self._thread = threading.Thread(target=self._ask_on, name="outgrow dual write", daemon=True)
                self._thread.start()
            self._changed.notify()
        if behind:
            return
        arrived = ticket.done.wait(timeout)
        took = time.monotonic() - began
        with self._changed:
            self.waited += took
            self.longest = max(self.longest, took)
            if arrived or ticket.done.is_set():
                self.confirmed += 1
            else:
                self.timed_out += 1
                ticket.is_waited_for = False
                if self.behind_since is None:
                    self.behind_since = began

    def _ask_on(self) -> None:
        """The thread: settle tickets as the engine gets on."""
        pause = _LEAST
        while True:
            with self._changed:
                if not self._tickets and not self._changed.wait_for(lambda: bool(self._tickets), _IDLE):
                    self._thread = None
                    self._close()
                    return
                tickets = list(self._tickets)
            fresh = any(ticket.mark is None for ticket in tickets)
            try:
                arrived = self._arrived(tickets)
                self.trouble = ""
            except (wire.Lost, sqlite3.Error, OSError) as error:
                arrived = []
                self.trouble = str(error).strip() or type(error).__name__
            if self._settle(arrived) or fresh:
                pause = _LEAST
            with self._changed:
                if not self._tickets:
                    continue
                if self.behind_since is None:
                    pause = min(pause * 1.5, _MOST)
                    self._changed.wait(pause)
                else:
                    pause = min(max(pause, _MOST) * 1.5, _SLOW)
                    self._changed.wait_for(lambda: False, pause)

    def _settle(self, arrived: list[_Ticket]) -> bool:
        now = time.monotonic()
        with self._changed:
            for ticket in arrived:
                ticket.done.set()
            self._tickets = [ticket for ticket in self._tickets if not ticket.done.is_set()]
            # Caught up is who has everything, or whatever is not older than a wait may last.
            limit = now - settings.current().dual_write_timeout
            if arrived and all(ticket.since >= limit for ticket in self._tickets):
                self.behind_since = None
        return bool(arrived)

    def _arrived(self, tickets: list[_Ticket]) -> list[_Ticket]:
        """The tickets that the other store has."""
        state, last = self._look()
        if state is None:
            return tickets
        for ticket in tickets:
            if ticket.mark is None and not ticket.in_postgres:
                ticket.mark = last
        pool = pools.of(state.target)
        found = pool.acquire()
        try:
            return self._answered(found, tickets)
        except BaseException:
            pool.discard(found)
            found = None  # type: ignore[assignment]
            raise
        finally:
            if found is not None:
                pool.release(found)

    def _answered(self, found: wire.Wire, tickets: list[_Ticket]) -> list[_Ticket]:
        results = found.run([_STANDING, _LAST])
        if results[-1].status in wire.BAD:
            if mistakes.sqlstate(results[-1]) in _GONE:
                return tickets
            raise wire.Lost(bytes(results[-1].error_message).decode(errors="replace"))
        ((in_postgres, seq),) = found.rows(results[0])
        ((last,),) = found.rows(results[1])
        arrived, logged = [], []
        for ticket in tickets:
            if ticket.in_postgres != bool(in_postgres):
                # The primary changed since: what it had was brought over before that.
                arrived.append(ticket)
            elif not ticket.in_postgres:
                if ticket.mark is not None and seq >= ticket.mark:
                    arrived.append(ticket)
            elif last is None:
                arrived.append(ticket)
            else:
                ticket.mark = last if ticket.mark is None else ticket.mark
                logged.append(ticket)
        marks = sorted({ticket.mark for ticket in logged if ticket.mark is not None})
        if marks:
            results = found.run([wire.Command("SELECT outgrow.has_arrived($1)", (mark,)) for mark in marks])
            if results[-1].status in wire.BAD:
                raise wire.Lost(bytes(results[-1].error_message).decode(errors="replace"))
            there = {mark for mark, result in zip(marks, results, strict=True) if found.rows(result)[0][0]}
            arrived += [ticket for ticket in logged if ticket.mark in there]
        return arrived

    def _look(self) -> tuple[file_state.FileState | None, int]:
        """What the file says, and the last entry of its log; over a connection of its own, in nobody's transaction."""
        if self._file is None:
            name = urllib.parse.quote(self._path)
            self._file = sqlite3.connect(
                f"file:{name}?mode=ro", uri=True, check_same_thread=False, isolation_level=None
            )
        try:
            return file_state.position(self._file)
        except sqlite3.Error:
            self._close()
            raise

    def _close(self) -> None:
        found, self._file = self._file, None
        if found is not None:
            with contextlib.suppress(sqlite3.Error):
                found.close()


_watches: dict[str, Watch] = {}
_lock = threading.Lock()


def of(path: str) -> Watch:
    """The process's watch for a file."""
    found = _watches.get(path)
    if found is None:
        with _lock:
            found = _watches.setdefault(path, Watch(path))
    return found


def figures() -> dict[str, Any]:
    """What became of the commits that were waited for, of all files together."""
    watches = list(_watches.values())
    now = time.monotonic()
    since = [one.behind_since for one in watches if one.behind_since is not None]
    return {
        "confirmed": sum(one.confirmed for one in watches),
        "timed_out": sum(one.timed_out for one in watches),
        "unwaited": sum(one.unwaited for one in watches),
        "wait_seconds_total": sum(one.waited for one in watches),
        "wait_seconds_max": max((one.longest for one in watches), default=0.0),
        "behind": bool(since),
        "behind_seconds": now - min(since) if since else 0.0,
        "trouble": next((one.trouble for one in watches if one.trouble), ""),
    }


def _forked() -> None:
    """The parent's threads and connections are the parent's, and its connections to a file must not be closed here."""
    global _lock
    _lock = threading.Lock()
    _kept.extend(_watches.values())
    _watches.clear()


_kept: list[Watch] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
