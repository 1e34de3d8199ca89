"""What becomes of a SQLite statement: PostgreSQL statements, and what was assumed of the bound values."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Bound", "Effect", "Guard", "Parameters", "Refused", "Slot", "Statement", "Step"]

Bound = int | float | str | bytes | None
"""A value that SQLite stores: what an adapter has made of a parameter."""

Parameters = Sequence[Bound] | Mapping[str, Bound]
"""Bound values by position from 0, or by name without its prefix."""

Slot = int | str
"""Which of them: a position from 0 (`?`, `?5`), or a name (`:name`, `@name`, `$name`)."""


class Effect(enum.StrEnum):
    """What a statement does."""

    READ = "read"
    WRITE = "write"
    SCHEMA = "schema"
    """It creates, alters or drops something."""
    ORACLE = "oracle"
    """It asks for the schema (`sqlite_master`, a pragma's table): SQLite itself answers, from a copy without rows."""


@dataclass(frozen=True, slots=True)
class Guard:
    """An assumption about a bound value; `holds` is quick and has no effects."""

    slot: Slot
    holds: Callable[[Bound], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One PostgreSQL statement. `slots` says which bound value `$1`, `$2`, … are.

    A value is sent as its Python type's: int as bigint, float as double precision, str as text, bytes as bytea.
    """

    sql: str
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A translated statement. `steps` are run one after the other in one transaction; the last one gives rows and count.

    Its values arrive as bigint, double precision, text, bytea, or numeric where integers and reals are mixed (one with
    digits after the point, `.0` too, is a real). `gives_rowid`: the last column is not the statement's own but the rowid of
    each written row, for `lastrowid`, NULL for one that was there; `rows` says whether there are columns of its own.
    `ignored` are SQLSTATEs which mean that nothing was written and all is well (INSERT OR IGNORE).
    """

    effect: Effect
    steps: tuple[Step, ...]
    guards: tuple[Guard, ...] = ()
    rows: bool = False
    gives_rowid: bool = False
    ignored: frozenset[str] = frozenset()
    caveat: str = ""


class Refused(Exception):
    """A statement that PostgreSQL cannot be made to answer exactly as SQLite; says why."""
