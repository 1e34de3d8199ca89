"""Window functions, as the result columns and ORDER BY of a SELECT may hold them."""

from __future__ import annotations

import dataclasses

from outgrow.dialect import catalog, conversion, functions, results, walk
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import statement_tree as st
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["WindowWalk"]

_NUMBERS = frozenset({"row_number", "rank", "dense_rank"})
_SHARES = frozenset({"percent_rank", "cume_dist"})
_LATER = frozenset({"first_value", "last_value"})
_AGGREGATES = frozenset({"count", "sum", "total", "avg", "min", "max"})


class WindowWalk(walk.Walk):
    """A walk that may meet window functions; it is grouped where the SELECT is."""

    def grouped_column(self, found: Value) -> Value:
        """A column of a star in an aggregate query."""
        return self._grouped_column(found)

    def _window(self, call: tree.Call) -> Value:
        assert call.over is not None
        over = self._over(call.over)
        inner = walk.Walk(self.bound, self.frame, self.queries, grouping=self.grouping)
        if call.name in _NUMBERS and not call.arguments and call.filter_ is None:
            return values.integer(f"({call.name}() {over})", 1)
        if call.name in _SHARES and not call.arguments and call.filter_ is None:
            return Value(kind=Kind.REAL, sql=f"({call.name}() {over})", low=0, high=1)
        arguments = [inner.value(argument) for argument in call.arguments]
        if call.name in _AGGREGATES and len(arguments) <= 1 and not call.distinct:
            filter_ = "" if call.filter_ is None else inner.condition(call.filter_)
            if not arguments and call.name != "count":
                raise Untranslatable(f"{call.name}() without an argument")
            return self._aggregate_over(call.name, arguments, over, filter_)
        if call.filter_ is not None or call.distinct:
            raise Untranslatable(f"{call.name}() with FILTER or DISTINCT is no window function")
        if call.name in _LATER and len(arguments) == 1:
            return _like(arguments[0], f"({call.name}({results.inner(arguments[0])}) {over})")
        if call.name in {"lag", "lead"} and 1 <= len(arguments) <= 3:
            return self._shifted(call.name, arguments, over)
        if call.name in {"ntile", "nth_value"}:
            count = arguments[-1]
            if count.constant and isinstance(count.value, int) and 0 < count.value < 2**31:
                if call.name == "ntile" and len(arguments) == 1:
                    return values.integer(f"(ntile({count.value}) {over})::bigint", 1)
                if len(arguments) == 2:
                    return _like(arguments[0], f"(nth_value({results.inner(arguments[0])}, {count.value}) {over})")
        raise Untranslatable(f"the window function {call.name}() with {len(arguments)} arguments has no counterpart")

    def _aggregate_over(self, name: str, arguments: list[Value], over: str, filter_: str) -> Value:
        """An aggregate function over a window, of what is summed exactly."""
        tail = f"{f' FILTER (WHERE {filter_})' if filter_ else ''} {over}"
        if name == "count":
            inner = results.inner(arguments[0]) if arguments else "*"
            return values.integer(f"(count({inner}){tail})", 0)
        (operand,) = arguments
        if operand.kind is Kind.BOOLEAN:
            operand = conversion.as_bigint(operand)
        if name in {"min", "max"} and operand.kind in {Kind.INTEGER, Kind.REAL, Kind.TEXT, Kind.NUMBER}:
            results.distinct(operand)
            return _like(operand, f"({name}({results.inner(operand)}){tail})")
        if operand.kind is Kind.INTEGER:
            summed = f"(sum({results.inner(operand)}){tail})"
            if name == "sum":
                return values.integer(f"{summed}::bigint")
            if name == "total":
                return Value(kind=Kind.REAL, sql=f"coalesce({summed}::double precision, 0)")
            counted = f"(count({results.inner(operand)}){tail})"
            return Value(kind=Kind.REAL, sql=f"({summed}::double precision / nullif({counted}, 0)::double precision)")
        raise values.refusal(operand, f"is given to {name}() over a window")

    def _shifted(self, name: str, arguments: list[Value], over: str) -> Value:
        offset = 1
        if len(arguments) > 1:
            given = arguments[1]
            if not given.constant or not isinstance(given.value, int) or not 0 <= given.value < 2**31:
                raise Untranslatable(f"{name}() by a number of rows that is not known")
            offset = given.value
        if len(arguments) < 3 or arguments[2].kind is Kind.NULL:
            return _like(arguments[0], f"({name}({results.inner(arguments[0])}, {offset}) {over})")
        if arguments[2].kind is not arguments[0].kind:
            raise Untranslatable(f"{name}() with a default of another kind")
        one, other = functions.unify([arguments[0], arguments[2]])
        return _like(one, f"({name}({results.inner(one)}, {offset}, {results.inner(other)}) {over})")

    def _over(self, window: st.Window) -> str:
        window = self._resolved(window)
        inner = walk.Walk(self.bound, self.frame, self.queries, grouping=self.grouping)
        parts: list[str] = []
        partition = [results.group_term(inner.value(term)) for term in window.partition]
        if partition:
            parts.append(f"PARTITION BY {', '.join(partition)}")
        terms = [
            results.order_term(self._ordering(inner, one), descending=one.descending, nulls_first=one.nulls_first)
            for one in window.order
        ]
        kept = [term for term in terms if term is not None]
        if len(kept) < len(terms):
            raise Untranslatable("a window is ordered by a constant")
        if kept:
            parts.append(f"ORDER BY {', '.join(kept)}")
        if window.unit is not None:
            parts.append(self._frame(window, window.unit))
        return f"OVER ({' '.join(parts)})"

    def _ordering(self, inner: walk.Walk, order: st.Order) -> Value:
        return inner.value(order.expression)

    def _resolved(self, window: st.Window) -> st.Window:
        if window.base is None:
            return window
        known = {catalog.fold(name): found for name, found in (self.windows or {}).items()}
        base = known.get(catalog.fold(window.base))
        if base is None:
            raise Untranslatable(f"no such window: {window.base}")
        base = self._resolved(base)
        if window == st.Window(base=window.base):
            return base
        return dataclasses.replace(window, base=None, partition=base.partition, order=window.order or base.order)

    def _frame(self, window: st.Window, unit: str) -> str:
        start = self._end(window.start, unit)
        written = (
            f"{unit} {start}" if window.end is None else f"{unit} BETWEEN {start} AND {self._end(window.end, unit)}"
        )
        return written if window.exclude is None else f"{written} EXCLUDE {window.exclude}"

    def _end(self, end: st.Bound | None, unit: str) -> str:
        if end is None or end.kind == "current":
            return "CURRENT ROW"
        word = "PRECEDING" if end.preceding else "FOLLOWING"
        if end.kind == "unbounded":
            return f"UNBOUNDED {word}"
        assert end.offset is not None
        offset = self.value(end.offset)
        if unit == "RANGE" or not offset.constant or not isinstance(offset.value, int) or offset.value < 0:
            raise Untranslatable("a window's frame of a computed size, or of a distance between values")
        return f"{offset.value} {word}"


def _like(operand: Value, sql: str) -> Value:
    if operand.kind is Kind.OPAQUE or operand.kind is Kind.NULL:
        raise values.refusal(operand, "is given to a window function")
    return Value(
        kind=operand.kind,
        sql=sql,
        affinity=None,
        collated=operand.kind is Kind.TEXT,
        low=None if operand.kind is Kind.REAL else operand.low,
        high=None if operand.kind is Kind.REAL else operand.high,
        decimal=operand.decimal,
    )
