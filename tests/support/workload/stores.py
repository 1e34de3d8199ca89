"""The two databases behind one small language, in which every operation is written once.

Common SQL goes through `run`, with `?` for a parameter. What the dialects spell differently are methods, and SQLite's meaning
is the meaning: on PostgreSQL a REPLACE deletes the rows in its way, over each unique index, and inserts.
The two are in `sqlite_store` and `postgres_store`.

`perform` is one operation in one transaction. It returns when the outcome is known to be what the operation wants, and
otherwise raises a `Trouble` that says what is known:

    Trouble
    ├── Fenced      the store refuses to be written to; it may know an epoch
    ├── Busy        a lock, a deadlock: nothing happened, the same store will take it later
    ├── Gone        no connection, or an I/O error; `unsure` if it broke during the commit
    ├── Duplicate   the operation is committed already
    └── Refused     anything else, nothing happened: an application would show an error
"""

from __future__ import annotations

import abc
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from support.workload import schema

__all__ = [
    "OUTGROW",
    "Busy",
    "Duplicate",
    "Fence",
    "Fenced",
    "Gone",
    "Performable",
    "Refused",
    "Row",
    "Store",
    "Trouble",
    "insert_statement",
    "update_statement",
]

Row = tuple[Any, ...]


class Trouble(Exception):
    """The operation did not happen, or it is not known whether it did."""


class Fenced(Trouble):
    """The store is not primary, and said so."""

    def __init__(self, message: str, epoch: int | None) -> None:
        super().__init__(message)
        self.epoch = epoch


class Busy(Trouble):
    """Another transaction was in the way."""


class Gone(Trouble):
    """There is no store to talk to."""

    def __init__(self, message: str, *, unsure: bool) -> None:
        super().__init__(message)
        self.unsure = unsure


class Duplicate(Trouble):
    """The ledger has the operation."""


class Refused(Trouble):
    """An error that no retry mends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fence:
    """How a fence is told from other errors: by the first words of SQLite's, by the SQLSTATE of PostgreSQL's.

    `epoch` finds the number of the epoch in the message, if it has one.
    """

    prefix: str = "outgrow:"
    state: str = "OG002"
    epoch: str = r"epoch\D{0,3}(\d+)"

    def fenced(self, message: str) -> Fenced:
        """The refusal, with what it says of the epoch."""
        found = re.search(self.epoch, message)
        return Fenced(message, int(found[1]) if found else None)


OUTGROW = Fence()


class Performable(Protocol):
    """An operation: what goes into its ledger row, and what it does."""

    @property
    def ledger_row(self) -> Mapping[str, Any]:
        """The row's columns and values."""

    @property
    def commits(self) -> bool:
        """False if it rolls itself back at the end."""

    @property
    def immediate(self) -> bool:
        """Whether SQLite's lock is taken at BEGIN."""

    @property
    def body(self) -> Callable[[Store], None]:
        """Its statements."""


class Store(abc.ABC):
    """One connection to one database."""

    name: str
    errors: tuple[type[Exception], ...]

    def __init__(self, tables: Mapping[str, schema.Table], fence: Fence) -> None:
        self.tables = tables
        self.fence = fence

    def perform(self, operation: Performable) -> None:
        """Run an operation in one transaction, its ledger row first; raises Trouble."""
        self.within(operation.body, operation.ledger_row, commits=operation.commits, immediate=operation.immediate)

    def within(
        self,
        body: Callable[[Store], None],
        ledger_row: Mapping[str, Any] | None = None,
        *,
        commits: bool = True,
        immediate: bool = True,
    ) -> None:
        """Run statements in one transaction; raises Trouble."""
        committing = False
        try:
            self.begin(immediate)
            if ledger_row is not None:
                # First: an operation whose earlier commit is still under way waits here for its outcome.
                self.insert("ledger", **ledger_row)
            body(self)
            if commits:
                committing = True
                self.commit()
            else:
                self.run("ROLLBACK")
        except self.errors as error:
            trouble = self.understood(error, committing)
            self.abandon()
            raise trouble from error
        except BaseException:
            self.abandon()
            raise

    @abc.abstractmethod
    def begin(self, immediate: bool) -> None:
        """Connect if need be, and begin a transaction."""

    @abc.abstractmethod
    def commit(self) -> None:
        """Commit, and be sure that it was no rollback."""

    @abc.abstractmethod
    def abandon(self) -> None:
        """Roll back what is open; close what is broken."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close the connection; the next transaction opens another."""

    @abc.abstractmethod
    def understood(self, error: Exception, committing: bool) -> Trouble:
        """What an error of the driver means."""

    @abc.abstractmethod
    def run(self, statement: str, *parameters: Any) -> list[Row]:
        """Run a statement that both databases understand, and fetch what it returns."""

    @abc.abstractmethod
    def many(self, statement: str, rows: Sequence[Row]) -> None:
        """Run a statement for each row of parameters."""

    @abc.abstractmethod
    def insert(self, table: str, **values: Any) -> int | None:
        """Insert a row; returns the id that it got, if the table gives ids."""

    @abc.abstractmethod
    def ignore(self, table: str, **values: Any) -> None:
        """INSERT OR IGNORE."""

    @abc.abstractmethod
    def replace(self, table: str, **values: Any) -> None:
        """INSERT OR REPLACE."""

    @abc.abstractmethod
    def move(self, table: str, where: Mapping[str, Any], **values: Any) -> None:
        """UPDATE OR REPLACE of at most one row."""

    @abc.abstractmethod
    def empty(self, table: str) -> None:
        """Delete every row, and what belongs to them: TRUNCATE CASCADE where there is such a statement."""

    @abc.abstractmethod
    def stumble(self, statement: str, *parameters: Any) -> None:
        """Run a statement that may break a unique index, and go on as if nothing had happened if it does."""


def insert_statement(table: str, values: Mapping[str, Any], verb: str = "INSERT") -> str:
    """INSERT, with marks for the values in their order."""
    marks = ", ".join("?" * len(values))
    return f"{verb} INTO {table} ({', '.join(values)}) VALUES ({marks})"


def update_statement(table: str, values: Mapping[str, Any], where: Mapping[str, Any], verb: str = "UPDATE") -> str:
    changes = ", ".join(f"{name} = ?" for name in values)
    return f"{verb} {table} SET {changes} WHERE {' AND '.join(f'{name} = ?' for name in where)}"
