"""Integers, booleans, double precision and numeric."""

from __future__ import annotations

from typing import ClassVar

from outgrow.codec.base import Codec, Spec

__all__ = ["BOOLEAN_WORDS", "Bigint", "Boolean", "Double", "Integer", "Numeric", "Smallint"]

BOOLEAN_WORDS = (("false", "true"), ("f", "t"), ("no", "yes"), ("n", "y"), ("off", "on"))
"""Pairs of words that may stand for false and true; as stored, capitalised or in capitals."""

_SPELLED_WORDS = frozenset(
    (spell(false), spell(true)) for false, true in BOOLEAN_WORDS for spell in (str, str.capitalize, str.upper)
)


class Bigint(Codec):
    """SQLite INTEGER values as int8."""

    type = "bigint"
    _range: ClassVar[tuple[int, int] | None] = None

    def fits(self, x: str) -> str:
        condition = f"typeof({x})='integer'"
        if self._range is not None:
            condition += f" AND {x} COLLATE BINARY BETWEEN {self._range[0]} AND {self._range[1]}"
        return condition

    def conclusive(self, x: str) -> str:
        return f"typeof({x})='integer'"

    def restore(self, c: str) -> str:
        return f"{c}::bigint"

    def spec(self) -> Spec:
        return {"type": self.type}


class Integer(Bigint):
    """SQLite INTEGER values as int4; only where the user asks for it."""

    type = "integer"
    _range = (-(2**31), 2**31 - 1)


class Smallint(Bigint):
    """SQLite INTEGER values as int2; only where the user asks for it."""

    type = "smallint"
    _range = (-(2**15), 2**15 - 1)


class Boolean(Codec):
    """0 and 1, or one pair of words, as boolean.

    PostgreSQL itself accepts many more spellings ('tr', 'yes', ' t '): the condition is an exhaustive list, so that
    none of them is taken for what it would not come back as. ValueError for words that are no pair of BOOLEAN_WORDS.
    """

    type = "boolean"

    def __init__(self, *, false: str = "", true: str = "") -> None:
        if (false, true) != ("", "") and (false, true) not in _SPELLED_WORDS:
            raise ValueError(f"PostgreSQL has no booleans {false!r} and {true!r}")
        self._false = false
        self._true = true

    @property
    def _worded(self) -> bool:
        return bool(self._false)

    def fits(self, x: str) -> str:
        if self._worded:
            return f"typeof({x})='text' AND {x} COLLATE BINARY IN ('{self._false}','{self._true}')"
        return f"typeof({x})='integer' AND {x} COLLATE BINARY IN (0,1)"

    def conclusive(self, x: str) -> str:
        return self.fits(x) if self._worded else f"typeof({x})='integer'"

    def canonical_source(self, x: str) -> str:
        return f"({x} COLLATE BINARY='{self._true}')" if self._worded else x

    def canonical_output(self, c: str) -> str:
        return f"{c}::int"

    def restore(self, c: str) -> str:
        if self._worded:
            return f"CASE {c} WHEN true THEN '{self._true}' WHEN false THEN '{self._false}' END"
        return f"{c}::int"

    def spec(self) -> Spec:
        if self._worded:
            return {"type": self.type, "false": self._false, "true": self._true}
        return {"type": self.type}


class Double(Codec):
    """SQLite REAL values as float8, bit for bit: negative zero, subnormals and infinities included.

    The canonical text is the IEEE 754 pattern in hexadecimal, because SQLite's and PostgreSQL's decimal texts differ in
    more than a third of random doubles, although both read back exactly.
    """

    type = "double precision"

    def fits(self, x: str) -> str:
        return f"typeof({x})='real'"

    def encode(self, x: str) -> str:
        # SQLite writes both zeros as 0.0; only columns without REAL affinity can hold a negative one.
        return f"CASE WHEN {x} COLLATE BINARY=0.0 THEN outgrow_real({x}) ELSE CAST({x} AS TEXT) END"

    def canonical_source(self, x: str) -> str:
        return f"CASE WHEN typeof({x})='real' THEN lower(hex(ieee754_to_blob({x}))) END"

    def canonical_output(self, c: str) -> str:
        return f"encode(float8send({c}),'hex')"

    def restore(self, c: str) -> str:
        return c

    def spec(self) -> Spec:
        return {"type": self.type}


class Numeric(Codec):
    """Integers and reals of a column with NUMERIC or INTEGER affinity as numeric without modifiers.

    Such a column stores integral numbers of 64 bits as integers, so the number alone tells the storage class. The one
    exception is the real -2^63; columns of another affinity have more. Integral reals of 64 bits do not fit.
    Reals are written with the fewest digits that read back as the same double (1234567.89, not 1234567.8899999999).
    Precision and scale of the declaration are not carried over: they would round silently.
    """

    type = "numeric"

    def fits(self, x: str) -> str:
        # The cast brings reals beyond 64 bits to its limits, which they do not equal.
        fraction = f"typeof({x})='real' AND {x} COLLATE BINARY<>CAST({x} AS INTEGER)"
        return f"(typeof({x})='integer' OR {fraction})"

    def encode(self, x: str) -> str:
        return (
            f"CASE WHEN typeof({x})='integer' THEN {x} WHEN {self._short(x, '1e-300', '1e300')} THEN {x}"
            f" WHEN typeof({x})='real' THEN outgrow_real({x}) END"
        )

    def _short(self, x: str, least: str, most: str) -> str:
        """The SQLite condition that SQLite's own text of a real has the fewest digits.

        The text reads back as the same double, and then at most fifteen digits are the fewest, but for subnormal numbers.
        """
        y = f"{x} COLLATE BINARY"
        return f"length({x})<=16 AND {y} BETWEEN -{most} AND {most} AND {y} NOT BETWEEN -{least} AND {least}"

    def conclusive(self, x: str) -> str:
        return f"typeof({x}) IN ('integer','real')"

    def canonical_source(self, x: str) -> str:
        # The plain decimal text of what `encode` writes, as PostgreSQL prints it: without an exponent. An integral real stays
        # as SQLite writes it: 5.0, never PostgreSQL's 5.
        return (
            f"CASE WHEN typeof({x})='integer' THEN {x} WHEN {self._short(x, '1e-4', '1e15')} THEN {x}"
            f" WHEN typeof({x})='real' AND {x} COLLATE BINARY<>CAST({x} AS INTEGER) THEN outgrow_numeric({x})"
            f" ELSE {x} END"
        )

    def canonical_output(self, c: str) -> str:
        return f"trim_scale({c})"

    def restore(self, c: str) -> str:
        return f"CASE {c} WHEN 'Infinity' THEN '9e999' WHEN '-Infinity' THEN '-9e999' ELSE trim_scale({c})::text END"

    def restored(self, p: str) -> str:
        return f"CAST({p} AS NUMERIC)"

    def spec(self) -> Spec:
        return {"type": self.type}
