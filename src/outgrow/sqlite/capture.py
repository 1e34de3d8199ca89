"""Capture in the file: the SQL of the log, of the triggers that write the keys of touched rows into it, and of the fence.

Everything here only makes statements. The triggers run inside the application's SQLite, which may be old: nothing in them is
newer than 3.8.0, or than the feature of the application's own schema that asks for it. They name key columns and the columns of
unique indexes, but no others: SQLite refuses to drop a column that a trigger names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from outgrow.dialect import identifiers
from outgrow.model import own, plan, schema
from outgrow.sqlite import file_state, victims

__all__ = [
    "FENCE_PREFIX",
    "HELD",
    "LOG",
    "PREFIX",
    "Captured",
    "Difference",
    "column",
    "compare",
    "create_log",
    "drop",
    "drop_fence",
    "expected",
    "fence",
    "guards",
    "triggers",
    "widen_log",
]

PREFIX = own.PREFIX
LOG = f"{PREFIX}log"
FENCE = f"{PREFIX}fence"
FENCE_PREFIX = "outgrow: fenced: this file is not the primary"
"""What the message of every refused write begins with."""

HELD = f"SELECT name,sql FROM sqlite_master WHERE type='trigger' AND substr(name,1,{len(PREFIX)})='{PREFIX}'"
"""The query for the triggers of outgrow's that a file holds."""

_NUMBERED = re.compile(rf"{PREFIX}(\d+)_")


@dataclass(frozen=True, kw_only=True, slots=True)
class Captured:
    """A table whose changes are logged, under its number in the log."""

    number: int
    plan: plan.TablePlan
    table: schema.Table

    @property
    def key(self) -> tuple[str, ...]:
        """The columns whose values identify a row in the log; empty where the rowid does."""
        return () if self.plan.rowid is not None else self.plan.key

    @property
    def terms(self) -> tuple[str, ...]:
        """The key as SQL names."""
        return tuple(map(identifiers.quote_sqlite, self.key)) or (str(self.table.rowid_name),)


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """What a file lacks (gone or altered; by name, with its SQL) and what it has too much."""

    lost: Mapping[str, str]
    strange: tuple[str, ...]

    @property
    def tables(self) -> frozenset[int]:
        """The numbers of tables of which changes may not have been logged."""
        return frozenset(int(found[1]) for name in self.lost if (found := _NUMBERED.match(name)))


def column(number: int) -> str:
    """The log's column for a part of the key, counted from 1."""
    return f"k{number}"


def create_log(width: int) -> str:
    """The log for keys of up to `width` columns.

    `t` is the table's number, `k1`, … the key as stored (the columns have no affinity), and `token` a random number that
    tells a row of the log from another one with the same `seq`, after a power cut or in a restored copy.
    """
    return f"CREATE TABLE {LOG}(seq INTEGER PRIMARY KEY,t,token,{_columns(width)})"


def widen_log(before: int, after: int) -> tuple[str, ...]:
    """The statements that make a log for keys of `before` columns one for `after`."""
    return tuple(f"ALTER TABLE {LOG} ADD COLUMN {column(number)}" for number in range(before + 1, after + 1))


def triggers(captured: Captured, database: schema.Database) -> Mapping[str, str]:
    """The triggers of a table by name: keys of written rows after the write, of rows that it may replace before it."""
    on = identifiers.quote_sqlite(captured.table.name)
    new, old = (_log(captured, f"VALUES({_row(captured, f'{row}.')})") for row in ("new", "old"))
    moved, names = _moved(captured)
    made = {
        "insert": f"AFTER INSERT ON {on} BEGIN {new} END",
        "update": f"AFTER UPDATE ON {on} BEGIN {new} END",
        # Before, because a row that replaces its own parent is deleted by the cascade instead of updated.
        "move": f"BEFORE UPDATE OF {','.join(names)} ON {on} WHEN {moved} BEGIN {old} {new} END",
        "delete": f"BEFORE DELETE ON {on} BEGIN {old} END",
    }
    if _converted(captured, database):
        made["given"] = f"BEFORE INSERT ON {on} BEGIN {new} END"
    # The alias keeps a table named "new" from hiding NEW.
    found = {
        lookup: _log(captured, f"SELECT {_row(captured)} FROM {on} AS _outgrow_row WHERE {lookup.where}")
        for lookup in victims.lookups(captured.table, captured.key)
    }
    if found:
        made["replace"] = f"BEFORE INSERT ON {on} BEGIN {' '.join(found.values())} END"
    for lookup, statement in found.items():
        if lookup.columns:
            of, when = ",".join(lookup.columns), lookup.changed
            made[f"replace_{lookup.name}"] = f"BEFORE UPDATE OF {of} ON {on} WHEN {when} BEGIN {statement} END"
    return _named(f"{PREFIX}{captured.number}_", made)


def _converted(captured: Captured, database: schema.Database) -> bool:
    """Whether an AFTER trigger may see another key than the one that is stored: '007' in a column TEXT as the integer 7.

    Up to 3.40 at least, looking for a foreign key's children through an index applies the affinity of the child's column to
    NEW or OLD itself. That happens after the BEFORE triggers.
    """
    table = captured.table
    for child in database.tables:
        for key in child.foreign_keys:
            if schema.fold(key.parent) != schema.fold(table.name):
                continue
            for name, parent_name in zip(key.columns, key.parent_columns, strict=False):
                affinity, parent = child.column(name).affinity, table.column(parent_name).affinity
                text = parent is schema.Affinity.TEXT and affinity is not schema.Affinity.BLOB
                if parent_name in captured.key and affinity is not parent and (text or parent is schema.Affinity.BLOB):
                    return True
    return False


def _moved(captured: Captured) -> tuple[str, Sequence[str]]:
    """The condition that an UPDATE changes the key, and the names in it that can."""
    table, key = captured.table, captured.key
    if not key or key == (table.rowid_alias,):
        (term,) = captured.terms
        return f"old.{term}<>new.{term}", victims.rowid_names(table)
    return victims.changed(map(table.column, key)), captured.terms


def _row(captured: Captured, qualifier: str = "") -> str:
    return ",".join([str(captured.number), "random()", *(qualifier + term for term in captured.terms)])


def _log(captured: Captured, rows: str) -> str:
    return f"INSERT INTO {LOG}(t,token,{_columns(len(captured.terms))}) {rows};"


def _columns(width: int) -> str:
    return ",".join(map(column, range(1, width + 1)))


def guards(number: int, table: schema.Table) -> Mapping[str, str]:
    """The triggers, by name, that refuse writes to a table outside the plan while the file is not the primary by its state.

    Such a table has no capture triggers that would meet the fence. `number` counts these tables by themselves.
    """
    on = identifiers.quote_sqlite(table.name)
    when = f"WHEN (SELECT primary_store FROM {file_state.STATE})<>'sqlite'"
    body = f"BEGIN SELECT RAISE(ABORT,'{FENCE_PREFIX}'); END"
    made = {event.lower(): f"BEFORE {event} ON {on} {when} {body}" for event in ("INSERT", "UPDATE", "DELETE")}
    return _named(f"{PREFIX}guard_{number}_", made)


def fence(epoch: int) -> str:
    """The fence: no row can be logged any more, so no captured table can be written, whatever the conflict clause.

    `epoch` is the one in which the file is not the primary.
    """
    return (
        f"CREATE TRIGGER {FENCE} BEFORE INSERT ON {LOG}"
        f" BEGIN SELECT RAISE(ABORT,'{FENCE_PREFIX} of epoch {epoch}'); END"
    )


def drop_fence() -> str:
    """The statement that opens the file again."""
    return f"DROP TRIGGER IF EXISTS {FENCE}"


def drop(names: Iterable[str]) -> tuple[str, ...]:
    """The statements that drop triggers."""
    return tuple(f"DROP TRIGGER IF EXISTS {identifiers.quote_sqlite(name)}" for name in names)


def expected(tables: Iterable[Captured], database: schema.Database, *, epoch: int | None = None) -> Mapping[str, str]:
    """The triggers that must be there, by name: capture, guards on all other tables, with `epoch` also the fence."""
    found: dict[str, str] = {}
    captured = list(tables)
    for each in captured:
        found |= triggers(each, database)
    names = {each.table.name for each in captured}
    left_out = [table for table in database.tables if table.name not in names]
    for number, table in enumerate(left_out, 1):
        found |= guards(number, table)
    return found if epoch is None else {**found, FENCE: fence(epoch)}


def compare(wanted: Mapping[str, str], held: Mapping[str, str]) -> Difference:
    """What has to be done about a file that holds `held` (see `HELD`; SQLite keeps the text of a trigger as it was given)."""
    return Difference(
        lost={name: sql for name, sql in wanted.items() if held.get(name) != sql},
        strange=tuple(name for name in held if name not in wanted),
    )


def _named(prefix: str, made: Mapping[str, str]) -> Mapping[str, str]:
    return {prefix + what: f"CREATE TRIGGER {prefix}{what} {sql}" for what, sql in made.items()}
