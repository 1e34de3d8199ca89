"""Building the target around its rows: schema, keys, indexes, foreign keys, sequences, statistics.

Each step is one transaction that also notes the step as done, so that a restart continues with the next one.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import psycopg

from outgrow import errors, failpoints, workers
from outgrow.dialect import identifiers
from outgrow.model import event, plan
from outgrow.postgres import ddl, programs, sql_table, state

__all__ = [
    "Step",
    "constraints",
    "create_schema",
    "drift",
    "drop_schema",
    "drop_views_and_triggers",
    "indexes",
    "keys",
    "occupied",
    "renew_views_and_triggers",
    "run",
    "strange",
    "taken",
    "validations",
    "views_and_triggers",
]

_FULL_NAMES = {
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
}
_WORK_MEMORY = "256MB"
_VIEW_REFUSED = frozenset({"42601", "42703", "42803", "42804", "42846", "42883", "42P16", "54000", "54011"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One statement, or a function that runs some, done once under a name.

    `tolerated` are SQLSTATEs with which the step may fail and be noted as failed: the migration is complete without it.
    """

    name: str
    statement: str = ""
    work: Callable[[psycopg.Connection], None] | None = None
    tolerated: frozenset[str] = frozenset()
    table: str = ""


def occupied(connection: psycopg.Connection, planned: plan.Plan) -> list[str]:
    """Relations, types and functions in the target schema that have a name the plan needs."""
    wanted = [table.target for table in planned.tables]
    wanted += [index.name for table in planned.tables for index in table.indexes]
    wanted += [name for table in planned.tables for name in (table.key_name, table.sequence_name) if name]
    wanted += [view.target for view in planned.views if view.definition]
    found = connection.execute(
        "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = ANY(%s)"
        " UNION SELECT t.typname FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
        " WHERE n.nspname = %s AND t.typname = ANY(%s)"
        " UNION SELECT f.proname || '()' FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace"
        " WHERE n.nspname = %s AND f.pronargs = 0 AND f.proname = ANY(%s) ORDER BY 1",
        (planned.schema, wanted, planned.schema, wanted, planned.schema, list(programs.functions(planned))),
    )
    return [name for (name,) in found]


def taken(connection: psycopg.Connection, schema: str, names: Sequence[str]) -> list[str]:
    """Those of these names that relations in a schema have."""
    found = connection.execute(
        "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = ANY(%s) ORDER BY 1",
        (schema, list(names)),
    )
    return [name for (name,) in found]


def create_schema(connection: psycopg.Connection, planned: plan.Plan) -> None:
    """Create the target schema, extensions and tables; to be called within a transaction."""
    if planned.schema != "public":
        connection.execute(b"CREATE SCHEMA IF NOT EXISTS " + identifiers.quote(planned.schema).encode())
    for name in planned.extensions:
        if connection.execute("SELECT 1 FROM pg_catalog.pg_extension WHERE extname=%s", (name,)).fetchone() is None:
            connection.execute(f"CREATE EXTENSION {identifiers.quote(name)} SCHEMA public".encode())
    for table in planned.tables:
        connection.execute(ddl.create_table(planned.schema, table).encode())


def drift(connection: psycopg.Connection, planned: plan.Plan) -> list[str]:
    """How the target's tables differ from the plan: a table or a column that is gone, a column of another type."""
    found = connection.execute(
        "SELECT c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
        " WHERE n.nspname = %s AND c.relkind IN ('r', 'p')",
        (planned.schema,),
    )
    there: dict[str, dict[str, str]] = {}
    for table_name, column_name, type_name in found:
        there.setdefault(table_name, {})[column_name] = type_name
    problems = []
    for table in planned.tables:
        columns = there.get(table.target)
        if columns is None:
            problems.append(f"table {table.target} is gone")
            continue
        wanted = {column.target: column.sql_type for column in table.columns}
        if table.rowid is not None:
            wanted[table.rowid] = "bigint"
        for name, sql_type in wanted.items():
            if name not in columns:
                problems.append(f"column {table.target}.{name} is gone")
            elif columns[name].replace('"', "").rpartition(".")[2] != _FULL_NAMES.get(sql_type, sql_type):
                problems.append(f"column {table.target}.{name} is {columns[name]}, not {sql_type}")
    return problems


def strange(connection: psycopg.Connection, planned: plan.Plan) -> list[str]:
    """Tables in the target schema, and columns of the plan's tables, that the plan does not know."""
    found = connection.execute(
        "SELECT c.relname, array_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
        " WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
        " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"
        " GROUP BY c.relname ORDER BY c.relname",
        (planned.schema,),
    )
    known = {
        table.target: {column.target for column in table.columns} | ({table.rowid} if table.rowid else set())
        for table in planned.tables
    }
    problems = []
    for table_name, columns in found:
        if table_name not in known:
            problems.append(f"table {table_name} is in PostgreSQL only")
        else:
            problems += [
                f"column {table_name}.{c} is in PostgreSQL only" for c in columns if c not in known[table_name]
            ]
    return problems


def drop_schema(connection: psycopg.Connection, planned: plan.Plan) -> None:
    """Drop the planned tables and outgrow's own schema; to be called within a transaction."""
    names = ", ".join(ddl.qualified(planned.schema, table.target) for table in planned.tables)
    try:
        drop_views_and_triggers(connection, planned)
        if names:
            connection.execute(f"DROP TABLE IF EXISTS {names}".encode())
    except psycopg.errors.DependentObjectsStillExist as error:
        raise errors.TargetOccupied(
            "What an earlier copy made cannot be dropped",
            why=f"other objects depend on it: {error.diag.message_detail}",
            hint="Drop these yourself, or use another database",
        ) from error
    connection.execute("DROP SCHEMA outgrow CASCADE")


def key_indexes(planned: plan.Plan) -> Iterator[Step]:
    """The indexes of the primary keys, which verification walks by, for tables that have their rows."""
    return _for_each_key(planned, "index of the primary key", ddl.key_index)


def keys_of_indexes(planned: plan.Plan) -> Iterator[Step]:
    """The primary keys themselves, in no time."""
    return _for_each_key(planned, "primary key", ddl.key_of_index)


def keys(planned: plan.Plan) -> Iterator[Step]:
    """Primary keys of empty tables."""
    return _for_each_key(planned, "primary key", ddl.add_primary_key)


def _for_each_key(planned: plan.Plan, name: str, statement: Callable[[str, plan.TablePlan], str]) -> Iterator[Step]:
    for table in planned.tables:
        if table.indexed_key:
            yield Step(name=f"{name} of {table.source}", statement=statement(planned.schema, table), table=table.source)


def indexes(planned: plan.Plan) -> Iterator[Step]:
    """Secondary indexes. One whose entries turn out too large for PostgreSQL is left out and reported."""
    for table in planned.tables:
        for index in table.indexes:
            yield Step(
                name=f"index {index.name}",
                statement=ddl.create_index(planned.schema, table, index),
                # 54000: an entry too large for a btree page. 23505: rows that SQLite itself holds to be distinct.
                tolerated=frozenset({"54000", "23505"}),
                table=table.source,
            )


def constraints(planned: plan.Plan) -> Iterator[Step]:
    """Primary keys, foreign keys that are not validated yet, views, triggers; in this order, one after the other."""
    yield from keys_of_indexes(planned)
    for table in planned.tables:
        for key in table.foreign_keys:
            yield Step(
                name=f"foreign key {key.name} of {table.source}",
                statement=ddl.add_foreign_key(planned.schema, table, key),
                table=table.source,
            )
    yield from views_and_triggers(planned)


def validations(planned: plan.Plan) -> Iterator[Step]:
    """Foreign keys validated over the rows, sequences, statistics: each by itself, once all constraints are there."""
    for table in planned.tables:
        for key in table.foreign_keys:
            if key.valid:
                yield Step(
                    name=f"validation of {key.name} of {table.source}",
                    statement=ddl.validate_foreign_key(planned.schema, table, key),
                    tolerated=frozenset({"23503"}),
                    table=table.source,
                )
    yield from statistics(planned)
    for table in planned.tables:
        if sql_table.TableSql(planned.schema, table).sequence() is not None:
            yield Step(
                name=f"sequence of {table.source}",
                work=lambda connection, table=table: _set_sequence(connection, planned.schema, table),  # type: ignore[misc]
                table=table.source,
            )


def views_and_triggers(planned: plan.Plan) -> Iterator[Step]:
    """The application's own views and triggers, once its tables have their keys, which a GROUP BY may rely on."""
    for view in planned.views:
        if view.definition:
            # It is for people: the application's statements do not need it.
            yield Step(
                name=f"view {view.name}",
                statement=programs.create_view(planned.schema, view),
                tolerated=_VIEW_REFUSED,
            )
    for trigger in planned.triggers:
        if trigger.body:
            yield Step(
                name=f"trigger {trigger.name}",
                statement=programs.create_trigger(planned, trigger),
                table=trigger.table,
            )


def drop_views_and_triggers(connection: psycopg.Connection, planned: plan.Plan) -> None:
    """Drop the application's own views and triggers; to be called within a transaction."""
    for statement in programs.drop(planned):
        connection.execute(statement.encode())


def renew_views_and_triggers(connection: psycopg.Connection, planned: plan.Plan) -> None:
    """Create all views and triggers of a changed plan; to be called within a transaction.

    A view that is refused is left out, as it is when its step fails: it may need a key that is not there yet.
    """
    for step in views_and_triggers(planned):
        try:
            with connection.transaction():
                connection.execute(step.statement.encode())
        except psycopg.Error as error:
            if error.sqlstate not in step.tolerated:
                raise


def statistics(planned: plan.Plan) -> Iterator[Step]:
    """What PostgreSQL's planner knows of the tables."""
    for table in planned.tables:
        name = ddl.qualified(planned.schema, table.target)
        yield Step(name=f"statistics of {table.source}", statement=f"ANALYZE {name}", table=table.source)


def _set_sequence(connection: psycopg.Connection, schema: str, table: plan.TablePlan) -> None:
    """Let the identity continue after the highest id ever given: max(id), or sqlite_sequence where that is higher."""
    found = sql_table.TableSql(schema, table).sequence()
    assert found is not None
    column, query = found
    row = connection.execute(query.encode()).fetchone()
    last = max(row[0] if row and row[0] is not None else 0, table.sequence or 0)
    if last >= 1:
        connection.execute(
            "SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence(%s, %s), %s)",
            (ddl.qualified(schema, table.target), column, last),
        )


def run(
    connections: Sequence[psycopg.Connection],
    steps: Iterator[Step],
    *,
    run_id: str,
    stop: workers.Stop,
    interrupt: Callable[[], None],
    sink: event.Sink,
) -> None:
    """Run steps that are not done yet, several at once where there are several connections; raises the first error."""
    keeper = state.State(connections[0])
    done = keeper.steps()
    todo = iter([step for step in steps if step.name not in done])
    lock = threading.Lock()

    def work(connection: psycopg.Connection) -> None:
        while True:
            stop.check()
            with lock:
                step = next(todo, None)
            if step is None:
                return
            sink(event.TableStarted(step=step.name, table=step.table, rows=0))
            _run_one(connection, step, run_id)

    workers.run([functools.partial(work, one) for one in connections], stop, interrupt=interrupt)


def _run_one(connection: psycopg.Connection, step: Step, run_id: str) -> None:
    keeper = state.State(connection, run=run_id)
    began = time.monotonic()
    try:
        with connection.transaction():
            if not keeper.claim_step(step.name):
                return
            connection.execute(f"SET LOCAL maintenance_work_mem = '{_WORK_MEMORY}'".encode())
            if step.work is not None:
                step.work(connection)
            else:
                connection.execute(step.statement.encode())
            keeper.finish_step(step.name, time.monotonic() - began)
            failpoints.hit("step.done")
        failpoints.hit("step.committed")
    except psycopg.Error as error:
        if error.sqlstate in step.tolerated:
            message = (error.diag.message_primary or str(error)).strip()
            detail = f"{message} {error.diag.message_detail or ''}".strip()
            with connection.transaction():
                keeper.claim_step(step.name)
                keeper.finish_step(step.name, time.monotonic() - began, f"failed: {detail}")
            return
        if (error.sqlstate or "")[:2] in ("22", "23", "42", "54") and error.sqlstate != "42501":
            raise errors.TargetUnfit(
                f"PostgreSQL refused the {step.name}",
                why=f"{error.diag.message_primary}; the statement was: {step.statement}",
                hint="Change the plan so that it is left out, or report this as a defect with the statement",
            ) from error
        raise
