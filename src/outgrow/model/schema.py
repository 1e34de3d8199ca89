"""The schema of a SQLite file as SQLite itself reports it: frozen, without any opinion on PostgreSQL."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from outgrow.model import own

__all__ = [
    "Affinity",
    "Column",
    "Database",
    "ForeignKey",
    "Generated",
    "Index",
    "IndexTerm",
    "OtherObject",
    "Table",
    "fold",
    "is_own",
]

_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def fold(name: str) -> str:
    """A name as SQLite compares it: ASCII letters alone lose their case; É and é are two."""
    return name.translate(_ASCII_LOWER)


def is_own(name: str) -> bool:
    """Whether something of that name in a file is outgrow's own."""
    return fold(name).startswith(own.PREFIX)


class Affinity(enum.StrEnum):
    """A column's affinity (https://www.sqlite.org/datatype3.html, section 3.1); `blob` is also called none."""

    INTEGER = "integer"
    TEXT = "text"
    BLOB = "blob"
    REAL = "real"
    NUMERIC = "numeric"


class Generated(enum.StrEnum):
    """How a generated column is kept."""

    VIRTUAL = "virtual"
    STORED = "stored"


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column. `default` and `expression` are SQLite SQL, verbatim (a parenthesised default keeps its parentheses)."""

    name: str
    declared: str
    affinity: Affinity
    not_null: bool = False
    default: str | None = None
    collation: str = "BINARY"
    generated: Generated | None = None
    expression: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignKey:
    """A foreign key. `parent_columns` is resolved: an implicit reference names the parent's primary key.

    It is empty when the parent table is missing or has no primary key of that width.
    """

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    on_update: str = "NO ACTION"
    on_delete: str = "NO ACTION"
    deferred: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexTerm:
    """One term of an index: a column, or an expression (SQLite SQL)."""

    column: str | None
    expression: str | None = None
    collation: str = "BINARY"
    descending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """An index; `origin` is `c` (CREATE INDEX), `u` (UNIQUE constraint) or `pk`; `where` is SQLite SQL."""

    name: str
    terms: tuple[IndexTerm, ...]
    unique: bool
    origin: str
    where: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """An ordinary table.

    `rowid_alias` names the INTEGER PRIMARY KEY column, if there is one. `rowid_name` is a name by which
    the rowid can be read (`rowid`, `_rowid_` or `oid`: whichever is not a column), None where there is no rowid.
    """

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    rowid_alias: str | None = None
    rowid_name: str | None = "rowid"
    strict: bool = False
    autoincrement: bool = False
    foreign_keys: tuple[ForeignKey, ...] = ()
    indexes: tuple[Index, ...] = ()
    checks: tuple[str, ...] = ()
    sql: str = ""

    def column(self, name: str) -> Column:
        """The column of that name, compared as SQLite does (ASCII case ignored); KeyError if there is none."""
        folded = fold(name)
        for column in self.columns:
            if fold(column.name) == folded:
                return column
        raise KeyError(name)


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherObject:
    """Something in the file that is not an ordinary table: view, trigger, virtual or shadow table, system table."""

    name: str
    kind: str
    table: str = ""
    sql: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Database:
    """A whole file. `sequences` is `sqlite_sequence`: table name to the highest id ever given."""

    encoding: str
    page_size: int
    page_count: int
    journal_mode: str
    user_version: int
    application_id: int
    tables: tuple[Table, ...]
    others: tuple[OtherObject, ...]
    sequences: Mapping[str, int]

    @property
    def size(self) -> int:
        """Bytes of the main file."""
        return self.page_size * self.page_count

    def table(self, name: str) -> Table | None:
        """The table of that name (ASCII case ignored), or None."""
        folded = fold(name)
        return next((table for table in self.tables if fold(table.name) == folded), None)
