"""Operands converted as SQLite converts them: into text, integers, doubles and conditions."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = [
    "as_bigint",
    "as_boolean",
    "as_condition",
    "as_double",
    "as_text",
    "folded",
    "looks_numeric",
    "numeric",
    "real_text",
]

_NUMERIC = re.compile(r"[ \t\n\v\f\r]*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?[ \t\n\v\f\r]*", re.ASCII)


def folded(operand: Value) -> str:
    """The operand in ASCII lower case, as NOCASE and LIKE see it."""
    if operand.constant and isinstance(operand.value, str):
        return values.string("".join(c.lower() if c.isascii() else c for c in operand.value))
    return operand.lowered or f'lower({operand.sql} COLLATE "C")'


def looks_numeric(value: str) -> bool:
    """Whether a numeric affinity turns this text into a number."""
    return _NUMERIC.fullmatch(value) is not None


def numeric(value: str) -> int | float:
    """The number that a numeric affinity makes of a text that looks like one."""
    plain = value.strip(" \t\n\v\f\r")
    if plain.lstrip("+-").isdigit() and values.SMALLEST <= int(plain) <= values.LARGEST:
        return int(plain)
    number = float(plain)
    return int(number) if number.is_integer() and values.SMALLEST < number < values.LARGEST else number


def real_text(value: float) -> str:
    """The text that SQLite makes of a real; refused where its versions differ in the last digits."""
    written = repr(value)
    digits = written.lstrip("-").replace(".", "").strip("0")
    plain = value == 0 or 1e-4 <= abs(value) < 1e15
    if not plain or "e" in written or len(digits) > 15 or math.copysign(1, value) < 0 == value:
        raise Untranslatable(f"SQLite's text for the real {value!r} depends on its version")
    return written


def as_text(operand: Value) -> Value:
    """The operand as SQLite makes text of it."""
    if operand.constant and isinstance(operand.value, int | float):
        return values.literal(str(operand.value) if isinstance(operand.value, int) else real_text(operand.value))
    match operand.kind:
        case Kind.TEXT | Kind.NULL:
            return operand
        case Kind.INTEGER:
            return Value(kind=Kind.TEXT, sql=f"{operand.sql}::text")
        case Kind.BOOLEAN:
            return Value(kind=Kind.TEXT, sql=f"{operand.sql}::integer::text")
        case _:
            raise values.refusal(operand, "cannot be made text alike")


def as_bigint(operand: Value) -> Value:
    """An INTEGER or BOOLEAN as a 64-bit integer; a constant stays as it is."""
    match operand.kind:
        case Kind.BOOLEAN:
            return values.integer(f"{operand.sql}::integer::bigint", 0, 1)
        case Kind.INTEGER if operand.wide or operand.constant:
            return operand
        case Kind.INTEGER:
            return replace(operand, sql=f"{operand.sql}::bigint", wide=True)
        case _:
            raise values.refusal(operand, "is no integer")


def as_double(operand: Value) -> Value:
    """An INTEGER, BOOLEAN or REAL as a double; both databases round large integers alike."""
    if operand.constant and isinstance(operand.value, int | float):
        number = values.literal(float(operand.value))
        return number if "'" in number.sql else replace(number, sql=f"{number.sql}::double precision")
    match operand.kind:
        case Kind.REAL:
            return operand
        case Kind.INTEGER | Kind.BOOLEAN:
            inner = as_bigint(operand)
            return replace(inner, kind=Kind.REAL, sql=f"{inner.sql}::double precision")
        case _:
            raise values.refusal(operand, "is no number that both databases compute with alike")


def as_boolean(operand: Value) -> str | None:
    """The operand as SQL boolean where its values are 0 and 1 only, else None."""
    if operand.kind is Kind.BOOLEAN:
        return operand.sql
    if operand.constant and isinstance(operand.value, int | float) and operand.value in (0, 1):
        return "true" if operand.value else "false"
    return None


def as_condition(operand: Value) -> str:
    """The operand as a condition: a number is true unless zero."""
    if operand.constant and isinstance(operand.value, int | float):
        return "true" if operand.value else "false"
    match operand.kind:
        case Kind.BOOLEAN:
            return operand.sql
        case Kind.INTEGER | Kind.REAL | Kind.NUMBER:
            return f"({operand.sql} <> 0)"
        case Kind.NULL:
            return "NULL::boolean"
        case _:
            raise values.refusal(operand, "stands as a condition")
