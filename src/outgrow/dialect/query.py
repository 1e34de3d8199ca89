"""Queries: SELECT, VALUES, their compounds, ORDER BY and LIMIT, common table expressions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from outgrow.dialect import binding, catalog, frames, functions, results, selecting, sources, variants, walk
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import statement_tree as st
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["Queries", "Relation"]


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A translated query: columns c1, c2, … of the kinds of `columns`, under SQLite's `names`."""

    sql: str
    names: tuple[str, ...]
    columns: tuple[Value, ...]


class Queries:
    """Translates queries; `ctes` are the common table expressions in sight."""

    def __init__(self, bound: binding.Binding, ctes: dict[str, sources.Cte] | None = None) -> None:
        self.bound = bound
        self.ctes = dict(ctes or {})

    def whole(self, query: st.Query) -> str:
        """A query as a statement of its own."""
        relation = self.relation(query, None, final=True)
        return relation.sql

    def inside(self, query: st.Query, frame: frames.Frame) -> tuple[str, list[Value]]:
        """A query in an expression. The same one again is the same SQL, so that PostgreSQL knows a term of GROUP BY again."""
        key = repr((query, id(frame), frame.grouped is None, sorted(cte.sql for cte in self.ctes.values())))
        known = self.bound.queries.get(key)
        if known is None:
            relation = self.relation(query, frame)
            # The frame is kept, because its id is another's once it is gone.
            known = self.bound.queries[key] = frame, relation.sql, list(relation.columns)
        return known[1:]

    def subquery(self, query: st.Query, outer: frames.Frame | None) -> tuple[str, list[str], list[Value]]:
        """A query in FROM."""
        relation = self.relation(query, outer)
        return relation.sql, list(relation.names), list(relation.columns)

    def relation(self, query: st.Query, outer: frames.Frame | None, *, final: bool = False) -> Relation:
        """A query; `final` if its columns go to the application."""
        inner = Queries(self.bound, None if query.alone else self.ctes)
        head = inner.with_clause(query.ctes, outer)
        found = inner._body(query, outer, final=final)
        return dataclasses.replace(found, sql=head + found.sql)

    def with_clause(self, ctes: Sequence[st.Cte], outer: frames.Frame | None) -> str:
        """A WITH clause, whose names are then in sight."""
        written: list[str] = []
        for cte in ctes:
            own = self.bound.alias("cte")
            recursive = _mentions(cte.query, catalog.fold(cte.name))
            relation = self._recursive(cte, own, outer) if recursive else self.relation(cte.query, outer)
            names = cte.columns or relation.names
            if len(names) != len(relation.columns):
                raise Untranslatable(f"{cte.name} has another number of columns than its query")
            columns = tuple(zip(names, map(_unbounded, relation.columns), strict=True))
            self.ctes[catalog.fold(cte.name)] = sources.Cte(sql=own, columns=columns)
            kind = {None: "", True: "MATERIALIZED ", False: "NOT MATERIALIZED "}[
                None if recursive else cte.materialized
            ]
            written.append(f"{own} AS {kind}({relation.sql})")
        return f"WITH RECURSIVE {', '.join(written)} " if written else ""

    def _recursive(self, cte: st.Cte, own: str, outer: frames.Frame | None) -> Relation:
        query = cte.query
        if query.order or query.limit is not None or query.ctes or len(query.rest) != 1:
            raise Untranslatable("a recursive query with ORDER BY, LIMIT or several recursive parts")
        operator, repeated = query.rest[0]
        if operator not in {"UNION", "UNION ALL"} or _mentions(st.Query(query.first), catalog.fold(cte.name)):
            raise Untranslatable("a recursive query that does not begin with the part that is not recursive")
        first = self._arm(query.first, outer)
        start = [_unbounded(column) for column in first.columns]
        names = cte.columns or first.names
        if len(names) != len(start):
            raise Untranslatable(f"{cte.name} has another number of columns than its query")
        again = Queries(self.bound, self.ctes)
        again.ctes[catalog.fold(cte.name)] = sources.Cte(sql=own, columns=tuple(zip(names, start, strict=True)))
        second = again._arm(repeated, outer)
        if len(second.columns) != len(start):
            raise Untranslatable("SELECTs of a compound have different numbers of columns")
        for one, other in zip(start, second.columns, strict=True):
            if other.kind is not one.kind and not (one.kind is Kind.INTEGER and other.kind is Kind.BOOLEAN):
                raise Untranslatable(f"a recursive query begins with {one.kind} and goes on with {other.kind}")
            if operator == "UNION":
                results.distinct(one)
        arms = [_renamed(self.bound, arm, start) for arm in (first, second)]
        return Relation(sql=f"{arms[0]} {operator} {arms[1]}", names=first.names, columns=tuple(start))

    def _body(self, query: st.Query, outer: frames.Frame | None, *, final: bool) -> Relation:
        if not query.rest and isinstance(query.first, st.Select) and not query.first.distinct:
            selected = self._select(query.first, outer)
            relation = selected.finish(query.order, final=final)
            found = Relation(sql=relation[0], names=relation[1], columns=relation[2])
        else:
            found = self._compound(query, outer)
            if query.order or final:
                found = self._ordered(found, query, final=final)
        limit = self._limit(query, outer)
        return dataclasses.replace(found, sql=found.sql + limit)

    def _select(self, item: st.Select, outer: frames.Frame | None) -> selecting.Selecting:
        return selecting.Selecting(self.bound, item, outer, self.ctes, self.inside, self.subquery)

    def _arm(self, item: st.Item, outer: frames.Frame | None) -> Relation:
        if isinstance(item, st.Values):
            return self._values(item, outer)
        sql, names, columns = self._select(item, outer).finish((), final=False)
        return Relation(sql=sql, names=names, columns=columns)

    def _values(self, item: st.Values, outer: frames.Frame | None) -> Relation:
        names = walk.Walk(self.bound, frames.Frame(outer=outer), self.inside)
        rows = [[names.value(expression) for expression in row] for row in item.rows]
        if len({len(row) for row in rows}) != 1:
            raise Untranslatable("all VALUES must have the same number of terms")
        columns = [_unified([row[at] for row in rows]) for at in range(len(rows[0]))]
        written = [f"({', '.join(results.inner(column[at]) for column in columns)})" for at in range(len(rows))]
        alias = self.bound.alias("v")
        listed = ", ".join(f"c{number}" for number in range(1, len(columns) + 1))
        shape = tuple(_merged(column) for column in columns)
        return Relation(
            sql=f"SELECT {listed} FROM (VALUES {', '.join(written)}) AS {alias} ({listed})",
            names=tuple(f"column{number}" for number in range(1, len(columns) + 1)),
            columns=shape,
        )

    def _compound(self, query: st.Query, outer: frames.Frame | None) -> Relation:
        arms = [self._arm(query.first, outer), *(self._arm(item, outer) for _, item in query.rest)]
        if len({len(arm.columns) for arm in arms}) != 1:
            raise Untranslatable("SELECTs of a compound have different numbers of columns")
        shapes: list[Value] = []
        for at in range(len(arms[0].columns)):
            shapes.append(_merged(_unified([arm.columns[at] for arm in arms])))
        operators = {operator for operator, _ in query.rest}
        if operators - {"UNION ALL"} or (isinstance(query.first, st.Select) and query.first.distinct and query.rest):
            for arm in arms:
                for column in (*arm.columns, *shapes):
                    results.distinct(column)
        sql = _renamed(self.bound, arms[0], shapes)
        for (operator, _), arm in zip(query.rest, arms[1:], strict=True):
            # SQLite combines from the left; INTERSECT binds tighter in PostgreSQL.
            if operator == "INTERSECT" or "INTERSECT" in operators:
                sql = f"({sql})"
            sql = f"{sql} {operator} {_renamed(self.bound, arm, shapes)}"
        return Relation(sql=sql, names=arms[0].names, columns=tuple(shapes))

    def _ordered(self, relation: Relation, query: st.Query, *, final: bool) -> Relation:
        """A compound or distinct query as a subquery, so that its columns can be put in order and converted."""
        alias = self.bound.alias("o")
        columns = [frames.seen(column, f"{alias}.c{at}") for at, column in enumerate(relation.columns, start=1)]
        terms = [self._term(order, relation, columns) for order in query.order]
        listed = ", ".join(
            f"{results.outer(column) if final else results.inner(column)} AS c{at}"
            for at, column in enumerate(columns, start=1)
        )
        kept = [term for term in terms if term is not None]
        order_by = f" ORDER BY {', '.join(kept)}" if kept else ""
        return dataclasses.replace(relation, sql=f"SELECT {listed} FROM ({relation.sql}) AS {alias}{order_by}")

    def _term(self, order: st.Order, relation: Relation, columns: Sequence[Value]) -> str | None:
        expression = order.expression
        collation: str | None = None
        if isinstance(expression, tree.Collate):
            collation = expression.collation.upper()
            expression = expression.operand
        found: Value | None = None
        match expression:
            case tree.Literal(value=int() as ordinal):
                if not 1 <= ordinal <= len(columns):
                    raise Untranslatable("a term of ORDER BY is out of range")
                found = columns[ordinal - 1]
            case tree.Name(name=name):
                folded = catalog.fold(name)
                found = next(
                    (
                        column
                        for known, column in zip(relation.names, columns, strict=True)
                        if catalog.fold(known) == folded
                    ),
                    None,
                )
        if found is None:
            raise Untranslatable("a term of ORDER BY is none of the result columns")
        if collation is not None:
            found = dataclasses.replace(found, collation=collation)
        return results.order_term(found, descending=order.descending, nulls_first=order.nulls_first)

    def _limit(self, query: st.Query, outer: frames.Frame | None) -> str:
        names = walk.Walk(self.bound, frames.Frame(outer=outer), self.inside)
        sql = ""
        if query.limit is not None and (limit := _count(names, query.limit)) is not None:
            sql += f" LIMIT {limit}"
        if query.offset is not None and (offset := _count(names, query.offset)) is not None:
            sql += f" OFFSET {offset}"
        return sql


def _count(names: walk.Walk, expression: tree.Expression) -> str | None:
    """The number of a LIMIT or OFFSET; None for a negative one, which is no limit and no offset."""
    found = names.value(expression)
    if found.kind is not Kind.INTEGER:
        raise Untranslatable(f"LIMIT is {found.kind}")
    if found.constant:
        return None if int(str(found.value)) < 0 else found.sql
    if found.parameter is not None:
        negative = int(str(found.parameter.value)) < 0
        found.parameter.assume(lambda bound: isinstance(bound, int) and (bound < 0) == negative)
        return None if negative else found.sql
    raise Untranslatable("LIMIT is computed")


def _unified(branches: Sequence[Value]) -> list[Value]:
    """Columns that come under each other, made of one kind without any change of a value."""
    kinds = {branch.kind for branch in branches} - {Kind.NULL}
    if len(kinds) > 1 and not kinds <= {Kind.INTEGER, Kind.BOOLEAN}:
        if kinds <= {Kind.INTEGER, Kind.BOOLEAN, Kind.NUMBER} and all(
            b.decimal for b in branches if b.kind is Kind.NUMBER
        ):
            return [_decimal(branch) for branch in branches]
        return variants.merged(branches)
    return functions.unify(branches) if len(kinds) > 1 else list(branches)


def _decimal(branch: Value) -> Value:
    if branch.kind in {Kind.NULL, Kind.NUMBER}:
        return branch
    cast = "::integer::numeric" if branch.kind is Kind.BOOLEAN else "::numeric"
    return dataclasses.replace(branch, kind=Kind.NUMBER, sql=f"({branch.sql}){cast}", decimal=True)


def _merged(branches: Sequence[Value]) -> Value:
    """What is known of a column that is made of several; its affinity and collation are those of the first that has one."""
    known = [branch for branch in branches if branch.kind is not Kind.NULL]
    if not known:
        return values.NULL
    return Value(
        kind=known[0].kind,
        sql="",
        affinity=next((branch.affinity for branch in branches if branch.affinity is not None), None),
        collation=next((branch.collation for branch in branches if branch.collation is not None), None),
        collated=True,
        low=_least([branch.low for branch in known]),
        high=_most([branch.high for branch in known]),
        decimal=all(branch.decimal for branch in known),
    )


def _least(bounds: Sequence[float | None]) -> float | None:
    known = [bound for bound in bounds if bound is not None]
    return min(known) if len(known) == len(bounds) else None


def _most(bounds: Sequence[float | None]) -> float | None:
    known = [bound for bound in bounds if bound is not None]
    return max(known) if len(known) == len(bounds) else None


def _renamed(bound: binding.Binding, arm: Relation, shapes: Sequence[Value]) -> str:
    """An arm of a compound with its columns converted to the kinds of the whole."""
    alias = bound.alias("a")
    written: list[str] = []
    for at, (column, shape) in enumerate(zip(arm.columns, shapes, strict=True), start=1):
        own = f"{alias}.c{at}"
        if column.kind is Kind.NULL and shape.kind is not Kind.NULL:
            own = f"NULL::{_TYPES[shape.kind]}"
            own += ' COLLATE "C"' if shape.kind is Kind.TEXT else ""
        elif column.kind is Kind.BOOLEAN and shape.kind is Kind.INTEGER:
            own += "::integer::bigint"
        elif column.kind is Kind.BOOLEAN and shape.kind is Kind.NUMBER:
            own += "::integer::numeric"
        elif shape.kind is Kind.NUMBER:
            own += "::numeric"
        elif shape.kind is Kind.ANY:
            own = variants.of(frames.seen(column, own)).sql
        written.append(f"{own} AS c{at}")
    return f"SELECT {', '.join(written)} FROM ({arm.sql}) AS {alias}"


_TYPES = {
    Kind.INTEGER: "bigint",
    Kind.REAL: "double precision",
    Kind.NUMBER: "numeric",
    Kind.TEXT: "text",
    Kind.BLOB: "bytea",
    Kind.BOOLEAN: "boolean",
    Kind.ANY: "json",
}


def _unbounded(column: Value) -> Value:
    """A column of a common table expression; an integer or a condition may be any integer in the recursive part."""
    if column.kind in {Kind.INTEGER, Kind.BOOLEAN}:
        found = dataclasses.replace(column, kind=Kind.INTEGER, low=values.SMALLEST, high=values.LARGEST, wide=True)
        return found if column.kind is Kind.INTEGER else dataclasses.replace(column, low=0, high=1)
    return dataclasses.replace(column, low=None, high=None)


def _mentions(query: st.Query, name: str) -> bool:
    """Whether a query names a table, at any depth of its FROM or of its expressions."""
    return any(catalog.fold(found) == name for found in _tables(query))


def _tables(node: object) -> list[str]:
    if isinstance(node, st.TableSource):
        return [node.name]
    if isinstance(node, tuple):
        return [name for part in node for name in _tables(part)]
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        return [name for one in dataclasses.fields(node) for name in _tables(getattr(node, one.name))]
    return []
