"""SQLite's random functions from what PostgreSQL 14 has without an extension: gen_random_uuid() and sha256().

A version 4 UUID has 122 random bits; hashed, all bits of the result are alike.
"""

from __future__ import annotations

from collections.abc import Sequence

from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["FUNCTIONS", "call", "in_type", "shortest"]

FUNCTIONS = frozenset({"random", "randomblob"})

_UUID = "uuid_send(gen_random_uuid())"
_BLOCK = 32
_MOST = 4 * _BLOCK
_HEX = frozenset("0123456789ABCDEF")
_LOWER = frozenset("0123456789abcdef")
_GROUPS = (8, 4, 4, 4, 12)


def call(name: str, arguments: Sequence[Value]) -> Value:
    """One of `FUNCTIONS`. The shape of a blob's `hex()` goes with it."""
    if name == "random" and not arguments:
        return values.integer(f"('x' || encode({_bytes(8)}, 'hex'))::bit(64)::bigint")
    size = arguments[0].value if len(arguments) == 1 else None
    if name != "randomblob" or not isinstance(size, int) or not 1 <= size <= _MOST:
        raise Untranslatable(f"{name}() with these arguments")
    return Value(kind=Kind.BLOB, sql=_bytes(size), shape=(_HEX,) * (2 * size))


def _bytes(size: int) -> str:
    blocks = []
    for start in range(0, size, _BLOCK):
        count = min(_BLOCK, size - start)
        seed = _UUID if count <= _BLOCK // 2 - 1 else f"{_UUID} || {_UUID}"
        block = f"sha256({seed})"
        blocks.append(block if count == _BLOCK else f"substr({block}, 1, {count})")
    return blocks[0] if len(blocks) == 1 else f"({' || '.join(blocks)})"


def shortest(operand: Value) -> Value:
    """A random text in the shape of a version 4 UUID as PostgreSQL's own; every other value as it is."""
    groups = _groups(operand)
    if groups is None or groups[2][0] != {"4"} or {c.lower() for c in groups[3][0]} != set("89ab"):
        return operand
    digits = [part for group in groups for part in group if part <= _LOWER and part - set("0123456789")]
    capitals = [part for group in groups for part in group if part <= _HEX and part - set("0123456789")]
    if digits and capitals:
        return operand
    sql = "gen_random_uuid()::text"
    return values.text(f"upper({sql})" if capitals else sql, shape=operand.shape)


def in_type(operand: Value, sql_type: str) -> str | None:
    """A random value as a uuid where it has the form of one, else None."""
    if sql_type != "uuid" or operand.constant or operand.shape is None:
        return None
    is_blob = operand.kind is Kind.BLOB and len(operand.shape) == 32
    plain = operand.kind is Kind.TEXT and len(operand.shape) == 32 and all(part == _LOWER for part in operand.shape)
    return "gen_random_uuid()" if is_blob or plain or _groups(operand) is not None else None


def _groups(operand: Value) -> list[tuple[frozenset[str], ...]] | None:
    """The five groups of a text that has a UUID's shape, or None."""
    if operand.constant or operand.kind is not Kind.TEXT or operand.shape is None:
        return None
    if len(operand.shape) != sum(_GROUPS) + 4:
        return None
    found: list[tuple[frozenset[str], ...]] = []
    position = 0
    for size in _GROUPS:
        group = operand.shape[position : position + size]
        position += size
        if not all(part <= _HEX | _LOWER for part in group):
            return None
        if position < len(operand.shape) and operand.shape[position] != {"-"}:
            return None
        position += 1
        found.append(group)
    return found
