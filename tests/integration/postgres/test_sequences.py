"""Sequences of identity columns end up behind every id that was ever given, and never go back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outgrow import codec
from outgrow.postgres import sequences
from support import live_target
from support.live_target import Target, column, numbers, table

HOSTILE = "S\"e'q %s é"


@pytest.fixture
def target(any_postgres: str) -> Iterator[Target]:
    """Tables with an identity (empty, with rows, with negative ids, a rowid's, with a hostile name) and one without."""
    bare = table("bare", [column("k", not_null=True)], key=["k"])
    hostile = table(HOSTILE, [column(HOSTILE, codec.Bigint(), not_null=True, identity=True)], key=[HOSTILE])
    tables = numbers("empty"), numbers("full"), numbers("negative"), table("rowids", [column("a")]), hostile, bare
    with live_target.make(any_postgres, *tables, schema="app") as made:
        made.open()
        with made.connect() as session:
            session.execute("SET search_path = app")
            session.execute('INSERT INTO "full" VALUES (7), (3)')
            session.execute("INSERT INTO negative VALUES (-5)")
            session.execute("INSERT INTO rowids VALUES (2, 'a')")
        yield made


def following(target: Target, name: str, identity: str = "id") -> int:
    """The id that PostgreSQL gives next."""
    row = target.session.execute(
        "SELECT nextval(pg_get_serial_sequence(%s, %s))", [f'app."{name.replace(chr(34), chr(34) * 2)}"', identity]
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_they_follow_the_highest_id_there_or_ever_given(target: Target) -> None:
    """Whichever is higher; without either they begin at 1."""
    sequences.Sequences(target.session, target.plan).advance(
        {"full": 5, "rowids": 40, HOSTILE: 9, "bare": 3, "nowhere": 2}
    )
    assert following(target, "full") == 8
    assert following(target, "rowids", "rowid") == 41
    assert following(target, HOSTILE, HOSTILE) == 10
    assert following(target, "empty") == 1
    assert following(target, "negative") == 1


def test_they_never_go_back(target: Target) -> None:
    """Ids that PostgreSQL gave and whose rows are gone are given, too."""
    sequences.Sequences(target.session, target.plan).advance({"full": 100})
    with target.connect() as session:
        session.execute('DELETE FROM app."full"')
    sequences.Sequences(target.session, target.plan).advance({})
    assert following(target, "full") == 101
    sequences.Sequences(target.session, target.plan).advance({"full": 50})
    assert following(target, "full") == 102


def test_what_was_written_since_is_looked_at_again(target: Target) -> None:
    """A table that got rows, and one of which a higher id is told; all others are left alone."""
    held = sequences.Sequences(target.session, target.plan)
    held.advance({"full": 9})
    with target.connect() as session:
        session.execute('INSERT INTO app."full" VALUES (20); INSERT INTO app.empty VALUES (30)')
    held.wrote(["full", "bare"])
    held.advance({"full": 9, "rowids": 40})
    assert following(target, "full") == 21
    assert following(target, "rowids", "rowid") == 41
    assert following(target, "empty") == 1
    held.advance({"full": 9, "rowids": 50})
    assert following(target, "rowids", "rowid") == 51


def test_the_last_id_can_be_the_very_last(target: Target) -> None:
    """Then there is no next one, and that is the application's to meet."""
    sequences.Sequences(target.session, target.plan).advance({"full": 2**63 - 1})
    assert sequences.last(target.session, target.plan)["full"] == 2**63 - 1


def test_the_highest_ids_are_told_for_the_way_back(target: Target) -> None:
    """Of every identity that ever gave one or holds one."""
    assert sequences.last(target.session, target.plan) == {"full": 7, "negative": -5, "rowids": 2}
    with target.connect() as session:
        session.execute('INSERT INTO app.empty (n) VALUES (1), (2); DELETE FROM app.empty; DELETE FROM app."full"')
    assert sequences.last(target.session, target.plan) == {"empty": 2, "negative": -5, "rowids": 2}
