"""One SELECT: its sources, its groups, its result columns, and the ORDER BY that belongs to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from outgrow.dialect import binding, catalog, frames, query_parser, results, sources, variants, walk, windows
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import statement_tree as st
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["Selecting", "expand"]

Subquery = Callable[[st.Query, frames.Frame | None], tuple[str, list[str], list[Value]]]


@dataclass(frozen=True, kw_only=True)
class Result:
    """A result column: its name, and the expression or the column of a star that it is."""

    name: str
    expression: tree.Expression | None = None
    field: Value | None = None


def expand(columns: Iterable[st.Column], frame: frames.Frame) -> list[Result]:
    """Result columns with stars spelled out."""
    found: list[Result] = []
    for column in columns:
        if column.expression is None:
            found += [Result(name=one.name, field=one.value) for one in frame.star(column.table)]
        else:
            found.append(Result(name=query_parser.item_name(column), expression=column.expression))
    return found


class Selecting:
    """The translation of one SELECT, up to its ORDER BY."""

    def __init__(
        self,
        bound: binding.Binding,
        item: st.Select,
        outer: frames.Frame | None,
        ctes: dict[str, sources.Cte],
        inside: walk.Queries,
        subquery: Subquery,
    ) -> None:
        self.bound = bound
        self.item = item
        self.frame = frames.Frame(outer=outer)
        plain = walk.Walk(bound, self.frame, inside)
        self.sources = sources.Sources(bound=bound, frame=self.frame, ctes=ctes, subquery=subquery, walk=plain)
        self.origin = "" if item.source is None else f" FROM {self.sources.add(item.source)}"
        self.columns = expand(item.columns, self.frame)
        self._aliases = {
            catalog.fold(column.alias): column.expression
            for column in reversed(item.columns)
            if column.alias is not None and column.expression is not None
        }
        self.frame.aliases = self._aliases
        self.where = "" if item.where is None else f" WHERE {plain.condition(item.where)}"
        self._by_groups = False
        self._inside = inside
        self._plain = plain

    def finish(self, order: Sequence[st.Order], *, final: bool) -> tuple[str, tuple[str, ...], tuple[Value, ...]]:
        """The SQL with its ORDER BY, the names and the columns."""
        grouping, group = self._grouping(order)
        names = windows.WindowWalk(
            self.bound, self.frame, self._inside, grouping=grouping, windows=dict(self.item.windows)
        )
        self.frame.aliases = {}  # the result columns do not see each other's names
        found = [self._result(names, column, grouping) for column in self.columns]
        self.frame.aliases = self._aliases
        if self.item.distinct:
            for column in found:
                if not self._by_groups or column.kind is not Kind.ANY:
                    results.distinct(column)
        having = ""
        if self.item.having is not None:
            if grouping is None:
                raise Untranslatable("a HAVING clause on a non-aggregate query")
            inner = walk.Walk(self.bound, self.frame, self._inside, grouping=grouping)
            having = f" HAVING {inner.condition(self.item.having)}"
        terms = [self._term(one, names, found) for one in order]
        kept = [term for term in terms if term is not None]
        order_by = f" ORDER BY {', '.join(kept)}" if kept else ""
        written = ", ".join(
            f"{results.outer(column) if final else results.inner(column)} AS c{at}"
            for at, column in enumerate(found, start=1)
        )
        distinct = "DISTINCT " if self.item.distinct and not self._by_groups else ""
        sql = f"SELECT {distinct}{written}{self.origin}{self.where}{group}{having}{order_by}"
        return sql, tuple(column.name for column in self.columns), tuple(found)

    def _result(self, names: windows.WindowWalk, column: Result, grouping: walk.Grouping | None) -> Value:
        if column.expression is not None:
            return names.value(column.expression)
        assert column.field is not None
        return column.field if grouping is None else names.grouped_column(column.field)

    def _term(self, order: st.Order, names: windows.WindowWalk, columns: Sequence[Value]) -> str | None:
        """A term of ORDER BY: a result column by number or name, or an expression."""
        expression = order.expression
        collation: str | None = None
        while isinstance(expression, tree.Collate):
            collation = collation or expression.collation.upper()
            expression = expression.operand
        found: Value | None = None
        match expression:
            case tree.Literal(value=int() as ordinal):
                if not 1 <= ordinal <= len(columns):
                    raise Untranslatable("a term of ORDER BY is out of range")
                found = columns[ordinal - 1]
            case tree.Name(name=name, table=None):
                folded = catalog.fold(name)
                if folded in self._aliases:
                    number = next(
                        at
                        for at, column in enumerate(self.item.columns)
                        if column.alias is not None
                        and column.expression is not None
                        and catalog.fold(column.alias) == folded
                    )
                    found = columns[self._position(number)]
        if found is None:
            found = names.value(expression)
        if collation is not None:
            found = dataclasses.replace(found, collation=collation)
        return results.order_term(found, descending=order.descending, nulls_first=order.nulls_first)

    def _position(self, number: int) -> int:
        """Where the result column of that number stands once stars are spelled out."""
        return len(expand(self.item.columns[:number], self.frame))

    def _grouping(self, order: Sequence[st.Order]) -> tuple[walk.Grouping | None, str]:
        """How columns may be named, and the GROUP BY clause."""
        item = self.item
        parts = [column.expression for column in item.columns if column.expression is not None]
        if item.having is not None:
            parts.append(item.having)
        parts += [one.expression for one in order]
        parts += [one.expression for _, window in item.windows for one in window.order]
        calls = [call for part in parts for call in walk.aggregated(part)]
        grouped = [self._group_value(expression) for expression in item.group]
        if item.distinct and not grouped and not calls:
            grouped = self._values_of_any_type()
            self._by_groups = bool(grouped)
        if not grouped and not calls:
            return None, ""
        if any(True for expression in item.group for _ in walk.aggregated(expression)):
            raise Untranslatable("aggregate functions are not allowed in the GROUP BY clause")
        terms: dict[str, str] = {}
        written: list[str] = []
        columns: set[str] = set()
        for found in grouped:
            term = results.group_term(found)
            written.append(term)
            if found.kind is Kind.ANY:
                terms[found.sql] = variants.of_group(found)
            elif found.kind is not Kind.TEXT or (found.collation or "BINARY") == "BINARY":
                terms[found.sql] = term
                if found.column and not found.explicit:
                    columns.add(found.column)
        determined = self._determined(columns) if grouped else frozenset()
        whole = self._whole(set(written))
        extremes = {repr(call): call for call in calls if call.name in {"min", "max"}}
        extreme = ""
        if len(extremes) == 1 and len({repr(call) for call in calls}) == 1:
            (call,) = extremes.values()
            if call.filter_ is None:
                argument = self._plain.plain().value(call.arguments[0])
                ordered = results.order_term(argument, descending=call.name == "max", nulls_first=False)
                # Of several such rows SQLite takes any, which is the first that it reads: mostly that of the lowest rowid.
                first = [origin.rowid.sql for origin in self.frame.origins if origin.rowid is not None]
                extreme = ", ".join([ordered, *first]) if ordered is not None else ""
        grouping = walk.Grouping(terms=terms, determined=determined, whole=whole, extreme=extreme)
        return grouping, f" GROUP BY {', '.join(written)}" if written else ""

    def _values_of_any_type(self) -> list[Value]:
        """The result columns of a SELECT DISTINCT, if one is of any type: of these PostgreSQL only makes groups."""
        self.frame.aliases = {}
        try:
            found = [
                column.field if column.expression is None else self._plain.value(column.expression)
                for column in self.columns
            ]
        except Untranslatable:  # a window function; what else it is, the columns themselves will tell
            return []
        finally:
            self.frame.aliases = self._aliases
        listed = [one for one in found if one is not None]
        return listed if any(one.kind is Kind.ANY for one in listed) else []

    def _group_value(self, expression: tree.Expression) -> Value:
        if isinstance(expression, tree.Literal) and isinstance(expression.value, int):
            if not 1 <= expression.value <= len(self.columns):
                raise Untranslatable("a term of GROUP BY is out of range")
            column = self.columns[expression.value - 1]
            if column.expression is None:
                assert column.field is not None
                return column.field
            expression = column.expression
            self.frame.aliases = {}
            try:
                return self._plain.value(expression)
            finally:
                self.frame.aliases = self._aliases
        return self._plain.value(expression)

    def _determined(self, columns: set[str]) -> frozenset[str]:
        """The columns that have one value in each group: by keys, and by what the joins and WHERE make equal."""
        known = set(columns)
        rules = list(self.sources.dependencies)
        if self.item.where is not None:
            rules += sources.dependencies(self._plain, self.item.where)
        while True:
            before = len(known)
            known.update(column for needed, column in rules if needed <= known)
            for origin in self.frame.origins:
                if any(key <= known for key in origin.keys):
                    known.update(one.value.column for one in origin.fields)
                    if origin.rowid is not None:
                        known.add(origin.rowid.column)
            if len(known) == before:
                return frozenset(known)

    def _whole(self, terms: set[str]) -> frozenset[str]:
        """The columns of tables whose primary key stands in GROUP BY, which PostgreSQL itself takes."""
        return frozenset(
            one.value.column
            for origin in self.frame.origins
            if origin.primary and origin.primary <= terms
            for one in origin.fields
        )
