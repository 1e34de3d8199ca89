"""Which operation is the n-th of a process, decided by a seed alone, so that it can be decided again."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from support.workload import compound, operations, private, schema, shared

__all__ = ["Operation", "Script"]

MODULES = (shared, private, compound)  # imported so that their kinds are registered


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One transaction. `immediate`: SQLite's write lock is taken at BEGIN, not by the first statement."""

    op: str
    process: int
    n: int
    kind: str
    effect: str
    body: operations.Body
    commits: bool
    immediate: bool

    @property
    def ledger_row(self) -> dict[str, Any]:
        """What the transaction puts into the table `ledger`."""
        return {"op": self.op, "process": self.process, "n": self.n, "kind": self.kind, "effect": self.effect}


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """What a workload does: equal scripts give equal operations. `kinds` are the only ones to choose from, or empty."""

    seed: int = 1
    shape: schema.Shape = field(default_factory=schema.Shape)
    kinds: Sequence[str] = ()

    def operation(self, process: int, n: int) -> Operation:
        """The n-th operation of a process."""
        assert 0 <= process < self.shape.processes
        draw = operations.Draw(self.seed, self.shape, process, n)
        names, weights = _choices(tuple(self.kinds), bool(self.shape.padding), self.shape.leaves)
        (name,) = draw.chance.choices(names, cum_weights=weights)
        immediate = draw.chance.random() < 0.7
        act = operations.KINDS[name][1](draw)
        return Operation(
            op=draw.op,
            process=process,
            n=n,
            kind=name,
            effect=json.dumps(act.effect, separators=(",", ":"), sort_keys=True),
            body=act.body,
            commits=act.commits,
            immediate=immediate,
        )

    def to_json(self) -> str:
        """As a process gets it, and as its record keeps it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Script:
        """The reverse of `to_json`."""
        found = json.loads(text)
        return cls(seed=found["seed"], shape=schema.Shape(**found["shape"]), kinds=tuple(found["kinds"]))


@functools.cache
def _choices(kinds: tuple[str, ...], padding: bool, leaves: bool) -> tuple[list[str], list[int]]:
    impossible = {"pad": not padding, "sprout": not leaves}
    names = sorted(kinds or [name for name in operations.KINDS if not impossible.get(name)])
    return names, list(itertools.accumulate(operations.KINDS[name][0] for name in names))
