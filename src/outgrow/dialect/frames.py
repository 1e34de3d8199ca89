"""What a name can mean in a statement: the sources of a FROM, one inside the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from outgrow.dialect import catalog, functions
from outgrow.dialect import expression_tree as tree
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["Field", "Frame", "Origin", "of_table", "seen"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A column of a source, as SQLite names it."""

    name: str
    value: Value


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """One source in a FROM: a table, a subquery or a common table expression, under an alias of PostgreSQL's own.

    `rowid` is its rowid, or None; `keys` are the sets of columns, by SQL, that determine a row of it, and `primary` is the
    one of them that PostgreSQL knows. One that stands `aside` is only meant where its name is told: `excluded`.
    """

    name: str
    alias: str
    fields: tuple[Field, ...]
    rowid: Value | None = None
    keys: tuple[frozenset[str], ...] = ()
    primary: frozenset[str] = frozenset()
    is_table: bool = False
    aside: bool = False

    def field(self, name: str) -> Value | None:
        """The column of that name."""
        folded = catalog.fold(name)
        for one in self.fields:
            if catalog.fold(one.name) == folded:
                return one.value
        return None


@dataclass(kw_only=True)
class Frame:
    """The sources of one SELECT. `merged` are columns of USING by folded name; `covered` those of a right side that hide.

    Where groups are made of its rows, a query inside may name what `grouped` has the terms for, and nothing else.
    """

    origins: list[Origin] = field(default_factory=list)
    outer: Frame | None = None
    merged: dict[str, Value] = field(default_factory=dict)
    covered: set[tuple[str, str]] = field(default_factory=set)
    aliases: dict[str, tree.Expression] = field(default_factory=dict)
    grouped: Mapping[str, str] | None = None

    def chain(self) -> Iterator[Frame]:
        """This frame and those around it, from the inside."""
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.outer

    def column(self, name: str, table: str | None) -> Value | None:
        """What a name means in this frame alone, aliases apart; raises `Untranslatable` if it means two things."""
        folded = catalog.fold(name)
        named = [
            origin
            for origin in self.origins
            if (not origin.aside if table is None else catalog.fold(origin.name) == catalog.fold(table))
        ]
        if table is None and folded in self.merged:
            return self.merged[folded]
        found = [
            (origin, value)
            for origin in named
            if (value := origin.field(name)) is not None
            and (table is not None or (origin.alias, folded) not in self.covered)
        ]
        if not found and folded in catalog.ROWID:
            return self._rowid(named)
        if len(found) > 1:
            raise Untranslatable(f"{name} is the name of columns of several tables")
        return found[0][1] if found else None

    def _rowid(self, named: list[Origin]) -> Value | None:
        tables = [origin for origin in named if origin.is_table]
        if not tables:
            return None
        if len(tables) > 1:
            raise Untranslatable("rowid is the name of columns of several tables")
        if tables[0].rowid is None:
            raise Untranslatable(f"the rowid of {tables[0].name} is not kept in PostgreSQL")
        return tables[0].rowid

    def star(self, table: str | None) -> list[Field]:
        """The columns of `*` or `table.*`, in SQLite's order."""
        found: list[Field] = []
        known = False
        for origin in self.origins:
            if table is not None and catalog.fold(origin.name) != catalog.fold(table):
                continue
            if origin.aside and table is None:
                continue
            known = True
            for one in origin.fields:
                folded = catalog.fold(one.name)
                if table is None and (origin.alias, folded) in self.covered:
                    continue
                merged = self.merged.get(folded) if table is None else None
                found.append(one if merged is None else Field(name=one.name, value=merged))
        if not known:
            raise Untranslatable(f"no such table: {table}" if table else "no tables specified")
        return found

    def merge(self, kind: str, name: str, left: Value, origin: Origin, right: Value) -> None:
        """Let a name of USING mean one column of both sides."""
        folded = catalog.fold(name)
        self.covered.add((origin.alias, folded))
        if kind in {"right", "full"}:
            branches = functions.unify([left, right])
            whole = functions.merged(f"coalesce({branches[0].sql}, {branches[1].sql})", branches)
            left = dataclasses.replace(whole, affinity=left.affinity, collation=left.collation)
        self.merged[folded] = left


def of_table(table: catalog.Table, name: str, alias: str) -> Origin:
    """A table as a source."""
    fields = tuple(Field(name=column.name, value=catalog.view(column, alias)) for column in table.columns)
    rowid = None
    if table.rowid is not None:
        own = next((one.value for column, one in zip(table.columns, fields, strict=True) if column.identity), None)
        rowid = own or catalog.rowid(table, alias)
    keys: list[frozenset[str]] = [frozenset({rowid.sql})] if rowid is not None else []
    primary: frozenset[str] = keys[0] if table.hidden_rowid and keys else frozenset()
    by_name = {one.name: one.value for one in fields}
    for unique in table.uniques:
        if unique.nullable or unique.where is not None or not all(name in by_name for name in unique.columns):
            continue
        values = [by_name[name] for name in unique.columns]
        primary = primary or frozenset(value.column for value in values)
        if all(value.collation == "BINARY" for value in values):
            keys.append(frozenset(value.column for value in values))
    return Origin(name=name, alias=alias, fields=fields, rowid=rowid, keys=tuple(keys), primary=primary, is_table=True)


def seen(value: Value, sql: str) -> Value:
    """A value of a subquery as a column of it: its kind and affinity, but not what was known of how it is made."""
    if value.kind is Kind.OPAQUE:
        raise Untranslatable(value.reason)
    return Value(
        kind=value.kind,
        sql=sql,
        affinity=value.affinity,
        collation=value.collation,
        collated=value.kind is Kind.TEXT,
        low=value.low,
        high=value.high,
        wide=value.kind is Kind.INTEGER,
        column=sql,
        decimal=value.decimal,
    )
