"""asyncpg's binary COPY: each value must already have the type of its column."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import sqlite3
from collections.abc import Iterator

import asyncpg

from bench import competitors


def records(source: sqlite3.Connection) -> Iterator[tuple[object, ...]]:
    number = decimal.Decimal
    moment = datetime.datetime.fromisoformat
    for *head, amount, score, active, at in source.execute("SELECT * FROM events"):
        yield (
            *head,
            None if amount is None else number(repr(amount)),
            score,
            None if active is None else active == 1,
            None if at is None else moment(at),
        )


async def copy(job: competitors.Job) -> None:
    source = sqlite3.connect(job.source)
    db = await asyncpg.connect(job.uri)
    try:
        await db.copy_records_to_table("events", records=records(source))
    finally:
        await db.close()
        source.close()


def load(job: competitors.Job) -> None:
    asyncio.run(copy(job))
