"""What statements may name: the tables of a plan by their names in SQLite, and what is known of their columns."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from outgrow import codec as codecs
from outgrow.dialect import affinity, identifiers, variants
from outgrow.dialect.value import Kind, Native, Value
from outgrow.model import plan, schema

__all__ = ["ROWID", "Catalog", "Column", "Table", "Unique", "fold", "rowid", "view"]

ROWID = frozenset({"rowid", "oid", "_rowid_"})
_BITS = {"smallint": 15, "integer": 31, "bigint": 63}
_MOMENTS = frozenset({"date", "time", "timestamp", "timestamptz"})
_NUMERIC = frozenset({schema.Affinity.INTEGER, schema.Affinity.NUMERIC})
_ACTION = re.compile(r" ON (UPDATE|DELETE) (CASCADE|SET NULL|SET DEFAULT)")


def fold(name: str) -> str:
    """A name as SQLite compares names: ASCII letters in lower case."""
    return "".join(character.lower() if character.isascii() else character for character in name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column; `target` is its quoted name in PostgreSQL. `lost_default` is why its default did not arrive."""

    name: str
    target: str
    affinity: schema.Affinity
    codec: codecs.Codec
    sql_type: str
    collation: str
    not_null: bool
    default: str | None
    generated: bool
    identity: bool
    lost_default: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unique:
    """A key or a unique index: its terms as PostgreSQL's SQL, the columns they are of, and its predicate.

    `columns` is empty for an index with a term that is no column.
    """

    terms: tuple[str, ...]
    columns: tuple[str, ...]
    where: str | None = None
    nullable: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table; `sql` is its quoted name in PostgreSQL. `rowid` is the target column that holds the rowid, if one does.

    `hidden_rowid` says that this column is none of the file's. `triggers` are the file's, translated or not; `referenced` says
    that foreign keys point to it, and `actions` what their actions do where it is written to: an event here, and the table and
    the event there.
    """

    name: str
    sql: str
    columns: tuple[Column, ...]
    uniques: tuple[Unique, ...]
    rowid: str | None = None
    hidden_rowid: bool = False
    has_rowid: bool = True
    triggers: tuple[plan.TriggerPlan, ...] = ()
    referenced: bool = False
    actions: tuple[tuple[str, str, str], ...] = ()

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        folded = fold(name)
        return next((column for column in self.columns if fold(column.name) == folded), None)

    @property
    def alias(self) -> Column | None:
        """The column that is the rowid."""
        return next((column for column in self.columns if column.identity), None)

    @property
    def rowid_sequence(self) -> str:
        """The sequence of the rowid, as an expression."""
        name = self.sql.replace("'", "''")
        column = str(self.rowid).replace("'", "''")
        return f"pg_catalog.pg_get_serial_sequence('{name}', '{column}')::pg_catalog.regclass"


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalog:
    """The tables and views by their folded names, those of indexes and triggers, and what did not arrive, by folded name."""

    tables: Mapping[str, Table]
    indexes: frozenset[str] = frozenset()
    absent: Mapping[str, str] = dataclasses.field(default_factory=dict)
    views: Mapping[str, plan.ViewPlan] = dataclasses.field(default_factory=dict)
    triggers: frozenset[str] = frozenset()

    @classmethod
    def of(cls, planned: plan.Plan) -> Catalog:
        """The catalog of a plan."""
        omitted: dict[str, list[plan.Omission]] = {}
        for omission in planned.omissions:
            omitted.setdefault(fold(omission.table), []).append(omission)
        tables = {
            fold(table.source): _table(planned, table, omitted.get(fold(table.source), [])) for table in planned.tables
        }
        absent = {
            fold(omission.name): f"the {omission.kind} {omission.name} is not in PostgreSQL: {omission.reason}"
            for omission in planned.omissions
            if not omission.table or fold(omission.name) == fold(omission.table)
        }
        indexes = frozenset(fold(index.source or index.name) for table in planned.tables for index in table.indexes)
        return cls(
            tables=tables,
            indexes=indexes,
            absent=absent,
            views={fold(view.name): view for view in planned.views},
            triggers=frozenset(fold(trigger.name) for trigger in planned.triggers),
        )

    def table(self, name: str) -> Table | None:
        """The table of that name."""
        return self.tables.get(fold(name))


def _actions(whole: plan.Plan, table: plan.TablePlan) -> Iterator[tuple[str, str, str]]:
    for other in whole.tables:
        for key in other.foreign_keys:
            for event, action in _ACTION.findall(key.definition) if key.parent == table.source else ():
                yield event, other.source, "DELETE" if (event, action) == ("DELETE", "CASCADE") else "UPDATE"


def _table(whole: plan.Plan, planned: plan.TablePlan, omitted: Sequence[plan.Omission]) -> Table:
    lost = [omission.reason for omission in omitted if omission.kind == "default"]
    columns = tuple(
        _column(column, next((reason for reason in lost if reason.startswith(f"{column.source}: ")), ""))
        for column in planned.columns
    )
    rowid = planned.identity
    uniques: list[Unique] = []
    if planned.indexed_key:
        by_target = {column.target: column for column in planned.columns}
        uniques.append(
            Unique(
                terms=tuple(identifiers.quote(name) for name in planned.indexed_key),
                columns=tuple(by_target[name].source if name in by_target else "rowid" for name in planned.indexed_key),
                nullable=False,
            )
        )
    folded = {term: column.name for column in columns for term in _terms(column)}
    for index in planned.indexes:
        if index.unique:
            terms = tuple(term.removesuffix(" DESC") for term in index.terms)
            known = all(term in folded for term in terms)
            named = tuple(folded[term] for term in terms) if known else ()
            uniques.append(Unique(terms=terms, columns=named, where=index.where))
    return Table(
        name=planned.source,
        sql=f"{identifiers.quote(whole.schema)}.{identifiers.quote(planned.target)}",
        columns=columns,
        uniques=tuple(uniques),
        rowid=rowid,
        hidden_rowid=planned.rowid is not None,
        has_rowid=planned.rowid_name is not None,
        triggers=tuple(trigger for trigger in whole.triggers if trigger.table == planned.source),
        referenced=any(key.parent == planned.source for other in whole.tables for key in other.foreign_keys),
        actions=tuple(_actions(whole, planned)),
    )


def _terms(column: Column) -> tuple[str, ...]:
    """How a unique index may write the column."""
    return column.target, f'lower({column.target} COLLATE "C")', f"rtrim({column.target}, ' ')"


def _column(planned: plan.ColumnPlan, lost: str) -> Column:
    return Column(
        name=planned.source,
        target=identifiers.quote(planned.target),
        affinity=affinity.affinity(planned.declared),
        codec=codecs.from_spec(planned.codec),
        sql_type=planned.sql_type,
        collation=planned.collation.upper(),
        not_null=planned.not_null,
        default=planned.default,
        generated=planned.generated is not None,
        identity=planned.identity,
        lost_default=lost,
    )


def view(column: Column, table: str) -> Value:
    """The column of a table with that alias as the value that it is in SQLite."""
    sql = f"{table}.{column.target}"
    spec = column.codec.spec()
    kind = str(spec["type"])
    found = Value(kind=Kind.TEXT, sql=sql, affinity=column.affinity, collation=column.collation, column=sql)
    match kind:
        case "bigint" | "integer" | "smallint":
            low, high = -(2 ** _BITS[kind]), 2 ** _BITS[kind] - 1
            return dataclasses.replace(found, kind=Kind.INTEGER, low=low, high=high, wide=kind == "bigint")
        case "boolean" if "true" not in spec:
            return dataclasses.replace(found, kind=Kind.BOOLEAN, low=0, high=1, wide=False)
        case "double precision":
            # Reals of a column with NUMERIC affinity are compared as those of one with REAL affinity.
            known = schema.Affinity.REAL if column.affinity in _NUMERIC else column.affinity
            return dataclasses.replace(found, kind=Kind.REAL, affinity=known)
        case "numeric":
            return dataclasses.replace(found, kind=Kind.NUMBER, decimal=True)
        case "text" if not spec.get("numbers"):
            return dataclasses.replace(found, collated=True)
        case "bytea" if not spec.get("text"):
            return dataclasses.replace(found, kind=Kind.BLOB)
        case "vector":
            return dataclasses.replace(found, kind=Kind.BLOB, sql=column.codec.restore(sql))
        case "text":
            return dataclasses.replace(found, kind=Kind.ANY, sql=variants.kept(sql))
        case "bytea":
            return dataclasses.replace(found, kind=Kind.OPAQUE, reason=f"{column.name} is text kept as bytes")
    restored = f'(({column.codec.restore(sql)}) COLLATE "C")'
    native = Native(sql=sql, codec=column.codec) if kind in _MOMENTS or kind == "uuid" else None
    json = kind if kind in {"json", "jsonb"} else ""
    return dataclasses.replace(found, sql=restored, collated=True, native=native, json=json)


def rowid(table: Table, alias: str) -> Value:
    """The rowid of a table whose target has a column for it that the file has not."""
    sql = f"{alias}.{identifiers.quote(str(table.rowid))}"
    return Value(
        kind=Kind.INTEGER,
        sql=sql,
        affinity=schema.Affinity.INTEGER,
        collation="BINARY",
        low=-(2**63),
        high=2**63 - 1,
        column=sql,
    )
