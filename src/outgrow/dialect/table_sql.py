"""CREATE TABLE, read by SQLite's grammar (https://www.sqlite.org/lang_createtable.html, parse.y)."""

from __future__ import annotations

import dataclasses

from outgrow.dialect import index_sql, lexer, syntax
from outgrow.model import schema

__all__ = ["TableSyntax", "parse", "parse_index"]

TableSyntax = syntax.TableSyntax
parse_index = index_sql.parse

# The words that end a declared type: SQLite takes every other word, and every string, into the type.
_COLUMN_CONSTRAINTS = frozenset(
    {"CONSTRAINT", "DEFAULT", "NULL", "NOT", "PRIMARY", "UNIQUE", "CHECK", "REFERENCES", "COLLATE"}
    | {"DEFERRABLE", "AS"}
)
_TABLE_CONSTRAINTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")


def parse(sql: str) -> syntax.TableSyntax:
    """What a CREATE TABLE says.

    Raises `Internal` on a text that is none; every text that SQLite accepts is read.
    """
    cursor = lexer.Cursor(sql)
    cursor.expect("CREATE")
    _ = cursor.skip("TEMP") or cursor.skip("TEMPORARY")
    cursor.expect("TABLE")
    cursor.skip("IF", "NOT", "EXISTS")
    name = cursor.name()
    if cursor.skip("."):
        name = cursor.name()
    if cursor.at("AS"):
        return syntax.TableSyntax(name=name)
    return _Definition(cursor).read(name)


class _Definition:
    """The part in parentheses, as it is read."""

    def __init__(self, cursor: lexer.Cursor) -> None:
        self.cursor = cursor
        self.columns: list[syntax.ColumnSyntax] = []
        self.checks: list[syntax.CheckSyntax] = []
        self.foreign_keys: list[syntax.ForeignKeySyntax] = []
        self.keys: list[syntax.KeySyntax] = []

    def read(self, name: str) -> syntax.TableSyntax:
        cursor = self.cursor
        cursor.expect("(")
        while not any(cursor.at(word) for word in _TABLE_CONSTRAINTS):
            self._column()
            if not cursor.skip(","):
                break
        while not cursor.skip(")"):
            cursor.skip(",")  # commas between table constraints may be missing
            self._table_constraint()
        without_rowid = strict = False
        while not cursor.done and not cursor.at(";"):
            if cursor.skip("WITHOUT"):
                cursor.take()
                without_rowid = True
            elif cursor.skip("STRICT"):
                strict = True
            else:
                cursor.expect(",")
        return syntax.TableSyntax(
            name=name,
            columns=tuple(self.columns),
            checks=tuple(self.checks),
            foreign_keys=tuple(self.foreign_keys),
            keys=tuple(self.keys),
            without_rowid=without_rowid,
            strict=strict,
        )

    def _column(self) -> None:
        cursor = self.cursor
        column = syntax.ColumnSyntax(name=cursor.name())
        while (token := cursor.peek()) is not None and not cursor.at(","):
            if token.kind is lexer.Kind.WORD and token.upper in _COLUMN_CONSTRAINTS:
                break
            if cursor.at(")") or cursor.at("GENERATED", "ALWAYS", "AS"):
                break
            if cursor.at("("):
                cursor.parenthesised()
            else:
                cursor.take()
        name: str | None = None
        while not cursor.at(",") and not cursor.at(")"):
            if cursor.skip("CONSTRAINT"):
                name = cursor.name()
                continue
            column = self._column_constraint(column, name)
            name = None
        self.columns.append(column)

    def _column_constraint(self, column: syntax.ColumnSyntax, name: str | None) -> syntax.ColumnSyntax:
        cursor = self.cursor
        if cursor.skip("DEFAULT"):
            return dataclasses.replace(column, default=self._default())
        if cursor.skip("COLLATE"):
            return dataclasses.replace(column, collation=cursor.name())
        if cursor.skip("NOT", "NULL"):
            return dataclasses.replace(column, not_null=True, not_null_conflict=self._conflict())
        if cursor.skip("NULL"):
            self._conflict()
            return column
        if cursor.skip("GENERATED", "ALWAYS", "AS") or cursor.skip("AS"):
            expression = cursor.parenthesised()
            stored = cursor.skip("STORED")
            if not stored:
                cursor.skip("VIRTUAL")
            kind = schema.Generated.STORED if stored else schema.Generated.VIRTUAL
            return dataclasses.replace(column, generated=kind, expression=expression)
        if cursor.skip("CHECK"):
            check = syntax.CheckSyntax(expression=cursor.parenthesised(), name=name, column=column.name)
            self.checks.append(check)
        elif cursor.at("PRIMARY") or cursor.at("UNIQUE"):
            self.keys.append(self._column_key(column.name, name))
        elif cursor.skip("REFERENCES"):
            self._references((column.name,), name)
        else:
            self._deferrable()
        return column

    def _column_key(self, column: str, name: str | None) -> syntax.KeySyntax:
        cursor = self.cursor
        if cursor.skip("UNIQUE"):
            term = syntax.TermSyntax(column=column)
            return syntax.KeySyntax(
                primary=False, terms=(term,), name=name, column_level=True, conflict=self._conflict()
            )
        cursor.expect("PRIMARY", "KEY")
        descending = cursor.skip("DESC")
        if not descending:
            cursor.skip("ASC")
        return syntax.KeySyntax(
            primary=True,
            terms=(syntax.TermSyntax(column=column, descending=descending),),
            name=name,
            column_level=True,
            conflict=self._conflict(),
            autoincrement=cursor.skip("AUTOINCREMENT"),
        )

    def _table_constraint(self) -> None:
        cursor = self.cursor
        name: str | None = None
        while cursor.skip("CONSTRAINT"):
            name = cursor.name()
            cursor.skip(",")
        if cursor.skip("CHECK"):
            self.checks.append(syntax.CheckSyntax(expression=cursor.parenthesised(), name=name))
            self._conflict()
        elif cursor.skip("FOREIGN", "KEY"):
            columns = self._names()
            cursor.expect("REFERENCES")
            self._references(columns, name)
            self._deferrable()
        elif cursor.at("PRIMARY") or cursor.at("UNIQUE"):
            primary = cursor.skip("PRIMARY", "KEY")
            if not primary:
                cursor.expect("UNIQUE")
            terms, autoincrement = index_sql.terms(cursor)
            key = syntax.KeySyntax(
                primary=primary,
                terms=terms,
                name=name,
                conflict=self._conflict(),
                autoincrement=autoincrement,
            )
            self.keys.append(key)
        elif not cursor.at(")"):
            raise cursor.mistake("a table constraint")

    def _default(self) -> str:
        """The text after DEFAULT: `( … )`, a signed literal, or a bare word that SQLite takes for a string."""
        cursor = self.cursor
        first = cursor.index
        if cursor.at("("):
            cursor.parenthesised()
        else:
            while cursor.at("-") or cursor.at("+"):
                cursor.take()
            cursor.take()
        return cursor.text(first)

    def _conflict(self) -> str | None:
        return self.cursor.take().upper if self.cursor.skip("ON", "CONFLICT") else None

    def _names(self) -> tuple[str, ...]:
        return tuple(term.column or "" for term in index_sql.terms(self.cursor)[0])

    def _references(self, columns: tuple[str, ...], name: str | None) -> None:
        cursor = self.cursor
        parent = cursor.name()
        parents = self._names() if cursor.at("(") else ()
        actions = {"UPDATE": "NO ACTION", "DELETE": "NO ACTION"}
        while True:
            if cursor.skip("MATCH"):
                cursor.name()
            elif cursor.skip("ON"):
                changed = cursor.take().upper
                actions[changed] = self._action()
            else:
                break
        foreign_key = syntax.ForeignKeySyntax(
            columns=columns,
            parent=parent,
            parent_columns=parents,
            name=name,
            on_update=actions["UPDATE"],
            on_delete=actions["DELETE"],
        )
        self.foreign_keys.append(foreign_key)

    def _action(self) -> str:
        first = self.cursor.take().upper
        return f"{first} {self.cursor.take().upper}" if first in {"SET", "NO"} else first

    def _deferrable(self) -> None:
        """[NOT] DEFERRABLE …: SQLite gives it to the foreign key last seen, wherever that stands."""
        cursor = self.cursor
        negated = cursor.skip("NOT")
        if not negated and not cursor.at("DEFERRABLE"):
            if cursor.at(",") or cursor.at(")") or cursor.done:
                return
            if any(cursor.at(word) for word in _TABLE_CONSTRAINTS):
                return
            raise cursor.mistake("a constraint")
        cursor.expect("DEFERRABLE")
        deferred = False
        if cursor.skip("INITIALLY"):
            deferred = cursor.take().upper == "DEFERRED" and not negated
        if self.foreign_keys:
            self.foreign_keys[-1] = dataclasses.replace(self.foreign_keys[-1], deferred=deferred)
