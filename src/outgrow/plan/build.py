"""Making the plan of a file, and adding to it what appears in the file later."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence

from outgrow.dialect import identifiers
from outgrow.model import event, plan, schema
from outgrow.plan import constraints, findings, naming, overriding, programs, tables
from outgrow.sqlite import connection as sqlite
from outgrow.sqlite import profile

__all__ = ["add_column", "add_table", "build", "renew_programs"]

_LEFT_OUT = "left out by an override"
_PLAIN = re.compile(r"[a-z_\u0080-\U0010ffff][a-z0-9_$\u0080-\U0010ffff]*")
"""A name that PostgreSQL reads without quotes as it is; reserved words apart, which SQLite's users quote as well."""


def build(
    connection: sqlite.Connection,
    database: schema.Database,
    *,
    name: str,
    target_schema: str = "public",
    overrides: Sequence[plan.Override] = (),
    exact: bool = True,
    sink: event.Sink = event.ignore,
) -> plan.Plan:
    """The plan of `database`, read through `connection`; the same file and overrides give the same plan.

    Without `exact`, text is not searched for NUL and invalid UTF-8 (the copy finds them anyway). Raises
    errors.SchemaRefused for what PostgreSQL cannot have at all, errors.PlanInvalid for overrides of what is not there.
    """
    overriding.check(database, overrides)
    found = findings.Findings()
    skipped = overriding.skipped(overrides)
    names = naming.Names()
    targets = names.give_all(table.name for table in database.tables if table.name not in skipped)
    sources: dict[str, schema.Table] = {}
    planned: dict[str, plan.TablePlan] = {}
    for table in database.tables:
        if table.name in skipped:
            found.omit("table", table.name, _LEFT_OUT)
            continue
        sink(event.TableStarted(step="plan", table=table.name, rows=0))
        sources[table.name] = table
        planned[table.name] = tables.plan_table(
            connection,
            table,
            target=targets[table.name],
            names=names,
            referred=_referred(database, table),
            overrides=overrides,
            sequence=database.sequences.get(table.name),
            exact=exact,
            found=found,
        )
    planned = {source: tables.name_key(one, names) for source, one in planned.items()}
    for source, one in planned.items():
        keys = _foreign_keys(connection, sources[source], one, planned, target_schema, overrides, naming.Names(), found)
        planned[source] = dataclasses.replace(one, foreign_keys=keys)
    if not database.tables:
        found.add(
            plan.Severity.WARNING,
            code="no_tables",
            message="the file holds no table",
            remedy="Check the path: SQLite makes an empty file where there was none",
        )
    made = plan.Plan(
        source=name,
        schema=target_schema,
        encoding=database.encoding,
        tables=tuple(planned.values()),
        omissions=(),
        overrides=tuple(overrides),
        findings=(),
    )
    _report_quoted(planned.values(), found)
    _report_others(database.others, found)
    # A statement may miss what was left out: a default, a foreign key, a virtual table.
    made = programs.add(dataclasses.replace(made, omissions=tuple(found.omissions)), database.others, found)
    return _finished(dataclasses.replace(made, omissions=()), found)


def _report_quoted(planned: Iterable[plan.TablePlan], found: findings.Findings) -> None:
    """Say once that names must be quoted in PostgreSQL, which takes others for lower case."""
    names = [name for one in planned for name in (one.target, *(column.target for column in one.columns))]
    quoted = [name for name in names if not _PLAIN.fullmatch(name)]
    if quoted:
        shown = " and ".join(identifiers.quote(name) for name in quoted[:2])
        found.add(
            plan.Severity.INFO,
            code="quoted_names",
            message=f"{len(quoted):,} names of tables and columns have capitals or other characters: in PostgreSQL they are"
            f" written in double quotes, as {shown}",
            remedy="Nothing to do for outgrow's sqlite3 and for frameworks, which quote; mind it in SQL typed by hand",
            count=len(quoted),
        )


def add_table(
    connection: sqlite.Connection, database: schema.Database, made: plan.Plan, name: str, *, exact: bool = True
) -> plan.Plan:
    """The plan `made` with a table more, which appeared in the file since; everything in it stays as it is.

    Its names avoid those that are taken, and its foreign keys refer to tables of the plan and to itself. Raises
    errors.SchemaRefused, and KeyError where `database`, read anew, has no such table.
    """
    table = _table(database, name)
    found = findings.Findings()
    if table.name in overriding.skipped(made.overrides):
        found.omit("table", table.name, _LEFT_OUT)
        return _finished(made, found)
    names = naming.Names.of_schema(made.tables)
    planned = tables.plan_table(
        connection,
        table,
        target=names.give(table.name),
        names=names,
        referred=_referred(database, table),
        overrides=made.overrides,
        sequence=database.sequences.get(table.name),
        exact=exact,
        found=found,
    )
    planned = tables.name_key(planned, names)
    others = {one.source: one for one in (*made.tables, planned)}
    keys = _foreign_keys(connection, table, planned, others, made.schema, made.overrides, naming.Names(), found)
    planned = dataclasses.replace(planned, foreign_keys=keys)
    return _finished(_with_programs(dataclasses.replace(made, tables=(*made.tables, planned)), database, found), found)


def add_column(
    connection: sqlite.Connection,
    database: schema.Database,
    made: plan.Plan,
    table_name: str,
    name: str,
    *,
    exact: bool = True,
) -> plan.Plan:
    """The plan `made` with a column more in one of its tables, as ALTER TABLE ADD COLUMN puts it at the table's end.

    The checks and foreign keys that name the column are planned too. Raises errors.SchemaRefused, and KeyError where
    the plan has no such table or `database`, read anew, no such column.
    """
    table = _table(database, table_name)
    before = made.table(table.name)
    if before is None:
        raise KeyError(table_name)
    found = findings.Findings()
    planned = tables.plan_column(
        connection,
        table,
        name,
        planned=before,
        referred=_referred(database, table),
        overrides=made.overrides,
        exact=exact,
        found=found,
    )
    names = naming.Names.of_constraints(planned)
    added = planned.columns[-1].source
    checks = constraints.checks(table, planned.columns, names, found, column=added)
    planned = dataclasses.replace(planned, checks=(*planned.checks, *checks))
    others = {one.source: planned if one is before else one for one in made.tables}
    keys = _foreign_keys(connection, table, planned, others, made.schema, made.overrides, names, found, column=added)
    planned = dataclasses.replace(planned, foreign_keys=(*planned.foreign_keys, *keys))
    changed = tuple(planned if one is before else one for one in made.tables)
    return _finished(_with_programs(dataclasses.replace(made, tables=changed), database, found), found)


def renew_programs(database: schema.Database, made: plan.Plan) -> plan.Plan:
    """The plan `made` with the views and triggers of `database`, read anew; the same plan where these are the same."""
    found = findings.Findings()
    renewed = _finished(_with_programs(made, database, found), found)
    return made if (renewed.views, renewed.triggers) == (made.views, made.triggers) else renewed


def _with_programs(made: plan.Plan, database: schema.Database, found: findings.Findings) -> plan.Plan:
    """The plan with the file's views and triggers, which see what was added."""
    whole = programs.add(
        dataclasses.replace(made, omissions=(*made.omissions, *found.omissions)), database.others, found
    )
    kept = tuple(one for one in made.omissions if one.kind not in {"view", "trigger"})
    return dataclasses.replace(whole, omissions=kept)


def _finished(made: plan.Plan, found: findings.Findings) -> plan.Plan:
    """The plan with what was found on the way added to it, findings worst first."""
    order = (plan.Severity.ERROR, plan.Severity.WARNING, plan.Severity.INFO)
    worst_first = sorted((*made.findings, *found.findings), key=lambda one: order.index(one.severity))
    vectors = any(column.codec["type"] == "vector" for table in made.tables for column in table.columns)
    return dataclasses.replace(
        made,
        omissions=(*made.omissions, *found.omissions),
        findings=tuple(worst_first),
        extensions=("vector",) if vectors else (),
    )


def _table(database: schema.Database, name: str) -> schema.Table:
    table = database.table(name)
    if table is None:
        raise KeyError(name)
    return table


def _foreign_keys(
    connection: sqlite.Connection,
    table: schema.Table,
    planned: plan.TablePlan,
    others: Mapping[str, plan.TablePlan],
    target_schema: str,
    overrides: Iterable[plan.Override],
    names: naming.Names,
    found: findings.Findings,
    *,
    column: str | None = None,
) -> tuple[plan.ConstraintPlan, ...]:
    """The foreign keys of a table all of whose possible parents are planned, or those that a column of it takes part in."""
    wanted = {
        position: key for position, key in enumerate(table.foreign_keys) if column is None or column in key.columns
    }
    if not overriding.keeps_foreign_keys(overrides, table.name):
        for key in wanted.values():
            found.omit("foreign key", ", ".join(key.columns), _LEFT_OUT, table.name)
        return ()
    orphans = profile.orphans(connection, table) if wanted else {}
    return constraints.foreign_keys(wanted, planned, others, target_schema, orphans, names, found)


def _referred(database: schema.Database, table: schema.Table) -> frozenset[str]:
    """The columns of a table that foreign keys refer to."""
    keys = (key for one in database.tables for key in one.foreign_keys if key.parent == table.name)
    return frozenset(column for key in keys for column in key.parent_columns)


_REASONS = {
    "virtual table": "a virtual table keeps its rows elsewhere (full-text, R-Tree, …)",
    "shadow table": "it is the inner storage of a virtual table",
    "system table": "it is SQLite's own",
}

_REMEDIES = {
    "virtual table": "Use PostgreSQL's own full-text search, PostGIS or pgvector",
}
"""What to do about those that somebody should know of."""


def _report_others(others: Iterable[schema.OtherObject], found: findings.Findings) -> None:
    others = tuple(one for one in others if one.kind in _REASONS)
    for one in others:
        found.omit(one.kind, one.name, _REASONS[one.kind], one.table)
    for kind, remedy in _REMEDIES.items():
        names = [other.name for other in others if other.kind == kind]
        if names:
            shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            found.add(
                plan.Severity.WARNING,
                code=f"{kind.replace(' ', '_')}s_left_out",
                message=f"{len(names)} {kind}{'s' if len(names) > 1 else ''} left out: {shown}",
                remedy=remedy,
                count=len(names),
            )
