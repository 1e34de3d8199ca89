"""Applying batches: each one moves the target from one state of the file to a later one, or does nothing."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from outgrow import codec, errors
from outgrow.model import plan, store
from outgrow.postgres import apply, live_state
from support import live_target, proxy
from support.live_target import Target, column, entries, lines, numbers, table

HOSTILE = "e\"x'c %s \\ {0} é$1"


@pytest.fixture
def target(any_postgres: str) -> Iterator[Target]:
    """A follower with one table."""
    with live_target.make(any_postgres, numbers()) as made:
        yield made


def changed(
    name: str = "t", *rows: tuple[Any, ...], gone: tuple[store.Key, ...] = (), **more: Any
) -> store.LineChanges:
    """Rows and keys of a table."""
    return store.LineChanges(table=name, gone=gone, **{**lines(*rows), **more})


def index(name: str, *terms: str, unique: bool = True) -> plan.IndexPlan:
    """An index."""
    return plan.IndexPlan(name=name, source=name, unique=unique, terms=terms)


def misfit(key: str, *, column_name: str = "name", **cells: tuple[str, str | None]) -> store.Misfit:
    """A row that does not fit."""
    record = {name: {"class": kind, "value": value} for name, (kind, value) in cells.items()}
    return store.Misfit(key=key, record=json.dumps(record), column=column_name, reason="because")


def position(target: Target) -> tuple[int, int, bool]:
    """Where the target is, and whether it is catching up."""
    found = live_state.read(target.session)
    return found.seq, found.token, found.catching_up


def test_rows_come_change_and_go(target: Target) -> None:
    """And the position moves with them."""
    applier = target.applier()
    applier.apply(entries(5, changed("t", (1, "a", 10), (2, None, None)), complete=False))
    assert target.rows() == [(1, "a", 10), (2, None, None)]
    assert position(target) == (5, 35, True)
    applier.apply(entries(9, changed("t", (2, "", 3), (4, "d", 4), gone=(("1",), ("77",)))))
    assert target.rows() == [(2, "", 3), (4, "d", 4)]
    assert position(target) == (9, 63, False)
    assert target.log() == []


def test_a_batch_without_rows_moves_the_position(target: Target) -> None:
    """Changes that undid each other are changes too."""
    applier = target.applier()
    applier.apply(entries(3))
    applier.apply(entries(4, changed("t", gone=(("5",),))))
    assert position(target) == (4, 28, False)


def test_many_rows_are_applied_like_one(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """In as many pieces as it takes."""
    monkeypatch.setattr(apply, "_PIECE", 1_000)
    applier = target.applier()
    rows = [(number, "x" * (number % 50), number) for number in range(1, 3_000)]
    applier.apply(entries(1, changed("t", *rows, (3_000, "y" * 5_000, 1))))
    assert target.rows() == [*rows, (3_000, "y" * 5_000, 1)]
    applier.apply(entries(2, changed("t", *[(number, None, 0) for number in range(1, 2_000)])))
    assert target.rows()[1_998:2_000] == [(1_999, None, 0), (2_000, "", 2_000)]


def test_a_line_is_split_once_and_not_for_every_column(any_postgres: str) -> None:
    """However many there are; the planner would rather put the split into each value."""
    names = [f"c{number}" for number in range(1_500)]
    wide = table("t", [column("id", codec.Bigint(), not_null=True), *map(column, names)], key=["id"])
    with live_target.make(any_postgres, wide) as target:
        applier = target.applier()
        row = (1, *(f"v{number}" for number in range(1_500)))
        applier.apply(entries(1, changed("t", row), complete=False))
        assert target.rows() == [row]
        statement = applier._tables["t"].insert_lines.replace(b"$1", b"'a'").replace(b"$2", b"'b'")  # type: ignore[attr-defined]
        plan_of_it = str(target.session.execute(b"EXPLAIN VERBOSE " + statement).fetchall())
        assert plan_of_it.count("string_to_array") == 1


def test_values_with_separators_arrive(target: Target) -> None:
    """Those rows come as texts, in any company."""
    odd = [
        ("3", "a\x1fb", "1"),
        ("4", "\x1e", None),
        ("5", "plain\t\n\\.", "2"),
        ("6", None, None),
        ("7", 'q"{},\\', "3"),
    ]
    target.applier().apply(entries(1, changed("t", (1, "a", 1), (2, "b", 2), single=odd)))
    assert target.rows() == [
        (1, "a", 1), (2, "b", 2), (3, "a\x1fb", 1), (4, "\x1e", None),
        (5, "plain\t\n\\.", 2), (6, None, None), (7, 'q"{},\\', 3),
    ]  # fmt: skip


def test_a_table_of_one_column_keeps_empty_texts(unprivileged_dsn: str) -> None:
    """Of an empty line nothing would be left, so its lines end in a separator; a row has nothing but its key."""
    with live_target.make(unprivileged_dsn, table("t", [column("k", not_null=True)], key=["k"])) as target:
        applier = target.applier()
        applier.apply(entries(1, changed("t", ("",), ("a",), single=[("b",), ("c\x1e",)])))
        applier.apply(entries(2, changed("t", ("",), single=[("",), ("a",)], gone=(("b",),))))
        assert target.rows() == [("",), ("a",), ("c\x1e",)]


def test_the_rowid_is_kept_where_it_is_the_key(unprivileged_dsn: str) -> None:
    """It comes first in the lines; a column may be called as it is."""
    one = table("t", [column("a"), column("k1")], rowid="rowid_")
    with live_target.make(unprivileged_dsn, one) as target:
        applier = target.applier()
        applier.apply(entries(1, changed("t", (7, "a", None), (8, "a", "b"))))
        applier.apply(entries(2, changed("t", (8, "", "c"), gone=(("7",),))))
        assert target.rows() == [(8, "", "c")]


def test_generated_columns_are_computed_and_identities_take_given_ids(unprivileged_dsn: str) -> None:
    """Neither is in the way of a row that comes or changes."""
    columns = [
        column("id", codec.Bigint(), not_null=True, identity=True),
        column("g", codec.Bigint(), generated="n * 2"),
        column("n", codec.Bigint()),
    ]
    with live_target.make(unprivileged_dsn, table("t", columns, key=["id"])) as target:
        applier = target.applier()
        applier.apply(entries(1, changed("t", (5, 1), (6, 2))))
        applier.apply(entries(2, changed("t", (5, 21))))
        assert target.rows() == [(5, 42, 21), (6, 4, 2)]


def test_hostile_names_are_applied(unprivileged_dsn: str) -> None:
    """Of schema, table and columns, those that the statements themselves use among them."""
    for name in ("excluded", "given", "t", "s", HOSTILE):
        columns = [column(each, not_null=each == "k1") for each in ("k1", "a", "line", "excluded", "t", HOSTILE)]
        one = table(name, columns, key=["k1"])
        with live_target.make(unprivileged_dsn, one, schema=HOSTILE + name) as target:
            applier = target.applier()
            applier.apply(entries(1, changed(name, tuple("abcdef"), tuple("uvwxyz"))))
            applier.apply(entries(2, changed(name, tuple("aBCDEF"), gone=(("u",),))))
            assert target.rows(name) == [tuple("aBCDEF")]
            target.session.execute(b"DROP SCHEMA outgrow CASCADE")


def test_a_key_of_several_columns_finds_its_row(unprivileged_dsn: str) -> None:
    """In whatever order the table has them, and with separators in it."""
    columns = [column("v"), column("b", codec.Numeric(), not_null=True), column("a", not_null=True)]
    with live_target.make(unprivileged_dsn, table("t", columns, key=["a", "b"])) as target:
        applier = target.applier()
        applier.apply(entries(1, changed("t", ("x", "1.5", "p"), ("y", "2", "p"), single=[("z", "3", "q\x1f")])))
        applier.apply(entries(2, changed("t", ("X", "1.50", "p"), gone=(("p", "2.0"), ("q\x1f", "3")))))
        assert [row[0] for row in target.rows()] == ["X"]


@pytest.mark.parametrize(
    "more",
    [{"indexes": (index("u", '"name"'),)}, {"indexes": (index("u", "lower(name)"), index("i", "n", unique=False))}],
)
def test_unique_values_change_places(any_postgres: str, more: dict[str, Any]) -> None:
    """Within one batch, in a circle and in a chain, with keys that change as well."""
    with live_target.make(any_postgres, numbers(**more)) as target:
        applier = target.applier()
        applier.apply(entries(1, changed("t", (1, "a", 1), (2, "b", 2), (3, "c", 3))))
        applier.apply(entries(2, changed("t", (1, "b", 1), (2, "c", 2), (3, "a", 3))))
        assert target.rows() == [(1, "b", 1), (2, "c", 2), (3, "a", 3)]
        applier.apply(entries(3, changed("t", (4, "b", 1), (1, "c", 1), gone=(("2",),), single=[("3", "\x1e", None)])))
        assert target.rows() == [(1, "c", 1), (3, "\x1e", None), (4, "b", 1)]


def test_a_table_whose_key_has_no_index_is_applied(unprivileged_dsn: str) -> None:
    """Its key is too wide for one; an index on hashes of it finds the rows."""
    wide = "x" * 5_000
    one = table("t", [column("k", not_null=True), column("v")], key=["k"], indexes=(index("h", 'md5("k")'),))
    with live_target.make(unprivileged_dsn, dataclasses.replace(one, primary_key=())) as target:
        applier = target.applier()
        applier.apply(entries(1, changed("t", (wide, "1"), (wide + "y", "2"), ("", "3"))))
        applier.apply(entries(2, changed("t", (wide, "4"), gone=((wide + "y",),))))
        assert target.rows() == [("", "3"), (wide, "4")]
        target.session.execute("SET enable_seqscan = off")
        how = target.session.execute(
            b"EXPLAIN " + applier._tables["t"].delete.replace(b"$1", b"ARRAY['a']")  # type: ignore[attr-defined]
        ).fetchall()
        assert "Index Scan using h" in str(how)


def test_a_position_that_somebody_else_moved_stops_the_batch(target: Target) -> None:
    """The second of two followers writes nothing, and is told where the first one is."""
    first, second = target.applier(), target.applier()
    first.apply(entries(1, changed("t", (1, "first", 1))))
    with pytest.raises(errors.TargetBusy, match="at entry 1 of epoch 0") as told:
        second.apply(entries(2, changed("t", (1, "second", 1), (2, "second", 2))))
    assert "this process believes entry 0" in told.value.why
    assert target.rows() == [(1, "first", 1)]
    assert target.session.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    first.apply(entries(2, changed("t", (1, "again", 1))))
    assert target.rows() == [(1, "again", 1)]


def test_another_entry_of_the_same_number_is_another_position(target: Target) -> None:
    """A power cut may give a number away twice; the token tells."""
    applier = target.applier()
    applier.apply(entries(1))
    target.session.execute("UPDATE outgrow.live SET token = token + 1")
    with pytest.raises(errors.TargetBusy):
        applier.apply(entries(2, changed("t", (1, "a", 1))))
    assert target.rows() == []


@pytest.mark.parametrize(
    "moved",
    [
        "UPDATE outgrow.live SET epoch = 1",
        "UPDATE outgrow.live SET epoch = 1, primary_store = 'postgres'",
        "UPDATE outgrow.live SET prepared = 1",
    ],
)
def test_a_target_that_was_switched_takes_no_batch(target: Target, moved: str) -> None:
    """Nor one that is prepared for it: its foreign keys are in force."""
    applier = target.applier()
    target.session.execute(moved.encode())
    with pytest.raises(errors.TargetBusy):
        applier.apply(entries(1, changed("t", (1, "a", 1))))
    with pytest.raises(errors.TargetBusy):
        applier._carefully(*careful(applier, entries(1, changed("t", (1, "a", 1)))))  # type: ignore[attr-defined]
    assert target.rows() == []


def careful(applier: apply.Applier, batch: store.Batch[store.LineChanges]) -> tuple[Any, Any]:
    """What `apply` gives to its careful way."""
    return applier._first(batch), [applier._sorted(changes) for changes in batch.changes]


def test_of_two_sessions_that_race_one_moves_the_position(target: Target) -> None:
    """Twenty times, at the same moment; the rows are the winner's."""
    with target.engine() as one, target.engine() as other:
        for number in range(20):
            appliers = [target.applier(one), target.applier(other)]
            together = threading.Barrier(2)
            outcomes: list[str] = []

            def race(
                mine: apply.Applier, name: str, number: int = number, outcomes: list[str] = outcomes,
                together: threading.Barrier = together,
            ) -> None:  # fmt: skip
                together.wait()
                try:
                    mine.apply(entries(number + 1, changed("t", (1, name, number))))
                except errors.TargetBusy:
                    return
                outcomes.append(name)

            threads = [threading.Thread(target=race, args=each) for each in zip(appliers, "ab", strict=True)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(outcomes) == 1
            assert target.rows() == [(1, outcomes[0], number)]


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_connection_that_breaks_at_the_commit_leaves_all_or_nothing(
    postgres_dsn: str, proxy: proxy.Proxy, lost: str
) -> None:
    """The position tells which; the next follower goes on from there."""
    with live_target.make(postgres_dsn, numbers()) as target:
        with target.engine(proxy.dsn) as session:
            applier = target.applier(session)
            for number in range(1, 8):
                applier.apply(entries(number, changed("t", (1, "old", number))))
            getattr(proxy, f"cut_{lost}")(b"COMMIT")
            with pytest.raises(psycopg.OperationalError):
                applier.apply(entries(8, changed("t", (1, "new", 8))))
            assert proxy.trapped.wait(10)
        committed = lost == "after"
        assert target.rows() == [(1, "new", 8) if committed else (1, "old", 7)]
        again = target.applier()
        assert again.position == ((8, 56) if committed else (7, 49))
        again.apply(entries(9, changed("t", (1, "newer", 9))))
        assert target.rows() == [(1, "newer", 9)]


def test_a_misfit_leaves_the_table_for_the_quarantine(target: Target) -> None:
    """And its older record there makes place for the newer one; a row that fits again makes place for itself."""
    applier = target.applier()
    applier.apply(entries(1, changed("t", (1, "a", 1), (2, "b", 2))))
    bad = misfit("1", id=("integer", "1"), name=("text", "00"), n=("integer", "1"))
    found = applier.apply(entries(2, changed("t", (2, "c", 3), misfits=[bad])))
    assert [(one.table, one.key) for one in found.refusals] == [("t", "1")]
    assert target.rows() == [(2, "c", 3)]
    assert target.quarantine() == [("t", "1", "name", "because")]
    applier.apply(entries(3, changed("t", misfits=[dataclasses.replace(bad, reason="another")], keys=["1"])))
    assert target.quarantine() == [("t", "1", "name", "another")]
    applier.apply(entries(4, changed("t", (1, "fits", 1), keys=["1", "77"])))
    assert target.quarantine() == []
    assert target.rows() == [(1, "fits", 1), (2, "c", 3)]


def test_the_key_of_a_misfit_is_found_in_its_exact_values(unprivileged_dsn: str) -> None:
    """Whatever its type; a key that does not fit itself is not at the target."""
    kinds: list[tuple[codec.Codec, str, tuple[str, str]]] = [
        (codec.Text(), "it's", ("text", b"it's".hex())),
        (codec.Bytea(), "\\x00ff", ("blob", "00ff")),
        (codec.Bytea(text=True), "\\x61", ("text", "61")),
        (codec.Double(), "0.1", ("real", "3fb999999999999a")),
        (codec.Numeric(), "0.1", ("real", "3fb999999999999a")),
        (codec.Numeric(), "12", ("integer", "12")),
        (codec.Boolean(), "1", ("integer", "1")),
        (codec.Boolean(false="no", true="yes"), "yes", ("text", b"yes".hex())),
        (codec.Timestamp(), "2024-05-06 07:08:09", ("text", b"2024-05-06 07:08:09".hex())),
    ]
    tables = [
        table(f"t{number}", [column("k", kind, not_null=True), column("v")], key=["k"])
        for number, (kind, _, _) in enumerate(kinds)
    ]
    with live_target.make(unprivileged_dsn, *tables) as target:
        applier = target.applier()
        applier.apply(entries(1, *(changed(f"t{number}", (text, "v")) for number, (_, text, _) in enumerate(kinds))))
        bad = [
            changed(f"t{number}", misfits=[misfit("'k'", column_name="v", k=exact, v=("blob", "00"))])
            for number, (_, _, exact) in enumerate(kinds)
        ]
        applier.apply(entries(2, *bad))
        for number in range(len(kinds)):
            assert target.rows(f"t{number}") == []
        key = misfit("CAST(x'6100' AS TEXT)", column_name="k", k=("text", "6100"), v=("null", None))
        applier.apply(
            entries(
                3,
                changed("t0", misfits=[key]),
                changed("t8", misfits=[misfit("'x'", column_name="v", k=("text", "78"), v=("null", None))]),
            )
        )
        assert len(target.quarantine()) == len(kinds) + 2


def test_refused_rows_go_to_the_quarantine_with_their_exact_values(any_postgres: str) -> None:
    """PostgreSQL refuses what the file's cheap look let through; all other rows of the batch arrive."""
    columns = [
        column("id", codec.Bigint(), not_null=True, identity=True),
        column("at", codec.Timestamp(separator="T")),
        column("r", codec.Double()),
        column("b", codec.Bytea()),
        column("s"),
    ]
    one = table("t", columns, key=["id"], checks=(plan.ConstraintPlan(name="c", definition="CHECK (s <> 'bad')"),))
    with live_target.make(any_postgres, one, numbers("other")) as target:
        applier = target.applier()
        good = [(number, "2024-02-28T00:00:00", "0.1", "\\x00", "é") for number in range(1, 200)]
        applier.apply(entries(1, changed("t", (77, "2020-01-01T00:00:00", None, None, "older"))))
        rows = [
            *good[:76],
            (77, "2024-02-30T00:00:00", "0.1", "\\x00", "é"),
            *good[77:150],
            (151, None, None, None, "bad"),
            *good[151:],
        ]
        found = applier.apply(
            entries(
                2,
                changed("t", *rows, single=[("300", "2024-02-31T00:00:00", None, None, "a\x1fb")]),
                changed("other", (1, "a", 1)),
            )
        )
        assert [row[0] for row in target.rows()] == [number for number in range(1, 200) if number not in (77, 151)]
        assert target.rows("other") == [(1, "a", 1)]
        assert position(target)[0] == 2
        assert [(one[1], one[2]) for one in target.quarantine()] == [("77", "at"), ("151", ""), ("300", "at")]
        assert all(one[3].startswith("PostgreSQL: ") for one in target.quarantine())
        assert [(one.table, one.key) for one in found.refusals] == [("t", "77"), ("t", "151"), ("t", "300")]
        record = target.session.execute("SELECT row FROM outgrow.quarantine WHERE key = '77'").fetchone()
        assert record == (
            {
                "id": {"class": "integer", "value": "77"},
                "at": {"class": "text", "value": b"2024-02-30T00:00:00".hex()},
                "r": {"class": "real", "value": "3fb999999999999a"},
                "b": {"class": "blob", "value": "00"},
                "s": {"class": "text", "value": "é".encode().hex()},
            },
        )
        applier.apply(entries(3, changed("t", (77, "2024-03-01T00:00:00", None, None, "good again"), keys=["77"])))
        assert [one[1] for one in target.quarantine()] == ["151", "300"]


def test_a_refused_key_is_no_key_at_the_target(unprivileged_dsn: str) -> None:
    """It can be neither deleted nor put; the rest of the batch is not hindered by it."""
    one = table("t", [column("k", codec.Timestamp(), not_null=True), column("v")], key=["k"])
    with live_target.make(unprivileged_dsn, one) as target:
        good, bad = "2024-02-28 00:00:00", "2024-02-30 00:00:00"
        applier = target.applier()
        applier.apply(entries(1, changed("t", (good, "a"), ("2024-01-01 00:00:00", "b"))))
        applier.apply(
            entries(2, changed("t", (bad, "x"), (good, "c"), gone=(("2024-02-31 00:00:00",), ("2024-01-01 00:00:00",))))
        )
        assert [row[1] for row in target.rows()] == ["c"]
        assert [one[1] for one in target.quarantine()] == [f"'{bad}'"]


def test_a_row_too_large_for_an_index_is_refused_alone(unprivileged_dsn: str) -> None:
    """A limit that is exceeded is a refusal like any other."""
    with live_target.make(unprivileged_dsn, numbers(indexes=(index("i", '"name"', unique=False),))) as target:
        incompressible = "".join(chr(0x4E00 + (number * 7919) % 20_000) for number in range(6_000))
        target.applier().apply(entries(1, changed("t", (1, "a", 1), (2, incompressible, 2), (3, "c", 3))))
        assert [row[0] for row in target.rows()] == [1, 3]
        assert target.quarantine()[0][:2] == ("t", "2")


def test_what_is_no_row_s_fault_is_no_refusal(target: Target) -> None:
    """A table that is gone stops the batch, and nothing is half done."""
    applier = target.applier()
    target.session.execute("ALTER TABLE t RENAME TO elsewhere")
    with pytest.raises(psycopg.errors.UndefinedTable):
        applier.apply(entries(1, changed("t", (1, "a", 1))))
    assert position(target)[0] == 0
    target.session.execute("ALTER TABLE elsewhere RENAME TO t")
    applier.apply(entries(1, changed("t", (1, "a", 1))))
    assert target.rows() == [(1, "a", 1)]


def test_the_follower_s_session_is_ordinary_between_batches(target: Target) -> None:
    """Neither the secret nor a setting outlives the batch: what else the session writes meets the fence."""
    target.applier().apply(entries(1, changed("t", (1, "a", 1))))
    assert target.session.execute("SHOW synchronous_commit").fetchone() == ("on",)
    with pytest.raises(psycopg.Error, match="fenced"):
        target.session.execute("DELETE FROM t")


def test_tables_by_the_hundred_stay_prepared(unprivileged_dsn: str) -> None:
    """A batch over many tables is still one round trip."""
    many = [numbers(f"t{number}") for number in range(120)]
    with live_target.make(unprivileged_dsn, *many) as target:
        applier = target.applier()
        for mark in range(1, 4):
            applier.apply(entries(mark, *(changed(one.source, (1, "a", mark), gone=(("2",),)) for one in many)))
        found = target.session.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
        assert found is not None
        assert found[0] >= 240
        assert target.rows("t119") == [(1, "a", 3)]
