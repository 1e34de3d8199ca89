"""UPDATE and DELETE, and what every statement that writes has in common."""

from __future__ import annotations

from collections.abc import Sequence

from outgrow.dialect import (
    binding,
    catalog,
    firing,
    frames,
    query,
    results,
    selecting,
    sources,
    statement,
    storing,
    walk,
)
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import statement_tree as st
from outgrow.dialect.translation import Untranslatable

__all__ = ["assignments", "delete", "returning", "table", "update"]


def table(bound: binding.Binding, source: st.TableSource) -> catalog.Table:
    """The table that is written to."""
    if source.schema is not None and catalog.fold(source.schema) != "main":
        raise Untranslatable(f"{source.schema} is another database")
    known = bound.catalog.table(source.name)
    if known is None:
        raise Untranslatable(firing.unwritable(bound.catalog, source.name))
    return known


def assignments(found: Sequence[st.Assignment], known: catalog.Table, names: walk.Walk) -> str:
    """The SET clause."""
    written: dict[str, str] = {}
    for assignment in found:
        expressions: tuple[tree.Expression, ...] = (assignment.expression,)
        if len(assignment.columns) > 1:
            if not isinstance(assignment.expression, tree.Row):
                raise Untranslatable("several columns are set to the columns of a query")
            expressions = assignment.expression.items
        if len(expressions) != len(assignment.columns):
            raise Untranslatable(f"{len(assignment.columns)} columns assigned {len(expressions)} values")
        for name, expression in zip(assignment.columns, expressions, strict=True):
            column = known.column(name)
            if column is None:
                raise Untranslatable(f"no such column: {name}")
            if column.generated:
                raise Untranslatable(f"cannot UPDATE generated column {column.name}")
            if column.identity:
                raise Untranslatable(f"{column.name} is the rowid, whose sequence would have to follow")
            # Of a column that is set twice, SQLite takes the last.
            written[column.target] = storing.store(names.value(expression), column)
    return ", ".join(f"{column} = {sql}" for column, sql in written.items())


def returning(columns: Sequence[st.Column], names: walk.Walk, extra: str | None = None) -> str:
    """The RETURNING clause, with one more column for the rowid."""
    written: list[str] = []
    for one in selecting.expand(columns, names.frame):
        if one.expression is not None:
            written.append(results.outer(names.value(one.expression)))
        elif one.field is not None:
            written.append(results.outer(one.field))
    if extra is not None:
        written.append(extra)
    return f" RETURNING {', '.join(f'{sql} AS c{at}' for at, sql in enumerate(written, start=1))}" if written else ""


_RESOLUTIONS = {
    "IGNORE": "UPDATE OR IGNORE has no counterpart: leave out the rows that would conflict by a condition, or write UPDATE for"
    " one row and catch the IntegrityError",
    "REPLACE": "UPDATE OR REPLACE has no counterpart: delete the rows that would conflict, then write UPDATE",
    "FAIL": "UPDATE OR FAIL keeps the rows before the one that fails: write UPDATE",
    "ROLLBACK": "UPDATE OR ROLLBACK ends the transaction: write UPDATE, and roll back where it raises IntegrityError",
}


def update(node: st.Update, bound: binding.Binding) -> statement.Step:
    """An UPDATE."""
    if node.resolution != "ABORT":
        raise Untranslatable(_RESOLUTIONS[node.resolution])
    known = table(bound, node.table)
    firing.update(bound.catalog, known, node.assignments, alone=firing.is_one_row(known, node.where))
    queries = query.Queries(bound)
    head = queries.with_clause(node.ctes, None)
    own = bound.alias("t")
    target = frames.of_table(known, node.table.alias or node.table.name, own)
    frame = frames.Frame(origins=[target])
    names = walk.Walk(bound, frame, queries.inside)
    origin = ""
    if node.source is not None:
        built = sources.Sources(bound=bound, frame=frame, ctes=queries.ctes, subquery=queries.subquery, walk=names)
        origin = f" FROM {built.add(node.source)}"
    changed = assignments(node.assignments, known, names)
    where = "" if node.where is None else f" WHERE {names.condition(node.where)}"
    shown = walk.Walk(bound, frames.Frame(origins=[target]), queries.inside)
    tail = returning(node.returning, shown)
    return bound.step(f"{head}UPDATE {known.sql} AS {own} SET {changed}{origin}{where}{tail}")


def delete(node: st.Delete, bound: binding.Binding) -> statement.Step:
    """A DELETE."""
    known = table(bound, node.table)
    firing.delete(bound.catalog, known, alone=firing.is_one_row(known, node.where))
    queries = query.Queries(bound)
    head = queries.with_clause(node.ctes, None)
    own = bound.alias("t")
    frame = frames.Frame(origins=[frames.of_table(known, node.table.alias or node.table.name, own)])
    names = walk.Walk(bound, frame, queries.inside)
    where = "" if node.where is None else f" WHERE {names.condition(node.where)}"
    return bound.step(f"{head}DELETE FROM {known.sql} AS {own}{where}{returning(node.returning, names)}")
