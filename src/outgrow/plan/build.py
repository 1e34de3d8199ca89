"""Making the plan of a file: every table, column, key, index, default and sequence, and what is left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from outgrow import errors
from outgrow.dialect import expressions
from outgrow.model import event, plan, schema
from outgrow.plan import columns, constraints
from outgrow.sqlite import connection as sqlite
from outgrow.sqlite import profile

__all__ = ["build", "check_overrides"]

MOST_COLUMNS = 1_600
_LAST_ID = 2**63 - 1


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
    check_overrides(database, overrides)
    result = constraints.Result()
    skipped = {o.table for o in overrides if not o.column and o.settings.get("skip")}
    without_keys = {o.table for o in overrides if not o.column and o.settings.get("foreign_keys") is False}
    names = constraints.Names()
    targets = names.give_all(table.name for table in database.tables if table.name not in skipped)
    tables: dict[str, plan.TablePlan] = {}
    sources: dict[str, schema.Table] = {}
    referred = _referred(database.tables)
    for table in database.tables:
        if table.name in skipped:
            result.omissions.append(plan.Omission(kind="table", name=table.name, reason="left out by an override"))
            continue
        _refuse_impossible(table)
        own = {o.column: o for o in overrides if o.table == table.name and o.column}
        keyed = referred.get(table.name, frozenset()) | _keyed(table)
        sink(event.TableStarted(step="plan", table=table.name, rows=0))
        facts = columns.decide(connection, table, keyed=keyed, overrides=own, exact=exact)
        result.findings += facts.findings
        tables[table.name] = _table(table, targets[table.name], facts, names, database, result)
        sources[table.name] = table
    tables = {source: _named(planned, names) for source, planned in tables.items()}
    for source, planned in list(tables.items()):
        table = sources[source]
        if source in without_keys:
            result.omissions += [
                plan.Omission(
                    kind="foreign key", name=", ".join(k.columns), table=source, reason="left out by an override"
                )
                for k in table.foreign_keys
            ]
            continue
        orphans = profile.orphans(connection, table) if table.foreign_keys else {}
        keys = constraints.foreign_keys(table, planned, tables, target_schema, orphans, result)
        tables[source] = dataclasses.replace(planned, foreign_keys=keys)
    if not database.tables:
        result.findings.append(
            plan.Finding(
                severity=plan.Severity.WARNING,
                code="no_tables",
                message="the file holds no table",
                remedy="Check the path: SQLite makes an empty file where there was none",
            )
        )
    result.omissions += _others(database.others)
    _report_others(database.others, result)
    extensions = {"vector"} if any(c.codec["type"] == "vector" for t in tables.values() for c in t.columns) else set()
    return plan.Plan(
        source=name,
        schema=target_schema,
        encoding=database.encoding,
        tables=tuple(tables.values()),
        omissions=tuple(result.omissions),
        overrides=tuple(overrides),
        findings=tuple(sorted(result.findings, key=lambda f: ["error", "warning", "info"].index(f.severity))),
        extensions=tuple(sorted(extensions)),
    )


def check_overrides(database: schema.Database, overrides: Iterable[plan.Override]) -> None:
    """Raise errors.PlanInvalid where an override names a table, column or setting that does not exist."""
    for override in overrides:
        table = next((t for t in database.tables if t.name == override.table), None)
        allowed = {"skip", "foreign_keys"}
        problem = ""
        if table is None:
            problem = f"there is no table {override.table!r} in the file"
        elif not override.column:
            unknown = [f"{key!r} is no setting of a table" for key in override.settings if key not in allowed]
            wrong = [
                f"{key} is true or false" for key, value in override.settings.items() if not isinstance(value, bool)
            ]
            problem = ", ".join(unknown or wrong)
        elif all(column.name != override.column for column in table.columns):
            problem = f"table {override.table!r} has no column {override.column!r}"
        elif not isinstance(override.settings.get("type"), str):
            problem = f"the override of {override.table}.{override.column} has no type"
        if problem:
            raise errors.PlanInvalid(
                "An override in the plan cannot be followed", why=problem, hint="Correct or remove it under [overrides]"
            )


def _keyed(table: schema.Table) -> frozenset[str]:
    """Columns that some key or index compares."""
    found = set(table.primary_key)
    for index in table.indexes:
        found |= {term.column for term in index.terms if term.column}
    for key in table.foreign_keys:
        found |= set(key.columns)
    return frozenset(found)


def _referred(tables: Iterable[schema.Table]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for table in tables:
        for key in table.foreign_keys:
            found[key.parent] = found.get(key.parent, frozenset()) | frozenset(key.parent_columns)
    return found


def _refuse_width(table: schema.Table, columns: int) -> None:
    if columns > MOST_COLUMNS:
        raise errors.SchemaRefused(
            f"Table {table.name} has {len(table.columns):,} columns",
            why=f"PostgreSQL has at most {MOST_COLUMNS:,}"
            + (", and the rowid, which identifies the rows, needs one more" if columns > len(table.columns) else ""),
            hint=f'Split the table, or leave it out: in the plan [overrides."{table.name}"] skip = true',
        )


def _refuse_impossible(table: schema.Table) -> None:
    _refuse_width(table, len(table.columns))
    if table.rowid_name is None and not table.primary_key:
        raise errors.SchemaRefused(
            f"Nothing identifies the rows of table {table.name}",
            why="it has no primary key, and columns named rowid, _rowid_ and oid hide the rowid",
            hint=f'Give it a primary key, or leave it out: in the plan [overrides."{table.name}"] skip = true',
        )


def _table(
    table: schema.Table,
    target: str,
    facts: columns.TableFacts,
    names: constraints.Names,
    database: schema.Database,
    result: constraints.Result,
) -> plan.TablePlan:
    _renamed(result, table.name, None, table.name, target)
    primary_key = table.primary_key if not facts.null_keys else ()
    if facts.null_keys:
        result.findings.append(
            plan.Finding(
                severity=plan.Severity.WARNING,
                code="null_in_primary_key",
                message=f"{facts.null_keys:,} rows have NULL in the primary key ({', '.join(table.primary_key)}), which "
                "PostgreSQL refuses: the rowid becomes the key, the declared one a unique index",
                remedy="Give these rows a key, then plan again",
                table=table.name,
                count=facts.null_keys,
            )
        )
    unordered = [
        name
        for name in primary_key
        if not facts.decisions[name].codec.orderable
        or (table.column(name).collation not in constraints.COLLATIONS and name != table.rowid_alias)
    ]
    if unordered:
        primary_key = ()
        result.findings.append(
            plan.Finding(
                severity=plan.Severity.WARNING,
                code="unordered_primary_key",
                message=f"the primary key has values that PostgreSQL compares otherwise ({', '.join(unordered)}): "
                "the rowid becomes the key",
                remedy="Keep values of one kind in the key",
                table=table.name,
            )
        )
    inner = constraints.Names()
    targets = inner.give_all(column.name for column in table.columns)
    planned = [_column(table, c, targets[c.name], facts.decisions[c.name], primary_key, result) for c in table.columns]
    planned = _generated(table, planned, result)
    key = primary_key
    wide = constraints.too_wide((c for c in planned if c.source in primary_key), facts.longest)
    if wide:
        _report_wide_key(table, wide, result)
        key = primary_key if table.rowid_name is None else ()
        primary_key = ()
    rowid: str | None = None
    if not key:
        if table.rowid_name is None:
            raise errors.SchemaRefused(
                f"Nothing identifies the rows of table {table.name}",
                why="its primary key holds NULL or values without an order, and it has no rowid to use instead",
                hint=f'Leave it out: in the plan [overrides."{table.name}"] skip = true',
            )
        _refuse_width(table, len(table.columns) + 1)
        rowid = inner.give(table.rowid_name)
        if not table.primary_key:
            result.findings.append(
                plan.Finding(
                    severity=plan.Severity.INFO,
                    code="rowid_column",
                    message=f"the table has no primary key: its rowid becomes the column {rowid}",
                    remedy="Nothing to do; a primary key of its own would make the column unnecessary",
                    table=table.name,
                )
            )
    sequence = database.sequences.get(table.name) if table.rowid_alias else None
    if sequence == _LAST_ID:
        result.findings.append(
            plan.Finding(
                severity=plan.Severity.WARNING,
                code="sequence_exhausted",
                message="the highest possible id is taken: PostgreSQL cannot give another one",
                remedy="Renumber that row",
                table=table.name,
            )
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
        indexes=constraints.indexes(table, planned, primary_key, facts.longest, names, result),
        checks=constraints.checks(table, planned, result),
        rows=facts.rows,
        widest=facts.widest,
        sequence=sequence,
    )


def _named(planned: plan.TablePlan, names: constraints.Names) -> plan.TablePlan:
    """The table with names for what PostgreSQL would name by itself, where its own choice is somebody else's name."""
    key = names.give_unless_free(f"{planned.target}_pkey") if planned.indexed_key else ""
    sequence = names.give_unless_free(f"{planned.target}_{planned.identity}_seq") if planned.identity else ""
    return dataclasses.replace(planned, key_name=key, sequence_name=sequence)


def _report_wide_key(table: schema.Table, wide: int, result: constraints.Result) -> None:
    instead = "the rowid becomes the key" if table.rowid_name else "the table gets no primary key"
    result.findings.append(
        plan.Finding(
            severity=plan.Severity.WARNING,
            code="wide_primary_key",
            message=f"values of the primary key ({', '.join(table.primary_key)}) reach {wide:,} bytes, more than PostgreSQL "
            f"indexes: {instead}, and a unique index on hashes of the values keeps them distinct",
            remedy="Give the table a shorter key",
            table=table.name,
        )
    )


def _column(
    table: schema.Table,
    column: schema.Column,
    target: str,
    decision: columns.Decision,
    primary_key: tuple[str, ...],
    result: constraints.Result,
) -> plan.ColumnPlan:
    _renamed(result, table.name, column.name, column.name, target)
    sql_type = decision.codec.sql_type
    identity = column.name == table.rowid_alias
    default: str | None = None
    if column.default is not None and not identity and column.generated is None:
        translated = expressions.default(column.default, sql_type, column.affinity)
        default = translated.sql
        if default is None and translated.reason:
            result.leave_out(
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


def _generated(
    table: schema.Table, planned: Sequence[plan.ColumnPlan], result: constraints.Result
) -> list[plan.ColumnPlan]:
    """Give generated columns their PostgreSQL expression; one that has none becomes an ordinary column with its values."""
    generated = {c.name for c in table.columns if c.generated is not None}
    # PostgreSQL refuses generated columns that use others.
    ordinary = [c for c in planned if c.source not in generated]
    types, targets = constraints.types_and_names(ordinary)
    finished = []
    for column in planned:
        source = table.column(column.source)
        if source.generated is None or source.expression is None:
            finished.append(column)
            continue
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
        result.warn("generated column", column.source, table.name, translated)
        if translated.sql is None:
            result.leave_out(
                "generated column",
                column.source,
                table.name,
                f"{translated.reason}; its values are copied into an ordinary column",
                plan.Severity.WARNING,
                "Compute the column in the application, or by a trigger in PostgreSQL",
            )
        finished.append(dataclasses.replace(column, generated=translated.sql))
    return finished


def _renamed(result: constraints.Result, table: str, column: str | None, source: str, target: str) -> None:
    if source != target:
        kind = "table" if column is None else "column"
        result.findings.append(
            plan.Finding(
                severity=plan.Severity.WARNING,
                code="renamed",
                message=f"the {kind} {source!r} is called {target!r}: PostgreSQL cannot have its name",
                remedy="Use the new name in PostgreSQL",
                table=table,
                column=column or "",
            )
        )


_REASONS = {
    "view": "views are the application's SQL and are not translated yet",
    "trigger": "triggers are the application's SQL and are not translated yet",
    "virtual table": "a virtual table keeps its rows elsewhere (full-text, R-Tree, …)",
    "shadow table": "it is the inner storage of a virtual table",
    "system table": "it is SQLite's own",
}


def _others(others: Iterable[schema.OtherObject]) -> list[plan.Omission]:
    return [plan.Omission(kind=o.kind, name=o.name, reason=_REASONS[o.kind], table=o.table) for o in others]


def _report_others(others: Iterable[schema.OtherObject], result: constraints.Result) -> None:
    remedies: dict[str, Any] = {
        "view": "Create each by hand in PostgreSQL",
        "trigger": "Rewrite each in PL/pgSQL, or move its work into the application",
        "virtual table": "Use PostgreSQL's own full-text search, PostGIS or pgvector",
    }
    for kind, remedy in remedies.items():
        names = [other.name for other in others if other.kind == kind]
        if names:
            shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            result.findings.append(
                plan.Finding(
                    severity=plan.Severity.WARNING,
                    code=f"{kind.replace(' ', '_')}s_left_out",
                    message=f"{len(names)} {kind}{'s' if len(names) > 1 else ''} left out: {shown}",
                    remedy=remedy,
                    count=len(names),
                )
            )
