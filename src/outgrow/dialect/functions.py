"""SQLite's built-in functions: those that PostgreSQL can compute alike for every value, all of them immutable.

Expressions of the schema have no others, because they must outlive outgrow's removal. Statements may use volatile functions
too, and outgrow's own in the target (`postgres/sql/dialect*.sql`): whoever translates a statement says `helpers=True`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from outgrow.dialect import (
    arithmetic,
    choices,
    comparison,
    conversion,
    dates,
    json_functions,
    mathematics,
    moment,
    patterns,
    printing,
    text_functions,
    texts,
)
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["FUNCTIONS", "STATEMENTS", "call", "merged", "unify"]


_CHOSEN: Mapping[str, slice] = {
    "coalesce": slice(None),
    "ifnull": slice(None),
    "iif": slice(1, None),
    "if": slice(1, None),
    "nullif": slice(1),
    "min": slice(None),
    "max": slice(None),
}
"""Functions that give one of these arguments, which stays JSON if it was made as JSON."""


def call(name: str, arguments: Sequence[Value], caveats: list[str], *, helpers: bool = False) -> Value:
    """The function on translated arguments; raises `Untranslatable` for one that is not known here.

    With `helpers`, it may call functions of the schema `outgrow`.
    """
    if not helpers:
        return _plain(name, arguments, caveats)
    found = _with_helpers(name, arguments, caveats)
    return values.chosen(found, arguments[_CHOSEN[name]]) if name in _CHOSEN else found


def _with_helpers(name: str, arguments: Sequence[Value], caveats: list[str]) -> Value:
    if name in moment.FUNCTIONS:
        return dates.call(name, arguments)
    function = STATEMENTS.get((name, len(arguments))) or STATEMENTS.get((name, -1))
    try:
        if function is None or name in _FIRST:
            raise Untranslatable("")
        found = _plain(name, arguments, caveats)
    except Untranslatable:
        return _plain(name, arguments, caveats) if function is None else function(*arguments)
    # What the schema only compares, a statement may want to see: whether it is an integer or a real.
    return function(*arguments) if found.kind is Kind.NUMBER and not found.decimal else found


def _plain(name: str, arguments: Sequence[Value], caveats: list[str]) -> Value:
    if name == "abs" and len(arguments) == 1:
        return _abs(arguments[0], caveats)
    function = FUNCTIONS.get((name, len(arguments))) or FUNCTIONS.get((name, -1))
    if function is None:
        raise Untranslatable(f"{name}() with {len(arguments)} arguments has no exact counterpart")
    return function(*arguments)


def unify(branches: Sequence[Value], *, helpers: bool = False) -> list[Value]:
    """Results of one CASE or coalesce() as one type, in the given order; with `helpers`, of numbers of both types too."""
    if helpers:
        try:
            found = unify(branches)
        except Untranslatable:
            return choices.merged(branches)
        if any(branch.kind is Kind.NUMBER and not branch.decimal for branch in found):
            return choices.merged(branches)
        return found
    kinds = {branch.kind for branch in branches} - {Kind.NULL}
    if not kinds:
        return list(branches)
    if len(kinds) == 1:
        kind = next(iter(kinds))
        if kind in {Kind.INTEGER, Kind.REAL}:
            converted = conversion.as_bigint if kind is Kind.INTEGER else conversion.as_double
            return [branch if branch.kind is Kind.NULL else converted(branch) for branch in branches]
        if kind not in {Kind.OPAQUE, Kind.DATE}:
            return list(branches)
    elif kinds <= {Kind.INTEGER, Kind.BOOLEAN}:
        return [branch if branch.kind is Kind.NULL else conversion.as_bigint(branch) for branch in branches]
    elif kinds <= {Kind.INTEGER, Kind.BOOLEAN, Kind.REAL, Kind.NUMBER}:
        small = all(branch.within(values.EXACT) for branch in branches if branch.kind in {Kind.INTEGER, Kind.BOOLEAN})
        if small and Kind.NUMBER not in kinds:
            return [_mixed(branch) for branch in branches]
        if small and Kind.REAL not in kinds:
            return [branch if branch.kind is not Kind.BOOLEAN else conversion.as_bigint(branch) for branch in branches]
    listed = ", ".join(branch.sql for branch in branches)
    raise Untranslatable(f"its results are of different types: {listed}")


def _mixed(branch: Value) -> Value:
    if branch.kind is Kind.NULL:
        return branch
    return dataclasses.replace(conversion.as_double(branch), kind=Kind.NUMBER)


def merged(sql: str, branches: Sequence[Value]) -> Value:
    """The value of a CASE or coalesce() whose results are `branches`, unified."""
    known = [branch for branch in branches if branch.kind is not Kind.NULL]
    if not known:
        return values.NULL
    lows = [branch.low for branch in known]
    highs = [branch.high for branch in known]
    return Value(
        kind=_kind(known),
        sql=sql,
        collated=any(branch.collated for branch in known),
        low=None if None in lows else min(low for low in lows if low is not None),
        high=None if None in highs else max(high for high in highs if high is not None),
        decimal=all(branch.decimal for branch in known),
    )


def _kind(known: Sequence[Value]) -> Kind:
    kinds = {branch.kind for branch in known}
    return next(iter(kinds)) if len(kinds) == 1 else Kind.NUMBER


def _abs(operand: Value, caveats: list[str]) -> Value:
    """The absolute value; that of -2^63 is an error in both databases."""
    if operand.constant and isinstance(operand.value, int | float) and operand.value != values.SMALLEST:
        return values.literal(abs(operand.value))
    match operand.kind:
        case Kind.NULL:
            return values.NULL
        case Kind.INTEGER | Kind.REAL | Kind.NUMBER:
            inner = conversion.as_bigint(operand) if operand.kind is Kind.INTEGER else operand
            most = None if inner.low is None or inner.high is None else max(-inner.low, inner.high)
            if operand.kind is Kind.INTEGER:
                if inner.low is None or inner.low == values.SMALLEST:
                    caveats.append(arithmetic.INTEGER_OVERFLOW)
                return values.integer(f"abs({inner.sql})", 0, values.LARGEST if most is None else most)
            low = None if most is None else 0
            return Value(kind=operand.kind, sql=f"abs({inner.sql})", low=low, high=most, decimal=operand.decimal)
        case _:
            raise values.refusal(operand, "is given to abs()")


def _coalesce(*operands: Value) -> Value:
    branches = unify(operands)
    return merged(f"coalesce({', '.join(branch.sql for branch in branches)})", branches)


def _nullif(one: Value, other: Value) -> Value:
    test = comparison.compare("=", one, other)
    if one.kind not in {Kind.INTEGER, Kind.TEXT, Kind.REAL, Kind.BOOLEAN}:
        raise values.refusal(one, "is given to nullif()")
    (branch,) = unify([one])
    return merged(f"(CASE WHEN {test.sql} THEN NULL ELSE {branch.sql} END)", [branch])


def _iif(test: Value, one: Value, other: Value = values.NULL) -> Value:
    branches = unify([one, other])
    head = f"CASE WHEN {conversion.as_condition(test)} THEN {branches[0].sql}"
    return merged(f"({head} ELSE {branches[1].sql} END)", branches)


def _extreme(function: str) -> Callable[..., Value]:
    """min() and max() of several integers: NULL if one is (pitfall 80)."""

    def extreme(*operands: Value) -> Value:
        if any(operand.kind not in {Kind.INTEGER, Kind.BOOLEAN} for operand in operands):
            raise Untranslatable("min() and max() of what is no integer")
        branches = unify([conversion.as_bigint(operand) for operand in operands])
        null = " OR ".join(f"{branch.sql} IS NULL" for branch in branches)
        listed = ", ".join(branch.sql for branch in branches)
        return merged(f"(CASE WHEN {null} THEN NULL ELSE {function}({listed}) END)", branches)

    return extreme


def _typeof(operand: Value) -> Value:
    """typeof(), which only comparisons with names of types turn into SQL."""
    if operand.kind is Kind.NULL:
        return values.literal("null")
    if operand.kind is Kind.OPAQUE:
        raise values.refusal(operand, "")
    return Value(
        kind=Kind.OPAQUE, sql=f"typeof({operand.sql})", inner=operand, reason="typeof() is not compared with ="
    )


def _json_valid(operand: Value) -> Value:
    if operand.json:
        return values.boolean(f"({operand.column} IS NOT NULL OR NULL::boolean)")
    if operand.kind is Kind.NULL:
        return values.boolean("NULL::boolean")
    raise Untranslatable("json_valid() of a column that is not json")


def _itself(operand: Value, *_: Value) -> Value:
    return operand


FUNCTIONS: Mapping[tuple[str, int], Callable[..., Value]] = {
    **text_functions.FUNCTIONS,
    ("coalesce", -1): _coalesce,
    ("ifnull", 2): _coalesce,
    ("nullif", 2): _nullif,
    ("iif", 2): _iif,
    ("iif", 3): _iif,
    ("if", 2): _iif,
    ("if", 3): _iif,
    ("min", -1): _extreme("least"),
    ("max", -1): _extreme("greatest"),
    ("typeof", 1): _typeof,
    ("json_valid", 1): _json_valid,
    ("likely", 1): _itself,
    ("unlikely", 1): _itself,
    ("likelihood", 2): _itself,
}
"""By name and number of arguments; -1 is any number."""


def _like(pattern: Value, operand: Value, escape: Value | None = None) -> Value:
    return patterns.like(operand, pattern, escape, helpers=True)


def _glob(pattern: Value, operand: Value) -> Value:
    return patterns.glob(operand, pattern, helpers=True)


STATEMENTS: Mapping[tuple[str, int], Callable[..., Value]] = {
    **texts.FUNCTIONS,
    **mathematics.FUNCTIONS,
    **printing.FUNCTIONS,
    **choices.FUNCTIONS,
    **json_functions.FUNCTIONS,
    ("like", 2): _like,
    ("like", 3): _like,
    ("glob", 2): _glob,
}
"""What statements have besides `FUNCTIONS`, or of more arguments than these take."""

_FIRST = frozenset({"typeof", "hex"})
"""What is taken from `STATEMENTS` at once: the schema knows these for some uses only."""
