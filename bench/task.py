"""What a benchmark is asked to measure, and on what."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Sequence

from bench import server

__all__ = ["Task"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """`rounds` rounds over a file of `rows` rows, kept in `directory`, copied to `to`; `only` names some contenders."""

    rows: int
    rounds: int
    to: server.Server
    directory: pathlib.Path
    only: Sequence[str] = ()
    say: Callable[[str], None] = print

    def each_round(self) -> Iterator[int]:
        """The rounds, each said when it begins."""
        for number in range(1, self.rounds + 1):
            self.say(f"round {number} of {self.rounds}, {self.rows:,} rows")
            yield number
