"""SQLite's functions on text and blobs that PostgreSQL can compute alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from outgrow.dialect import conversion
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["FUNCTIONS"]

_LONGEST = 2**30  # no text or blob of PostgreSQL's is longer
_INT4 = 2**31 - 1


def _text(operand: Value) -> Value:
    """The operand as text, whose functions then work on it; SQLite converts numbers alike."""
    return conversion.as_text(operand)


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


def _lower(operand: Value) -> Value:
    inner = _text(operand)
    if inner.kind is Kind.NULL:
        return values.NULL
    if inner.constant and isinstance(inner.value, str):
        return values.literal("".join(c.lower() if c.isascii() else c for c in inner.value))
    shape = None if inner.shape is None else tuple(frozenset(map(str.lower, part)) for part in inner.shape)
    return Value(kind=Kind.TEXT, sql=conversion.folded(inner), collated=True, shape=shape)


def _upper(operand: Value) -> Value:
    inner = _text(operand)
    if inner.kind is Kind.NULL:
        return values.NULL
    if inner.constant and isinstance(inner.value, str):
        return values.literal("".join(c.upper() if c.isascii() else c for c in inner.value))
    shape = None if inner.shape is None else tuple(frozenset(map(str.upper, part)) for part in inner.shape)
    return Value(
        kind=Kind.TEXT,
        sql=f'upper({inner.sql} COLLATE "C")',
        collated=True,
        lowered=conversion.folded(inner),
        shape=shape,
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
    ("hex", 1): _hex,
}
"""By name and number of arguments."""
