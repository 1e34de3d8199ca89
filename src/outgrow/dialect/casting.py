"""CAST in all directions, and what SQLite's functions make of their arguments: by functions of outgrow's own in the target."""

from __future__ import annotations

import dataclasses

from outgrow.dialect import conversion
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value
from outgrow.model import schema

__all__ = ["blob", "cast", "integer", "mixed", "number", "opened", "real", "text"]


def cast(operand: Value, wanted: schema.Affinity) -> Value:
    """`CAST(operand AS …)` of a type with that affinity."""
    if operand.kind is Kind.NULL:
        return values.NULL
    match wanted:
        case schema.Affinity.INTEGER:
            found = integer(operand)
        case schema.Affinity.REAL:
            found = real(operand)
        case schema.Affinity.NUMERIC:
            found = _numeric(operand)
        case schema.Affinity.TEXT:
            found = text(operand)
        case schema.Affinity.BLOB:
            found = blob(operand)
    return dataclasses.replace(found, affinity=wanted, collation=operand.collation, column="", native=None)


def text(operand: Value) -> Value:
    """The operand as text."""
    if operand.number is not None and operand.kind is not Kind.TEXT:
        operand = operand.number
    if operand.extracted:
        found = values.text(f"outgrow.json_as_text({operand.extracted})")
        return dataclasses.replace(found, made_json=False if operand.made_json is False else None)
    match operand.kind:
        case Kind.REAL:
            return values.text(f"outgrow.real_text({conversion.as_double(operand).sql})")
        case Kind.NUMBER if operand.decimal:
            return values.text(f"outgrow.number_text({operand.sql})")
        case Kind.BLOB:
            # Bytes that are no text are an error: SQLite would pass them on as they are.
            return values.text(f"convert_from({operand.sql}, 'UTF8')")
        case _:
            return conversion.as_text(operand)


def integer(operand: Value) -> Value:
    """The operand as an integer: the number that a text begins with, a real towards zero, within 64 bits."""
    operand = opened(operand)
    match operand.kind:
        case Kind.NULL:
            return operand
        case Kind.INTEGER | Kind.BOOLEAN:
            return conversion.as_bigint(operand)
        case Kind.REAL:
            return values.integer(f"outgrow.to_integer({conversion.as_double(operand).sql})")
        case Kind.NUMBER if operand.decimal:
            return values.integer(f"outgrow.to_integer({operand.sql}::numeric)")
        case Kind.TEXT | Kind.BLOB:
            return values.integer(f"outgrow.to_integer({text(operand).sql}::text)")
        case _:
            raise values.refusal(operand, "is cast to an integer")


def real(operand: Value) -> Value:
    """The operand as a real: the number that a text begins with."""
    operand = opened(operand)
    match operand.kind:
        case Kind.NULL:
            return operand
        case Kind.INTEGER | Kind.BOOLEAN | Kind.REAL:
            return conversion.as_double(operand)
        case Kind.NUMBER if operand.decimal:
            return Value(kind=Kind.REAL, sql=f"({operand.sql})::double precision")
        case Kind.TEXT | Kind.BLOB:
            return Value(kind=Kind.REAL, sql=f"outgrow.to_real({text(operand).sql}::text)")
        case _:
            raise values.refusal(operand, "is cast to a real")


def number(operand: Value) -> Value:
    """The operand as a mathematical function takes it: a real, NULL where a text is no number as a whole."""
    if operand.kind is Kind.TEXT:
        inner = f"{operand.sql}::text"
        return Value(
            kind=Kind.REAL, sql=f"(CASE WHEN outgrow.looks_numeric({inner}) THEN outgrow.to_real({inner}) END)"
        )
    if operand.kind is Kind.BLOB:
        return values.NULL
    return real(operand)


def mixed(operand: Value) -> Value:
    """A number as a numeric in which a real has digits after its point, if only a zero, and an integer has none."""
    match operand.kind:
        case Kind.NULL:
            return operand
        case Kind.INTEGER | Kind.BOOLEAN:
            inner = conversion.as_bigint(operand)
            return dataclasses.replace(
                inner, kind=Kind.NUMBER, sql=f"({inner.sql})::numeric", decimal=True, constant=False
            )
        case Kind.REAL:
            inner = conversion.as_double(operand)
            return Value(
                kind=Kind.NUMBER, sql=f"outgrow.real_number({inner.sql})", low=inner.low, high=inner.high, decimal=True
            )
        case Kind.NUMBER if operand.decimal:
            return operand
        case _:
            raise values.refusal(operand, "is no number of integers and reals")


def blob(operand: Value) -> Value:
    """The operand as bytes: those of its text."""
    if operand.kind in {Kind.BLOB, Kind.NULL}:
        return operand
    return Value(kind=Kind.BLOB, sql=f"convert_to({text(operand).sql}, 'UTF8')")


def opened(operand: Value) -> Value:
    """A value of any type as the number that it is, or that its text begins with."""
    if not operand.extracted:
        return operand
    return Value(kind=Kind.NUMBER, sql=f"outgrow.json_as_number({operand.extracted})", decimal=True)


def _numeric(operand: Value) -> Value:
    operand = opened(operand)
    match operand.kind:
        case Kind.INTEGER | Kind.BOOLEAN:
            return conversion.as_bigint(operand)
        case Kind.REAL | Kind.NUMBER:
            return operand
        case Kind.TEXT | Kind.BLOB:
            return Value(kind=Kind.NUMBER, sql=f"outgrow.to_number({text(operand).sql}::text)", decimal=True)
        case _:
            raise Untranslatable(f"{operand.kind} is cast to a number: {operand.sql}")
