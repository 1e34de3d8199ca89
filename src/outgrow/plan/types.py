"""Which PostgreSQL type a column gets: the richest one asked for by its declaration that every stored value survives.

The declaration only proposes; the values decide. A column declared DATETIME whose values are of two formats stays text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from outgrow import codec
from outgrow.model import schema

__all__ = ["DATES", "SAMPLE_ROWS", "describe", "fallbacks", "has_formats", "hint", "needs_sample", "plain", "proposals"]

DATES = frozenset({"timestamp", "timestamptz", "date", "time"})
"""The hints at dates and times, which people write in several formats."""

SAMPLE_ROWS = 500
"""Rows of a table's beginning and of its end that show how values are written."""

_HINTS: tuple[tuple[str, str], ...] = (
    (r"\bBOOL(EAN)?\b", "boolean"),
    (r"\bTIMESTAMP ?TZ\b|\bWITH TIME ZONE\b|\bDATETIMEOFFSET\b", "timestamptz"),
    (r"\b(DATE ?TIME2?|TIMESTAMP|SMALLDATETIME)\b", "timestamp"),
    (r"\bDATE\b", "date"),
    (r"\bTIME\b", "time"),
    (r"\bJSONB?\b", "json"),
    (r"\b(UUID|GUID|UNIQUEIDENTIFIER)\b", "uuid"),
    (r"\b(?:VECTOR|F32_BLOB|FLOAT32_BLOB)\s*\(\s*(\d+)\s*\)|\bFLOAT\s*\[\s*(\d+)\s*\]", "vector"),
    (r"\b(DECIMAL|NUMERIC|NUMBER|MONEY|DEC|SMALLMONEY)\b", "numeric"),
)


def hint(declared: str) -> str:
    """The richer type that a declaration asks for (`boolean`, `timestamp`, …), or nothing."""
    upper = re.sub(r"[\s_]+", " ", declared.upper().replace("F32_BLOB", "F32BLOB")).replace("F32BLOB", "F32_BLOB")
    return next((name for pattern, name in _HINTS if re.search(pattern, upper)), "")


def has_formats(declared: str) -> bool:
    """Whether the declaration is of a kind that people write in several formats."""
    return hint(declared) in ("timestamp", "timestamptz", "date", "time", "boolean", "uuid")


def needs_sample(declared: str) -> bool:
    """Whether proposals depend on how the values are written."""
    return has_formats(declared) and hint(declared) != "uuid"


def _booleans(sample: Sequence[str]) -> list[codec.Codec]:
    proposals: list[codec.Codec] = [codec.Boolean()]
    seen = set(sample)
    for words in codec.BOOLEAN_WORDS:
        for spell in (str, str.capitalize, str.upper):
            spelled: Callable[[str], str] = spell
            false, true = (spelled(word) for word in words)
            if seen and seen <= {false, true}:
                proposals.append(codec.Boolean(false=false, true=true))
    return proposals


# What SQLite's own functions, Django and SQLAlchemy write: for columns without any text to tell a format by.
_EXPECTED: Mapping[str, codec.Codec] = {
    "timestamp": codec.Timestamp(separator=" ", fraction=-1),
    "date": codec.Date(),
    "time": codec.Time(fraction=-1),
}


def proposals(column: schema.Column, sample: Sequence[str], *, keyed: bool) -> list[codec.Codec]:
    """Richer codecs that the declaration asks for, best first; a `keyed` column must stay comparable."""
    asked = hint(column.declared)
    found: list[codec.Codec] = []
    match asked:
        case "boolean":
            found = _booleans(sample)
        case "timestamp" | "timestamptz":
            found = [*codec.formats("timestamp", list(sample))] if sample else [_EXPECTED["timestamp"]]
        case "date" | "time":
            found = [*codec.formats(asked, list(sample))] if sample else [_EXPECTED[asked]]
            # Many a DATE column holds timestamps.
            found += [*codec.formats("timestamp", list(sample))]
        case "json":
            found = [codec.Json()]
        case "uuid":
            found = [codec.Uuid()]
        case "vector":
            dimensions = next(int(digits) for digits in re.findall(r"\d+", re.sub(r"F(LOAT)?32", "", column.declared)))
            found = [codec.Vector(dimensions=dimensions)] if 0 < dimensions <= 16_000 else []
    return [proposal for proposal in found if proposal.orderable or not keyed]


def plain(column: schema.Column) -> codec.Codec:
    """The type that the column's affinity alone asks for."""
    match column.affinity:
        case schema.Affinity.INTEGER:
            return codec.Bigint()
        case schema.Affinity.REAL:
            return codec.Double()
        case schema.Affinity.NUMERIC:
            return codec.Numeric()
        case schema.Affinity.TEXT:
            return codec.Text()
        case schema.Affinity.BLOB:
            return codec.Bytea()


def fallbacks(column: schema.Column) -> list[codec.Codec]:
    """Plain types that may hold what `plain` cannot, in the order of preference; text last, which changes comparisons."""
    match column.affinity:
        case schema.Affinity.INTEGER | schema.Affinity.NUMERIC:
            return [codec.Bigint(), codec.Numeric(), codec.Text(), codec.Text(numbers=True), codec.Bytea()]
        case schema.Affinity.REAL:
            return [codec.Text(numbers=True), codec.Bytea()]
        case schema.Affinity.TEXT:
            return [codec.Bytea()]
        case schema.Affinity.BLOB:
            return [codec.Text(), codec.Bigint(), codec.Double()]


def describe(chosen: codec.Codec, rows: int, *, nullable: bool) -> str:
    """Evidence in words: what every value is; a column that is not `nullable` has no NULL."""
    spec = chosen.spec()
    fraction = {0: "no fraction of a second", -1: "six digits of a second unless zero"}.get(
        int(spec.get("fraction", 0)), f"{spec.get('fraction')} digits of a second"
    )
    match spec["type"]:
        case "bigint" | "integer" | "smallint":
            what = "are integers"
        case "boolean":
            what = f"are {spec['false']!r} or {spec['true']!r}" if "true" in spec else "are 0 or 1"
        case "double precision":
            what = "are reals"
        case "numeric":
            what = "are numbers"
        case "text":
            what = "are text or numbers" if "numbers" in spec else "are text"
        case "bytea":
            what = "are text, kept as its bytes" if "text" in spec else "are blobs"
        case "timestamp":
            what = f"read YYYY-MM-DD{spec['separator']}HH:MM:SS with {fraction}, and no zone"
        case "timestamptz":
            what = f"read YYYY-MM-DD{spec['separator']}HH:MM:SS with {fraction}, zone {spec['zone']}"
        case "date":
            what = "read YYYY-MM-DD"
        case "time":
            what = f"read HH:MM:SS with {fraction}"
        case "uuid":
            what = "are lower-case UUIDs of 36 characters"
        case "json":
            what = "are valid JSON"
        case "jsonb":
            what = "are JSON as jsonb writes it"
        case "vector":
            what = f"are {spec['dimensions']} finite float32"
        case other:
            what = f"fit {other}"
    return f"{rows:,} row{'' if rows == 1 else 's'}: all values {what}{', or NULL' if nullable else ''}"
