"""Loading judged rows: what PostgreSQL refuses goes to the quarantine, all of it in the caller's transaction."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from outgrow.model import plan, store
from outgrow.postgres import connection, loader, sql_table, state

COLUMN = plan.ColumnPlan(
    source="",
    target="",
    declared="",
    codec={"type": "bigint"},
    sql_type="bigint",
    not_null=False,
    reason="",
    evidence="",
)
TABLE = plan.TablePlan(
    source="t",
    target="t",
    columns=(
        dataclasses.replace(COLUMN, source="id", target="id"),
        dataclasses.replace(COLUMN, source="ctid", target="ctid_"),
    ),
    key=("id",),
)


@dataclass(frozen=True)
class Line:
    """A row of two texts; one whose second is empty does not fit."""

    number: int
    text: str

    @property
    def line(self) -> bytes | None:
        """The COPY line."""
        return f"{self.number}\x1f{self.text}".encode() if self.text else None

    def misfit(self, *, why: str = "") -> store.Misfit:
        """The row for the quarantine."""
        return store.Misfit(key=str(self.number), record="{}", column="" if why else "ctid", reason=why or "empty")


@pytest.fixture
def session(any_postgres: str) -> Iterator[connection.Session]:
    """A session where the table and the state are there."""
    with connection.connect(any_postgres, purpose="test", autocommit=True) as opened:
        opened.execute("CREATE TABLE public.t (id bigint, ctid_ bigint)")
        with opened.transaction():
            state.State(opened).begin(
                source="a.db", target_schema="public", plan="{}", fingerprint="{}", chunk_rows=1, version="0"
            )
        yield opened


def load(session: connection.Session, *lines: Line) -> loader.Loaded:
    """Load the rows, within the transaction at hand."""
    return loader.load(session, TABLE, sql_table.TableSql("public", TABLE), "NULL", iter(lines))


def kept(session: connection.Session) -> list[tuple[str, str, str]]:
    """What is in quarantine, in the order in which it came there."""
    return session.execute("SELECT key, column_name, reason FROM outgrow.quarantine ORDER BY id").fetchall()


def test_a_refused_row_names_the_column_of_the_file(session: connection.Session) -> None:
    """PostgreSQL speaks of its own column; the quarantine of the one that the row came from."""
    with session.transaction():
        loaded = load(session, Line(1, "5"), Line(2, "five"), Line(3, ""))
    assert (loaded.rows, loaded.quarantined) == (1, 2)
    assert sorted(kept(session)) == [
        ("2", "ctid", 'PostgreSQL: invalid input syntax for type bigint: "five"'),
        ("3", "ctid", "empty"),
    ]


def test_the_quarantine_is_rolled_back_with_the_rows(session: connection.Session) -> None:
    """Batches that were sent already as well as the last one."""
    with session.transaction(force_rollback=True):
        load(session, Line(0, "5"), *(Line(number, "") for number in range(1, 2_500)))
        assert len(kept(session)) == 2_499
    assert kept(session) == []
    assert session.execute("SELECT count(*) FROM public.t").fetchone() == (0,)


def test_rows_are_kept_in_their_order(session: connection.Session) -> None:
    """Whatever number of them makes a batch."""
    with session.transaction():
        load(session, *(Line(number, "") for number in range(2_500)))
    assert [int(key) for key, _, _ in kept(session)] == list(range(2_500))
