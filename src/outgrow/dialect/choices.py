"""Functions that choose among their arguments, of numbers of both types too: for statements, not for the schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from outgrow.dialect import casting, comparison, conversion, variants
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["FUNCTIONS", "NUMBERS", "merged"]

NUMBERS = frozenset({Kind.INTEGER, Kind.BOOLEAN, Kind.REAL, Kind.NUMBER})


def merged_numbers(branches: Sequence[Value]) -> list[Value]:
    """Integers and reals as numerics that keep their types apart; raises `Untranslatable` for anything else."""
    kinds = {branch.kind for branch in branches} - {Kind.NULL}
    if not kinds <= NUMBERS:
        found = " and ".join(sorted(kinds))
        raise Untranslatable(f"its results are {found}: {', '.join(branch.sql for branch in branches)}")
    return [casting.mixed(branch) for branch in branches]


def merged(branches: Sequence[Value]) -> list[Value]:
    """Results of different types as numerics, or as values of any type; raises `Untranslatable` for blobs."""
    kinds = {branch.kind for branch in branches} - {Kind.NULL}
    return merged_numbers(branches) if kinds <= NUMBERS else variants.merged(branches)


def _chosen(sql: str, branches: Sequence[Value]) -> Value:
    """What is chosen among branches that `merged` made."""
    return Value(kind=Kind.ANY, sql=sql) if any(one.kind is Kind.ANY for one in branches) else _number(sql)


def _number(sql: str) -> Value:
    return Value(kind=Kind.NUMBER, sql=sql, decimal=True)


def _coalesce(*operands: Value) -> Value:
    branches = merged(operands)
    return _chosen(f"coalesce({', '.join(branch.sql for branch in branches)})", branches)


def _iif(test: Value, one: Value, other: Value = values.NULL) -> Value:
    branches = merged([one, other])
    sql = f"(CASE WHEN {conversion.as_condition(test)} THEN {branches[0].sql} ELSE {branches[1].sql} END)"
    return _chosen(sql, branches)


def _nullif(one: Value, other: Value) -> Value:
    test = comparison.compare("=", one, other, helpers=True)
    if one.kind is Kind.NULL:
        return values.NULL
    if one.kind in {Kind.BLOB, Kind.TEXT, Kind.ANY}:
        return Value(kind=one.kind, sql=f"(CASE WHEN {test.sql} THEN NULL ELSE {one.sql} END)")
    return _number(f"(CASE WHEN {test.sql} THEN NULL ELSE {casting.mixed(one).sql} END)")


def _extreme(function: str) -> Callable[..., Value]:
    """min() and max() of several values of one type, or of numbers: NULL if one is (pitfall 80)."""

    def extreme(*operands: Value) -> Value:
        if any(operand.kind is Kind.NULL for operand in operands):
            return values.NULL
        kinds = {operand.kind for operand in operands}
        if kinds == {Kind.TEXT}:
            if any((operand.collation or "BINARY") != "BINARY" for operand in operands):
                raise Untranslatable(f"{function}() of texts with a collation of their own")
            listed = [f'({operand.sql} COLLATE "C")' for operand in operands]
            found = Value(kind=Kind.TEXT, sql="", collated=True)
        elif kinds in ({Kind.REAL}, {Kind.BLOB}):
            listed = [casting.real(one).sql if one.kind is Kind.REAL else one.sql for one in operands]
            found = Value(kind=operands[0].kind, sql="")
        else:
            listed = [branch.sql for branch in merged_numbers(operands)]
            found = _number("")
        if any("random" in one for one in listed):
            raise Untranslatable("a random value would be taken twice")
        null = " OR ".join(f"{one} IS NULL" for one in listed)
        # Of equal numbers of different types SQLite's min() takes the last.
        ordered = reversed(listed) if function == "least" else listed
        sql = f"(CASE WHEN {null} THEN NULL ELSE {function}({', '.join(ordered)}) END)"
        return Value(kind=found.kind, sql=sql, collated=found.collated, decimal=found.decimal)

    return extreme


def _typeof(operand: Value) -> Value:
    """typeof(), which tells integers from reals by the digits after the point."""
    match operand.kind:
        case Kind.NULL:
            return values.literal("null")
        case Kind.NUMBER if operand.decimal:
            whole = f"scale({operand.sql}) = 0 AND {operand.sql} BETWEEN -9223372036854775808 AND 9223372036854775807"
            head = f"CASE WHEN {operand.sql} IS NULL THEN 'null' WHEN {whole} THEN 'integer' ELSE 'real' END"
            return values.text(f"({head})")
        case Kind.ANY:
            return variants.typeof(operand)
        case Kind.OPAQUE | Kind.NUMBER:
            raise values.refusal(operand, "is given to typeof()")
        case _:
            named = {Kind.REAL: "real", Kind.TEXT: "text", Kind.DATE: "text", Kind.BLOB: "blob"}.get(
                operand.kind, "integer"
            )
            sql = f"(CASE WHEN {operand.sql} IS NULL THEN 'null' ELSE '{named}' END)"
            return Value(kind=Kind.TEXT, sql=sql, inner=operand)


FUNCTIONS: Mapping[tuple[str, int], Callable[..., Value]] = {
    ("coalesce", -1): _coalesce,
    ("ifnull", 2): _coalesce,
    ("iif", 2): _iif,
    ("iif", 3): _iif,
    ("if", 2): _iif,
    ("if", 3): _iif,
    ("nullif", 2): _nullif,
    ("min", -1): _extreme("least"),
    ("max", -1): _extreme("greatest"),
    ("typeof", 1): _typeof,
}
"""By name and number of arguments; -1 is any number."""
