"""SQLite's library, as a process uses it that is outgrow's own."""

from __future__ import annotations

import apsw

__all__ = ["allocate_without_counting"]


def allocate_without_counting() -> bool:
    """Have SQLite not count the memory that it uses; whether that was still possible.

    The count is one for the whole process, under a lock that every allocation of every thread takes: two threads that read
    spend a third of their time on it. For a process of outgrow's own, before anything opens a database.
    """
    if apsw.connections():
        return False
    apsw.shutdown()
    apsw.config(apsw.SQLITE_CONFIG_MEMSTATUS, False)
    apsw.initialize()
    return True
