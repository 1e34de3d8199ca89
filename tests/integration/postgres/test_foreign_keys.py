"""Foreign keys of a live target come with the preparation of a switch and go when it follows again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import psycopg
import pytest

from outgrow import workers
from outgrow.model import event, plan
from outgrow.postgres import foreign_keys, state, steps
from support import live_target
from support.live_target import Target, numbers


@pytest.fixture
def target(any_postgres: str) -> Iterator[Target]:
    """A primary without foreign keys yet: a table that refers to itself, and one that refers to it; one row is an orphan."""
    itself = plan.ConstraintPlan(
        name="self's", definition='FOREIGN KEY ("n") REFERENCES "public"."t" ("id")', parent="t"
    )
    other = plan.ConstraintPlan(
        name="parent", definition='FOREIGN KEY ("n") REFERENCES "public"."t" ("id") ON DELETE CASCADE', parent="t"
    )
    tables = numbers(foreign_keys=(itself,)), numbers("other", foreign_keys=(other,))
    with live_target.make(any_postgres, *tables) as made:
        made.open()
        with made.connect() as session:
            session.execute("INSERT INTO t VALUES (1, '', NULL), (2, '', 1)")
            session.execute("INSERT INTO other VALUES (1, '', 1), (2, 'orphan', 77)")
        yield made


def there(target: Target) -> list[tuple[str, bool]]:
    """The foreign keys and whether they are validated."""
    return target.session.execute(
        "SELECT conname, convalidated FROM pg_constraint WHERE contype = 'f' ORDER BY 1"
    ).fetchall()


def test_they_are_added_without_a_look_at_the_rows_and_checked_for_new_ones(target: Target) -> None:
    """In one transaction, which may be undone; adding twice is no error."""
    with target.session.transaction(force_rollback=True):
        foreign_keys.add(target.session, target.plan)
        assert there(target) == [("parent", False), ("self's", False)]
    assert there(target) == []
    foreign_keys.add(target.session, target.plan)
    foreign_keys.add(target.session, target.plan)
    with target.connect() as session, pytest.raises(psycopg.errors.ForeignKeyViolation):
        session.execute("INSERT INTO other VALUES (3, '', 78)")


def test_they_are_validated_one_by_one_and_what_rows_break_is_noted(target: Target) -> None:
    """In each epoch anew, because the steps of an earlier one are done for good."""
    foreign_keys.add(target.session, target.plan)
    run = state.State(target.session).migration().run
    for epoch in (1, 3):
        steps.run(
            [target.session],
            foreign_keys.validation_steps(target.plan, epoch),
            run_id=run,
            stop=workers.Stop(),
            interrupt=lambda: None,
            sink=event.ignore,
        )
        assert there(target) == [("parent", False), ("self's", True)]
        notes = state.State(target.session).steps()
        assert notes[f"validation of self's of t in epoch {epoch}"] == ""
        assert "77" in notes[f"validation of parent of other in epoch {epoch}"]
        foreign_keys.drop(target.session, target.plan)
        assert there(target) == []
        foreign_keys.add(target.session, target.plan)


def test_dropping_leaves_constraints_of_others_alone(target: Target) -> None:
    """Those of the plan are dropped, as far as they are there, also of a table that is gone."""
    with target.connect() as session:
        session.execute("CREATE TABLE theirs (i bigint REFERENCES t)")
    foreign_keys.add(target.session, target.plan)
    target.session.execute("ALTER TABLE other DROP CONSTRAINT parent")
    foreign_keys.drop(target.session, target.plan)
    assert [name for name, _ in there(target)] == ["theirs_i_fkey"]
    none = dataclasses.replace(target.plan, tables=())
    foreign_keys.add(target.session, none)
    foreign_keys.drop(target.session, none)
