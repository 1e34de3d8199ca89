"""DuckDB with both databases attached; the extensions come from wheels, nothing is downloaded."""

from __future__ import annotations

import pathlib

import duckdb
import duckdb_ext

from bench import competitors

# The wheels of the single extensions share a namespace package without code.
EXTENSIONS = pathlib.Path(next(iter(duckdb_ext.__path__))) / "extensions"


def load(job: competitors.Job) -> None:
    with duckdb.connect() as db:
        db.execute("SET extension_directory = ?", [str(EXTENSIONS)])
        db.execute("SET autoinstall_known_extensions = false")
        db.execute("LOAD sqlite")
        db.execute("LOAD postgres")
        db.execute(f"ATTACH '{job.source}' AS source (TYPE sqlite, READ_ONLY)")
        db.execute(f"ATTACH '{job.dsn}' AS target (TYPE postgres)")
        db.execute("INSERT INTO target.public.events SELECT * FROM source.events")
