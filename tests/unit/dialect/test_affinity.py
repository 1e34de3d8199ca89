"""Affinities as SQLite itself decides them."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from outgrow.dialect import affinity
from outgrow.model import schema

DECLARED = st.text(alphabet="abcdefilnoprtuxyzABCDEFILNOPRTUXYZ ıİſ", max_size=12) | st.lists(
    st.sampled_from(["INT", "char", "CLOB", "text", "Blob", "REAL", "floa", "DOUB", "x", "dec"]), max_size=3
).map(" ".join)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(DECLARED)
def test_p55_affinity_is_what_sqlite_does(declared: str) -> None:
    """Two values tell all five affinities apart."""
    connection = apsw.Connection(":memory:")
    try:
        connection.execute(f"CREATE TABLE t(a {declared})")
    except apsw.SQLError:
        assume(False)
    connection.execute("INSERT INTO t VALUES ('1'), (1.0), (1), ('1.5')")
    seen = tuple(row[0] for row in connection.execute("SELECT typeof(a) FROM t"))
    wanted = {
        ("text", "text", "text", "text"): {schema.Affinity.TEXT},
        ("text", "real", "integer", "text"): {schema.Affinity.BLOB},
        ("real", "real", "real", "real"): {schema.Affinity.REAL},
        ("integer", "integer", "integer", "real"): {schema.Affinity.INTEGER, schema.Affinity.NUMERIC},
    }[seen]
    reported = connection.execute("SELECT type FROM pragma_table_xinfo('t')").get
    assert affinity.affinity(reported) in wanted


@pytest.mark.parametrize(
    ("declared", "wanted"),
    [
        ("FLOATING POINT", "integer"),
        ("BLOB SUB_TYPE TEXT", "text"),
        ("INTEGER NON", "integer"),
        ("", "blob"),
        ("DATETIME", "numeric"),
        ("STRING", "numeric"),
        ("double precision", "real"),
        ("CHARINT", "integer"),
        ("ANY", "numeric"),
        ("poınt", "numeric"),
    ],
)
def test_p55_affinity_is_a_search_for_substrings(declared: str, wanted: str) -> None:
    assert affinity.affinity(declared) == wanted


def test_any_in_a_strict_table_stores_what_comes() -> None:
    assert affinity.affinity("ANY", strict=True) is schema.Affinity.BLOB
    assert affinity.affinity("any", strict=True) is schema.Affinity.BLOB
