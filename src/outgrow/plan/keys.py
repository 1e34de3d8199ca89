"""What identifies the rows of a table at the target: its primary key where PostgreSQL can have it, else the rowid."""

from __future__ import annotations

from outgrow import errors
from outgrow.model import plan, schema
from outgrow.plan import columns, constraints, findings, naming

__all__ = ["compared", "primary_key", "refuse_keyless", "refuse_width", "report_wide", "rowid_column"]

MOST_COLUMNS = 1_600


def compared(table: schema.Table) -> frozenset[str]:
    """Columns that some key or index compares."""
    found = set(table.primary_key)
    for index in table.indexes:
        found |= {term.column for term in index.terms if term.column}
    for key in table.foreign_keys:
        found |= set(key.columns)
    return frozenset(found)


def refuse_width(table: schema.Table, columns: int) -> None:
    """Raise errors.SchemaRefused for more columns than PostgreSQL has."""
    if columns > MOST_COLUMNS:
        raise errors.SchemaRefused(
            f"Table {table.name} has {len(table.columns):,} columns",
            why=f"PostgreSQL has at most {MOST_COLUMNS:,}"
            + (", and the rowid, which identifies the rows, needs one more" if columns > len(table.columns) else ""),
            hint=f'Split the table, or leave it out: in the plan [overrides."{table.name}"], and below it: skip = true',
        )


def refuse_keyless(table: schema.Table) -> None:
    """Raise errors.SchemaRefused for a table whose rows cannot be told apart by any name."""
    if table.rowid_name is None and not table.primary_key:
        raise errors.SchemaRefused(
            f"Nothing identifies the rows of table {table.name}",
            why="it has no primary key, and columns named rowid, _rowid_ and oid hide the rowid",
            hint=f'Give it a primary key, or leave it out: in the plan [overrides."{table.name}"], and below it: skip = true',
        )


def primary_key(table: schema.Table, facts: columns.TableFacts, found: findings.Findings) -> tuple[str, ...]:
    """The declared primary key, nothing where PostgreSQL cannot have it as one."""
    if facts.null_keys:
        found.add(
            plan.Severity.WARNING,
            code="null_in_primary_key",
            message=f"{facts.null_keys:,} rows have NULL in the primary key ({', '.join(table.primary_key)}), which "
            "PostgreSQL refuses: the rowid becomes the key, the declared one a unique index",
            remedy="Give these rows a key, then plan again",
            table=table.name,
            count=facts.null_keys,
        )
        return ()
    unordered = [
        name
        for name in table.primary_key
        if not facts.decisions[name].codec.orderable
        or (table.column(name).collation not in constraints.COLLATIONS and name != table.rowid_alias)
    ]
    if unordered:
        found.add(
            plan.Severity.WARNING,
            code="unordered_primary_key",
            message=f"the primary key has values that PostgreSQL compares otherwise ({', '.join(unordered)}): "
            "the rowid becomes the key",
            remedy="Keep values of one kind in the key",
            table=table.name,
        )
        return ()
    return table.primary_key


def report_wide(table: schema.Table, wide: int, found: findings.Findings) -> None:
    """Record that the primary key reaches `wide` bytes, and has no index of its own."""
    instead = "the rowid becomes the key" if table.rowid_name else "the table gets no primary key"
    found.add(
        plan.Severity.WARNING,
        code="wide_primary_key",
        message=f"values of the primary key ({', '.join(table.primary_key)}) reach {wide:,} bytes, more than PostgreSQL "
        f"indexes: {instead}, and a unique index on hashes of the values keeps them distinct",
        remedy="Give the table a shorter key",
        table=table.name,
    )


def rowid_column(table: schema.Table, inner: naming.Names, found: findings.Findings) -> str:
    """The name of the target column that keeps the rowid; errors.SchemaRefused where there is none to keep."""
    if table.rowid_name is None:
        raise errors.SchemaRefused(
            f"Nothing identifies the rows of table {table.name}",
            why="its primary key holds NULL or values without an order, and it has no rowid to use instead",
            hint=f'Leave it out: in the plan [overrides."{table.name}"], and below it: skip = true',
        )
    refuse_width(table, len(table.columns) + 1)
    rowid = inner.give(table.rowid_name)
    if not table.primary_key:
        found.add(
            plan.Severity.INFO,
            code="rowid_column",
            message=f"the table has no primary key: its rowid becomes the column {rowid}",
            remedy="Nothing to do; a primary key of its own would make the column unnecessary",
            table=table.name,
        )
    return rowid
