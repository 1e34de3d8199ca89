"""A SQLite in memory with the file's schema and no rows: what it says of a statement is what SQLite says of it.

Names of result columns, declared types, the exact words of errors, answers to `sqlite_master` and pragmas come from here.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from outgrow.dialect import identifiers, lexer
from outgrow.model import own
from outgrow.route import classify
from outgrow.route.standard import sqlite3

__all__ = ["Oracle", "Prepared", "schema_of"]

_SCHEMA = (
    "SELECT CAST(sql AS BLOB) FROM sqlite_master WHERE sql IS NOT NULL"
    f" AND substr(name,1,{len(own.PREFIX)})<>'{own.PREFIX}' AND substr(name,1,7)<>'sqlite_'"
    " ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END,rowid"
)
_STEPS = 2_000_000
"""Instructions after which a statement that makes rows out of nothing is given up."""

Bound = Any
"""A list by position from 0, or a dictionary by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """What SQLite says of a statement. `cursor` describes rows for `sqlite3.Row`; `names` are parameters by number.

    `declared` are the declared types of the columns that are a table's.
    """

    names: tuple[str | None, ...]
    description: tuple[Any, ...] | None
    cursor: Any
    declared: tuple[str, ...] = ()

    def bind(self, parameters: Any, check: Oracle, sql: str) -> Bound:
        """The values that SQLite would store for these parameters; what it refuses is raised as it does."""
        if isinstance(parameters, Mapping) and not isinstance(parameters, (tuple, list)):
            named = [name for name in self.names if name is not None]
            if len(named) != len(self.names) or any(name not in parameters for name in named):
                check.refuse(sql, parameters)
            values = _stored([parameters[name] for name in named])
            return dict(zip(named, values, strict=True))
        if type(parameters) is tuple or type(parameters) is list:
            given = list(parameters)
        elif hasattr(parameters, "__len__") and hasattr(parameters, "__getitem__"):
            # As SQLite's module asks a sequence of whatever class.
            given = [parameters[number] for number in range(len(parameters))]
        else:
            check.refuse(sql, parameters)
            given = list(parameters)
        if len(given) != len(self.names):
            check.refuse(sql, parameters)
        values = _stored(given)
        if any(name is not None for name in self.names):
            return {name: value for name, value in zip(self.names, values, strict=True) if name is not None}
        return values


def schema_of(file: sqlite3.Connection) -> tuple[bytes, ...]:
    """The statements that made the application's schema, without outgrow's."""
    rows = sqlite3.Cursor.execute(sqlite3.Cursor(file), _SCHEMA).fetchall()
    return tuple(sql for (sql,) in rows)


class Oracle:
    """One for each file and schema; any thread may ask it."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self.schema = schema_of(file)
        self._lock = threading.RLock()
        self._prepared: dict[tuple[str, bool], Prepared] = {}
        self._memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        for sql in self.schema:
            with contextlib.suppress(sqlite3.Error):  # a virtual table whose module is not here
                self._memory.execute(sql.decode())

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):
            self._memory.close()

    def prepared(self, sql: str, parameters: Any, *, types: bool = False) -> Prepared:
        """What SQLite says of a statement; raises what it raises."""
        found = self._prepared.get((sql, types))
        if found is None:
            with self._lock:
                found = self._prepare(sql, parameters, types)
            if len(self._prepared) > 2000:
                self._prepared.clear()
            self._prepared[sql, types] = found
        return found

    def without_types(self, prepared: Prepared) -> Any:
        """What describes the rows where names of columns hold types (`a [timestamp]`), which do not belong to the names."""
        names = [column[0] for column in prepared.description or ()]
        if not any("[" in name for name in names):
            return prepared.cursor
        plain = (name.partition("[")[0].removesuffix(" ") if "[" in name else name for name in names)
        with self._lock:
            cursor = self._memory.execute(
                f"SELECT {','.join('NULL AS ' + identifiers.quote_sqlite(name) for name in plain)}"
            )
            cursor.fetchall()
        return cursor

    def refuse(self, sql: str, parameters: Any) -> None:
        """Raise what SQLite raises for these parameters; nothing where it takes them."""
        with self._lock:
            self._memory.execute("EXPLAIN " + _plain(sql), parameters).fetchall()

    def answer(self, sql: str, parameters: Any) -> tuple[list[Any], Any]:
        """Run a statement here: rows, and the cursor that describes them."""
        with self._lock:
            cursor = self._memory.execute(sql, parameters)
            return cursor.fetchall(), cursor

    def changes_schema(self, sql: str) -> bool:
        """Whether a statement would change anything (`CREATE TABLE IF NOT EXISTS` may not); raises what SQLite raises."""
        with self._lock, self._undone():
            before = self._version()
            self._memory.execute(sql).fetchall()
            return self._version() != before

    def apply(self, sql: str) -> None:
        """Change the schema here too."""
        self.schema = ()  # none that a file has
        with self._lock:
            self._memory.execute(sql).fetchall()
            self._prepared.clear()

    def _version(self) -> int:
        return int(self._memory.execute("PRAGMA schema_version").fetchone()[0])

    @contextlib.contextmanager
    def _undone(self) -> Iterator[None]:
        self._memory.execute("BEGIN")
        try:
            yield
        finally:
            if self._memory.in_transaction:
                self._memory.execute("ROLLBACK")

    def _prepare(self, sql: str, parameters: Any, types: bool) -> Prepared:
        names = _names(sql)
        self._memory.execute("EXPLAIN " + _plain(sql), parameters).fetchall()
        steps = 0

        def tired() -> int:
            nonlocal steps
            steps += 1
            return int(steps > _STEPS // 10_000)

        nothing: Any = {name: None for name in names if name is not None}
        if len(nothing) != len(set(names)):
            nothing = [None] * len(names)
        with self._undone():
            self._memory.set_progress_handler(tired, 10_000)
            cursor = self._memory.cursor()
            try:
                cursor.execute(sql, nothing)
            except sqlite3.Error:
                # A constraint, or a function that takes no NULL: the statement's columns are named all the same.
                cursor = self._memory.cursor()
                self._pass_rows_over()
                for form in (sql, f"SELECT * FROM ({sql.rstrip().rstrip(';')}\n) LIMIT 0"):
                    with contextlib.suppress(sqlite3.Error):
                        cursor.execute(form, nothing)
                        break
            finally:
                self._memory.set_progress_handler(None, 0)
            description = cursor.description
            with contextlib.suppress(sqlite3.Error):
                # Rows that are left would hold the statement.
                cursor.fetchmany(1)
        return Prepared(
            names=names,
            description=description,
            cursor=cursor,
            declared=self._declared(sql, description) if types else (),
        )

    def _pass_rows_over(self) -> None:
        """Have writes pass over every row, so that no constraint stands in their way; until the transaction is undone."""
        tables = self._memory.execute(
            "SELECT name FROM sqlite_master WHERE type='table' AND sql IS NOT NULL"
        ).fetchall()
        triggers = self._memory.execute(
            "SELECT name FROM sqlite_master AS one WHERE type='trigger'"
            " AND EXISTS (SELECT 1 FROM sqlite_master WHERE type='table' AND name=one.tbl_name)"
        ).fetchall()
        for (name,) in triggers:
            self._memory.execute(f"DROP TRIGGER {identifiers.quote_sqlite(name)}")
        for number, (name,) in enumerate(tables):
            for event in ("INSERT", "UPDATE"):
                with contextlib.suppress(sqlite3.Error):  # a virtual table has no triggers
                    self._memory.execute(
                        f"CREATE TEMP TRIGGER _outgrow_{event}_{number} BEFORE {event}"
                        f" ON main.{identifiers.quote_sqlite(name)} BEGIN SELECT RAISE(IGNORE); END"
                    )

    def _declared(self, sql: str, description: Any) -> tuple[str, ...]:
        """The declared type of each result column, empty for an expression; as the columns of a view have it."""
        if description is None or classify.first(sql) not in ("SELECT", "WITH", "VALUES"):
            return ()
        parts, at = [], 0
        for token in classify.tokens(sql):
            if token.kind is lexer.Kind.PARAMETER:
                parts += [sql[at : token.start], "NULL"]
                at = token.end
        text = "".join([*parts, sql[at:]]).rstrip().rstrip(";")
        try:
            self._memory.execute(f"CREATE TEMP VIEW _outgrow_view AS {text}")
            found = self._memory.execute("PRAGMA table_info(_outgrow_view)").fetchall()
            return tuple(row[2] or "" for row in found)
        except sqlite3.Error:
            return ()
        finally:
            self._memory.execute("DROP VIEW IF EXISTS temp._outgrow_view")


def _plain(sql: str) -> str:
    """The statement without a word EXPLAIN of its own."""
    return sql


def _names(sql: str) -> tuple[str | None, ...]:
    """The parameters by number, each with its name or None."""
    names: list[str | None] = []
    for token in classify.tokens(sql):
        if token.kind is not lexer.Kind.PARAMETER:
            continue
        if token.text == "?":
            names.append(None)
        elif token.text.startswith("?"):
            names.extend([None] * (int(token.text[1:]) - len(names)))
        elif token.text[1:] not in names:
            names.append(token.text[1:])
    return tuple(names)


_BASE = tuple((kind, sqlite3.PrepareProtocol) for kind in (int, float, str, bytes, bytearray))
_adapters = sqlite3.adapters
_scratch = sqlite3.connect(":memory:", check_same_thread=False)
_scratch_lock = threading.Lock()


def _stored(values: list[Any]) -> list[Any]:
    """The values as SQLite stores them: adapted, and checked."""
    adapted = len(_adapters) > 2 and any(key in _adapters for key in _BASE)
    for value in values:
        kind = type(value)
        if adapted:
            break
        if kind is str or value is None or kind is bytes:
            continue
        if kind is int and -0x8000000000000000 <= value <= 0x7FFFFFFFFFFFFFFF:
            continue
        if kind is float and value == value:
            continue
        break
    else:
        return values
    with _scratch_lock:
        marks = ",".join("?" * len(values))
        return list(_scratch.execute(f"SELECT {marks}", values).fetchone())
