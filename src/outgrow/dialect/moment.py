"""SQLite's date and time functions on `now`: the clock at the start of the statement, in UTC.

SQLite reads the clock once for each step of a statement, so a transaction sees it advance. That is PostgreSQL's
statement_timestamp(): now() stands still in a transaction, and clock_timestamp() moves from row to row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Moment, Value

__all__ = ["FUNCTIONS", "KEYWORDS", "call", "epoch", "formatted", "in_type"]

FUNCTIONS = frozenset({"date", "time", "datetime", "strftime", "julianday", "unixepoch"})
KEYWORDS = {"current_timestamp": "datetime", "current_date": "date", "current_time": "time"}

_NOW = "(statement_timestamp() AT TIME ZONE 'UTC')"
_FORMATS = {"datetime": "%Y-%m-%d %H:%M:%S", "date": "%Y-%m-%d", "time": "%H:%M:%S"}
_LONG = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M"}
_FIELDS = {
    "Y": "YYYY", "m": "MM", "d": "DD", "H": "HH24", "M": "MI", "S": "SS", "f": "SS.MS", "j": "DDD"
}  # fmt: skip
_SHIFT = re.compile(r"([+-]?)(\d{1,6})(?:\.0+)?\s+(second|minute|hour|day)s?", re.ASCII)
_START = re.compile(r"start of (day|month|year)")
_TIME = "%H:%M(?::(?:%S|%f))?"
_SHAPES = {
    "timestamp": re.compile(rf"%Y-%m-%d[ T]{_TIME}(?P<zone>Z|\+00(?::?00)?)?"),
    "date": re.compile("%Y-%m-%d"),
    "time": re.compile(_TIME),
}
_JULIAN_EPOCH = 210_866_760_000_000  # milliseconds from noon of 24 November 4714 BC to 1970
_FAR = 2**38  # seconds: beyond the year 9999, SQLite's last


def call(name: str, arguments: Sequence[Value]) -> Value:
    """One of `FUNCTIONS`; raises `Untranslatable` unless it tells the time that it is, in UTC."""
    texts = [argument.value for argument in arguments]
    layout = ""
    if name == "strftime":
        if not texts or not isinstance(texts[0], str):
            raise Untranslatable("the format of strftime() is computed")
        layout = str(texts.pop(0))
    sql, fine = _now(texts)
    if name == "unixepoch":
        if fine:
            raise Untranslatable("unixepoch() with a fraction is a real")
        return epoch(sql)
    if name == "julianday":
        milliseconds = f"(floor(extract(epoch from {_inner(sql)}) * 1000) + {_JULIAN_EPOCH})::double precision"
        days = f"({milliseconds} / 86400000::double precision)"
        moment = Moment(sql=sql, form="julian", precision="milliseconds")
        return Value(kind=Kind.REAL, sql=days, low=0, high=5_373_485, moment=moment)
    if name == "strftime" and layout == "%s" and not fine:
        number = epoch(sql)
        return Value(kind=Kind.TEXT, sql=f"{number.sql}::text", number=number, moment=number.moment)
    layout = layout or _FORMATS[name]
    return formatted(sql, layout.replace("%S", "%f") if fine else layout)


def in_type(operand: Value, sql_type: str) -> str | None:
    """The moment that a value tells as `sql_type`, or None for a value that tells none."""
    moment = operand.moment
    if moment is None:
        return None
    precision = f"date_trunc('{moment.precision}', {_inner(moment.sql)})"
    match sql_type, moment.form:
        case "timestamp", "timestamp" | "date" | "epoch" | "julian" if not moment.zoned:
            return precision
        case "timestamptz", "timestamp" | "date" | "epoch" | "julian":
            return f"({precision} AT TIME ZONE 'UTC')"
        case "date", "date":
            return f"{moment.sql}::date"
        case "time", "time":
            return f"{precision}::time"
    return None


def _inner(sql: str) -> str:
    return sql[1:-1] if sql == _NOW else sql


def _now(texts: Sequence[object]) -> tuple[str, bool]:
    """The time meant by `'now', modifier, …`, and whether a modifier asks for the fraction of the second."""
    given = [text.lower() if isinstance(text, str) else "" for text in texts]
    if given and given[0] in {"subsec", "subsecond"}:
        given.insert(0, "now")
    if given and given[0] != "now":
        raise Untranslatable("it tells another time than now")
    sql, fine = _NOW, False
    for modifier in given[1:]:
        shift, start = _SHIFT.fullmatch(modifier), _START.fullmatch(modifier)
        if modifier in {"subsec", "subsecond"}:
            fine = True
        elif shift is not None:
            sign = "-" if shift[1] == "-" else "+"
            sql = f"({sql} {sign} interval '{shift[2]} {shift[3]}')"
        elif start is not None:
            sql = f"date_trunc('{start[1]}', {_inner(sql)})"
        else:
            raise Untranslatable(f"the modifier {modifier!r} depends on the host or counts otherwise")
    return sql, fine


def epoch(sql: str) -> Value:
    """The seconds since 1970 of a timestamp in UTC."""
    value = values.integer(f"floor(extract(epoch from {_inner(sql)}))::bigint", -_FAR, _FAR)
    return Value(kind=value.kind, sql=value.sql, low=value.low, high=value.high, moment=Moment(sql=sql, form="epoch"))


def formatted(sql: str, layout: str) -> Value:
    """A timestamp in UTC in a format of strftime(); raises `Untranslatable` for one that to_char() has not."""
    layout = re.sub("%([FTR])", lambda match: _LONG[match[1]], layout)
    precision = "milliseconds" if "%f" in layout else "second" if "%S" in layout else "minute"
    written = _to_char(layout)
    found: Moment | None = None
    for form, shape in _SHAPES.items():
        match = shape.fullmatch(layout)
        if match is not None:
            zoned = form == "timestamp" and match["zone"] is not None
            found = Moment(sql=sql, form=form, precision="day" if form == "date" else precision, zoned=zoned)
    inner = f"date_trunc('milliseconds', {_inner(sql)})" if "%f" in layout else _inner(sql)
    return Value(kind=Kind.TEXT, sql=f"to_char({inner}, {values.string(written)})", moment=found)


def _to_char(layout: str) -> str:
    """A strftime() format as one of to_char()'s, what is literal in quotes."""
    pieces: list[str] = []
    for piece in re.findall(r"%.|[^%]+|%$", layout, re.DOTALL):
        if piece == "%%" or not piece.startswith("%"):
            literal = "%" if piece == "%%" else piece
            plain = re.fullmatch(r"[-:. /]+", literal)
            escaped = literal.replace("\\", "\\\\").replace('"', '\\"')
            pieces.append(literal if plain else f'"{escaped}"')
        elif piece[1:] in _FIELDS:
            pieces.append(_FIELDS[piece[1:]])
        else:
            raise Untranslatable(f"strftime() with {piece}")
    return "".join(pieces)
