"""The limit of one stream: nothing is read from SQLite, nothing converted."""

from __future__ import annotations

import psycopg

from bench import competitors

BLOCK = 256 * 1024


def load(job: competitors.Job) -> None:
    with (
        psycopg.connect(job.dsn) as db,
        job.text.open("rb", buffering=0) as text,
        db.cursor().copy("COPY events FROM STDIN") as copy,
    ):
        while block := text.read(BLOCK):
            copy.write(block)
