"""Streaming a large result from PostgreSQL through the drop-in: the peak memory of a process that reads it row by row."""

from __future__ import annotations

import pathlib
import sys
from typing import Any

from bench import measure

__all__ = ["measure_rows"]

READING = """
import sys
from outgrow import sqlite3
db = sqlite3.connect(sys.argv[1])
seen = 0
for _row in db.execute("SELECT id, type, description, amount FROM events WHERE id <= ?", (int(sys.argv[2]),)):
    seen += 1
print(seen, db.execute("SELECT count(*) FROM events WHERE id <= ?", (int(sys.argv[2]),)).fetchone()[0])
"""


def measure_rows(path: pathlib.Path, rows: int) -> dict[str, Any]:
    """One process that reads so many rows."""
    done = measure.run([sys.executable, "-c", READING, str(path), str(rows)])
    good = done.status == 0 and done.out.split() == [str(rows)] * 2
    return {
        "kind": "streaming",
        "title": f"{rows:,} rows, one after the other",
        "rows": rows,
        "failures": [] if good else [done.last_words],
        "peak_bytes": done.peak,
        "seconds": round(done.seconds, 3),
    }
