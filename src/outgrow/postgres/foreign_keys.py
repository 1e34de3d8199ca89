"""Foreign keys of a live target: none while it follows, because checks would refuse orphans and cascades would fire."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from outgrow.dialect import identifiers
from outgrow.model import plan
from outgrow.postgres import ddl, steps

__all__ = ["add", "drop", "validation_steps"]


def add(session: psycopg.Connection, planned: plan.Plan) -> None:
    """Add every foreign key, NOT VALID, in one round trip; those that are there stay as they are.

    To be called in the transaction that prepares a switch: from then on, new rows are checked.
    """
    there = _there(session, planned)
    statements = [
        ddl.add_foreign_key(planned.schema, table, key)
        for table in planned.tables
        for key in table.foreign_keys
        if (table.target, key.name) not in there
    ]
    if statements:
        session.execute(";".join(statements).encode())


def drop(session: psycopg.Connection, planned: plan.Plan) -> None:
    """Drop the plan's foreign keys that are there, within the caller's transaction; it waits for the tables' readers."""
    there = _there(session, planned)
    statements = [
        f"ALTER TABLE {ddl.qualified(planned.schema, table.target)} DROP CONSTRAINT IF EXISTS {identifiers.quote(key.name)}"
        for table in planned.tables
        for key in table.foreign_keys
        if (table.target, key.name) in there
    ]
    if statements:
        session.execute(";".join(statements).encode())


def validation_steps(planned: plan.Plan, epoch: int) -> Iterator[steps.Step]:
    """Hold the rows that are there against each foreign key, after the switch to `epoch`; one that they break is noted."""
    for table in planned.tables:
        for key in table.foreign_keys:
            yield steps.Step(
                name=f"validation of {key.name} of {table.source} in epoch {epoch}",
                statement=ddl.validate_foreign_key(planned.schema, table, key),
                tolerated=frozenset({"23503"}),
                table=table.source,
            )


def _there(session: psycopg.Connection, planned: plan.Plan) -> set[tuple[str, str]]:
    found = session.execute(
        "SELECT c.relname, k.conname FROM pg_catalog.pg_constraint k"
        " JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE k.contype = 'f' AND n.nspname = %s",
        (planned.schema,),
    )
    return {(table, name) for table, name in found}
