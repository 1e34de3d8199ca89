"""The table that everybody fills, and the proof that what is in it afterwards is all of the file.

The digest of a column is the sum over its rows of a 64-bit hash of the value's text, computed in the
server, so it depends on no order. What it must be is taken once per file from a load of the ready-made
COPY text, and that load is itself compared with counts and sums taken from the SQLite file.
"""

from __future__ import annotations

import json
import math
import pathlib
import sqlite3

from bench import dataset, server

__all__ = ["NotComplete", "check", "create", "expected", "types"]


class NotComplete(Exception):
    """Rows or values are missing or differ: the run counts as failed."""


CREATE = f"CREATE TABLE {dataset.TABLE} ({', '.join(f'{name} {kind}' for name, _, kind in dataset.COLUMNS)})"

# The same question to both databases, in words both understand.
SUMS = """
SELECT count(*), sum(id), sum(company_id), sum(user_id), count(type), sum(length(description)),
       sum(length(metadata)), sum(amount), sum(score), count(score), count(active), count(timestamp)
FROM events
"""


def create(to: server.Server) -> None:
    """The target table, without any index."""
    with to.connect() as db:
        db.execute(CREATE)


def canonical(column: str) -> str:
    """A numeric's trailing zeros are no difference."""
    return f"trim_scale({column})::text" if column == "amount" else f'"{column}"::text'


def digests(to: server.Server) -> dict[str, str]:
    """The row count and a digest per column, as text, of what the target holds."""
    names = [name for name, _, _ in dataset.COLUMNS]
    sums = ", ".join(f"sum(hashtextextended({canonical(name)}, 0)::numeric)::text" for name in names)
    with to.connect() as db:
        row = db.execute(f"SELECT count(*)::text, {sums} FROM {dataset.TABLE}").fetchone() or ()
    return dict(zip(["rows", *names], map(str, row), strict=True))


def expected(to: server.Server, data: dataset.Dataset) -> dict[str, str]:
    """What a complete target's digests are; worked out once per file and kept beside it."""
    if data.text is None:
        raise ValueError("the dataset was prepared without its COPY text")
    kept = data.text.with_suffix(".digests.json")
    if not kept.exists():
        to.recreate()
        create(to)
        with (
            to.connect() as db,
            data.text.open("rb") as text,
            db.cursor().copy(f"COPY {dataset.TABLE} FROM STDIN") as copy,
        ):
            while block := text.read(1 << 18):
                copy.write(block)
        compare_sums(to, data.file)
        kept.write_text(json.dumps(digests(to)))
    found: dict[str, str] = json.loads(kept.read_text())
    return found


def compare_sums(to: server.Server, file: pathlib.Path) -> None:
    source = sqlite3.connect(file)
    want = source.execute(SUMS).fetchone()
    source.close()
    with to.connect() as db:
        have = db.execute(SUMS.replace("(metadata)", "(metadata::text)")).fetchone() or ()
    if not all(math.isclose(float(a), float(b), rel_tol=1e-9) for a, b in zip(want, have, strict=True)):
        raise NotComplete(f"the COPY text is not the SQLite file: {want} {have}")


def check(to: server.Server, data: dataset.Dataset) -> None:
    """Raise NotComplete unless the target holds every row and every value."""
    want, have = expected(to, data), digests(to)
    if want["rows"] != have["rows"]:
        raise NotComplete(f"{have['rows']} of {want['rows']} rows arrived")
    different = [name for name in want if want[name] != have[name]]
    if different:
        raise NotComplete(f"values differ in {', '.join(different)}")


def types(to: server.Server) -> dict[str, str]:
    """The types the target's columns have, for whoever made the table himself."""
    with to.connect() as db:
        found = db.execute(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
            " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
            [dataset.TABLE],
        ).fetchall()
    return dict(found)
