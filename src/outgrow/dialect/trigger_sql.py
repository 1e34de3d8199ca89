"""CREATE TRIGGER, read by SQLite's grammar (https://www.sqlite.org/lang_createtrigger.html)."""

from __future__ import annotations

from dataclasses import dataclass

from outgrow import errors
from outgrow.dialect import expression_parser, query_parser, statement_parser
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import statement_tree as st

__all__ = ["Head", "Trigger", "head", "parse"]

_EVENTS = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """When a trigger fires: `timing` is BEFORE, AFTER or INSTEAD OF, `columns` are those of UPDATE OF."""

    name: str
    timing: str
    event: str
    columns: tuple[str, ...]
    table: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trigger:
    """A whole trigger."""

    head: Head
    when: tree.Expression | None
    body: tuple[st.Statement, ...]


def head(sql: str) -> Head:
    """When a trigger fires; raises `Untranslatable` on a text that is none."""
    cursor = query_parser.reader(sql)
    try:
        return _head(cursor)
    except errors.Internal:
        raise expression_parser.unread(cursor) from None


def parse(sql: str) -> Trigger:
    """What a CREATE TRIGGER says; raises `Untranslatable` on what is not read here."""
    cursor = query_parser.reader(sql)
    try:
        found = _head(cursor)
        if cursor.skip("FOR"):
            cursor.expect("EACH", "ROW")
        when = expression_parser.read(cursor) if cursor.skip("WHEN") else None
        cursor.expect("BEGIN")
        body: list[st.Statement] = []
        while not cursor.skip("END"):
            body.append(statement_parser.read(cursor))
            cursor.expect(";")
    except errors.Internal:
        raise expression_parser.unread(cursor) from None
    while cursor.skip(";"):
        pass
    if not cursor.done:
        raise expression_parser.unread(cursor)
    return Trigger(head=found, when=when, body=tuple(body))


def _head(cursor: expression_parser.Reader) -> Head:
    cursor.expect("CREATE")
    for word in ("TEMP", "TEMPORARY"):
        cursor.skip(word)
    cursor.expect("TRIGGER")
    cursor.skip("IF", "NOT", "EXISTS")
    name = cursor.name()
    if cursor.skip("."):
        name = cursor.name()
    timing = "BEFORE"  # where none is told
    if cursor.skip("AFTER"):
        timing = "AFTER"
    elif cursor.skip("INSTEAD", "OF"):
        timing = "INSTEAD OF"
    else:
        cursor.skip("BEFORE")
    event = next((word for word in _EVENTS if cursor.skip(word)), None)
    if event is None:
        raise cursor.mistake("INSERT, UPDATE or DELETE")
    columns: list[str] = []
    if event == "UPDATE" and cursor.skip("OF"):
        columns.append(cursor.name())
        while cursor.skip(","):
            columns.append(cursor.name())
    cursor.expect("ON")
    table = cursor.name()
    if cursor.skip("."):
        table = cursor.name()
    return Head(name=name, timing=timing, event=event, columns=tuple(columns), table=table)
