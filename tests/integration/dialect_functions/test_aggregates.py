"""Aggregate functions give in PostgreSQL what they give in SQLite."""

from __future__ import annotations

import math

import psycopg
import pytest

from integration.dialect_functions.dialect_values import Both
from outgrow.dialect import statement, statements


@pytest.fixture(scope="module")
def rows(both: Both) -> Both:
    """Groups with values of every kind: k is 0 to 6, where 0 has no value but NULL and 1 has one row."""
    return both.with_rows(
        "g",
        {"k": "INTEGER", "i": "INTEGER", "r": "REAL", "t": "TEXT", "b": "BLOB", "f": "BOOLEAN", "n": "NUMERIC"},
        [
            (0, None, None, None, None, None, None),
            (0, None, None, None, None, None, None),
            (1, 5, 2.5, "x", b"\x01", 1, 1.5),
            (2, 1, 0.5, "b", b"", 0, 1),
            (2, 2, 0.25, "a", b"\xff", 1, 0.5),
            (2, None, None, None, None, None, None),
            (2, 2, 0.25, "B", b"a", 1, 0.5),
            (3, 2**62, 1e15, "é", b"\x00", 0, 7),
            (3, -(2**62), -1e15, "Z", b"\x00\x00", 0, -3),
            (3, 2**62, 3.0, "", b"b", 0, 10),
            (4, 2**53 + 1, 2.0**60, "12", None, 1, 2.0),
            (4, 3, 1.0, "3.5", None, None, None),
            (4, 4, 1.0, "abc", None, None, 2.5),
            (5, -1, -0.5, "a,b", b"x", 1, 0.25),
            (5, -1, -0.5, "a,b", b"x", 1, 0.25),
            (6, 0, 0.0, "7", b"0", 0, 0),
            (6, 0, 0.0, "7", b"0", 0, 0),
        ],
    )


SAME = """
count(*)
count(i)
count(t)
count(DISTINCT i)
count(DISTINCT t)
count(DISTINCT r)
count(DISTINCT n)
count(*) FILTER (WHERE i > 1)
sum(f)
sum(DISTINCT f)
sum(i) FILTER (WHERE k <> 3)
sum(r)
sum(DISTINCT r)
sum(n)
sum(n) FILTER (WHERE f)
sum(n * 2)
sum(i * n) FILTER (WHERE k <> 3)
sum(t)
sum(r * 2)
total(i)
total(r)
total(n)
total(t)
total(i) FILTER (WHERE i > 99)
avg(i)
avg(r)
avg(n)
avg(f)
avg(DISTINCT i)
min(i)
max(i)
min(r)
max(t)
min(t)
min(b)
max(b)
max(b) FILTER (WHERE f)
min(n)
max(n)
max(f)
coalesce(sum(r), 0)
coalesce(sum(n), 0)
ifnull(avg(i), 0)
round(avg(r), 1)
printf('%.2f', sum(n))
group_concat(f)
group_concat(f, '')
group_concat(i) FILTER (WHERE k = 1)
string_agg(n, '; ') FILTER (WHERE k IN (1, 6))
group_concat(r, '|') FILTER (WHERE k IN (1, 5, 6))
group_concat(t, NULL) FILTER (WHERE k IN (1, 5, 6))
group_concat(DISTINCT t) FILTER (WHERE k IN (5, 6))
json_group_array(i) FILTER (WHERE k IN (0, 1, 5, 6))
json_group_array(t) FILTER (WHERE k IN (0, 1, 5, 6))
json_group_array(json_array(f, t)) FILTER (WHERE k IN (1, 5, 6))
json_group_object(t, i) FILTER (WHERE k IN (1, 5, 6))
json_group_array(f) FILTER (WHERE 0)
"""


@pytest.mark.parametrize("expression", SAME.strip().splitlines())
def test_an_aggregate_gives_the_same(rows: Both, expression: str) -> None:
    assert rows.same_rows(f"SELECT k, {expression} FROM g GROUP BY k") == 7
    rows.same_rows(f"SELECT {expression} FROM g WHERE k < 3")
    rows.same_rows(f"SELECT {expression} FROM g WHERE k > 100")


def test_a_sum_of_integers_beyond_64_bits_is_an_error(rows: Both) -> None:
    with pytest.raises(psycopg.errors.NumericValueOutOfRange):
        rows.in_postgres("SELECT sum(i + 2305843009213693952) FROM g WHERE k = 3")
    rows.same_rows("SELECT total(i) FROM g WHERE k = 3")


def test_sums_of_reals_are_equal_up_to_the_last_digits(both: Both) -> None:
    numbers = "SELECT sum(r), avg(r), total(r) FROM vr WHERE abs(r) < 1e17 AND r <> 123456789012345678.0"
    (found,) = both.in_postgres(numbers)
    (wanted,) = both.newest.execute(numbers).fetchall()
    assert all(math.isclose(one, other, rel_tol=1e-13) for one, other in zip(found, wanted, strict=True))
    translated = statements.translate("SELECT sum(r) FROM vr", both.known, ())
    assert "last digits" in translated.caveat


@pytest.mark.parametrize(
    "expression",
    [
        "group_concat(DISTINCT r)",
        "json_group_array(k / 2 + n)",
        "json_group_array(b)",
        "sum(b)",
        "group_concat(DISTINCT t, ',')",
    ],
)
def test_what_cannot_be_exact_is_refused(rows: Both, expression: str) -> None:
    with pytest.raises(statement.Refused):
        statements.translate(f"SELECT {expression} FROM g", rows.known, ())
