"""SQLite's JSON functions. JSON is text; its letters stay as they are, without the blanks between its parts.

JSON5, which SQLite reads since 3.42, is an error in PostgreSQL. What json_extract() and `->>` give is of any type, which each
row tells (`variants`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from outgrow.dialect import casting, conversion
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["FUNCTIONS", "document", "literal", "member"]

_MOST = 2**30


def literal(operand: Value) -> str:
    """The SQL of the JSON text for a value, as json_array() writes it; 'null' for NULL."""
    match operand.kind:
        case Kind.NULL:
            return "'null'"
        case _ if operand.made_json is None:
            raise Untranslatable(
                "whether this is JSON or a text depends on the row or on SQLite's version: json(...) makes it JSON"
            )
        case _ if operand.extracted:
            bare = operand.extracted if operand.made_json else f"outgrow.json_bare({operand.extracted})"
            return f"coalesce(outgrow.json_literal({bare}), 'null')"
        case Kind.REAL:
            return f"coalesce(outgrow.json_real({conversion.as_double(operand).sql}), 'null')"
        case Kind.INTEGER | Kind.BOOLEAN:
            return f"coalesce({conversion.as_text(operand).sql}, 'null')"
        case Kind.TEXT if operand.made_json:
            return f"coalesce({operand.sql}, 'null')"
        case Kind.TEXT:
            return f"coalesce(to_json({operand.sql}::text)::text, 'null')"
        case Kind.BLOB:
            raise Untranslatable("JSON cannot hold BLOB values")
        case _:
            raise Untranslatable("this may be a real, whose digits in JSON depend on the version of SQLite")


def _json(sql: str) -> Value:
    return Value(kind=Kind.TEXT, sql=sql, made_json=True)


def document(operand: Value) -> str:
    """The operand as json; malformed JSON is an error in both databases."""
    if operand.kind is Kind.ANY:
        # What was extracted may be a text that is JSON itself.
        return f"outgrow.json_as_text({operand.sql})::json"
    if operand.native is None and operand.json and operand.column:
        return f"{operand.column}::json"
    if operand.kind not in {Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN}:
        raise values.refusal(operand, "is taken for JSON")
    return f"({casting.text(operand).sql})::json"


def _at(operand: Value, path: Value | None) -> str:
    if path is None:
        return document(operand)
    if path.kind not in {Kind.TEXT, Kind.NULL}:
        raise values.refusal(path, "is a path in JSON")
    return f"outgrow.json_at({document(operand)}, {path.sql}::text)"


def _compact(operand: Value) -> Value:
    if operand.kind is Kind.NULL:
        return values.NULL
    return _json(f"outgrow.json_compact({document(operand)})")


def _valid(operand: Value) -> Value:
    if operand.kind is Kind.NULL:
        return values.boolean("NULL::boolean")
    if operand.kind is Kind.BLOB:
        raise Untranslatable("json_valid() of a blob")
    return values.boolean(f"outgrow.json_valid({casting.text(operand).sql}::text)")


def _type(operand: Value, path: Value | None = None) -> Value:
    if operand.kind is Kind.NULL or (path is not None and path.kind is Kind.NULL):
        return values.NULL
    return values.text(f"outgrow.json_kind({_at(operand, path)})")


def _length(operand: Value, path: Value | None = None) -> Value:
    if operand.kind is Kind.NULL or (path is not None and path.kind is Kind.NULL):
        return values.NULL
    return values.integer(f"outgrow.json_array_length({_at(operand, path)})", 0, _MOST)


def _array(*operands: Value) -> Value:
    if not operands:
        return _json("'[]'::text")
    listed = " || ',' || ".join(map(literal, operands))
    return _json(f"('[' || {listed} || ']')")


def _object(*operands: Value) -> Value:
    if len(operands) % 2:
        raise Untranslatable("json_object() requires an even number of arguments")
    members: list[str] = []
    for name, item in zip(operands[::2], operands[1::2], strict=True):
        if name.kind is not Kind.TEXT or name.made_json:
            raise Untranslatable("json_object() labels must be TEXT")
        members.append(f"{member(name)} || ':' || {literal(item)}")
    if not members:
        return _json("'{}'::text")
    listed = " || ',' || ".join(members)
    return _json("('{' || " + listed + " || '}')")


def member(name: Value) -> str:
    """A label of an object as SQL; NULL is an error, as in SQLite."""
    refused = "outgrow.decline('json_object() labels must be TEXT')"
    return f"coalesce(to_json({name.sql}::text)::text, {refused})"


def _quote(operand: Value) -> Value:
    return _json(literal(operand))


def _extract(*operands: Value) -> Value:
    """json_extract() of one path is of any type, of several a JSON array."""
    if len(operands) < 2:
        return values.NULL
    operand, *paths = operands
    if operand.kind is Kind.NULL or any(path.kind is Kind.NULL for path in paths):
        return values.NULL
    if len(paths) == 1:
        return dataclasses.replace(_extracted(_at(operand, paths[0])), made_json=True)
    listed = " || ',' || ".join(f"coalesce(outgrow.json_compact({_at(operand, path)}), 'null')" for path in paths)
    null = " OR ".join(f"{part.sql} IS NULL" for part in (operand, *paths))
    return _json(f"(CASE WHEN {null} THEN NULL ELSE '[' || {listed} || ']' END)")


def _extracted(sql: str) -> Value:
    return Value(kind=Kind.ANY, sql=f"outgrow.json_any({sql})")


def _step(operand: Value, label: Value) -> str:
    if label.kind is Kind.INTEGER:
        step = f"outgrow.json_step({conversion.as_bigint(label).sql})"
    elif label.kind is Kind.TEXT:
        step = f"outgrow.json_step({label.sql}::text)"
    else:
        raise values.refusal(label, "is a label in JSON")
    return f"outgrow.json_at({document(operand)}, {step})"


def _arrow(operand: Value, label: Value) -> Value:
    if Kind.NULL in {operand.kind, label.kind}:
        return values.NULL
    return _json(f"outgrow.json_compact({_step(operand, label)})")


def _double_arrow(operand: Value, label: Value) -> Value:
    if Kind.NULL in {operand.kind, label.kind}:
        return values.NULL
    return _extracted(_step(operand, label))


def _edited(mode: str) -> Callable[..., Value]:
    """json_set(), json_insert() and json_replace(): one pair of a path and an item after the other."""

    def edited(*operands: Value) -> Value:
        if operands and len(operands) % 2 == 0:
            raise Untranslatable(f"json_{mode}() needs an odd number of arguments")
        pairs = zip(operands[1::2], operands[2::2], strict=True)
        return _one_after_the_other(mode, operands[:1], [(path, literal(item)) for path, item in pairs])

    return edited


def _removed(*operands: Value) -> Value:
    return _one_after_the_other("remove", operands[:1], [(path, "NULL") for path in operands[1:]])


def _one_after_the_other(mode: str, first: Sequence[Value], edits: Sequence[tuple[Value, str]]) -> Value:
    if not first or first[0].kind is Kind.NULL:
        return values.NULL
    if not edits:
        return _compact(*first)
    sql = document(*first)
    for path, item in edits:
        if path.kind not in {Kind.TEXT, Kind.NULL}:
            raise values.refusal(path, "is a path in JSON")
        sql = f"outgrow.json_edited(({sql})::json, {path.sql}::text, {item}, '{mode}')"
    return _json(sql)


def _patched(operand: Value, patch: Value) -> Value:
    if Kind.NULL in {operand.kind, patch.kind}:
        return values.NULL
    return _json(f"outgrow.json_patched({document(operand)}, {document(patch)})")


FUNCTIONS: Mapping[tuple[str, int], Callable[..., Value]] = {
    ("json", 1): _compact,
    ("json_valid", 1): _valid,
    ("json_type", 1): _type,
    ("json_type", 2): _type,
    ("json_array_length", 1): _length,
    ("json_array_length", 2): _length,
    ("json_array", -1): _array,
    ("json_object", -1): _object,
    ("json_quote", 1): _quote,
    ("json_extract", -1): _extract,
    ("->", 2): _arrow,
    ("->>", 2): _double_arrow,
    ("json_remove", -1): _removed,
    ("json_patch", 2): _patched,
    **{(f"json_{mode}", -1): _edited(mode) for mode in ("set", "insert", "replace")},
}
"""By name and number of arguments; -1 is any number."""
