"""The standard module `sqlite3`, whose connections go over to PostgreSQL when the file's migration does.

    from outgrow import sqlite3

Everything the standard module has is here under its name. A connection to a file is one of the standard module's until outgrow
makes PostgreSQL the primary; from its next transaction on, its statements run there, and after a rollback in the file again. A
database in memory, or a temporary one, is never anything else than a standard one.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

from outgrow.route import line, settings
from outgrow.route import metrics as _metrics
from outgrow.route.standard import sqlite3 as _standard

globals().update({name: value for name, value in vars(_standard).items() if not name.startswith("_")})

configure = settings.configure
metrics = _metrics.figures
metrics_text = _metrics.text

_Connection = _standard.Connection
_Cursor = _standard.Cursor
_cursor = _Connection.cursor
_execute, _executemany, _executescript = _Cursor.execute, _Cursor.executemany, _Cursor.executescript
_in_transaction = vars(_Connection)["in_transaction"].__get__


class Cursor(_Cursor):
    """A cursor; what it needs for answers from PostgreSQL is added when the first one is about to come (`_arrive`)."""

    __slots__ = ("_answer",)

    def execute(self, sql: Any, parameters: Any = (), /) -> Any:
        try:
            route = self.connection._line  # type: ignore[attr-defined]
        except AttributeError:
            route = None
        if route is None:
            return _execute(self, sql, parameters)
        return route.execute(self, sql, parameters)

    def executemany(self, sql: Any, parameters: Any, /) -> Any:
        try:
            route = self.connection._line  # type: ignore[attr-defined]
        except AttributeError:
            route = None
        if route is None:
            return _executemany(self, sql, parameters)
        return route.executemany(self, sql, parameters)

    def executescript(self, script: Any, /) -> Any:
        try:
            route = self.connection._line  # type: ignore[attr-defined]
        except AttributeError:
            route = None
        if route is None:
            return _executescript(self, script)
        return route.executescript(self, script)


class _Answering(_Cursor if TYPE_CHECKING else object):  # type: ignore[misc]
    """What a cursor has besides once this process has been at PostgreSQL; before that, the standard methods are faster."""

    _answer: Any

    def fetchone(self) -> Any:
        answer = getattr(self, "_answer", None)
        return _Cursor.fetchone(self) if answer is None else answer.fetchone(self)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        count = self.arraysize if size is None else size
        answer = getattr(self, "_answer", None)
        return _Cursor.fetchmany(self, count) if answer is None else answer.fetchmany(self, count)

    def fetchall(self) -> list[Any]:
        answer = getattr(self, "_answer", None)
        return _Cursor.fetchall(self) if answer is None else answer.fetchall(self)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        answer = getattr(self, "_answer", None)
        if answer is None:
            return _Cursor.__next__(self)
        row = answer.fetchone(self)
        if row is None:
            raise StopIteration
        return row

    def close(self) -> None:
        answer = getattr(self, "_answer", None)
        if answer is not None:
            answer.close()
            self._answer = None
        _Cursor.close(self)

    @property
    def description(self) -> Any:
        answer = getattr(self, "_answer", None)
        return _description(self) if answer is None else answer.description

    @property
    def rowcount(self) -> int:
        answer = getattr(self, "_answer", None)
        return int(_rowcount(self) if answer is None else answer.rowcount)

    @property
    def lastrowid(self) -> Any:
        answer = getattr(self, "_answer", None)
        return _lastrowid(self) if answer is None else answer.lastrowid


_description, _rowcount, _lastrowid = (
    getattr(_Cursor, name).__get__ for name in ("description", "rowcount", "lastrowid")
)


def _arrive() -> None:
    for name, value in vars(_Answering).items():
        if callable(value) or isinstance(value, property):
            setattr(Cursor, name, value)


class Connection(_Connection):
    """A connection; `_line` is None for a database that no migration can have."""

    _line: line.Line | None = None
    _timeout = 5.0
    _detect_types = 0
    _thread: int | None = None
    _functions: dict[tuple[str, str, int], Callable[[_Connection], None]]
    """What the application registered: how to register it with another connection."""
    _own_cursor = False
    """Whether a subclass makes its cursors itself."""
    _verbatim = False
    """Whether statements come as they are: no transaction is begun for them."""

    def __init__(
        self, database: Any, timeout: float = 5.0, detect_types: int = 0, *arguments: Any, **named: Any
    ) -> None:
        super().__init__(database, timeout, detect_types, *arguments, **named)
        self._timeout, self._detect_types = timeout, detect_types
        checked = arguments[1] if len(arguments) > 1 else named.get("check_same_thread", True)
        self._thread = threading.get_ident() if checked else None
        self._functions = {}
        self._own_cursor = type(self).cursor is not Connection.cursor
        path = _path(self)
        self._line = line.Line(self, path, _arrive) if path else None
        if self._line is not None:
            super().set_authorizer(self._line.authorize)
            expected = settings.current().use_postgresql
            if expected is not None:
                try:
                    self._line.expect(expected)
                except BaseException:
                    super().close()
                    raise

    def cursor(self, factory: Any = Cursor) -> Any:
        return super().cursor(factory)

    def execute(self, sql: Any, parameters: Any = (), /) -> Any:
        if self._own_cursor:
            return self.cursor().execute(sql, parameters)
        cursor = _cursor(self, Cursor)
        route = self._line
        return _execute(cursor, sql, parameters) if route is None else route.execute(cursor, sql, parameters)

    def executemany(self, *arguments: Any) -> Any:
        return self.cursor().executemany(*arguments)

    def executescript(self, *arguments: Any) -> Any:
        return self.cursor().executescript(*arguments)

    def commit(self) -> None:
        route = self._line
        if route is not None and route.session is not None:
            route.session.commit()
        else:
            super().commit()
            if route is not None:
                route.committed()

    def rollback(self) -> None:
        route = self._line
        if route is not None and route.session is not None:
            route.session.rollback()
        else:
            super().rollback()
            if route is not None:
                route.undone()

    def close(self) -> None:
        route = self._line
        if route is not None and route.session is not None:
            route.session.close()
        super().close()

    def __enter__(self) -> Connection:
        super().__enter__()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> Any:
        route = self._line
        if route is None or route.session is None:
            swallowed = super().__exit__(kind, error, trace)
            if route is not None:
                route.committed() if kind is None else route.undone()
            return swallowed
        if kind is None:
            try:
                self.commit()
            except BaseException:
                self.rollback()
                raise
        else:
            self.rollback()
        return False

    @property
    def in_transaction(self) -> bool:
        route = self._line
        if route is not None and route.session is not None:
            return route.session.in_transaction
        return bool(_in_transaction(self))

    @property
    def total_changes(self) -> int:
        route = self._line
        return int(_total_changes(self)) if route is None else route.total_changes()

    def interrupt(self) -> None:
        route = self._line
        if route is not None and route.session is not None:
            route.session.interrupt()
        super().interrupt()

    def iterdump(self, **named: Any) -> Generator[str, None, None]:
        route = self._line
        if route is None or route.session is None:
            return _without_ours(super().iterdump(**named))
        return _dump(route.path, named)

    def create_function(self, name: str, narg: int, func: Any, **named: Any) -> None:
        super().create_function(name, narg, func, **named)
        self._functions["function", name, narg] = lambda other: other.create_function(name, narg, func, **named)

    def create_aggregate(self, name: str, n_arg: int, aggregate_class: Any, /) -> None:
        super().create_aggregate(name, n_arg, aggregate_class)
        self._functions["aggregate", name, n_arg] = lambda other: other.create_aggregate(name, n_arg, aggregate_class)

    def create_collation(self, name: str, callback: Any, /) -> None:
        super().create_collation(name, callback)
        self._functions["collation", name, -1] = lambda other: other.create_collation(name, callback)

    def set_authorizer(self, authorizer_callback: Callable[..., int] | None) -> None:
        route = self._line
        if route is None:
            super().set_authorizer(authorizer_callback)
        elif authorizer_callback is None:
            super().set_authorizer(route.authorize)
        else:
            asked = authorizer_callback

            def ask(*what: Any) -> int:
                route.prepared = True
                return asked(*what)

            super().set_authorizer(ask)

    def set_trace_callback(self, trace_callback: Callable[[str], object] | None) -> None:
        route = self._line
        if route is None or trace_callback is None:
            super().set_trace_callback(trace_callback)
        else:
            traced = trace_callback
            looker = route.looker
            super().set_trace_callback(lambda sql: None if looker.looking else traced(sql))


_OURS = re.compile(r'(?:CREATE (?:UNIQUE )?(?:TABLE|INDEX|TRIGGER)|INSERT INTO) "?_outgrow_')
"""What a statement of a dump begins with that is about outgrow's own."""

_total_changes = vars(_Connection)["total_changes"].__get__


def _dump(path: str, named: dict[str, Any]) -> Generator[str, None, None]:
    """The dump of a file that follows PostgreSQL, as a standard connection reads it."""
    with contextlib.closing(_standard.connect(path)) as file:
        yield from _without_ours(file.iterdump(**named))


def _without_ours(statements: Iterator[str]) -> Generator[str, None, None]:
    """A dump without outgrow's tables and triggers: what is made of it is a file of the application, and in no migration."""
    yield from (statement for statement in statements if not _OURS.match(statement))


def _path(connection: Connection) -> str:
    """The file of a connection; empty for a database in memory or a temporary one."""
    try:
        for _number, name, path in _execute(_Cursor(connection), "PRAGMA database_list").fetchall():
            if name == "main":
                return str(path or "")
    except (_standard.Error, ValueError):
        pass
    return ""


def connect(*arguments: Any, **named: Any) -> Any:
    """Open a database, as the standard module does; the connection is a `Connection` of this module."""
    if len(arguments) < 6:
        named.setdefault("factory", Connection)
    return _standard.connect(*arguments, **named)


def install() -> None:
    """Stand in for the standard module wherever `sqlite3` is imported from now on."""
    dump = importlib.import_module("sqlite3.dump") if "sqlite3.dump" not in sys.modules else sys.modules["sqlite3.dump"]
    here = sys.modules[__name__]
    sys.modules["sqlite3"] = sys.modules["sqlite3.dbapi2"] = here
    sys.modules["sqlite3.dump"] = dump


def __getattr__(name: str) -> Any:
    """Names that the standard module makes when they are asked for (deprecated ones)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = getattr(_standard, name)
    for warning in caught:
        warnings.warn(warning.message, warning.category, stacklevel=2)
    return value
