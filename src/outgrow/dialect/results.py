"""Operands as PostgreSQL's result columns, and as terms of ORDER BY, GROUP BY and DISTINCT."""

from __future__ import annotations

from outgrow.dialect import conversion, variants
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value
from outgrow.model import schema

__all__ = ["collated", "distinct", "group_term", "inner", "order_term", "outer"]


_EXACT = frozenset({schema.Affinity.INTEGER, schema.Affinity.NUMERIC})
_BARE = frozenset({"true", "false"})
"""Conditions that PostgreSQL takes for constants, which it refuses where a column could be meant by its number."""


def outer(operand: Value) -> str:
    """The operand as a column of a statement's result: bigint, double precision, numeric, text or bytea."""
    if operand.kind is Kind.BOOLEAN:
        return f"({operand.sql})::integer::bigint"
    return inner(operand)


def inner(operand: Value) -> str:
    """The operand as a column of a subquery: a boolean stays one, and text is ordered bytewise."""
    match operand.kind:
        case Kind.INTEGER:
            return f"({operand.sql})::bigint"
        case Kind.REAL:
            return f"({operand.sql})::double precision"
        case Kind.NUMBER if operand.decimal:
            return f"({operand.sql})::numeric"
        case Kind.NUMBER:
            raise Untranslatable(f"integers and reals become one type: {operand.sql}")
        case Kind.TEXT:
            return operand.sql if operand.collated else f'(({operand.sql})::text COLLATE "C")'
        case Kind.BLOB | Kind.BOOLEAN:
            return operand.sql
        case Kind.ANY:
            return operand.sql
        case Kind.NULL:
            return "NULL::text"
        case Kind.DATE:
            return f'({operand.sql}::text COLLATE "C")'
        case _:
            raise values.refusal(operand, "is a result")


def order_term(operand: Value, *, descending: bool, nulls_first: bool | None) -> str | None:
    """A term of ORDER BY, None for a constant; NULL comes first in ascending order (pitfall 80)."""
    if operand.constant or operand.parameter is not None or operand.kind is Kind.NULL or operand.sql in _BARE:
        return None
    if nulls_first is None:
        nulls_first = not descending
    direction = " DESC" if descending else ""
    terms = variants.parts(operand) if operand.kind is Kind.ANY else (_sorted(operand),)
    return ", ".join(f"{term}{direction} NULLS {'FIRST' if nulls_first else 'LAST'}" for term in terms)


def _sorted(operand: Value) -> str:
    if operand.kind is Kind.NUMBER or operand.kind is Kind.DATE:
        return operand.sql
    if operand.kind is not Kind.TEXT:
        return inner(operand) if operand.kind not in {Kind.INTEGER, Kind.REAL} else operand.sql
    if operand.native is not None and operand.native.codec.orderable and operand.collation in {None, "BINARY"}:
        return operand.native.sql
    return collated(operand)


def collated(operand: Value) -> str:
    """A text such that PostgreSQL's `=`, `<` and ORDER BY see it as SQLite's collation does."""
    match operand.collation or "BINARY":
        case "BINARY":
            return inner(operand)
        case "NOCASE":
            return conversion.folded(operand)
        case "RTRIM":
            return f"rtrim({inner(operand)}, ' ')"
        case other:
            raise Untranslatable(f"the collation {other} is the application's own")


def group_term(operand: Value) -> str:
    """A term of GROUP BY or PARTITION BY."""
    if operand.kind is Kind.ANY:
        return variants.equal(operand)
    if operand.kind is Kind.TEXT:
        return collated(operand)
    if operand.kind in {Kind.NUMBER, Kind.DATE}:
        return operand.sql
    if operand.sql in _BARE:
        return f"{operand.sql}::boolean"
    if operand.constant or operand.parameter is not None:
        return inner(operand)
    return operand.sql if operand.kind is not Kind.OPAQUE else inner(operand)


def distinct(operand: Value) -> None:
    """Refuse an operand whose equal values can look different: which of them is kept is not said."""
    if operand.kind is Kind.ANY:
        raise values.refusal(operand, "is made one with those that are equal")
    if operand.kind is Kind.TEXT and (operand.collation or "BINARY") != "BINARY":
        raise Untranslatable(f"texts that are equal under {operand.collation} are made one")
    if operand.kind is Kind.NUMBER and operand.affinity not in _EXACT:
        raise Untranslatable("integers and reals that are equal are made one")
