"""Making the plan of one table: its columns, key, indexes and checks, or one column that was added to it.

Foreign keys come when every table that they may refer to is planned (`constraints.foreign_keys`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from outgrow.dialect import expressions
from outgrow.model import plan, schema
from outgrow.plan import columns, constraints, findings, keys, naming, overriding
from outgrow.sqlite import connection as sqlite

__all__ = ["name_key", "plan_column", "plan_table"]

_LAST_ID = 2**63 - 1


def plan_table(
    connection: sqlite.Connection,
    table: schema.Table,
    *,
    target: str,
    names: naming.Names,
    referred: frozenset[str],
    overrides: Iterable[plan.Override],
    sequence: int | None,
    exact: bool,
    found: findings.Findings,
) -> plan.TablePlan:
    """The plan of a table without its foreign keys, and without names of its own for key and sequence (`name_key`).

    `names` are those taken in the target schema, `referred` the columns that foreign keys of other tables refer to, `sequence`
    the highest id ever given. Raises errors.SchemaRefused for a table that PostgreSQL cannot have at all.
    """
    keys.refuse_width(table, len(table.columns))
    keys.refuse_keyless(table)
    own = overriding.of_columns(overrides, table.name)
    facts = columns.decide(
        connection,
        table,
        keyed=referred | keys.compared(table),
        overrides=own,
        dates=not overriding.keeps_texts(overrides),
        exact=exact,
        found=found,
    )
    _report_renamed(found, table, None, target)
    primary_key = keys.primary_key(table, facts, found)
    inner = naming.Names()
    targets = inner.give_all(column.name for column in table.columns)
    planned = [_column(table, c, targets[c.name], facts.decisions[c.name], primary_key, found) for c in table.columns]
    ordinary = _ordinary(table, planned)
    planned = [_computed(table, column, ordinary, found) for column in planned]
    key = primary_key
    wide = constraints.too_wide((c for c in planned if c.source in primary_key), facts.longest)
    if wide:
        keys.report_wide(table, wide, found)
        key = primary_key if table.rowid_name is None else ()
        primary_key = ()
    rowid = None if key else keys.rowid_column(table, inner, found)
    sequence = sequence if table.rowid_alias else None
    if sequence == _LAST_ID:
        found.add(
            plan.Severity.WARNING,
            code="sequence_exhausted",
            message="the highest possible id is taken: PostgreSQL cannot give another one",
            remedy="Renumber that row",
            table=table.name,
        )
    return plan.TablePlan(
        source=table.name,
        target=target,
        columns=tuple(planned),
        key=key,
        rowid=rowid,
        rowid_name=table.rowid_name,
        scan=() if table.rowid_name else table.primary_key,
        primary_key=primary_key,
        indexes=constraints.indexes(table, planned, primary_key, facts.longest, names, found),
        checks=constraints.checks(table, planned, naming.Names(), found),
        rows=facts.rows,
        widest=facts.widest,
        sequence=sequence,
    )


def plan_column(
    connection: sqlite.Connection,
    table: schema.Table,
    name: str,
    *,
    planned: plan.TablePlan,
    referred: frozenset[str],
    overrides: Iterable[plan.Override],
    exact: bool,
    found: findings.Findings,
) -> plan.TablePlan:
    """The planned table with one more column, which `table`, as it is now, has; only that column's values are looked at.

    A column that was added is never part of the primary key; its indexes and constraints are planned by themselves.
    Raises errors.SchemaRefused where it is one too many.
    """
    keys.refuse_width(table, len(planned.columns) + 1 + (planned.rowid is not None))
    column = table.column(name)
    facts = columns.decide(
        connection,
        dataclasses.replace(table, columns=(column,)),
        keyed=referred | keys.compared(table),
        overrides=overriding.of_columns(overrides, table.name),
        dates=not overriding.keeps_texts(overrides),
        exact=exact,
        found=found,
    )
    target = naming.Names.of_columns(planned).give(column.name)
    added = _column(table, column, target, facts.decisions[column.name], planned.primary_key, found)
    added = _computed(table, added, _ordinary(table, [*planned.columns, added]), found)
    return dataclasses.replace(planned, columns=(*planned.columns, added), widest=planned.widest + facts.widest)


def name_key(planned: plan.TablePlan, names: naming.Names) -> plan.TablePlan:
    """The table with names for what PostgreSQL would name by itself, where its own choice is somebody else's name."""
    key = names.give_unless_free(f"{planned.target}_pkey") if planned.indexed_key else ""
    sequence = names.give_unless_free(f"{planned.target}_{planned.identity}_seq") if planned.identity else ""
    return dataclasses.replace(planned, key_name=key, sequence_name=sequence)


def _column(
    table: schema.Table,
    column: schema.Column,
    target: str,
    decision: columns.Decision,
    primary_key: tuple[str, ...],
    found: findings.Findings,
) -> plan.ColumnPlan:
    _report_renamed(found, table, column, target)
    sql_type = decision.codec.sql_type
    identity = column.name == table.rowid_alias
    default: str | None = None
    if column.default is not None and not identity and column.generated is None:
        translated = expressions.default(column.default, sql_type, column.affinity)
        default = translated.sql
        if default is None and translated.reason:
            found.leave_out(
                "default",
                f"{column.default}",
                table.name,
                f"{column.name}: {translated.reason}",
                plan.Severity.WARNING,
                "Set a default for PostgreSQL after the copy: ALTER TABLE … ALTER COLUMN … SET DEFAULT …",
            )
    return plan.ColumnPlan(
        source=column.name,
        target=target,
        declared=column.declared,
        codec=dict(decision.codec.spec()),
        sql_type=sql_type,
        not_null=column.not_null or identity or column.name in primary_key,
        reason=decision.reason,
        evidence=decision.evidence,
        collation=column.collation,
        default=default,
        identity=identity,
        misfits=decision.misfits,
        overridden=decision.overridden,
    )


def _ordinary(table: schema.Table, planned: Iterable[plan.ColumnPlan]) -> Sequence[plan.ColumnPlan]:
    """The columns that a generated one may use: PostgreSQL refuses generated columns that use others."""
    return [column for column in planned if table.column(column.source).generated is None]


def _computed(
    table: schema.Table, column: plan.ColumnPlan, ordinary: Sequence[plan.ColumnPlan], found: findings.Findings
) -> plan.ColumnPlan:
    """A generated column with its PostgreSQL expression; one that has none becomes an ordinary column with its values."""
    source = table.column(column.source)
    if source.generated is None or source.expression is None:
        return column
    types, targets = constraints.types_and_names(ordinary)
    translated = expressions.generated(
        source.expression,
        column.sql_type,
        types,
        targets,
        affinity=source.affinity,
        affinities=constraints.affinities(table),
        collations=constraints.collations(table),
    )
    if column.misfits:
        translated = expressions.Translation(None, f"{column.sql_type} does not hold all of its values")
    elif translated.caveat and column.sql_type == "numeric":
        # Reals in a column of integers: the caveat has come true.
        translated = expressions.Translation(None, translated.caveat)
    found.note_caveat("generated column", column.source, table.name, translated)
    if translated.sql is None:
        found.leave_out(
            "generated column",
            column.source,
            table.name,
            f"{translated.reason}; its values are copied into an ordinary column",
            plan.Severity.WARNING,
            "Compute the column in the application, or by a trigger in PostgreSQL",
        )
    return dataclasses.replace(column, generated=translated.sql)


def _report_renamed(found: findings.Findings, table: schema.Table, column: schema.Column | None, target: str) -> None:
    kind, name = ("table", table.name) if column is None else ("column", column.name)
    if name != target:
        found.add(
            plan.Severity.WARNING,
            code="renamed",
            message=f"the {kind} {name!r} is called {target!r}: PostgreSQL cannot have its name",
            remedy="Use the new name in PostgreSQL",
            table=table.name,
            column=name if column else "",
        )
