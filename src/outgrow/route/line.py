"""A connection's line to the store that is primary: its file, or PostgreSQL; it changes over between transactions."""

from __future__ import annotations

import itertools
import shlex
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from outgrow.route import classify, counting, file_state, moving, settings, tally, warming
from outgrow.route.standard import sqlite3

if TYPE_CHECKING:
    from outgrow.route import answer, dual, session

__all__ = ["Line"]

_execute = sqlite3.Cursor.execute
_executemany = sqlite3.Cursor.executemany
_executescript = sqlite3.Cursor.executescript
_rollback = sqlite3.Connection.rollback
_in_transaction = vars(sqlite3.Connection)["in_transaction"].__get__
_total_changes = vars(sqlite3.Connection)["total_changes"].__get__
_isolate = vars(sqlite3.Connection)["isolation_level"].__set__

_PLAIN = classify.Kind.PLAIN
_OPENING = frozenset({classify.Kind.BEGIN, classify.Kind.SAVEPOINT})
_BETWEEN = 0.002
"""Seconds between two looks while a switch is under way."""
_PATIENCE = 30.0
"""Seconds after which a switch is no reason to wait any longer."""

_expected: set[str] = set()
"""Files for which this process was right about the primary."""


class Line:
    """Where the statements of one connection go. `session` is None while they go to the file.

    `arrive` is called before the first answer from PostgreSQL in this process.
    """

    def __init__(self, connection: Any, path: str, arrive: Callable[[], None]) -> None:
        self.connection = connection
        self.path = path
        self.session: session.Session | None = None
        self.prepared = False
        self.changes = 0
        """Rows changed at PostgreSQL."""
        self._count = counting.Count(connection)
        self.tally = tally.Tally()
        self._watch: dual.Watch | None = None
        self._timeout = 0.0
        self._seen = 0
        """Rows changed in both stores up to the last commit or rollback."""
        found = settings.current()
        if found.dual_write:
            from outgrow.route import dual  # psycopg is loaded when it is needed

            self._watch, self._timeout = dual.of(path), found.dual_write_timeout
        self._arrive = arrive
        self.looker = file_state.Looker(connection)
        self._answered = False
        """Whether a cursor may hold an answer from PostgreSQL."""
        self._touched = False
        """Whether something was read in the transaction that is open in the file."""
        self._opened: tuple[str, ...] = ()
        """What opened that transaction, as long as nothing was read in it."""

    def authorize(self, *_what: Any) -> int:
        """SQLite's authorizer: allow everything, and note that a statement is being prepared."""
        self.prepared = True
        return 0

    def execute(self, cursor: Any, sql: Any, parameters: Any) -> Any:
        """Cursor.execute."""
        if self.session is not None:
            return self._remote(cursor, sql, parameters)
        outside = not _in_transaction(self.connection)
        if outside:
            self._touched, self._opened = False, ()
        if type(sql) is str and classify.of(sql) is not _PLAIN and self._special(sql, outside):
            return self._remote(cursor, sql, parameters)
        if self._count.open is not None:
            self._count.settle()
        self.prepared = False
        try:
            _execute(cursor, sql, parameters)
        except sqlite3.IntegrityError as error:
            if not file_state.is_fence(error):
                raise
            self._leave(error)
            return self._remote(cursor, sql, parameters)
        if type(sql) is str and classify.of(sql) in _OPENING and not self._touched:
            # No look here: it would take the snapshot, which SQLite takes with the first statement.
            self._opened += (sql,)
        elif self.prepared and self._moved():
            self._leave(None)
            return self._remote(cursor, sql, parameters)
        elif not outside:
            self._touched = True
        if self._answered:
            cursor._answer = None
        self.tally.here += 1
        if (state := self.looker.state) is not None:
            self._count.ran(cursor, is_first=self.tally.here == 1)
            if self.prepared:
                warming.met(self.path, state, sql, parameters)
        if self._watch is not None and not _in_transaction(self.connection):
            self._autocommitted(cursor, sql)
        return cursor

    def executemany(self, cursor: Any, sql: Any, rows: Iterable[Any]) -> Any:
        """Cursor.executemany."""
        if self.session is not None:
            return self._remote(cursor, sql, rows, many=True)
        if not _in_transaction(self.connection):
            self._touched, self._opened = False, ()
        if self._count.open is not None:
            self._count.settle()
        self.prepared = False
        last: list[Any] = []
        iterator = iter(rows)
        try:
            _executemany(cursor, sql, _remembered(iterator, last))
        except sqlite3.IntegrityError as error:
            if not file_state.is_fence(error):
                raise
            # Without a transaction the rows before this one are written, and followed.
            self._leave(error)
            return self._remote(cursor, sql, itertools.chain(last, iterator), many=True)
        if self._answered:
            cursor._answer = None
        self.tally.here += 1
        if self.prepared and self.looker.state is None:
            self._moved()
        if self.looker.state is not None:
            self._count.ran(cursor, is_first=self.tally.here == 1)
        if self._watch is not None and not _in_transaction(self.connection):
            self.committed()
        return cursor

    def executescript(self, cursor: Any, script: Any) -> Any:
        """Cursor.executescript: as a whole where no migration is under way, else one statement after the other."""
        if self.session is None:
            self._moved()
            if self.looker.state is None or not isinstance(script, str):
                return _executescript(cursor, script)
        self.connection.commit()
        for statement in statements(script):
            self._verbatim(cursor, statement)
        return cursor

    def _verbatim(self, cursor: Any, sql: str) -> None:
        """A statement of a script: no transaction is begun for it."""
        connection = self.connection
        level, connection._verbatim = connection.isolation_level, True
        try:
            if self.session is None and level is not None and not _in_transaction(connection):
                # The standard module begins a transaction before DML unless told otherwise.
                _isolate(connection, None)
            cursor.execute(sql).fetchall()
        finally:
            connection._verbatim = False
            _isolate(connection, level)

    def committed(self) -> None:
        """A transaction was committed. With dual write, return when the other store has it, or after the timeout."""
        if self._watch is None:
            return
        changes = _total_changes(self.connection) + self.changes
        if changes != self._seen:
            self._seen = changes
            if self.looker.state is not None:
                self._watch.wait(in_postgres=self.session is not None, timeout=self._timeout)

    def undone(self) -> None:
        """A transaction was rolled back: nothing of it is waited for."""
        if self._watch is not None:
            self._seen = _total_changes(self.connection) + self.changes

    def _autocommitted(self, cursor: Any, sql: Any) -> None:
        """A statement of the file's was the end of its transaction, or was one by itself."""
        if type(sql) is str and classify.of(sql) is classify.Kind.ROLLBACK:
            self.undone()
            return
        if cursor.description is not None and _total_changes(self.connection) + self.changes != self._seen:
            from outgrow.route import answer

            # With rows that are not fetched yet, the statement is not committed.
            self._arrive()
            self._answered = True
            cursor._answer = answer.Taken(cursor)
        self.committed()

    def _special(self, sql: str, outside: bool) -> bool:
        """Look before anything but a plain statement; whether it goes to PostgreSQL."""
        kind = classify.of(sql)
        # Changes of the schema do not meet the fence.
        if outside and kind is not classify.Kind.EMPTY and self._moved():
            self._leave(None)
            return True
        return False

    def total_changes(self) -> int:
        """The rows that the application's statements changed, in both stores."""
        return self._count.total() + self.changes

    def _moved(self) -> bool:
        """Look at the file; what it cannot say now, the statement itself will."""
        try:
            return self.looker.look()
        except sqlite3.DatabaseError:
            return False

    def _leave(self, fence: sqlite3.Error | None) -> None:
        """Go over to PostgreSQL with a transaction in which nothing was read; 'database is locked' in another one."""
        connection = self.connection
        opened = self._opened
        if self._touched and _in_transaction(connection):
            raise locked() from fence
        _rollback(connection)
        if not self._settle():
            # The file is the primary again. What was begun in it is begun again.
            for sql in opened:
                sqlite3.Connection.execute(connection, sql)
            return
        assert self.session is not None
        for sql in opened:
            self.session.control(classify.of(sql), sql)

    def expect(self, in_postgres: bool) -> None:
        """Refuse to begin in a process that was told of another primary; OperationalError with the command to type.

        Once it was right for a file, the process follows every change of the primary.
        """
        if self.path in _expected:
            return
        found, where = self.looker.look(), shlex.quote(self.path)
        if found == in_postgres:
            _expected.add(self.path)
        elif found:
            raise sqlite3.OperationalError(
                f"USE_POSTGRESQL is false, but PostgreSQL is the primary of {self.path}:"
                f" type 'outgrow rollback {where}', or set USE_POSTGRESQL=true"
            )
        elif self.looker.state is not None:
            raise sqlite3.OperationalError(
                f"USE_POSTGRESQL is true, but the SQLite file {self.path} is the primary:"
                f" type 'outgrow switch {where}', or set USE_POSTGRESQL=false"
            )
        else:
            raise sqlite3.OperationalError(
                f"USE_POSTGRESQL is true, but {self.path} is in no migration:"
                f" type 'outgrow run {where} --to …', and 'outgrow switch {where}'; or set USE_POSTGRESQL=false"
            )

    def _settle(self) -> bool:
        """Wait for the end of a switch; whether the line goes to PostgreSQL then. Raises OperationalError in the end."""
        deadline = time.monotonic() + max(_PATIENCE, self.connection._timeout)
        while True:
            if not self.looker.look():
                if self.session is not None:
                    self.session.close()
                    self.session = None
                return False
            state = self.looker.state
            assert state is not None
            found = self._reached(state)
            if found.is_primary(state.epoch):
                return True
            if time.monotonic() > deadline:
                raise locked()
            time.sleep(_BETWEEN)

    def _reached(self, state: file_state.FileState) -> session.Session:
        if self.session is None:
            from outgrow.route import session  # psycopg is loaded when it is needed

            self._arrive()
            self._answered = True
            self.session = session.Session(self.connection, self.path, state)
        return self.session

    def _remote(self, cursor: Any, sql: Any, parameters: Any, *, many: bool = False) -> Any:
        while True:
            if self.session is None:
                return self.executemany(cursor, sql, parameters) if many else self.execute(cursor, sql, parameters)
            try:
                found: answer.Answer = self.session.run(cursor, sql, parameters, many=many)
            except moving.Moved as moved:
                if moved.rows is not None:
                    parameters = moved.rows
                opened = self.session.opened()
                if not self._settle():
                    for one in opened:
                        self.connection.execute(one)
                else:
                    assert self.session is not None
                    for one in opened:
                        self.session.control(classify.of(one), one)
                continue
            cursor._answer = found
            return cursor


def locked() -> sqlite3.OperationalError:
    """The error that callers know to try again after."""
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_BUSY, "SQLITE_BUSY"
    return error


def statements(script: str) -> Iterator[str]:
    """The statements of a script, each with its semicolon."""
    start = 0
    for token in classify.tokens(script):
        if token.text == ";" and sqlite3.complete_statement(script[start : token.end]):
            yield script[start : token.end]
            start = token.end
    if classify.tokens(script[start:]):
        yield script[start:]


def _remembered(rows: Iterator[Any], last: list[Any]) -> Iterator[Any]:
    """The rows; `last` holds the one that was given last."""
    last.append(None)
    for last[0] in rows:
        yield last[0]
    last.clear()
