"""The small language that both stores speak, whichever of them is primary.

`Digesting` is what verification needs. `Primary` and `Follower` are what following needs: live migration gives both
roles to both
stores, so that following, switching and rolling back know no direction.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

__all__ = [
    "EVERYTHING",
    "MEASURED_ONLY",
    "Agreement",
    "Applied",
    "Batch",
    "Digest",
    "Digesting",
    "Follower",
    "Form",
    "Hash",
    "Key",
    "LineChanges",
    "Misfit",
    "Position",
    "Primary",
    "Refusal",
    "Span",
    "Torn",
    "ValueChanges",
]

Key = tuple[str, ...]
"""A row's key as COPY text of each key column: the form that both stores can read. Empty means no bound."""

Position = tuple[Any, ...]
"""A place in a walk over a table, as the walked store gives and takes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """The rows of a table after `lower` and up to `upper`; None is the table's beginning or end.

    `lower_key` and `upper_key` are the same bounds for the other store, where the walk is in the order of the key.
    """

    lower: Position | None = None
    upper: Position | None = None
    lower_key: Key = ()
    upper_key: Key = ()

    @property
    def bounds(self) -> Position:
        """The positions that there are, lower one first: the parameters of a condition on the span."""
        return (self.lower or ()) + (self.upper or ())

    @property
    def bound_keys(self) -> Key:
        """The keys that there are, lower one first."""
        return self.lower_key + self.upper_key


class Form(enum.StrEnum):
    """How the canonical text of a span is written."""

    PLAIN = "plain"
    """Values and separators: cheap, and clear if the file's side finds no separator in its values."""
    MEASURED = "measured"
    """Free text has its length before it: clear whatever is in it."""


class Hash(enum.StrEnum):
    """What canonical text is hashed with."""

    SHA256 = "sha256"
    SHA512 = "sha512"


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """What both sides of one verification have to do alike.

    `null` stands for NULL in plain canonical text, in columns that have empty texts. It is long, and chosen when the data is
    what it is: only by a chance of 2^-128 is a value this very text. Without it there are measured digests only.
    """

    null: str = ""
    hash: Hash = Hash.SHA256


MEASURED_ONLY = Agreement()


@dataclass(frozen=True, kw_only=True, slots=True)
class Digest:
    """The hash of a span's canonical text in key order, and its rows: equal on both sides if and only if the rows are."""

    hash: bytes
    rows: int
    form: Form = Form.MEASURED


class Digesting(Protocol):
    """One table of a store, as verification sees it."""

    def digest(self, span: Span, form: Form, /) -> Digest:
        """The digest of a span, hashed where the rows are; measured, if the file's side cannot make it plain."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Misfit:
    """A row that the other store cannot hold as it is: `record` (JSON) has its exact values, `key` is a SQL literal."""

    key: str
    record: str
    column: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LineChanges:
    """The touched rows of one table of the file, as they are now, for PostgreSQL.

    `lines` are unescaped COPY lines (values joined by 0x1F, the rowid first where the target keeps it) joined by 0x1E, and
    no value has either character; rows whose values do are in `single`, each a tuple of COPY texts (None is NULL).
    `gone` are the
    keys of rows that are not there any more, as COPY texts. `keys` are all touched keys as SQL literals, as the quarantine
    names them; they are only given for tables that may have rows in it.
    """

    table: str
    rows: int = 0
    lines: bytes = b""
    single: Sequence[tuple[str | None, ...]] = ()
    gone: Sequence[Key] = ()
    misfits: Sequence[Misfit] = ()
    keys: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueChanges:
    """The touched rows of one table of PostgreSQL, as they are now, for the file.

    `rows` are the values of the plan's copied columns as `codec.restore` gives them, the rowid first where it is the
    key; `canonical`
    are the same rows' canonical lines, which the file must give back. `gone` are keys in the form of `rows`.
    """

    table: str
    rows: Sequence[tuple[Any, ...]] = ()
    canonical: Sequence[bytes] = ()
    gone: Sequence[tuple[Any, ...]] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A row of PostgreSQL that the file cannot hold as it is, and so does not hold at all; PostgreSQL has it."""

    table: str
    key: str
    record: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """What a follower made of a batch; `serial` counts the batches that it has."""

    serial: int = 0
    refusals: Sequence[Refusal] = ()


EVERYTHING = 2**62
"""As a limit of entries: all that are waiting, however large they are."""


class Torn(Exception):
    """A batch that is not complete breaks a unique index of the follower, which the state that it is part of does not."""


Changes = TypeVar("Changes", covariant=True)
Read = TypeVar("Read", covariant=True)
Written = TypeVar("Written", contravariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch(Generic[Changes]):
    """Changes read in one snapshot of the primary.

    `entries` is the number of log entries they stand for, `mark` what the primary needs to forget them and the follower to
    remember where it is. `complete` says that nothing else was waiting in that snapshot.
    """

    changes: Sequence[Changes]
    entries: int
    mark: Any
    complete: bool


class Primary(Protocol[Read]):
    """The store that accepts the application's writes, as the follower's source."""

    def changes(self, limit: int) -> Batch[Read]:
        """The changes that the follower does not have, at most `limit` log entries of them, in one snapshot."""

    def acknowledge(self, mark: Any, applied: Applied) -> None:
        """The follower has durably what led to `mark`: its log entries are not needed any more."""

    def pending(self) -> int:
        """About how many log entries the follower does not have."""


class Follower(Protocol[Written]):
    """The store that is kept equal to the primary."""

    def apply(self, batch: Batch[Written]) -> Applied:
        """Apply a batch and remember its mark, in one transaction that fails if another process moved it before.

        Raises Torn, and nothing is applied, where an incomplete batch breaks a unique index.
        """
