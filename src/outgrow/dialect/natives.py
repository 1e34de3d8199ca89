"""Columns of types that PostgreSQL compares by itself as SQLite compares their texts: so that indexes are used."""

from __future__ import annotations

import datetime
import re

from outgrow import codec as codecs
from outgrow.dialect import moment
from outgrow.dialect import value as values
from outgrow.dialect.value import Native, Value

__all__ = ["fits", "pair"]

_DATE = r"(?!0000)\d{4}-\d\d-\d\d"
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def fits(codec: codecs.Codec, text: str) -> bool:
    """Whether a column with this codec (a date's, time's, timestamp's or uuid's) can hold the text as it is."""
    spec = codec.spec()
    kind = spec["type"]
    if kind == "uuid":
        return _UUID.fullmatch(text) is not None
    pattern = _DATE if kind == "date" else _TIME
    if kind in {"timestamp", "timestamptz"}:
        pattern = f"{_DATE}{spec['separator']}{_TIME}"
    fraction = int(spec.get("fraction", 0))
    if fraction > 0:
        pattern += rf"\.\d{{{fraction}}}"
    elif fraction < 0:
        pattern += r"(?:\.(?!000000)\d{6})?"
    pattern += re.escape(str(spec.get("zone", "")))
    if not re.fullmatch(pattern, text, re.ASCII):
        return False
    if kind == "time":
        return True
    try:
        datetime.date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def pair(operator: str, left: Value, right: Value) -> tuple[str, str] | None:
    """Both operands of a comparison in the column's own type, or None where only their texts compare alike."""
    ordered = operator in {"<", "<=", ">", ">="}
    for column in (left.native, right.native):
        if column is None or (ordered and not column.codec.orderable):
            continue
        if any(operand.collation not in {None, "BINARY"} for operand in (left, right)):
            return None
        found = (
            _in_type(left, column) or _moment(left, column, whole_days=operator in {"<=", ">"}),
            _in_type(right, column) or _moment(right, column, whole_days=operator in {">=", "<"}),
        )
        if found[0] is not None and found[1] is not None:
            return found[0], found[1]
    return None


def _moment(operand: Value, column: Native, *, whole_days: bool) -> str | None:
    """A computed time in the column's type, where their texts are in the same order as the times.

    With `whole_days`, a date may stand beside timestamps: its text comes before every one of that day.
    """
    told, spec = operand.moment, column.codec.spec()
    if told is None or told.zoned or told.precision not in {"second", "day"} or int(spec.get("fraction", 0)) > 0:
        return None
    kind = str(spec["type"])
    if (
        kind == "timestamp"
        and spec["separator"] == " "
        and (told.form == "timestamp" or (whole_days and told.form == "date"))
    ):
        return moment.in_type(operand, kind)
    return moment.in_type(operand, kind) if kind == told.form == "date" else None


def _in_type(operand: Value, column: Native) -> str | None:
    if operand.native is not None:
        return operand.native.sql if operand.native.codec == column.codec else None
    codec = column.codec
    if operand.parameter is not None and isinstance(operand.parameter.value, str):
        if not fits(codec, operand.parameter.value):
            return None
        operand.parameter.assume(lambda bound: isinstance(bound, str) and fits(codec, bound))
        return f"{operand.sql}::{codec.sql_type}"
    if operand.constant and isinstance(operand.value, str) and fits(codec, operand.value):
        return f"{values.string(operand.value)}::{codec.sql_type}"
    return None
