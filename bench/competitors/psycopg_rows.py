"""What a careful script does today: rows through psycopg's `write_row`, in text, without conversion."""

from __future__ import annotations

import sqlite3

import psycopg

from bench import competitors


def load(job: competitors.Job) -> None:
    source = sqlite3.connect(job.source)
    with psycopg.connect(job.dsn) as db, db.cursor().copy("COPY events FROM STDIN") as copy:
        write = copy.write_row
        for row in source.execute("SELECT * FROM events"):
            write(row)
    source.close()
