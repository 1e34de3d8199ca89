"""Names for the target, each given once in its namespace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from outgrow.dialect import identifiers
from outgrow.model import plan

__all__ = ["Names"]


@dataclass(kw_only=True, slots=True)
class Names:
    """Names given in one namespace so far; the tables, indexes and sequences of a schema share theirs."""

    taken: set[str] = field(default_factory=set)

    @classmethod
    def of_schema(cls, tables: Iterable[plan.TablePlan]) -> Names:
        """The names that planned tables take in their schema, those that PostgreSQL gives by itself among them."""
        names = cls()
        for table in tables:
            names.taken |= {table.target, *(index.name for index in table.indexes)}
            if table.indexed_key:
                names.taken.add(table.key_name or f"{table.target}_pkey")
            if table.identity:
                names.taken.add(table.sequence_name or f"{table.target}_{table.identity}_seq")
        return names

    @classmethod
    def of_columns(cls, table: plan.TablePlan) -> Names:
        """The names that the columns of a planned table take."""
        return cls(taken={column.target for column in table.columns} | ({table.rowid} if table.rowid else set()))

    @classmethod
    def of_constraints(cls, table: plan.TablePlan) -> Names:
        """The names that the checks and foreign keys of a planned table take."""
        return cls(taken={constraint.name for constraint in (*table.checks, *table.foreign_keys)})

    def give(self, wanted: str) -> str:
        """A name that is free, the wanted one if possible."""
        name = identifiers.fit(wanted, self.taken)
        self.taken.add(name)
        return name

    def give_all(self, wanted: Iterable[str]) -> dict[str, str]:
        """Names for several; none that can stay as it is loses it to one that cannot."""
        return {name: self.give(name) for name in sorted(wanted, key=lambda name: identifiers.fit(name) != name)}

    def give_unless_free(self, wanted: str) -> str:
        """A name that is free, or nothing where that is the wanted one, which PostgreSQL chooses by itself."""
        name = self.give(wanted)
        return "" if name == wanted else name
