"""DEFAULT clauses: what SQLite would store, in PostgreSQL's words (pitfalls 51 to 54)."""

from __future__ import annotations

from outgrow.dialect import entropy, expression_parser, literals, moment, scope
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import value as values
from outgrow.dialect.translation import Translation, Untranslatable
from outgrow.dialect.translator import Translator
from outgrow.dialect.value import Kind, Value
from outgrow.model import schema

__all__ = ["default"]

_NUMERIC = frozenset({schema.Affinity.INTEGER, schema.Affinity.NUMERIC, schema.Affinity.REAL})
_EMPTY_JSON = {"json_array": "[]", "json_object": "{}"}


def default(text: str, sql_type: str, affinity: schema.Affinity) -> Translation:
    """The default of a column, written as `text` in SQLite (with its parentheses), for a column of `sql_type`.

    A constant becomes what a column of that affinity stores; the clock and random values become functions.
    The expression is volatile or stable, as defaults may be.
    """
    walk = _Defaults(scope.Scope())
    try:
        found = walk.value(expression_parser.parse(text))
        sql = _placed(found, sql_type, affinity)
    except Untranslatable as refused:
        return Translation(None, str(refused))
    except RecursionError:
        return Translation(None, "the default is nested too deeply")
    if sql_type in {"integer", "smallint"} and (found.number or found).moment is not None:
        walk.caveats.append("seconds since 1970 leave four bytes in 2038, where PostgreSQL raises an error")
    return Translation(sql, caveat="; ".join(dict.fromkeys(walk.caveats)))


class _Defaults(Translator):
    """The walk, with the functions that only a default may call, and without columns."""

    def call(self, name: str, arguments: list[Value]) -> Value:
        if name in moment.FUNCTIONS:
            return moment.call(name, arguments)
        if name in entropy.FUNCTIONS:
            return entropy.call(name, arguments)
        if name in _EMPTY_JSON and not arguments:
            return values.literal(_EMPTY_JSON[name])
        return super().call(name, arguments)

    def name(self, expression: tree.Name) -> Value:
        """A keyword of the clock, TRUE, FALSE; every other name is a string to SQLite (pitfall 52)."""
        folded = expression.name.lower()
        if expression.bare and folded in moment.KEYWORDS:
            return moment.call(moment.KEYWORDS[folded], [])
        if expression.bare and folded in {"true", "false"}:
            return values.literal(int(folded == "true"))
        return values.literal(expression.name)


def _placed(found: Value, sql_type: str, affinity: schema.Affinity) -> str:
    """The value as the column stores it."""
    if found.constant:
        return literals.typed(literals.stored(found.value, affinity), sql_type)
    for placed in (moment.in_type(found, sql_type), entropy.in_type(found, sql_type)):
        if placed is not None:
            return placed
    found = entropy.shortest(found)
    if affinity in _NUMERIC and found.number is not None:
        found = found.number
    match sql_type, found.kind:
        case "text", Kind.TEXT | Kind.INTEGER | Kind.BOOLEAN:
            return _text(found, affinity)
        case "bigint", Kind.INTEGER | Kind.BOOLEAN:
            return values.as_bigint(found).sql
        case "bigint", Kind.TEXT if found.number is not None:
            return found.number.sql
        case "integer" | "smallint", Kind.INTEGER | Kind.BOOLEAN if found.within(
            2**31 if sql_type == "integer" else 2**15
        ):
            return f"{values.as_bigint(found).sql}::{sql_type}"
        case "integer", _ if (found.number or found).moment is not None and (
            found.number or found
        ).kind is Kind.INTEGER:
            return f"{(found.number or found).sql}::integer"
        case "boolean", Kind.BOOLEAN:
            return found.sql
        case "double precision", Kind.REAL | Kind.INTEGER | Kind.BOOLEAN:
            return values.as_double(found).sql
        case "numeric", Kind.INTEGER:
            return f"{found.sql}::numeric"
        case "bytea", Kind.BLOB:
            return found.sql
    raise Untranslatable(f"{found.kind} is the default of a column of type {sql_type}")


def _text(found: Value, affinity: schema.Affinity) -> str:
    if affinity in _NUMERIC and found.kind is Kind.TEXT and not _never_numeric(found):
        raise Untranslatable("SQLite would store the text as a number where it looks like one")
    return values.as_text(found).sql


def _never_numeric(found: Value) -> bool:
    """Whether no text of this value can look like a number."""
    if found.moment is not None:
        return True
    return found.shape is not None and any(not part & set("0123456789.eE+- ") for part in found.shape)
