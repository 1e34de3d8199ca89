"""Operands as a column of the target stores them: what SQLite would store, or an error; never another value.

SQLite applies the column's affinity and stores whatever comes of it; a PostgreSQL column holds values of one type. A bound
value or a constant that does not fit is refused, a computed one fails when the statement runs.
"""

from __future__ import annotations

from outgrow.dialect import catalog, conversion, literals, natives, results, variants
from outgrow.dialect import value as values
from outgrow.dialect.statement import Bound
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value
from outgrow.model import schema

__all__ = ["store"]

A = schema.Affinity
_INTEGERS = frozenset({"bigint", "integer", "smallint"})
_DATES = frozenset({"date", "time", "timestamp", "timestamptz"})
_NATIVE = _DATES | {"uuid"}
_EXACT = frozenset({A.INTEGER, A.NUMERIC})
_NUMERIC = _EXACT | {A.REAL}
_MISFIT = "'the value does not fit the column: ' || "


def store(operand: Value, column: catalog.Column) -> str:
    """The operand in the column's type; raises `Untranslatable` for what the column cannot hold."""
    kind = str(column.codec.spec()["type"])
    if operand.kind is Kind.NULL:
        return "NULL"
    if kind in {"jsonb", "vector"}:
        raise Untranslatable(f"{column.name} is {column.sql_type}, which nothing is written to yet")
    if operand.constant:
        return _constant(operand, column, kind)
    if operand.parameter is not None:
        return _parameter(operand, operand.parameter, column, kind)
    found = _computed(operand, column, kind)
    if found is None:
        raise _misfit(operand.kind, column)
    return found


def _misfit(what: object, column: catalog.Column) -> Untranslatable:
    kind = str(column.codec.spec()["type"])
    remedy = '; [overrides] dates = "text" in the plan keeps every text as it is' if kind in _DATES else ""
    return Untranslatable(f"{column.name} is {column.sql_type} and cannot hold {what}{remedy}")


def _constant(operand: Value, column: catalog.Column, kind: str) -> str:
    stored = literals.stored(operand.value, column.affinity)
    if not _holds(stored, column, kind):
        raise _misfit(repr(operand.value), column)
    spec = column.codec.spec()
    if kind == "boolean" and isinstance(stored, str):
        return "true" if stored == spec["true"] else "false"
    if kind == "bytea" and isinstance(stored, str):
        return f"'\\x{stored.encode().hex()}'::bytea"
    if kind == "text" and spec.get("numbers") and isinstance(stored, float):
        # As Python writes it, which is how the columns' codec does.
        return values.string({"inf": "9e999", "-inf": "-9e999"}.get(repr(stored), repr(stored)))
    if kind in _NATIVE and isinstance(stored, str):
        return f"{values.string(stored)}::{column.sql_type}"
    if kind == "numeric" and isinstance(stored, float):
        return f"'{stored!r}'::numeric"
    return literals.typed(stored, column.sql_type)


def _holds(stored: Bound, column: catalog.Column, kind: str) -> bool:
    """Whether the column's type keeps what SQLite stores in the column."""
    spec = column.codec.spec()
    match stored:
        case int():
            if kind == "boolean":
                return "true" not in spec and stored in (0, 1)
            bits = {"smallint": 15, "integer": 31}.get(kind, 63)
            return (
                kind == "numeric" or (kind in _INTEGERS and -(2**bits) <= stored < 2**bits) or bool(spec.get("numbers"))
            )
        case float():
            return kind in {"double precision", "numeric"} or bool(spec.get("numbers"))
        case bytes():
            return kind == "bytea" and not spec.get("text")
        case str():
            if kind == "boolean":
                return "true" in spec and stored in (spec["true"], spec["false"])
            if kind in _NATIVE:
                return natives.fits(column.codec, stored)
            return kind in {"text", "json"} or (kind == "bytea" and bool(spec.get("text")))
    return True


def _parameter(operand: Value, parameter: values.Parameter, column: catalog.Column, kind: str) -> str:
    """A bound value, with a guard that every later one is stored in the same way."""
    affinity, bound, sql = column.affinity, parameter.value, operand.sql
    stored = literals.stored(bound, affinity) if not isinstance(bound, float) or affinity is not A.TEXT else bound
    same = type(stored)

    def alike(later: Bound) -> bool:
        found = literals.stored(later, affinity)
        return type(found) is same and _holds(found, column, kind)

    if isinstance(bound, float) and affinity is A.TEXT:
        raise _misfit("a real alike", column)
    if not alike(bound):
        raise _misfit(repr(bound), column)
    parameter.assume(alike)
    match bound, stored:
        case int() | float(), int() if kind == "boolean":
            return f"({sql} <> 0)"
        case float(), int() if kind in _INTEGERS:
            return f"{sql}::{column.sql_type}"
        case float(), int() | float() if kind == "numeric":
            return f"({sql})::text::numeric"
        case int(), int() if kind in _INTEGERS or kind == "numeric":
            return f"{sql}::{column.sql_type}"
        case int() | float(), float() if kind == "double precision":
            return f"({sql})::double precision"
        case int(), str() | int() if kind == "text":
            return f"({sql})::text"
        case str(), str():
            return _text(sql, column, kind)
        case bytes(), bytes():
            return sql
    raise _misfit(f"{bound!r} for every value like it", column)


def _text(sql: str, column: catalog.Column, kind: str) -> str:
    if kind == "boolean":
        return f"({sql} = {values.string(str(column.codec.spec()['true']))})"
    if kind == "bytea":
        return f"convert_to({sql}, 'UTF8')"
    return sql if kind == "text" else f"{sql}::{column.sql_type}"


def _computed(operand: Value, column: catalog.Column, kind: str) -> str | None:
    affinity, sql = column.affinity, operand.sql
    spec = column.codec.spec()
    match operand.kind:
        case Kind.BOOLEAN if kind == "boolean" and "true" not in spec:
            return sql
        case Kind.INTEGER | Kind.BOOLEAN:
            whole = conversion.as_bigint(operand).sql
            if kind in _INTEGERS:
                return f"({whole})::{column.sql_type}"
            if kind == "numeric":
                return f"({whole})::numeric"
            if kind == "double precision" and affinity is A.REAL:
                return conversion.as_double(operand).sql
            if kind == "text" and (affinity is A.TEXT or (spec.get("numbers") and affinity in _EXACT)):
                return f"({whole})::text"
            if kind == "boolean" and "true" not in spec:
                return _checked(f"{whole} IN (0, 1)", f"{whole} <> 0", whole, "boolean")
        case Kind.REAL:
            if kind == "double precision" and affinity not in _EXACT:
                return f"({sql})::double precision"
            if kind == "numeric" and affinity in _EXACT:
                return f"({sql})::double precision::text::numeric"
            if kind in _INTEGERS and affinity in _EXACT:
                fits = f"({sql}) = trunc({sql}) AND abs({sql}) < 9223372036854775808"
                return _checked(fits, f"({sql})::{column.sql_type}", sql, column.sql_type)
        case Kind.NUMBER if operand.decimal:
            if kind == "numeric" and affinity in _EXACT:
                # Such a column has no integral real: it makes an integer of it.
                return f"trim_scale(({sql})::numeric)"
            if kind == "double precision" and affinity is A.REAL:
                return f"({sql})::double precision"
            if kind in _INTEGERS and affinity in _EXACT:
                return _checked(f"({sql}) = trunc({sql})", f"({sql})::{column.sql_type}", sql, column.sql_type)
        case Kind.BLOB if kind == "bytea" and not spec.get("text"):
            return sql
        case Kind.TEXT:
            return _computed_text(operand, column, kind)
        case Kind.ANY:
            return _any(operand, column, kind)
    return None


def _any(operand: Value, column: catalog.Column, kind: str) -> str | None:
    """A value that is of any type, where its type is one that the column keeps as it is."""
    if operand.column and operand.sql == variants.kept(operand.column) and kind == "text":
        return operand.column
    type_ = f"outgrow.any_type({operand.sql})"
    text = f"outgrow.json_as_text({operand.sql})"
    if kind == "text" and column.codec.spec().get("numbers"):
        if column.affinity not in _EXACT:
            return None
        # Between these two PostgreSQL writes a real as Python does, which is how the column's codec does.
        plain = f"{type_} = 'real' AND abs(outgrow.json_as_number({operand.sql})) BETWEEN 1e-4 AND 1e15"
        real = f"outgrow.json_as_number({operand.sql})::double precision::text"
        fits = f"{type_} = 'integer' OR ({type_} = 'text' AND NOT outgrow.looks_numeric({text}))"
        found = f"CASE WHEN {type_} = 'real' THEN {real} ELSE {text} END"
        return _checked(f"({fits} OR ({plain}))", found, operand.sql, "text")
    if kind == "text" and column.affinity not in _NUMERIC:
        allowed = "('text', 'integer')" if column.affinity is A.TEXT else "('text')"
        return _checked(f"{type_} IN {allowed}", text, operand.sql, "text")
    if kind in _INTEGERS and column.affinity in _EXACT:
        return _checked(f"{type_} = 'integer'", f"({text})::{column.sql_type}", operand.sql, column.sql_type)
    if kind == "numeric" and column.affinity in _EXACT:
        number = f"outgrow.json_as_number({operand.sql})"
        return _checked(f"{type_} IN ('integer', 'real')", f"trim_scale({number})", operand.sql, "numeric")
    if kind == "double precision" and column.affinity is A.REAL:
        number = f"outgrow.json_as_number({operand.sql})::double precision"
        return _checked(f"{type_} IN ('integer', 'real')", number, operand.sql, column.sql_type)
    if kind == "json" or kind in _NATIVE:
        return _checked(f"{type_} = 'text'", _of_text(text, column, kind), operand.sql, column.sql_type)
    return None


def _of_text(text: str, column: catalog.Column, kind: str) -> str:
    found = _computed_text(values.text(text), column, kind)
    assert found is not None
    return found


def _computed_text(operand: Value, column: catalog.Column, kind: str) -> str | None:
    sql = operand.sql
    if operand.native is not None and operand.native.codec == column.codec:
        return operand.native.sql
    told = operand.native is not None or operand.moment is not None  # such a text never looks like a number
    if kind == "text" and (column.affinity not in _NUMERIC or told):
        return results.inner(operand)
    if kind == "text":
        return _checked(f"NOT outgrow.looks_numeric({sql})", results.inner(operand), sql, "text")
    if kind in _NATIVE:
        typed = f"({sql})::{column.sql_type}"
        return _checked(f"{column.codec.restore(typed)} = {results.inner(operand)}", typed, sql, column.sql_type)
    if kind == "json":
        if operand.json == "json" and operand.column:
            return operand.column
        return _checked(f"left(ltrim({sql}), 1) IN ('{{', '[', '\"', 'n', 't', 'f')", f"({sql})::json", sql, "json")
    return None


def _checked(condition: str, sql: str, shown: str, sql_type: str) -> str:
    """`sql` where the condition holds, NULL for NULL, else an error that shows the value."""
    error = f"({_MISFIT}({shown})::text)::{sql_type}"
    if sql_type == "text":  # which holds the message as well
        error = f"outgrow.decline({_MISFIT}({shown})::text)"
    return f"(CASE WHEN ({shown}) IS NULL THEN NULL WHEN {condition} THEN {sql} ELSE {error} END)"
