"""The tree of a SQLite expression: frozen nodes without types or names resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from outgrow.dialect import statement

if TYPE_CHECKING:
    from outgrow.dialect import statement_tree

__all__ = [
    "Between",
    "Binary",
    "Call",
    "Case",
    "Cast",
    "Collate",
    "Constant",
    "Exists",
    "Expression",
    "In",
    "InQuery",
    "Like",
    "Literal",
    "Name",
    "Parameter",
    "Row",
    "Subquery",
    "Unary",
    "children",
    "names",
]

Constant: TypeAlias = int | float | str | bytes | None


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal, with the value that SQLite gives it."""

    value: Constant


@dataclass(frozen=True, slots=True)
class Name:
    """A name. `text_if_unknown`: in double quotes, so a string if there is no such column; `bare`: no quotes.

    `table` is what stands before the dot, if anything.
    """

    name: str
    text_if_unknown: bool = False
    bare: bool = False
    table: str | None = None


@dataclass(frozen=True, slots=True)
class Unary:
    """`-`, `+`, `~`, `NOT`."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands. `==` is `=`, `!=` is `<>`, `ISNULL` is `IS` and NULL, `IS NOT DISTINCT FROM` is `IS`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Between:
    operand: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class In:
    operand: Expression
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """`LIKE` or `GLOB`, the operator says which."""

    operator: str
    operand: Expression
    pattern: Expression
    escape: Expression | None = None


@dataclass(frozen=True, slots=True)
class Case:
    operand: Expression | None
    whens: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@dataclass(frozen=True, slots=True)
class Cast:
    operand: Expression
    declared: str


@dataclass(frozen=True, slots=True)
class Collate:
    operand: Expression
    collation: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function, its name in lower case. `star` is `count(*)`; `over` makes it a window function."""

    name: str
    arguments: tuple[Expression, ...]
    distinct: bool = False
    star: bool = False
    filter_: Expression | None = None
    over: statement_tree.Window | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A bound value; `number` is its position from 0, which a name has too."""

    slot: statement.Slot
    number: int


@dataclass(frozen=True, slots=True)
class Row:
    """A row value: two expressions or more in parentheses."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Subquery:
    query: statement_tree.Query


@dataclass(frozen=True, slots=True)
class Exists:
    query: statement_tree.Query


@dataclass(frozen=True, slots=True)
class InQuery:
    operand: Expression
    query: statement_tree.Query


Expression: TypeAlias = (
    Literal
    | Name
    | Unary
    | Binary
    | Between
    | In
    | Like
    | Case
    | Cast
    | Collate
    | Call
    | Parameter
    | Row
    | Subquery
    | Exists
    | InQuery
)


def names(expression: Expression) -> frozenset[str]:
    """Every name in an expression, as written: columns, and strings in double quotes."""
    if isinstance(expression, Name):
        return frozenset({expression.name})
    found: frozenset[str] = frozenset()
    for child in children(expression):
        found |= names(child)
    return found


def children(expression: Expression) -> tuple[Expression, ...]:
    """The expressions directly in an expression; not those of a query in it, nor of a window."""
    match expression:
        case Unary(operand=operand) | Cast(operand=operand) | Collate(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Between(operand=operand, low=low, high=high):
            return (operand, low, high)
        case In(operand=operand, items=items):
            return (operand, *items)
        case Like(operand=operand, pattern=pattern, escape=escape):
            return (operand, pattern) if escape is None else (operand, pattern, escape)
        case Call(arguments=arguments, filter_=filter_):
            return arguments if filter_ is None else (*arguments, filter_)
        case Row(items=items):
            return items
        case InQuery(operand=operand):
            return (operand,)
        case Case(operand=head, whens=whens, otherwise=otherwise):
            pairs = tuple(part for pair in whens for part in pair)
            return pairs + tuple(part for part in (head, otherwise) if part is not None)
        case _:
            return ()
