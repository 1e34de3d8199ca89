"""What an operation is made of: a kind decides on its parameters by chance, and says what it will do.

A kind is a function registered by `@kind(weight)`. It draws its parameters and returns an `Act`, whose statements run on
either store. What it draws may not depend on what the database holds, or the operation could not be had a second time.
"""

from __future__ import annotations

import random
import string
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from support.workload import schema, stores

__all__ = ["KINDS", "Act", "Body", "Decide", "Draw", "does", "kind"]

Body = Callable[[stores.Store], None]

PLACES = 12
"""Slots, addresses and names of the accounts that a process has for itself: few, so that they are met again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """What a kind decided on: the statements, and what they do to the rows that belong to all.

    `effect` is what is added to balances, counters and weights: `{"account": {"3": -7}, "counter": {"1": 2}}`.
    """

    body: Body
    effect: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    commits: bool = True


class Draw:
    """The chance of one operation, and what its process calls its own."""

    def __init__(self, seed: int, shape: schema.Shape, process: int, n: int) -> None:
        self.chance = random.Random(f"{seed}/{process}/{n}")
        self.shape, self.process, self.n = shape, process, n
        self.op = f"{process}-{n}"
        self._fresh = 0

    @property
    def own_accounts(self) -> Sequence[int]:
        """The shared accounts whose slots and addresses this process may change, in order."""
        return range(self.process or self.shape.processes, self.shape.accounts + 1, self.shape.processes)

    def fresh_id(self) -> int:
        """An id that no other operation gives, and no database: below zero."""
        self._fresh += 1
        return -(self.process * 10**11 + self.n * 100 + self._fresh)

    def fresh_name(self) -> str:
        """A name that no other operation gives."""
        self._fresh += 1
        return f"{self.op}.{self._fresh}"

    def name(self) -> str:
        """A name of one of the process's private accounts."""
        return f"p{self.process}.{self.chance.randrange(PLACES)}"

    def slot(self) -> int:
        """One of the slots of the process's private accounts."""
        return 1_000_000 * (self.process + 1) + self.chance.randrange(PLACES)

    def email(self) -> str:
        """One of the addresses of the process's private accounts, in capitals that vary."""
        plain = f"p{self.process}.{self.chance.randrange(PLACES)}@example.org"
        return "".join(letter.upper() if self.chance.random() < 0.2 else letter for letter in plain)

    def archived(self) -> int:
        """The id of a row of `archive` that is the process's own, present or not."""
        return (
            self.process + 1 + self.shape.processes * self.chance.randrange(1 + self.shape.rows // self.shape.processes)
        )

    def text(self) -> str | None:
        """A text that has been trouble somewhere, or none."""
        return self.chance.choice(
            [
                None, "", " ", "\\N", "\\.", "\n\\.\n", "tab\there", "line\r\nline", "back\\slash\\", "quote ' and \"",
                "unit\x1fand record\x1eseparators", "\x1f", "\x7f\x01\x02", "Grüße, 東京, \U0001f600", "e\u0301\ufeff\u2028",
                "NULL", "0", "1e5", "{}", "%s ? :name", f"plain {self.n}", f"plain {self.op} " * 9,
            ]
        )  # fmt: skip

    def doc(self) -> dict[str, Any]:
        """Values for every column of `doc` but its id and name."""
        chance = self.chance
        return {
            "body": self.text(),
            "blob": chance.choice([None, b"", b"\x00", chance.randbytes(chance.randrange(1, 200))]),
            "at": chance.choice([None, self.moment(), self.moment()]),
            "amount": chance.choice([None, self.amount(), self.amount()]),
            "ratio": chance.choice([None, self.real(), self.real()]),
            "flag": chance.choice([None, True, False]),
        }

    def big(self) -> str:
        """A big text."""
        return "".join(self.chance.choices(string.printable + "äöü\x1e", k=self.shape.big // 16)) * 16

    def moment(self) -> str:
        """A timestamp as SQLite's CURRENT_TIMESTAMP writes it."""
        draw = self.chance.randrange
        return f"{draw(1900, 2100)}-{draw(1, 13):02}-{draw(1, 29):02} {draw(24):02}:{draw(60):02}:{draw(60):02}"

    def amount(self) -> Decimal:
        """A DECIMAL(12,2), zeros behind the point included."""
        drawn = self.chance.randrange(-(10**10), 10**10)
        return Decimal(self.chance.choice([0, 100, -250, 999_999_999_999, drawn, drawn])).scaleb(-2)

    def real(self) -> float:
        """A finite double of any size, but no negative zero: a REAL column of SQLite loses its sign."""
        (number,) = struct.unpack(">d", self.chance.randbytes(8))
        return float(number) if number - number == 0.0 and number != 0.0 else 0.0


def does(statement: str, *parameters: object) -> Act:
    """One statement."""

    def body(store: stores.Store) -> None:
        store.run(statement, *parameters)

    return Act(body=body)


Decide = Callable[[Draw], Act]

KINDS: dict[str, tuple[int, Decide]] = {}
"""Every kind by name, with its weight."""


def kind(weight: int) -> Callable[[Decide], Decide]:
    """Register a kind under the function's name."""

    def register(decide: Decide) -> Decide:
        KINDS[decide.__name__] = (weight, decide)
        return decide

    return register
