"""How a transaction's statements go to PostgreSQL: what goes along with them, and what their failures mean.

The first one goes with a look at which store is primary and with the turn of a writer, every later one with a savepoint; all in
one round trip.
"""

from __future__ import annotations

import enum
import os
import threading
from typing import Any

from outgrow.dialect import lexer
from outgrow.model import schema
from outgrow.route import answer, file_state, mistakes, moving, oracle, target, wire
from outgrow.route.standard import sqlite3

__all__ = ["Execution", "Level", "lost", "savepoint"]

Command = wire.Command

_LOOK = Command("SELECT epoch, primary_store = 'postgres' FROM outgrow.standing")
_TURN = Command("UPDATE outgrow.writer SET turn = turn + 1")
# A switch waits for whoever holds this, as it waits for a file's writer lock; without it BEGIN IMMEDIATE could be fenced.
_HOLD = Command("SELECT outgrow.hold()")
_READ = Command("BEGIN ISOLATION LEVEL REPEATABLE READ")
_WRITE = Command("BEGIN ISOLATION LEVEL READ COMMITTED")
_SAVE, _FREE, _BACK = (
    Command(f'{word} "_outgrow"') for word in ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")
)
_FEW = 20
"""Chunks that are read for nothing rather than give up a connection."""
_open = vars(sqlite3.Connection)["total_changes"].__get__


class Level(enum.IntEnum):
    """What the transaction is at PostgreSQL."""

    NONE = 0
    READ = 1
    WRITE = 2


class Execution:
    """One SQLite connection at PostgreSQL, and what is open of its transaction there."""

    def __init__(self, connection: Any, path: str, state: file_state.FileState) -> None:
        self.connection = connection
        self.line = connection._line
        self.tally = self.line.tally
        self.path = path
        self.target = _target(state)
        self.last_rowid = 0
        self.oracle = self._ask_oracle()
        self.begun: tuple[str, ...] = ()
        """What opened the transaction; empty outside one."""
        self._mode = "DEFERRED"
        self._savepoints: list[str] = []
        self._opened_by_savepoint = False
        self._level = Level.NONE
        self._wire: wire.Wire | None = None
        self._guarded = False
        """Whether the savepoint of the last statement is still there."""
        self.stream: answer.Answer | None = None
        self._process = os.getpid()

    def is_primary(self, epoch: int) -> bool:
        """Whether PostgreSQL is the primary, of that epoch or a later one."""
        if self.target.epoch != epoch:
            return self._renewed(epoch)
        found = self._acquire()
        try:
            results = found.run([_LOOK])
            if results[-1].status in wire.BAD:
                raise mistakes.translate(results[-1], self.target, self.oracle)
            ((there, primary),) = found.rows(results[-1])
            return bool(primary) and there >= epoch
        except wire.Lost as error:
            raise lost(error) from error
        finally:
            self.target.pool.release(found)

    def _ask_oracle(self) -> oracle.Oracle:
        looker = self.line.looker
        looker.looking = True  # what is read for it is none of the application's statements
        try:
            return self.target.oracle(self.connection)
        finally:
            looker.looking = False

    def _renewed(self, epoch: int) -> bool:
        state = self.line.looker.state
        self.target = _target(state)
        self.oracle = self._ask_oracle()
        return self.is_primary(epoch)

    def check(self) -> None:
        """Raise what the standard module raises in a wrong thread, or once the connection is closed; and in a forked child."""
        connection = self.connection
        _open(connection)
        if self._process != os.getpid():
            raise sqlite3.ProgrammingError("this connection was opened before a fork; open one in each process")
        owner = connection._thread
        if owner is not None and owner != (here := threading.get_ident()):
            raise sqlite3.ProgrammingError(
                "SQLite objects created in a thread can only be used in that same thread. "
                f"The object was created in thread id {owner} and this is thread id {here}."
            )

    def execute(
        self,
        commands: list[Command],
        *,
        write: bool = False,
        guard: bool = True,
        back: bool = False,
        ignored: frozenset[str] = frozenset(),
        stream: bool = False,
    ) -> tuple[wire.Wire, Any]:
        """The last command's result; None where it failed in a way that means that nothing was written."""
        try:
            held, results = self.run_together(
                commands, write=write, guard=guard, back=back, stream=stream, ignored=ignored
            )
        except _Ignored as nothing:
            return nothing.held, None
        return held, results[-1] if results else None

    def run_together(
        self,
        commands: list[Command],
        *,
        write: bool = False,
        guard: bool = True,
        back: bool = False,
        stream: bool = False,
        ignored: frozenset[str] = frozenset(),
        again: bool = True,
    ) -> tuple[wire.Wire, list[Any]]:
        fresh = self._level is Level.NONE
        held = self._acquire() if self._wire is None else self._wire
        self._wire = held
        head = self._head(held, fresh=fresh, write=write, guard=guard, ignored=bool(ignored))
        try:
            results = held.run([*head, *commands], stream=stream)
        except wire.Lost as error:
            self._drop()
            if fresh and again and not write:
                return self.run_together(commands, write=write, guard=guard, stream=stream, again=False)
            raise lost(error) from error
        except BaseException:
            self._drop()
            raise
        failure = results[-1] if results and results[-1].status in wire.BAD else None
        if (
            fresh
            and self._elsewhere(held, head, results)
            and not (failure is None and self._is_done(results, head, write))
        ):
            self._undo(held, fresh=True)
            raise moving.Moved
        if failure is None:
            if self.begun:
                self._level = max(self._level, Level.WRITE if write else Level.READ)
            self._guarded = guard and not fresh
            return held, results[len(head) :]
        return self._failed(held, failure, commands, fresh, again, write, guard, stream, ignored)

    def _elsewhere(self, held: wire.Wire, head: list[Command], results: list[Any]) -> bool:
        """Whether the look that went along says that PostgreSQL is not the primary, or that of another epoch."""
        at = head.index(_LOOK)
        if len(results) <= at or results[at].status in wire.BAD:
            return False
        ((epoch, primary),) = held.rows(results[at])
        return not primary or epoch != self.target.epoch

    def _is_done(self, results: list[Any], head: list[Command], write: bool) -> bool:
        """Whether a write without a transaction took place all the same: the switch was over just after the look."""
        return write and not self.begun and any(result.command_tuples for result in results[len(head) :])

    def _failed(
        self,
        held: wire.Wire,
        failure: Any,
        commands: list[Command],
        fresh: bool,
        again: bool,
        write: bool,
        guard: bool,
        stream: bool,
        ignored: frozenset[str],
    ) -> tuple[wire.Wire, list[Any]]:
        code = mistakes.sqlstate(failure)
        error = mistakes.translate(failure, self.target, self.oracle)
        begun_here = fresh and bool(self.begun)
        self._undo(held, fresh=fresh)
        if code == mistakes.FENCED:
            if fresh:
                raise moving.Moved
            raise mistakes.locked()
        if code in ignored:
            if begun_here:
                # The transaction goes on, and has its turn.
                self.run_together([], write=True)
            raise _Ignored(self._wire or held)
        if code in mistakes.STALE and again:
            held.forget()
            return self.run_together(commands, write=write, guard=guard, stream=stream, ignored=ignored, again=False)
        raise error

    def _head(self, held: wire.Wire, *, fresh: bool, write: bool, guard: bool, ignored: bool) -> list[Command]:
        """What goes before the statement in the same round trip."""
        head: list[Command] = []
        alone = self.target.pool.settings.concurrency == "sqlite"
        timeout = max(1, int(self.connection._timeout * 1000))
        if held.timeout != timeout:
            # By itself: in a transaction that is rolled back it would be too.
            held.run([Command(f"SET lock_timeout = {timeout}")]) if fresh else None
            held.timeout = timeout if fresh else held.timeout
        if fresh:
            if self.begun:
                head.append(_WRITE if write or not alone else _READ)
            if write and alone:
                head.append(_TURN)
            if write and self.begun:
                head.append(_HOLD)
            head.append(_LOOK)
            head += [Command(f"SAVEPOINT {savepoint(name)}") for name in self._savepoints] if self.begun else []
            return head
        if self._guarded:
            head.append(_FREE)
        if guard:
            head.append(_SAVE)
        if write and alone and self._level is Level.READ:
            head.append(_TURN)
        return head

    def _undo(self, held: wire.Wire, *, fresh: bool) -> None:
        """After a failure: the transaction is what it was before the statement."""
        try:
            if not fresh:
                held.run([_BACK])
                self._guarded = True
                return
            if self.begun:
                held.run([Command("ROLLBACK")])
        except wire.Lost as error:
            self._drop()
            raise lost(error) from error
        self._guarded = False
        self._level = Level.NONE
        self.release()

    def more(self) -> list[tuple[Any, ...]] | None:
        """The next rows of the stream, None at its end."""
        held = self._wire
        if held is None:
            return None
        try:
            result = held.more()
        except wire.Lost as error:
            self._drop()
            raise lost(error) from error
        if result is not None and result.status in wire.BAD:
            failure = mistakes.translate(result, self.target, self.oracle)
            self.ended_stream()
            raise failure
        rows = [] if result is None else held.rows(result)
        if not held.streaming:
            self.ended_stream()
            return rows or None
        return rows

    def ended_stream(self) -> None:
        self.stream = None
        if not self.begun:
            self.release()

    def abandon(self, made: answer.Answer) -> None:
        """Nobody wants the rest of a stream."""
        if self.stream is not made or self._process != os.getpid():
            return
        self.stream = None
        held = self._wire
        if held is None:
            return
        for _chunk in range(_FEW):
            if held.more() is None or not held.streaming:
                break
        if held.streaming and not self.begun:
            # A new connection costs less than all the rows that nobody wants.
            self._drop()
            return
        while held.streaming and held.more() is not None:
            pass
        if not self.begun:
            self.release()

    def _acquire(self) -> wire.Wire:
        try:
            return self.target.pool.acquire()
        except wire.Lost as error:
            raise lost(error) from error

    def release(self) -> None:
        held, self._wire = self._wire, None
        self._guarded = False
        if held is not None:
            self.target.pool.release(held)

    def _drop(self) -> None:
        """The connection is lost, and the transaction with it."""
        held, self._wire = self._wire, None
        self.stream = None
        self._forget()
        if held is not None:
            self.target.pool.discard(held)

    def _forget(self) -> None:
        self.begun, self._savepoints, self._opened_by_savepoint = (), [], False
        self._level, self._guarded, self._mode = Level.NONE, False, "DEFERRED"


class _Ignored(Exception):
    def __init__(self, held: wire.Wire) -> None:
        super().__init__()
        self.held = held


def savepoint(name: str) -> str:
    """A savepoint's name for PostgreSQL; its own begin with a letter that `_outgrow` does not."""
    return '"s_' + schema.fold(lexer.unquote(name)).replace('"', '""') + '"'


def _target(state: file_state.FileState) -> target.Target:
    try:
        return target.of(state)
    except wire.Lost as error:
        raise lost(error) from error


def lost(error: wire.Lost) -> sqlite3.Error:
    return mistakes.error(sqlite3.OperationalError, f"PostgreSQL is not reached: {error}", "SQLITE_IOERR")
