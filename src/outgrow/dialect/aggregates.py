"""SQLite's aggregate functions.

Sums of reals are PostgreSQL's: their last digits depend on the order of the rows, as before SQLite 3.43, which sums more
exactly since. The order of rows in group_concat() and its like is nobody's promise in SQLite either.
"""

from __future__ import annotations

from collections.abc import Sequence

from outgrow.dialect import arithmetic, casting, conversion, json_functions, results, variants
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["FUNCTIONS", "SUMS", "call"]

FUNCTIONS = (
    "count", "sum", "total", "avg", "min", "max", "group_concat", "string_agg", "json_group_array", "json_group_object"
)  # fmt: skip
SUMS = "the last digits of a sum of reals depend on the version of SQLite and on the order of the rows"

_NAN = "'NaN'::double precision"


def call(name: str, arguments: Sequence[Value], *, distinct: bool, filter_: str, caveats: list[str]) -> Value:
    """An aggregate of translated arguments; none is `count(*)`. Raises `Untranslatable` for what is not known here."""
    only = "DISTINCT " if distinct else ""
    tail = f" FILTER (WHERE {filter_})" if filter_ else ""
    if name == "count" and not arguments:
        return values.integer(f"count(*){tail}", 0)
    if name in {"group_concat", "string_agg"}:
        return _concatenated(name, arguments, only, tail)
    if name == "json_group_array" and len(arguments) == 1:
        return _json_array(arguments[0], only, tail)
    if name == "json_group_object" and len(arguments) == 2 and not distinct:
        return _json_object(arguments[0], arguments[1], tail)
    if len(arguments) != 1:
        raise Untranslatable(f"{name}() with {len(arguments)} arguments has no exact counterpart")
    operand = arguments[0]
    if name == "count":
        inner = "NULL::text" if operand.kind is Kind.NULL else results.group_term(operand)
        return values.integer(f"count({only}{inner}){tail}", 0)
    if operand.kind is Kind.NULL:
        return values.literal(0.0) if name == "total" else values.NULL
    if name in {"min", "max"}:
        return _extreme(name, operand, tail)
    if name in {"sum", "total", "avg"}:
        return _sum(name, operand, only, tail, caveats)
    raise Untranslatable(f"{name}() has no exact counterpart")


def _extreme(name: str, operand: Value, tail: str) -> Value:
    if operand.kind is Kind.BOOLEAN:
        operand = conversion.as_bigint(operand)
    if operand.kind is Kind.BLOB:  # PostgreSQL before 18 has no min() of these
        order = "ASC" if name == "min" else "DESC"
        kept = f"{tail[:-1]} AND {operand.sql} IS NOT NULL)" if tail else f" FILTER (WHERE {operand.sql} IS NOT NULL)"
        return Value(kind=Kind.BLOB, sql=f"((array_agg({operand.sql} ORDER BY {operand.sql} {order}){kept})[1])")
    if operand.kind is Kind.ANY:
        kept = f"{tail[:-1]} AND {operand.sql} IS NOT NULL)" if tail else f" FILTER (WHERE {operand.sql} IS NOT NULL)"
        sql = variants.extreme(operand, lowest=name == "min", filter_=kept)
        return Value(kind=Kind.ANY, sql=sql, made_json=operand.made_json)
    if operand.kind not in {Kind.INTEGER, Kind.REAL, Kind.TEXT, Kind.NUMBER}:
        raise values.refusal(operand, f"is given to {name}()")
    if (operand.collation or "BINARY") != "BINARY":
        raise Untranslatable(f"{name}() of texts that {operand.collation} makes equal")
    return Value(
        kind=operand.kind,
        sql=f"{name}({results.inner(operand)}){tail}",
        collated=operand.kind is Kind.TEXT,
        low=operand.low,
        high=operand.high,
        decimal=operand.decimal,
        made_json=operand.made_json,
    )


def _sum(name: str, operand: Value, only: str, tail: str, caveats: list[str]) -> Value:
    if only and operand.kind is Kind.ANY:
        raise values.refusal(operand, "is summed, of which different ones can be the same number")
    if operand.kind in {Kind.INTEGER, Kind.BOOLEAN}:
        inner = conversion.as_bigint(operand).sql
        if name == "sum":  # beyond 64 bits it is an error in both databases
            return values.integer(f"(sum({only}{inner}){tail})::bigint")
        return _whole(name, inner, only, tail)
    caveats.append(SUMS)
    if operand.kind is Kind.REAL:
        caveats.append(arithmetic.REAL_OVERFLOW)
        inner = conversion.as_double(operand).sql
        summed = f"nullif(sum({only}{inner}){tail}, {_NAN})"
        if name == "sum":
            return Value(kind=Kind.REAL, sql=summed)
        if name == "total":
            return Value(kind=Kind.REAL, sql=f"coalesce({summed}, 0)")
        counted = f"(count({only}{inner}){tail})::double precision"
        return Value(kind=Kind.REAL, sql=f"({summed} / nullif({counted}, 0))")
    inner = _number(operand)
    if name != "sum":
        return _whole(name, inner, only, tail)
    # One real among them makes the sum a real; integers alone are one that has 64 bits, or an error.
    summed, whole = f"(sum({only}{inner}){tail})", f"(bool_and(outgrow.is_integer({inner})){tail})"
    real = f"outgrow.real_number({summed}::double precision)"
    sql = f"(CASE WHEN {whole} THEN {summed}::bigint::numeric ELSE {real} END)"
    return Value(kind=Kind.NUMBER, sql=sql, decimal=True)


def _number(operand: Value) -> str:
    """The operand of a sum as numeric; a text is an integer if it is written as one, else a real."""
    if operand.kind is Kind.TEXT:
        return f"outgrow.to_term({operand.sql}::text)"
    if operand.kind is Kind.ANY:
        return f"outgrow.any_term({operand.sql})"
    if operand.kind is Kind.NUMBER and operand.decimal:
        return operand.sql
    raise values.refusal(operand, "is summed")


def _whole(name: str, inner: str, only: str, tail: str) -> Value:
    """total() and avg() of what PostgreSQL sums exactly."""
    if name == "total":
        return Value(kind=Kind.REAL, sql=f"coalesce((sum({only}{inner}){tail})::double precision, 0)")
    counted = f"(count({only}{inner}){tail})::double precision"
    return Value(kind=Kind.REAL, sql=f"((sum({only}{inner}){tail})::double precision / nullif({counted}, 0))")


def _concatenated(name: str, arguments: Sequence[Value], only: str, tail: str) -> Value:
    """group_concat(): texts without the NULLs; NULL of none."""
    if not arguments or len(arguments) > 2 or (name == "string_agg" and len(arguments) < 2):
        raise Untranslatable(f"{name}() with {len(arguments)} arguments")
    if only and len(arguments) > 1:
        raise Untranslatable("DISTINCT aggregates must have exactly one argument")
    operand = arguments[0]
    if operand.kind is Kind.NULL:
        return values.NULL
    if only and operand.kind not in {Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN}:
        raise values.refusal(operand, "becomes text, of which different ones can be alike")
    between = values.literal(",") if len(arguments) == 1 else casting.text(arguments[1])
    separator = "NULL::text" if between.kind is Kind.NULL else f"{between.sql}::text"
    return values.text(f"string_agg({only}{casting.text(operand).sql}, {separator}){tail}")


def _json_array(operand: Value, only: str, tail: str) -> Value:
    if only and operand.kind not in {Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN}:
        raise values.refusal(operand, "becomes text, of which different ones can be alike")
    listed = f"string_agg({only}{json_functions.literal(operand)}, ','){tail}"
    return Value(kind=Kind.TEXT, sql=f"('[' || coalesce({listed}, '') || ']')", made_json=True)


def _json_object(name: Value, operand: Value, tail: str) -> Value:
    """json_group_object(); SQLite leaves out what has no name since 3.51."""
    if name.kind is not Kind.TEXT:
        raise values.refusal(name, "is a name in JSON")
    item = f"{json_functions.member(name)} || ':' || {json_functions.literal(operand)}"
    listed = f"string_agg({item}, ','){tail}"
    return Value(kind=Kind.TEXT, sql="('{' || coalesce(" + listed + ", '') || '}')", made_json=True)
