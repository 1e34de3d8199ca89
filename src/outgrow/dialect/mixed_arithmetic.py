"""Arithmetic and `||` of statements: on texts and on numbers of both types too, by functions of outgrow's own in the target."""

from __future__ import annotations

from outgrow.dialect import arithmetic, casting
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["binary"]


def binary(operator: str, left: Value, right: Value, caveats: list[str]) -> Value:
    """`left operator right`, for the operators of `arithmetic.binary` and `||`."""
    if operator == "||":
        return arithmetic.concatenate(casting.text(left), casting.text(right))
    try:
        return arithmetic.binary(operator, left, right, caveats)
    except Untranslatable:
        if operator not in {"+", "-", "*", "/"} or {left.kind, right.kind} & {Kind.OPAQUE, Kind.DATE}:
            raise
    one, other = _operand(left), _operand(right)
    if Kind.NULL in {one.kind, other.kind}:
        return values.NULL
    return Value(kind=Kind.NUMBER, sql=f"outgrow.compute('{operator}', {one.sql}, {other.sql})", decimal=True)


def _operand(operand: Value) -> Value:
    if operand.kind in {Kind.TEXT, Kind.BLOB}:
        sql = f"outgrow.to_operand({casting.text(operand).sql}::text)"
        return Value(kind=Kind.NUMBER, sql=sql, decimal=True)
    return casting.mixed(casting.opened(operand))
