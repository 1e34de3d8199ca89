"""The walk over a SQLite expression that makes PostgreSQL SQL of it, or raises `Untranslatable`."""

from __future__ import annotations

import dataclasses
from typing import TypeGuard

from outgrow.dialect import (
    affinity,
    arithmetic,
    casting,
    comparison,
    conversion,
    functions,
    mixed_arithmetic,
    patterns,
    scope,
)
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value
from outgrow.model import schema

__all__ = ["Translator"]

_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT"})
_CONSTANTS = {"true": 1, "false": 0}


class Translator:
    """One expression's translation; `caveats` fills as it goes. With `helpers` it may call functions of schema `outgrow`."""

    helpers = False

    def __init__(self, columns: scope.Scope) -> None:
        self.columns = columns
        self.caveats: list[str] = []

    def value(self, expression: tree.Expression) -> Value:
        """The expression as an operand."""
        match expression:
            case tree.Literal(value=constant):
                return values.literal(constant)
            case tree.Name():
                return self.name(expression)
            case tree.Collate(operand=operand, collation=collation):
                return dataclasses.replace(self.value(operand), collation=collation.upper(), explicit=True)
            case tree.Unary(operator="NOT"):
                return values.boolean(self._condition(expression, lenient=False))
            case tree.Unary(operator=operator, operand=operand):
                return self._unary(operator, self.value(operand))
            case tree.Binary():
                return self._binary(expression)
            case tree.Between(operand=operand, low=low, high=high):
                subject = self.value(operand)
                tests = (
                    comparison.compare(">=", subject, self.value(low), helpers=self.helpers),
                    comparison.compare("<=", subject, self.value(high), helpers=self.helpers),
                )
                return values.boolean(f"({tests[0].sql} AND {tests[1].sql})")
            case tree.In(operand=operand, items=items):
                return comparison.member(
                    self.value(operand), [self.value(item) for item in items], helpers=self.helpers
                )
            case tree.Like(operator=operator, operand=operand, pattern=pattern, escape=escape):
                subject, wanted = self._plain(operand), self._plain(pattern)
                if operator == "GLOB":
                    return patterns.glob(subject, wanted, helpers=self.helpers)
                return patterns.like(
                    subject, wanted, None if escape is None else self._plain(escape), helpers=self.helpers
                )
            case tree.Case():
                return self._case(expression)
            case tree.Cast(operand=operand, declared=declared):
                return self._cast(self._plain(operand), declared)
            case tree.Call(name=name, arguments=arguments):
                return self.call(name, [self._plain(argument) for argument in arguments])
            case _:
                raise Untranslatable("it holds a query or a bound value")

    def condition(self, expression: tree.Expression, *, lenient: bool = False) -> str:
        """The expression as a condition; `lenient` where NULL counts as true, as in a CHECK."""
        return self._condition(expression, lenient=lenient)

    def call(self, name: str, arguments: list[Value]) -> Value:
        """A function on translated arguments."""
        return functions.call(name, arguments, self.caveats, helpers=self.helpers)

    def name(self, expression: tree.Name) -> Value:
        """A column; or TRUE, FALSE or a string, where there is no such column."""
        source = self.columns.source(expression.name)
        if source is not None:
            return self.columns.column(source)
        if expression.bare and expression.name.lower() in _CONSTANTS:
            return values.literal(_CONSTANTS[expression.name.lower()])
        if expression.text_if_unknown:
            return values.literal(expression.name)
        raise Untranslatable(f"{expression.name} is no column of the table")

    def _plain(self, expression: tree.Expression) -> Value:
        """An operand whose collation does not count; an explicit one would reach outwards, and is refused."""
        operand = self.value(expression)
        if operand.explicit:
            raise Untranslatable("COLLATE stands inside an expression")
        return operand

    def _condition(self, expression: tree.Expression, *, lenient: bool) -> str:
        match expression:
            case tree.Binary(operator="AND" | "OR" as operator, left=left, right=right):
                parts = [self._condition(part, lenient=lenient) for part in (left, right)]
                return _joined(operator, parts[0], parts[1])
            case tree.Unary(operator="NOT", operand=operand):
                inner = self._condition(operand, lenient=False)
                return {"true": "false", "false": "true"}.get(inner, f"(NOT {inner})")
            case tree.Call(name="json_valid", arguments=(tree.Name() as argument,)) if lenient:
                # NULL and true pass a CHECK alike, through AND and OR too.
                if self.name(argument).json:
                    return "true"
        return conversion.as_condition(self._plain(expression))

    def _unary(self, operator: str, operand: Value) -> Value:
        if operator == "+":
            return dataclasses.replace(operand, affinity=None)
        if operand.explicit:
            raise Untranslatable("COLLATE stands inside an expression")
        if operator == "-" and operand.kind is Kind.ANY and self.helpers:
            return mixed_arithmetic.binary("-", values.literal(0), operand, self.caveats)
        if operator == "-":
            return arithmetic.negate(operand, self.caveats)
        inner = conversion.as_bigint(operand) if operand.kind is not Kind.NULL else operand
        if inner.constant:
            return values.literal(~inner.value if isinstance(inner.value, int) else None)
        return values.integer(f"(~ {inner.sql})")

    def _binary(self, expression: tree.Binary) -> Value:
        operator, left, right = expression.operator, expression.left, expression.right
        if operator in {"AND", "OR"}:
            return values.boolean(self._condition(expression, lenient=False))
        if operator in {"IS", "IS NOT"} and self._is_truth(right):
            test = f"({conversion.as_condition(self._plain(left))} {operator} {str(right.name).upper()})"
            return values.boolean(test)
        if operator in _COMPARISONS:
            return self._compare(operator, left, right)
        one, other = self._plain(left), self._plain(right)
        if self.helpers:
            return mixed_arithmetic.binary(operator, one, other, self.caveats)
        if operator == "||":
            return arithmetic.concatenate(one, other)
        return arithmetic.binary(operator, one, other, self.caveats)

    def _is_truth(self, expression: tree.Expression) -> TypeGuard[tree.Name]:
        return (
            isinstance(expression, tree.Name)
            and expression.bare
            and expression.name.lower() in _CONSTANTS
            and self.columns.source(expression.name) is None
        )

    def _compare(self, operator: str, left: tree.Expression, right: tree.Expression) -> Value:
        for call, constant in ((left, right), (right, left)):
            match call, constant:
                case tree.Call(name="json_type", arguments=(tree.Name() as name,)), tree.Literal(value=str() as kind):
                    return self._json_type(operator, self.name(name), kind)
        one, other = self.value(left), self.value(right)
        if one.inner is None and other.inner is not None and operator in {"=", "<>", "IS", "IS NOT"}:
            one, other = other, one
        return comparison.compare(operator, one, other, helpers=self.helpers)

    def _json_type(self, operator: str, operand: Value, kind: str) -> Value:
        """json_type(column) against a name that both databases give alike to the same values."""
        named = {"object": "object", "array": "array", "text": "string", "null": "null"}.get(kind)
        if not operand.json or named is None or operator not in {"=", "<>"}:
            raise Untranslatable("json_type() names numbers and booleans differently")
        return values.boolean(f"({operand.json}_typeof({operand.column}) {operator} '{named}')")

    def _case(self, expression: tree.Case) -> Value:
        tests: list[str] = []
        head = None if expression.operand is None else self.value(expression.operand)
        for when, _ in expression.whens:
            if head is None:
                tests.append(self._condition(when, lenient=False))
            else:
                tests.append(comparison.compare("=", head, self.value(when), helpers=self.helpers).sql)
        results = [self._plain(then) for _, then in expression.whens]
        results.append(values.NULL if expression.otherwise is None else self._plain(expression.otherwise))
        branches = functions.unify(results, helpers=self.helpers)
        pairs = " ".join(f"WHEN {test} THEN {branch.sql}" for test, branch in zip(tests, branches, strict=False))
        return values.chosen(functions.merged(f"(CASE {pairs} ELSE {branches[-1].sql} END)", branches), results)

    def _cast(self, operand: Value, declared: str) -> Value:
        """CAST, where it changes no value or both databases change it alike."""
        wanted = affinity.affinity(declared)
        found: Value | None = None
        inner = operand.number or operand
        match wanted, inner.kind:
            case _, Kind.NULL:
                return values.NULL
            case schema.Affinity.INTEGER, Kind.INTEGER | Kind.BOOLEAN:
                found = conversion.as_bigint(inner)
            case schema.Affinity.INTEGER, Kind.REAL if inner.within(values.LARGEST):
                if inner.constant and isinstance(inner.value, float):
                    found = values.literal(int(inner.value))
                else:
                    found = values.integer(f"trunc({inner.sql})::bigint", inner.low or 0, inner.high or 0)
            case schema.Affinity.NUMERIC, Kind.INTEGER | Kind.BOOLEAN | Kind.REAL | Kind.NUMBER:
                found = inner
            case schema.Affinity.REAL, Kind.INTEGER | Kind.BOOLEAN | Kind.REAL:
                found = conversion.as_double(inner)
            case schema.Affinity.TEXT, Kind.INTEGER | Kind.BOOLEAN | Kind.TEXT:
                found = conversion.as_text(operand)
            case schema.Affinity.BLOB, Kind.BLOB:
                found = inner
        if found is None and self.helpers:
            return casting.cast(operand, wanted)
        if found is None:
            raise values.refusal(operand, f"is cast to {declared}")
        return dataclasses.replace(found, affinity=wanted, collation=operand.collation)


def _joined(operator: str, left: str, right: str) -> str:
    """AND and OR, without a constant side that decides nothing."""
    neutral, deciding = ("true", "false") if operator == "AND" else ("false", "true")
    if deciding in {left, right}:
        return deciding
    if neutral in {left, right}:
        return right if left == neutral else left
    return f"({left} {operator} {right})"
