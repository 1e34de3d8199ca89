"""The ways to load the benchmark's table that outgrow is compared with.

Each is a module that has either `load(job)`, run as a process of its own by
`python -m bench.competitors NAME …`, so that CPU and memory are its own, or, for another program,
`command(job)`. Drivers are imported when the module is, before the clock starts; another program is timed
from its start to its end. All of them fill the same table, made beforehand and without indexes.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import pathlib
import shutil

__all__ = ["ALL", "Competitor", "Job", "missing"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """What a competitor is given: the SQLite file, the same rows as COPY text, the target."""

    source: pathlib.Path
    text: pathlib.Path
    dsn: str
    uri: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Competitor:
    """One way to load; `limit` marks those that read no SQLite and bound what one stream can do."""

    name: str
    title: str
    notes: str = ""
    packages: tuple[str, ...] = ()
    program: str | None = None
    limit: bool = False


ALL = (
    Competitor(
        name="limit_psycopg",
        title="COPY of a ready-made text file, psycopg",
        notes="256 KB blocks; reads no SQLite",
        packages=("psycopg",),
        limit=True,
    ),
    Competitor(
        name="limit_psql",
        title="COPY of a ready-made text file, psql `\\copy`",
        notes="reads no SQLite",
        program="psql",
        limit=True,
    ),
    Competitor(
        name="psycopg_rows",
        title="psycopg `write_row` fed from `sqlite3`",
        notes="values sent as SQLite gives them; PostgreSQL reads 0 and 1 as boolean",
        packages=("psycopg",),
    ),
    Competitor(
        name="asyncpg_records",
        title="asyncpg `copy_records_to_table` fed from `sqlite3`",
        notes="binary protocol: Decimal, bool and datetime are made in Python",
        packages=("asyncpg",),
    ),
    Competitor(
        name="adbc_ingest",
        title="ADBC sqlite → postgresql ingest",
        notes="amount, active and timestamp are cast by Arrow on the way; the driver refuses them otherwise",
        packages=("adbc_driver_sqlite", "adbc_driver_postgresql", "pyarrow"),
    ),
    Competitor(
        name="duckdb_insert",
        title="DuckDB `INSERT INTO postgres SELECT FROM sqlite`",
        notes="DuckDB's own casts",
        packages=("duckdb", "duckdb_ext"),
    ),
    Competitor(
        name="pgloader_load",
        title="pgloader, data only",
        notes="REAL cast to double precision, its default being float4; the whole process is timed",
        program="pgloader",
    ),
)


def missing(competitor: Competitor) -> str | None:
    """What is not installed here, or None."""
    for package in competitor.packages:
        if importlib.util.find_spec(package) is None:
            return f"the package {package} is not installed"
    if competitor.program and not shutil.which(competitor.program):
        return f"{competitor.program} is not on PATH"
    return None
