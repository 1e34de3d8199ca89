"""An application that forks while it is at PostgreSQL; both processes go on, each with connections of its own.

python forking_application.py FILE
"""

from __future__ import annotations

import contextlib
import os
import sys

from outgrow import sqlite3

EACH = 200


def write(path: str, who: str) -> None:
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as connection:
        for number in range(EACH):
            with connection:
                connection.execute("INSERT INTO item (name) VALUES (?)", (f"{who} {number}",))
            assert connection.execute("SELECT count(*) FROM item WHERE name = ?", (f"{who} {number}",)).fetchone() == (
                1,
            )


def main() -> None:
    path = sys.argv[1]
    kept = sqlite3.connect(path)
    print(kept.execute("SELECT count(*) FROM item").fetchone(), flush=True)
    sys.stdin.readline()
    kept.execute("INSERT INTO item (name) VALUES ('not committed')")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            write(path, "child")
            try:
                kept.commit()
                kept.execute("SELECT count(*) FROM item")
            except sqlite3.ProgrammingError:
                status = 0
        finally:
            os._exit(status)
    kept.rollback()
    write(path, "parent")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    print(kept.execute("SELECT name LIKE 'child%', count(*) FROM item GROUP BY 1 ORDER BY 1").fetchall())


if __name__ == "__main__":
    main()
