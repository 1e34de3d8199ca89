"""Reverse capture: the SQL of the triggers that log the keys of rows written at the target, and of the fence on that log.

Everything here but `missing` only makes statements. The triggers are statement-level ones with transition tables: 5 µs a
statement and 1 to 2 µs a row (*measured*). PL/pgSQL keeps the plan of a statement that it has run a few times, so it must suit
any number of rows: an anti-join of the two transition tables, planned for one row, takes quadratic time for many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import psycopg

from outgrow.model import plan
from outgrow.postgres import ddl, keys

__all__ = [
    "APPLYING",
    "FENCED",
    "FENCE_PREFIX",
    "close",
    "drop",
    "fence",
    "install",
    "missing",
    "open_",
    "unfence",
]

FENCED = "OG002"
"""SQLSTATE of a write that met the fence."""

FENCE_PREFIX = "outgrow: fenced: this database is not the primary"
"""What the message of every refused write begins with; ` of epoch N` follows."""

APPLYING = "outgrow.applying"
"""The setting by which the follower's own writes are known: its value is the migration's secret."""

# Settings that the text of a type depends on, as sessions of outgrow's have them. Each costs 0.4 µs a statement.
_SETTINGS: Mapping[str, Sequence[tuple[str, str]]] = {
    "timestamp": (("DateStyle", "ISO, YMD"),),
    "timestamptz": (("DateStyle", "ISO, YMD"), ("TimeZone", "UTC")),
    "date": (("DateStyle", "ISO, YMD"),),
    "double precision": (("extra_float_digits", "1"),),
    "bytea": (("bytea_output", "hex"),),
}

_TRIGGERS: Mapping[str, tuple[str, str]] = {
    "insert": ("AFTER INSERT", "REFERENCING NEW TABLE AS new_rows"),
    "update": ("AFTER UPDATE", "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"),
    "delete": ("AFTER DELETE", "REFERENCING OLD TABLE AS old_rows"),
    "truncate": ("BEFORE TRUNCATE", ""),
}


_CLOSED = "outgrow_closed"


def _name(event: str) -> str:
    return f"outgrow_capture_{event}"


def _function(number: int, event: str) -> str:
    return f"capture_{number}_truncate" if event == "truncate" else f"capture_{number}"


def _settings(table: plan.TablePlan) -> str:
    wanted = {name: value for column in keys.columns(table) for name, value in _SETTINGS.get(column.sql_type, ())}
    return "".join(f" SET {name} = '{value}'" for name, value in wanted.items())


def _log(table: plan.TablePlan, number: int, rows: str) -> str:
    """Log the keys of rows; `rows` is a FROM item. Its columns are qualified: one may be called as a variable is."""
    texts = ",".join(f"touched.{column.name}::text" for column in keys.columns(table))
    return f"INSERT INTO outgrow.log (t, key) SELECT {number}, ARRAY[{texts}] FROM {rows} AS touched;"


def _ours(secret: str) -> str:
    """The condition that the session is the follower's; the hash, because everybody can read a function's source."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    setting = f"current_setting('{APPLYING}', true)"
    return f"{setting} <> '' AND encode(sha256(convert_to({setting}, 'UTF8')), 'hex') = '{digest}'"


def _rows_body(table: plan.TablePlan, number: int, secret: str) -> str:
    new, old = (", ".join(f"{alias}.{column.name}" for column in keys.columns(table)) for alias in ("after", "before"))
    # Typed values are compared, not texts: cheaper, and one numeric may have two texts.
    both = f"(SELECT {new} FROM new_rows AS after UNION SELECT {old} FROM old_rows AS before)"
    return f"""
BEGIN
    IF {_ours(secret)} THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        {_log(table, number, "new_rows")}
    ELSIF TG_OP = 'UPDATE' THEN
        {_log(table, number, both)}
    ELSE
        {_log(table, number, "old_rows")}
    END IF;
    RETURN NULL;
END """


def _truncate_body(schema: str, table: plan.TablePlan, number: int, secret: str) -> str:
    # TRUNCATE removes rows that a snapshot older than its lock does not show.
    return f"""
BEGIN
    IF {_ours(secret)} THEN
        RETURN NULL;
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'outgrow: a TRUNCATE in this transaction could remove rows that nobody sees'
            USING ERRCODE = 'OG003', HINT = 'Use READ COMMITTED for it, or DELETE';
    END IF;
    {_log(table, number, ddl.qualified(schema, table.target))}
    RETURN NULL;
END """


def _bodies(schema: str, table: plan.TablePlan, number: int, secret: str) -> Mapping[str, str]:
    """The source of a table's functions, by their names."""
    return {
        _function(number, "insert"): _rows_body(table, number, secret),
        _function(number, "truncate"): _truncate_body(schema, table, number, secret),
    }


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def install(schema: str, table: plan.TablePlan, number: int, secret: str) -> tuple[str, ...]:
    """The statements that install capture of a table under its number, or put it right; repeating them changes nothing.

    The functions run as their owner, so that the application needs no privilege on the log. The triggers are of the kind that
    `session_replication_role` does not switch off.
    """
    made = []
    for name, body in _bodies(schema, table, number, secret).items():
        # A policy would hide rows that TRUNCATE removes: then it is refused.
        more = " SET row_security = off" if name.endswith("_truncate") else ""
        made.append(
            f"CREATE OR REPLACE FUNCTION outgrow.{name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
            f" SET search_path = pg_catalog{_settings(table)}{more} AS {_quoted(body)}"
        )
        made.append(f"REVOKE ALL ON FUNCTION outgrow.{name}() FROM PUBLIC")
    on = ddl.qualified(schema, table.target)
    for event, (when, referencing) in _TRIGGERS.items():
        made.append(
            f"CREATE OR REPLACE TRIGGER {_name(event)} {when} ON {on} {referencing} FOR EACH STATEMENT"
            f" EXECUTE FUNCTION outgrow.{_function(number, event)}()"
        )
        made.append(f"ALTER TABLE {on} ENABLE ALWAYS TRIGGER {_name(event)}")
    return tuple(made)


def close(schema: str, tables: Sequence[plan.TablePlan], secret: str) -> tuple[str, ...]:
    """The statements that close tables by a cheap trigger each, until they have capture, too dear while they are filled."""
    body = f"""
BEGIN
    IF {_ours(secret)} THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '{FENCE_PREFIX} of epoch 0'
        USING ERRCODE = '{FENCED}', HINT = 'It is being filled: write to the SQLite file';
END """
    made = [
        "CREATE OR REPLACE FUNCTION outgrow.refuse_stray() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        f" SET search_path = pg_catalog AS {_quoted(body)}"
    ]
    for table in tables:
        on = ddl.qualified(schema, table.target)
        made.append(
            f"CREATE OR REPLACE TRIGGER {_CLOSED} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {on}"
            " FOR EACH STATEMENT EXECUTE FUNCTION outgrow.refuse_stray()"
        )
        made.append(f"ALTER TABLE {on} ENABLE ALWAYS TRIGGER {_CLOSED}")
    return tuple(made)


def open_(schema: str, table: plan.TablePlan) -> str:
    """The statement that takes back what `close` did to a table."""
    return f"DROP TRIGGER IF EXISTS {_CLOSED} ON {ddl.qualified(schema, table.target)}"


def drop(number: int) -> tuple[str, ...]:
    """The statements that remove capture of the table of that number, whatever the table is called by now."""
    return tuple(
        f"DROP FUNCTION IF EXISTS outgrow.{_function(number, event)}() CASCADE" for event in ("insert", "truncate")
    )


def fence(epoch: int) -> tuple[str, ...]:
    """The statements that close the target, which is not the primary of `epoch`; they wait for writers in flight.

    The epoch is an argument of the trigger: a transaction with an old snapshot reads it too.
    """
    return (
        f"CREATE OR REPLACE TRIGGER fence BEFORE INSERT ON outgrow.log FOR EACH ROW EXECUTE FUNCTION outgrow.refuse('{epoch}')",
        "ALTER TABLE outgrow.log ENABLE ALWAYS TRIGGER fence",
    )


def unfence() -> str:
    """The statement that opens the target."""
    return "ALTER TABLE outgrow.log DISABLE TRIGGER fence"


_FOUND = """
SELECT n.nspname, c.relname, t.tgname, t.tgenabled, p.proname, p.prosrc
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace
WHERE pn.nspname = 'outgrow' AND NOT t.tgisinternal
"""


def missing(
    session: psycopg.Connection, planned: plan.Plan, secret: str, *, fenced: bool
) -> Mapping[str, Sequence[str]]:
    """What is wrong with capture and fence, by the table's source name, the fence under an empty one; nothing if all is well.

    Triggers that were dropped, disabled or replaced by hand are found, and those of tables that were dropped and made again.
    """
    held = {
        (schema, table, trigger): (state, function, source)
        for schema, table, trigger, state, function, source in session.execute(_FOUND)
    }
    problems: dict[str, list[str]] = {}
    for number, table in enumerate(planned.tables, 1):
        bodies = _bodies(planned.schema, table, number, secret)
        for event in _TRIGGERS:
            function = _function(number, event)
            found = held.get((planned.schema, table.target, _name(event)))
            problem = ""
            if found is None:
                problem = "is gone"
            elif found[0] != "A":
                problem = "is switched off"
            elif found[1:] != (function, bodies[function]):
                problem = "does something else"
            if problem:
                problems.setdefault(table.source, []).append(f"trigger {_name(event)} {problem}")
    state = held.get(("outgrow", "log", "fence"), ("", "", ""))[0]
    if fenced and state != "A":
        problems[""] = ["the fence is open"]
    elif not fenced and state != "D":
        problems[""] = ["the fence is closed" if state else "the fence is gone"]
    return problems
