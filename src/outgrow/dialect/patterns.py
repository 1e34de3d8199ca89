"""LIKE and GLOB: SQLite's matching, which knows ASCII case only and no escape unless told."""

from __future__ import annotations

from outgrow.dialect import casting, conversion
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["glob", "like"]

_ANY, _ONE = "any", "one"


def like(operand: Value, pattern: Value, escape: Value | None, *, helpers: bool = False) -> Value:
    """`operand LIKE pattern [ESCAPE escape]`: both sides in ASCII lower case (pitfall 79).

    With `helpers`, of any operands. A computed pattern that ends with its escape character, and matches nothing in SQLite,
    is then an error in PostgreSQL.
    """
    if operand.kind is Kind.NULL or pattern.kind is Kind.NULL or (escape is not None and escape.kind is Kind.NULL):
        return values.boolean("NULL::boolean")
    subject = casting.text(operand) if helpers else conversion.as_text(operand)
    if helpers and not pattern.constant:
        pattern = casting.text(pattern)
        if escape is not None:
            character = _escape_character(_known(escape))
            if character.isalpha():
                raise Untranslatable("ESCAPE is a letter, and the pattern is computed")
            shown = values.string(character)
            return values.boolean(f"({conversion.folded(subject)} LIKE {conversion.folded(pattern)} ESCAPE {shown})")
    if not pattern.constant:
        if escape is not None or pattern.kind is not Kind.TEXT:
            raise Untranslatable("the pattern of LIKE is computed")
        return values.boolean(f"({conversion.folded(subject)} LIKE {conversion.folded(pattern)} ESCAPE '')")
    text = str(conversion.as_text(pattern).value)
    parts = _like_parts(text, _escape_character(escape))
    written = "".join(_quoted(part) for part in parts)
    cased = any(part.isascii() and part.isalpha() for part in parts if len(part) == 1)
    sql = conversion.folded(subject) if cased else subject.sql
    return values.boolean(f"({sql} LIKE {values.string(written)})")


def _known(operand: Value) -> Value:
    return operand if operand.parameter is None else operand.parameter.pinned()


def _escape_character(escape: Value | None) -> str:
    if escape is None:
        return ""
    character = escape.value
    if not isinstance(character, str) or len(character) != 1 or character in "%_":
        raise Untranslatable("ESCAPE is not one ordinary character")
    return character


def _like_parts(pattern: str, escape: str) -> list[str]:
    """Characters in lower case, and `any` and `one` for the wildcards."""
    parts: list[str] = []
    rest = iter(pattern)
    for character in rest:
        if escape and character == escape:
            try:
                character = next(rest)
            except StopIteration:
                raise Untranslatable("the pattern of LIKE ends with its escape character") from None
        elif character in "%_":
            parts.append(_ANY if character == "%" else _ONE)
            continue
        parts.append(character.lower() if character.isascii() else character)
    return parts


def _quoted(part: str) -> str:
    """A part as PostgreSQL's LIKE reads it, with its default escape, the backslash."""
    return {_ANY: "%", _ONE: "_"}.get(part, f"\\{part}" if part in "%_\\" else part)


def glob(operand: Value, pattern: Value, *, helpers: bool = False) -> Value:
    """`operand GLOB pattern`: a case-sensitive LIKE, or a regular expression where it has brackets."""
    if operand.kind is Kind.NULL or pattern.kind is Kind.NULL:
        return values.boolean("NULL::boolean")
    subject = casting.text(operand) if helpers else conversion.as_text(operand)
    pattern = _known(pattern)
    if helpers and not pattern.constant:
        return values.boolean(f"outgrow.glob({subject.sql}, {casting.text(pattern).sql})")
    if not pattern.constant:
        raise Untranslatable("the pattern of GLOB is computed")
    text = str(conversion.as_text(pattern).value)
    if "[" not in text:
        parts = [{"*": _ANY, "?": _ONE}.get(character, character) for character in text]
        return values.boolean(f"({subject.sql} LIKE {values.string(''.join(map(_quoted, parts)))})")
    return values.boolean(f"({subject.sql} ~ {values.string(f'^{_expression(text)}$')})")


def _expression(pattern: str) -> str:
    found: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "[":
            piece, position = _set(pattern, position)
            found.append(piece)
        else:
            found.append({"*": ".*", "?": "."}.get(character) or _ordinary(character))
    return "".join(found)


def _ordinary(character: str) -> str:
    if character.isascii() and not character.isalnum():
        return f"\\{character}" if character.isprintable() else _code(character)
    return character


def _code(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04X}" if number < 0x10000 else f"\\U{number:08X}"


def _set(pattern: str, position: int) -> tuple[str, int]:
    """`[…]` from after its opening, by the steps of patternCompare() in SQLite's func.c."""
    inverted = pattern[position : position + 1] == "^"
    position += inverted
    members: list[str] = []
    previous = ""
    if pattern[position : position + 1] == "]":
        members.append(_code("]"))
        position += 1
    while position < len(pattern) and pattern[position] != "]":
        character = pattern[position]
        following = pattern[position + 1 : position + 2]
        if character == "-" and previous and following not in {"", "]"}:
            if previous <= following:
                members[-1] = f"{_member(previous)}-{_member(following)}"
            previous = ""
            position += 2
            continue
        members.append(_member(character))
        previous = character
        position += 1
    if position >= len(pattern) or not members:
        raise Untranslatable("GLOB has an open or empty set, which matches nothing")
    return f"[{'^' if inverted else ''}{''.join(members)}]", position + 1


def _member(character: str) -> str:
    return character if character.isascii() and character.isalnum() else _code(character)
