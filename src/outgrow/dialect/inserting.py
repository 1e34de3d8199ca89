"""INSERT and REPLACE, with SQLite's resolution of conflicts, and ids that the sequence follows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from outgrow import codec as codecs
from outgrow.dialect import binding, catalog, firing, frames, query, statement, storing, walk, writes
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import statement_tree as st
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value
from outgrow.model import schema

__all__ = ["Written", "insert"]

_NOT_NULL, _CHECK = "23502", "23514"


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """The steps of an INSERT; `ignored` are errors that mean that nothing was written and all is well."""

    steps: tuple[statement.Step, ...]
    gives_rowid: bool
    ignored: frozenset[str] = frozenset()


def insert(node: st.Insert, bound: binding.Binding) -> Written:
    """An INSERT."""
    return _Insert(node, bound).written()


class _Insert:
    def __init__(self, node: st.Insert, bound: binding.Binding) -> None:
        self.node = node
        self.bound = bound
        self.known = writes.table(bound, node.table)
        self.columns = self._columns()
        self.queries = query.Queries(bound)
        self.explicit = False  # an id may be told: the sequence has to follow it
        self.single = False
        self.cells: list[str] = []

    def _columns(self) -> list[catalog.Column]:
        known = self.known
        if not self.node.columns:
            found = [column for column in known.columns if not column.generated] if self.node.query is not None else []
        else:
            found = [self._column(name) for name in self.node.columns]
        if len({column.target for column in found}) != len(found):
            raise Untranslatable("a column is named twice")
        for column in known.columns:
            if column.lost_default and column not in found:
                raise Untranslatable(f"the default of {column.lost_default}")
        return found

    def _column(self, name: str) -> catalog.Column:
        column = self.known.column(name)
        if column is None and catalog.fold(name) in catalog.ROWID:
            column = self.known.alias or _rowid_column(self.known)
        if column is None:
            raise Untranslatable(f"table {self.known.name} has no column named {name}")
        if column.generated:
            raise Untranslatable(f"cannot INSERT into generated column {column.name}")
        return column

    def written(self) -> Written:
        node, known = self.node, self.known
        firing.insert(self.bound.catalog, known, node)
        if node.resolution in {"ROLLBACK"}:
            raise Untranslatable(
                "INSERT OR ROLLBACK ends the transaction: write INSERT, and roll back where it raises IntegrityError"
            )
        if node.conflicts and node.resolution != "ABORT":
            raise Untranslatable(f"INSERT OR {node.resolution} with ON CONFLICT")
        head = self.queries.with_clause(node.ctes, None)
        own = self.bound.alias("t")
        rows = self._rows()
        if node.resolution == "FAIL" and not self.single:
            raise Untranslatable(
                "INSERT OR FAIL keeps the rows before the one that fails: insert one row at a time, or write INSERT"
            )
        several = self._replaces_by_several_keys()
        conflict, ignored, updated = ("", frozenset[str](), False) if several else self._conflict(own)
        names = ", ".join(column.target for column in self.columns)
        listed = f" ({names})" if names else ""
        target = frames.of_table(known, node.table.alias or node.table.name, own)
        shown = walk.Walk(self.bound, frames.Frame(origins=[target]), self.queries.inside)
        rowid = None
        # Nobody asks for the rowid of a row that a trigger writes.
        if target.rowid is not None and known.rowid is not None and (self.explicit or self.bound.around is None):
            rowid = self._rowid(target.rowid.sql, updated=updated)
        tail = writes.returning(node.returning, shown, rowid)
        sql = f"{head}INSERT INTO {known.sql} AS {own}{listed} {rows}{conflict}{tail}"
        steps = (*self._removed(), self.bound.step(sql)) if several else (self.bound.step(sql),)
        return Written(steps=steps, gives_rowid=rowid is not None, ignored=ignored)

    def _replaces_by_several_keys(self) -> bool:
        return self.node.resolution == "REPLACE" and (
            len(self.known.uniques) > 1 or any(unique.where is not None for unique in self.known.uniques)
        )

    def _removed(self) -> Iterator[statement.Step]:
        """OR REPLACE of a row into a table with several keys: what is in the way of the row goes first, by each key."""
        source = self.node.query
        if source is None or not isinstance(source.first, st.Values) or not self.single or self.node.ctes:
            raise Untranslatable("INSERT OR REPLACE of several rows, of a table with several keys")
        if self.known.referenced:
            raise Untranslatable("REPLACE deletes a row that foreign keys point to")
        if self.bound.around is not None:
            raise Untranslatable("INSERT OR REPLACE in a trigger, of a table with several keys")
        cells = dict(zip((column.name for column in self.columns), self.cells, strict=True))
        conditions: list[str] = []
        for unique in self.known.uniques:
            if not unique.columns or unique.where is not None:
                raise Untranslatable("INSERT OR REPLACE of a table with a unique index of some of its rows")
            tests = [self._same(term, name, cells) for term, name in zip(unique.terms, unique.columns, strict=True)]
            if all(tests):
                conditions.append(" AND ".join(tests))
        if conditions:
            yield self.bound.step(f"DELETE FROM {self.known.sql} WHERE {' OR '.join(conditions)}", more=True)

    def _same(self, term: str, name: str, cells: Mapping[str, str]) -> str:
        """The condition that a row's term of a key is the new one's; empty if it cannot be."""
        column = self.known.column(name)
        target = self.known.rowid if column is None else column.target
        cell = cells.get(name, "DEFAULT")
        if cell == "DEFAULT":
            cell = "NULL" if column is None or column.identity or column.default is None else column.default
        if cell == "NULL" or target is None:
            return ""
        if column is not None and column.generated:
            raise Untranslatable("INSERT OR REPLACE of a table with a key of a generated column")
        if any(volatile in cell for volatile in ("nextval(", "random", "clock_timestamp(")):
            raise Untranslatable(f"the value of {name} would be computed twice")
        return f"{term} = {term.replace(target, f'({cell})')}"

    def _rowid(self, sql: str, *, updated: bool) -> str:
        """The rowid of a written row, NULL for one that DO UPDATE changed; an id that was told moves the sequence behind it."""
        found = sql
        if self.explicit:
            sequence = self.known.rowid_sequence
            found = (
                f"CASE WHEN {sql} > coalesce(pg_catalog.pg_sequence_last_value({sequence}), 0)"
                f" THEN pg_catalog.setval({sequence}, {sql}) ELSE {sql} END"
            )
        own = sql.split(".", 1)[0]
        return f"CASE WHEN {own}.xmax = 0 THEN {found} END" if updated else found

    def _rows(self) -> str:
        """VALUES or a SELECT, each value stored as its column stores it."""
        source = self.node.query
        if source is None:
            self.single = True
            return "DEFAULT VALUES"
        if isinstance(source.first, st.Values) and not (source.rest or source.ctes or source.order or source.limit):
            self.single = len(source.first.rows) == 1
            names = walk.Walk(self.bound, frames.Frame(), self.queries.inside)
            written = [self._row(row, names) for row in source.first.rows]
            self.cells = written[0]
            listed = ", ".join("(" + ", ".join(cells) + ")" for cells in written)
            return f"VALUES {listed}"
        relation = self.queries.relation(source, None)
        self._counted(len(relation.columns))
        own = self.bound.alias("i")
        cells = [
            self._selected(frames.seen(found, f"{own}.c{at}") if found.kind is not Kind.NULL else found, column)
            for at, (found, column) in enumerate(zip(relation.columns, self.columns, strict=True), start=1)
        ]
        return f"SELECT {', '.join(cells)} FROM ({relation.sql}) AS {own}"

    def _counted(self, number: int) -> None:
        if number != len(self.columns):
            raise Untranslatable(f"{number} values for {len(self.columns)} columns")

    def _row(self, row: Sequence[tree.Expression], names: walk.Walk) -> list[str]:
        self._counted(len(row))
        cells: list[str] = []
        for expression, column in zip(row, self.columns, strict=True):
            found = names.value(expression)
            if found.kind is Kind.NULL and (column.identity or self._replaced_null(column)):
                cells.append("DEFAULT")
            elif column.identity:
                self.explicit = True
                plain = found.constant or found.parameter is not None
                cells.append(storing.store(found, column) if plain else self._id(found, column))
            else:
                cells.append(storing.store(found, column))
        return cells

    def _replaced_null(self, column: catalog.Column) -> bool:
        """OR REPLACE puts the default in the place of a NULL that cannot be."""
        return self.node.resolution == "REPLACE" and column.not_null and column.default is not None

    def _selected(self, found: Value, column: catalog.Column) -> str:
        if column.identity:
            self.explicit = True
            return self._id(found, column)
        if self._replaced_null(column):
            return f"coalesce({storing.store(found, column)}, {column.default})"
        if found.kind is Kind.NULL:
            return f"NULL::{column.sql_type}"
        return storing.store(found, column)

    def _id(self, found: Value, column: catalog.Column) -> str:
        following = f"pg_catalog.nextval({self.known.rowid_sequence})"
        return following if found.kind is Kind.NULL else f"coalesce({storing.store(found, column)}, {following})"

    def _conflict(self, own: str) -> tuple[str, frozenset[str], bool]:
        """ON CONFLICT, the errors that are ignored, and whether rows may be updated whose id is none of this statement's."""
        node = self.node
        if node.resolution == "IGNORE":
            # With triggers the error may be of a row that one of them writes.
            ignored = frozenset({_NOT_NULL, _CHECK}) if self.single and not self.known.triggers else frozenset()
            return " ON CONFLICT DO NOTHING", ignored, False
        if node.resolution == "REPLACE":
            return self._replace(), frozenset(), False
        if not node.conflicts:
            return "", frozenset(), False
        if len(node.conflicts) > 1:
            raise Untranslatable("several ON CONFLICT clauses")
        clause = node.conflicts[0]
        if clause.target_where is not None:
            raise Untranslatable("ON CONFLICT of a partial index")
        target = "" if clause.target is None else self._target(clause.target)
        if not clause.assignments:
            return f" ON CONFLICT{target} DO NOTHING", frozenset(), False
        if not target:
            target = self._only_unique("ON CONFLICT without a target")
        here = frames.of_table(self.known, node.table.alias or node.table.name, own)
        excluded = dataclasses.replace(frames.of_table(self.known, "excluded", "excluded"), aside=True)
        names = walk.Walk(self.bound, frames.Frame(origins=[here, excluded]), self.queries.inside)
        changed = writes.assignments(clause.assignments, self.known, names)
        where = "" if clause.where is None else f" WHERE {names.condition(clause.where)}"
        return f" ON CONFLICT{target} DO UPDATE SET {changed}{where}", frozenset(), True

    def _target(self, terms: Sequence[tree.Expression]) -> str:
        wanted: set[str] = set()
        for term in terms:
            if not isinstance(term, tree.Name):
                raise Untranslatable("ON CONFLICT of an expression")
            wanted.add(catalog.fold(self._column(term.name).name))
        for unique in self.known.uniques:
            if unique.where is None and unique.columns and {catalog.fold(name) for name in unique.columns} == wanted:
                return f" ({', '.join(unique.terms)})"
        raise Untranslatable("ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint")

    def _only_unique(self, what: str) -> str:
        if len(self.known.uniques) != 1 or self.known.uniques[0].where is not None:
            raise Untranslatable(f"{what}, of a table with several keys")
        return f" ({', '.join(self.known.uniques[0].terms)})"

    def _replace(self) -> str:
        """OR REPLACE of a table with one key: the row's other columns become those of the new one, or their defaults."""
        if not self.known.uniques:
            return ""
        target = self._only_unique("INSERT OR REPLACE")
        if self.known.referenced:
            raise Untranslatable("REPLACE deletes a row that foreign keys point to")
        key = set(self.known.uniques[0].columns)
        others = [
            c
            for c in self.known.columns
            if not c.generated and not (c.identity or (c.name in key and c.collation == "BINARY"))
        ]
        if not others:
            return f" ON CONFLICT{target} DO UPDATE SET {self._key_itself()}"
        changed = ", ".join(f"{column.target} = excluded.{column.target}" for column in others)
        return f" ON CONFLICT{target} DO UPDATE SET {changed}"

    def _key_itself(self) -> str:
        column = next(column for column in self.known.columns if not column.generated)
        return f"{column.target} = excluded.{column.target}"


def _rowid_column(known: catalog.Table) -> catalog.Column | None:
    """The rowid as a column to write to, where the target has one of its own for it."""
    if known.rowid is None:
        return None
    return catalog.Column(
        name="rowid",
        target=catalog.rowid(known, "t").sql.split(".", 1)[1],
        affinity=schema.Affinity.INTEGER,
        codec=codecs.Bigint(),
        sql_type="bigint",
        collation="BINARY",
        not_null=True,
        default=None,
        generated=False,
        identity=True,
    )
