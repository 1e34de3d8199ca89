"""Keys, indexes, foreign keys and checks: translated where the meaning is the same, left out with a reason else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from outgrow import codec
from outgrow.dialect import expressions, identifiers
from outgrow.model import plan, schema
from outgrow.plan import findings, naming

__all__ = [
    "COLLATIONS",
    "affinities",
    "checks",
    "collations",
    "foreign_keys",
    "indexes",
    "references",
    "too_wide",
    "types_and_names",
]

COLLATIONS = ("BINARY", "NOCASE", "RTRIM")
"""SQLite's own; any other is the application's, and unknown here."""
_LONG = ("text", "bytea")
_INDEX_BYTES = 2_600
"""PostgreSQL refuses btree entries above about 2,700 bytes (a third of a page)."""


def affinities(table: schema.Table) -> Mapping[str, schema.Affinity]:
    """The affinity of every column, by which SQLite compares it."""
    return {column.name: column.affinity for column in table.columns}


def collations(table: schema.Table) -> Mapping[str, str]:
    """The collation of every column."""
    return {column.name: column.collation for column in table.columns}


def types_and_names(columns: Sequence[plan.ColumnPlan]) -> tuple[dict[str, str], dict[str, str]]:
    """Each column's type and name at the target, for translations.

    A column whose values are written otherwise there (words as boolean, text as bytea) gets a type that no translation knows.
    """
    opaque = {c.source for c in columns if "true" in c.codec or c.codec == {"type": "bytea", "text": True}}
    types = {c.source: "opaque" if c.source in opaque else c.sql_type for c in columns}
    return types, {c.source: c.target for c in columns}


def _folded(target: str, column: plan.ColumnPlan, collation: str) -> str:
    """A column as an index term, with SQLite's collation as an expression: both fold or trim ASCII only."""
    quoted = identifiers.quote(target)
    if column.sql_type != "text" or collation == "BINARY":
        return quoted
    return f'lower({quoted} COLLATE "C")' if collation == "NOCASE" else f"rtrim({quoted})"


def _hashed(term: str, sql_type: str) -> str:
    """A term of a unique index whose entries would be too large; equal where the values are equal."""
    return f"md5({term.removesuffix(' DESC')})" if sql_type in _LONG else term


def too_wide(columns: Iterable[plan.ColumnPlan], longest: Mapping[str, int]) -> int:
    """The bytes that an index entry of these columns can reach, 0 if PostgreSQL takes them."""
    width = sum(longest.get(column.source, 0) for column in columns if column.sql_type in _LONG)
    return width if width > _INDEX_BYTES else 0


def indexes(
    table: schema.Table,
    columns: Sequence[plan.ColumnPlan],
    primary_key: tuple[str, ...],
    longest: Mapping[str, int],
    names: naming.Names,
    found: findings.Findings,
) -> tuple[plan.IndexPlan, ...]:
    """The table's secondary indexes, unique constraints among them; the primary key's own index is made with it."""
    by_source = {column.source: column for column in columns}
    types, targets = types_and_names(columns)
    planned: list[plan.IndexPlan] = []
    for index in table.indexes:
        folds = any(term.collation != "BINARY" for term in index.terms)
        if index.origin == "pk" and primary_key and not folds:
            continue
        label = (
            index.name if index.origin == "c" else f"{table.name}_{'_'.join(t.column or '' for t in index.terms)}_key"
        )
        remedy = "Create the index by hand after the copy, if PostgreSQL needs it"
        severity = plan.Severity.ERROR if index.unique else plan.Severity.WARNING
        terms: list[str] = []
        reason = ""
        wide = 0
        for term in index.terms:
            if term.column is not None and term.column in by_source:
                column = by_source[term.column]
                if not codec.from_spec(column.codec).orderable:
                    reason = f"{column.sql_type} has no order"
                wide += longest.get(term.column, 0) if column.sql_type in _LONG else 0
                if term.collation not in COLLATIONS:
                    reason = f"the collation {term.collation} is the application's own"
                text = _folded(column.target, column, term.collation)
            elif term.expression is not None:
                translated = expressions.index_expression(
                    term.expression,
                    types,
                    targets,
                    collation=term.collation,
                    affinities=affinities(table),
                    collations=collations(table),
                )
                reason = reason or ("" if translated.sql else translated.reason)
                found.note_caveat("index", index.name, table.name, translated)
                text = f"({translated.sql})"
            else:
                reason, text = "it is an index on the rowid", ""
            terms.append(text + (" DESC" if term.descending else ""))
        where: str | None = None
        if index.where is not None and not reason:
            predicate = expressions.index_predicate(
                index.where, types, targets, affinities=affinities(table), collations=collations(table)
            )
            where, reason = predicate.sql, "" if predicate.sql else predicate.reason
            found.note_caveat("index", index.name, table.name, predicate)
        if not reason and wide > _INDEX_BYTES:
            if index.unique and all(term.column is not None for term in index.terms):
                pairs = zip(terms, index.terms, strict=True)
                terms = [_hashed(text, types[term.column or ""]) for text, term in pairs]
            else:
                reason = f"its entries reach {wide:,} bytes, more than PostgreSQL indexes"
        if reason:
            found.leave_out("index", index.name, table.name, reason, severity, remedy)
            continue
        planned.append(
            plan.IndexPlan(
                name=names.give(label), source=index.name, unique=index.unique, terms=tuple(terms), where=where
            )
        )
    return tuple(planned)


def checks(
    table: schema.Table,
    columns: Sequence[plan.ColumnPlan],
    names: naming.Names,
    found: findings.Findings,
    *,
    column: str | None = None,
) -> tuple[plan.ConstraintPlan, ...]:
    """The table's CHECK constraints, or those that name a column which was added."""
    types, targets = types_and_names(columns)
    wanted = [text for text in table.checks if column is None or column in expressions.references(text, types)]
    planned = []
    for number, text in enumerate(wanted, start=len(table.checks) - len(wanted) + 1):
        translated = expressions.check(text, types, targets, affinities=affinities(table), collations=collations(table))
        if translated.sql is None:
            found.leave_out(
                "check",
                f"({text})",
                table.name,
                translated.reason,
                plan.Severity.WARNING,
                "Write the constraint for PostgreSQL and add it after the copy: ALTER TABLE … ADD CHECK …",
            )
            continue
        found.note_caveat("check", f"({text})", table.name, translated)
        name = names.give(f"{table.name}_check{number}")
        planned.append(plan.ConstraintPlan(name=name, definition=f"CHECK ({translated.sql})"))
    return tuple(planned)


def references(table: plan.TablePlan) -> list[tuple[str, ...]]:
    """The sets of source columns of a table that a foreign key can refer to."""
    by_term = {identifiers.quote(column.target): column.source for column in table.columns}
    found = [table.primary_key] if table.primary_key else []
    for index in table.indexes:
        columns = tuple(by_term.get(term.removesuffix(" DESC"), "") for term in index.terms)
        if index.unique and index.where is None and all(columns):
            found.append(columns)
    return found


def foreign_keys(
    keys: Mapping[int, schema.ForeignKey],
    planned: plan.TablePlan,
    others: Mapping[str, plan.TablePlan],
    target_schema: str,
    orphans: Mapping[int, tuple[int, tuple[str, ...]]],
    names: naming.Names,
    found: findings.Findings,
) -> tuple[plan.ConstraintPlan, ...]:
    """A table's foreign keys, `keys` and `orphans` by their position in it.

    Those that rows break are created NOT VALID; those that PostgreSQL cannot have are left out.
    """
    made = []
    for position, key in keys.items():
        name = f"{key.parent}({', '.join(key.parent_columns) or '…'}) from {', '.join(key.columns)}"
        reason = _refusal(key, planned, others)
        count, examples = orphans.get(position, (0, ()))
        if reason:
            remedy = "Correct the reference in the application's schema, or live without the constraint as SQLite did"
            found.leave_out("foreign key", name, planned.source, reason, plan.Severity.WARNING, remedy)
            continue
        constraint = names.give(f"{planned.source}_{'_'.join(key.columns)}_fkey")
        if count:
            rows = f"{count:,} row{' refers' if count == 1 else 's refer'}"
            found.add(
                plan.Severity.WARNING,
                code="orphans",
                message=f"{rows} to no row of {key.parent}: the foreign key is created NOT VALID, which keeps "
                "what is there and checks new rows",
                remedy=f"Repair or delete them, then: ALTER TABLE {identifiers.quote(planned.target)} VALIDATE "
                f"CONSTRAINT {identifiers.quote(constraint)}; or leave it out: "
                f'[overrides."{planned.source}"], and below it: foreign_keys = false',
                table=planned.source,
                column=", ".join(key.columns),
                count=count,
                examples=examples,
            )
        parent = others[key.parent]
        own = ", ".join(identifiers.quote(planned.column(source).target) for source in key.columns)
        theirs = ", ".join(identifiers.quote(parent.column(source).target) for source in key.parent_columns)
        actions = "".join(
            f" ON {event} {action}"
            for event, action in (("UPDATE", key.on_update), ("DELETE", key.on_delete))
            if action != "NO ACTION"
        )
        deferred = " DEFERRABLE INITIALLY DEFERRED" if key.deferred else ""
        qualified = f"{identifiers.quote(target_schema)}.{identifiers.quote(parent.target)}"
        made.append(
            plan.ConstraintPlan(
                name=constraint,
                definition=f"FOREIGN KEY ({own}) REFERENCES {qualified} ({theirs}){actions}{deferred}",
                valid=not count,
                parent=key.parent,
            )
        )
    return tuple(made)


def _refusal(key: schema.ForeignKey, table: plan.TablePlan, others: Mapping[str, plan.TablePlan]) -> str:
    parent = others.get(key.parent)
    if parent is None:
        return f"there is no table {key.parent} in the target"
    if not key.parent_columns:
        return (
            f"{key.parent} has no primary key that fits {len(key.columns)} column{'' if len(key.columns) == 1 else 's'}"
        )
    if not any(set(columns) == set(key.parent_columns) for columns in references(parent)):
        return f"{', '.join(key.parent_columns)} is not unique in {key.parent}"
    for own, theirs in zip(key.columns, key.parent_columns, strict=True):
        left, right = table.column(own), parent.column(theirs)
        integers = {"bigint", "integer", "smallint"}
        if left.sql_type != right.sql_type and not {left.sql_type, right.sql_type} <= integers:
            return f"{own} is {left.sql_type}, but {key.parent}.{theirs} is {right.sql_type}"
        if left.generated and "CASCADE" in (key.on_update, key.on_delete):
            return f"{own} is a generated column"
    return ""
