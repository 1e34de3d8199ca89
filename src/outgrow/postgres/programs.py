"""The application's views and triggers at the target: statements that make and drop them, and a look at what is there."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from outgrow.dialect import identifiers, triggers
from outgrow.model import plan
from outgrow.model import schema as file_schema
from outgrow.postgres import ddl

__all__ = ["create_trigger", "create_view", "drop", "functions", "missing", "script"]

_OWN_SCHEMA = "outgrow"


def create_view(schema: str, view: plan.ViewPlan) -> str:
    """The view, in the place of one of its name; it must have a definition."""
    name = ddl.qualified(schema, view.target)
    columns = ", ".join(identifiers.quote(column) for column in view.columns)
    return f"DROP VIEW IF EXISTS {name};\nCREATE VIEW {name} ({columns}) AS\n{view.definition}"


def _function(schema: str, trigger: plan.TriggerPlan) -> str:
    """The function of a trigger; one that calls functions of schema `outgrow` lives there, and is dropped with them."""
    return ddl.qualified(_OWN_SCHEMA if trigger.dependent else schema, trigger.target)


def _table(planned: plan.Plan, trigger: plan.TriggerPlan) -> plan.TablePlan:
    table = planned.table(trigger.table)
    assert table is not None
    return table


def create_trigger(planned: plan.Plan, trigger: plan.TriggerPlan) -> str:
    """The trigger and its function, in the place of those of their names; it must have a body.

    Both are the application's: the function runs with the rights of whoever writes. Rows that outgrow itself writes fire none.
    """
    table = _table(planned, trigger)
    function = _function(planned.schema, trigger)
    targets = [identifiers.quote(_column(table, name)) for name in trigger.columns]
    event = f"UPDATE OF {', '.join(targets)}" if targets else trigger.event
    rows = f" REFERENCING {'OLD' if trigger.event == 'DELETE' else 'NEW'} TABLE AS {triggers.ROWS}"
    body = trigger.body.replace("'", "''")
    return (
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS '{body}';\n"
        f"CREATE OR REPLACE TRIGGER {identifiers.quote(trigger.target)} {trigger.timing} {event}"
        f" ON {ddl.qualified(planned.schema, table.target)}{rows if trigger.single else ''}"
        f" FOR EACH ROW WHEN ({trigger.when}) EXECUTE FUNCTION {function}()"
    )


def _column(table: plan.TablePlan, name: str) -> str:
    folded = file_schema.fold(name)
    return next(column.target for column in table.columns if file_schema.fold(column.source) == folded)


def functions(planned: plan.Plan) -> tuple[str, ...]:
    """The names of functions that the triggers need in the target schema."""
    return tuple(one.target for one in planned.triggers if one.body and not one.dependent)


def script(planned: plan.Plan) -> Iterator[str]:
    """All views and triggers of a plan."""
    for view in planned.views:
        if view.definition:
            yield create_view(planned.schema, view)
    for trigger in planned.triggers:
        if trigger.body:
            yield create_trigger(planned, trigger)


def drop(planned: plan.Plan) -> Iterator[str]:
    """The statements that drop views and triggers."""
    for view in planned.views:
        if view.definition:
            yield f"DROP VIEW IF EXISTS {ddl.qualified(planned.schema, view.target)}"
    for trigger in planned.triggers:
        if trigger.body:
            yield f"DROP FUNCTION IF EXISTS {_function(planned.schema, trigger)}() CASCADE"


_FOUND = """
SELECT c.relname, t.tgname, t.tgenabled, p.prosrc
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
WHERE n.nspname = %s AND NOT t.tgisinternal
"""


def missing(session: psycopg.Connection, planned: plan.Plan) -> list[str]:
    """The triggers of the plan that would not do their work: statements are translated as if they did."""
    found = {(table, name): (state, body) for table, name, state, body in session.execute(_FOUND, (planned.schema,))}
    problems = []
    for trigger in planned.triggers:
        if trigger.body:
            target = _table(planned, trigger).target
            state, body = found.get((target, trigger.target), ("", ""))
            if not state:
                problems.append(f"trigger {target}.{trigger.target} is gone")
            elif state not in "OA":
                problems.append(f"trigger {target}.{trigger.target} is switched off")
            elif body != trigger.body:
                problems.append(f"trigger {target}.{trigger.target} does something else")
    return problems
