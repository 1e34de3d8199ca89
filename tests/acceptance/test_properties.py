"""Random schemas full of nasty values: every row arrives as it was, or is kept aside with its exact values.

More examples than usual: OUTGROW_EXAMPLES=2000.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from outgrow import errors, migration
from outgrow.migration import copying
from outgrow.postgres import embedded
from outgrow.sqlite import reader
from outgrow.verify import compare
from support import engine, servers, strategies

EXAMPLES = int(os.environ.get("OUTGROW_EXAMPLES", "40"))

modest = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Chunks, groups and spans of a few rows, so that their bounds fall among the nasty keys."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "CHUNK_ROWS", 7)
        patch.setattr(reader, "_GROUP_ROWS", 3)
        patch.setattr(compare, "_SPAN_ROWS", 5)
        patch.setattr(compare, "_NARROW_ROWS", 2)
        yield


@pytest.fixture(scope="module")
def database(server: embedded.EmbeddedServer) -> Iterator[str]:
    """One database for all examples; each empties it first."""
    with servers.database(server) as dsn:
        yield dsn


def _refused(path: Path) -> str | None:
    """Why no plan can be made, None if it can."""
    try:
        migration.make_plan(path)
    except errors.SchemaRefused as refusal:
        return str(refusal)
    return None


@modest
@hypothesis.given(drawn=strategies.databases())
def test_whatever_sqlite_holds_arrives_or_is_kept_aside(database: str, drawn: strategies.Database) -> None:
    """Engine and checker agree; only a table without anything to name its rows by may be refused."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "random.db"
        taken = strategies.build(path, drawn)
        if (reason := _refused(path)) is not None:
            hypothesis.event("refused")
            assert reason.startswith("Nothing identifies the rows of table ")
            return
        judged = engine.copy(path, engine.emptied(database))
        hypothesis.event(judged.outcome)
        assert judged.report.rows + judged.report.quarantined == sum(taken.values())
        assert set(judged.check.present) == set(taken)


@hypothesis.settings(modest, max_examples=max(EXAMPLES // 4, 10))
@hypothesis.given(drawn=strategies.databases(max_rows=4))
def test_the_same_file_gives_the_same_plan(drawn: strategies.Database) -> None:
    """Byte for byte."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "random.db"
        strategies.build(path, drawn)
        hypothesis.assume(_refused(path) is None)
        assert len({migration.make_plan(path).text for _ in range(2)}) == 1


@hypothesis.settings(modest, max_examples=max(EXAMPLES // 2, 10))
@hypothesis.given(
    drawn=st.lists(
        st.tuples(*[strategies.values()] * 4).filter(lambda row: row[0] is not None), min_size=1, max_size=30
    ),
    declared=st.tuples(*[strategies.declared_types()] * 4),
)
def test_a_key_of_any_type_finds_its_rows(
    database: str, drawn: list[tuple[strategies.Value, ...]], declared: tuple[str, ...]
) -> None:
    """Rows of every class under a primary key of every declared type, with the rowid and without."""
    columns = tuple(strategies.Column(name=name, declared=kind) for name, kind in zip("abcd", declared, strict=True))
    tables = tuple(
        strategies.Table(name=f"t{number}", columns=columns, primary_key=key, without_rowid=False, rows=tuple(drawn))
        for number, key in enumerate([("a",), ("b", "a"), ("d", "c")])
    )
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "random.db"
        taken = strategies.build(path, strategies.Database(tables=tables))
        judged = engine.copy(path, engine.emptied(database))
        assert judged.report.rows + judged.report.quarantined == sum(taken.values())
