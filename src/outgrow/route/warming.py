"""What a process will need at PostgreSQL is made ready before the switch, beside the application.

Loading the driver and the translator takes some tenths of a second of a processor, and the translation of a statement about a
thousandth. At the moment of a switch every process of the application would spend them at once, and its first requests would
wait. So a process whose file has a migration loads them as soon as it knows of it, reads the plan from PostgreSQL, and
translates the statements that it sends to the file. A process whose files have no migration never loads anything.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import sys
import threading
import time
import urllib.parse
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from outgrow.route.standard import sqlite3

if TYPE_CHECKING:
    from outgrow.route import file_state

__all__ = ["met"]

_MODULES = (
    "psycopg",
    "psycopg_pool",
    "outgrow.model.plan_data",
    "outgrow.dialect.expressions",
    "outgrow.dialect.statements",
    "outgrow.route.target",
    "outgrow.route.session",
)
_PAUSES = 4.0
"""Seconds of pause after each second of work: the application has most of the processor, also while the copy begins."""
_SPREAD = 5.0
"""Seconds over which the processes of an application begin: they see a migration at the same moment."""
_INTERVAL = 0.0005
"""Seconds after which the thread that works gives way; the interpreter's own 5 ms would be felt at each wait of a statement."""
_IDLE = 10.0
"""Seconds without a new statement after which the thread ends; the next one begins another."""
_STATEMENTS = 1000
_AGAIN = 5.0
"""Seconds for which no statement is noted after PostgreSQL did not answer."""

_met: set[tuple[str, str]] = set()
_waiting: deque[tuple[str, file_state.FileState, str, Any]] = deque()
_changed = threading.Condition()
_thread: threading.Thread | None = None
_not_before = 0.0


def met(path: str, state: file_state.FileState, sql: Any, parameters: Any) -> None:
    """Note a statement that ran in a file with a migration; the first time, it is made ready for PostgreSQL."""
    global _thread
    if type(sql) is not str or (path, sql) in _met or len(_met) >= _STATEMENTS or state.in_postgres:
        return
    with _changed:
        if time.monotonic() < _not_before:
            return
        _met.add((path, sql))
        _waiting.append((path, state, sql, parameters))
        if _thread is None:
            _thread = threading.Thread(target=_work, name="outgrow-warming", daemon=True)
            _thread.start()
        _changed.notify()


def _work() -> None:
    global _thread, _not_before
    time.sleep(random.uniform(0, _SPREAD))
    for name in _MODULES:
        if name not in sys.modules:
            try:
                with _gently():
                    importlib.import_module(name)
            except ImportError:  # whoever needs it says so
                return
    while True:
        with _changed:
            if not _waiting and not _changed.wait_for(lambda: _waiting, _IDLE):
                _thread = None
                return
            path, state, sql, parameters = _waiting[0]
        try:
            with _gently():
                _translate(path, state, sql, parameters)
        except Exception:
            # PostgreSQL does not answer, or nobody may log in yet. Whoever needs it says so; here it is tried again with
            # statements that are met later.
            with _changed:
                _met.clear()
                _waiting.clear()
                _thread, _not_before = None, time.monotonic() + _AGAIN
            return
        with _changed:
            _waiting.popleft()


def _translate(path: str, state: file_state.FileState, sql: str, parameters: Any) -> None:
    from outgrow.dialect import statement
    from outgrow.route import pools, tally, target

    pools.probe(state.target)
    there = target.of(state)
    with contextlib.suppress(sqlite3.Error, statement.Refused, TypeError, ValueError):
        # What is wrong with a statement is said when it runs.
        file = sqlite3.connect(f"file:{urllib.parse.quote(path)}?mode=ro", uri=True, factory=sqlite3.Connection)
        with contextlib.closing(file):
            oracle = there.oracle(file)
        prepared = oracle.prepared(sql, parameters)
        there.translate(sql, prepared.bind(parameters, oracle, sql), tally.Tally())


@contextlib.contextmanager
def _gently() -> Iterator[None]:
    """Work that gives way often, and a pause after it that is as long as the work asks for."""
    before, began = sys.getswitchinterval(), time.thread_time()
    sys.setswitchinterval(min(before, _INTERVAL))
    try:
        yield
    finally:
        sys.setswitchinterval(before)
    time.sleep(_PAUSES * (time.thread_time() - began))


def _forked() -> None:
    global _thread, _changed
    _thread, _changed = None, threading.Condition()
    _met.clear()
    _waiting.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
