"""SELECT and VALUES, read by SQLite's grammar (https://www.sqlite.org/lang_select.html)."""

from __future__ import annotations

from outgrow.dialect import expression_parser, lexer
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import statement_tree as st
from outgrow.dialect.translation import Untranslatable

__all__ = ["alias", "columns", "ctes", "expect", "expressions", "item_name", "query", "reader", "source", "table"]

# Words that end an item and are therefore no alias without AS.
_RESERVED = expression_parser.RESERVED | {
    "CROSS", "FULL", "INDEXED", "INNER", "LEFT", "NATURAL", "OUTER", "RIGHT", "WINDOW"
}  # fmt: skip
_COMPOUND = ("UNION", "INTERSECT", "EXCEPT")
_WINDOW_WORDS = frozenset({"PARTITION", "ORDER", "ROWS", "RANGE", "GROUPS"})


def reader(sql: str) -> expression_parser.Reader:
    """A cursor at the start of a statement."""
    return expression_parser.Reader(sql, query, _window)


def expect(cursor: expression_parser.Reader, *words: str) -> None:
    """Take these words, or refuse."""
    if not cursor.skip(*words):
        raise expression_parser.unread(cursor)


def query(cursor: expression_parser.Reader) -> st.Query:
    """Take a whole query."""
    named, recursive = ctes(cursor)
    first = _item(cursor)
    rest: list[tuple[str, st.Item]] = []
    while any(cursor.at(word) for word in _COMPOUND):
        operator = cursor.take().upper
        if operator == "UNION" and cursor.skip("ALL"):
            operator = "UNION ALL"
        rest.append((operator, _item(cursor)))
    order = _order(cursor)
    limit = offset = None
    if cursor.skip("LIMIT"):
        limit = expression_parser.read(cursor)
        if cursor.skip("OFFSET"):
            offset = expression_parser.read(cursor)
        elif cursor.skip(","):
            limit, offset = expression_parser.read(cursor), limit
    return st.Query(first, tuple(rest), named, recursive, order, limit, offset)


def ctes(cursor: expression_parser.Reader) -> tuple[tuple[st.Cte, ...], bool]:
    """Take a WITH clause, if there is one."""
    if not cursor.skip("WITH"):
        return (), False
    recursive = cursor.skip("RECURSIVE")
    found: list[st.Cte] = []
    while True:
        name = cursor.name()
        names: list[str] = []
        if cursor.skip("("):
            names = _names(cursor)
        expect(cursor, "AS")
        materialized = None
        if cursor.skip("NOT", "MATERIALIZED"):
            materialized = False
        elif cursor.skip("MATERIALIZED"):
            materialized = True
        expect(cursor, "(")
        found.append(st.Cte(name, tuple(names), query(cursor), materialized))
        expect(cursor, ")")
        if not cursor.skip(","):
            return tuple(found), recursive


def _item(cursor: expression_parser.Reader) -> st.Item:
    if cursor.skip("VALUES"):
        rows = [expression_parser.arguments(cursor)]
        while cursor.skip(","):
            rows.append(expression_parser.arguments(cursor))
        return st.Values(tuple(rows))
    expect(cursor, "SELECT")
    distinct = cursor.skip("DISTINCT")
    if not distinct:
        cursor.skip("ALL")
    found = columns(cursor)
    where = having = origin = None
    if cursor.skip("FROM"):
        origin = source(cursor)
    if cursor.skip("WHERE"):
        where = expression_parser.read(cursor)
    group: tuple[tree.Expression, ...] = ()
    if cursor.skip("GROUP"):
        expect(cursor, "BY")
        group = expressions(cursor)
    if cursor.skip("HAVING"):
        having = expression_parser.read(cursor)
    windows: list[tuple[str, st.Window]] = []
    if cursor.skip("WINDOW"):
        while True:
            name = cursor.name()
            expect(cursor, "AS")
            windows.append((name, _window(cursor)))
            if not cursor.skip(","):
                break
    return st.Select(found, origin, where, group, having, distinct, tuple(windows))


def columns(cursor: expression_parser.Reader) -> tuple[st.Column, ...]:
    """Take the result columns of a SELECT or of RETURNING."""
    found = [_column(cursor)]
    while cursor.skip(","):
        found.append(_column(cursor))
    return tuple(found)


def _column(cursor: expression_parser.Reader) -> st.Column:
    if cursor.skip("*"):
        return st.Column(None)
    second, third = cursor.peek(1), cursor.peek(2)
    if second is not None and third is not None and (second.text, third.text) == (".", "*"):
        name = cursor.name()
        cursor.expect(".", "*")
        return st.Column(None, table=name)
    first = cursor.index
    found = expression_parser.read(cursor)
    text = cursor.text(first)
    return st.Column(found, alias(cursor), text=text)


def alias(cursor: expression_parser.Reader) -> str | None:
    """Take `AS name`, or a name that cannot be anything else."""
    if cursor.skip("AS"):
        return cursor.name()
    token = cursor.peek()
    if token is None or token.kind not in {lexer.Kind.WORD, lexer.Kind.QUOTED, lexer.Kind.STRING}:
        return None
    if token.kind is lexer.Kind.WORD and token.upper in _RESERVED:
        return None
    return cursor.name()


def item_name(column: st.Column) -> str:
    """The name that SQLite gives to a result column."""
    if column.alias is not None:
        return column.alias
    return column.expression.name if isinstance(column.expression, tree.Name) else column.text


def expressions(cursor: expression_parser.Reader) -> tuple[tree.Expression, ...]:
    """Take expressions with commas between them."""
    found = [expression_parser.read(cursor)]
    while cursor.skip(","):
        found.append(expression_parser.read(cursor))
    return tuple(found)


def _names(cursor: expression_parser.Reader) -> list[str]:
    """Take `name, … )`."""
    found = [cursor.name()]
    while cursor.skip(","):
        found.append(cursor.name())
    expect(cursor, ")")
    return found


def source(cursor: expression_parser.Reader) -> st.Source:
    """Take what stands after FROM."""
    left = _single(cursor)
    while True:
        natural = cursor.skip("NATURAL")
        kind = "inner"
        joined = False
        if not natural and cursor.skip(","):
            joined = True
        else:
            for word in ("LEFT", "RIGHT", "FULL"):
                if cursor.skip(word):
                    kind = word.lower()
                    cursor.skip("OUTER")
            if kind == "inner" and not cursor.skip("CROSS"):
                cursor.skip("INNER")
            joined = cursor.skip("JOIN")
        if not joined:
            if natural or kind != "inner":
                raise expression_parser.unread(cursor)
            return left
        right = _single(cursor)
        on = None
        using: list[str] = []
        if cursor.skip("ON"):
            on = expression_parser.read(cursor)
        elif cursor.skip("USING"):
            expect(cursor, "(")
            using = _names(cursor)
        left = st.Join(left, right, kind, natural, on, tuple(using))


def _single(cursor: expression_parser.Reader) -> st.Source:
    if any(cursor.at("(", word) for word in ("SELECT", "WITH", "VALUES")):
        cursor.expect("(")
        inner = query(cursor)
        expect(cursor, ")")
        return st.SubquerySource(inner, alias(cursor))
    if cursor.skip("("):
        joined = source(cursor)
        expect(cursor, ")")
        if alias(cursor) is not None:
            raise Untranslatable("a join in parentheses has a name")
        return joined
    found = table(cursor)
    if found.alias is None and found.schema is None and cursor.at("("):
        if cursor.at("(", ")"):
            cursor.expect("(", ")")
            return st.TableFunction(found.name, (), alias(cursor))
        return st.TableFunction(found.name, expression_parser.arguments(cursor), alias(cursor))
    return found


def table(cursor: expression_parser.Reader) -> st.TableSource:
    """Take the name of a table, with its schema and its alias."""
    name, schema = cursor.name(), None
    if cursor.skip("."):
        schema, name = name, cursor.name()
    if cursor.at("("):
        return st.TableSource(name, None, schema)
    found = st.TableSource(name, alias(cursor), schema)
    if cursor.skip("INDEXED"):
        expect(cursor, "BY")
        cursor.name()
    elif cursor.skip("NOT", "INDEXED"):
        pass
    return found


def _order(cursor: expression_parser.Reader) -> tuple[st.Order, ...]:
    if not cursor.skip("ORDER"):
        return ()
    expect(cursor, "BY")
    found: list[st.Order] = []
    while True:
        expression = expression_parser.read(cursor)
        descending = cursor.skip("DESC")
        if not descending:
            cursor.skip("ASC")
        nulls = None
        if cursor.skip("NULLS"):
            nulls = cursor.skip("FIRST")
            if not nulls:
                expect(cursor, "LAST")
        found.append(st.Order(expression, descending, nulls))
        if not cursor.skip(","):
            return tuple(found)


def _window(cursor: expression_parser.Reader) -> st.Window:
    """Take a window: its name, or its definition in parentheses."""
    if not cursor.at("("):
        return st.Window(base=cursor.name())
    cursor.expect("(")
    base = None
    token = cursor.peek()
    if token is not None and token.kind in {lexer.Kind.WORD, lexer.Kind.QUOTED} and token.upper not in _WINDOW_WORDS:
        base = cursor.name()
    partition: tuple[tree.Expression, ...] = ()
    if cursor.skip("PARTITION"):
        expect(cursor, "BY")
        partition = expressions(cursor)
    order = _order(cursor)
    unit = exclude = None
    start = end = None
    if any(cursor.at(word) for word in ("ROWS", "RANGE", "GROUPS")):
        unit = cursor.take().upper
        if cursor.skip("BETWEEN"):
            start = _bound(cursor)
            expect(cursor, "AND")
            end = _bound(cursor)
        else:
            start = _bound(cursor)
        if cursor.skip("EXCLUDE"):
            exclude = _excluded(cursor)
    expect(cursor, ")")
    return st.Window(base, partition, order, unit, start, end, exclude)


def _excluded(cursor: expression_parser.Reader) -> str:
    for words in (("NO", "OTHERS"), ("CURRENT", "ROW"), ("GROUP",), ("TIES",)):
        if cursor.skip(*words):
            return " ".join(words)
    raise expression_parser.unread(cursor)


def _bound(cursor: expression_parser.Reader) -> st.Bound:
    if cursor.skip("CURRENT", "ROW"):
        return st.Bound("current")
    kind, offset = "unbounded", None
    if not cursor.skip("UNBOUNDED"):
        kind, offset = "offset", expression_parser.read(cursor)
    preceding = cursor.skip("PRECEDING")
    if not preceding:
        expect(cursor, "FOLLOWING")
    return st.Bound(kind, preceding, offset)
