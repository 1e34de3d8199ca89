"""SQLite's functions on numbers, by functions of outgrow's own where PostgreSQL refuses, rounds or returns otherwise.

What a function of the C library gives (sine, logarithm, power) is what the library of the PostgreSQL server gives: the last
digit can differ from that of the application's host.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from outgrow.dialect import casting, conversion
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["FUNCTIONS"]


def _abs(operand: Value) -> Value:
    if operand.kind is Kind.BOOLEAN:
        return conversion.as_bigint(operand)
    return Value(kind=Kind.REAL, sql=f"abs({casting.real(operand).sql})")


def _sign(operand: Value) -> Value:
    inner = casting.number(operand)
    if inner.kind is Kind.NULL:
        return values.NULL
    return values.integer(f"sign({inner.sql})::integer", -1, 1, wide=False)


def _round(operand: Value, places: Value | None = None) -> Value:
    inner = casting.real(operand)
    wanted = "0" if places is None else casting.integer(places).sql
    if inner.kind is Kind.NULL or (places is not None and places.kind is Kind.NULL):
        return values.NULL
    return Value(kind=Kind.REAL, sql=f"outgrow.round({inner.sql}, {wanted})")


def _whole(function: str) -> Callable[..., Value]:
    """ceil(), floor() and trunc(), which leave integers what they are and make reals of reals."""

    def whole(operand: Value) -> Value:
        match operand.kind:
            case Kind.NULL | Kind.BLOB:
                return values.NULL
            case Kind.INTEGER | Kind.BOOLEAN:
                return conversion.as_bigint(operand)
            case Kind.REAL:
                return Value(kind=Kind.REAL, sql=f"{function}({conversion.as_double(operand).sql})")
            case _:
                raise values.refusal(operand, f"is given to {function}(), whose results are of two types")

    return whole


def _real(template: str) -> Callable[..., Value]:
    """A function of reals as SQL with `{0}`, `{1}` for its arguments."""

    def real(*operands: Value) -> Value:
        inner = [casting.number(operand) for operand in operands]
        if any(operand.kind is Kind.NULL for operand in inner):
            return values.NULL
        if any("random" in operand.sql for operand in inner):
            raise Untranslatable("a random number would be taken twice")
        return Value(kind=Kind.REAL, sql=f"({template.format(*(operand.sql for operand in inner))})")

    return real


def _pi() -> Value:
    return values.literal(math.pi)


def _refused_log2(_: Value) -> Value:
    raise Untranslatable("PostgreSQL has no logarithm to base 2 with the digits of C's log2()")


_FINITE = "CASE WHEN abs({{0}}) < 'Infinity'::double precision THEN {0}({{0}}) END"
_WITHIN = "CASE WHEN {{0}} BETWEEN -1 AND 1 THEN {0}({{0}}) END"

FUNCTIONS: Mapping[tuple[str, int], Callable[..., Value]] = {
    ("abs", 1): _abs,
    ("sign", 1): _sign,
    ("round", 1): _round,
    ("round", 2): _round,
    ("ceil", 1): _whole("ceil"),
    ("ceiling", 1): _whole("ceil"),
    ("floor", 1): _whole("floor"),
    ("trunc", 1): _whole("trunc"),
    ("mod", 2): _real("outgrow.mod({0}, {1})"),
    ("pow", 2): _real("outgrow.pow({0}, {1})"),
    ("power", 2): _real("outgrow.pow({0}, {1})"),
    ("exp", 1): _real("outgrow.exp({0})"),
    ("sqrt", 1): _real("CASE WHEN {0} >= 0 THEN sqrt({0}) END"),
    ("ln", 1): _real("CASE WHEN {0} > 0 THEN ln({0}) END"),
    ("log", 1): _real("CASE WHEN {0} > 0 THEN log({0}) END"),
    ("log10", 1): _real("CASE WHEN {0} > 0 THEN log({0}) END"),
    ("log", 2): _real("CASE WHEN {0} > 1 AND {1} > 0 THEN ln({1}) / ln({0}) END"),
    ("log2", 1): _refused_log2,
    ("pi", 0): _pi,
    ("sin", 1): _real(_FINITE.format("sin")),
    ("cos", 1): _real(_FINITE.format("cos")),
    ("tan", 1): _real(_FINITE.format("tan")),
    ("asin", 1): _real(_WITHIN.format("asin")),
    ("acos", 1): _real(_WITHIN.format("acos")),
    ("atan", 1): _real("atan({0})"),
    ("atan2", 2): _real("atan2({0}, {1})"),
    ("sinh", 1): _real("sinh({0})"),
    ("cosh", 1): _real("cosh({0})"),
    ("tanh", 1): _real("tanh({0})"),
    ("asinh", 1): _real("asinh({0})"),
    ("acosh", 1): _real("CASE WHEN {0} >= 1 THEN acosh({0}) END"),
    ("atanh", 1): _real(_WITHIN.format("atanh")),
    ("radians", 1): _real("{0} * 0.017453292519943295::double precision"),
    ("degrees", 1): _real("{0} * 57.29577951308232::double precision"),
}
"""By name and number of arguments."""
