"""An application on aiosqlite with dual write: many connections write at once, each commit is looked for in the other store.

    python aiosqlite_dual.py FILE DSN FOLLOWER

FOLLOWER is postgres or sqlite. The last line says what was written, what was missing in the follower when its commit had
returned, and the metrics.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import sys

import psycopg

from outgrow import sqlite3
from outgrow.route.standard import sqlite3 as standard

sqlite3.install()
aiosqlite = importlib.import_module("aiosqlite")

PATH, DSN, FOLLOWER = sys.argv[1:]
CONNECTIONS, COMMITS = 6, 15


def is_there(number: int, name: str) -> bool:
    """Whether the follower has the row, seen past the drop-in."""
    if FOLLOWER == "postgres":
        with psycopg.connect(DSN) as session:
            return session.execute("SELECT name FROM item WHERE id = %s", (number,)).fetchone() == (name,)
    with contextlib.closing(standard.connect(PATH, timeout=20)) as file:
        return bool(file.execute("SELECT name FROM item WHERE id = ?", (number,)).fetchone() == (name,))


async def write(connection: int) -> tuple[int, list[int]]:
    """Rows of one connection, a commit each; every third transaction is rolled back."""
    written, missing = 0, []
    async with aiosqlite.connect(PATH, timeout=30) as database:
        for commit in range(COMMITS):
            name = f"{connection}-{commit}"
            cursor = await database.execute("INSERT INTO item (name) VALUES (?)", (name,))
            number = cursor.lastrowid
            assert number is not None
            if commit % 3 == 2:
                await database.rollback()
                continue
            await database.commit()
            written += 1
            if not await asyncio.to_thread(is_there, number, name):
                missing.append(number)
    return written, missing


async def main() -> None:
    found = await asyncio.gather(*(write(connection) for connection in range(CONNECTIONS)))
    missing = [number for _, numbers in found for number in numbers]
    facts = {"written": sum(written for written, _ in found), "missing": missing, "metrics": sqlite3.metrics()}
    print(json.dumps(facts), flush=True)


asyncio.run(main())
