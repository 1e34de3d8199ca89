"""The benchmark's SQLite file: one wide table of mixed columns, the same bytes on every machine.

Everything is computed from the row number, so a file of N rows is a prefix of a file of M > N rows.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
import sqlite3
import tempfile
import time

__all__ = [
    "COLUMNS",
    "COMPANIES",
    "TABLE",
    "Dataset",
    "build",
    "default_directory",
    "prepare",
    "write_copy_text",
]

TABLE = "events"
COMPANIES = 5_000
LAYOUT = 1  # part of the file's name: raise it when the content changes

# Name, type in SQLite, type in PostgreSQL.
COLUMNS = (
    ("id", "INTEGER PRIMARY KEY", "bigint"),
    ("company_id", "INTEGER", "bigint"),
    ("user_id", "INTEGER", "bigint"),
    ("type", "TEXT", "text"),
    ("description", "TEXT", "text"),
    ("metadata", "JSON", "json"),
    ("amount", "DECIMAL(12,2)", "numeric"),
    ("score", "REAL", "double precision"),
    ("active", "BOOLEAN", "boolean"),
    ("timestamp", "TIMESTAMP", "timestamp"),
)

TYPES = ("signup", "login", "invoice.created", "invoice.paid", "refund", "export", "note", "comment.edited")

# A description is three of these: about every third row has a tab, a newline or a backslash,
# every second one a character outside ASCII.
FRAGMENTS = (
    "The order was placed from the mobile application. ",
    "Customer asked for a callback before noon. ",
    "Delivered to reception, signed by the porter. ",
    "Grüße aus Köln, die Lieferung ist da. ",
    "col1\tcol2\tcol3 ",
    "Payment retried twice, then accepted. ",
    "first line\nsecond line ",
    "C:\\temp\\export.csv ",
    "見積書を送付しました。",
    "Nothing to report. ",
    "Address changed; see the previous note. ",
    "Приоритет: высокий. ",
    "Discount applied by hand – approved 🎉 ",
    'He said "it\'s fine", twice. ',
    "Escalated to the second line of support. ",
    "Closed without an answer. ",
)

# `h` and `g` are two hashes of the row number that stay below 2**32, so no product leaves 64 bits.
FILL = """
WITH RECURSIVE
  counter(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM counter WHERE i < :rows),
  hashed(i, h) AS (SELECT i, (i * 2654435761 + 97) % 4294967291 FROM counter),
  mixed(i, h, g) AS (SELECT i, h, (h * 1103515245 + 12345) % 4294967291 FROM hashed)
INSERT INTO events
SELECT
  i,
  1 + h % :companies,
  CASE WHEN g % 50 = 0 THEN NULL ELSE 1 + g % 200000 END,
  (SELECT text FROM temp.kind WHERE id = h % 8),
  CASE WHEN h % 37 = 0 THEN NULL WHEN h % 41 = 0 THEN '' ELSE
    (SELECT text FROM temp.fragment WHERE id = h / 8 % 16)
    || (SELECT text FROM temp.fragment WHERE id = g / 16 % 16)
    || '#' || (h % 100000) END,
  CASE WHEN g % 19 = 0 THEN NULL ELSE
    '{"ip": "10.' || (h % 256) || '.' || (g % 256) || '.' || (i % 256) || '", "tag": "'
    || CASE WHEN g % 5 = 0 THEN 'é\\n' ELSE 'a' || (g % 90) END || '", "n": ' || (g % 1000) || '}' END,
  CASE WHEN h % 23 = 0 THEN NULL ELSE (g % 100000000) / 100.0 END,
  CASE WHEN g % 29 = 0 THEN NULL ELSE (h - 2147483645) / (1.0 + g % 9973) END,
  CASE WHEN h % 31 = 0 THEN NULL ELSE g / 7 % 2 END,
  CASE WHEN g % 43 = 0 THEN NULL ELSE datetime(1262304000 + h % 473385600, 'unixepoch') END
FROM mixed
"""

# Doubles are rendered by Python (shortest exact digits): SQLite before 3.43 cannot.
COPY_TEXT = """
SELECT
  id || char(9) || ifnull(company_id, '\\N') || char(9) || ifnull(user_id, '\\N') || char(9)
  || ifnull(type, '\\N') || char(9) || ifnull({description}, '\\N') || char(9) || ifnull({metadata}, '\\N'),
  amount, score,
  ifnull(active, '\\N') || char(9) || ifnull(timestamp, '\\N')
FROM events
""".format(
    **{
        column: f"replace(replace(replace(replace({column}, '\\', '\\\\'), char(9), '\\t'), char(10), '\\n'),"
        " char(13), '\\r')"
        for column in ("description", "metadata")
    }
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dataset:
    """A built file; `text` is the same rows as PostgreSQL's COPY text format, or None."""

    rows: int
    whole: bool
    file: pathlib.Path
    text: pathlib.Path | None


def build(file: pathlib.Path, *, rows: int, whole: bool = False) -> None:
    """Write the file from nothing.

    `whole` adds what a real schema has: a `companies` table, a foreign key to it, two secondary indexes.
    """
    db = sqlite3.connect(file, isolation_level=None)
    try:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-200000", "temp_store=MEMORY"):
            db.execute(f"PRAGMA {pragma}")
        db.execute("BEGIN")
        columns = ", ".join(f"{name} {sqlite_type}" for name, sqlite_type, _ in COLUMNS)
        if whole:
            db.execute("CREATE TABLE companies (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
            db.executemany(
                "INSERT INTO companies VALUES (?, ?)", ((i, f"Company № {i}") for i in range(1, COMPANIES + 1))
            )
            columns += ", FOREIGN KEY (company_id) REFERENCES companies (id)"
        db.execute(f"CREATE TABLE {TABLE} ({columns})")
        for name, texts in (("kind", TYPES), ("fragment", FRAGMENTS)):
            db.execute(f"CREATE TEMP TABLE {name} (id INTEGER PRIMARY KEY, text TEXT)")
            db.executemany(f"INSERT INTO temp.{name} VALUES (?, ?)", enumerate(texts))
        db.execute(FILL, {"rows": rows, "companies": COMPANIES})
        if whole:
            db.execute(f"CREATE INDEX events_company_timestamp ON {TABLE} (company_id, timestamp)")
            db.execute(f"CREATE INDEX events_user ON {TABLE} (user_id)")
        db.execute("COMMIT")
    finally:
        db.close()


def write_copy_text(source: pathlib.Path, target: pathlib.Path) -> None:
    """Write the rows of `source` as PostgreSQL COPY text, what the limit of one stream is measured with."""
    db = sqlite3.connect(source)
    try:
        with target.open("w", encoding="utf-8", newline="") as out:
            for head, amount, score, tail in db.execute(COPY_TEXT):
                numbers = "\t".join("\\N" if value is None else repr(value) for value in (amount, score))
                out.write(f"{head}\t{numbers}\t{tail}\n")
    finally:
        db.close()


def prepare(directory: pathlib.Path, *, rows: int, whole: bool = False, text: bool = False) -> Dataset:
    """Build what is not there yet; a file appears under its name only when it is complete."""
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    stem = f"bench-{LAYOUT}-{rows}{'-whole' if whole else ''}"
    file = directory / f"{stem}.db"
    copy_text = directory / f"{stem}.copy"
    if not file.exists():
        part = file.with_suffix(f".{os.getpid()}.part")
        build(part, rows=rows, whole=whole)
        part.rename(file)
    if text and not copy_text.exists():
        part = copy_text.with_suffix(f".{os.getpid()}.part")
        write_copy_text(file, part)
        part.rename(copy_text)
    return Dataset(rows=rows, whole=whole, file=file, text=copy_text if text else None)


def default_directory() -> pathlib.Path:
    """Where files are kept between runs unless `--dir` says otherwise."""
    return pathlib.Path(tempfile.gettempdir()) / "outgrow-bench"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.dataset", description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--whole", action="store_true", help="with two indexes, a foreign key, a second table")
    parser.add_argument("--text", action="store_true", help="also write the rows as COPY text")
    parser.add_argument("--dir", type=pathlib.Path, default=default_directory())
    options = parser.parse_args()
    started = time.perf_counter()
    made = prepare(options.dir, rows=options.rows, whole=options.whole, text=options.text)
    print(f"{made.file}: {made.file.stat().st_size / 1e6:.0f} MB, {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
