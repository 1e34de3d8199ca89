"""What belongs to one translation as a whole: its bound values, what was assumed of them, and names that are free."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from outgrow.dialect import catalog, statement
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Parameter, Value

if TYPE_CHECKING:
    from outgrow.dialect import frames

__all__ = ["Binding"]

_PLACES = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\d+)""")
_LONGEST_CONSTANT = 1000
"""Longer texts and blobs are not written into a statement."""


class Binding:
    """The bound values of a translation, and the numbers that they have in the step that is being made.

    With `pinned`, every bound value is a constant of the statement, which is then right for this value only. `around` has the
    names that all statements of a trigger see, OLD and NEW.
    """

    def __init__(
        self,
        known: catalog.Catalog,
        parameters: statement.Parameters,
        *,
        pinned: bool = False,
        around: frames.Frame | None = None,
    ) -> None:
        self.catalog = known
        self.around = around
        self.caveats: list[str] = []
        self.queries: dict[str, tuple[frames.Frame, str, list[Value]]] = {}
        self.guards: list[statement.Guard] = []
        self._parameters = parameters
        self._pinned = pinned
        self._slots: list[statement.Slot] = []
        self._guarded: set[statement.Slot] = set()
        self._names = 0

    def alias(self, letter: str) -> str:
        """A name that nothing else in the statement has."""
        self._names += 1
        return f"{letter}{self._names}"

    def step(self, sql: str, *, more: bool = False) -> statement.Step:
        """A finished step with the values used since the last one; with `more`, the next step has them too."""
        used: list[int] = []

        def renumbered(match: re.Match[str]) -> str:
            if match[1] is None:
                return match[0]
            number = int(match[1]) - 1
            if number not in used:
                used.append(number)
            return f"${used.index(number) + 1}"

        # A value may have been looked at and then not be needed; PostgreSQL wants to know the type of each.
        written = _PLACES.sub(renumbered, sql)
        slots = tuple(self._slots[number] for number in used)
        if not more:
            self._slots = []
        return statement.Step(sql=written, slots=slots)

    def bind(self, parameter: tree.Parameter) -> Value:
        """A bound value as an operand, of the kind that it has now."""
        slot, bound = self._bound(parameter)
        assume = self._assumption(slot)
        found = Parameter(slot=slot, value=bound, assume=assume)
        if self._pinned:
            if isinstance(bound, str | bytes) and len(bound) > _LONGEST_CONSTANT:
                raise Untranslatable("a long bound value would have to be a constant")
            return found.pinned()
        if slot not in self._guarded:
            self._guarded.add(slot)
            kind = type(bound)
            assume(lambda later: type(later) is kind)
        if bound is None:
            return values.NULL
        if slot not in self._slots:
            self._slots.append(slot)
        sql = f"${self._slots.index(slot) + 1}"
        match bound:
            case int():
                if not values.SMALLEST <= bound <= values.LARGEST:
                    raise Untranslatable("a bound integer has more than 64 bits")
                low, high = values.SMALLEST, values.LARGEST
                return Value(kind=Kind.INTEGER, sql=f"{sql}::bigint", low=low, high=high, parameter=found)
            case float():
                return Value(kind=Kind.REAL, sql=f"{sql}::double precision", parameter=found)
            case str():
                return Value(kind=Kind.TEXT, sql=f"{sql}::text", parameter=found)
            case bytes():
                return Value(kind=Kind.BLOB, sql=f"{sql}::bytea", parameter=found)

    def _assumption(self, slot: statement.Slot) -> Callable[[Callable[[statement.Bound], bool]], None]:
        def assume(holds: Callable[[statement.Bound], bool]) -> None:
            self.guards.append(statement.Guard(slot, holds))

        return assume

    def _bound(self, parameter: tree.Parameter) -> tuple[statement.Slot, statement.Bound]:
        if isinstance(self._parameters, Mapping):
            name = parameter.slot
            if not isinstance(name, str) or name not in self._parameters:
                raise Untranslatable(f"no value is bound to {name}")
            return name, self._parameters[name]
        if parameter.number >= len(self._parameters):
            raise Untranslatable(f"no value is bound to parameter {parameter.number + 1}")
        return parameter.number, self._parameters[parameter.number]
