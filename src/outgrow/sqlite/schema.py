"""Reading a file's schema: what SQLite's PRAGMAs say, completed by the text of CREATE where they are silent."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import apsw

from outgrow.dialect import affinity, table_sql
from outgrow.model import schema

__all__ = ["read"]


def read(connection: apsw.Connection) -> schema.Database:
    """The schema of the file that `connection` has open, tables in the order of their creation.

    Virtual tables and their shadow tables are told from ordinary ones by `pragma_table_list`, never by name. What outgrow
    itself puts into a live file is left out.
    """
    listed = {
        name: (kind, bool(without_rowid), bool(strict))
        for name, kind, without_rowid, strict in connection.execute(
            "SELECT name,type,wr,strict FROM pragma_table_list WHERE schema='main'"
        )
    }
    entries = list(connection.execute("SELECT type,name,tbl_name,coalesce(sql,'') FROM sqlite_schema ORDER BY rowid"))
    index_sql = {name: sql for kind, name, _, sql in entries if kind == "index"}
    tables: list[schema.Table] = []
    others: list[schema.OtherObject] = []
    for kind, name, table, sql in entries:
        if kind == "index" or schema.is_own(name):
            continue
        listed_kind, without_rowid, strict = listed.get(name, (kind, False, False))
        if kind != "table":
            others.append(schema.OtherObject(name=name, kind=kind, table=table if kind == "trigger" else "", sql=sql))
        elif listed_kind in ("virtual", "shadow"):
            others.append(schema.OtherObject(name=name, kind=f"{listed_kind} table", sql=sql))
        elif schema.fold(name).startswith("sqlite_"):
            others.append(schema.OtherObject(name=name, kind="system table", sql=sql))
        else:
            tables.append(_table(connection, name, sql, without_rowid, strict, index_sql))
    resolved = tuple(_resolve_parents(table, tables) for table in tables)
    return schema.Database(
        encoding=connection.pragma("encoding"),
        page_size=connection.pragma("page_size"),
        page_count=connection.pragma("page_count"),
        journal_mode=connection.pragma("journal_mode"),
        user_version=connection.pragma("user_version"),
        application_id=connection.pragma("application_id"),
        tables=resolved,
        others=tuple(others),
        sequences=_sequences(connection, others),
    )


def _sequences(connection: apsw.Connection, others: list[schema.OtherObject]) -> Mapping[str, int]:
    if not any(other.name == "sqlite_sequence" for other in others):
        return {}
    return {
        name: seq
        for name, seq in connection.execute("SELECT name,max(seq) FROM sqlite_sequence GROUP BY name")
        if isinstance(seq, int) and not schema.is_own(name)
    }


def _table(
    connection: apsw.Connection,
    name: str,
    sql: str,
    without_rowid: bool,
    strict: bool,
    index_sql: Mapping[str, str],
) -> schema.Table:
    syntax = table_sql.parse(sql)
    by_name = {schema.fold(column.name): column for column in syntax.columns}
    columns = []
    key: list[tuple[int, str]] = []
    for _, column, declared, not_null, default, position, hidden in connection.execute(
        "SELECT * FROM pragma_table_xinfo(?)", (name,)
    ):
        written = by_name.get(schema.fold(column))
        generated = {2: schema.Generated.VIRTUAL, 3: schema.Generated.STORED}.get(hidden)
        columns.append(
            schema.Column(
                name=column,
                declared=declared,
                affinity=affinity.affinity(declared, strict=strict),
                not_null=bool(not_null) or (without_rowid and position > 0),
                # table_info strips the parentheses, which tell an expression from a literal.
                default=written.default if written and written.default is not None else default,
                collation=(written.collation if written and written.collation else "BINARY").upper(),
                generated=generated,
                expression=written.expression if written and generated else None,
            )
        )
        if position:
            key.append((position, column))
    primary_key = tuple(column for _, column in sorted(key))
    taken = {schema.fold(column.name) for column in columns}
    return schema.Table(
        name=name,
        columns=tuple(columns),
        primary_key=primary_key,
        rowid_alias=_rowid_alias(connection, name, columns, primary_key, without_rowid),
        rowid_name=(None if without_rowid else next((n for n in ("rowid", "_rowid_", "oid") if n not in taken), None)),
        strict=strict,
        autoincrement=syntax.autoincrement,
        foreign_keys=_foreign_keys(connection, name, syntax),
        indexes=_indexes(connection, name, index_sql),
        checks=tuple(check.expression for check in syntax.checks),
        sql=sql,
    )


def _rowid_alias(
    connection: apsw.Connection,
    table: str,
    columns: list[schema.Column],
    primary_key: tuple[str, ...],
    without_rowid: bool,
) -> str | None:
    """The INTEGER PRIMARY KEY column; `INT PRIMARY KEY` and `INTEGER PRIMARY KEY DESC` are none: these have an index."""
    if without_rowid or len(primary_key) != 1:
        return None
    column = next(column for column in columns if column.name == primary_key[0])
    if column.declared.upper() != "INTEGER":
        return None
    has_index = list(connection.execute("SELECT 1 FROM pragma_index_list(?) WHERE origin='pk'", (table,)))
    return None if has_index else column.name


def _foreign_keys(
    connection: apsw.Connection, table: str, syntax: table_sql.TableSyntax
) -> tuple[schema.ForeignKey, ...]:
    grouped: dict[int, list[tuple[str, str | None]]] = {}
    facts: dict[int, tuple[str, str, str]] = {}
    for number, _, parent, column, parent_column, on_update, on_delete, _ in connection.execute(
        "SELECT * FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq", (table,)
    ):
        grouped.setdefault(number, []).append((column, parent_column))
        facts[number] = (parent, on_update, on_delete)
    # SQLite numbers them backwards: sorted by id descending, they are in the order of the text.
    written = list(syntax.foreign_keys)
    result = []
    for position, (number, pairs) in enumerate(grouped.items()):
        parent, on_update, on_delete = facts[number]
        deferred = len(written) == len(grouped) and written[position].deferred
        result.append(
            schema.ForeignKey(
                columns=tuple(column for column, _ in pairs),
                parent=parent,
                parent_columns=tuple(column for _, column in pairs if column is not None),
                on_update=on_update,
                on_delete=on_delete,
                deferred=deferred,
            )
        )
    return tuple(result)


def _resolve_parents(table: schema.Table, tables: list[schema.Table]) -> schema.Table:
    """Give implicit references the parent's primary key, and every name the case of its definition."""
    by_name = {schema.fold(other.name): other for other in tables}
    resolved = []
    for key in table.foreign_keys:
        parent = by_name.get(schema.fold(key.parent))
        columns: tuple[str, ...] = ()
        if parent is not None:
            named = key.parent_columns or parent.primary_key
            known = {schema.fold(column.name): column.name for column in parent.columns}
            if len(named) == len(key.columns) and all(schema.fold(name) in known for name in named):
                columns = tuple(known[schema.fold(name)] for name in named)
        own = {schema.fold(column.name): column.name for column in table.columns}
        resolved.append(
            schema.ForeignKey(
                columns=tuple(own.get(schema.fold(name), name) for name in key.columns),
                parent=parent.name if parent else key.parent,
                parent_columns=columns,
                on_update=key.on_update,
                on_delete=key.on_delete,
                deferred=key.deferred,
            )
        )
    return dataclasses.replace(table, foreign_keys=tuple(resolved))


def _indexes(connection: apsw.Connection, table: str, index_sql: Mapping[str, str]) -> tuple[schema.Index, ...]:
    result = []
    for _, name, unique, origin, partial in connection.execute(
        "SELECT * FROM pragma_index_list(?) ORDER BY seq DESC", (table,)
    ):
        if schema.is_own(name):
            continue
        written = table_sql.parse_index(index_sql[name]) if index_sql.get(name) else None
        terms = []
        for position, (number, column, descending, collation) in enumerate(
            connection.execute('SELECT cid,name,"desc",coll FROM pragma_index_xinfo(?) WHERE key=1', (name,))
        ):
            # -2 marks an expression; its text is in the CREATE INDEX statement only.
            expression = written.terms[position].expression if written and number == -2 else None
            terms.append(
                schema.IndexTerm(
                    column=column, expression=expression, collation=collation.upper(), descending=bool(descending)
                )
            )
        result.append(
            schema.Index(
                name=name,
                terms=tuple(terms),
                unique=bool(unique),
                origin=origin,
                where=written.where if written and partial else None,
            )
        )
    return tuple(result)
