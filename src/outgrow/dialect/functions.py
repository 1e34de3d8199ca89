"""SQLite's built-in functions that PostgreSQL can compute alike for every value, all of them immutable."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from outgrow.dialect import arithmetic, comparison
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["FUNCTIONS", "call", "merged", "unify"]

_LONGEST = 2**30  # no text or blob of PostgreSQL's is longer
_INT4 = 2**31 - 1


def call(name: str, arguments: Sequence[Value], caveats: list[str]) -> Value:
    """The function on translated arguments; raises `Untranslatable` for one that is not known here."""
    if name == "abs" and len(arguments) == 1:
        return _abs(arguments[0], caveats)
    function = FUNCTIONS.get((name, len(arguments))) or FUNCTIONS.get((name, -1))
    if function is None:
        raise Untranslatable(f"{name}() with {len(arguments)} arguments has no exact counterpart")
    return function(*arguments)


def unify(branches: Sequence[Value]) -> list[Value]:
    """Results of one CASE or coalesce() as one type, in the given order."""
    kinds = {branch.kind for branch in branches} - {Kind.NULL}
    if not kinds:
        return list(branches)
    if len(kinds) == 1:
        kind = next(iter(kinds))
        if kind in {Kind.INTEGER, Kind.REAL}:
            converted = values.as_bigint if kind is Kind.INTEGER else values.as_double
            return [branch if branch.kind is Kind.NULL else converted(branch) for branch in branches]
        if kind not in {Kind.OPAQUE, Kind.DATE}:
            return list(branches)
    elif kinds <= {Kind.INTEGER, Kind.BOOLEAN}:
        return [branch if branch.kind is Kind.NULL else values.as_bigint(branch) for branch in branches]
    elif kinds <= {Kind.INTEGER, Kind.BOOLEAN, Kind.REAL, Kind.NUMBER}:
        small = all(branch.within(values.EXACT) for branch in branches if branch.kind in {Kind.INTEGER, Kind.BOOLEAN})
        if small and Kind.NUMBER not in kinds:
            return [_mixed(branch) for branch in branches]
        if small and Kind.REAL not in kinds:
            return [branch if branch.kind is not Kind.BOOLEAN else values.as_bigint(branch) for branch in branches]
    found = ", ".join(branch.sql for branch in branches)
    raise Untranslatable(f"its results are of different types: {found}")


def _mixed(branch: Value) -> Value:
    if branch.kind is Kind.NULL:
        return branch
    return dataclasses.replace(values.as_double(branch), kind=Kind.NUMBER)


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
    )


def _kind(known: Sequence[Value]) -> Kind:
    kinds = {branch.kind for branch in known}
    return next(iter(kinds)) if len(kinds) == 1 else Kind.NUMBER


def _text(operand: Value) -> Value:
    """The operand as text, whose functions then work on it; SQLite converts numbers alike."""
    return values.as_text(operand)


def _length(operand: Value) -> Value:
    if operand.kind is Kind.NULL:
        return values.NULL
    if operand.constant and isinstance(operand.value, str | bytes):
        return values.literal(len(operand.value))
    if operand.kind is Kind.BLOB:
        return values.integer(f"octet_length({operand.sql})", 0, _LONGEST, wide=False)
    return values.integer(f"length({_text(operand).sql})", 0, _LONGEST, wide=False)


def _octet_length(operand: Value) -> Value:
    """octet_length() of a blob; of a text it depends on the encoding of the SQLite file."""
    if operand.kind is not Kind.BLOB:
        raise values.refusal(operand, "is given to octet_length()")
    return _length(operand)


def _abs(operand: Value, caveats: list[str]) -> Value:
    """The absolute value; that of -2^63 is an error in both databases."""
    if operand.constant and isinstance(operand.value, int | float) and operand.value != values.SMALLEST:
        return values.literal(abs(operand.value))
    match operand.kind:
        case Kind.NULL:
            return values.NULL
        case Kind.INTEGER | Kind.REAL | Kind.NUMBER:
            inner = values.as_bigint(operand) if operand.kind is Kind.INTEGER else operand
            most = None if inner.low is None or inner.high is None else max(-inner.low, inner.high)
            if operand.kind is Kind.INTEGER:
                if inner.low is None or inner.low == values.SMALLEST:
                    caveats.append(arithmetic.INTEGER_OVERFLOW)
                return values.integer(f"abs({inner.sql})", 0, values.LARGEST if most is None else most)
            low = None if most is None else 0
            return Value(kind=operand.kind, sql=f"abs({inner.sql})", affinity=None, low=low, high=most)
        case _:
            raise values.refusal(operand, "is given to abs()")


def _lower(operand: Value) -> Value:
    inner = _text(operand)
    if inner.kind is Kind.NULL:
        return values.NULL
    if inner.constant and isinstance(inner.value, str):
        return values.literal("".join(c.lower() if c.isascii() else c for c in inner.value))
    shape = None if inner.shape is None else tuple(frozenset(map(str.lower, part)) for part in inner.shape)
    return Value(kind=Kind.TEXT, sql=values.folded(inner), collated=True, shape=shape)


def _upper(operand: Value) -> Value:
    inner = _text(operand)
    if inner.kind is Kind.NULL:
        return values.NULL
    if inner.constant and isinstance(inner.value, str):
        return values.literal("".join(c.upper() if c.isascii() else c for c in inner.value))
    shape = None if inner.shape is None else tuple(frozenset(map(str.upper, part)) for part in inner.shape)
    return Value(
        kind=Kind.TEXT, sql=f'upper({inner.sql} COLLATE "C")', collated=True, lowered=values.folded(inner), shape=shape
    )


def _trimming(function: str) -> Callable[..., Value]:
    def trim(operand: Value, characters: Value | None = None) -> Value:
        inner = _text(operand)
        wanted = values.literal(" ") if characters is None else _text(characters)
        if Kind.NULL in {inner.kind, wanted.kind}:
            return values.NULL
        return values.text(f"{function}({inner.sql}, {wanted.sql})", inner, wanted)

    return trim


def _replace(operand: Value, old: Value, new: Value) -> Value:
    """replace() of a known text; of the empty one SQLite does not even look at the third argument, NULL or not."""
    parts = [_text(operand), _text(old), _text(new)]
    if parts[0].kind is Kind.NULL or parts[1].kind is Kind.NULL:
        return values.NULL
    if not parts[1].constant:
        raise Untranslatable("replace() of a text that may be empty")
    if parts[1].value == "":
        return parts[0].bare()
    if parts[2].kind is Kind.NULL:
        return values.NULL
    return values.text(f"replace({', '.join(part.sql for part in parts)})", *parts)


def _instr(operand: Value, wanted: Value) -> Value:
    one, other = _text(operand), _text(wanted)
    if Kind.NULL in {one.kind, other.kind}:
        return values.NULL
    return values.integer(f"strpos({one.sql}, {other.sql})", 0, _LONGEST, wide=False)


def _substr(operand: Value, start: Value, length: Value | None = None) -> Value:
    """substr() from a positive place; from zero or from the end the two databases differ (pitfall 84)."""
    inner = _text(operand)
    if inner.kind is Kind.NULL:
        return values.NULL
    places = [start] if length is None else [start, length]
    for place, least in zip(places, (1, 0), strict=False):
        if place.kind is not Kind.INTEGER or place.low is None or place.low < least or not place.within(_INT4):
            raise Untranslatable("substr() counts from the end, or from a place that is not known")
    if inner.constant and isinstance(inner.value, str) and all(place.constant for place in places):
        first, count = [int(str(place.value)) for place in places] + ([] if length else [_LONGEST])
        return values.literal(inner.value[first - 1 : first - 1 + count])
    arguments = [inner.sql, *(f"{place.sql}::integer" if place.wide else place.sql for place in places)]
    return values.text(f"substr({', '.join(arguments)})", inner, shape=_cut(inner.shape, start, length))


def _cut(
    shape: tuple[frozenset[str], ...] | None, start: Value, length: Value | None
) -> tuple[frozenset[str], ...] | None:
    if shape is None or (length is not None and not length.constant):
        return None
    if start.constant and isinstance(start.value, int):
        end = None if length is None else start.value - 1 + int(str(length.value))
        return shape[start.value - 1 : end]
    if length is not None and length.value == 1 and start.high is not None and start.high <= len(shape):
        return (frozenset().union(*shape[int(start.low or 1) - 1 : int(start.high)]),)
    return None


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
    head = f"CASE WHEN {values.as_condition(test)} THEN {branches[0].sql}"
    return merged(f"({head} ELSE {branches[1].sql} END)", branches)


def _extreme(function: str) -> Callable[..., Value]:
    """min() and max() of several integers: NULL if one is (pitfall 80)."""

    def extreme(*operands: Value) -> Value:
        if any(operand.kind not in {Kind.INTEGER, Kind.BOOLEAN} for operand in operands):
            raise Untranslatable("min() and max() of what is no integer")
        branches = unify([values.as_bigint(operand) for operand in operands])
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


def _hex(operand: Value) -> Value:
    if operand.kind is not Kind.BLOB:
        raise Untranslatable("hex() of what is no blob")
    if operand.constant and isinstance(operand.value, bytes):
        return values.literal(operand.value.hex().upper())
    inner = f"encode({operand.sql}, 'hex')"
    raised = f'upper({inner} COLLATE "C")'
    if operand.shape is None:  # of NULL, hex() is the empty text
        inner, raised = f"coalesce({inner}, '')", f"coalesce({raised}, '')"
    return Value(kind=Kind.TEXT, sql=raised, collated=True, lowered=inner, shape=operand.shape)


def _itself(operand: Value, *_: Value) -> Value:
    return operand


FUNCTIONS: Mapping[tuple[str, int], Callable[..., Value]] = {
    ("length", 1): _length,
    ("octet_length", 1): _octet_length,
    ("lower", 1): _lower,
    ("upper", 1): _upper,
    ("trim", 1): _trimming("btrim"),
    ("trim", 2): _trimming("btrim"),
    ("ltrim", 1): _trimming("ltrim"),
    ("ltrim", 2): _trimming("ltrim"),
    ("rtrim", 1): _trimming("rtrim"),
    ("rtrim", 2): _trimming("rtrim"),
    ("replace", 3): _replace,
    ("instr", 2): _instr,
    ("substr", 2): _substr,
    ("substr", 3): _substr,
    ("substring", 2): _substr,
    ("substring", 3): _substr,
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
    ("hex", 1): _hex,
    ("likely", 1): _itself,
    ("unlikely", 1): _itself,
    ("likelihood", 2): _itself,
}
"""By name and number of arguments; -1 is any number."""
