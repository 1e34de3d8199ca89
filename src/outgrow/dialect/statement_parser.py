"""Statements, read by SQLite's grammar (https://www.sqlite.org/lang.html): queries and what writes rows."""

from __future__ import annotations

from outgrow import errors
from outgrow.dialect import expression_parser, query_parser
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import statement_tree as st
from outgrow.dialect.translation import Untranslatable

__all__ = ["UNFOLLOWED", "parse", "read"]

UNFOLLOWED = (
    "the file follows PostgreSQL's rows, not its schema; change the schema in the file after `outgrow rollback`,"
    " or in PostgreSQL's own SQL after `outgrow finish`"
)
"""Why nothing is created, altered or dropped at PostgreSQL while a file follows it."""

_RESOLUTIONS = ("REPLACE", "IGNORE", "ABORT", "FAIL", "ROLLBACK")


def parse(sql: str) -> st.Statement:
    """The tree of one statement; raises `Untranslatable` on what is not read here."""
    cursor = query_parser.reader(sql)
    try:
        found = _statement(cursor)
    except errors.Internal:  # the text ends too early, or has no name where one is needed
        raise expression_parser.unread(cursor) from None
    ended = cursor.skip(";")
    while cursor.skip(";"):
        pass
    rest = cursor.peek()
    # Behind a statement's semicolon, and only there, SQLite's callers take a comment that does not even begin for one.
    if rest is not None and not (ended and sql[rest.start :] == "/*"):
        raise expression_parser.unread(cursor)
    return found


def read(cursor: expression_parser.Reader) -> st.Statement:
    """Take one statement, without the semicolon; raises `Untranslatable`, and `Internal` at the end of the text."""
    return _statement(cursor)


def _statement(cursor: expression_parser.Reader) -> st.Statement:
    if cursor.at("SELECT") or cursor.at("VALUES"):
        return query_parser.query(cursor)
    if cursor.at("CREATE"):
        return _create(cursor)
    if cursor.at("ALTER") or cursor.at("DROP"):
        raise Untranslatable(UNFOLLOWED)
    ctes, recursive = query_parser.ctes(cursor)
    if ctes and (cursor.at("SELECT") or cursor.at("VALUES")):
        cursor.restart()
        return query_parser.query(cursor)
    if cursor.at("INSERT") or cursor.at("REPLACE"):
        return _insert(cursor, ctes, recursive)
    if cursor.at("UPDATE"):
        return _update(cursor, ctes, recursive)
    if cursor.at("DELETE"):
        return _delete(cursor, ctes, recursive)
    raise expression_parser.unread(cursor)


def _resolution(cursor: expression_parser.Reader) -> str:
    if not cursor.skip("OR"):
        return "ABORT"
    word = cursor.take().upper
    if word not in _RESOLUTIONS:
        raise Untranslatable(f"OR {word} is not known")
    return word


def _insert(cursor: expression_parser.Reader, ctes: tuple[st.Cte, ...], recursive: bool) -> st.Insert:
    resolution = "REPLACE" if cursor.skip("REPLACE") else ""
    if not resolution:
        cursor.expect("INSERT")
        resolution = _resolution(cursor)
    cursor.expect("INTO")
    table = _target(cursor)
    columns: list[str] = []
    if cursor.skip("("):
        columns.append(cursor.name())
        while cursor.skip(","):
            columns.append(cursor.name())
        query_parser.expect(cursor, ")")
    query = None
    if not cursor.skip("DEFAULT", "VALUES"):
        query = query_parser.query(cursor)
    conflicts: list[st.Conflict] = []
    while cursor.skip("ON", "CONFLICT"):
        conflicts.append(_conflict(cursor))
    return st.Insert(table, tuple(columns), query, resolution, tuple(conflicts), _returning(cursor), ctes, recursive)


def _target(cursor: expression_parser.Reader) -> st.TableSource:
    """Take the table of an INSERT, whose alias needs its AS."""
    name, schema, alias = cursor.name(), None, None
    if cursor.skip("."):
        schema, name = name, cursor.name()
    if cursor.skip("AS"):
        alias = cursor.name()
    return st.TableSource(name, alias, schema)


def _conflict(cursor: expression_parser.Reader) -> st.Conflict:
    target, target_where = None, None
    if cursor.at("("):
        target = expression_parser.arguments(cursor)
        if cursor.skip("WHERE"):
            target_where = expression_parser.read(cursor)
    query_parser.expect(cursor, "DO")
    if cursor.skip("NOTHING"):
        return st.Conflict(target, target_where)
    query_parser.expect(cursor, "UPDATE", "SET")
    assignments = _assignments(cursor)
    where = expression_parser.read(cursor) if cursor.skip("WHERE") else None
    return st.Conflict(target, target_where, assignments, where)


def _assignments(cursor: expression_parser.Reader) -> tuple[st.Assignment, ...]:
    found: list[st.Assignment] = []
    while True:
        names: list[str] = []
        if cursor.skip("("):
            names.append(cursor.name())
            while cursor.skip(","):
                names.append(cursor.name())
            query_parser.expect(cursor, ")")
        else:
            names.append(cursor.name())
        query_parser.expect(cursor, "=")
        found.append(st.Assignment(tuple(names), expression_parser.read(cursor)))
        if not cursor.skip(","):
            return tuple(found)


def _update(cursor: expression_parser.Reader, ctes: tuple[st.Cte, ...], recursive: bool) -> st.Update:
    cursor.expect("UPDATE")
    resolution = _resolution(cursor)
    table = query_parser.table(cursor)
    query_parser.expect(cursor, "SET")
    assignments = _assignments(cursor)
    origin = query_parser.source(cursor) if cursor.skip("FROM") else None
    where = _where(cursor)
    return st.Update(table, assignments, origin, where, resolution, _returning(cursor), ctes, recursive)


def _delete(cursor: expression_parser.Reader, ctes: tuple[st.Cte, ...], recursive: bool) -> st.Delete:
    cursor.expect("DELETE")
    query_parser.expect(cursor, "FROM")
    table = query_parser.table(cursor)
    where = _where(cursor)
    return st.Delete(table, where, _returning(cursor), ctes, recursive)


def _where(cursor: expression_parser.Reader) -> tree.Expression | None:
    return expression_parser.read(cursor) if cursor.skip("WHERE") else None


def _returning(cursor: expression_parser.Reader) -> tuple[st.Column, ...]:
    return query_parser.columns(cursor) if cursor.skip("RETURNING") else ()


def _create(cursor: expression_parser.Reader) -> st.Create:
    """CREATE of a table, an index, a view or a trigger; what it defines is left to who finds that it does not exist yet."""
    cursor.expect("CREATE")
    cursor.skip("UNIQUE")
    kind = cursor.take().upper
    if kind not in {"TABLE", "INDEX", "VIEW", "TRIGGER"}:
        raise Untranslatable(f"CREATE {kind}: {UNFOLLOWED}")
    exists = cursor.skip("IF", "NOT", "EXISTS")
    name = cursor.name()
    if cursor.skip("."):
        if name.lower() != "main":
            raise Untranslatable("it names an attached database")
        name = cursor.name()
    while not cursor.done and (kind == "TRIGGER" or not cursor.at(";")):
        cursor.take()
    return st.Create(kind, name, exists)
