"""A translated operand: its PostgreSQL SQL, and what SQLite knows of its values."""

from __future__ import annotations

import enum
import math
import re
from dataclasses import dataclass, replace

from outgrow.dialect import expression_tree as tree
from outgrow.dialect.translation import Untranslatable
from outgrow.model import schema

__all__ = [
    "EXACT",
    "LARGEST",
    "NULL",
    "SMALLEST",
    "Kind",
    "Moment",
    "Value",
    "as_bigint",
    "as_boolean",
    "as_condition",
    "as_double",
    "as_text",
    "boolean",
    "folded",
    "integer",
    "literal",
    "looks_numeric",
    "numeric",
    "real_text",
    "refusal",
    "string",
    "text",
]

SMALLEST, LARGEST = -(2**63), 2**63 - 1
EXACT = 2**53
"""Up to here every integer is a double, so that numbers compare alike as integer, double and decimal."""


class Kind(enum.StrEnum):
    """What the values of an operand are in SQLite, NULL apart.

    NUMBER is integers and reals mixed, which are exact only in comparisons; BOOLEAN is the integers 0 and 1;
    DATE is text of the one form YYYY-MM-DD; an OPAQUE column can only be tested for NULL.
    """

    INTEGER = "an integer"
    REAL = "a real"
    NUMBER = "a number"
    TEXT = "text"
    BLOB = "a blob"
    BOOLEAN = "a boolean"
    DATE = "a date"
    NULL = "NULL"
    OPAQUE = "opaque"


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """An operand. `sql` can stand beside any operator without more parentheses.

    `low` and `high` bound numbers: None is unbounded, infinities included. `wide` says that an INTEGER is a
    bigint. `collation` is a column's or an explicit one; `collated` that PostgreSQL orders it bytewise. `column` is
    a column's bare name, and `json` the type of one that holds JSON. `inner` is the operand of typeof(). `lowered`
    is the SQL of its lower case where that is shorter, `number` the integer that the text spells, `shape` the
    characters possible at each place of a random text, and `moment` the time that the value tells.
    """

    kind: Kind
    sql: str
    affinity: schema.Affinity | None = None
    collation: str | None = None
    explicit: bool = False
    collated: bool = False
    low: float | None = None
    high: float | None = None
    wide: bool = True
    constant: bool = False
    value: tree.Constant = None
    reason: str = ""
    column: str = ""
    json: str = ""
    inner: Value | None = None
    lowered: str = ""
    number: Value | None = None
    shape: tuple[frozenset[str], ...] | None = None
    moment: Moment | None = None

    @property
    def bounded(self) -> bool:
        return self.low is not None and self.high is not None

    def within(self, limit: float) -> bool:
        """Whether no value is farther from zero than `limit`."""
        return self.low is not None and self.high is not None and -limit <= self.low and self.high <= limit

    def bare(self) -> Value:
        """The same without affinity and collation, as SQLite has the items of a list."""
        return replace(self, affinity=None, collation=None, explicit=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A time that a value tells: `sql` is a timestamp in UTC, not rounded.

    `form` is timestamp, date, time, epoch or julian; `precision` is a field for date_trunc; `zoned` says that the
    text names UTC.
    """

    sql: str
    form: str
    precision: str = "second"
    zoned: bool = False


NULL = Value(kind=Kind.NULL, sql="NULL", constant=True)

_NUMERIC = re.compile(r"[ \t\n\v\f\r]*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?[ \t\n\v\f\r]*", re.ASCII)


def string(value: str) -> str:
    """A string literal of PostgreSQL's."""
    if "\0" in value:
        raise Untranslatable("PostgreSQL text cannot hold a NUL")
    return "'" + value.replace("'", "''") + "'"


def literal(value: tree.Constant) -> Value:
    """A constant."""
    match value:
        case None:
            return NULL
        case int():
            sql = f"({value})" if value < 0 else str(value)
            wide = not -(2**31) <= value < 2**31
            return Value(kind=Kind.INTEGER, sql=sql, low=value, high=value, wide=wide, constant=True, value=value)
        case float():
            bound = None if math.isinf(value) else value
            return Value(kind=Kind.REAL, sql=_real(value), low=bound, high=bound, constant=True, value=value)
        case str():
            shape = tuple(frozenset(character) for character in value)
            return Value(kind=Kind.TEXT, sql=string(value), constant=True, value=value, shape=shape)
        case bytes():
            return Value(kind=Kind.BLOB, sql=f"'\\x{value.hex()}'::bytea", constant=True, value=value)


def _real(value: float) -> str:
    if math.isinf(value):
        return f"'{'-' if value < 0 else ''}Infinity'::double precision"
    return f"({value!r})" if math.copysign(1, value) < 0 else repr(value)


def boolean(sql: str) -> Value:
    """A condition."""
    return Value(kind=Kind.BOOLEAN, sql=sql, low=0, high=1, wide=False)


def integer(sql: str, low: float = SMALLEST, high: float = LARGEST, *, wide: bool = True) -> Value:
    """A computed integer, its bounds cut to 64 bits."""
    return Value(kind=Kind.INTEGER, sql=sql, low=max(low, SMALLEST), high=min(high, LARGEST), wide=wide)


def text(sql: str, *of: Value, shape: tuple[frozenset[str], ...] | None = None) -> Value:
    """A computed text, made of these operands."""
    return Value(kind=Kind.TEXT, sql=sql, collated=any(value.collated for value in of), shape=shape)


def folded(operand: Value) -> str:
    """The operand in ASCII lower case, as NOCASE and LIKE see it."""
    if operand.constant and isinstance(operand.value, str):
        return string("".join(c.lower() if c.isascii() else c for c in operand.value))
    return operand.lowered or f'lower({operand.sql} COLLATE "C")'


def looks_numeric(value: str) -> bool:
    """Whether a numeric affinity turns this text into a number."""
    return _NUMERIC.fullmatch(value) is not None


def numeric(value: str) -> int | float:
    """The number that a numeric affinity makes of a text that looks like one."""
    plain = value.strip(" \t\n\v\f\r")
    if plain.lstrip("+-").isdigit() and SMALLEST <= int(plain) <= LARGEST:
        return int(plain)
    number = float(plain)
    return int(number) if number.is_integer() and SMALLEST < number < LARGEST else number


def real_text(value: float) -> str:
    """The text that SQLite makes of a real; refused where its versions differ in the last digits."""
    written = repr(value)
    digits = written.lstrip("-").replace(".", "").strip("0")
    plain = value == 0 or 1e-4 <= abs(value) < 1e15
    if not plain or "e" in written or len(digits) > 15 or math.copysign(1, value) < 0 == value:
        raise Untranslatable(f"SQLite's text for the real {value!r} depends on its version")
    return written


def as_text(operand: Value) -> Value:
    """The operand as SQLite makes text of it."""
    if operand.constant and isinstance(operand.value, int | float):
        return literal(str(operand.value) if isinstance(operand.value, int) else real_text(operand.value))
    match operand.kind:
        case Kind.TEXT | Kind.NULL:
            return operand
        case Kind.INTEGER:
            return Value(kind=Kind.TEXT, sql=f"{operand.sql}::text")
        case Kind.BOOLEAN:
            return Value(kind=Kind.TEXT, sql=f"{operand.sql}::integer::text")
        case _:
            raise refusal(operand, "cannot be made text alike")


def as_bigint(operand: Value) -> Value:
    """An INTEGER or BOOLEAN as a 64-bit integer; a constant stays as it is."""
    match operand.kind:
        case Kind.BOOLEAN:
            return integer(f"{operand.sql}::integer::bigint", 0, 1)
        case Kind.INTEGER if operand.wide or operand.constant:
            return operand
        case Kind.INTEGER:
            return replace(operand, sql=f"{operand.sql}::bigint", wide=True)
        case _:
            raise refusal(operand, "is no integer")


def as_double(operand: Value) -> Value:
    """An INTEGER, BOOLEAN or REAL as a double; both databases round large integers alike."""
    if operand.constant and isinstance(operand.value, int | float):
        number = literal(float(operand.value))
        return number if "'" in number.sql else replace(number, sql=f"{number.sql}::double precision")
    match operand.kind:
        case Kind.REAL:
            return operand
        case Kind.INTEGER | Kind.BOOLEAN:
            inner = as_bigint(operand)
            return replace(inner, kind=Kind.REAL, sql=f"{inner.sql}::double precision")
        case _:
            raise refusal(operand, "is no number that both databases compute with alike")


def as_boolean(operand: Value) -> str | None:
    """The operand as SQL boolean where its values are 0 and 1 only, else None."""
    if operand.kind is Kind.BOOLEAN:
        return operand.sql
    if operand.constant and isinstance(operand.value, int | float) and operand.value in (0, 1):
        return "true" if operand.value else "false"
    return None


def as_condition(operand: Value) -> str:
    """The operand as a condition: a number is true unless zero."""
    if operand.constant and isinstance(operand.value, int | float):
        return "true" if operand.value else "false"
    match operand.kind:
        case Kind.BOOLEAN:
            return operand.sql
        case Kind.INTEGER | Kind.REAL | Kind.NUMBER:
            return f"({operand.sql} <> 0)"
        case Kind.NULL:
            return "NULL::boolean"
        case _:
            raise refusal(operand, "stands as a condition")


def refusal(operand: Value, what: str) -> Untranslatable:
    """The refusal of an operand; an opaque column has its own reason."""
    if operand.kind is Kind.OPAQUE:
        return Untranslatable(operand.reason)
    return Untranslatable(f"{operand.kind} {what}: {operand.sql}")
