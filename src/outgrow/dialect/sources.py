"""FROM: tables, subqueries and joins, with names of PostgreSQL's own for each source, and what the joins determine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from outgrow.dialect import binding, catalog, comparison, frames, table_functions, view_sql, walk
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import statement_tree as st
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value
from outgrow.model import plan

__all__ = ["Cte", "Dependency", "Sources", "conjuncts", "dependencies"]


Dependency = tuple[frozenset[str], str]
"""Columns, and one that has the same value wherever these have."""


@dataclass(frozen=True, kw_only=True)
class Cte:
    """A common table expression as a source: its name in PostgreSQL and its columns."""

    sql: str
    columns: tuple[tuple[str, Value], ...]


@dataclass(kw_only=True)
class Sources:
    """Builds the FROM of one SELECT into a frame."""

    bound: binding.Binding
    frame: frames.Frame
    ctes: dict[str, Cte]
    subquery: Callable[[st.Query, frames.Frame | None], tuple[str, list[str], list[Value]]]
    walk: walk.Walk
    dependencies: list[Dependency] = field(default_factory=list)

    def add(self, source: st.Source) -> str:
        """The SQL of a source, whose columns are then in the frame."""
        match source:
            case st.TableSource():
                return self._table(source)
            case st.SubquerySource(query=query, alias=alias):
                sql, names, columns = self.subquery(query, self.frame.outer)
                own = self.bound.alias("q")
                self._columns(alias or "", own, list(zip(names, columns, strict=True)))
                return f"({sql}) AS {own}"
            case st.TableFunction():
                return self._function(source)
            case st.Join():
                return self._join(source)

    def _function(self, source: st.TableFunction) -> str:
        """A table function; its arguments may be columns of what stands before it."""
        made = table_functions.call(source.name, [self.walk.value(argument) for argument in source.arguments])
        own = self.bound.alias("f")
        fields = tuple(
            frames.Field(name=name, value=table_functions.column(name, own)) for name in table_functions.COLUMNS
        )
        self.frame.origins.append(frames.Origin(name=source.alias or source.name, alias=own, fields=fields))
        return f"{made} AS {own}"

    def _columns(self, name: str, alias: str, columns: list[tuple[str, Value]]) -> None:
        fields = tuple(
            frames.Field(name=known, value=frames.seen(column, f"{alias}.c{number}"))
            for number, (known, column) in enumerate(columns, start=1)
        )
        self.frame.origins.append(frames.Origin(name=name, alias=alias, fields=fields))

    def _table(self, source: st.TableSource) -> str:
        if source.schema is not None and catalog.fold(source.schema) != "main":
            raise Untranslatable(f"{source.schema} is another database")
        cte = self.ctes.get(catalog.fold(source.name)) if source.schema is None else None
        if cte is not None:
            own = self.bound.alias("w")
            self._columns(source.alias or source.name, own, list(cte.columns))
            return f"{cte.sql} AS {own}"
        known = self.bound.catalog.table(source.name)
        view = self.bound.catalog.views.get(catalog.fold(source.name))
        if known is None and view is not None and not view.reason:
            return self._view(view, source.alias or source.name)
        if known is None:
            absent = self.bound.catalog.absent.get(catalog.fold(source.name))
            raise Untranslatable(absent or f"no such table: {source.name}")
        own = self.bound.alias("t")
        self.frame.origins.append(frames.of_table(known, source.alias or source.name, own))
        return f"{known.sql} AS {own}"

    def _view(self, view: plan.ViewPlan, name: str) -> str:
        """A view is its query: with SQLite's affinities, and following a change of its tables as SQLite's does."""
        parsed = view_sql.parse(view.sql)
        sql, names, columns = self.subquery(parsed.query, None)
        own = self.bound.alias("v")
        self._columns(name, own, list(zip(view_sql.names(parsed, tuple(names)), columns, strict=True)))
        return f"({sql}) AS {own}"

    def _join(self, join: st.Join) -> str:
        start = len(self.frame.origins)
        left = self.add(join.left)
        middle = len(self.frame.origins)
        right = self.add(join.right)
        lefts, rights = self.frame.origins[start:middle], self.frame.origins[middle:]
        conditions: list[str] = []
        for name in self._shared(join, lefts, rights):
            conditions.append(self._using(join.kind, name, lefts, rights))
        if join.on is not None:
            conditions.append(self.walk.condition(join.on))
            if join.kind in {"inner", "left"}:
                own = {origin.alias for origin in rights} if join.kind == "left" else None
                self.dependencies += dependencies(self.walk, join.on, own)
        keyword = {"inner": "JOIN", "left": "LEFT JOIN", "right": "RIGHT JOIN", "full": "FULL JOIN"}[join.kind]
        if isinstance(join.right, st.Join):
            right = f"({right})"
        if not conditions and join.kind == "inner":
            return f"{left} CROSS JOIN {right}"
        return f"{left} {keyword} {right} ON {' AND '.join(conditions) or 'true'}"

    def _shared(self, join: st.Join, lefts: list[frames.Origin], rights: list[frames.Origin]) -> list[str]:
        if not join.natural:
            return list(join.using)
        known = {catalog.fold(one.name) for origin in lefts for one in origin.fields}
        return [one.name for origin in rights for one in origin.fields if catalog.fold(one.name) in known]

    def _using(self, kind: str, name: str, lefts: list[frames.Origin], rights: list[frames.Origin]) -> str:
        folded = catalog.fold(name)
        owners = [origin for origin in rights if origin.field(name) is not None]
        if len(owners) != 1:
            raise Untranslatable(f"cannot join using column {name}")
        right = owners[0].field(name)
        left = self.frame.merged.get(folded)
        if left is None:
            found = [value for origin in lefts if (value := origin.field(name)) is not None]
            if len(found) != 1:
                raise Untranslatable(f"cannot join using column {name}")
            left = found[0]
        assert right is not None
        condition = comparison.compare("=", left, right, helpers=True).sql
        self.frame.merge(kind, name, left, owners[0], right)
        if kind in {"inner", "left"} and _same(left, right):
            self.dependencies.append((frozenset({left.column}), right.column))
        if kind == "inner" and _same(left, right):
            self.dependencies.append((frozenset({right.column}), left.column))
        return condition


def conjuncts(expression: tree.Expression) -> Iterator[tree.Expression]:
    """The parts of a condition that all hold where it does."""
    if isinstance(expression, tree.Binary) and expression.operator == "AND":
        yield from conjuncts(expression.left)
        yield from conjuncts(expression.right)
    else:
        yield expression


def dependencies(names: walk.Walk, condition: tree.Expression, inside: set[str] | None = None) -> list[Dependency]:
    """Which columns determine others where a condition holds. `inside` are the sources of the right side of a LEFT JOIN: only
    its columns are determined then, by all that the condition compares them with.
    """
    pairs: list[tuple[Value, Value]] = []
    for part in conjuncts(condition):
        if not isinstance(part, tree.Binary) or part.operator != "=":
            if inside is not None:
                return []
            continue
        sides = [_column(names, part.left), _column(names, part.right)]
        if sides[0] is None or sides[1] is None:
            constant = part.right if sides[1] is None else part.left
            known = sides[0] or sides[1]
            if inside is not None:
                return []
            if known is not None and isinstance(constant, tree.Literal | tree.Parameter) and _plain(known):
                pairs.append((known, known))
                continue
            continue
        if not _same(sides[0], sides[1]):
            if inside is not None:
                return []
            continue
        pairs.append((sides[0], sides[1]))
    if inside is None:
        found: list[Dependency] = []
        for one, other in pairs:
            if one is other:
                found.append((frozenset(), one.column))
            else:
                found += [(frozenset({one.column}), other.column), (frozenset({other.column}), one.column)]
        return found
    outer: set[str] = set()
    inner: set[str] = set()
    for pair in pairs:
        ours = [one for one in pair if one.column.split(".", 1)[0] in inside]
        if len(ours) != 1:
            return []
        inner.add(ours[0].column)
        outer.update(one.column for one in pair if one is not ours[0])
    return [(frozenset(outer), column) for column in sorted(inner)]


def _column(names: walk.Walk, expression: tree.Expression) -> Value | None:
    if not isinstance(expression, tree.Name):
        return None
    found = names.frame.column(expression.name, expression.table)
    return found if found is not None and found.column else None


def _plain(value: Value) -> bool:
    return value.kind is not Kind.OPAQUE and (value.collation or "BINARY") == "BINARY"


def _same(left: Value, right: Value) -> bool:
    """Whether equality of two columns means that they are the same value."""
    return left.kind is right.kind and _plain(left) and _plain(right) and bool(left.column) and bool(right.column)
