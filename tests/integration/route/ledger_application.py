"""An application in a process of its own: it writes, writes down what was acknowledged, and looks whether it is there.

    python ledger_application.py FILE LEDGER WORKER STOP

Nothing in it knows of PostgreSQL but its import. A line of the ledger is an entry that was committed; any error ends it.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

from outgrow import sqlite3


def insert(connection: Any, worker: int, number: int) -> None:
    connection.execute("INSERT INTO entry (worker, number) VALUES (?, ?)", (worker, number))
    connection.commit()


def insert_in_a_block(connection: Any, worker: int, number: int) -> None:
    with connection:
        connection.execute(
            "INSERT INTO entry (worker, number) VALUES (:worker, :number)", {"worker": worker, "number": number}
        )


def insert_many(connection: Any, worker: int, number: int) -> None:
    connection.executemany("INSERT INTO entry (worker, number) VALUES (?, ?)", iter([(worker, number)]))
    connection.commit()


def insert_after_looking(connection: Any, worker: int, number: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (held,) = connection.execute("SELECT count(*) FROM entry WHERE worker = ?", (worker,)).fetchone()
    assert held == number, f"{held} entries are there of {number} that were acknowledged"
    connection.execute("INSERT INTO entry (worker, number) VALUES (?, ?)", (worker, number))
    connection.commit()


WAYS = (insert, insert_in_a_block, insert_many, insert_after_looking)


def add_one(connection: Any) -> int:
    """Read, then write what was read and one more: an update that is lost shows."""
    connection.execute("BEGIN IMMEDIATE")
    (value,) = connection.execute("SELECT value FROM counter WHERE id = 1").fetchone()
    connection.execute("UPDATE counter SET value = ? WHERE id = 1", (value + 1,))
    connection.commit()
    return int(value) + 1


def main() -> None:
    path, ledger, worker, stop = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    kept = sqlite3.connect(path, timeout=30)
    seen = 0
    with ledger.open("w", buffering=1) as acknowledged:
        number = 0
        while not stop.exists():
            # Every other request has a connection of its own, as in a web application.
            with contextlib.closing(sqlite3.connect(path, timeout=30)) as fresh:
                connection = kept if number % 2 else fresh
                WAYS[number % len(WAYS)](connection, worker, number)
                number += 1
                acknowledged.write(f"{number - 1}\n")
                (held,) = connection.execute("SELECT count(*) FROM entry WHERE worker = ?", (worker,)).fetchone()
                assert held == number, f"{held} entries are there of {number} that were acknowledged"
                value = add_one(connection)
                assert value > seen, f"the counter went back from {seen} to {value}"
                seen = value


if __name__ == "__main__":
    main()
