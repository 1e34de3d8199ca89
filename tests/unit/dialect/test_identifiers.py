"""Names that PostgreSQL can have, and names as they are in both databases."""

from __future__ import annotations

from typing import Any

import apsw
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outgrow import errors
from outgrow.dialect import identifiers

NAMES = st.one_of(
    st.text(max_size=80),
    st.text(alphabet='aA"`[]é€😀 ', max_size=70),
    st.sampled_from(sorted(identifiers.SYSTEM_COLUMNS)),
)


@pytest.mark.parametrize(
    "name", ["a", "Users", "user", 'a"b', "é" * 31, "x" * 63, " ", "%s", "a.b", "XMIN", "oid", "order", "\\"]
)
def test_p61_a_name_that_fits_is_kept_as_it_is(name: str) -> None:
    assert identifiers.fit(name) == name


def test_p60_a_long_name_ends_in_a_hash_and_no_character_is_cut() -> None:
    first, second = identifiers.fit("é" * 40), identifiers.fit("é" * 41)
    assert first.startswith("é" * 27 + "_")
    assert first != second
    assert len(first.encode()) <= 63
    assert first == identifiers.fit("é" * 40)


@pytest.mark.parametrize("name", sorted(identifiers.SYSTEM_COLUMNS))
def test_p62_a_system_column_gets_another_name(name: str) -> None:
    assert identifiers.fit(name) == f"{name}_"
    assert identifiers.fit(name, {f"{name}_"}) not in {name, f"{name}_"}


def test_p62_the_empty_name_and_odd_characters_get_a_name() -> None:
    assert identifiers.fit("").startswith("unnamed_")
    assert identifiers.fit("a\0b").startswith("a_b_")
    assert identifiers.fit("a\0b") != identifiers.fit("a\0\0b")
    assert identifiers.fit("\ud800").startswith("_")


def test_a_taken_name_is_given_to_nobody_else() -> None:
    taken: set[str] = set()
    for _ in range(5):
        taken.add(identifiers.fit("same", taken))
    assert len(taken) == 5
    assert identifiers.fit("Same", taken) == "Same"


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_a_name_that_postgresql_cannot_have_is_not_quoted(name: str) -> None:
    with pytest.raises(errors.Internal):
        identifiers.quote(name)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(NAMES, min_size=1, max_size=6, unique=True))
def test_fitted_names_are_columns_in_postgresql(post: psycopg.Connection[Any], names: list[str]) -> None:
    taken: list[str] = []
    for name in names:
        taken.append(identifiers.fit(name, set(taken)))
    assert len(set(taken)) == len(names)
    with post.transaction(force_rollback=True):
        post.execute(f"CREATE TABLE named ({', '.join(identifiers.quote(name) + ' text' for name in taken)})")
        found = post.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'named'::regclass AND attnum > 0 ORDER BY attnum"
        )
        assert [row[0] for row in found] == taken


@settings(max_examples=200, deadline=None, derandomize=True)
@given(NAMES.filter(lambda name: "\0" not in name and name.isprintable()))
def test_quoted_names_are_themselves_in_sqlite(name: str) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute(f"CREATE TABLE t({identifiers.quote_sqlite(name)})")
    assert next(connection.execute("SELECT name FROM pragma_table_info('t')"))[0] == name
