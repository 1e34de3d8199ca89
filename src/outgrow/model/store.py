"""The small language that both stores speak, whichever of them is primary.

`Digesting` is what verification needs, and both stores have it. `Store` is what a follower needs: live migration gives it to
both sides, so that following, switching and rolling back know no direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["Batch", "Change", "Digest", "Digesting", "Key", "Position", "Span", "Store"]

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Digest:
    """SHA-256 of a span's canonical lines in key order, and their number: equal on both sides if and only if the rows are."""

    sha256: bytes
    rows: int


class Digesting(Protocol):
    """One table of a store, as verification sees it."""

    def digest(self, span: Span, /) -> Digest:
        """The digest of a span, hashed where the rows are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A key that was touched, and the row as it is now: a COPY line, or None where it is gone."""

    table: str
    key: Key
    line: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Changes read in one snapshot of a store, and the position of its log that they lead to."""

    changes: Sequence[Change]
    position: int
    epoch: int


class Store(Protocol):
    """A store in a live migration, before the switch as source or follower, after it the other way round."""

    def capture(self) -> None:
        """Begin to log the keys of touched rows; repeating it changes nothing."""

    def changes(self, after: int) -> Batch:
        """The keys logged after a position with their rows, in one snapshot."""

    def apply(self, batch: Batch) -> None:
        """Apply a batch and move the position, in one transaction that fails if another moved it before."""

    def fence(self, epoch: int) -> None:
        """Refuse the application's writes from this commit on: the epoch is over."""

    def unfence(self, epoch: int) -> None:
        """Accept the application's writes again, as primary of that epoch."""
