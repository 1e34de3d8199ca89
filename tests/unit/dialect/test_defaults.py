"""DEFAULT clauses and their translations: both databases insert a row and must hold the same."""

from __future__ import annotations

import datetime
import decimal
import itertools
import re
from typing import Any

import apsw
import psycopg
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from outgrow.dialect import arithmetic, expressions, translation
from outgrow.model import schema

A = schema.Affinity
DECLARED = {A.INTEGER: "INT", A.TEXT: "TEXT", A.BLOB: "", A.REAL: "REAL", A.NUMERIC: "NUMERIC"}
_serial = itertools.count()


def in_sqlite(text: str, affinity: A) -> Any:
    """What SQLite stores by this default."""
    connection = apsw.Connection(":memory:")
    connection.execute(f"CREATE TABLE t(v {DECLARED[affinity]} DEFAULT {text}, x)")
    connection.execute("INSERT INTO t(x) VALUES (1)")
    return next(connection.execute("SELECT v FROM t"))[0]


def in_postgres(post: psycopg.Connection[Any], sql: str, sql_type: str, *, as_text: bool = False) -> Any:
    """What PostgreSQL stores by this default."""
    name = f"defaults_{next(_serial)}"
    with post.transaction(force_rollback=True):
        post.execute(f"CREATE TABLE {name} (x bigint, v {sql_type} DEFAULT {sql})")
        post.execute(f"INSERT INTO {name} (x) VALUES (1)")
        row = post.execute(f"SELECT v{'::text' if as_text else ''} FROM {name}").fetchone()
    assert row is not None
    return row[0]


def same(stored: Any, found: Any) -> bool:
    """Whether PostgreSQL's value is SQLite's."""
    match found:
        case bool():
            return stored in (int(found), *(("t", "true") if found else ("f", "false")))
        case decimal.Decimal():
            return bool(found == stored if isinstance(stored, int) else float(found) == stored)
        case datetime.datetime():
            plain = found.replace(tzinfo=None)
            return str(stored).removesuffix("Z").replace("T", " ") in (str(plain), str(plain.date()))
        case datetime.date() | datetime.time():
            return bool(stored == str(found))
        case str():
            return stored == found or str(stored) == found
    return type(stored) is type(found) and stored == found


CONSTANTS = [
    ("0", "boolean", A.NUMERIC),
    ("1", "boolean", A.NUMERIC),
    ("'f'", "boolean", A.NUMERIC),
    ("'true'", "boolean", A.TEXT),
    ("TRUE", "boolean", A.NUMERIC),
    ("false", "bigint", A.INTEGER),
    ("-5", "bigint", A.INTEGER),
    ("+5", "smallint", A.INTEGER),
    ("- 5", "integer", A.INTEGER),
    ("'12'", "bigint", A.INTEGER),
    ("' 12 '", "bigint", A.INTEGER),
    ("'1e3'", "bigint", A.INTEGER),
    ("5.0", "bigint", A.INTEGER),
    ("0x10", "integer", A.INTEGER),
    ("1_000", "integer", A.INTEGER),
    ("-9223372036854775808", "bigint", A.INTEGER),
    ("(9223372036854775807)", "bigint", A.INTEGER),
    ("(1+2*3-7/2)", "bigint", A.INTEGER),
    ("(-7 % 3)", "bigint", A.INTEGER),
    ("(1 << 4 | 3)", "bigint", A.INTEGER),
    ("(-(5))", "bigint", A.INTEGER),
    ("NULL", "bigint", A.INTEGER),
    ("(1/0)", "bigint", A.INTEGER),
    ("1", "text", A.TEXT),
    ("1.50", "text", A.TEXT),
    ("-0.5", "text", A.TEXT),
    ("0", "text", A.NUMERIC),
    ("'it''s'", "text", A.TEXT),
    ("'a\\b'", "text", A.TEXT),
    ('"draft"', "text", A.TEXT),
    ("draft", "text", A.TEXT),
    ("[some draft]", "text", A.TEXT),
    ("('a'||'b')", "text", A.TEXT),
    ("('a' || 1 || 'É')", "text", A.TEXT),
    ("(lower('ÀB') || upper('é'))", "text", A.TEXT),
    ("('null')", "text", A.TEXT),
    ("''", "text", A.TEXT),
    ("'2020-01-01'", "date", A.NUMERIC),
    ("'23:59:59'", "time", A.NUMERIC),
    ("'2020-02-29 12:34:56'", "timestamp", A.NUMERIC),
    ("'2020-02-29T12:34:56.789000'", "timestamp", A.NUMERIC),
    ("'2020-02-29T12:34:56Z'", "timestamptz", A.NUMERIC),
    ("'2020-02-29 12:34:56'", "timestamptz", A.NUMERIC),
    ("1.5", "double precision", A.REAL),
    ("1", "double precision", A.REAL),
    ("-1e-300", "double precision", A.REAL),
    ("9e999", "double precision", A.REAL),
    ("1.5", "numeric", A.NUMERIC),
    ("1e-7", "numeric", A.NUMERIC),
    ("0", "numeric(10,2)", A.NUMERIC),
    ("9.99", "numeric(4,2)", A.NUMERIC),
    ("x'00ff'", "bytea", A.BLOB),
    ("'0a1b2c3d-4e5f-4a6b-8c7d-0123456789ab'", "uuid", A.TEXT),
    ("'{}'", "json", A.TEXT),
    ("'[1, 2]'", "jsonb", A.TEXT),
    ("(json_array())", "json", A.TEXT),
    ("(coalesce(NULL, 'x'))", "text", A.TEXT),
    ("(CASE WHEN 1 THEN 'a' ELSE 'b' END)", "text", A.TEXT),
    ("(1=1)", "boolean", A.NUMERIC),
]


@pytest.mark.parametrize(("text", "sql_type", "affinity"), CONSTANTS)
def test_p51_a_constant_default_is_what_sqlite_stores(
    post: psycopg.Connection[Any], text: str, sql_type: str, affinity: A
) -> None:
    found = expressions.default(text, sql_type, affinity)
    assert found.sql is not None, found.reason
    value = in_postgres(post, found.sql, sql_type, as_text=sql_type in {"uuid", "json", "jsonb"})
    assert same(in_sqlite(text, affinity), value)


@pytest.mark.parametrize(
    ("text", "sql_type", "wrong"),
    [("'now'", "timestamp", "'now'"), ('"draft"', "text", "'DRAFT'"), ("(7/2)", "bigint", "4"), ("1.0", "text", "'1'")],
)
def test_the_comparison_finds_a_wrong_default(
    post: psycopg.Connection[Any], text: str, sql_type: str, wrong: str
) -> None:
    """The plants: what a copied or a guessed default would be."""
    affinity = A.TEXT if sql_type == "text" else A.NUMERIC
    assert not same(in_sqlite(text, affinity), in_postgres(post, wrong, sql_type))


REFUSED = [
    ("'abc'", "bigint", A.INTEGER),
    ("''", "bigint", A.INTEGER),
    ("''", "timestamp", A.NUMERIC),
    ("'now'", "timestamp", A.NUMERIC),
    ("'today'", "date", A.NUMERIC),
    ("'infinity'", "timestamp", A.NUMERIC),
    ("'2020-02-30'", "date", A.NUMERIC),
    ("'0000-00-00'", "date", A.NUMERIC),
    ("'01/02/2024'", "date", A.NUMERIC),
    ("'24:00:00'", "time", A.NUMERIC),
    ("'2020-01-01T00:00:00+05:30'", "timestamptz", A.NUMERIC),
    ("'2020-01-01T00:00:00Z'", "timestamp", A.NUMERIC),
    ("0", "timestamp", A.NUMERIC),
    ("1.5", "bigint", A.INTEGER),
    ("9223372036854775808", "bigint", A.INTEGER),
    ("40000", "smallint", A.INTEGER),
    ("2", "boolean", A.NUMERIC),
    ("'maybe'", "boolean", A.NUMERIC),
    ("'nan'", "double precision", A.REAL),
    ("'Infinity'", "numeric", A.NUMERIC),
    ("9e999", "numeric", A.NUMERIC),
    ("999", "numeric(4,2)", A.NUMERIC),
    ("1e100", "text", A.TEXT),
    ("'text'", "bytea", A.BLOB),
    ("x'00'", "text", A.TEXT),
    ("'not-a-uuid'", "uuid", A.TEXT),
    ("'0A1B2C3D-4E5F-4A6B-8C7D-0123456789AB'", "uuid", A.TEXT),
    ("'{'", "json", A.TEXT),
    ("'NaN'", "json", A.TEXT),
    ("'[1]'", "vector(2)", A.TEXT),
    ("'x'", "tsvector", A.TEXT),
    ("(datetime('now','localtime'))", "text", A.TEXT),
    ("(datetime('now','+1 month'))", "text", A.TEXT),
    ("(datetime(0,'unixepoch'))", "text", A.TEXT),
    ("(strftime('%W','now'))", "text", A.TEXT),
    ("(strftime('%Y','now'))", "text", A.NUMERIC),
    ("CURRENT_TIMESTAMP", "bigint", A.INTEGER),
    ("CURRENT_TIMESTAMP", "date", A.NUMERIC),
    ("(unixepoch('subsec'))", "bigint", A.INTEGER),
    ("(random())", "integer", A.INTEGER),
    ("(randomblob(100000))", "bytea", A.BLOB),
    ("(printf('%d', 1))", "text", A.TEXT),
    ("(sqlite_version())", "text", A.TEXT),
    ("(round(1.5))", "bigint", A.INTEGER),
    ("(my_function())", "text", A.TEXT),
    ("", "text", A.TEXT),
    ("(", "text", A.TEXT),
]


@pytest.mark.parametrize(("text", "sql_type", "affinity"), REFUSED)
def test_p51_a_default_that_does_not_fit_is_refused_with_a_reason(text: str, sql_type: str, affinity: A) -> None:
    found = expressions.default(text, sql_type, affinity)
    assert found.sql is None
    assert found.reason


CLOCKS = [
    ("CURRENT_TIMESTAMP", "text", "%Y-%m-%d %H:%M:%S"),
    ("current_date", "text", "%Y-%m-%d"),
    ("CURRENT_TIME", "text", "%H:%M:%S"),
    ("(datetime('now'))", "text", "%Y-%m-%d %H:%M:%S"),
    ("(datetime())", "text", "%Y-%m-%d %H:%M:%S"),
    ("(datetime('now', '+7 days'))", "text", "%Y-%m-%d %H:%M:%S"),
    ("(datetime('NOW', '-1 Hour', 'start of day'))", "text", "%Y-%m-%d %H:%M:%S"),
    ("(date('now', 'start of month', '+10 days'))", "text", "%Y-%m-%d"),
    ("(datetime('now', 'subsec'))", "text", "%Y-%m-%d %H:%M:%S.%f"),
    ("(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))", "text", "%Y-%m-%dT%H:%M:%S.%fZ"),
    ("(strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))", "text", "%Y-%m-%dT%H:%M:%SZ"),
    ("(strftime('on \"%d\".%m, 100%% at %H h \\', 'now'))", "text", None),
    ("(strftime('%F %T', 'now'))", "text", "%Y-%m-%d %H:%M:%S"),
    ("(strftime('%j %R', 'now'))", "text", "%j %H:%M"),
    ("(strftime('%s', 'now'))", "text", None),
    ("CURRENT_TIMESTAMP", "timestamp", "%Y-%m-%d %H:%M:%S"),
    ("CURRENT_TIMESTAMP", "timestamptz", "%Y-%m-%d %H:%M:%S"),
    ("(strftime('%Y-%m-%d %H:%M:%f', 'now'))", "timestamp", "%Y-%m-%d %H:%M:%S.%f"),
    ("(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))", "timestamptz", "%Y-%m-%dT%H:%M:%S.%fZ"),
    ("(date('now'))", "timestamp", "%Y-%m-%d"),
    ("CURRENT_DATE", "date", "%Y-%m-%d"),
    ("CURRENT_TIME", "time", "%H:%M:%S"),
    ("(unixepoch())", "bigint", None),
    ("(unixepoch('now', '+1 day'))", "bigint", None),
    ("(strftime('%s', 'now'))", "bigint", None),
    ("(CAST(strftime('%s', 'now') AS INT))", "integer", None),
    ("(unixepoch() * 1000)", "bigint", None),
    ("(strftime('%s', 'now') * 1000)", "bigint", None),
    ("(cast((julianday('now') - 2440587.5)*86400000 as integer))", "bigint", None),
    ("(julianday('now'))", "double precision", None),
    ("(unixepoch())", "timestamptz", None),
]


@pytest.mark.parametrize(("text", "sql_type", "layout"), CLOCKS)
def test_p51_a_clock_default_tells_the_same_time(
    post: psycopg.Connection[Any], text: str, sql_type: str, layout: str | None
) -> None:
    """Between two readings of SQLite's clock, before and after, whatever the zone of the session."""
    affinity = {"text": A.TEXT, "bigint": A.INTEGER, "integer": A.INTEGER, "double precision": A.REAL}.get(
        sql_type, A.NUMERIC
    )
    found = expressions.default(text, sql_type, affinity)
    assert found.sql is not None, found.reason
    for zone in ("UTC", "America/New_York", "Asia/Kathmandu"):
        post.execute(f"SET timezone TO '{zone}'")
        before = in_sqlite(text, affinity)
        value = in_postgres(post, found.sql, sql_type)
        after = in_sqlite(text, affinity)
        assert _written(before, layout) <= _told(value, before) <= _written(after, layout) or before > after


def _written(stored: Any, layout: str | None) -> Any:
    """A reading of SQLite's clock as what can be compared with PostgreSQL's."""
    return datetime.datetime.strptime(stored, layout) if layout else stored


def _told(value: Any, like: Any) -> Any:
    match value:
        case datetime.datetime() if isinstance(like, int):
            return int(value.timestamp())
        case datetime.datetime():
            return value.astimezone(datetime.UTC).replace(tzinfo=None) if value.tzinfo else value
        case datetime.date():
            return datetime.datetime.combine(value, datetime.time())
        case datetime.time():
            return datetime.datetime.combine(datetime.date(1900, 1, 1), value)
        case str():
            for layout in {layout for _, sql_type, layout in CLOCKS if sql_type == "text" and layout}:
                try:
                    read = datetime.datetime.strptime(value, layout)
                except ValueError:
                    continue
                if len(value) == len(like):
                    return read
    return value


def test_p51_one_statement_has_one_time_and_the_next_a_later_one(post: psycopg.Connection[Any]) -> None:
    """As in SQLite; now() would stand still in a transaction, clock_timestamp() run on in a statement."""
    found = expressions.default("(strftime('%Y-%m-%d %H:%M:%f', 'now'))", "text", A.TEXT)
    assert found.sql is not None
    fine = found.sql.replace("milliseconds", "microseconds").replace("SS.MS", "SS.US")
    with post.transaction(force_rollback=True):
        post.execute(f"CREATE TABLE stamps (x bigint, at text DEFAULT {fine})")
        post.execute("INSERT INTO stamps (x) SELECT generate_series(1, 2000)")
        post.execute("INSERT INTO stamps (x) SELECT 0")
        times = post.execute("SELECT min(at) FILTER (WHERE x = 0), min(at), count(DISTINCT at) FROM stamps").fetchone()
    assert times is not None
    assert times[0] > times[1]
    assert times[2] == 2


_V4 = (
    "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)),2) || '-' ||"
    " substr('89ab',abs(random()) % 4 + 1, 1) || substr(hex(randomblob(2)),2) || '-' || hex(randomblob(6)))"
)
RANDOM = [
    ("(lower(hex(randomblob(16))))", "text", "[0-9a-f]{32}"),
    ("(hex(randomblob(4)))", "text", "[0-9A-F]{8}"),
    ("(lower(hex(randomblob(20))))", "text", "[0-9a-f]{40}"),
    ("('u_' || lower(hex(randomblob(40))))", "text", "u_[0-9a-f]{80}"),
    (f"({_V4})", "text", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    (f"({_V4.replace('lower', 'upper')})", "text", "[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}"),
    (f"({_V4})", "uuid", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    ("(substr(hex(randomblob(8)), 1, 5))", "text", "[0-9A-F]{5}"),
    ("((abs(random()) % 10) || 'x')", "text", "[0-9]x"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sql_type", "shape"), RANDOM)
def test_p51_a_random_text_keeps_its_shape(post: psycopg.Connection[Any], text: str, sql_type: str, shape: str) -> None:
    found = expressions.default(text, sql_type, A.TEXT)
    assert found.sql is not None, found.reason
    with post.transaction(force_rollback=True):
        post.execute(f"CREATE TABLE chances (x bigint, v {sql_type} DEFAULT {found.sql})")
        post.execute("INSERT INTO chances (x) SELECT generate_series(1, 300)")
        values = [row[0] for row in post.execute("SELECT v::text FROM chances")]
    assert re.fullmatch(shape, in_sqlite(text, A.TEXT))
    assert all(re.fullmatch(shape, value) for value in values)
    assert len(set(values)) > 290 or "% 10" in text
    for place in range(len(values[0])):  # every place takes every character that it takes in SQLite
        theirs = {in_sqlite(text, A.TEXT)[place] for _ in range(6)}
        assert theirs <= {value[place] for value in values}


def test_p51_random_numbers_cover_the_same_range(post: psycopg.Connection[Any]) -> None:
    for text, low, high in [
        ("(random())", -(2**63), 2**63 - 1),
        ("(abs(random()))", 0, 2**63 - 1),
        ("(abs(random()) % 6)", 0, 5),
    ]:
        found = expressions.default(text, "bigint", A.INTEGER)
        assert found.sql is not None
        values = [row[0] for row in post.execute(f"SELECT {found.sql} FROM generate_series(1, 400)")]
        span = high - low
        assert low <= min(values) <= low + span // 16
        assert high - span // 16 <= max(values) <= high
    blob = expressions.default("(randomblob(16))", "bytea", A.BLOB)
    assert blob.sql is not None
    assert len(in_postgres(post, blob.sql, "bytea")) == 16


def test_the_one_way_to_a_uuid_is_postgresqls_own() -> None:
    assert expressions.default(f"({_V4})", "text", A.TEXT) == translation.Translation("gen_random_uuid()::text")
    assert expressions.default("(lower(hex(randomblob(16))))", "uuid", A.TEXT).sql == "gen_random_uuid()"
    assert expressions.default("(lower(hex(randomblob(8))))", "uuid", A.TEXT).sql is None


def test_an_epoch_in_four_bytes_has_a_caveat() -> None:
    assert "2038" in expressions.default("(unixepoch())", "integer", A.INTEGER).caveat
    assert not expressions.default("(unixepoch())", "bigint", A.INTEGER).caveat


# Constants at random, for every affinity and type.

LITERALS = st.sampled_from(
    [
        "0",
        "1",
        "-1",
        "5.0",
        "0.1",
        "1e3",
        "1e20",
        "9223372036854775807",
        "9223372036854775808",
        "0xFF",
        "'1'",
        "' 2 '",
        "'2.50'",
        "'1e2'",
        "'x'",
        "''",
        "'+3'",
        "'0x10'",
        "'.5'",
        "'5.'",
        "'1_0'",
        "x'61'",
        "NULL",
        "TRUE",
        "'2020-01-01'",
        "'{}'",
        "'nan'",
        "'é'",
    ]
)
OPERATORS = st.sampled_from(["+", "-", "*", "/", "%", "||", "&", "|", "<<", ">>", "=", "<", "IS"])
CONSTANT = st.recursive(
    LITERALS,
    lambda inner: st.one_of(
        st.tuples(inner, OPERATORS, inner).map(lambda found: f"({' '.join(found)})"),
        inner.map(lambda found: f"(-{found})"),
        inner.map(lambda found: f"upper({found})"),
        st.tuples(inner, inner).map(lambda found: f"coalesce({', '.join(found)})"),
        inner.map(lambda found: f"length({found})"),
        inner.map(lambda found: f"CAST({found} AS INTEGER)"),
    ),
    max_leaves=4,
).map(lambda text: f"({text})")
TYPES = st.sampled_from(
    ["bigint", "integer", "smallint", "boolean", "double precision", "numeric", "text", "bytea", "date", "json"]
)


@settings(max_examples=800, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(CONSTANT, TYPES, st.sampled_from(list(A)))
def test_random_constants_arrive_as_themselves_or_not_at_all(
    post: psycopg.Connection[Any], text: str, sql_type: str, affinity: A
) -> None:
    found = expressions.default(text, sql_type, affinity)
    assume(found.sql is not None)
    try:
        stored = in_sqlite(text, affinity)
    except apsw.SQLError:
        assume(False)
    try:
        row = post.execute(f"SELECT (({found.sql})::{sql_type}){'::text' if sql_type == 'json' else ''}").fetchone()
    except psycopg.errors.NumericValueOutOfRange:
        assert arithmetic.INTEGER_OVERFLOW in found.caveat  # SQLite goes on with a real, which is said
        return
    assert row is not None
    if sql_type == "double precision" and affinity is not A.REAL:
        assert float(stored) == row[0] if stored is not None else row[0] is None
    else:
        assert same(stored, row[0]) or (stored is None and row[0] is None)
