"""CREATE INDEX, read by SQLite's grammar: the expressions that `pragma index_xinfo` does not give."""

from __future__ import annotations

from outgrow.dialect import lexer, syntax

__all__ = ["parse", "terms"]

_ENDS = (",", "ASC", "DESC", "AUTOINCREMENT", "NULLS")
_NAMES = {lexer.Kind.WORD, lexer.Kind.QUOTED, lexer.Kind.STRING}


def parse(sql: str) -> syntax.IndexSyntax:
    """What a CREATE INDEX says; raises `Internal` on a text that is none."""
    cursor = lexer.Cursor(sql)
    cursor.expect("CREATE")
    unique = cursor.skip("UNIQUE")
    cursor.expect("INDEX")
    cursor.skip("IF", "NOT", "EXISTS")
    name = cursor.name()
    if cursor.skip("."):
        name = cursor.name()
    cursor.expect("ON")
    table = cursor.name()
    found, _ = terms(cursor)
    where = None
    if cursor.skip("WHERE"):
        first = cursor.index
        while not cursor.done and not cursor.at(";"):
            cursor.take()
        where = cursor.text(first)
    return syntax.IndexSyntax(name=name, table=table, terms=found, unique=unique, where=where)


def terms(cursor: lexer.Cursor) -> tuple[tuple[syntax.TermSyntax, ...], bool]:
    """Take `( term, … )` of an index, a key or a list of names; and whether AUTOINCREMENT stood in it."""
    cursor.expect("(")
    found: list[syntax.TermSyntax] = []
    autoincrement = False
    while True:
        found.append(_term(cursor))
        autoincrement = cursor.skip("AUTOINCREMENT") or autoincrement
        if cursor.skip(")"):
            return tuple(found), autoincrement
        cursor.expect(",")


def _term(cursor: lexer.Cursor) -> syntax.TermSyntax:
    first = cursor.index
    depth = 0
    while (token := cursor.peek()) is not None:
        if token.kind is lexer.Kind.OPERATOR and token.text == "(":
            depth += 1
        elif token.kind is lexer.Kind.OPERATOR and token.text == ")":
            if not depth:
                break
            depth -= 1
        elif not depth and cursor.index > first and any(cursor.at(word) for word in _ENDS):
            break
        cursor.take()
    last = cursor.index
    descending = cursor.skip("DESC")
    if not descending:
        cursor.skip("ASC")
    if cursor.skip("NULLS"):
        cursor.take()
    tokens = cursor.tokens[first:last]
    collation = None
    while len(tokens) > 2 and tokens[-2].kind is lexer.Kind.WORD and tokens[-2].upper == "COLLATE":
        # The innermost COLLATE, written first, is overruled by the outer one, written last.
        collation = collation or lexer.unquote(tokens[-1].text)
        tokens = tokens[:-2]
    if not tokens:
        raise cursor.mistake("a term")
    if len(tokens) == 1 and tokens[0].kind in _NAMES:
        return syntax.TermSyntax(column=lexer.unquote(tokens[0].text), collation=collation, descending=descending)
    expression = cursor.sql[tokens[0].start : tokens[-1].end]
    return syntax.TermSyntax(column=None, expression=expression, collation=collation, descending=descending)
