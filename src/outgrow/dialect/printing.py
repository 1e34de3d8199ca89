"""Values as text, by functions of outgrow's own where PostgreSQL writes them otherwise: for statements, not for the schema.

The digits of reals depend on SQLite's version. Here they are the 15 of every version before 3.53; printf() and round()
are those of 3.43 and later, which compute with the number that a double is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from outgrow.dialect import casting, conversion
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

__all__ = ["FUNCTIONS", "text"]

_PIECES = re.compile(r"%([-+ 0#!,]*)(\d*)(?:\.(\d*))?(l{0,2})([a-zA-Z%])|([^%]+)", re.DOTALL)
_WIDEST = 1_000_000


def text(operand: Value) -> Value:
    """The operand as SQLite makes text of it."""
    return casting.text(operand)


def _quote(operand: Value) -> Value:
    """quote(): a literal of SQLite's."""
    match operand.kind:
        case Kind.NULL:
            return values.literal("NULL")
        case Kind.INTEGER | Kind.BOOLEAN:
            return values.text(f"coalesce({conversion.as_text(operand).sql}, 'NULL')")
        case Kind.TEXT:
            return values.text(f"outgrow.quote({operand.sql})")
        case Kind.BLOB:
            return values.text(
                f"""coalesce('X''' || upper(encode({operand.sql}, 'hex') COLLATE "C") || '''', 'NULL')"""
            )
        case _:
            raise Untranslatable("quote() of a real has other digits in every version of SQLite")


def _hex(operand: Value) -> Value:
    """hex() of anything: of a number it is that of its text, of NULL the empty text."""
    if operand.kind is Kind.NULL:
        return values.literal("")
    inner = operand.sql if operand.kind is Kind.BLOB else f"convert_to({text(operand).sql}, 'UTF8')"
    return values.text(f"""coalesce(upper(encode({inner}, 'hex') COLLATE "C"), '')""")


def _printf(*arguments: Value) -> Value:
    """printf() with a constant format, piece by piece."""
    if not arguments:
        return values.NULL
    layout, *rest = arguments
    if layout.kind is Kind.NULL:
        return values.NULL
    if not isinstance(layout.value, str):
        raise Untranslatable("the format of printf() is computed")
    written: list[str] = []
    position = 0
    while position < len(layout.value):
        match = _PIECES.match(layout.value, position)
        if match is None:
            raise Untranslatable(f"printf() with {layout.value[position:]!r}")
        position = match.end()
        if match[6] is not None:
            written.append(values.string(match[6]))
        elif match[5] == "%":
            written.append("'%'")
        else:
            written.append(_piece(match, rest.pop(0) if rest else values.NULL))
    return values.text(f"({' || '.join(written)})" if written else "''")


def _piece(match: re.Match[str], argument: Value) -> str:
    flags, form = match[1], match[5]
    width = int(match[2] or 0)
    if width > _WIDEST or int(match[3] or 0) > _WIDEST:
        raise Untranslatable("printf() with a very wide field")
    width = -width if "-" in flags else width
    shown = values.string("".join(sorted(set(flags) & set("+ 0#,"))))
    refused = Untranslatable(f"printf() with {match[0]}")
    if "!" in flags:
        raise refused
    if form in "diuxXo":
        form = "d" if form == "i" else form
        if "," in flags and form != "d":
            raise refused
        number = "0" if argument.kind is Kind.NULL else casting.integer(argument).sql
        return f"outgrow.print_integer({number}, '{form}', {shown}, {width}, {int(match[3] or 0)})"
    if form in "feEgG":
        if set(flags) & set(",#") or ("-" in flags and "0" in flags):
            raise refused
        number = "0" if argument.kind is Kind.NULL else casting.real(argument).sql
        places = 6 if match[3] is None else int(match[3] or 0)
        return f"outgrow.print_real({number}, '{form}', {shown}, {width}, {min(places, 1000)})"
    inner = "NULL" if argument.kind is Kind.NULL else text(argument).sql
    most = "NULL" if match[3] is None else str(int(match[3] or 0))
    if form in "sz":
        return f"outgrow.print_text({inner}, {width}, {most})"
    if most != "NULL" or form not in "qQwc":
        raise refused
    if form == "c":
        nul = "outgrow.decline('printf() makes a NUL of an empty text')"
        return f"outgrow.pad(coalesce(nullif(left({inner}, 1), ''), {nul}), {width})"
    if form == "Q":
        return f"outgrow.pad(outgrow.quote({inner}), {width})"
    # In the place of a text that is NULL, SQLite writes a word.
    mark, double = ("''''", "''''''") if form == "q" else ("'\"'", "'\"\"'")
    return f"outgrow.pad(coalesce(replace({inner}, {mark}, {double}), '(NULL)'), {width})"


FUNCTIONS: Mapping[tuple[str, int], Callable[..., Value]] = {
    ("quote", 1): _quote,
    ("hex", 1): _hex,
    ("printf", -1): _printf,
    ("format", -1): _printf,
}
"""By name and number of arguments; -1 is any number."""
