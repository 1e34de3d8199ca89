"""SQLite's table functions: json_each() and json_tree(), by functions of outgrow's own in the target."""

from __future__ import annotations

from collections.abc import Sequence

from outgrow.dialect import json_functions
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value
from outgrow.model import schema

__all__ = ["COLUMNS", "call", "column"]

COLUMNS = ("key", "value", "type", "atom", "id", "parent", "fullkey", "path")
_FUNCTIONS = ("json_each", "json_tree")
_ANY = frozenset({"key", "value", "atom"})
_INTERNAL = frozenset({"id", "parent"})


def call(name: str, arguments: Sequence[Value]) -> str:
    """The function as a source of FROM."""
    folded = name.lower()
    if folded not in _FUNCTIONS or not 1 <= len(arguments) <= 2:
        raise Untranslatable(f"the table function {name}() with {len(arguments)} arguments has no translation")
    document, path = arguments[0], arguments[1] if len(arguments) == 2 else values.literal("$")
    if path.kind not in {Kind.TEXT, Kind.NULL}:
        raise values.refusal(path, "is a path in JSON")
    read = "NULL::json" if document.kind is Kind.NULL else json_functions.document(document)
    return f"outgrow.{folded}({read}, {path.sql}::text)"


def column(name: str, alias: str) -> Value:
    """A column of what it gives; none has a declared type."""
    sql = f'{alias}."{name}"'
    if name in _INTERNAL:
        reason = f"{name} numbers the bytes of SQLite's own form of JSON"
        return Value(kind=Kind.OPAQUE, sql=sql, affinity=schema.Affinity.BLOB, reason=reason)
    kind = Kind.ANY if name in _ANY else Kind.TEXT
    made = kind is Kind.ANY
    return Value(kind=kind, sql=sql, affinity=schema.Affinity.BLOB, collation="BINARY", column=sql, made_json=made)
