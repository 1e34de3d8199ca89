"""A translated operand: its PostgreSQL SQL, and what SQLite knows of its values."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from outgrow import codec as codecs
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import statement
from outgrow.dialect.translation import Untranslatable
from outgrow.model import schema

__all__ = [
    "EXACT",
    "LARGEST",
    "NULL",
    "SMALLEST",
    "Kind",
    "Moment",
    "Native",
    "Parameter",
    "Value",
    "boolean",
    "chosen",
    "integer",
    "literal",
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
    DATE is text of the one form YYYY-MM-DD; an OPAQUE column can only be tested for NULL. ANY is an integer, a real or a
    text in each row: its SQL is a json, which is never the json null.
    """

    INTEGER = "an integer"
    REAL = "a real"
    NUMBER = "a number"
    TEXT = "text"
    BLOB = "a blob"
    BOOLEAN = "a boolean"
    DATE = "a date"
    ANY = "a value of any type"
    NULL = "NULL"
    OPAQUE = "opaque"


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """An operand. `sql` can stand beside any operator without more parentheses.

    `low` and `high` bound numbers: None is unbounded, infinities included. `wide` says that an INTEGER is a
    bigint. `collation` is a column's or an explicit one; `collated` that PostgreSQL orders it bytewise. `column` is
    a column's bare name, and `json` the type of one that holds JSON. `inner` is the operand of typeof(). `lowered`
    is the SQL of its lower case where that is shorter, `number` the integer that the text spells, `shape` the
    characters possible at each place of a random text, and `moment` the time that the value tells. `parameter` is the bound
    value behind it, `native` the column of another type that is seen as this text. A `decimal` NUMBER is a numeric whose
    integral values of 64 bits are SQLite's integers, and whose others are its reals; an integral one with digits after its
    point is a real too. `made_json` is JSON that a function made, which stands in other JSON as it is, and not as a text;
    None is where the row or SQLite's version decides that.
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
    parameter: Parameter | None = None
    native: Native | None = None
    decimal: bool = False
    made_json: bool | None = False

    @property
    def extracted(self) -> str:
        """The SQL of the json whose value this is, if it is of any type; it may be an array or an object, as its text."""
        return self.sql if self.kind is Kind.ANY else ""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Native:
    """A column as PostgreSQL has it: its SQL, and the codec by which its values are texts in SQLite."""

    sql: str
    codec: codecs.Codec


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """The value bound to a slot when the statement is translated; `assume` notes what must hold of every later one."""

    slot: statement.Slot
    value: statement.Bound
    assume: Callable[[Callable[[statement.Bound], bool]], None]

    def pinned(self) -> Value:
        """The value as a constant; the translation is then of this value only."""
        wanted = repr(self.value)  # which tells both zeros apart
        self.assume(lambda bound: repr(bound) == wanted)
        return literal(self.value)


NULL = Value(kind=Kind.NULL, sql="NULL", constant=True)


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


def chosen(found: Value, branches: Iterable[Value]) -> Value:
    """What is chosen among these, with its `made_json`."""
    made: set[bool | None] = set()
    for branch in branches:
        if branch.kind is found.kind:
            made.add(branch.made_json)
        elif branch.made_json is not False:  # among other values JSON has become the text that it is
            made.add(None)
    return replace(found, made_json=made.pop() if len(made) == 1 else None if made else False)


def refusal(operand: Value, what: str) -> Untranslatable:
    """The refusal of an operand; an opaque column has its own reason."""
    if operand.kind is Kind.OPAQUE:
        return Untranslatable(operand.reason)
    return Untranslatable(f"{operand.kind} {what}: {operand.sql}")
