"""CPython's tests of `sqlite3`, each of whose databases goes over to PostgreSQL with its first statement about rows.

    python cpython_switched.py DSN MODULE …

What a database needs of a switch is made once for each schema, by the parent, which is asked by a line (the file, and the DSN
of a new database) and answers by one. The file of a test gets what the switch left in that one, and a copy of that database.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sys
import tempfile
import unittest
from typing import Any

import psycopg
from psycopg import conninfo, sql

from outgrow import sqlite3
from outgrow.route import classify, line, pools
from outgrow.route.standard import sqlite3 as standard

sqlite3.install()

DSN, MODULES = sys.argv[1], sys.argv[2:]
DIRECTORY = tempfile.mkdtemp()
OPEN = 12
"""Pools that stay open: those of the last databases."""

KNOWN = ("INT", "CHAR", "TEXT", "CLOB", "BLOB", "REAL", "FLOA", "DOUB", "DATE", "TIME", "BOOL", "NUM", "DEC")
"""Declared types that say what is meant."""

_numbers = itertools.count(1)
_servers = psycopg.connect(DSN, autocommit=True)
_switched: dict[tuple[str, ...], tuple[str, str]] = {}
_files: set[str] = set()
_used: list[str] = []
there = 0


def database(template: str = "template0") -> tuple[str, str]:
    """A new database: its name and DSN."""
    name = f"suite_{os.getpid()}_{next(_numbers)}"
    _servers.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
    return name, conninfo.make_conninfo(DSN, dbname=name)


def overrides(file: standard.Connection, kind: str) -> str:
    """What a plan has to be told of columns whose declared type says nothing, where no row says anything either."""
    told = ["[overrides]", 'dates = "text"']
    for (table,) in file.execute(
        "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall():
        if file.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone():
            continue
        for _number, name, declared, _required, _default, key in file.execute(
            f'PRAGMA table_info("{table}")'
        ).fetchall():
            if not key and not any(word in declared.upper() for word in KNOWN):
                told += [f'[overrides."{table}"."{name}"]', f'type = "{kind}"']
    return "\n".join(told) + "\n"


def switched(schema: tuple[str, ...], given: standard.Connection, kind: str, *, empty: bool) -> tuple[str, str]:
    """A file of that schema that was switched, with the rows that there are already, and its database."""
    found = _switched.get((kind, *schema)) if empty else None
    if found is None:
        path = os.path.join(DIRECTORY, f"schema-{next(_numbers)}.db")
        with contextlib.closing(standard.connect(path)) as file:
            given.backup(file)
            file.execute("PRAGMA journal_mode=wal")
            with open(path + ".plan.toml", "w", encoding="utf-8") as plan:
                plan.write(overrides(file, kind))
        name, dsn = database()
        print(json.dumps({"path": path, "dsn": dsn}), flush=True)
        said = json.loads(sys.stdin.readline())
        if said:
            raise standard.OperationalError(f"not switched: {said}")
        found = (path, name)
        if empty:
            _switched[kind, *schema] = found
    return found


def switch(path: str, kind: str) -> None:
    """Leave in a file what a switch leaves there."""
    with contextlib.closing(standard.connect(path, isolation_level=None)) as file:
        schema = tuple(
            one for (one,) in file.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
        )
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        empty = not any(file.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone() for name in tables)
        model, template = switched(schema, file, kind, empty=empty)
        name, dsn = database(template)
        file.execute("ATTACH ? AS model", (model,))
        made = file.execute(
            "SELECT type, name, sql FROM model.sqlite_master WHERE name LIKE '\\_outgrow\\_%' ESCAPE '\\' AND sql IS NOT NULL"
            " ORDER BY type = 'trigger'"
        ).fetchall()
        file.execute("BEGIN IMMEDIATE")
        for kind, name, text in made:
            file.execute(text)
            if kind == "table":
                file.execute(f'INSERT INTO main."{name}" SELECT * FROM model."{name}"')
        file.execute("UPDATE main._outgrow_state SET target = ?", (dsn,))
        file.execute("COMMIT")
    _used.append(dsn)
    for old in _used[:-OPEN]:
        pools.close(old)
    del _used[:-OPEN]


def connect(database: Any = ":memory:", *arguments: Any, **named: Any) -> Any:
    """A database in memory is a file here, and will be at PostgreSQL."""
    if database == ":memory:":
        database = os.path.join(DIRECTORY, f"database-{next(_numbers)}.db")
        with contextlib.closing(standard.connect(database)) as file:
            file.execute("PRAGMA journal_mode=wal")
        _files.add(database)
    return _connect(database, *arguments, **named)


def has_text(parameters: Any) -> bool:
    """Whether something that is bound is no number, as far as can be seen without taking it."""
    if isinstance(parameters, (tuple, list)):
        return any(has_text(one) for one in parameters)
    return isinstance(parameters, str) or hasattr(parameters, "__conform__")


def before(route: line.Line, statement: Any, parameters: Any) -> None:
    """Switch, ahead of the first statement about rows."""
    global there
    if (
        route.path in _files
        and isinstance(statement, str)
        and classify.of(statement) in (classify.Kind.PLAIN, classify.Kind.BEGIN, classify.Kind.SAVEPOINT)
        and not line._in_transaction(route.connection)
    ):
        _files.discard(route.path)
        texts = "'" in statement or has_text(parameters)
        switch(route.path, "text" if texts else "bigint")
        there += 1


def hooked(method: Any) -> Any:
    def call(route: line.Line, cursor: Any, statement: Any, *more: Any) -> Any:
        before(route, statement, more[0] if more else ())
        return method(route, cursor, statement, *more)

    return call


_connect = sqlite3.connect
sqlite3.connect = connect
line.Line.execute = hooked(line.Line.execute)  # type: ignore[method-assign]
line.Line.executemany = hooked(line.Line.executemany)  # type: ignore[method-assign]

suite = unittest.defaultTestLoader.loadTestsFromNames([f"test.test_sqlite3.{name}" for name in MODULES])
result = unittest.TextTestRunner(stream=sys.stderr, verbosity=0).run(suite)
failed = {test.id(): text for test, text in [*result.failures, *result.errors]}
print(json.dumps({"ran": result.testsRun, "there": there, "failed": failed, "metrics": sqlite3.metrics()}), flush=True)
os._exit(0)
