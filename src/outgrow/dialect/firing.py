"""Which of the file's triggers a statement would fire, and what has no translation because of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from outgrow.dialect import catalog, sources, view_sql
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import statement_tree as st
from outgrow.dialect.translation import Untranslatable
from outgrow.model import plan

__all__ = ["changed", "delete", "fired", "insert", "is_one_row", "of_table", "read", "unwritable", "update"]


def fired(
    known: catalog.Catalog, table: catalog.Table, event: str, columns: Sequence[str] | None = None
) -> Iterator[plan.TriggerPlan]:
    """The triggers that an event fires, those of tables that foreign keys' actions change among them.

    `columns` are those that an UPDATE sets; None is any of them.
    """
    yield from _fired(known, table, event, columns, set())


def _fired(
    known: catalog.Catalog,
    table: catalog.Table,
    event: str,
    columns: Sequence[str] | None,
    seen: set[tuple[str, str]],
) -> Iterator[plan.TriggerPlan]:
    if columns is None:
        if (table.name, event) in seen:
            return
        seen.add((table.name, event))
    folded = None if columns is None else {catalog.fold(name) for name in columns}
    for trigger in table.triggers:
        of = {catalog.fold(name) for name in trigger.columns}
        if trigger.event == event and (not of or folded is None or of & folded):
            yield trigger
    for here, other, there in table.actions:
        child = known.table(other)
        if here == event and child is not None:
            yield from _fired(known, child, there, None, seen)


def _refuse(triggers: Iterator[plan.TriggerPlan]) -> None:
    for trigger in triggers:
        if trigger.reason:
            raise Untranslatable(f"it fires the trigger {trigger.name} of {trigger.table}: {trigger.reason}")


def insert(known: catalog.Catalog, table: catalog.Table, node: st.Insert) -> None:
    """Raise `Untranslatable` for an INSERT that fires what has no translation, or fires otherwise than in SQLite."""
    _refuse(fired(known, table, "INSERT"))
    for clause in node.conflicts:
        if clause.assignments:
            update(known, table, clause.assignments, alone=_is_single(node))
            # Some of several rows may be inserted and one be updated: for each trigger that is one row.
            both = [*fired(known, table, "INSERT"), *fired(known, table, "UPDATE")]
            if any(one.single or one.timing == "BEFORE" for one in both) and not _is_single(node):
                raise Untranslatable("several rows are inserted or updated, with a trigger that may see in which order")
    if node.resolution == "FAIL":
        for trigger in fired(known, table, "INSERT"):
            # What its body did before it failed would stay.
            raise Untranslatable(f"INSERT OR FAIL on a table with triggers: {trigger.name}")
    if node.resolution == "REPLACE":
        for trigger in table.triggers:
            # SQLite deletes the old row without a trigger of DELETE and inserts the new one.
            raise Untranslatable(f"REPLACE on a table with triggers: {trigger.name}")
        _refuse(fired(known, table, "DELETE"))


def _is_single(node: st.Insert) -> bool:
    first = None if node.query is None else node.query.first
    return first is None or (isinstance(first, st.Values) and len(first.rows) == 1)


def update(
    known: catalog.Catalog, table: catalog.Table, assignments: Sequence[st.Assignment], *, alone: bool = False
) -> None:
    """The same for an UPDATE; `alone` if it changes one row at most."""
    columns = [name for assignment in assignments for name in assignment.columns]
    _refuse(fired(known, table, "UPDATE", columns))
    _refuse_behind(table, fired(known, table, "UPDATE", columns), alone=alone)
    looked = read(known, tuple(assignments))
    for trigger in fired(known, table, "UPDATE", columns) if looked else ():
        # SQLite fires for each row before it computes the next one.
        if written := looked & {catalog.fold(name) for name in trigger.writes}:
            raise Untranslatable(f"SET reads {', '.join(sorted(written))}, which the trigger {trigger.name} changes")


def delete(known: catalog.Catalog, table: catalog.Table, *, alone: bool = False) -> None:
    """The same for a DELETE."""
    _refuse(fired(known, table, "DELETE"))
    _refuse_behind(table, fired(known, table, "DELETE"), alone=alone)


def _refuse_behind(table: catalog.Table, triggers: Iterator[plan.TriggerPlan], *, alone: bool) -> None:
    """Refuse what fires a trigger of another table, by a foreign key's action, that looks at the rows which are changed.

    SQLite takes the action when one of them is changed, PostgreSQL when all of them are.
    """
    for trigger in triggers:
        if not alone and trigger.table != table.name and catalog.fold(table.name) in trigger.reads:
            raise Untranslatable(
                f"the trigger {trigger.name} of {trigger.table} reads {table.name}: name one row by its key"
            )


def is_one_row(table: catalog.Table, where: tree.Expression | None) -> bool:
    """Whether a condition holds for one row at most: it tells the value of a key."""
    told: set[str] = set()
    for part in sources.conjuncts(where) if where is not None else ():
        if isinstance(part, tree.Binary) and part.operator in {"=", "IS"}:
            for column, value in ((part.left, part.right), (part.right, part.left)):
                if isinstance(column, tree.Name) and _is_told(value):
                    told.add(catalog.fold(column.name))
    alias = table.alias
    if (alias is not None and catalog.fold(alias.name) in told) or (told & catalog.ROWID and table.rowid is not None):
        return True
    keys = ({catalog.fold(name) for name in unique.columns} for unique in table.uniques if not unique.nullable)
    return any(key and key <= told for key in keys)


def _is_told(value: tree.Expression) -> bool:
    if isinstance(value, tree.Name):
        return catalog.fold(value.table or "") in {"new", "old"}
    return isinstance(value, tree.Literal | tree.Parameter)


def of_table(known: catalog.Catalog, trigger: plan.TriggerPlan) -> tuple[plan.TriggerPlan, ...]:
    """The other triggers of a trigger's table."""
    table = known.table(trigger.table)
    return tuple(one for one in table.triggers if one.name != trigger.name) if table is not None else ()


def changed(known: catalog.Catalog, name: str, event: str) -> frozenset[str]:
    """The folded names of the tables that an event changes, by foreign keys' actions too."""
    found: set[tuple[str, str]] = set()
    pending = [(catalog.fold(name), event)]
    while pending:
        one = pending.pop()
        if one in found:
            continue
        found.add(one)
        table = known.table(one[0])
        for here, other, there in table.actions if table is not None else ():
            if here == one[1]:
                pending.append((catalog.fold(other), there))
    return frozenset(table for table, _ in found)


def unwritable(known: catalog.Catalog, name: str) -> str:
    """Why nothing can be written to what is no table at the target."""
    folded = catalog.fold(name)
    if folded in known.views:
        return f"cannot modify {name} because it is a view, and INSTEAD OF triggers have no translation"
    return known.absent.get(folded) or f"no such table: {name}"


def read(known: catalog.Catalog, node: object) -> frozenset[str]:
    """The folded names of the tables that a tree reads, through views too."""
    found: set[str] = set()
    pending = list(_sources(node))
    seen: set[str] = set()
    while pending:
        name = catalog.fold(pending.pop())
        if name in seen:
            continue
        seen.add(name)
        view = known.views.get(name)
        if view is None:
            found.add(name)
        else:
            pending += _sources(view_sql.parse(view.sql).query)
    return frozenset(found)


def _sources(node: object) -> Iterator[str]:
    """The names in any FROM of a tree."""
    if isinstance(node, tuple):
        for part in node:
            yield from _sources(part)
    elif dataclasses.is_dataclass(node) and not isinstance(node, type):
        if isinstance(node, st.TableSource):
            yield node.name
        for one in dataclasses.fields(node):
            yield from _sources(getattr(node, one.name))
