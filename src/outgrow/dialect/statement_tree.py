"""The tree of a SQLite statement: frozen nodes as written, no name resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from outgrow.dialect import expression_tree as tree

__all__ = [
    "Assignment",
    "Bound",
    "Column",
    "Conflict",
    "Create",
    "Cte",
    "Delete",
    "Insert",
    "Item",
    "Join",
    "Order",
    "Query",
    "Select",
    "Source",
    "Statement",
    "SubquerySource",
    "TableFunction",
    "TableSource",
    "Update",
    "Values",
    "Window",
]


@dataclass(frozen=True, slots=True)
class Order:
    """A term of ORDER BY; `nulls_first` is None where it is not told."""

    expression: tree.Expression
    descending: bool = False
    nulls_first: bool | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a window's frame: `unbounded`, `current` or a number of rows, before or after."""

    kind: str
    preceding: bool = True
    offset: tree.Expression | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """What stands after OVER, or in a WINDOW clause; `base` names another one."""

    base: str | None = None
    partition: tuple[tree.Expression, ...] = ()
    order: tuple[Order, ...] = ()
    unit: str | None = None
    start: Bound | None = None
    end: Bound | None = None
    exclude: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A result column: an expression, or with `expression` None a star, of one table or of all.

    `text` is the expression as written: its name, where it has no other.
    """

    expression: tree.Expression | None
    alias: str | None = None
    table: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class TableSource:
    name: str
    alias: str | None = None
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class TableFunction:
    name: str
    arguments: tuple[tree.Expression, ...]
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class SubquerySource:
    query: Query
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Join:
    """Two sources joined; `kind` is inner, left, right or full. `using` are the names of USING."""

    left: Source
    right: Source
    kind: str = "inner"
    natural: bool = False
    on: tree.Expression | None = None
    using: tuple[str, ...] = ()


Source: TypeAlias = TableSource | TableFunction | SubquerySource | Join


@dataclass(frozen=True, slots=True)
class Select:
    """One SELECT, without what belongs to a whole compound."""

    columns: tuple[Column, ...]
    source: Source | None = None
    where: tree.Expression | None = None
    group: tuple[tree.Expression, ...] = ()
    having: tree.Expression | None = None
    distinct: bool = False
    windows: tuple[tuple[str, Window], ...] = ()


@dataclass(frozen=True, slots=True)
class Values:
    rows: tuple[tuple[tree.Expression, ...], ...]


@dataclass(frozen=True, slots=True)
class Cte:
    """A common table expression; `materialized` is None where it is not told."""

    name: str
    columns: tuple[str, ...]
    query: Query
    materialized: bool | None = None


Item: TypeAlias = Select | Values


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query: the first SELECT or VALUES, then operators with further ones.

    One that stands `alone` is a view's: it sees no common table expressions around it.
    """

    first: Item
    rest: tuple[tuple[str, Item], ...] = ()
    ctes: tuple[Cte, ...] = ()
    recursive: bool = False
    order: tuple[Order, ...] = ()
    limit: tree.Expression | None = None
    offset: tree.Expression | None = None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Assignment:
    """`columns = expression` of SET."""

    columns: tuple[str, ...]
    expression: tree.Expression


@dataclass(frozen=True, slots=True)
class Conflict:
    """ON CONFLICT; without `assignments` DO NOTHING. `target` are the terms told, none told is None."""

    target: tuple[tree.Expression, ...] | None = None
    target_where: tree.Expression | None = None
    assignments: tuple[Assignment, ...] = ()
    where: tree.Expression | None = None


@dataclass(frozen=True, slots=True)
class Insert:
    """`query` None is DEFAULT VALUES; `resolution` is what follows OR, in upper case."""

    table: TableSource
    columns: tuple[str, ...] = ()
    query: Query | None = None
    resolution: str = "ABORT"
    conflicts: tuple[Conflict, ...] = ()
    returning: tuple[Column, ...] = ()
    ctes: tuple[Cte, ...] = ()
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    table: TableSource
    assignments: tuple[Assignment, ...]
    source: Source | None = None
    where: tree.Expression | None = None
    resolution: str = "ABORT"
    returning: tuple[Column, ...] = ()
    ctes: tuple[Cte, ...] = ()
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    table: TableSource
    where: tree.Expression | None = None
    returning: tuple[Column, ...] = ()
    ctes: tuple[Cte, ...] = ()
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class Create:
    """CREATE of a table, an index, a view or a trigger, only as far as IF NOT EXISTS needs it."""

    kind: str
    name: str
    if_not_exists: bool = field(default=False)


Statement: TypeAlias = Query | Insert | Update | Delete | Create
