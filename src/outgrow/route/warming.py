"""What PostgreSQL needs is loaded ahead, in a process that uses a file with a migration.

Loading it takes some tenths of a second of a processor. At the moment of a switch every process of the application would spend
them at once, and its first statements would wait for it. A process whose files have no migration never loads it.
"""

from __future__ import annotations

import importlib
import random
import sys
import threading
import time

__all__ = ["begin"]

_MODULES = (
    "psycopg",
    "psycopg_pool",
    "outgrow.model.plan_data",
    "outgrow.dialect.expressions",
    "outgrow.dialect.statements",
    "outgrow.route.target",
    "outgrow.route.session",
)
_APART = 0.1
"""Seconds between two of them, in which the application has the processor."""
_SPREAD = 0.5
"""Seconds over which the processes of an application begin: they see a migration at the same moment."""
_INTERVAL = 0.0005
"""Seconds after which the thread that loads gives way; the interpreter's own 5 ms would be felt at each wait of a statement."""

_begun = False


def begin() -> None:
    """Begin to load, in a thread beside the application; once for a process."""
    global _begun
    if not _begun:
        _begun = True
        threading.Thread(target=_load, name="outgrow-warming", daemon=True).start()


def _load() -> None:
    time.sleep(random.uniform(0, _SPREAD))
    for name in _MODULES:
        before = sys.getswitchinterval()
        sys.setswitchinterval(min(before, _INTERVAL))
        try:
            importlib.import_module(name)
        except ImportError:  # whoever needs it says so
            return
        finally:
            sys.setswitchinterval(before)
        time.sleep(_APART)
