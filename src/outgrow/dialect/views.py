"""A view of SQLite's as a view of PostgreSQL's, with the types that the plan gives its columns."""

from __future__ import annotations

from dataclasses import dataclass

from outgrow.dialect import binding, catalog, query, view_sql
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value
from outgrow.model import plan

__all__ = ["Translated", "translate"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Translated:
    """The query of a view: columns `v.c1`, `v.c2`, … of it, and SQLite's names for them."""

    sql: str
    names: tuple[str, ...]


def translate(view: plan.ViewPlan, known: catalog.Catalog) -> Translated:
    """The translation of a view of the catalog; raises `Untranslatable`."""
    parsed = view_sql.parse(view.sql)
    try:
        relation = query.Queries(binding.Binding(known, ())).relation(parsed.query, None)
    except RecursionError:
        raise Untranslatable("the view is nested too deeply") from None
    names = view_sql.names(parsed, relation.names)
    columns = ", ".join(_column(column, f"v.c{at}") for at, column in enumerate(relation.columns, start=1))
    return Translated(sql=f"SELECT {columns} FROM ({relation.sql}) AS v", names=names)


def _column(column: Value, sql: str) -> str:
    """A column for people: a table's column has its own type, everything else the one of SQLite's value."""
    if column.kind is Kind.OPAQUE:
        raise Untranslatable(column.reason)
    if column.native is not None:
        return f"{sql}::{column.native.codec.spec()['type']}"
    if column.kind is Kind.ANY:
        return f"({sql} #>> '{{}}')"  # as text, whatever it is
    if column.json and column.column:
        return f"{sql}::{column.json}"
    if column.kind is Kind.BOOLEAN and not column.column:
        return f"{sql}::integer::bigint"
    return sql
