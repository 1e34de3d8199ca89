"""Build the HomeVerse database: `python -m examples.homeverse.seed FILE [--scale 1.0] [--seed 7] [--dims 384]`.

The same arguments give the same content. Scale 1 is some 75,000 rows; `awkward` says what is
planted among them.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import pathlib
import random
import sqlite3
import sys
import time
from collections.abc import Iterable

from examples.homeverse import awkward, tables

SCHEMA = pathlib.Path(__file__).with_name("schema.sql")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Built:
    """What was built: the file, its size in bytes, and how many rows each table holds."""

    path: pathlib.Path
    size: int
    rows: dict[str, int]


def build(path: str | os.PathLike[str], *, scale: float = 1.0, seed: int = 7, dims: int = 384) -> Built:
    """Create the database at `path`, in WAL mode, checkpointed and closed.

    Raises FileExistsError if there is a file already. The database is built under another name beside it and moved
    into place, so an interrupted build leaves nothing at `path`.
    """
    sizes = tables.Sizes.at(scale, dims=dims)
    target = pathlib.Path(path)
    if target.exists():
        raise FileExistsError(f"{target} exists; remove it or choose another name")
    unfinished = target.with_name(target.name + ".unfinished")
    _remove(unfinished)
    try:
        with contextlib.closing(sqlite3.connect(unfinished, isolation_level=None)) as connection:
            rows = _fill(connection, sizes, seed)
        os.replace(unfinished, target)
    finally:
        _remove(unfinished)
    return Built(path=target, size=target.stat().st_size, rows=rows)


def _fill(connection: sqlite3.Connection, sizes: tables.Sizes, seed: int) -> dict[str, int]:
    connection.execute("PRAGMA page_size = 4096")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA foreign_keys = OFF")  # as the application: some builds of SQLite start with ON
    connection.executescript(SCHEMA.read_text(encoding="utf-8"))

    connection.execute("BEGIN")
    for table, generate in tables.GENERATORS.items():
        # one stream of random numbers a table: changing one table leaves the others as they are
        rows: Iterable[tables.Row] = generate(random.Random(f"{seed}/{table}"), sizes)
        if table == "investments":
            rows = list(rows)
            valuations = tables.investment_valuations(random.Random(f"{seed}/investment_valuations"), sizes, rows)
            _insert(connection, "investment_valuations", valuations)
        _insert(connection, table, rows)
    awkward.plant(connection, random.Random(f"{seed}/awkward"), sizes)
    connection.execute("COMMIT")

    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return {table: connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in tables.COLUMNS}


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[tables.Row]) -> None:
    columns = tables.COLUMNS[table]
    names = ", ".join(f'"{column}"' for column in columns)
    places = ", ".join("?" for _ in columns)
    connection.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({places})', rows)


def _remove(path: pathlib.Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.homeverse.seed", description="Build the HomeVerse reference database."
    )
    parser.add_argument("file", help="the SQLite file to create")
    parser.add_argument("--scale", type=float, default=1.0, help="how many rows: 1 is some 75,000 (default: 1)")
    parser.add_argument("--seed", type=int, default=7, help="another seed, another content (default: 7)")
    parser.add_argument("--dims", type=int, default=384, help="dimensions of an embedding (default: 384)")
    options = parser.parse_args(arguments)

    started = time.perf_counter()
    try:
        built = build(options.file, scale=options.scale, seed=options.seed, dims=options.dims)
    except (OSError, ValueError, sqlite3.OperationalError) as problem:
        parser.error(str(problem))
    for table, count in built.rows.items():
        print(f"{table:<24}{count:>10,}")
    seconds = time.perf_counter() - started
    print(f"{built.path}: {sum(built.rows.values()):,} rows, {built.size / 1e6:.1f} MB, {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
