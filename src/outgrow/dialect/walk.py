"""Expressions of a statement: names of several sources, bound values, queries inside, aggregates and windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from outgrow.dialect import (
    aggregates,
    binding,
    casting,
    catalog,
    comparison,
    conversion,
    frames,
    functions,
    moment,
    results,
    scope,
    statement_tree,
    translator,
)
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["Grouping", "Queries", "Walk", "aggregated", "is_aggregate"]

_AGGREGATES = frozenset(
    {"count", "sum", "total", "avg", "group_concat", "string_agg", "json_group_array", "json_group_object"}
)
_TRUTHS = {"true": 1, "false": 0}
_ORDER = frozenset({"<", "<=", ">", ">="})
_LIVE = frozenset({"last_insert_rowid", "changes", "total_changes"})
_CHOOSING = frozenset({"coalesce", "ifnull"})
_LARGER = frozenset({"coalesce", "ifnull", "iif", "if", "nullif", "min", "max", "abs"})

Queries = Callable[["statement_tree.Query", frames.Frame], tuple[str, list[Value]]]
"""Translates a query inside an expression: its SQL, and its columns c1, c2, …"""


def is_aggregate(call: tree.Call) -> bool:
    """Whether a call is one of an aggregate function."""
    if call.over is not None:
        return False
    return call.name in _AGGREGATES or (call.name in {"min", "max"} and len(call.arguments) == 1)


def aggregated(expression: tree.Expression) -> Iterator[tree.Call]:
    """The calls of aggregate functions in an expression, those in queries apart."""
    if isinstance(expression, tree.Call) and is_aggregate(expression):
        yield expression
        return
    for child in tree.children(expression):
        yield from aggregated(child)
    if isinstance(expression, tree.Call) and expression.over is not None:
        for part in (*expression.over.partition, *(term.expression for term in expression.over.order)):
            yield from aggregated(part)


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """How an aggregate query may name columns: the terms of GROUP BY by the SQL of what they group, the columns that
    the group determines, the tables of which PostgreSQL knows that, and the one min() or max() whose row is meant else.
    """

    terms: dict[str, str]
    determined: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    extreme: str = ""


class Walk(translator.Translator):
    """The translation of the expressions of one SELECT, UPDATE or DELETE."""

    helpers = True

    def __init__(
        self,
        bound: binding.Binding,
        frame: frames.Frame,
        queries: Queries,
        *,
        grouping: Grouping | None = None,
        windows: dict[str, statement_tree.Window] | None = None,
    ) -> None:
        super().__init__(scope.Scope())
        self.caveats = bound.caveats
        self.bound = bound
        self.frame = frame
        self.queries = queries
        self.grouping = grouping
        self.windows = windows
        self._resolving: set[str] = set()

    def value(self, expression: tree.Expression) -> Value:
        """The expression as an operand."""
        if self.grouping is not None and (found := self._grouped(expression)) is not None:
            return found
        match expression:
            case tree.Parameter():
                return self.bound.bind(expression)
            case tree.Subquery(query=query):
                return self._scalar(query)
            case tree.Exists(query=query):
                sql, _ = self._inside(query)
                return values.boolean(f"EXISTS ({sql})")
            case tree.InQuery(operand=operand, query=query):
                return self._in_query(operand, query)
            case tree.Row():
                raise Untranslatable("a row value stands where one value is wanted")
            case tree.Between(operand=operand, low=low, high=high):
                lower = tree.Binary(">=", operand, low)
                return values.boolean(
                    self._condition(tree.Binary("AND", lower, tree.Binary("<=", operand, high)), lenient=False)
                )
            case tree.Like(operand=operand, pattern=pattern):
                if Kind.BLOB in {self.value(operand).kind, self.value(pattern).kind}:
                    raise Untranslatable("whether LIKE matches blobs depends on how SQLite was built")
            case tree.Call():
                return self._call(expression)
            case tree.Case():
                return _bigint(super().value(expression))
        return super().value(expression)

    def _condition(self, expression: tree.Expression, *, lenient: bool) -> str:
        match expression:
            case tree.Binary(operator="AND" | "OR") | tree.Unary(operator="NOT"):
                return super()._condition(expression, lenient=lenient)
        found = self._plain(expression)
        # A text is true if the number that it begins with is not zero.
        return conversion.as_condition(casting.real(found) if found.kind in {Kind.TEXT, Kind.ANY} else found)

    def call(self, name: str, arguments: list[Value]) -> Value:
        """A function; where it needs to know an argument that is bound, the translation is of this value only."""
        if name in _LIVE:
            raise Untranslatable(f"{name}() belongs to the connection")
        try:
            return self._called(name, arguments)
        except Untranslatable:
            pinned = [one if one.parameter is None else one.parameter.pinned() for one in arguments]
            if pinned == arguments:
                raise
            return self._called(name, pinned)

    def _called(self, name: str, arguments: list[Value]) -> Value:
        found = functions.call(name, arguments, self.caveats, helpers=self.helpers)
        if name in _CHOOSING and all(_exact(argument) for argument in arguments):
            found = dataclasses.replace(found, decimal=found.kind is Kind.NUMBER)
        return _bigint(found) if name in _LARGER else found

    def name(self, expression: tree.Name) -> Value:
        """A column, an alias, a string in double quotes, TRUE or FALSE: the first that there is, as SQLite looks for them."""
        for frame in self.frame.chain():
            found = frame.column(expression.name, expression.table)
            if found is not None:
                if frame is self.frame:
                    return found if self.grouping is None else self._grouped_column(found)
                return found if frame.grouped is None else _grouped_outside(found, frame.grouped)
            alias = frame.aliases.get(catalog.fold(expression.name)) if expression.table is None else None
            if alias is not None and frame is not self.frame:
                raise Untranslatable(f"{expression.name} is an alias of the query outside")
            if alias is not None and expression.name not in self._resolving:
                self._resolving.add(expression.name)
                try:
                    return self.value(alias)
                finally:
                    self._resolving.discard(expression.name)
        if self.bound.around is not None and expression.table is not None:
            found = self.bound.around.column(expression.name, expression.table)
            if found is not None:
                return found
        if expression.table is None:
            folded = expression.name.lower()
            if expression.bare and folded in _TRUTHS:
                return values.literal(_TRUTHS[folded])
            if expression.bare and folded in moment.KEYWORDS:
                return moment.call(moment.KEYWORDS[folded], [])
            if expression.text_if_unknown:
                return values.literal(expression.name)
        written = expression.name if expression.table is None else f"{expression.table}.{expression.name}"
        raise Untranslatable(f"no such column: {written}")

    def plain(self) -> Walk:
        """The same outside of groups: for the arguments of aggregates."""
        return Walk(self.bound, self.frame, self.queries)

    def _is_truth(self, expression: tree.Expression) -> TypeGuard[tree.Name]:
        return (
            isinstance(expression, tree.Name)
            and expression.bare
            and expression.table is None
            and expression.name.lower() in _TRUTHS
            and all(frame.column(expression.name, None) is None for frame in self.frame.chain())
        )

    def _compare(self, operator: str, left: tree.Expression, right: tree.Expression) -> Value:
        if isinstance(left, tree.Row) or isinstance(right, tree.Row):
            if not isinstance(left, tree.Row) or not isinstance(right, tree.Row) or len(left.items) != len(right.items):
                raise Untranslatable("a row value is compared with something else")
            return values.boolean(self._condition(_rows(operator, left.items, right.items), lenient=False))
        one, other = self.value(left), self.value(right)
        if one.inner is None and other.inner is not None and operator not in _ORDER:
            one, other = other, one
        if operator in _ORDER:
            # An order that no column's collation decides is bytewise in SQLite.
            one = _bytewise(one)
        found = comparison.classes(operator, one, other)
        return comparison.compare(operator, one, other, helpers=True) if found is None else found

    def _inside(self, query: statement_tree.Query) -> tuple[str, list[Value]]:
        """A query in this expression."""
        around, self.frame.grouped = self.frame.grouped, None if self.grouping is None else self.grouping.terms
        try:
            return self.queries(query, self.frame)
        finally:
            self.frame.grouped = around

    def _scalar(self, query: statement_tree.Query) -> Value:
        sql, columns = self._inside(query)
        if len(columns) != 1:
            raise Untranslatable("a query of several columns stands where one value is wanted")
        if columns[0].kind is Kind.NULL:
            return values.NULL
        alias = self.bound.alias("s")
        found = frames.seen(columns[0], f"(SELECT {alias}.c1 FROM ({sql}) AS {alias} LIMIT 1)")
        made = False if columns[0].made_json is False else None  # older versions of SQLite keep it JSON
        return dataclasses.replace(found, collation=None, column="", made_json=made)

    def _in_query(self, operand: tree.Expression, query: statement_tree.Query) -> Value:
        items = operand.items if isinstance(operand, tree.Row) else (operand,)
        sql, columns = self._inside(query)
        if len(columns) != len(items):
            raise Untranslatable("IN compares rows of different lengths")
        alias = self.bound.alias("s")
        pairs: list[tuple[str, str]] = []
        for number, (item, column) in enumerate(zip(items, columns, strict=True), start=1):
            left = self.value(item)
            if Kind.NULL in {left.kind, column.kind}:
                raise Untranslatable("IN of a query compares with NULL")
            right = dataclasses.replace(frames.seen(column, f"{alias}.c{number}"), collation=None)
            pairs.append(comparison.columns(left, right))
        heads, tails = ", ".join(one for one, _ in pairs), ", ".join(other for _, other in pairs)
        return values.boolean(f"(({heads}) IN (SELECT {tails} FROM ({sql}) AS {alias}))")

    def _call(self, call: tree.Call) -> Value:
        if call.over is not None:
            return self._window(call)
        if is_aggregate(call):
            if self.grouping is None:
                raise Untranslatable(f"misuse of aggregate: {call.name}()")
            inside = self.plain()
            filter_ = "" if call.filter_ is None else inside.condition(call.filter_)
            return self._aggregate(call, inside, filter_)
        if call.distinct or call.filter_ is not None or call.star:
            raise Untranslatable(f"{call.name}() is no aggregate function")
        return super().value(call)

    def _aggregate(self, call: tree.Call, inside: Walk, filter_: str) -> Value:
        arguments = [inside.value(argument) for argument in call.arguments]
        if call.distinct and call.name != "count":
            for argument in arguments:
                results.distinct(argument)
        try:
            return aggregates.call(call.name, arguments, distinct=call.distinct, filter_=filter_, caveats=self.caveats)
        except Untranslatable:
            pinned = [one if one.parameter is None else one.parameter.pinned() for one in arguments]
            if pinned == arguments:
                raise
            return aggregates.call(call.name, pinned, distinct=call.distinct, filter_=filter_, caveats=self.caveats)

    def _window(self, call: tree.Call) -> Value:
        raise Untranslatable("a window function stands where none can be")

    def _grouped(self, expression: tree.Expression) -> Value | None:
        """The expression as a term of GROUP BY, if it is one."""
        if isinstance(expression, tree.Literal | tree.Parameter | tree.Name) or any(aggregated(expression)):
            return None
        if self.grouping is None or not self.grouping.terms or (isinstance(expression, tree.Call) and expression.over):
            return None
        try:
            found = self.plain().value(expression)
        except Untranslatable:  # an alias of it may stand for an aggregate, which only the parts will tell
            return None
        return self._as_term(found)

    def _as_term(self, found: Value) -> Value | None:
        assert self.grouping is not None
        term = self.grouping.terms.get(found.sql)
        if term is None or found.constant or found.parameter is not None:
            return None
        return dataclasses.replace(found, sql=term, collated=found.kind is Kind.TEXT, native=None, moment=None)

    def _grouped_column(self, found: Value) -> Value:
        """A column in an aggregate query: of the group, determined by it, or of the row of min() or max(); else refused."""
        grouping = self.grouping
        assert grouping is not None
        term = self._as_term(found)
        if term is not None:
            return term
        if found.column in grouping.whole:
            return found
        if found.kind is Kind.OPAQUE:
            raise Untranslatable(found.reason)
        if found.column in grouping.determined:
            order = ""
        elif grouping.extreme:
            order = f" ORDER BY {grouping.extreme}"
        else:
            raise Untranslatable(f"SQLite takes {found.column} from any row of the group")
        return dataclasses.replace(found, sql=f"(array_agg({found.sql}{order}))[1]", native=None, moment=None)


def _grouped_outside(found: Value, terms: Mapping[str, str]) -> Value:
    """A column of a query outside that makes groups."""
    if found.sql not in terms:
        raise Untranslatable(f"a query inside takes {found.column} from any row of the group")
    return dataclasses.replace(found, sql=terms[found.sql], collated=found.kind is Kind.TEXT, native=None, moment=None)


def _exact(operand: Value) -> bool:
    """Whether an operand is the same number as numeric."""
    return operand.kind in {Kind.INTEGER, Kind.NULL} or (operand.kind is Kind.NUMBER and operand.decimal)


def _bigint(found: Value) -> Value:
    """An integer that may have been put together of small ones, as a 64-bit integer, so that what follows does not overflow."""
    if found.kind is not Kind.INTEGER or found.constant:
        return found
    return dataclasses.replace(found, sql=f"({found.sql})::bigint", wide=True)


def _bytewise(operand: Value) -> Value:
    if operand.kind is not Kind.TEXT or operand.collated:
        return operand
    return dataclasses.replace(operand, sql=f'({operand.sql} COLLATE "C")', collated=True)


def _rows(operator: str, left: Sequence[tree.Expression], right: Sequence[tree.Expression]) -> tree.Expression:
    """A comparison of row values as comparisons of their items."""
    if operator in {"=", "IS"}:
        found: tree.Expression = tree.Binary(operator, left[0], right[0])
        for one, other in zip(left[1:], right[1:], strict=True):
            found = tree.Binary("AND", found, tree.Binary(operator, one, other))
        return found
    if operator in {"<>", "IS NOT"}:
        return tree.Unary("NOT", _rows("=" if operator == "<>" else "IS", left, right))
    if len(left) == 1:
        return tree.Binary(operator, left[0], right[0])
    first = tree.Binary(operator[0], left[0], right[0])
    rest = _rows(operator, left[1:], right[1:])
    return tree.Binary("OR", first, tree.Binary("AND", tree.Binary("=", left[0], right[0]), rest))
