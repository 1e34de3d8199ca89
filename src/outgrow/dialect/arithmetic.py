"""Arithmetic and `||`: computed at once on constants, else as SQLite's 64-bit integers and doubles."""

from __future__ import annotations

import math

from outgrow.dialect import conversion
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import LARGEST, SMALLEST, Kind, Value

__all__ = ["INTEGER_OVERFLOW", "REAL_OVERFLOW", "binary", "concatenate", "negate"]

INTEGER_OVERFLOW = "an integer beyond 64 bits is an error in PostgreSQL, a real in SQLite"
REAL_OVERFLOW = "a real beyond the range of a double is an error in PostgreSQL, infinite or zero in SQLite"

_HUGE = 1e290
_NAN = "'NaN'::double precision"


def concatenate(left: Value, right: Value) -> Value:
    """`left || right`."""
    one, other = conversion.as_text(left), conversion.as_text(right)
    if Kind.NULL in {one.kind, other.kind}:
        return values.NULL
    if one.constant and other.constant:
        return values.literal(f"{one.value!s}{other.value!s}")
    shape = one.shape + other.shape if one.shape is not None and other.shape is not None else None
    return values.text(f"({one.sql} || {other.sql})", one, other, shape=shape)


def negate(operand: Value, caveats: list[str]) -> Value:
    """`-operand`. SQLite subtracts from zero, so that a real zero stays without sign."""
    operand = _number(operand)
    if operand.kind is Kind.NULL:
        return values.NULL
    if operand.constant:
        return values.literal(_fold("-", 0, operand.value))
    if operand.kind is Kind.REAL:
        low = None if operand.high is None else -operand.high
        high = None if operand.low is None else -operand.low
        return Value(kind=Kind.REAL, sql=f"(0 - {operand.sql})", low=low, high=high)
    return binary("-", values.literal(0), operand, caveats)


def binary(operator: str, left: Value, right: Value, caveats: list[str]) -> Value:
    """`left operator right` for `+ - * / % & | << >>`; appends to `caveats` what PostgreSQL may refuse to compute."""
    left, right = _number(left), _number(right)
    if Kind.NULL in {left.kind, right.kind}:
        return values.NULL
    if left.constant and right.constant:
        return values.literal(_fold(operator, left.value, right.value))
    if left.kind is right.kind is Kind.INTEGER:
        return _integers(operator, conversion.as_bigint(left), conversion.as_bigint(right), caveats)
    if operator not in {"+", "-", "*", "/"}:
        raise Untranslatable(f"{operator} makes integers of reals")
    return _reals(operator, conversion.as_double(left), conversion.as_double(right), caveats)


def _number(operand: Value) -> Value:
    if operand.number is not None:
        return operand.number
    match operand.kind:
        case Kind.BOOLEAN:
            return conversion.as_bigint(operand)
        case Kind.INTEGER | Kind.REAL | Kind.NULL:
            return operand
        case Kind.NUMBER:
            raise Untranslatable(f"numeric computes exactly, SQLite with doubles: {operand.sql}")
        case _:
            raise values.refusal(operand, "is computed with")


def _integers(operator: str, left: Value, right: Value, caveats: list[str]) -> Value:
    a, b, c, d = (int(bound or 0) for bound in (left.low, left.high, right.low, right.high))
    if operator in {"/", "%"}:
        return _divided(operator, left, right, caveats)
    if operator in {"<<", ">>"}:
        if not right.constant or not 0 <= c <= 63:
            raise Untranslatable("SQLite and PostgreSQL shift differently by negative and large numbers")
        corners = [a >> c, b >> c] if operator == ">>" else [SMALLEST, LARGEST]
    elif operator in {"&", "|"}:
        masks = [bound for low, bound in ((a, b), (c, d)) if low >= 0]
        corners = [0, min(masks)] if operator == "&" and masks else [SMALLEST, LARGEST]
    elif operator == "*":
        corners = [a * c, a * d, b * c, b * d]
    else:
        corners = [a + c, b + d] if operator == "+" else [a - d, b - c]
    if min(corners) < SMALLEST or max(corners) > LARGEST:
        caveats.append(INTEGER_OVERFLOW)
    return values.integer(f"({left.sql} {operator} {right.sql})", min(corners), max(corners))


def _divided(operator: str, left: Value, right: Value, caveats: list[str]) -> Value:
    """Both truncate towards zero and give the remainder the dividend's sign; by zero SQLite gives NULL."""
    a, b, c, d = (int(bound or 0) for bound in (left.low, left.high, right.low, right.high))
    if right.constant and right.value == 0:
        return values.NULL
    divisor = right.sql if right.constant or c > 0 or d < 0 else f"nullif({right.sql}, 0)"
    sql = f"({left.sql} {operator} {divisor})"
    if operator == "%":
        most = min(max(abs(c), abs(d)) - 1, max(abs(a), abs(b)))
        return values.integer(sql, 0 if a >= 0 else -most, 0 if b <= 0 else most)
    if a == SMALLEST and c <= -1 <= d:
        caveats.append(INTEGER_OVERFLOW)
    most = max(abs(a), abs(b))
    return values.integer(sql, 0 if a >= 0 and c >= 0 else -most, most)


def _reals(operator: str, left: Value, right: Value, caveats: list[str]) -> Value:
    """IEEE arithmetic on both sides; what is not a number is NULL in SQLite."""
    low, high = _bounds(operator, left, right)
    divisor = right.sql
    if operator == "/":
        if right.constant and right.value == 0:
            return values.NULL
        if not right.constant and _may_be_zero(right):
            divisor = f"nullif({right.sql}, 0)"
    sql = f"({left.sql} {operator} {divisor})"
    unbounded = not left.bounded, not right.bounded
    if operator in {"+", "-"}:
        nan = all(unbounded)
        overflow = low is None and not (left.within(_HUGE) or right.within(_HUGE))
    elif operator == "*":
        nan = (unbounded[0] and _may_be_zero(right)) or (unbounded[1] and _may_be_zero(left))
        overflow = low is None
    else:
        nan = all(unbounded)
        overflow = low is None
    if overflow:
        caveats.append(REAL_OVERFLOW)
    result = f"nullif({sql}, {_NAN})" if nan else sql
    return Value(kind=Kind.REAL, sql=result, low=low, high=high)


def _may_be_zero(operand: Value) -> bool:
    return operand.low is None or operand.high is None or operand.low <= 0 <= operand.high


def _bounds(operator: str, left: Value, right: Value) -> tuple[float | None, float | None]:
    if left.low is None or left.high is None or right.low is None or right.high is None:
        return None, None
    a, b, c, d = left.low, left.high, right.low, right.high
    match operator:
        case "+":
            corners = [a + c, b + d]
        case "-":
            corners = [a - d, b - c]
        case "*":
            corners = [a * c, a * d, b * c, b * d]
        case _ if right.constant or not _may_be_zero(right):
            corners = [a / c, a / d, b / c, b / d]
        case _:
            return None, None
    return (min(corners), max(corners)) if max(map(abs, corners)) < _HUGE else (None, None)


def _fold(operator: str, left: tree.Constant, right: tree.Constant) -> tree.Constant:
    """The value of an operation on two numbers, as SQLite computes it."""
    if isinstance(left, int) and isinstance(right, int):
        exact = _fold_integers(operator, left, right)
        if exact is None or SMALLEST <= exact <= LARGEST:
            return exact
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        raise Untranslatable("it computes with what is no number")
    if operator not in {"+", "-", "*", "/"}:
        raise Untranslatable(f"{operator} makes integers of reals")
    one, other = float(left), float(right)
    if operator == "/":
        if not other:
            return None
        result = math.nan if math.isinf(one) and math.isinf(other) else one / other
    else:
        result = {"+": one + other, "-": one - other, "*": one * other}[operator]
    return None if math.isnan(result) else result


def _fold_integers(operator: str, left: int, right: int) -> int | None:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "&":
            return left & right
        case "|":
            return left | right
        case "/" | "%" if not right:
            return None
        case "/":
            return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        case "%":
            return abs(left) % abs(right) * (-1 if left < 0 else 1)
        case "<<" | ">>" if 0 <= right <= 63:
            shifted = left << right if operator == "<<" else left >> right
            return (shifted - SMALLEST) % 2**64 + SMALLEST
        case _:
            raise Untranslatable(f"{operator} with these numbers")
