"""SQLite's expressions in a schema as PostgreSQL's: only where the meaning is the same for every value of the types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from outgrow.dialect import conversion, defaults, expression_parser, expression_tree, scope
from outgrow.dialect import value as values
from outgrow.dialect.translation import Translation, Untranslatable
from outgrow.dialect.translator import Translator
from outgrow.dialect.value import Kind, Value
from outgrow.model import schema

__all__ = ["Translation", "check", "default", "generated", "index_expression", "index_predicate", "references"]

default = defaults.default

_NO_AFFINITIES: Mapping[str, schema.Affinity] = MappingProxyType({})
_NO_COLLATIONS: Mapping[str, str] = MappingProxyType({})


def check(
    text: str,
    types: Mapping[str, str],
    names: Mapping[str, str],
    *,
    affinities: Mapping[str, schema.Affinity] = _NO_AFFINITIES,
    collations: Mapping[str, str] = _NO_COLLATIONS,
) -> Translation:
    """A CHECK's expression. `types` and `names` map source columns to target types and target names.

    `affinities` and `collations` say what the columns are in SQLite. A column without an entry is taken to have
    the affinity that is usual for its type, and BINARY; tell both, or a comparison under NOCASE changes its meaning.
    """
    columns = scope.Scope(types=types, names=names, affinities=affinities, collations=collations)
    return _translated(text, columns, lambda walk, tree: walk.condition(tree, lenient=True))


def index_predicate(
    text: str,
    types: Mapping[str, str],
    names: Mapping[str, str],
    *,
    affinities: Mapping[str, schema.Affinity] = _NO_AFFINITIES,
    collations: Mapping[str, str] = _NO_COLLATIONS,
) -> Translation:
    """The WHERE of a partial index, with the arguments of `check`; immutable in PostgreSQL."""
    columns = scope.Scope(types=types, names=names, affinities=affinities, collations=collations)
    return _translated(text, columns, lambda walk, tree: walk.condition(tree))


def index_expression(
    text: str,
    types: Mapping[str, str],
    names: Mapping[str, str],
    *,
    collation: str | None = None,
    affinities: Mapping[str, schema.Affinity] = _NO_AFFINITIES,
    collations: Mapping[str, str] = _NO_COLLATIONS,
) -> Translation:
    """A term of an index, with the arguments of `check`; `collation` is the term's own. Immutable in PostgreSQL."""

    def term(walk: Translator, tree: expression_tree.Expression) -> str:
        found = walk.value(tree)
        if found.kind in {Kind.OPAQUE, Kind.NULL}:
            raise values.refusal(found, "is indexed")
        if found.kind is Kind.REAL:
            return conversion.as_double(found).sql
        wanted = (collation or found.collation or "BINARY").upper()
        if found.kind is not Kind.TEXT or wanted == "BINARY":
            return found.sql
        if wanted == "NOCASE":
            return conversion.folded(found)
        if wanted == "RTRIM":
            return f"rtrim({found.sql}, ' ')"
        raise Untranslatable(f"the collation {wanted} is the application's own")

    columns = scope.Scope(types=types, names=names, affinities=affinities, collations=collations)
    return _translated(text, columns, term)


def generated(
    text: str,
    sql_type: str,
    types: Mapping[str, str],
    names: Mapping[str, str],
    *,
    affinity: schema.Affinity | None = None,
    affinities: Mapping[str, schema.Affinity] = _NO_AFFINITIES,
    collations: Mapping[str, str] = _NO_COLLATIONS,
) -> Translation:
    """A generated column's expression for a column of `sql_type`, with the arguments of `check`.

    `affinity` is the generated column's own. PostgreSQL refuses a generated column that names another one:
    leave those out of `types`.
    """

    def assigned(walk: Translator, tree: expression_tree.Expression) -> str:
        return _assigned(walk.value(tree), sql_type, affinity)

    columns = scope.Scope(types=types, names=names, affinities=affinities, collations=collations)
    return _translated(text, columns, assigned)


def references(text: str, columns: Mapping[str, object]) -> frozenset[str]:
    """The columns, as `columns` spells them, that an expression names; all of them if it cannot be read."""
    try:
        named = {name.lower() for name in expression_tree.names(expression_parser.parse(text))}
    except Untranslatable:
        return frozenset(columns)
    return frozenset(column for column in columns if column.lower() in named)


def _translated(
    text: str, columns: scope.Scope, make: Callable[[Translator, expression_tree.Expression], str]
) -> Translation:
    walk = Translator(columns)
    try:
        sql = make(walk, expression_parser.parse(text))
    except Untranslatable as refused:
        return Translation(None, str(refused))
    except RecursionError:
        return Translation(None, "the expression is nested too deeply")
    return Translation(sql, caveat="; ".join(dict.fromkeys(walk.caveats)))


def _assigned(found: Value, sql_type: str, affinity: schema.Affinity | None) -> str:
    """The value as SQLite stores it in the column; refused if the column's affinity or type changes it otherwise."""
    own = scope.Scope(types={"": sql_type}, names={"": "column"}, affinities={"": affinity} if affinity else {}).column(
        ""
    )
    match own.kind, found.kind:
        case Kind.OPAQUE, _:
            raise values.refusal(own, "")
        case _, Kind.NULL:
            return "NULL"
        case Kind.INTEGER, Kind.INTEGER | Kind.BOOLEAN if own.low is not None and own.high is not None:
            if found.low is None or found.high is None or found.low < own.low or found.high > own.high:
                raise Untranslatable(f"its values may be too large for {sql_type}")
            return conversion.as_bigint(found).sql
        case Kind.REAL, Kind.INTEGER | Kind.BOOLEAN | Kind.REAL:
            return conversion.as_double(found).sql
        case Kind.NUMBER, Kind.INTEGER:
            return f"{found.sql}::numeric"
        case Kind.BOOLEAN, _ if (condition := conversion.as_boolean(found)) is not None:
            return condition
        case Kind.TEXT, Kind.TEXT | Kind.INTEGER | Kind.BOOLEAN if sql_type == "text":
            return conversion.as_text(found).sql
        case Kind.BLOB, Kind.BLOB:
            return found.sql
        case Kind.DATE, Kind.DATE:
            return found.sql
    raise Untranslatable(f"{found.kind} is stored in a column of type {sql_type}")
