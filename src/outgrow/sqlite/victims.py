"""Which rows a write may replace: OR REPLACE deletes through any unique index, and fires no DELETE trigger for it.

(https://www.sqlite.org/lang_conflict.html; only with recursive_triggers it does.) A BEFORE trigger can look these rows up, by
conditions that are made here. In them `new` is the row that is written, and names without a qualifier belong to the table.

Three things are not what they seem in a BEFORE trigger, in every SQLite from 3.7 to 3.54. NULL for a column NOT NULL with a
default is still NULL although REPLACE will store the default. Generated columns are computed from that NULL. And `new.a` has
the collation of its column but not its affinity, so that an index's expression would not give the index's value: `a = 1` is
true for '1' in a column TEXT, `new.a = 1` is not. A scalar subquery has the affinity of its last SELECT's column, so NEW's
values pass through one.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from outgrow.dialect import identifiers, lexer
from outgrow.model import schema

__all__ = ["Lookup", "changed", "lookups", "rowid_names"]

_ROWID_NAMES = ("rowid", "oid", "_rowid_")
_COMPARISONS = frozenset({"=", "==", "<", ">", "<=", ">=", "!=", "<>", "IS", "IN", "BETWEEN", "CASE"})
_NAMES = frozenset({lexer.Kind.WORD, lexer.Kind.QUOTED})
_CONSTANTS = frozenset({"CURRENT_TIME", "CURRENT_DATE", "CURRENT_TIMESTAMP"})
# A default may call what only some of the application's connections have; a trigger must not.
_CORE_FUNCTIONS = frozenset(
    {
        "ABS",
        "CAST",
        "COALESCE",
        "DATE",
        "DATETIME",
        "HEX",
        "IFNULL",
        "JULIANDAY",
        "LENGTH",
        "LOWER",
        "LTRIM",
        "MAX",
        "MIN",
    }
    | {"NULLIF", "QUOTE", "RANDOM", "RANDOMBLOB", "REPLACE", "ROUND", "RTRIM", "STRFTIME", "SUBSTR", "TIME", "TRIM"}
    | {"TYPEOF", "UPPER", "ZEROBLOB"}
)
_NUMBER = re.compile(r"\(? *'? *([-+]? *(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?) *'? *\)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookup:
    """How to find the rows that a write of `new` may replace through one unique index, or through the rowid.

    `where` selects them. `columns` are the quoted names in an UPDATE that make it matter, and `changed` the condition
    that it does.
    """

    name: str
    where: str
    columns: tuple[str, ...]
    changed: str


def rowid_names(table: schema.Table) -> tuple[str, ...]:
    """The quoted names under which an UPDATE can set the rowid. UPDATE OF compares names as text."""
    if table.rowid_alias is None and table.rowid_name is None:
        return ()
    taken = {schema.fold(column.name) for column in table.columns}
    alias = (table.rowid_alias,) if table.rowid_alias else ()
    return tuple(map(identifiers.quote_sqlite, (*alias, *(name for name in _ROWID_NAMES if name not in taken))))


def changed(columns: Iterable[schema.Column]) -> str:
    """The condition that an UPDATE changes one of these columns, be it from 1 to 1.0 or from 0.0 to -0.0."""
    parts = []
    for column in columns:
        name = identifiers.quote_sqlite(column.name)
        binary = "" if column.collation == "BINARY" else " COLLATE BINARY"
        parts.append(f"old.{name} IS NOT new.{name}{binary}")
        # With any other affinity, values that are equal are of one storage class, and zero has one sign.
        if column.affinity is schema.Affinity.BLOB:
            parts.append(f"typeof(old.{name})<>typeof(new.{name}) OR old.{name}=0")
    return " OR ".join(parts)


def lookups(table: schema.Table, key: tuple[str, ...]) -> tuple[Lookup, ...]:
    """The lookups for a table whose rows are logged by the columns `key` (empty: by the rowid).

    There is none for an index through which only a row of exactly the same key can be replaced: that one is logged anyway.
    """
    found: list[Lookup] = []
    if key and table.rowid_name is not None and (table.rowid_alias is None or key != (table.rowid_alias,)):
        rowid = table.rowid_name
        where, moved = f"{rowid}=new.{rowid}", f"old.{rowid}<>new.{rowid}"
        found.append(Lookup(name="rowid", where=where, columns=rowid_names(table), changed=moved))
    elif not key and table.rowid_alias is not None:
        key = (table.rowid_alias,)
    expressions = _Expressions(table)
    for index in table.indexes:
        if index.unique and not (key and _implies(table, index, key)):
            lookup = expressions.lookup(index, f"{len(found)}")
            if all(lookup.where != other.where for other in found):
                found.append(lookup)
    return tuple(found)


def _implies(table: schema.Table, index: schema.Index, key: tuple[str, ...]) -> bool:
    """Whether rows that collide in the index have the same key, storage classes included."""
    exact = {term.column for term in index.terms if term.column is not None and term.collation == "BINARY"}
    alias = table.rowid_alias
    return all(name in exact and (name == alias or _exact(table.column(name))) for name in key)


def _exact(column: schema.Column) -> bool:
    return column.affinity is not schema.Affinity.BLOB


class _Expressions:
    """The terms of a table's indexes, for the rows of the table and for NEW."""

    def __init__(self, table: schema.Table) -> None:
        self._table = table
        self._columns = {schema.fold(column.name): column for column in table.columns}

    def lookup(self, index: schema.Index, name: str) -> Lookup:
        """The lookup through a unique index."""
        parts = []
        read: dict[str, schema.Column] = {}
        for term in index.terms:
            collation = identifiers.quote_sqlite(term.collation)
            if term.column is None:
                text = str(term.expression)
                operand = self._rewrite(text)
                # The collation of an expression in an index is BINARY unless it says otherwise.
                parts.append(f"({operand}) COLLATE {collation}={self._of_new(text)}")
                sources = self._sources(text)
            else:
                column = self._table.column(term.column)
                operand = identifiers.quote_sqlite(column.name)
                if term.collation != column.collation:
                    operand += f" COLLATE {collation}"
                value = (
                    self._of_new(identifiers.quote_sqlite(column.name)) if self._stale(column) else self._value(column)
                )
                parts.append(f"{operand}={value}")
                sources = [column] if column.expression is None else self._sources(column.expression)
            read |= {column.name: column for column in sources}
        if index.where is not None:
            parts.append(f"({self._rewrite(index.where)})")
            read |= {column.name: column for column in self._sources(index.where)}
        names = [identifiers.quote_sqlite(column.name) for column in read.values()]
        if self._table.rowid_alias in read:
            names += [each for each in rowid_names(self._table) if each not in names]
        return Lookup(
            name=name,
            where=" AND ".join(parts),
            columns=tuple(names),
            # That every source is named here is needed for itself: in UPDATE, SQLite computes the generated columns of NEW
            # from NULL for columns that are neither set nor named by a trigger.
            changed=changed(read.values()),
        )

    def _names(self, text: str) -> Iterator[schema.Column]:
        """The columns that an expression may name, in its order; a word that is also a column's name counts."""
        for token in lexer.tokenize(text):
            column = self._columns.get(schema.fold(lexer.unquote(token.text))) if token.kind in _NAMES else None
            if column is not None:
                yield column

    def _sources(self, text: str) -> list[schema.Column]:
        """The columns that an expression depends on, generated ones followed to what they are computed from."""
        found: dict[str, schema.Column] = {}
        waiting = list(self._names(text))
        while waiting:
            column = waiting.pop()
            if column.name not in found:
                found[column.name] = column
                waiting += self._names(column.expression or "")
        return [column for column in found.values() if column.expression is None]

    def _stale(self, column: schema.Column) -> bool:
        """Whether a generated column of NEW may be computed from a NULL that will not stay."""
        sources = self._sources(column.expression) if column.expression is not None else []
        return any(_default(source) is not None for source in sources)

    def _value(self, column: schema.Column) -> str:
        """NEW's value of a column as it will be stored."""
        value, default = f"new.{identifiers.quote_sqlite(column.name)}", _default(column)
        return value if default is None else f"ifnull({value},{default})"

    def _of_new(self, text: str) -> str:
        """The value of an expression for NEW: a subquery, or one of two."""
        named = {column.name: column for column in self._names(text)}
        value = self._evaluated(text, list(named.values()), [])
        stale = [column for column in named.values() if self._stale(column)]
        if not stale:
            return value
        sources = {each.name for column in stale for each in self._sources(str(column.expression)) if _default(each)}
        nulls = " OR ".join(f"new.{identifiers.quote_sqlite(name)} IS NULL" for name in sorted(sources))
        computed = list(stale)
        while more := [c for each in computed for c in self._names(str(each.expression)) if c.name not in named]:
            named |= {column.name: column for column in more}
            computed += [column for column in more if self._stale(column)]
        given = [column for column in named.values() if column not in computed]
        return f"CASE WHEN {nulls} THEN {self._evaluated(text, given, computed)} ELSE {value} END"

    def _evaluated(self, text: str, given: list[schema.Column], computed: list[schema.Column]) -> str:
        """An expression's value from NEW's values of the columns `given` and from their own expressions for `computed`."""
        compared = any(_compares(each) for each in (text, *(str(column.expression) for column in computed)))
        inner = ",".join(
            f"{self._given(column, compared)} AS {identifiers.quote_sqlite(column.name)}" for column in given
        )
        source = f" FROM (SELECT {inner})" if given else ""
        while computed:
            # One that needs no other one: SQLite allows no circles.
            column = next(c for c in computed if not any(o in computed for o in self._names(str(c.expression))))
            computed = [other for other in computed if other != column]
            names = ",".join(identifiers.quote_sqlite(each.name) for each in given)
            given = [*given, column]
            value = f"({self._rewrite(str(column.expression))}) AS {identifiers.quote_sqlite(column.name)}"
            source = f" FROM (SELECT {names},{value}{source})"
        return f"(SELECT {self._rewrite(text)}{source})"

    def _given(self, column: schema.Column, compared: bool) -> str:
        value = self._value(column)
        if not compared:
            return value
        name, table = identifiers.quote_sqlite(column.name), identifiers.quote_sqlite(self._table.name)
        typed = f"(SELECT {value} UNION ALL SELECT {name} FROM {table} WHERE 0)"
        return f"{typed} COLLATE {identifiers.quote_sqlite(column.collation)}"

    def _rewrite(self, text: str) -> str:
        """An expression of the schema without comments and qualifiers, and with strings that are not in double quotes."""
        tokens = lexer.tokenize(text)
        parts = []
        for position, token in enumerate(tokens):
            before = tokens[position - 1] if position else None
            after = tokens[position + 1] if position + 1 < len(tokens) else None
            if token.text == "." or (after is not None and after.text == "."):
                continue
            named = after is not None and after.text == "("
            named = named or (before is not None and before.upper in ("COLLATE", "AS"))
            known = schema.fold(lexer.unquote(token.text)) in self._columns
            if token.text.startswith('"') and not (known or named):
                parts.append(_string(lexer.unquote(token.text)))
            else:
                parts.append(token.text)
        return " ".join(parts)


def _compares(text: str) -> bool:
    return any(token.kind is not lexer.Kind.QUOTED and token.upper in _COMPARISONS for token in lexer.tokenize(text))


def _string(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _default(column: schema.Column) -> str | None:
    """What OR REPLACE stores instead of NULL, as SQL; None where it is an error, or not to be known."""
    if not column.not_null or column.default is None:
        return None
    tokens = lexer.tokenize(column.default)
    if len(tokens) == 1 and tokens[0].kind in _NAMES:
        word = tokens[0].upper
        if word == "NULL" and tokens[0].kind is lexer.Kind.WORD:
            return None
        if tokens[0].kind is lexer.Kind.QUOTED or word not in {"TRUE", "FALSE", *_CONSTANTS}:
            return _stored(_string(lexer.unquote(tokens[0].text)), column)
        # The words themselves are columns' names to a SQLite before 3.23.
        return _stored({"TRUE": "1", "FALSE": "0"}.get(word, word), column)
    for token, after in itertools.pairwise(tokens):
        if token.kind in _NAMES and after.text == "(" and token.upper not in _CORE_FUNCTIONS:
            return None
    return _stored(" ".join(token.text for token in tokens), column)


def _stored(default: str, column: schema.Column) -> str:
    """A default as the column's affinity stores it; for numbers, only a literal is converted."""
    if column.affinity is schema.Affinity.TEXT:
        return default if default[:1] in "xX" else f"CAST({default} AS TEXT)"
    literal = _NUMBER.fullmatch(default)
    if column.affinity is schema.Affinity.BLOB or literal is None:
        return default
    number = float(literal[1].replace(" ", ""))
    if column.affinity is schema.Affinity.REAL:
        return f"CAST({default} AS REAL)"
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else f"CAST({default} AS NUMERIC)"
