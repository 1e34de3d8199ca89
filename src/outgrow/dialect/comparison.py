"""Comparisons, after SQLite's rules of affinity and collation (datatype3.html, 4.2 and 7.1)."""

from __future__ import annotations

import dataclasses
import datetime
import math
import re
from collections.abc import Sequence

from outgrow.dialect import conversion, natives, variants
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value
from outgrow.model import schema

__all__ = ["classes", "columns", "compare", "member", "pair"]

_NUMERIC = frozenset({schema.Affinity.INTEGER, schema.Affinity.NUMERIC, schema.Affinity.REAL})
_EXACT = frozenset({schema.Affinity.INTEGER, schema.Affinity.NUMERIC})
_NUMBERS = frozenset({Kind.INTEGER, Kind.REAL, Kind.NUMBER, Kind.BOOLEAN})
_TEXTS = frozenset({Kind.TEXT, Kind.DATE})
_SQL = {"IS": "IS NOT DISTINCT FROM", "IS NOT": "IS DISTINCT FROM"}
_ORDER = frozenset({"<", "<=", ">", ">="})
_RANKS = {**dict.fromkeys(_NUMBERS, 0), Kind.TEXT: 1, Kind.DATE: 1, Kind.BLOB: 2}
_CALENDAR = frozenset({"timestamp", "date", "time"})


def compare(operator: str, left: Value, right: Value, *, helpers: bool = False) -> Value:
    """`left operator right` as a condition; raises `Untranslatable` where it may differ.

    With `helpers`, it may call functions of the schema `outgrow`, which compare all but blobs with all but blobs.
    """
    if left.kind is Kind.NULL or right.kind is Kind.NULL:
        return _with_null(operator, left, right)
    if Kind.ANY in {left.kind, right.kind}:
        return variants.compare(operator, left, right)
    if left.inner is not None and right.constant and operator not in _ORDER:
        found = _type_test(left.inner, (right.value,))
        return found if operator in {"=", "IS"} else values.boolean(_negated(found.sql))
    bare = natives.pair(operator, left, right)
    if bare is not None:
        return values.boolean(f"({bare[0]} {_SQL.get(operator, operator)} {bare[1]})")
    try:
        one, other = pair(left, right, equality=operator not in _ORDER, helpers=helpers)
    except Untranslatable:
        if not helpers or not _mixed(left, right):
            raise
        return variants.compare(operator, _without_collation(left), _without_collation(right))
    if operator in _ORDER and one.kind is Kind.TEXT and not (one.collated or other.collated):
        raise Untranslatable("texts are put in order that no column's collation decides")
    return values.boolean(f"({one.sql} {_SQL.get(operator, operator)} {other.sql})")


def member(left: Value, items: Sequence[Value], *, helpers: bool = False) -> Value:
    """`left IN (items)`: a comparison with each item, whose own affinity and collation do not count."""
    if not items:
        return values.boolean("false")
    if left.kind is Kind.NULL:
        return values.boolean("NULL::boolean")
    if left.inner is not None and all(item.constant for item in items):
        known = [item.value for item in items if item.kind is not Kind.NULL]
        if len(known) == len(items):
            return _type_test(left.inner, tuple(known))
    if any(one.kind is Kind.ANY or (helpers and _mixed(left, one)) for one in (left, *items)):
        tests = [compare("=", left, item.bare(), helpers=helpers).sql for item in items]
        return values.boolean(f"({' OR '.join(tests)})")
    pairs = [
        pair(left, item.bare(), equality=True, helpers=helpers) if item.kind is not Kind.NULL else (None, item)
        for item in items
    ]
    heads = {one.sql for one, _ in pairs if one is not None}
    if not heads:
        return values.boolean("NULL::boolean")
    if len(heads) == 1:
        return values.boolean(f"({heads.pop()} IN ({', '.join(other.sql for _, other in pairs)}))")
    each = [f"{one.sql} = {other.sql}" if one is not None else "NULL::boolean" for one, other in pairs]
    return values.boolean(f"({' OR '.join(each)})")


def classes(operator: str, left: Value, right: Value) -> Value | None:
    """A comparison of two storage classes, in which numbers come before texts and texts before blobs; None for others."""
    if any(
        operand.kind in {Kind.NULL, Kind.OPAQUE, Kind.ANY} or operand.inner is not None for operand in (left, right)
    ):
        return None
    if left.kind is right.kind is Kind.TEXT and operator not in _ORDER:
        return None
    try:
        one, other = (_RANKS[operand.kind] for operand in (_with_affinity(left, right), _with_affinity(right, left)))
    except Untranslatable:  # each row tells what a text is
        return None
    if one == other:
        return None
    null = f"({left.sql} IS NULL AND {right.sql} IS NULL)"
    if operator in _SQL:
        return values.boolean(null if operator == "IS" else f"(NOT {null})")
    truth = {"=": False, "<>": True, "<": one < other, "<=": one < other, ">": one > other, ">=": one > other}[operator]
    return values.boolean(
        f"(CASE WHEN {left.sql} IS NOT NULL AND {right.sql} IS NOT NULL THEN {str(truth).lower()} END)"
    )


def _with_null(operator: str, left: Value, right: Value) -> Value:
    if operator not in _SQL:
        return values.boolean("NULL::boolean")
    operand = left if right.kind is Kind.NULL else right
    if operand.constant:
        same = operand.kind is Kind.NULL
        return values.boolean("true" if same == (operator == "IS") else "false")
    return values.boolean(f"({operand.sql} IS {'NOT ' if operator == 'IS NOT' else ''}NULL)")


def _negated(sql: str) -> str:
    return {"true": "false", "false": "true"}.get(sql, f"(NOT {sql})")


def _type_test(operand: Value, wanted: tuple[object, ...]) -> Value:
    """Whether `typeof(operand)` is one of the wanted names: known from the kind, but for NULL."""
    classes = {
        Kind.INTEGER: {"integer"},
        Kind.BOOLEAN: {"integer"},
        Kind.REAL: {"real"},
        Kind.NUMBER: {"integer", "real"},
        Kind.TEXT: {"text"},
        Kind.DATE: {"text"},
        Kind.BLOB: {"blob"},
    }[operand.kind]
    hits = classes & set(wanted)
    if hits and hits != classes:
        raise Untranslatable("typeof() tells integers from reals, which become one type")
    null = "null" in wanted
    if bool(hits) == null:
        return values.boolean("true" if null else "false")
    return values.boolean(f"({operand.sql} IS {'NULL' if null else 'NOT NULL'})")


def columns(left: Value, right: Value) -> tuple[str, str]:
    """SQL lists that are equal in PostgreSQL where the operands are equal in SQLite, for statements."""
    try:
        one, other = pair(left, right, equality=True, helpers=True)
    except Untranslatable:
        if not _mixed(left, right):
            raise
        one, other = pair(variants.of(_without_collation(left)), _without_collation(right))
    return one.sql, other.sql


def _mixed(left: Value, right: Value) -> bool:
    """Whether a number is compared with a text."""
    return (left.kind in _NUMBERS and right.kind in _TEXTS) or (left.kind in _TEXTS and right.kind in _NUMBERS)


def _without_collation(operand: Value) -> Value:
    """An operand that is compared with numbers: a text that is none is larger, under every collation."""
    return dataclasses.replace(operand, collation=None, explicit=False)


def pair(left: Value, right: Value, *, equality: bool = False, helpers: bool = False) -> tuple[Value, Value]:
    """Both operands made comparable in PostgreSQL as SQLite compares them, for `equality` perhaps not in their order."""
    if Kind.ANY in {left.kind, right.kind}:
        one, other = variants.pair(left, right)
        return _replaced(one, ", ".join(variants.parts(one))), _replaced(other, ", ".join(variants.parts(other)))
    if equality and left.kind is right.kind is Kind.TEXT and {left.affinity, right.affinity} & _EXACT:
        # The text of a column with such an affinity never looks like a number, and so is not equal to one that does.
        return _texts(left, right)
    left, right = _with_affinity(left, right), _with_affinity(right, left)
    for operand in (left, right):
        if operand.kind is Kind.OPAQUE:
            raise values.refusal(operand, "")
    if left.kind in _NUMBERS and right.kind in _NUMBERS:
        return _numbers(left, right, helpers=helpers)
    if Kind.DATE in {left.kind, right.kind}:
        return _date(left), _date(right)
    if left.kind is right.kind is Kind.BLOB:
        return left, right
    if left.kind is right.kind is Kind.TEXT:
        return _texts(left, right)
    raise Untranslatable(f"it compares {left.kind} with {right.kind}: {left.sql}, {right.sql}")


def _with_affinity(operand: Value, other: Value) -> Value:
    """`operand` after the affinity that SQLite applies to it because of `other`."""
    if other.affinity in _NUMERIC and operand.affinity not in _NUMERIC and operand.kind is Kind.TEXT:
        if operand.parameter is not None and isinstance(operand.parameter.value, str):
            return _bound(operand, operand.parameter, operand.parameter.value, other)
        if operand.native is not None or (operand.moment is not None and operand.moment.form in _CALENDAR):
            return operand  # such a text never looks like a number
        if not operand.constant or not isinstance(operand.value, str):
            raise Untranslatable(f"SQLite turns the text {operand.sql} into a number where it looks like one")
        if not conversion.looks_numeric(operand.value):
            return operand
        return values.literal(conversion.numeric(operand.value))
    if other.affinity is schema.Affinity.TEXT and operand.affinity is None and operand.kind in _NUMBERS:
        return conversion.as_text(operand)
    return operand


def _bound(operand: Value, parameter: values.Parameter, text: str, other: Value) -> Value:
    """A bound text beside a numeric affinity: itself where it does not look like a number."""
    if not conversion.looks_numeric(text):
        parameter.assume(lambda bound: isinstance(bound, str) and not conversion.looks_numeric(bound))
        return operand
    return values.literal(conversion.numeric(str(parameter.pinned().value)))


def _numbers(left: Value, right: Value, *, helpers: bool) -> tuple[Value, Value]:
    if Kind.BOOLEAN in {left.kind, right.kind}:
        true_or_false = conversion.as_boolean(left), conversion.as_boolean(right)
        if true_or_false[0] is not None and true_or_false[1] is not None:
            return _replaced(left, true_or_false[0]), _replaced(right, true_or_false[1])
        left, right = _plain(left), _plain(right)
    if left.kind is not right.kind:
        left, right = _small(left), _small(right)
    if left.kind is right.kind and left.kind is not Kind.NUMBER:
        return left, right
    if any(
        one.within(values.EXACT) and (one.kind is Kind.INTEGER or one.constant or one.parameter is not None)
        for one in (left, right)
    ):
        # Integers up to 2^53 are the same number as double, as shortest decimal and as bigint.
        return left, right
    for one, other in ((left, right), (right, left)):
        if (
            one.kind is Kind.INTEGER
            and other.constant
            and isinstance(other.value, float)
            and math.isfinite(other.value)
        ):
            # A real this large is an integer, which PostgreSQL compares digit by digit.
            whole = dataclasses.replace(other, sql=f"({int(other.value)})")
            return (one, whole) if one is left else (whole, one)
    both = {left.kind, right.kind}
    if both <= {Kind.NUMBER, Kind.INTEGER} and all(
        operand.kind is Kind.INTEGER or operand.affinity in _EXACT for operand in (left, right)
    ):
        # Under NUMERIC affinity a real that is a whole number below 2^63 is stored as an integer: nothing is rounded.
        return left, right
    if helpers and all(operand.kind is not Kind.NUMBER or operand.decimal for operand in (left, right)):
        return _replaced(left, _digits(left)), _replaced(right, _digits(right))
    raise Untranslatable(
        f"large integers and reals compare exactly in SQLite, rounded in PostgreSQL: {left.sql}, {right.sql}"
    )


def _digits(operand: Value) -> str:
    """A number as the numeric of the same size, to the last digit."""
    if operand.kind is Kind.INTEGER:
        return f"({operand.sql})::numeric"
    if operand.kind is Kind.REAL:
        return f"outgrow.to_digits({conversion.as_double(operand).sql})"
    return operand.sql if operand.affinity in _EXACT else f"outgrow.to_digits({operand.sql})"


def _small(operand: Value) -> Value:
    """A bound number with the assumption that it is no larger than integers that are doubles."""
    bound = None if operand.parameter is None else operand.parameter.value
    if operand.parameter is None or not isinstance(bound, int | float) or not abs(bound) <= values.EXACT:
        return operand
    operand.parameter.assume(lambda later: isinstance(later, int | float) and abs(later) <= values.EXACT)
    return dataclasses.replace(operand, low=-values.EXACT, high=values.EXACT)


def _plain(operand: Value) -> Value:
    if operand.kind is not Kind.BOOLEAN:
        return operand
    return dataclasses.replace(operand, kind=Kind.INTEGER, sql=f"{operand.sql}::integer")


def _date(operand: Value) -> Value:
    if operand.kind is Kind.DATE:
        return operand
    if operand.constant and isinstance(operand.value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", operand.value):
        try:
            datetime.date.fromisoformat(operand.value)
        except ValueError:
            pass
        else:
            return dataclasses.replace(operand, sql=f"{operand.sql}::date")
    raise Untranslatable(f"a date is compared with {operand.sql}, which is none")


def _texts(left: Value, right: Value) -> tuple[Value, Value]:
    explicit = next((operand.collation for operand in (left, right) if operand.explicit), None)
    implicit = next((operand.collation for operand in (left, right) if operand.collation), "BINARY")
    match explicit or implicit:
        case "BINARY":
            return left, right
        case "NOCASE":
            return _folded(left), _folded(right)
        case "RTRIM":
            return _replaced(left, _trimmed(left)), _replaced(right, _trimmed(right))
        case other:
            raise Untranslatable(f"the collation {other} is the application's own")


def _replaced(operand: Value, sql: str) -> Value:
    return dataclasses.replace(operand, sql=sql)


def _folded(operand: Value) -> Value:
    return dataclasses.replace(operand, sql=conversion.folded(operand), collated=not operand.constant)


def _trimmed(operand: Value) -> str:
    if operand.constant and isinstance(operand.value, str):
        return values.string(operand.value.rstrip(" "))
    return f"rtrim({operand.sql}, ' ')"
