"""Date and time functions give in PostgreSQL what they give in SQLite 3.54."""

from __future__ import annotations

import datetime
import random

import psycopg
import pytest

from integration.dialect_functions.dialect_values import Both
from outgrow.dialect import statement, statements

TIMES = [
    "2024-01-01", "2024-02-29", "2023-02-29", "2024-02-30", "2023-02-31", "2024-12-31", "2024-04-31", "0000-01-01",
    "0001-03-01", "9999-12-31", "9999-12-31 23:59:59.999", "-0001-01-01", "-4713-11-24 12:00:00", "-4713-11-24 11:59",
    "1969-12-31 23:59:59.5", "1900-02-29", "2000-02-29", "2024-01-01 00:00", "2024-01-01 12:34:56",
    "2024-01-01T12:34:56", "2024-01-01 12:34:56.789", "2024-01-01 12:34:56.7894", "2024-01-01 12:34:56.7896",
    "2024-01-01 23:59:59.9999", "2024-01-01 24:00:00", "2024-01-01 24:00", "2024-01-01 24:01", "2024-01-01 25:00",
    "2024-01-01 12:60", "2024-01-01 12:34:60", "2024-01-01 12:34Z", "2024-01-01 12:34z ", "2024-01-01 12:34+02:00",
    "2024-01-01T12:34:56.5-14:59", "2024-01-01 12:34 +15:00", "2024-01-01 00:30:00+01:00", "2024-01-01Z",
    "2024-01-01 ", " 2024-01-01", "2024-1-01", "2024-13-01", "2024-00-10", "2024-01-00", "2024-01-32", "20240101",
    "2024-01-01T", "2024-01-01  12:34", "2024-01-0112:34", "12:34", "12:34:56.125", "24:00", "00:00:00+05:30", "12:3",
    "12:34.5", "2024-01-01 12:34.5", "2024-01-01 12:34:56.", "2460000.5", "0", "-1", "1e3", "5373484.5",
    "5373484.4999999", "5373485", "1700000000", "", "abc", "now?", "2024", "2024-01", "2024-06-30 23:59:59",
    "2021-01-03", "2020-12-28", "2019-12-30", "2016-01-01", "2010-01-03 15:00", "2024-03-31 10:20:30", None,
]  # fmt: skip
MODIFIERS = [
    "+1 day", "-1 day", "1 days", "+1.5 days", "-0.5 day", "+36 hours", "+90 minutes", "-1 second", "+1.5 seconds",
    "+.5 seconds", "+0.0004 seconds", "-0.0006 seconds", "+1 month", "-1 month", "+12 months", "-13 months",
    "+1.5 months", "-2.5 months", "+1 year", "-1 years", "+100 years", "+1.25 years", "-10000 years",
    "start of month", "start of year", "start of day", "START OF DAY", "start of week", "weekday 0", "weekday 6",
    "weekday 3.0", "weekday 7", "weekday x", "unixepoch", "auto", "julianday", "+1  day", "+1day", " +1 day",
    "+1 day ", "+1 fortnight", "+12:34", "-12:34:56", "12:00", "+12:34:56.789", "+1:00", "+24:00", "+25:00",
    "+0001-02-03", "-0001-02-03", "+0000-11-30 23:59:59", "-0000-00-01 00:01", "+0001-12-01", "+1-02-03",
    "0001-02-03", "floor", "ceiling", "utc?", "", "day", "+e day", "+1e2 days", "+5373485 days", "+5373484 days",
    "1700000000 seconds", None,
]  # fmt: skip
FORMATS = [
    "%Y-%m-%d %H:%M:%S", "%d.%m.%Y", "%f|%s|%j", "%J", "%W|%U|%w|%u", "%G-%V %g", "%e|%k|%l|%I|%p|%P", "%F %T %R",
    "%%%Y%%", "", "plain é", "%Y%", "%q", "%S%f", "a%nb", "%H:%M",
]  # fmt: skip
NUMBERS = [
    0, 1, -1, 2460000, 2460000.5, 2451545.123456789, 5373484, 5373484.5, 5373485, 1700000000, 1700000000.5,
    -1700000000, 1e10, 1e12, 253402300799, 253402300800, -210866760000, 0.5, 1e300, float("inf"), None,
]  # fmt: skip


@pytest.fixture(scope="module")
def times(both: Both) -> Both:
    """Tables of times, numbers, modifiers and formats."""
    return both.with_tables(
        {"s": ("TEXT", TIMES), "m": ("TEXT", MODIFIERS), "p": ("TEXT", FORMATS), "e": ("REAL", NUMBERS)}
    )


# A day that the month has not stays as it is in SQLite under some modifiers, and so does a time of day without a day.
PLAIN = "s NOT IN ('2024-02-30', '2023-02-29', '2023-02-31', '2024-04-31', '1900-02-29', '00:00:00+05:30', '24:00')"
FUNCTIONS = ["date({})", "time({})", "datetime({})", "julianday({})", "unixepoch({})", "strftime('%Y %j %f %J %s', {})"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_time_value(times: Both, function: str) -> None:
    assert times.same(function.format("s"), "s") == len(TIMES)
    times.same(function.format("e"), "e")
    times.same(function.format("e, 'unixepoch'"), "e")
    times.same(function.format("e, 'auto'"), "e")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_modifier(times: Both, function: str) -> None:
    times.same(function.format("s, m"), "s", "m", where=PLAIN)
    times.same(function.format("e, m"), "e", "m")


@pytest.mark.parametrize("function", FUNCTIONS[1:])
def test_fractions_of_seconds_are_shown_on_demand(times: Both, function: str) -> None:
    real = "s NOT LIKE '%-30' AND s NOT LIKE '%-31' AND s NOT LIKE '%-29'"
    times.same(function.format("s, 'subsec'"), "s", where=real)
    times.same(
        function.format("s, 'subsecond', m"), "s", "m", where="s LIKE '2024-0%' AND s <> '2024-02-30' AND m LIKE '%s'"
    )


def test_every_format(times: Both) -> None:
    assert times.same("strftime(p, s)", "p", "s") == len(TIMES) * len(FORMATS)
    times.same("strftime(p, s, m)", "p", "s", "m", where="s IN ('2024-12-31', '2016-01-01', '2024-03-31 10:20:30')")


def test_many_modifiers_one_after_the_other(times: Both) -> None:
    chance = random.Random(5)
    plain = [modifier for modifier in MODIFIERS if modifier and "utc" not in modifier]
    for _ in range(150):
        chosen = [chance.choice(plain) for _ in range(chance.randint(2, 4))]
        time = chance.choice(["2024-01-31", "2023-12-31 23:59:59.5", "2024-02-29 10:00", "1999-10-31T01:02:03Z"])
        holes = ", ".join("?" * (len(chosen) + 1))
        times.same(f"datetime({holes})", parameters=[time, *chosen])
        times.same(f"julianday({holes})", parameters=[time, *chosen])


def test_days_that_the_month_has_not_follow_3_54(times: Both) -> None:
    for modifier in ["+1 day", "+1 month", "start of month", "-1 year", "floor", "weekday 1"]:
        times.same("date(s, ?)", "s", parameters=[modifier], where="s IN ('2024-02-30', '2023-02-29', '2024-04-31')")


def test_now_is_the_time_in_utc(both: Both) -> None:
    before = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    for sql, parameters in [
        ("SELECT datetime('now', 'subsec')", ()),
        ("SELECT datetime(?, 'subsec')", ("now",)),
        ("SELECT strftime('%Y-%m-%d %H:%M:%f', ?, ?)", ("NOW", "+0 days")),
        ("SELECT strftime('%Y-%m-%d %H:%M:%f')", ()),
        ("SELECT datetime('now', 'subsec', 'utc')", ()),
    ]:
        (row,) = both.in_postgres(sql, parameters)
        after = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        # The server's clock is this machine's, cut to milliseconds.
        told = datetime.datetime.fromisoformat(row[0])
        assert before - datetime.timedelta(milliseconds=1) <= told <= after, sql
    both.same("date('now') = date(CURRENT_TIMESTAMP)")


def test_what_depends_on_the_host_is_refused(both: Both) -> None:
    with pytest.raises(statement.Refused, match="localtime"):
        statements.translate("SELECT datetime('now', 'localtime')", both.known, ())
    for modifier in ("localtime", "utc"):
        with pytest.raises(psycopg.Error, match="time zone") as caught:
            both.in_postgres("SELECT datetime('2024-01-01', ?)", [modifier])
        assert caught.value.sqlstate == "OG010"
