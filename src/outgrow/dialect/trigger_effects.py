"""What triggers read and change, by themselves and through the triggers that they fire in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from outgrow.dialect import catalog, firing, sources, trigger_sql
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import statement_tree as st
from outgrow.dialect.translation import Untranslatable
from outgrow.model import plan

__all__ = ["Effects", "effects"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Effects:
    """Whether it `fires_itself`; what it `reads` and `writes`, with all that follows; `single` if for single rows only."""

    fires_itself: bool
    reads: frozenset[str]
    writes: frozenset[str]
    single: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Own:
    """What a trigger does by itself: tables that it reads, other than its own row, and events that it causes."""

    reads: frozenset[str]
    causes: tuple[tuple[str, str, tuple[str, ...] | None], ...]


def effects(known: catalog.Catalog, trigger: plan.TriggerPlan) -> Effects:
    """The effects of a trigger of the catalog."""
    owns: dict[str, _Own] = {}
    reached = _reached(known, trigger, owns)
    reads, writes = _touches(known, trigger, owns)
    single = trigger.timing == "AFTER" and catalog.fold(trigger.table) in reads
    if trigger.timing == "AFTER":
        # SQLite fires both for one row and then for the next one; PostgreSQL first the one for all rows, then the other.
        for other in firing.of_table(known, trigger):
            if other.timing == "BEFORE" and other.event == trigger.event and not other.reason:
                first_reads, first_writes = _touches(known, other, owns)
                single = single or bool(first_writes & (reads | writes) or first_reads & writes)
    return Effects(fires_itself=trigger.name in reached, reads=reads, writes=writes, single=single)


def _touches(
    known: catalog.Catalog, trigger: plan.TriggerPlan, owns: dict[str, _Own]
) -> tuple[frozenset[str], frozenset[str]]:
    """The tables that are read and those that are written, the trigger's followers included."""
    every = {trigger.name: trigger, **_reached(known, trigger, owns)}
    reads: set[str] = set()
    writes: set[str] = set()
    for one in every.values():
        own = _own(known, one, owns)
        reads |= own.reads
        for table, event, _ in own.causes:
            writes |= firing.changed(known, table, event)
    return frozenset(reads), frozenset(writes)


def _reached(
    known: catalog.Catalog, trigger: plan.TriggerPlan, owns: dict[str, _Own]
) -> Mapping[str, plan.TriggerPlan]:
    """The triggers that it fires, and those that these fire."""
    found: dict[str, plan.TriggerPlan] = {}
    pending = [trigger]
    while pending:
        for name, event, columns in _own(known, pending.pop(), owns).causes:
            table = known.table(name)
            for one in firing.fired(known, table, event, columns) if table is not None else ():
                if one.name not in found:
                    found[one.name] = one
                    pending.append(one)
    return found


def _own(known: catalog.Catalog, trigger: plan.TriggerPlan, owns: dict[str, _Own]) -> _Own:
    found = owns.get(trigger.name)
    if found is None:
        try:
            parsed = trigger_sql.parse(trigger.sql)
            reads = set(firing.read(known, (parsed.when,)))
            for statement in parsed.body:
                reads |= _reads(known, trigger, statement)
            causes = tuple(cause for statement in parsed.body for cause in _causes(statement))
            found = _Own(reads=frozenset(reads), causes=causes)
        except Untranslatable:  # then nothing that fires it has a translation
            found = _Own(reads=frozenset(), causes=())
        owns[trigger.name] = found
    return found


def _causes(statement: st.Statement) -> Iterator[tuple[str, str, tuple[str, ...] | None]]:
    match statement:
        case st.Insert(table=table, conflicts=conflicts, resolution=resolution):
            yield catalog.fold(table.name), "INSERT", None
            for clause in conflicts:
                if clause.assignments:
                    yield catalog.fold(table.name), "UPDATE", _set(clause.assignments)
            if resolution == "REPLACE":
                yield catalog.fold(table.name), "DELETE", None
        case st.Update(table=table, assignments=assignments):
            yield catalog.fold(table.name), "UPDATE", _set(assignments)
        case st.Delete(table=table):
            yield catalog.fold(table.name), "DELETE", None


def _set(assignments: tuple[st.Assignment, ...]) -> tuple[str, ...]:
    return tuple(name for assignment in assignments for name in assignment.columns)


def _reads(known: catalog.Catalog, trigger: plan.TriggerPlan, statement: st.Statement) -> frozenset[str]:
    """The tables that a statement looks into, the one that it writes to included unless it only finds the trigger's own row."""
    match statement:
        case st.Update(table=table, where=where) if _is_own_row(known, trigger, table, where):
            return firing.read(known, (statement.assignments, statement.source, where))
        case st.Delete(table=table, where=where) if _is_own_row(known, trigger, table, where):
            return firing.read(known, (where,))
    return firing.read(known, statement)


def _is_own_row(
    known: catalog.Catalog, trigger: plan.TriggerPlan, target: st.TableSource, where: tree.Expression | None
) -> bool:
    """Whether a condition holds for the row that fired the trigger, if for any."""
    table = known.table(trigger.table)
    if table is None or where is None or catalog.fold(target.name) != catalog.fold(trigger.table):
        return False
    row = "old" if trigger.event == "DELETE" else "new"
    same: set[str] = set()
    for part in sources.conjuncts(where):
        match part:
            case tree.Binary(operator="=" | "IS", left=tree.Name() as left, right=tree.Name() as right):
                for column, value in ((left, right), (right, left)):
                    told = catalog.fold(value.table or "") == row and catalog.fold(column.table or "") not in {
                        "new",
                        "old",
                    }
                    if told and catalog.fold(column.name) == catalog.fold(value.name):
                        same.add(catalog.fold(column.name))
    alias = table.alias
    if (alias is not None and catalog.fold(alias.name) in same) or (same & catalog.ROWID and table.rowid is not None):
        return True
    keys = ({catalog.fold(name) for name in unique.columns} for unique in table.uniques if not unique.nullable)
    return any(key and key <= same for key in keys)
