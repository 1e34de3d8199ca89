"""What the text of CREATE TABLE and CREATE INDEX says and SQLite's pragmas do not report."""

from __future__ import annotations

from dataclasses import dataclass

from outgrow.model import schema

__all__ = [
    "CheckSyntax",
    "ColumnSyntax",
    "ForeignKeySyntax",
    "IndexSyntax",
    "KeySyntax",
    "TableSyntax",
    "TermSyntax",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnSyntax:
    """A column as written. `default` is verbatim with its parentheses; `expression` is without them.

    `collation` is as written, None where nothing is. `not_null_conflict` is the word after ON CONFLICT, upper-case.
    """

    name: str
    default: str | None = None
    collation: str | None = None
    generated: schema.Generated | None = None
    expression: str | None = None
    not_null: bool = False
    not_null_conflict: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckSyntax:
    """A CHECK: its expression verbatim, its name if it has one, and the column it is written at."""

    expression: str
    name: str | None = None
    column: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignKeySyntax:
    """A foreign key as written: `parent_columns` is empty where the parent's primary key is meant."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...] = ()
    name: str | None = None
    on_update: str = "NO ACTION"
    on_delete: str = "NO ACTION"
    deferred: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TermSyntax:
    """A term of a key or an index: a column, or else an expression, verbatim without its collation."""

    column: str | None
    expression: str | None = None
    collation: str | None = None
    descending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySyntax:
    """A PRIMARY KEY or UNIQUE constraint; `conflict` is the word after ON CONFLICT, upper-case."""

    primary: bool
    terms: tuple[TermSyntax, ...]
    name: str | None = None
    column_level: bool = False
    conflict: str | None = None
    autoincrement: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TableSyntax:
    """A whole CREATE TABLE; the foreign keys stand in the order of appearance (the pragma's reversed).

    Of `CREATE TABLE … AS SELECT`, before SQLite has rewritten it, only the name is known: `columns` is empty.
    """

    name: str
    columns: tuple[ColumnSyntax, ...] = ()
    checks: tuple[CheckSyntax, ...] = ()
    foreign_keys: tuple[ForeignKeySyntax, ...] = ()
    keys: tuple[KeySyntax, ...] = ()
    without_rowid: bool = False
    strict: bool = False

    @property
    def primary_key(self) -> KeySyntax | None:
        """The PRIMARY KEY, if there is one."""
        return next((key for key in self.keys if key.primary), None)

    @property
    def autoincrement(self) -> bool:
        """Whether ids once given are never given again."""
        return any(key.autoincrement for key in self.keys)

    @property
    def descending_column_key(self) -> bool:
        """Whether the key is written `… PRIMARY KEY DESC` at its column: then INTEGER is no alias of the rowid.

        Written as a table constraint, `PRIMARY KEY (id DESC)` is one (https://www.sqlite.org/lang_createtable.html#rowid).
        """
        key = self.primary_key
        return key is not None and key.column_level and key.terms[0].descending

    def column(self, name: str) -> ColumnSyntax:
        """The column of that name, compared as SQLite does (ASCII case ignored); KeyError if there is none."""
        folded = schema.fold(name)
        for column in self.columns:
            if schema.fold(column.name) == folded:
                return column
        raise KeyError(name)


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexSyntax:
    """A whole CREATE INDEX; `where` is verbatim."""

    name: str
    table: str
    terms: tuple[TermSyntax, ...]
    unique: bool = False
    where: str | None = None
