"""A SQLite connection's transaction at PostgreSQL, by SQLite's rules.

A transaction that reads first has one snapshot (REPEATABLE READ), and one that writes first has its turn as the only writer. A
reader that goes on to write fails with `database is locked` if another one wrote since: SQLite says the same there. Statements
that fail leave the transaction as it was before them, by a savepoint that goes along with each.
"""

from __future__ import annotations

import contextlib
import os

from outgrow.dialect import lexer
from outgrow.route import classify, execution, mistakes, wire
from outgrow.route.standard import sqlite3

__all__ = ["DML", "Transaction"]

Command = wire.Command

DML = frozenset({"INSERT", "UPDATE", "DELETE", "REPLACE"})


class Transaction(execution.Execution):
    """One SQLite connection at PostgreSQL: where its transaction begins, its savepoints, its end."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, as SQLite sees it."""
        return bool(self.begun) or getattr(self.connection, "autocommit", -1) is False

    def opened(self) -> tuple[str, ...]:
        """What opened the transaction, to do it again elsewhere; the transaction is forgotten."""
        begun, savepoints = self.begun, self._savepoints[1:] if self._opened_by_savepoint else self._savepoints
        self._forget()
        return (*begun, *(f"SAVEPOINT {name}" for name in savepoints))

    def interrupt(self) -> None:
        """Give up what is running; from any thread."""
        found = self._wire
        if found is not None:
            found.cancel()

    def commit(self) -> None:
        """Commit, if there is something to commit."""
        self.check()
        if self.begun:
            self.finish("COMMIT")

    def rollback(self) -> None:
        """Roll back, if there is something."""
        self.check()
        if self.begun:
            self.finish("ROLLBACK")

    def close(self) -> None:
        """Give everything back; what was not committed is undone."""
        found, self._wire = self._wire, None
        if found is None or self._process != os.getpid():
            return
        if not found.streaming:
            with contextlib.suppress(wire.Lost):
                found.run([Command("ROLLBACK")])
                self.target.pool.release(found)
                return
        self.target.pool.discard(found)

    def control(self, kind: classify.Kind, sql: str) -> None:
        """BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE."""
        words = [token for token in classify.tokens(sql) if token.text != ";"]
        name = words[-1].text if len(words) > 1 else ""
        if kind is classify.Kind.BEGIN:
            if self.begun:
                raise mistakes.error(sqlite3.OperationalError, "cannot start a transaction within a transaction")
            mode = words[1].upper if len(words) > 1 else "DEFERRED"
            self.begun, self._mode = (sql,), mode if mode in ("IMMEDIATE", "EXCLUSIVE") else "DEFERRED"
            if self._mode != "DEFERRED":
                try:
                    self.execute([], write=True)
                except BaseException:
                    self._forget()
                    raise
        elif kind is classify.Kind.COMMIT:
            if not self.begun:
                raise mistakes.error(sqlite3.OperationalError, "cannot commit - no transaction is active")
            self.finish("COMMIT")
        elif kind is classify.Kind.SAVEPOINT:
            if not self.begun:
                self.begun, self._mode, self._opened_by_savepoint = (sql,), "DEFERRED", True
            self._savepoints.append(name)
            if self._level is not execution.Level.NONE:
                self.execute([Command(f"SAVEPOINT {execution.savepoint(name)}")], guard=False)
        elif kind is classify.Kind.ROLLBACK and not any(word.upper == "TO" for word in words):
            if not self.begun:
                raise mistakes.error(sqlite3.OperationalError, "cannot rollback - no transaction is active")
            self.finish("ROLLBACK")
        else:
            self._to_savepoint(kind, name)

    def _to_savepoint(self, kind: classify.Kind, name: str) -> None:
        folded = [execution.savepoint(one) for one in self._savepoints]
        wanted = execution.savepoint(name)
        if wanted not in folded:
            raise mistakes.error(sqlite3.OperationalError, f"no such savepoint: {lexer.unquote(name)}")
        at = len(folded) - 1 - folded[::-1].index(wanted)
        back = kind is classify.Kind.ROLLBACK
        if at == 0 and self._opened_by_savepoint and not back:
            self.finish("COMMIT")
            return
        if self._level is not execution.Level.NONE:
            self.execute(
                [Command(f"{'ROLLBACK TO' if back else 'RELEASE'} SAVEPOINT {wanted}")], guard=False, back=back
            )
        del self._savepoints[at + 1 if back else at :]

    def finish(self, word: str) -> None:
        """End the transaction."""
        if self.stream is not None:
            self.stream.drain()
            self.ended_stream()
        found, level = self._wire, self._level
        if found is None or level is execution.Level.NONE:
            self._forget()
            return
        try:
            results = found.run([Command(word)])
        except wire.Lost as error:
            self._drop()
            raise execution.lost(error) from error
        except BaseException:
            self._drop()
            raise
        failure = results[-1] if results[-1].status in wire.BAD else None
        self.release()
        self._forget()
        if failure is not None:
            raise mistakes.translate(failure, self.target, self.oracle)
        if word == "COMMIT":
            self.line.committed()
        else:
            self.line.undone()

    def begin_implicitly(self, word: str) -> None:
        """Begin the transaction that the standard module begins before a statement that writes."""
        if self.begun:
            return
        connection = self.connection
        if getattr(connection, "autocommit", -1) is False:
            self.begun, self._mode = ("BEGIN",), "DEFERRED"
        elif word in DML and connection.isolation_level is not None and not connection._verbatim:
            self.begun = (f"BEGIN {connection.isolation_level}",)
            self._mode = connection.isolation_level.upper() or "DEFERRED"

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:  # the interpreter is going down
            pass
