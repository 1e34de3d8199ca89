"""What is in quarantine, as reports tell it: by table, column and reason, with some rows of each."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from outgrow.postgres import state
from outgrow.sqlite import values

__all__ = ["Example", "Group", "groups", "told"]

_EXAMPLES = 3
_LONGEST = 80
_LONGEST_EXACT = 1_000
"""Characters of an exact value that are read: more than enough for those that are shown, at two of them a byte."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A row in quarantine: its key as SQL literals, and the value that does not fit, readable and shortened.

    `value` is None for NULL, and where the reason concerns no single column; `detail` is what else is known of it.
    """

    key: str
    value: str | None
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The rows of one table that are in quarantine for the same reason, in the same column."""

    table: str
    column: str
    reason: str
    rows: int
    examples: tuple[Example, ...]


def groups(keeper: state.State) -> tuple[Group, ...]:
    """Everything that is in quarantine, the largest group first."""
    samples = keeper.quarantine_samples(_EXAMPLES, characters=_LONGEST_EXACT)
    alike = itertools.groupby(samples, key=lambda one: (one.table, one.column, one.reason, one.rows))
    return tuple(
        Group(table=table, column=column, reason=reason, rows=rows, examples=tuple(map(_example, several)))
        for (table, column, reason, rows), several in alike
    )


def told(found: Iterable[Mapping[str, Any]]) -> tuple[Group, ...]:
    """Groups as an engine told them: data classes as mappings."""
    return tuple(
        Group(**{**one, "examples": tuple(Example(**example) for example in one["examples"])}) for one in found
    )


def _example(sample: state.Sample) -> Example:
    value = None if sample.kind is None else values.readable(sample.kind, sample.value)
    if value is not None and len(value) > _LONGEST:
        value = f"{value[: _LONGEST - 1]}…"
    return Example(key=sample.key, value=value, detail=sample.detail)
