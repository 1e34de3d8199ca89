"""In the process of another's tests: their databases go over to PostgreSQL with the first statement about rows, or when told.

What a database needs of a switch is made once for each schema, by the parent (`support.suites`), which is asked by a line (the
file, and the DSN of a new database) and answers by one. The file of a test gets what the switch left in that one, and a copy of
that database.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import conninfo, sql

from outgrow import sqlite3
from outgrow.route import classify, line, pools
from outgrow.route.standard import sqlite3 as standard

__all__ = ["counts", "install", "switch"]

sqlite3.install()

DSN = sys.argv[1]
DIRECTORY = tempfile.mkdtemp()
OPEN = 12
"""Pools that stay open: those of the last databases."""

KNOWN = ("INT", "CHAR", "TEXT", "CLOB", "BLOB", "REAL", "FLOA", "DOUB", "DATE", "TIME", "BOOL", "NUM", "DEC")
"""Declared types that say what is meant."""

counts = {"there": 0}
"""How many databases went over."""

_numbers = itertools.count(1)
_servers = psycopg.connect(DSN, autocommit=True)
_switched: dict[tuple[str, ...], tuple[str, str]] = {}
_files: set[str] = set()
_used: list[str] = []


def _database(template: str = "template0") -> tuple[str, str]:
    """A new database: its name and DSN."""
    name = f"suite_{os.getpid()}_{next(_numbers)}"
    _servers.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
    return name, conninfo.make_conninfo(DSN, dbname=name)


def _overrides(file: standard.Connection, kind: str) -> str:
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


def _model(given: standard.Connection, kind: str) -> tuple[str, str]:
    """A file of the same contents that was switched, and its database; made by the parent once for what is the same."""
    try:
        contents = (kind, *given.iterdump())
    except standard.OperationalError:  # text that cannot be decoded
        contents = (kind, str(next(_numbers)))
    if contents not in _switched:
        path = os.path.join(DIRECTORY, f"model-{next(_numbers)}.db")
        with contextlib.closing(standard.connect(path)) as file:
            given.backup(file)
            file.execute("PRAGMA journal_mode=wal")
            with open(path + ".plan.toml", "w", encoding="utf-8") as plan:
                plan.write(_overrides(file, kind))
        name, dsn = _database()
        print(json.dumps({"path": path, "dsn": dsn}), flush=True)
        said = json.loads(sys.stdin.readline())
        if said:
            raise standard.OperationalError(f"not switched: {said}")
        _switched[contents] = (path, name)
    return _switched[contents]


def switch(path: str, kind: str = "text") -> None:
    """Leave in a file what a switch leaves there; `kind` is for columns of which nothing tells what they are for."""
    with (
        contextlib.closing(standard.connect(path, isolation_level=None)) as file,
        contextlib.closing(standard.connect(path)) as given,
    ):
        file.execute("PRAGMA journal_mode=wal")
        file.execute("BEGIN IMMEDIATE")  # as a switch does: nobody writes between the copy and the fence
        model, template = _model(given, kind)
        _, dsn = _database(template)
        with contextlib.closing(standard.connect(model)) as left:
            made = left.execute(
                "SELECT type, name, sql FROM sqlite_master WHERE name LIKE '\\_outgrow\\_%' ESCAPE '\\' AND sql IS NOT NULL"
                " ORDER BY type = 'trigger'"
            ).fetchall()
            for what, name, text in made:
                file.execute(text)
                for row in left.execute(f'SELECT * FROM "{name}"') if what == "table" else ():
                    file.execute(f'INSERT INTO "{name}" VALUES ({",".join("?" * len(row))})', row)
        file.execute("UPDATE _outgrow_state SET target = ?", (dsn,))
        file.execute("COMMIT")
    counts["there"] += 1
    _used.append(dsn)
    for old in _used[:-OPEN]:
        pools.close(old)
    del _used[:-OPEN]


def _connect(database: Any = ":memory:", *arguments: Any, **named: Any) -> Any:
    """Open a database; one in memory is a file here, and a new file is in WAL mode."""
    if database == ":memory:":
        database = os.path.join(DIRECTORY, f"database-{next(_numbers)}.db")
    path = os.path.realpath(os.fsdecode(database)) if isinstance(database, (str, bytes, os.PathLike)) else ""
    if path and not named.get("uri") and os.path.isdir(os.path.dirname(path)) and not os.path.exists(path):
        with contextlib.closing(standard.connect(path)) as file:
            file.execute("PRAGMA journal_mode=wal")
        _files.add(path)
    return _connected(database, *arguments, **named)


def _has_text(parameters: Any) -> bool:
    """Whether something that is bound is no number, as far as can be seen without taking it."""
    if isinstance(parameters, (tuple, list)):
        return any(_has_text(one) for one in parameters)
    return isinstance(parameters, str) or hasattr(parameters, "__conform__")


def _before(route: line.Line, statement: Any, parameters: Any) -> None:
    """Switch, ahead of the first statement about rows."""
    if (
        route.path in _files
        and isinstance(statement, str)
        and classify.of(statement) in (classify.Kind.PLAIN, classify.Kind.BEGIN, classify.Kind.SAVEPOINT)
        and not line._in_transaction(route.connection)
    ):
        _files.discard(route.path)
        texts = "'" in statement or _has_text(parameters)
        switch(route.path, "text" if texts else "bigint")


def _hooked(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(route: line.Line, cursor: Any, statement: Any, *more: Any) -> Any:
        _before(route, statement, more[0] if more else ())
        return method(route, cursor, statement, *more)

    return call


_connected = sqlite3.connect


def install() -> None:
    """From now on, every new database goes over ahead of its first statement about rows."""
    sqlite3.connect = _connect
    line.Line.execute = _hooked(line.Line.execute)  # type: ignore[method-assign]
    line.Line.executemany = _hooked(line.Line.executemany)  # type: ignore[method-assign]
