"""An application with dual write that does what it is told: a line is a way to write a row, or what is to be said.

python dual_application.py FILE TIMEOUT
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from typing import Any

from outgrow import sqlite3

PATH = sys.argv[1]
SQL = "INSERT INTO item (name) VALUES (?)"


def write(way: str, kept: Any, free: Any) -> float:
    """Write a row; how long the call took that commits."""
    began = time.monotonic()
    match way:
        case "commit":
            kept.execute(SQL, (way,))
            began = time.monotonic()
            kept.commit()
        case "block":
            with kept:
                kept.execute(SQL, (way,))
        case "autocommit":
            free.execute(SQL, (way,))
        case "autocommit returning":
            cursor = free.execute(SQL + " RETURNING id, name", (way,))
            took = time.monotonic() - began
            assert [column[0] for column in cursor.description] == ["id", "name"]
            assert (cursor.fetchone()[1], cursor.fetchone()) == (way, None)
            return took
        case "begin and commit":
            free.execute("BEGIN")
            free.execute(SQL, (way,))
            free.execute("COMMIT")
        case "executemany":
            kept.executemany(SQL, [(way,)])
            kept.commit()
        case "autocommit executemany":
            free.executemany(SQL, [(way,)])
        case "script":
            kept.executescript("SELECT 1; INSERT INTO item (name) VALUES ('script'); SELECT 2;")
        case "thread":
            thread = threading.Thread(target=in_a_thread)
            thread.start()
            thread.join()
    return time.monotonic() - began


def in_a_thread() -> None:
    with contextlib.closing(sqlite3.connect(PATH, timeout=20)) as own, own:
        own.execute(SQL, ("thread",))


def main() -> None:
    sqlite3.configure(dual_write=True, dual_write_timeout=float(sys.argv[2]))
    kept = sqlite3.connect(PATH, timeout=20)
    free = sqlite3.connect(PATH, timeout=20, isolation_level=None)
    said: Any
    for line in sys.stdin:
        match line.strip():
            case "metrics":
                said = sqlite3.metrics()
            case "read":
                said = kept.execute("SELECT count(*) FROM item").fetchone()
                kept.commit()
            case "rollback":
                kept.execute(SQL, ("undone",))
                said = kept.rollback()
                free.execute("BEGIN")
                free.execute(SQL, ("undone",))
                free.execute("ROLLBACK")
                free.execute("SELECT count(*) FROM item").fetchone()
            case way:
                took = write(way, kept, free)
                said = [kept.execute("SELECT max(id) FROM item").fetchone()[0], took]
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
