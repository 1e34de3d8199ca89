"""RAISE() in a trigger: a SELECT that may raise, as a query for the number of the RAISE() that it comes to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from outgrow.dialect import expression_tree as tree
from outgrow.dialect import statement_tree as st
from outgrow.dialect.translation import Untranslatable

__all__ = ["Raise", "raising"]

_NOTHING = tree.Literal(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Raise:
    """A RAISE(); without a message it is RAISE(IGNORE)."""

    message: str | None


def raising(query: st.Query) -> tuple[st.Query, tuple[Raise, ...]] | None:
    """The query with one column, the number of a RAISE() or 0, and the RAISE()s; None for a query that has none.

    Raises `Untranslatable` where RAISE() stands elsewhere than as a column or as a branch of a CASE.
    """
    if not any(_calls(query)):
        return None
    first = query.first
    if query.rest or not isinstance(first, st.Select) or len(first.columns) != 1 or first.distinct or query.limit:
        raise Untranslatable("RAISE() stands in a query that is no simple SELECT of one column")
    found: list[Raise] = []
    expression = first.columns[0].expression
    assert expression is not None
    numbered = dataclasses.replace(first, columns=(st.Column(_numbered(expression, found), text="raised"),))
    made = dataclasses.replace(query, first=numbered, order=())
    if any(_calls(made)):
        raise Untranslatable("RAISE() stands inside another expression")
    return made, tuple(found)


def _numbered(expression: tree.Expression, found: list[Raise]) -> tree.Expression:
    match expression:
        case tree.Call(name="raise", arguments=arguments):
            found.append(_raise(arguments))
            return tree.Literal(len(found))
        case tree.Case(operand=operand, whens=whens, otherwise=otherwise):
            branches = tuple((condition, _numbered(then, found)) for condition, then in whens)
            last = _NOTHING if otherwise is None else _numbered(otherwise, found)
            return tree.Case(operand, branches, last)
        case _ if any(_calls(expression)):
            return expression  # which the caller refuses
    return _NOTHING


def _raise(arguments: tuple[tree.Expression, ...]) -> Raise:
    match arguments:
        case (tree.Name(name=kind),) if kind.upper() == "IGNORE":
            return Raise(message=None)
        case (tree.Name(name=kind), tree.Literal(value=str() as message)) if kind.upper() == "ABORT":
            return Raise(message=message)
        case (tree.Name(name=kind), tree.Name(name=message, text_if_unknown=True)) if kind.upper() == "ABORT":
            return Raise(message=message)
        case (tree.Name(name=kind), _) if kind.upper() in {"FAIL", "ROLLBACK"}:
            raise Untranslatable(f"RAISE({kind.upper()}, …) leaves more or less than the statement undone")
    raise Untranslatable("RAISE() with a message that is computed")


def _calls(node: object) -> Iterator[tree.Call]:
    if isinstance(node, tuple):
        for part in node:
            yield from _calls(part)
    elif dataclasses.is_dataclass(node) and not isinstance(node, type):
        if isinstance(node, tree.Call) and node.name == "raise":
            yield node
        for one in dataclasses.fields(node):
            yield from _calls(getattr(node, one.name))
