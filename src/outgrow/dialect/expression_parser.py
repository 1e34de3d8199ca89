"""SQLite expressions, read with SQLite's precedences (https://www.sqlite.org/lang_expr.html and parse.y).

sqlglot is not used: it forgets which quotes stood around a name, and only double quotes can mean a string;
and it has no word for hexadecimal, `1_000` or the integer that is too large and therefore a REAL.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from outgrow import errors
from outgrow.dialect import expression_tree as tree
from outgrow.dialect import lexer, translation

if TYPE_CHECKING:
    from outgrow.dialect import statement_tree

__all__ = ["RESERVED", "Reader", "arguments", "parse", "read", "unread"]

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
RESERVED = frozenset({
    "ADD", "ALL", "ALTER", "AND", "AS", "AUTOINCREMENT", "BETWEEN", "CASE", "CHECK", "COLLATE", "COMMIT",
    "CONSTRAINT", "CREATE", "DEFAULT", "DEFERRABLE", "DELETE", "DISTINCT", "DROP", "ELSE", "ESCAPE", "EXCEPT",
    "EXISTS", "FOREIGN", "FROM", "GROUP", "HAVING", "IN", "INDEX", "INSERT", "INTERSECT", "INTO", "IS", "ISNULL",
    "JOIN", "LIMIT", "NOT", "NOTHING", "NOTNULL", "NULL", "ON", "OR", "ORDER", "PRIMARY", "REFERENCES",
    "RETURNING", "SELECT", "SET", "TABLE", "THEN", "TO", "TRANSACTION", "UNION", "UNIQUE", "UPDATE", "USING",
    "VALUES", "WHEN", "WHERE"
})  # fmt: skip
"""Keywords that are no names without quotes."""

_STARTS = ("SELECT", "WITH", "VALUES")
_QUERIES = frozenset({"SELECT", "EXISTS", "RAISE", "WITH", "VALUES"})


class Reader(lexer.Cursor):
    """A cursor that knows whether the expression stands in a statement: only there it holds queries and parameters."""

    def __init__(
        self,
        sql: str,
        query: Callable[[Reader], statement_tree.Query] | None = None,
        window: Callable[[Reader], statement_tree.Window] | None = None,
    ) -> None:
        super().__init__(sql)
        self.query = query
        self.window = window
        self._slots = 0
        self._named: dict[str, int] = {}

    def name(self) -> str:
        """Take a name."""
        token = self.peek()
        if self.query is not None and token is not None and token.kind is lexer.Kind.WORD and token.upper in RESERVED:
            raise _unread(self)
        return super().name()

    def restart(self) -> None:
        """Go back to the start of the text."""
        self.index = self._slots = 0
        self._named.clear()

    def parameter(self) -> tree.Parameter:
        """Take a parameter; `?` is the one after the largest so far, and a name has the number of its first appearance."""
        text = self.take().text
        if text[0] == "?":
            number = int(text[1:]) if len(text) > 1 else self._slots + 1
            if not 1 <= number <= 32766:
                raise translation.Untranslatable(f"{text} is no number of a parameter")
            self._slots = max(self._slots, number)
            return tree.Parameter(number - 1, number - 1)
        if text[0] == "#":
            raise translation.Untranslatable(f"{text} is no parameter")
        if text not in self._named:
            self._slots += 1
            self._named[text] = self._slots - 1
        return tree.Parameter(text[1:], self._named[text])


def parse(sql: str) -> tree.Expression:
    """The tree of an expression; raises `Untranslatable` on what this module does not read."""
    cursor = Reader(sql)
    try:
        expression = _expression(cursor, _OR)
    except errors.Internal:  # the text ends too early
        raise _unread(cursor) from None
    if not cursor.done:
        raise _unread(cursor)
    return expression


def read(cursor: Reader) -> tree.Expression:
    """Take an expression; raises `Untranslatable` on what this module does not read, `Internal` at the end of the text."""
    return _expression(cursor, _OR)


def arguments(cursor: Reader) -> tuple[tree.Expression, ...]:
    """Take expressions in parentheses; raises like `read`."""
    return _arguments(cursor)


def unread(cursor: lexer.Cursor) -> translation.Untranslatable:
    """The refusal of what comes."""
    return _unread(cursor)


def _unread(cursor: lexer.Cursor) -> translation.Untranslatable:
    token = cursor.peek()
    return translation.Untranslatable(f"{token.text} is not understood here" if token else "it ends too early")


def _expect(cursor: lexer.Cursor, *words: str) -> None:
    if not cursor.skip(*words):
        raise _unread(cursor)


def _expression(cursor: Reader, tightness: int) -> tree.Expression:
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


def _continued(cursor: Reader, left: tree.Expression, tightness: int) -> tree.Expression | None:
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
        if cursor.query is None:
            raise translation.Untranslatable("JSON operators differ between the two databases")
        if tightness > _CONCAT:
            return None
        cursor.take()
        return tree.Call(operator, (left, _expression(cursor, _CONCAT + 1)))
    if operator in {"MATCH", "REGEXP"} or cursor.at("NOT", "MATCH") or cursor.at("NOT", "REGEXP"):
        raise translation.Untranslatable(f"{operator} calls a function of the application")
    return _predicate(cursor, left) if tightness <= _EQUALITY else None


def _predicate(cursor: Reader, left: tree.Expression) -> tree.Expression | None:
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
        found = _in(cursor, left)
    elif cursor.at("LIKE") or cursor.at("GLOB"):
        found = _like(cursor, left)
    else:
        return None
    return tree.Unary("NOT", found) if negated else found


def _like(cursor: Reader, left: tree.Expression) -> tree.Expression:
    operator = cursor.take().upper
    pattern = _expression(cursor, _EQUALITY + 1)
    escape = _expression(cursor, _ESCAPE) if cursor.skip("ESCAPE") else None
    return tree.Like(operator, left, pattern, escape)


def _in(cursor: Reader, left: tree.Expression) -> tree.Expression:
    if cursor.query is not None and any(cursor.at("(", word) for word in _STARTS):
        return tree.InQuery(left, _query(cursor))
    return tree.In(left, _arguments(cursor))


def _query(cursor: Reader) -> statement_tree.Query:
    """Take `(query)`."""
    if cursor.query is None:
        raise translation.Untranslatable("it holds a query")
    _expect(cursor, "(")
    found = cursor.query(cursor)
    _expect(cursor, ")")
    return found


def _arguments(cursor: Reader) -> tuple[tree.Expression, ...]:
    _expect(cursor, "(")
    return () if cursor.skip(")") else _listed(cursor)


def _operand(cursor: Reader) -> tree.Expression:
    for sign in ("-", "+", "~"):
        if cursor.skip(sign):
            operand = _expression(cursor, _SIGN)
            if sign == "-" and operand == tree.Literal(2.0**63):
                # Only here is the text of a literal larger than its type: -9223372036854775808 is an integer.
                return _smallest(cursor)
            return tree.Unary(sign, operand)
    if cursor.query is not None and any(cursor.at("(", word) for word in _STARTS):
        return tree.Subquery(_query(cursor))
    if cursor.query is not None and cursor.skip("EXISTS"):
        return tree.Exists(_query(cursor))
    if cursor.skip("("):
        inner = _expression(cursor, _OR)
        if cursor.query is not None and cursor.skip(","):
            items = [inner, _expression(cursor, _OR)]
            while cursor.skip(","):
                items.append(_expression(cursor, _OR))
            inner = tree.Row(tuple(items))
        _expect(cursor, ")")
        return inner
    token = cursor.peek()
    if token is None:
        raise _unread(cursor)
    if token.kind is lexer.Kind.PARAMETER and cursor.query is not None:
        return cursor.parameter()
    # RAISE() is no function, but in a statement of a trigger it is read like one.
    raises = cursor.query is not None and cursor.at("RAISE", "(")
    if token.kind is lexer.Kind.WORD and token.upper in _QUERIES and not raises:
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


def _smallest(cursor: Reader) -> tree.Expression:
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


def _word(cursor: Reader) -> tree.Expression:
    token = cursor.take()
    bare = token.kind is lexer.Kind.WORD
    if bare and token.upper == "NULL":
        return _NULL
    if bare and token.upper == "CASE":
        return _case(cursor)
    if bare and token.upper == "CAST" and cursor.at("("):
        return _cast(cursor)
    if bare and cursor.query is not None and token.upper in RESERVED:
        cursor.index -= 1
        raise _unread(cursor)
    if cursor.at("("):
        return _call(cursor, lexer.unquote(token.text).lower())
    if cursor.skip("."):
        names = [lexer.unquote(token.text), lexer.unquote(cursor.take().text)]
        if cursor.skip("."):
            names.append(lexer.unquote(cursor.take().text))
            if names.pop(0).lower() != "main":
                raise translation.Untranslatable("it names an attached database")
        return tree.Name(names[1], table=names[0])
    return tree.Name(lexer.unquote(token.text), text_if_unknown=token.text.startswith('"'), bare=bare)


def _call(cursor: Reader, name: str) -> tree.Expression:
    if cursor.query is None:
        call = tree.Call(name, _arguments(cursor))
        if any(cursor.at(word, "(") for word in ("OVER", "FILTER")) or cursor.at("OVER"):
            raise _unread(cursor)
        return call
    if cursor.at("(", "*"):
        cursor.expect("(", "*")
        _expect(cursor, ")")
        found: tuple[tree.Expression, ...] = ()
        star, distinct = True, False
    else:
        star, distinct = False, cursor.at("(", "DISTINCT")
        if distinct:
            cursor.expect("(", "DISTINCT")
        found = _listed(cursor) if distinct else _arguments(cursor)
    filter_ = None
    if cursor.skip("FILTER", "("):
        _expect(cursor, "WHERE")
        filter_ = _expression(cursor, _OR)
        _expect(cursor, ")")
    over = None
    if cursor.skip("OVER"):
        if cursor.window is None:
            raise _unread(cursor)
        over = cursor.window(cursor)
    return tree.Call(name, found, distinct, star, filter_, over)


def _listed(cursor: Reader) -> tuple[tree.Expression, ...]:
    """Take `expression, … )`."""
    found: list[tree.Expression] = []
    while True:
        found.append(_expression(cursor, _OR))
        if cursor.skip(")"):
            return tuple(found)
        _expect(cursor, ",")


def _case(cursor: Reader) -> tree.Expression:
    operand = None if cursor.at("WHEN") else _expression(cursor, _OR)
    whens: list[tuple[tree.Expression, tree.Expression]] = []
    while cursor.skip("WHEN"):
        condition = _expression(cursor, _OR)
        _expect(cursor, "THEN")
        whens.append((condition, _expression(cursor, _OR)))
    otherwise = _expression(cursor, _OR) if cursor.skip("ELSE") else None
    _expect(cursor, "END")
    return tree.Case(operand, tuple(whens), otherwise)


def _cast(cursor: Reader) -> tree.Expression:
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
