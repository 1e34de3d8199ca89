"""SQLite expressions, read with SQLite's precedences (https://www.sqlite.org/lang_expr.html and parse.y).

sqlglot is not used: it forgets which quotes stood around a name, and only double quotes can mean a string;
and it has no word for hexadecimal, `1_000` or the integer that is too large and therefore a REAL.
"""

from __future__ import annotations

from outgrow import errors
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import lexer, translation

__all__ = ["parse"]

# Loose to tight. IS, IN, LIKE, BETWEEN and the postfix NULL tests share EQUALITY, left to right, in parse.y.
_OR, _AND, _NOT, _EQUALITY, _ORDER, _ESCAPE, _BITS, _SUM, _PRODUCT, _CONCAT, _COLLATE, _SIGN = range(12)

_INFIX = {
    "OR": _OR,
    "AND": _AND,
    "=": _EQUALITY,
    "==": _EQUALITY,
    "<>": _EQUALITY,
    "!=": _EQUALITY,
    "<": _ORDER,
    "<=": _ORDER,
    ">": _ORDER,
    ">=": _ORDER,
    "&": _BITS,
    "|": _BITS,
    "<<": _BITS,
    ">>": _BITS,
    "+": _SUM,
    "-": _SUM,
    "*": _PRODUCT,
    "/": _PRODUCT,
    "%": _PRODUCT,
    "||": _CONCAT,
}
_SAME = {"==": "=", "!=": "<>"}
_LARGEST = 2**63 - 1
_NULL = tree.Literal(None)

# What cannot be an operand: a query, or what belongs to one or to a trigger.
_QUERIES = frozenset({"SELECT", "EXISTS", "RAISE", "WITH", "VALUES"})


def parse(sql: str) -> tree.Expression:
    """The tree of an expression; raises `Untranslatable` on what this module does not read."""
    cursor = lexer.Cursor(sql)
    try:
        expression = _expression(cursor, _OR)
    except errors.Internal:  # the text ends too early
        raise _unread(cursor) from None
    if not cursor.done:
        raise _unread(cursor)
    return expression


def _unread(cursor: lexer.Cursor) -> translation.Untranslatable:
    token = cursor.peek()
    return translation.Untranslatable(f"{token.text} is not understood here" if token else "it ends too early")


def _expect(cursor: lexer.Cursor, *words: str) -> None:
    if not cursor.skip(*words):
        raise _unread(cursor)


def _expression(cursor: lexer.Cursor, tightness: int) -> tree.Expression:
    """An expression whose operators bind at least as tightly as `tightness`."""
    if cursor.skip("NOT"):
        left: tree.Expression = tree.Unary("NOT", _expression(cursor, _NOT))
    else:
        left = _operand(cursor)
    while True:
        found = _continued(cursor, left, tightness)
        if found is None:
            return left
        left = found


def _continued(cursor: lexer.Cursor, left: tree.Expression, tightness: int) -> tree.Expression | None:
    """`left` with the operator that follows it, or None if none follows or it binds too loosely."""
    token = cursor.peek()
    if token is None or token.kind not in {lexer.Kind.WORD, lexer.Kind.OPERATOR}:
        return None
    operator = token.upper
    if operator in _INFIX:
        if _INFIX[operator] < tightness:
            return None
        cursor.take()
        right = _expression(cursor, _INFIX[operator] + 1)
        return tree.Binary(_SAME.get(operator, operator), left, right)
    if operator == "COLLATE":
        cursor.take()
        return tree.Collate(left, lexer.unquote(cursor.take().text))
    if operator in {"->", "->>"}:
        raise translation.Untranslatable("JSON operators differ between the two databases")
    return _predicate(cursor, left) if tightness <= _EQUALITY else None


def _predicate(cursor: lexer.Cursor, left: tree.Expression) -> tree.Expression | None:
    if cursor.skip("ISNULL"):
        return tree.Binary("IS", left, _NULL)
    if cursor.skip("NOTNULL") or cursor.skip("NOT", "NULL"):
        return tree.Binary("IS NOT", left, _NULL)
    if cursor.skip("IS"):
        negated = cursor.skip("NOT")
        if cursor.skip("DISTINCT", "FROM"):
            negated = not negated
        return tree.Binary("IS NOT" if negated else "IS", left, _expression(cursor, _EQUALITY + 1))
    negated = cursor.at("NOT") and any(cursor.at("NOT", word) for word in ("IN", "BETWEEN", "LIKE", "GLOB"))
    if negated:
        cursor.take()
    found: tree.Expression
    if cursor.skip("BETWEEN"):
        low = _expression(cursor, _AND + 1)
        _expect(cursor, "AND")
        found = tree.Between(left, low, _expression(cursor, _EQUALITY + 1))
    elif cursor.skip("IN"):
        found = tree.In(left, _arguments(cursor))
    elif cursor.at("LIKE") or cursor.at("GLOB"):
        found = _like(cursor, left)
    else:
        return None
    return tree.Unary("NOT", found) if negated else found


def _like(cursor: lexer.Cursor, left: tree.Expression) -> tree.Expression:
    operator = cursor.take().upper
    pattern = _expression(cursor, _EQUALITY + 1)
    escape = _expression(cursor, _ESCAPE) if cursor.skip("ESCAPE") else None
    return tree.Like(operator, left, pattern, escape)


def _arguments(cursor: lexer.Cursor) -> tuple[tree.Expression, ...]:
    _expect(cursor, "(")
    found: list[tree.Expression] = []
    if cursor.skip(")"):
        return ()
    while True:
        found.append(_expression(cursor, _OR))
        if cursor.skip(")"):
            return tuple(found)
        _expect(cursor, ",")


def _operand(cursor: lexer.Cursor) -> tree.Expression:
    for sign in ("-", "+", "~"):
        if cursor.skip(sign):
            operand = _expression(cursor, _SIGN)
            if sign == "-" and operand == tree.Literal(2.0**63):
                # Only here is the text of a literal larger than its type: -9223372036854775808 is an integer.
                return _smallest(cursor)
            return tree.Unary(sign, operand)
    if cursor.skip("("):
        inner = _expression(cursor, _OR)
        _expect(cursor, ")")
        return inner
    token = cursor.peek()
    if token is None:
        raise _unread(cursor)
    if token.kind is lexer.Kind.WORD and token.upper in _QUERIES:
        raise translation.Untranslatable("it holds a query")
    match token.kind:
        case lexer.Kind.NUMBER:
            return tree.Literal(_number(cursor.take().text))
        case lexer.Kind.STRING:
            return tree.Literal(lexer.unquote(cursor.take().text))
        case lexer.Kind.BLOB:
            return tree.Literal(bytes.fromhex(cursor.take().text[2:-1]))
        case lexer.Kind.WORD | lexer.Kind.QUOTED:
            return _word(cursor)
        case _:
            raise _unread(cursor)


def _smallest(cursor: lexer.Cursor) -> tree.Expression:
    text = cursor.tokens[cursor.index - 1].text.replace("_", "")
    return tree.Literal(-(2**63) if text == "9223372036854775808" else -(2.0**63))


def _number(text: str) -> int | float:
    plain = text.replace("_", "")
    if plain[:2] in {"0x", "0X"}:
        value = int(plain, 16)
        if value >= 2**64:
            raise translation.Untranslatable(f"{text} is too large")
        return value - 2**64 if value > _LARGEST else value
    if plain.isdigit():
        value = int(plain)
        return value if value <= _LARGEST else float(plain)
    return float(plain)


def _word(cursor: lexer.Cursor) -> tree.Expression:
    token = cursor.take()
    bare = token.kind is lexer.Kind.WORD
    if bare and token.upper == "NULL":
        return _NULL
    if bare and token.upper == "CASE":
        return _case(cursor)
    if bare and token.upper == "CAST" and cursor.at("("):
        return _cast(cursor)
    if cursor.at("("):
        call = tree.Call(lexer.unquote(token.text).lower(), _arguments(cursor))
        if any(cursor.at(word, "(") for word in ("OVER", "FILTER")) or cursor.at("OVER"):
            raise _unread(cursor)
        return call
    if cursor.skip("."):  # the expressions of a table can name no other table
        token = cursor.take()
        return tree.Name(lexer.unquote(token.text))
    return tree.Name(lexer.unquote(token.text), text_if_unknown=token.text.startswith('"'), bare=bare)


def _case(cursor: lexer.Cursor) -> tree.Expression:
    operand = None if cursor.at("WHEN") else _expression(cursor, _OR)
    whens: list[tuple[tree.Expression, tree.Expression]] = []
    while cursor.skip("WHEN"):
        condition = _expression(cursor, _OR)
        _expect(cursor, "THEN")
        whens.append((condition, _expression(cursor, _OR)))
    otherwise = _expression(cursor, _OR) if cursor.skip("ELSE") else None
    _expect(cursor, "END")
    return tree.Case(operand, tuple(whens), otherwise)


def _cast(cursor: lexer.Cursor) -> tree.Expression:
    _expect(cursor, "(")
    operand = _expression(cursor, _OR)
    _expect(cursor, "AS")
    first = cursor.index
    while not cursor.at(")"):
        if cursor.at("("):
            cursor.parenthesised()
        else:
            cursor.take()
    declared = cursor.text(first) if cursor.index > first else ""
    _expect(cursor, ")")
    return tree.Cast(operand, declared)
