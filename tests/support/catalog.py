"""Everything a copy leaves at the target as plain data, so that two targets, or two moments of one, can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

__all__ = ["contains", "dump", "versions"]

Rows = list[tuple[Any, ...]]

OURS = "n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"

QUESTIONS = {
    "relations": f"""
        SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {OURS} ORDER BY 1, 2""",
    "columns": f"""
        SELECT n.nspname, c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attidentity, a.attgenerated, a.attcollation::regcollation::text, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE {OURS} AND c.relkind = 'r' AND a.attnum > 0 ORDER BY 1, 2, 3""",
    "constraints": f"""
        SELECT n.nspname, conrelid::regclass::text, conname, pg_get_constraintdef(c.oid), convalidated
        FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace WHERE {OURS} ORDER BY 1, 2, 3""",
    "indexes": f"""
        SELECT pg_get_indexdef(indexrelid), indisvalid, indisready, indisprimary, indisunique
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {OURS} ORDER BY 1""",
    "functions": f"""
        SELECT n.nspname, proname, pg_get_function_identity_arguments(p.oid), prosrc
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {OURS} ORDER BY 1, 2, 3""",
    "migration": """
        SELECT source, target_schema, plan, phase, chunk_rows, version FROM outgrow.migration""",
    "chunks": "SELECT table_name, ordinal, rows, quarantined FROM outgrow.chunk ORDER BY 1, 2",
    "steps": "SELECT name, note FROM outgrow.step ORDER BY 1",
    "quarantine": "SELECT table_name, key, row, column_name, reason FROM outgrow.quarantine ORDER BY 1, 2",
    "lease": "SELECT * FROM outgrow.lease",
}
"""What has to be the same after any way to the end; times, and so the audit trail, differ."""


def dump(dsn: str, schema: str = "public") -> dict[str, Rows]:
    """The catalogs, outgrow's own state, the sequences, and a digest of every table's rows."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = {name: connection.execute(query).fetchall() for name, query in QUESTIONS.items()}
        for name in _relations(connection, schema, "S"):
            query = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(schema, name))
            found[f"sequence {name}"] = connection.execute(query).fetchall()
        for name in _relations(connection, schema, "r"):
            found[f"table {name}"] = _digest(connection, schema, name, "t::text")
    return found


def versions(dsn: str, schema: str = "public") -> dict[str, Rows]:
    """The place and transaction of every row, which any write changes; the trail and the lease do not count."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        return {
            f"{place}.{name}": _digest(connection, place, name, "(t.ctid::text || t.xmin::text || t.xmax::text)")
            for place in (schema, "outgrow")
            for name in _relations(connection, place, "r")
            if (place, name) not in (("outgrow", "event"), ("outgrow", "lease"))
        }


def contains(dsn: str, text: str) -> bool:
    """Whether any row of outgrow's own tables has the text, in any column."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name in _relations(connection, "outgrow", "r"):
            query = sql.SQL("SELECT 1 FROM {} t WHERE strpos(t::text, %s) > 0 LIMIT 1")
            if connection.execute(query.format(sql.Identifier("outgrow", name)), [text]).fetchone():
                return True
    return False


def _digest(connection: psycopg.Connection, schema: str, table: str, what: str) -> Rows:
    query = "SELECT count(*), md5(string_agg({what}, chr(10) ORDER BY {what})) FROM {table} t"
    wanted = sql.SQL(query).format(what=sql.SQL(what), table=sql.Identifier(schema, table))
    return connection.execute(wanted).fetchall()


def _relations(connection: psycopg.Connection, schema: str, kind: str) -> Sequence[str]:
    found = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind = %s ORDER BY 1",
        [schema, kind],
    )
    return [name for (name,) in found]
