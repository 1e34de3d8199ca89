"""The columns that an expression may name, and what is known of their values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from outgrow.dialect import identifiers
from outgrow.dialect.value import Kind, Value
from outgrow.model import schema

__all__ = ["Scope"]

_NUMERIC = frozenset({schema.Affinity.INTEGER, schema.Affinity.NUMERIC})
_TEXT = frozenset({schema.Affinity.TEXT})
_NONE = frozenset({schema.Affinity.BLOB})

# What a type's values are in SQLite, the affinity a column of that type has if none is told, and the
# affinities under which SQLite's operators see these values as they are.
_KINDS: Mapping[str, tuple[Kind, schema.Affinity, frozenset[schema.Affinity]]] = {
    "bigint": (Kind.INTEGER, schema.Affinity.INTEGER, _NUMERIC | _NONE),
    "integer": (Kind.INTEGER, schema.Affinity.INTEGER, _NUMERIC | _NONE),
    "smallint": (Kind.INTEGER, schema.Affinity.INTEGER, _NUMERIC | _NONE),
    "boolean": (Kind.BOOLEAN, schema.Affinity.NUMERIC, _NUMERIC | _NONE),
    "double precision": (Kind.REAL, schema.Affinity.REAL, _NONE | {schema.Affinity.REAL}),
    "numeric": (Kind.NUMBER, schema.Affinity.NUMERIC, _NUMERIC | {schema.Affinity.REAL}),
    "text": (Kind.TEXT, schema.Affinity.TEXT, _TEXT | _NONE),
    "uuid": (Kind.TEXT, schema.Affinity.TEXT, _TEXT | _NUMERIC),
    "json": (Kind.TEXT, schema.Affinity.TEXT, _TEXT | _NUMERIC),
    "bytea": (Kind.BLOB, schema.Affinity.BLOB, _NONE),
    "date": (Kind.DATE, schema.Affinity.NUMERIC, _NUMERIC | _TEXT),
}
_BITS = {"smallint": 15, "integer": 31, "bigint": 63}


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Columns by their names in the source: type, name in the target, and affinity and collation where told."""

    types: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    affinities: Mapping[str, schema.Affinity] = field(default_factory=dict)
    collations: Mapping[str, str] = field(default_factory=dict)

    def source(self, name: str) -> str | None:
        """The column of that name as the mappings spell it, ASCII case ignored."""
        if name in self.types:
            return name
        folded = _fold(name)
        return next((known for known in self.types if _fold(known) == folded), None)

    def column(self, source: str) -> Value:
        """The column as an operand."""
        sql_type = re.sub(r"\(.*\)", "", self.types[source])
        sql = identifiers.quote(self.names.get(source, source))
        json = sql_type if sql_type in {"json", "jsonb"} else ""
        if sql_type not in _KINDS:
            reason = f"{source} is {self.types[source]}, which compares differently from what SQLite stores"
            return Value(kind=Kind.OPAQUE, sql=sql, reason=reason, column=sql, json=json)
        kind, usual, allowed = _KINDS[sql_type]
        affinity = self.affinities.get(source, usual)
        if affinity not in allowed:
            what = f"{source} has {affinity} affinity in SQLite and becomes {self.types[source]}"
            return Value(kind=Kind.OPAQUE, sql=sql, reason=f"{what}: its comparisons change", column=sql, json=json)
        low, high = _bounds(sql_type)
        return Value(
            kind=kind,
            sql=f"{sql}::text" if sql_type in {"uuid", "json"} else sql,
            affinity=affinity,
            collation=self.collations.get(source, "BINARY").upper(),
            collated=sql_type == "text",
            low=low,
            high=high,
            wide=sql_type not in {"integer", "smallint", "boolean"},
            column=sql,
            json=json,
        )


def _bounds(sql_type: str) -> tuple[float | None, float | None]:
    if sql_type in _BITS:
        return -(2 ** _BITS[sql_type]), 2 ** _BITS[sql_type] - 1
    return (0, 1) if sql_type == "boolean" else (None, None)


def _fold(name: str) -> str:
    return "".join(character.lower() if character.isascii() else character for character in name)
