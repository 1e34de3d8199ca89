"""DEFAULT clauses: what SQLite would store, in PostgreSQL's words (pitfalls 51 to 54)."""

from __future__ import annotations

from outgrow.dialect import conversion, entropy, expression_parser, functions, literals, moment, scope
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
        if name == "abs":
            return functions.call(name, arguments, [])  # of -2^63 it is an error in SQLite too
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
    found = _stored(entropy.shortest(found), affinity)
    told = found.moment is not None
    match sql_type, found.kind:
        case "text", Kind.TEXT | Kind.INTEGER | Kind.BOOLEAN:
            return conversion.as_text(found).sql
        case "bigint", Kind.INTEGER | Kind.BOOLEAN:
            return conversion.as_bigint(found).sql
        case "integer", Kind.INTEGER | Kind.BOOLEAN if told or found.within(2**31 - 1):
            return f"{conversion.as_bigint(found).sql}::integer"
        case "smallint", Kind.INTEGER | Kind.BOOLEAN if found.within(2**15 - 1):
            return f"{conversion.as_bigint(found).sql}::smallint"
        case "boolean", Kind.BOOLEAN:
            return found.sql
        case "double precision", Kind.REAL | Kind.INTEGER | Kind.BOOLEAN:
            return conversion.as_double(found).sql
        case "numeric", Kind.INTEGER:
            return f"{found.sql}::numeric"
        case "bytea", Kind.BLOB:
            return found.sql
    raise Untranslatable(f"{found.kind} is the default of a column of type {sql_type}")


def _stored(found: Value, affinity: schema.Affinity) -> Value:
    """The value after the column's affinity, as `literals.stored` has it for constants."""
    numbers = {Kind.INTEGER, Kind.BOOLEAN, Kind.REAL}
    if affinity is schema.Affinity.TEXT and found.kind in numbers:
        return conversion.as_text(found)
    if affinity not in _NUMERIC:
        return found
    if found.kind is Kind.TEXT and not _never_numeric(found):
        if found.number is None:
            raise Untranslatable("SQLite would store the text as a number where it looks like one")
        found = found.number
    return conversion.as_double(found) if affinity is schema.Affinity.REAL and found.kind in numbers else found


def _never_numeric(found: Value) -> bool:
    """Whether no text of this value can look like a number."""
    if found.moment is not None and found.number is None:
        return True
    return found.shape is not None and any(not part & set("0123456789.eE+- ") for part in found.shape)
