"""A constant of SQLite's as a literal of a PostgreSQL type, or the reason why it does not fit."""

from __future__ import annotations

import datetime
import decimal
import json
import math
import re
from typing import NoReturn

from outgrow.dialect import conversion
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.model import schema

__all__ = ["stored", "typed"]

_BITS = {"smallint": 15, "integer": 31, "bigint": 63}
_NUMERIC = frozenset({schema.Affinity.INTEGER, schema.Affinity.NUMERIC, schema.Affinity.REAL})
_WORDS = {"t": "true", "true": "true", "f": "false", "false": "false"}
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?"
_DATE = r"(?!0000)\d{4}-\d\d-\d\d"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def stored(value: tree.Constant, affinity: schema.Affinity) -> tree.Constant:
    """The value that a column of this affinity stores (datatype3.html, 3)."""
    if affinity is schema.Affinity.TEXT and isinstance(value, int | float):
        return str(value) if isinstance(value, int) else conversion.real_text(value)
    if affinity not in _NUMERIC:
        return value
    if isinstance(value, str) and conversion.looks_numeric(value):
        value = conversion.numeric(value)
    if affinity is schema.Affinity.REAL:
        return float(value) if isinstance(value, int) else value
    if isinstance(value, float) and value.is_integer() and values.SMALLEST < value < values.LARGEST:
        return int(value)
    return value


def typed(value: tree.Constant, sql_type: str) -> str:
    """A literal of `sql_type`; raises `Untranslatable` for a value that the type does not hold."""
    if value is None:
        return "NULL"
    name, _, arguments = sql_type.partition("(")
    match name, value:
        case "bigint" | "integer" | "smallint", int() if -(2 ** _BITS[name]) <= value < 2 ** _BITS[name]:
            return str(value)
        case "boolean", int() if value in (0, 1):
            return "true" if value else "false"
        case "boolean", str() if value.lower() in _WORDS:
            return _WORDS[value.lower()]
        case "double precision", int() | float():
            number = float(value)
            return f"'{number}'::double precision" if math.isinf(number) else repr(number)
        case "numeric", int() | float() if not math.isinf(value):
            return _numeric(value, sql_type, arguments)
        case "text", int():
            return values.string(str(value))
        case "text", float():
            return values.string(conversion.real_text(value))
        case "text", str():
            return values.string(value)
        case "bytea", bytes():
            return f"'\\x{value.hex()}'::bytea"
        case "uuid", str() if _UUID.fullmatch(value):
            return f"'{value}'::uuid"
        case "json" | "jsonb", str():
            return f"{values.string(_json(value))}::{name}"
        case "date" | "time" | "timestamp" | "timestamptz", str():
            return _moment(value, name)
        case "vector", str():
            return f"{values.string(_vector(value, arguments.rstrip(')')))}::{sql_type}"
    raise Untranslatable(f"the default {value!r} is no {sql_type}")


def _numeric(value: int | float, sql_type: str, arguments: str) -> str:
    number = decimal.Decimal(repr(value))
    precision, _, scale = arguments.rstrip(")").partition(",")
    if precision:
        places = int(scale or 0)
        exponent = number.normalize().as_tuple().exponent
        digits = number.adjusted() + 1 if number else 0
        if not isinstance(exponent, int) or -exponent > places or digits > int(precision) - places:
            raise Untranslatable(f"the default {value!r} does not fit {sql_type}")
    return f"{number:f}"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _json(value: str) -> str:
    """The text itself where both json types take it."""
    try:
        json.loads(value, parse_constant=_refuse)
    except ValueError:
        raise Untranslatable(f"the default {value!r} is no JSON") from None
    if "\\u" in value:
        raise Untranslatable("a JSON default with \\u escapes")
    return value


def _vector(value: str, dimensions: str) -> str:
    try:
        numbers = json.loads(value, parse_constant=_refuse)
    except ValueError:
        numbers = None
    fits = isinstance(numbers, list) and all(type(number) in {int, float} for number in numbers)
    if not fits or not numbers or (dimensions and len(numbers) != int(dimensions)):
        raise Untranslatable(f"the default {value!r} is no vector of {dimensions} numbers")
    return value


def _moment(value: str, name: str) -> str:
    """ISO text only: every other spelling is one that PostgreSQL may read differently (pitfalls 31 to 33)."""
    zone = r"(?P<zone>Z|\+00(?::?00)?)?" if name == "timestamptz" else ""
    patterns = {"date": _DATE, "time": _TIME}
    if not re.fullmatch(patterns.get(name, f"{_DATE}(?:[ T]{_TIME})?{zone}"), value, re.ASCII):
        raise Untranslatable(f"the default {value!r} is no {name}")
    try:
        if name != "time":
            datetime.date.fromisoformat(value[:10])
    except ValueError:
        raise Untranslatable(f"the default {value!r} is no date") from None
    if name != "timestamptz":
        return f"'{value}'::{name}"
    return f"'{re.sub(r'(Z|[+]00(:?00)?)$', '', value)}+00'::timestamptz"
