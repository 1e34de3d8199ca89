"""Aggregates over a whole table: a large one is read in parts, by two threads with a connection each."""

from __future__ import annotations

import collections
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import apsw

from outgrow import workers
from outgrow.dialect import identifiers
from outgrow.model import schema
from outgrow.sqlite import connection as sqlite

__all__ = ["aggregate", "aggregate_of"]

_TERMS_AT_ONCE = 500
_PART_ROWS = 50_000
_MOST_PARTS = 16
_STEPS = 1_000_000
"""Instructions of SQLite between two looks at whether to stop: some milliseconds."""

_TOGETHER: dict[str, Callable[[list[Any]], Any]] = {"count": sum, "sum": sum, "min": min, "max": max}
"""How the values of a function over parts of a table become its value over all of it; NULL is left out."""


def aggregate_of(connection: apsw.Connection, source: str, terms: Sequence[str]) -> list[Any]:
    """Aggregates over a FROM clause, as many statements as SQLite's limit on columns needs."""
    return _aggregates(connection, source, (), terms)


def aggregate(connection: apsw.Connection, table: schema.Table, terms: Sequence[str]) -> list[Any]:
    """Aggregates over a whole table; each term is one call of count, sum, min or max.

    Every part is read in a transaction of its own. If the file is written to meanwhile, the parts are of different states.
    """
    name = identifiers.quote_sqlite(table.name)
    parts = _parts(connection, table)
    companion = connection.companion if isinstance(connection, sqlite.SourceConnection) else None
    if companion is None or not parts:
        return aggregate_of(connection, name, terms)
    source = f"{name} NOT INDEXED WHERE {table.rowid_name} BETWEEN ? AND ?"
    todo = collections.deque(parts)
    found: dict[tuple[int, int], list[Any]] = {}
    stop = workers.Stop()

    def work(own: apsw.Connection) -> None:
        own.set_progress_handler(stop.asked, _STEPS, id=work)
        try:
            while True:
                stop.check()
                part = todo.popleft()
                found[part] = _aggregates(own, source, part, terms)
        except IndexError:  # no part is left
            return
        finally:
            own.set_progress_handler(None, id=work)
            own.release_memory()

    both = [functools.partial(work, one) for one in (connection, companion())]
    workers.run(both, stop, interrupt=lambda: None)
    return [_together(term, values) for term, *values in zip(terms, *(found[part] for part in parts), strict=True)]


def _aggregates(connection: apsw.Connection, source: str, bounds: tuple[int, ...], terms: Sequence[str]) -> list[Any]:
    result: list[Any] = []
    for start in range(0, len(terms), _TERMS_AT_ONCE):
        row = connection.execute(f"SELECT {','.join(terms[start : start + _TERMS_AT_ONCE])} FROM {source}", bounds)
        result += row.fetchone() or ()
    return result


def _together(term: str, values: list[Any]) -> Any:
    known = [value for value in values if value is not None]
    return _TOGETHER[term.partition("(")[0]](known) if known else None


def _parts(connection: apsw.Connection, table: schema.Table) -> list[tuple[int, int]]:
    """Ranges of rowids that cover a large table, an even number of them; nothing for any other."""
    if table.rowid_name is None:
        return []
    name = identifiers.quote_sqlite(table.name)
    ends = ",".join(f"(SELECT {end}({table.rowid_name}) FROM {name})" for end in ("min", "max"))
    found: Any = connection.execute(f"SELECT {ends}").fetchone()
    first, last = found
    number = 0 if first is None else min(_MOST_PARTS, (last - first) // (2 * _PART_ROWS) * 2)
    bounds = [first + (last + 1 - first) * position // number for position in range(number + 1)] if number else []
    return [(lower, upper - 1) for lower, upper in itertools.pairwise(bounds)]
