"""SQLite's date and time functions on any time value, by outgrow's own functions in the target.

They follow SQLite 3.54. Earlier versions have fewer modifiers and formats, and leave a day such as February 30 as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from outgrow.dialect import casting, moment
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Moment, Native, Value

__all__ = ["call"]

_FINE = frozenset({"subsec", "subsecond"})
_STARTS = {"start of day": "day", "start of month": "month", "start of year": "year"}
_LAYOUTS = {"datetime": "%Y-%m-%d %H:%M:%S", "date": "%Y-%m-%d", "time": "%H:%M:%S"}
_FORMS = {"datetime": "timestamp", "date": "date", "time": "time"}
_FAR = 2**40


def call(name: str, arguments: Sequence[Value]) -> Value:
    """One of `moment.FUNCTIONS`: on the clock as PostgreSQL itself tells it, else by the functions in the target."""
    try:
        return moment.call(name, arguments)
    except Untranslatable:
        pass
    layout: Value | None = None
    if name == "strftime":
        if not arguments:
            raise Untranslatable("strftime() without a format")
        layout, *arguments = arguments
        if layout.kind is Kind.NULL:
            return values.NULL
    if any(argument.kind is Kind.NULL for argument in arguments):
        return values.NULL
    for argument in arguments[1:]:
        if isinstance(argument.value, str) and argument.value.lower() == "localtime":
            raise Untranslatable("the modifier 'localtime' depends on the time zone of the application's host")
    if arguments and arguments[0].native is not None:
        found = _native(name, arguments[0].native, arguments[1:], layout)
        if found is not None:
            return found
    return _computed(name, arguments, layout)


def _native(name: str, column: Native, modifiers: Sequence[Value], layout: Value | None) -> Value | None:
    """The function on a column of dates or times that PostgreSQL formats by itself, or None."""
    kind = column.codec.spec()["type"]
    if kind not in {"date", "timestamp", "timestamptz"} or name == "julianday":
        return None
    sql = f"({column.sql} AT TIME ZONE 'UTC')" if kind == "timestamptz" else f"{column.sql}::timestamp"
    for modifier in modifiers:
        if not isinstance(modifier.value, str) or modifier.value.lower() not in _STARTS:
            return None
        sql = f"date_trunc('{_STARTS[modifier.value.lower()]}', {sql})"
    if name == "unixepoch":
        return moment.epoch(sql)
    wanted = _LAYOUTS.get(name) or (layout.value if layout is not None else None)
    if not isinstance(wanted, str) or "%f" in wanted:
        return None
    try:
        return moment.formatted(sql, wanted)
    except Untranslatable:
        return None


def _computed(name: str, arguments: Sequence[Value], layout: Value | None) -> Value:
    head = arguments[0] if arguments else values.literal("now")
    modifiers = [casting.text(argument) for argument in arguments[1:]]
    known = [str(one.value).lower() for one in (head, *modifiers) if isinstance(one.value, str)]
    fine = not _FINE.isdisjoint(known)
    told, number = "NULL", "NULL"
    if head.kind in {Kind.INTEGER, Kind.REAL, Kind.NUMBER, Kind.BOOLEAN}:
        number = casting.real(head).sql
    else:
        told = casting.text(head).sql
    listed = ", ".join(modifier.sql for modifier in modifiers)
    jd = f"outgrow.moment({told}, {number}, ARRAY[{listed}]::text[], {str(fine).lower()})"
    if name == "julianday":
        return Value(kind=Kind.REAL, sql=f"outgrow.julianday({jd})", low=0, high=5_373_485)
    if name == "unixepoch":
        if fine:
            return Value(kind=Kind.REAL, sql=f"outgrow.unixepoch_fine({jd})", low=-_FAR, high=_FAR)
        return values.integer(f"outgrow.unixepoch({jd})", -_FAR, _FAR)
    timestamp = f"(timestamp '1970-01-01' + ({jd} - 210866760000000) * interval '1 millisecond')"
    if layout is not None:
        return values.text(f"outgrow.strftime({casting.text(layout).sql}, {jd}, {str(fine).lower()})")
    tail = "" if name == "date" else f", {str(fine).lower()}"
    precision = "milliseconds" if fine else "day" if name == "date" else "second"
    found = Moment(sql=timestamp, form=_FORMS[name], precision=precision)
    return Value(kind=Kind.TEXT, sql=f"outgrow.{name}({jd}{tail})", moment=found)
