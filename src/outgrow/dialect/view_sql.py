"""CREATE VIEW, read into its names and its query."""

from __future__ import annotations

import dataclasses
import functools
import re
from dataclasses import dataclass

from outgrow import errors
from outgrow.dialect import expression_parser, query_parser
from outgrow.dialect import statement_tree as st
from outgrow.dialect.translation import Untranslatable

__all__ = ["View", "names", "parse"]

_NUMBERED = re.compile(r":[0-9]+\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A view: its query, and the names of its columns where they are told."""

    columns: tuple[str, ...]
    query: st.Query


@functools.lru_cache(maxsize=512)
def parse(sql: str) -> View:
    """What a CREATE VIEW says; raises `Untranslatable` on what is not read here."""
    cursor = query_parser.reader(sql)
    try:
        return _view(cursor)
    except errors.Internal:
        raise expression_parser.unread(cursor) from None


def _view(cursor: expression_parser.Reader) -> View:
    cursor.expect("CREATE")
    for word in ("TEMP", "TEMPORARY"):
        cursor.skip(word)
    cursor.expect("VIEW")
    cursor.skip("IF", "NOT", "EXISTS")
    cursor.name()
    if cursor.skip("."):
        cursor.name()
    columns: list[str] = []
    if cursor.skip("("):
        columns.append(cursor.name())
        while cursor.skip(","):
            columns.append(cursor.name())
        query_parser.expect(cursor, ")")
    query_parser.expect(cursor, "AS")
    query = query_parser.query(cursor)
    while cursor.skip(";"):
        pass
    if not cursor.done:
        raise expression_parser.unread(cursor)
    return View(columns=tuple(columns), query=dataclasses.replace(query, alone=True))


def names(view: View, found: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the columns, made different as SQLite does: `id`, `id:1`. `found` are those of the query."""
    if view.columns:
        if len(view.columns) != len(found):
            raise Untranslatable("the view has another number of columns than its query")
        return view.columns
    given: list[str] = []
    taken: set[str] = set()
    for position, name in enumerate(found, start=1):
        known = f"column{position}" if name.lower() in {"true", "false"} else name
        number = 0
        while known.lower() in taken:
            number += 1
            known = f"{_NUMBERED.sub('', known)}:{number}"
        taken.add(known.lower())
        given.append(known)
    return tuple(given)
