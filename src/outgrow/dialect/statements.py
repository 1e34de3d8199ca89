"""The front door of the translation of statements: `translate`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from outgrow.dialect import binding, catalog, inserting, query, statement, statement_parser, statement_tree, writes
from outgrow.dialect.translation import Untranslatable

__all__ = ["Catalog", "translate"]

Catalog = catalog.Catalog

_SCHEMA_TABLES = frozenset({"sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema"})


def translate(sql: str, known: catalog.Catalog, parameters: statement.Parameters) -> statement.Statement:
    """What becomes of a SQLite statement with these bound values; raises `statement.Refused`.

    Where it cannot be translated for every value of the same types, it is translated for these values alone.
    """
    try:
        parsed = statement_parser.parse(sql)
    except (Untranslatable, RecursionError) as error:
        raise statement.Refused(_reason(error)) from None
    if isinstance(parsed, statement_tree.Query) and _asks_for_schema(parsed):
        return statement.Statement(effect=statement.Effect.ORACLE, steps=(), rows=True)
    try:
        return _translated(parsed, binding.Binding(known, parameters))
    except (Untranslatable, RecursionError) as error:
        first = _reason(error)
    if not parameters:
        raise statement.Refused(first)
    try:
        return _translated(parsed, binding.Binding(known, parameters, pinned=True))
    except (Untranslatable, RecursionError):
        raise statement.Refused(first) from None


def _asks_for_schema(query_: statement_tree.Query) -> bool:
    """Whether a query reads nothing but tables about the schema and the table functions of pragmas."""
    nodes = list(_nodes(query_))
    ctes = {catalog.fold(node.name) for node in nodes if isinstance(node, statement_tree.Cte)}
    named = [
        catalog.fold(node.name)
        for node in nodes
        if isinstance(node, statement_tree.TableSource | statement_tree.TableFunction)
    ]
    about = [name for name in named if name in _SCHEMA_TABLES or name.startswith("pragma_")]
    return bool(about) and all(name in about or name in ctes for name in named)


def _nodes(node: object) -> Iterator[object]:
    """Every node of a tree."""
    if isinstance(node, tuple):
        for part in node:
            yield from _nodes(part)
    elif dataclasses.is_dataclass(node) and not isinstance(node, type):
        yield node
        for one in dataclasses.fields(node):
            yield from _nodes(getattr(node, one.name))


def _reason(error: Untranslatable | RecursionError) -> str:
    return str(error) if isinstance(error, Untranslatable) else "the statement is nested too deeply"


def _translated(parsed: statement_tree.Statement, bound: binding.Binding) -> statement.Statement:
    match parsed:
        case statement_tree.Query():
            step = bound.step(query.Queries(bound).whole(parsed))
            return statement.Statement(
                effect=statement.Effect.READ,
                steps=(step,),
                guards=tuple(bound.guards),
                rows=True,
                caveat="; ".join(dict.fromkeys(bound.caveats)),
            )
        case statement_tree.Insert():
            written = inserting.insert(parsed, bound)
            found = _write(written.steps, bound, rows=bool(parsed.returning))
            return dataclasses.replace(found, gives_rowid=written.gives_rowid, ignored=written.ignored)
        case statement_tree.Update():
            return _write((writes.update(parsed, bound),), bound, rows=bool(parsed.returning))
        case statement_tree.Delete():
            return _write((writes.delete(parsed, bound),), bound, rows=bool(parsed.returning))
        case statement_tree.Create():
            return _existing(parsed, bound)


def _write(steps: tuple[statement.Step, ...], bound: binding.Binding, *, rows: bool) -> statement.Statement:
    return statement.Statement(
        effect=statement.Effect.WRITE,
        steps=steps,
        guards=tuple(bound.guards),
        rows=rows,
        caveat="; ".join(dict.fromkeys(bound.caveats)),
    )


def _existing(parsed: statement_tree.Create, bound: binding.Binding) -> statement.Statement:
    """CREATE … IF NOT EXISTS of what exists: nothing is to be done."""
    folded = catalog.fold(parsed.name)
    known = {
        "TABLE": bound.catalog.tables,
        "INDEX": bound.catalog.indexes,
        "VIEW": bound.catalog.views,
        "TRIGGER": bound.catalog.triggers,
    }
    exists = folded in known[parsed.kind]
    if not parsed.if_not_exists or not exists:
        raise Untranslatable(f"CREATE {parsed.kind} {parsed.name}: {statement_parser.UNFOLLOWED}")
    return statement.Statement(effect=statement.Effect.SCHEMA, steps=())
