"""Tables and columns that the application adds while it is followed: planned like all others, and made at the target."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from outgrow.model import plan, plan_data
from outgrow.plan import build
from outgrow.postgres import ddl
from outgrow.postgres import steps as target_steps
from outgrow.sqlite import schema as sqlite_schema

if TYPE_CHECKING:
    from outgrow.migration import connected

__all__ = ["grow"]


def grow(work: connected.Connected, tables: Sequence[str], columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Bring new tables and columns to the plan and to the target, with the views and triggers as they are now.

    Gives the tables whose rows have to be compared. The target gets all with the plan in one transaction. Capture in the file
    is the caller's affair.
    """
    connection = work.file.writer
    database = sqlite_schema.read(connection)
    made = work.plan
    for name in tables:
        made = build.add_table(connection, database, made, name, exact=False)
    for table, column in columns:
        made = build.add_column(connection, database, made, table, column, exact=False)
    made = build.renew_programs(database, made)
    renewed = (work.plan.views, work.plan.triggers) != (made.views, made.triggers)
    statements = [*_new_tables(work.plan, made), *_new_columns(work.plan, made)]
    first = len(work.plan.tables)
    with work.target.control.transaction():
        if renewed:
            target_steps.drop_views_and_triggers(work.target.control, work.plan)
        for statement in statements:
            work.target.control.execute(statement.encode())
        if renewed:
            target_steps.renew_views_and_triggers(work.target.control, made)
        work.target_store.install_capture(made, range(first, len(made.tables)))
        work.target_store.suspect([*tables, *dict.fromkeys(table for table, _ in columns)])
        work.keeper.change_plan(json.dumps(plan_data.to_data(made)))
    work.plan = made
    work.open_stores()
    return (*tables, *dict.fromkeys(table for table, _ in columns))


def _new_tables(before: plan.Plan, after: plan.Plan) -> list[str]:
    statements = []
    for table in after.tables[len(before.tables) :]:
        statements.append(ddl.create_table(after.schema, table))
        if table.indexed_key:
            statements.append(ddl.add_primary_key(after.schema, table))
        statements += [ddl.create_index(after.schema, table, index) for index in table.indexes]
    return statements


def _new_columns(before: plan.Plan, after: plan.Plan) -> list[str]:
    statements = []
    for old, new in zip(before.tables, after.tables, strict=False):
        known = {column.source for column in old.columns}
        statements += [ddl.add_column(after.schema, new, one) for one in new.columns if one.source not in known]
        statements += [ddl.add_check(after.schema, new, one) for one in new.checks[len(old.checks) :]]
    return statements
