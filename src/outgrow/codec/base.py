"""What a codec is: one way for a SQLite column's values to live in a PostgreSQL column and come back.

Every expression that touches a value exists here, once, and is used by planning, copying, following and
verifying alike. Expressions are SQL text over an operand: `x` is a SQLite expression, `c` a PostgreSQL one.
NULL is the caller's affair, but of NULL `encode`, `restore` and both canonical expressions make NULL. And no
expression raises on a value that does not fit: SQLite may evaluate both sides of an AND, and chunks are read before
anybody knows what is in them. What it gives then is not used.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import ClassVar

__all__ = ["Codec", "Spec"]

Spec = Mapping[str, str | int | bool]
"""A codec as plain data, as the plan file and the target keep it: `{"type": "timestamp", "separator": " "}`."""


class Codec(abc.ABC):
    """A lossless pairing of SQLite values with one PostgreSQL type.

    The law of every codec: if `fits(x)` holds, then the value that PostgreSQL parses from `encode(x)`, read back
    through `restore(c)` and stored in the same SQLite column, is the same value of the same storage class; and
    `canonical_source(x)` and `canonical_target(c)` are the same bytes, different for different values.
    """

    type: ClassVar[str]
    """The codec's name in a spec: PostgreSQL's name of the type, without modifiers."""

    prefixed: ClassVar[bool] = False
    """Whether canonical text can hold any character, so that its measured form has its length before it."""

    empty: ClassVar[bool] = False
    """Whether canonical text can be empty, so that its plain form needs a word for NULL."""

    inspects_text: ClassVar[bool] = False
    """Whether the encoded text can hold NUL or invalid UTF-8, which the reader of a chunk must look for."""

    unbounded: ClassVar[bool] = False
    """Whether a value can be of any length; a value of the others takes a few dozen bytes."""

    @property
    def sql_type(self) -> str:
        """The PostgreSQL type with its modifiers."""
        return self.type

    @property
    def orderable(self) -> bool:
        """Whether it can be a key: the type has a btree order, which is SQLite's BINARY order of the stored values."""
        return True

    @property
    def collation(self) -> str:
        """The COLLATE clause of a column definition, or nothing."""
        return ""

    @abc.abstractmethod
    def fits(self, x: str) -> str:
        """A SQLite condition, exact and complete: the value crosses and comes back as it was."""

    def shape(self, x: str) -> str:
        """The SQLite condition by which a type is chosen: `fits`, but for NUL and invalid UTF-8 in single texts.

        A flawed text is a matter of its row, which goes to the quarantine; it says nothing about the column.
        """
        return self.fits(x)

    def guard(self, x: str) -> str:
        """A cheaper SQLite condition: with it, whatever `fits` would still refuse, PostgreSQL refuses too."""
        return self.fits(x)

    def conclusive(self, x: str) -> str:
        """The cheapest SQLite condition by which canonical text alone proves everything, in a file in UTF-8.

        With it, a value whose canonical text the target gives for any value fits; its canonical text is not NULL, and not
        empty unless the codec is `empty`. Whatever fits, has it.
        """
        return self.guard(x)

    def encode(self, x: str) -> str:
        """A SQLite expression: the value as COPY text, before COPY's own escaping."""
        return x

    def canonical_source(self, x: str) -> str:
        """A SQLite expression: canonical text, never empty where it is not `prefixed`."""
        return self.encode(x)

    def canonical_output(self, c: str) -> str:
        """A PostgreSQL expression that the server itself writes as the same canonical text; NULL for NULL alone."""
        return c

    def canonical_target(self, c: str) -> str:
        """A PostgreSQL expression of type text: the same canonical text."""
        return f"{self.canonical_output(c)}::text"

    def restore(self, c: str) -> str:
        """A PostgreSQL expression whose value, bound to a SQLite parameter of the column, is the original value."""
        return self.canonical_target(c)

    def restored(self, p: str) -> str:
        """A SQLite expression over the bound parameter `p` of `restore`: what is stored."""
        return p

    @abc.abstractmethod
    def spec(self) -> Spec:
        """This codec as plain data; `codec.from_spec` is the inverse."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Codec) and dict(self.spec()) == dict(other.spec())

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.spec().items())))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self.spec())!r})"
