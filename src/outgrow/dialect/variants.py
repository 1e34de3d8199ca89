"""Values that are of one type in one row and of another in the next: at PostgreSQL a json, which tells the type.

Numbers and texts of a column with NUMERIC affinity, what is extracted from JSON, and what a CASE or coalesce() chooses among.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence

from outgrow.dialect import statement
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value
from outgrow.model import schema

__all__ = ["compare", "decoded", "equal", "extreme", "kept", "merged", "of", "of_group", "pair", "parts", "typeof"]

_SQL = {"IS": "IS NOT DISTINCT FROM", "IS NOT": "IS DISTINCT FROM"}
_NUMERIC = frozenset({schema.Affinity.INTEGER, schema.Affinity.NUMERIC, schema.Affinity.REAL})
_NUMBERS = frozenset({Kind.INTEGER, Kind.REAL, Kind.NUMBER, Kind.BOOLEAN})
_BLANKS = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\n\r]+')


def of(operand: Value) -> Value:
    """The operand as a value of any type; raises `Untranslatable` for a blob, which JSON has no form of."""
    match operand.kind:
        case Kind.ANY:
            return operand
        case Kind.NULL:
            sql = "NULL::json"
        case Kind.INTEGER:
            sql = f"to_json(({operand.sql})::bigint)"
        case Kind.BOOLEAN:
            sql = f"to_json(({operand.sql})::integer)"
        case Kind.REAL:
            sql = f"outgrow.any_number(({operand.sql})::double precision)"
        case Kind.NUMBER if operand.decimal:
            sql = f"outgrow.any_number(({operand.sql})::numeric)"
        case Kind.TEXT | Kind.DATE:
            sql = f"to_json(({operand.sql})::text)"
        case _:
            raise values.refusal(operand, "is one of values of different types")
    return Value(kind=Kind.ANY, sql=sql, affinity=operand.affinity, collation=operand.collation)


def kept(sql: str) -> str:
    """The json for a text of a column that keeps numbers and texts alike."""
    return f"outgrow.any_kept({sql})"


def merged(branches: Sequence[Value]) -> list[Value]:
    """Results of a CASE or coalesce() of different types."""
    return [branch if branch.kind is Kind.NULL else of(branch).bare() for branch in branches]


def parts(operand: Value) -> tuple[str, str, str]:
    """Three SQL expressions that PostgreSQL compares, one after the other, as SQLite compares values: numbers before texts."""
    sql = of(operand).sql
    if (operand.collation or "BINARY") != "BINARY":
        raise Untranslatable("values of different types are compared under a collation")
    return f"outgrow.any_rank({sql})", f"outgrow.any_size({sql})", f'outgrow.any_letters({sql}) COLLATE "C"'


def equal(operand: Value) -> str:
    """A text that is the same for values that are equal in SQLite."""
    if (operand.collation or "BINARY") != "BINARY":
        raise Untranslatable("values of different types are compared under a collation")
    return f'outgrow.any_equal({operand.sql}) COLLATE "C"'


def of_group(operand: Value) -> str:
    """The one value of a group of equal ones, as an aggregate."""
    form = f'outgrow.any_form({operand.sql}) COLLATE "C"'
    return f"outgrow.any_only(min({form})::json, max({form})::json)"


def extreme(operand: Value, *, lowest: bool, filter_: str) -> str:
    """The aggregate min() or max()."""
    direction = " ASC" if lowest else " DESC"
    listed = ", ".join(f"{part}{direction}" for part in parts(operand))
    first, last = (
        f"(array_agg({operand.sql} ORDER BY {listed}, outgrow.any_type({operand.sql}){type_}){filter_})[1]"
        for type_ in ("", " DESC")
    )
    return f"outgrow.any_only({first}, {last})"


def pair(left: Value, right: Value) -> tuple[Value, Value]:
    """Both operands with the affinity that SQLite applies to them (datatype3.html, 4.2)."""
    return _with_affinity(left, right), _with_affinity(right, left)


def compare(operator: str, left: Value, right: Value) -> Value:
    """`left operator right`, one of which is of any type."""
    one, other = pair(left, right)
    return values.boolean(
        f"(ROW({', '.join(parts(one))}) {_SQL.get(operator, operator)} ROW({', '.join(parts(other))}))"
    )


def _with_affinity(operand: Value, other: Value) -> Value:
    if other.affinity in _NUMERIC and operand.affinity not in _NUMERIC and operand.kind in {Kind.TEXT, Kind.ANY}:
        return dataclasses.replace(of(operand), sql=f"outgrow.any_numeric({of(operand).sql})")
    if other.affinity is schema.Affinity.TEXT and operand.affinity is None and operand.kind in {*_NUMBERS, Kind.ANY}:
        return Value(kind=Kind.TEXT, sql=f"outgrow.json_as_text({of(operand).sql})", collation=operand.collation)
    return operand


def typeof(operand: Value) -> Value:
    """typeof()."""
    return values.text(f"outgrow.any_type({operand.sql})")


def decoded(text: str) -> statement.Bound:
    """The value of a json that a statement gave."""
    text = text.strip(" \t\n\r")  # a whole document comes with the blanks around it
    match text[0]:
        case '"':
            found: str = json.loads(text)
            return found
        case "{" | "[":
            return _BLANKS.sub(r"\1", text)
        case "t" | "f" | "n":
            return {"t": 1, "f": 0, "n": None}[text[0]]
    if text.strip("-0123456789"):
        return float(text)
    whole = int(text)
    return whole if values.SMALLEST <= whole <= values.LARGEST else float(text)
