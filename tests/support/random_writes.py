"""Random schemas and random writes that are hard on capture: every kind of unique index, key, cascade and conflict clause.

`case()` draws one from a `random.Random` (hypothesis has one that shrinks). Values come from a small set, so that rows collide;
statements may fail, for SQLite decides what a schema allows.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Case", "TableFacts", "case"]

_VALUES = (
    *("NULL", "NULL", "0", "1", "1", "2", "3", "1.0", "2.5", "'1'", "'1.0'", "'a'", "'a'", "'A'", "'a '", "'b'", "'B'"),
    *("x'61'", "x'31'", "-0.0", "0.0", "''", "'0'", "5", "9007199254740993", "1e300"),
)
_TYPES = ("", "INTEGER", "INT", "TEXT", "TEXT", "TEXT", "BLOB", "REAL", "NUMERIC", "VARCHAR(3)")
_STRICT_TYPES = ("INTEGER", "INT", "TEXT", "TEXT", "BLOB", "REAL", "ANY")
_COLLATIONS = ("", "", "", " COLLATE NOCASE", " COLLATE RTRIM", " COLLATE BINARY")
_DEFAULTS = (
    *(
        "'a'",
        "1",
        "'1'",
        "'A'",
        "(1)",
        "(lower('A'))",
        "abc",
        '"dq"',
        "NULL",
        "x'61'",
        "-1",
        "TRUE",
        "2.0",
        "CURRENT_DATE",
    ),
    "'b'",
)
_NAMES = (
    "a",
    "b",
    "c",
    "d",
    'q"q',
    "new",
    "old",
    "select",
    "two words",
    "rowid",
    "oid",
    "_rowid_",
    "é",
    "Text",
    "lower",
    "t",
)
_TABLES = ("t", "new", "old", 'quo"te', "select", "two words", "É", "Log")
_CONFLICTS = (
    "",
    "",
    "",
    " OR REPLACE",
    " OR REPLACE",
    " OR REPLACE",
    " OR IGNORE",
    " OR FAIL",
    " OR ABORT",
    " OR ROLLBACK",
)
_SCHEMA_CONFLICTS = (
    "",
    "",
    "",
    " ON CONFLICT REPLACE",
    " ON CONFLICT IGNORE",
    " ON CONFLICT FAIL",
    " ON CONFLICT ROLLBACK",
)
_ACTIONS = ("CASCADE", "CASCADE", "SET NULL", "SET DEFAULT", "NO ACTION", "RESTRICT")
_ONE = (
    *(
        "lower({0})",
        "{0}||'x'",
        "({0}=1)",
        "({0} IN (1,'a'))",
        "typeof({0})",
        "coalesce({0},'a')",
        "{0}+0",
        "+{0}",
        "nullif({0},'A')",
    ),
    *(
        "substr({0},1,1)",
        "length({0})",
        "CAST({0} AS TEXT)",
        "CAST({0} AS INTEGER)",
        "({0} IS 'a')",
        "({0} BETWEEN 1 AND '2')",
    ),
    *(
        "({0}>'1')",
        "quote({0})",
        "({0} COLLATE NOCASE='A')",
        "lower({0}) COLLATE NOCASE",
        "(CASE {0} WHEN 1 THEN 'a' ELSE 'b' END)",
    ),
    "-- a comment\n upper({0}) /* another */",
)
_TWO = (
    "({0}={1})",
    "{0}||{1}",
    "({0}<{1})",
    "max({0},{1})",
    "coalesce({0},{1})",
    "(CASE {0} WHEN {1} THEN 1 ELSE {0} END)",
    "({0}, {1})",
)
_PREDICATES = (
    "{0} IS NOT NULL",
    "{0}>1",
    "{0}='a'",
    "{0} IN (1,2,'a')",
    "{t}.{0} IS NOT NULL",
    "{0}<>'b'",
    "{0}>'1' -- why\n",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TableFacts:
    """What writes to a table need to know: its columns that can be written, and how the rowid is called (empty: not at all)."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    rowids: tuple[str, ...]
    uniques: tuple[tuple[str, ...], ...]
    alias: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A schema, how its rows are identified (no column: by the rowid), and transactions.

    A transaction's first element says how it ends. `by_rowid` names tables that have a key but are captured by the rowid.
    """

    pragmas: tuple[str, ...]
    schema: tuple[str, ...]
    by_rowid: frozenset[str]
    transactions: tuple[tuple[str, ...], ...] = field(default=())


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _names(columns: Sequence[str]) -> str:
    return ",".join(map(_quote, columns))


def _expression(r: random.Random, columns: Sequence[str]) -> str:
    if len(columns) > 1 and r.random() < 0.4:
        return r.choice(_TWO).format(*map(_quote, r.sample(columns, 2)))
    return r.choice(_ONE).format(_quote(r.choice(columns)))


def _table(r: random.Random, name: str, parents: Sequence[TableFacts]) -> tuple[list[str], TableFacts]:
    columns = r.sample(_NAMES, r.choice((2, 2, 3, 4)))
    strict = r.random() < 0.1
    kind = r.choice(
        ("alias", "alias", "alias", "autoincrement", "int", "single", "single", "composite", "composite", "none")
    )
    key: tuple[str, ...] = ()
    without_rowid = False
    parts = []
    types: dict[str, str] = {}
    for position, column in enumerate(columns):
        declared = types[column] = r.choice(_STRICT_TYPES if strict else _TYPES)
        words = [_quote(column)]
        if position == 0 and kind in ("alias", "autoincrement"):
            words.append(
                "INTEGER PRIMARY KEY"
                + (" AUTOINCREMENT" if kind == "autoincrement" else r.choice(("", "", _conflict(r))))
            )
            key = (column,)
        elif position == 0 and kind in ("int", "single"):
            declared = "INT" if kind == "int" else declared
            words.append(f"{declared} PRIMARY KEY{r.choice(('', '', ' DESC'))}{_conflict(r)}{r.choice(_COLLATIONS)}")
            key = (column,)
            without_rowid = r.random() < 0.3
        else:
            words.append(declared)
            if r.random() < 0.3:
                words.append(f"NOT NULL{_conflict(r)}")
            if r.random() < 0.4:
                words.append(f"DEFAULT {r.choice(_DEFAULTS)}")
            words.append(r.choice(_COLLATIONS))
            if r.random() < 0.25:
                words.append(f"UNIQUE{_conflict(r)}")
        parts.append(" ".join(words))
    uniques = [(column,) for column in columns]
    if kind == "composite":
        key = tuple(r.sample(columns, r.choice((1, 2, 2, len(columns)))))
        terms = ",".join(_quote(column) + r.choice(("", "", " DESC", *_COLLATIONS)) for column in key)
        parts.append(f"PRIMARY KEY({terms}){_conflict(r)}")
        without_rowid = r.random() < 0.4
    every = list(columns)
    alias = key[0] if kind in ("alias", "autoincrement") or [types[each] for each in key] == ["INTEGER"] else ""
    # An id that SQLite gives itself is not known before the row is there (docs/limits.md).
    sources = [each for each in columns if each != alias]
    if r.random() < 0.25:
        generated = next(each for each in _NAMES if each not in columns)
        stored = r.choice(("STORED", "VIRTUAL"))
        unique = r.choice(("", " UNIQUE", f" UNIQUE{_conflict(r)}"))
        declared = r.choice(_STRICT_TYPES if strict else _TYPES)
        column = (
            f"{_quote(generated)} {declared}{r.choice(_COLLATIONS)} AS ({_expression(r, sources)}) {stored}{unique}"
        )
        parts.insert(len(columns), column)
        every.append(generated)
        if r.random() < 0.3:
            second = next(each for each in _NAMES if each not in every)
            parts.insert(len(columns) + r.randint(0, 1), f"{_quote(second)} AS ({_expression(r, [generated])}) UNIQUE")
            every.append(second)
    if r.random() < 0.25:
        pair = tuple(r.sample(columns, 2))
        uniques.append(pair)
        parts.append(f"UNIQUE({','.join(_quote(each) + r.choice(_COLLATIONS) for each in pair)}){_conflict(r)}")
    for _ in range(r.choice((0, 0, 1, 1, 2)) if parents else r.choice((0, 0, 0, 1))):
        parts.append(
            _foreign_key(
                r, columns, [*parents, TableFacts(name=name, columns=tuple(columns), key=key, rowids=(), uniques=())]
            )
        )
    if r.random() < 0.1:
        parts.append(f"CHECK ({_expression(r, columns)} IS NOT 'b')")
    options = [*(["WITHOUT ROWID"] if without_rowid and key else []), *(["STRICT"] if strict else [])]
    statements = [f"CREATE TABLE {_quote(name)}({', '.join(parts)}){', '.join(options)}"]
    for number in range(r.choice((0, 1, 1, 2))):
        statements.append(
            _index(
                r, name, f"{name} {number}", every, [each for each in every if each in sources or each not in columns]
            )
        )
    rowids: tuple[str, ...] = ()
    if not (without_rowid and key):
        rowids = tuple(each for each in ("rowid", "oid", "_rowid_") if each not in columns)
    facts = TableFacts(
        name=name,
        columns=tuple(columns),
        key=key,
        rowids=rowids,
        uniques=tuple(uniques),
        alias=alias,
    )
    return statements, facts


def _conflict(r: random.Random) -> str:
    return r.choice(_SCHEMA_CONFLICTS)


def _index(r: random.Random, table: str, name: str, columns: Sequence[str], sources: Sequence[str]) -> str:
    terms = []
    for _ in range(r.choice((1, 1, 2))):
        term = _quote(r.choice(columns)) if r.random() < 0.55 else _expression(r, sources)
        terms.append(term + r.choice(("", "", "", " COLLATE NOCASE", " COLLATE RTRIM")) + r.choice(("", "", " DESC")))
    where = ""
    if r.random() < 0.3:
        where = f" WHERE {r.choice(_PREDICATES).format(_quote(r.choice(columns)), t=_quote(table))}"
    unique = r.choice(("UNIQUE ", "UNIQUE ", "UNIQUE ", "UNIQUE ", ""))
    return f"CREATE {unique}INDEX {_quote(name)} ON {_quote(table)}({', '.join(terms)}){where}"


def _foreign_key(r: random.Random, columns: Sequence[str], parents: Sequence[TableFacts]) -> str:
    parent = r.choice(parents)
    referred = parent.key or (r.choice(parent.columns),)
    if len(referred) > len(columns) or r.random() < 0.2:
        referred = (r.choice(parent.columns),)
    own = r.sample(list(columns), len(referred))
    deferred = r.choice(("", "", " DEFERRABLE INITIALLY DEFERRED"))
    return (
        f"FOREIGN KEY({_names(own)}) REFERENCES {_quote(parent.name)}({_names(referred)})"
        f" ON DELETE {r.choice(_ACTIONS)} ON UPDATE {r.choice(_ACTIONS)}{deferred}"
    )


def _trigger(r: random.Random, name: str, tables: Sequence[TableFacts], *, ignoring: bool) -> str:
    """A trigger of the application's; none that the manual calls undefined, as a BEFORE UPDATE that changes the row is."""
    event = r.choice(("INSERT", "INSERT", "UPDATE", "DELETE"))
    if ignoring or r.random() < 0.2:
        table, row = r.choice(tables), "old" if event == "DELETE" else "new"
        when = r.choice(("BEFORE", "AFTER"))
        body = f"SELECT RAISE(IGNORE) WHERE {row}.{_quote(r.choice(table.columns))} IS {_value(r)};"
        return f"CREATE TRIGGER {_quote(name)} {when} {event} ON {_quote(table.name)} BEGIN {body} END"
    when = "BEFORE" if event == "INSERT" and r.random() < 0.3 else "AFTER"
    body = "; ".join(_write(r, r.choice(tables), tables, plain=True) for _ in range(r.choice((1, 1, 2))))
    return f"CREATE TRIGGER {_quote(name)} {when} {event} ON {_quote(r.choice(tables).name)} BEGIN {body}; END"


def _value(r: random.Random, columns: Sequence[str] = ()) -> str:
    if columns and r.random() < 0.35:
        return r.choice(("{0}", "{0}", "{0}+1", "{0}||'a'", "lower({0})", "{0}+0.0", "upper({0})")).format(
            _quote(r.choice(columns))
        )
    return r.choice(_VALUES)


def _condition(r: random.Random, table: TableFacts) -> str:
    if r.random() < 0.25:
        return ""
    column = _quote(r.choice((*table.columns, *table.rowids)))
    return f" WHERE {column} {r.choice(('=', '=', '<>', '>', 'IS', 'IS NOT'))} {_value(r)}"


def _insert(r: random.Random, table: TableFacts, tables: Sequence[TableFacts], *, plain: bool) -> str:
    columns = [each for each in table.columns if r.random() < 0.85] or [table.columns[0]]
    if table.rowids and r.random() < 0.12:
        columns = [*(each for each in columns if each != table.alias), r.choice(table.rowids)]
    head = f"INSERT{r.choice(_CONFLICTS)} INTO {_quote(table.name)}({_names(columns)})"
    if r.random() < 0.15:
        other = r.choice(tables)
        sources = ",".join(_value(r, other.columns) for _ in columns)
        text = f"{head} SELECT {sources} FROM {_quote(other.name)} WHERE 1 LIMIT 3"
    elif r.random() < 0.2 and not plain:
        text = f"{head} VALUES{','.join('(' + ','.join(_value(r) for _ in columns) + ')' for _ in range(r.choice((2, 3))))}"
    else:
        text = f"{head} VALUES({','.join(_value(r) for _ in columns)})"
    if r.random() < 0.15:
        target = f"({_names(r.choice(table.uniques))})" if r.random() < 0.8 else ""
        if r.random() < 0.3:
            text += f" ON CONFLICT{target} DO NOTHING"
        else:
            column = r.choice(table.columns)
            value = r.choice((f"excluded.{_quote(column)}", _value(r), _value(r)))
            text += f" ON CONFLICT{target} DO UPDATE SET {_quote(column)}={value}"
    return text


def _update(r: random.Random, table: TableFacts) -> str:
    targets = r.sample(table.columns, r.choice((1, 1, 1, 2)) if len(table.columns) > 1 else 1)
    if table.rowids and r.random() < 0.12:
        targets = [*(each for each in targets if each != table.alias), r.choice(table.rowids)]
    changes = ",".join(f"{_quote(each)}={_value(r, table.columns)}" for each in targets)
    return f"UPDATE{r.choice(_CONFLICTS)} {_quote(table.name)} SET {changes}{_condition(r, table)}"


def _write(r: random.Random, table: TableFacts, tables: Sequence[TableFacts], *, plain: bool = False) -> str:
    kind = r.random()
    if kind < 0.5:
        text = _insert(r, table, tables, plain=plain)
    elif kind < 0.85:
        text = _update(r, table)
    else:
        text = f"DELETE FROM {_quote(table.name)}{_condition(r, table)}"
    if not plain and r.random() < 0.05:
        text += " RETURNING *"
    return text


def _transaction(r: random.Random, tables: Sequence[TableFacts]) -> tuple[str, ...]:
    statements = [_write(r, r.choice(tables), tables) for _ in range(r.choice((1, 1, 1, 2, 3, 6)))]
    if r.random() < 0.1:
        inner = [_write(r, r.choice(tables), tables) for _ in range(2)]
        end = r.choice((["ROLLBACK TO s", "RELEASE s"], ["RELEASE s"]))
        statements += ["SAVEPOINT s", *inner, *end, _write(r, r.choice(tables), tables)]
    return (r.choice(("COMMIT", "COMMIT", "COMMIT", "COMMIT", "COMMIT", "ROLLBACK")), *statements)


def case(r: random.Random, *, transactions: int = 12) -> Case:
    """One case: one to three tables, their triggers, and transactions over them."""
    tables: list[TableFacts] = []
    statements: list[str] = []
    for name in r.sample(_TABLES, r.choice((1, 1, 2, 2, 3))):
        made, facts = _table(r, name, tables)
        statements += made
        tables.append(facts)
    # Triggers that fire each other could go on for ever.
    recursive = r.random() < 0.3
    for number in range(0 if recursive else r.choice((0, 0, 0, 1, 2))):
        statements.append(_trigger(r, f"app {number}", tables, ignoring=number > 0))
    return Case(
        pragmas=(
            f"PRAGMA foreign_keys={r.choice(('ON', 'ON', 'OFF'))}",
            f"PRAGMA recursive_triggers={'ON' if recursive else 'OFF'}",
        ),
        schema=tuple(statements),
        by_rowid=frozenset(each.name for each in tables if each.rowids and r.random() < 0.1),
        transactions=tuple(_transaction(r, tables) for _ in range(r.randint(transactions // 2, transactions))),
    )
