"""Codecs: how a column's values cross to PostgreSQL and come back, one module per family of types."""

from __future__ import annotations

from outgrow.codec.base import Codec, Spec
from outgrow.codec.functions import FLAW_ENCODING, FLAW_NUL, functions
from outgrow.codec.numbers import BOOLEAN_WORDS, Bigint, Boolean, Double, Integer, Numeric, Smallint
from outgrow.codec.temporal import Date, Time, Timestamp, Timestamptz, formats
from outgrow.codec.texts import Bytea, Json, Jsonb, Text, Uuid
from outgrow.codec.vectors import Vector

__all__ = [
    "BOOLEAN_WORDS",
    "FLAW_ENCODING",
    "FLAW_NUL",
    "TYPES",
    "Bigint",
    "Boolean",
    "Bytea",
    "Codec",
    "Date",
    "Double",
    "Integer",
    "Json",
    "Jsonb",
    "Numeric",
    "Smallint",
    "Spec",
    "Text",
    "Time",
    "Timestamp",
    "Timestamptz",
    "Uuid",
    "Vector",
    "formats",
    "from_spec",
    "functions",
]

_CLASSES: tuple[type[Codec], ...] = (
    Bigint,
    Boolean,
    Bytea,
    Date,
    Double,
    Integer,
    Json,
    Jsonb,
    Numeric,
    Smallint,
    Text,
    Time,
    Timestamp,
    Timestamptz,
    Uuid,
    Vector,
)

TYPES = {cls.type: cls for cls in _CLASSES}
"""Codec classes by the name of their type."""


def from_spec(spec: Spec) -> Codec:
    """The codec that a spec describes; ValueError where it describes none."""
    arguments = dict(spec)
    name = str(arguments.pop("type", ""))
    try:
        return TYPES[name](**arguments)
    except (KeyError, TypeError) as error:
        settings = f" with {arguments}" if arguments else ""
        raise ValueError(f"no type {name!r}{settings}") from error
