"""SQLite's functions on text and blobs for any argument, by functions of outgrow's own in the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from outgrow.dialect import casting, text_functions
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["FUNCTIONS"]

_LONGEST = 2**30
_POINT = 0x10FFFF


def _on_text(name: str, count: int) -> Callable[..., Value]:
    """The function that the schema may have too, of arguments made text."""
    function = text_functions.FUNCTIONS[name, count]
    return lambda *operands: function(*map(_text, operands))


def _text(operand: Value) -> Value:
    return operand if operand.kind is Kind.BLOB else casting.text(operand)


def _substr(operand: Value, start: Value, length: Value | None = None) -> Value:
    """substr() from anywhere; of a blob it is bytes."""
    inner = _text(operand)
    if Kind.NULL in {inner.kind, start.kind} or (length is not None and length.kind is Kind.NULL):
        return values.NULL
    first = casting.integer(start).sql
    count = str(values.LARGEST) if length is None else casting.integer(length).sql
    sql = f"outgrow.substr({inner.sql}, {first}, {count})"
    return Value(kind=Kind.BLOB, sql=sql) if inner.kind is Kind.BLOB else values.text(sql)


def _instr(operand: Value, wanted: Value) -> Value:
    if operand.kind is wanted.kind is Kind.BLOB:
        return values.integer(f"position({wanted.sql} IN {operand.sql})", 0, _LONGEST, wide=False)
    return text_functions.FUNCTIONS["instr", 2](casting.text(operand), casting.text(wanted))


def _replace(operand: Value, old: Value, new: Value) -> Value:
    parts = [casting.text(part) for part in (operand, old, new)]
    if parts[0].kind is Kind.NULL or parts[1].kind is Kind.NULL:
        return values.NULL
    return values.text(f"outgrow.replace({', '.join(part.sql for part in parts)})", *parts)


def _unicode(operand: Value) -> Value:
    inner = casting.text(operand)
    if inner.kind is Kind.NULL:
        return values.NULL
    return values.integer(f"nullif(ascii({inner.sql}), 0)", 1, _POINT, wide=False)


def _char(*points: Value) -> Value:
    if not points:
        return values.literal("")
    listed = ", ".join(f"({casting.integer(point).sql})::bigint" for point in points)
    return values.text(f"outgrow.char({listed})")


def _unhex(operand: Value) -> Value:
    inner = casting.text(operand)
    if inner.kind is Kind.NULL:
        return values.NULL
    return Value(kind=Kind.BLOB, sql=f"outgrow.unhex({inner.sql})")


def _concat(*operands: Value) -> Value:
    if not operands:
        raise Untranslatable("concat() without arguments")
    parts = [casting.text(operand).sql for operand in operands if operand.kind is not Kind.NULL]
    return values.text(f"concat({', '.join(parts)})") if parts else values.literal("")


def _concat_ws(*operands: Value) -> Value:
    if len(operands) < 2:
        raise Untranslatable("concat_ws() takes a separator and what it separates")
    between = casting.text(operands[0])
    parts = [casting.text(operand).sql for operand in operands[1:] if operand.kind is not Kind.NULL]
    if between.kind is Kind.NULL:
        return values.NULL
    return values.text(f"concat_ws({', '.join([between.sql, *parts])})")


def _zeroblob(size: Value) -> Value:
    return Value(kind=Kind.BLOB, sql=f"outgrow.zeroblob({casting.integer(size).sql})")


def _randomblob(size: Value) -> Value:
    return Value(kind=Kind.BLOB, sql=f"outgrow.randomblob({casting.integer(size).sql})")


def _random() -> Value:
    return values.integer("('x' || encode(outgrow.randomblob(8), 'hex'))::bit(64)::bigint")


def _octet_length(operand: Value) -> Value:
    if operand.kind is Kind.NULL:
        return values.NULL
    inner = operand if operand.kind is Kind.BLOB else casting.text(operand)
    return values.integer(f"octet_length({inner.sql})", 0, _LONGEST, wide=False)


def _refused(reason: str) -> Callable[..., Value]:
    def refuse(*_: Value) -> Value:
        raise Untranslatable(reason)

    return refuse


_THE_CONNECTIONS = "it tells of the connection, and no statement in PostgreSQL can"

FUNCTIONS: Mapping[tuple[str, int], Callable[..., Value]] = {
    **{
        (name, count): _on_text(name, count)
        for name, count in text_functions.FUNCTIONS
        if name in {"length", "lower", "upper", "trim", "ltrim", "rtrim"}
    },
    ("octet_length", 1): _octet_length,
    ("substr", 2): _substr,
    ("substr", 3): _substr,
    ("substring", 2): _substr,
    ("substring", 3): _substr,
    ("instr", 2): _instr,
    ("replace", 3): _replace,
    ("unicode", 1): _unicode,
    ("char", -1): _char,
    ("unhex", 1): _unhex,
    ("concat", -1): _concat,
    ("concat_ws", -1): _concat_ws,
    ("zeroblob", 1): _zeroblob,
    ("randomblob", 1): _randomblob,
    ("random", 0): _random,
    ("last_insert_rowid", 0): _refused(_THE_CONNECTIONS),
    ("changes", 0): _refused(_THE_CONNECTIONS),
    ("total_changes", 0): _refused(_THE_CONNECTIONS),
    ("sqlite_version", 0): _refused("it tells the version of SQLite"),
    ("soundex", 1): _refused("most builds of SQLite have no soundex()"),
    ("load_extension", -1): _refused("it loads a library into SQLite"),
}
"""By name and number of arguments; -1 is any number."""
