"""Reverse capture: every kind of write logs the keys of the rows it touched, whoever writes and however the session is set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from outgrow import codec
from outgrow.model import plan, store
from outgrow.postgres import capture, live_state
from support import live_target
from support.live_target import Target, column, numbers, table

HOSTILE = "o\"'$capture$ %s \\ {0} é"


@pytest.fixture
def target(any_postgres: str) -> Iterator[Target]:
    """A primary with two tables."""
    with live_target.make(any_postgres, numbers(), numbers("other")) as made:
        made.open()
        yield made


def run(target: Target, *statements: str) -> list[tuple[str, ...]]:
    """Run statements as an application, each in a transaction, and return what they logged."""
    with target.connect() as session:
        for statement in statements:
            session.execute(statement.encode())
    return target.log()


def test_rows_that_come_are_logged(target: Target) -> None:
    """One by one, many at once, by COPY, in a writable CTE."""
    assert run(target, "INSERT INTO t VALUES (1, 'a', 1)") == [("t", "1")]
    assert run(target, "INSERT INTO t SELECT i FROM generate_series(2, 4) i") == [("t", "2"), ("t", "3"), ("t", "4")]
    with target.connect() as session, session.cursor() as cursor, cursor.copy("COPY t (id) FROM STDIN") as copy:
        copy.write("5\n6\n")
    assert target.log() == [("t", "5"), ("t", "6")]
    both = "WITH a AS (INSERT INTO t VALUES (7) RETURNING id) INSERT INTO other SELECT id FROM a"
    assert sorted(run(target, both)) == [("other", "7"), ("t", "7")]


def test_a_row_that_changes_is_logged_once(target: Target) -> None:
    """Its key is the same before and after."""
    run(target, "INSERT INTO t SELECT i FROM generate_series(1, 3) i")
    assert run(target, "UPDATE t SET name = 'b' WHERE id = 2") == [("t", "2")]
    assert sorted(run(target, "UPDATE t SET name = 'c'")) == [("t", "1"), ("t", "2"), ("t", "3")]


def test_a_key_that_changes_is_logged_as_it_was_and_as_it_is(target: Target) -> None:
    """The row of the old one is gone, that of the new one has come; in a chain, each key once."""
    run(target, "INSERT INTO t SELECT i FROM generate_series(1, 3) i")
    assert sorted(run(target, "UPDATE t SET id = 9 WHERE id = 1")) == [("t", "1"), ("t", "9")]
    assert sorted(run(target, "UPDATE t SET id = id + 100")) == [
        ("t", "102"), ("t", "103"), ("t", "109"), ("t", "2"), ("t", "3"), ("t", "9"),
    ]  # fmt: skip


def test_rows_that_go_are_logged(target: Target) -> None:
    """By DELETE and by TRUNCATE, whose rows no trigger is given."""
    run(target, "INSERT INTO t SELECT i FROM generate_series(1, 4) i", "INSERT INTO other VALUES (1)")
    assert run(target, "DELETE FROM t WHERE id = 2") == [("t", "2")]
    assert sorted(run(target, "TRUNCATE t, other")) == [("other", "1"), ("t", "1"), ("t", "3"), ("t", "4")]
    assert run(target, "TRUNCATE t RESTART IDENTITY", "DELETE FROM t", "UPDATE t SET n = 1") == []


def test_an_upsert_logs_what_came_and_what_changed(target: Target) -> None:
    """What it left alone is not logged."""
    run(target, "INSERT INTO t VALUES (1), (2)")
    upsert = "INSERT INTO t VALUES (1), (2), (3) ON CONFLICT (id) DO UPDATE SET n = 5 WHERE t.id = 2"
    assert sorted(run(target, upsert)) == [("t", "2"), ("t", "3")]
    assert run(target, "INSERT INTO t VALUES (1), (4) ON CONFLICT DO NOTHING") == [("t", "4")]


def test_a_merge_logs_each_of_its_actions(target: Target) -> None:
    """It inserts, updates and deletes in one statement."""
    run(target, "INSERT INTO t VALUES (1), (2)")
    merge = """MERGE INTO t USING (VALUES (1), (2), (3)) AS s (id) ON t.id = s.id
        WHEN MATCHED AND s.id = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET n = 7 WHEN NOT MATCHED THEN INSERT VALUES (s.id)"""
    assert sorted(run(target, merge)) == [("t", "1"), ("t", "2"), ("t", "3")]


def test_cascades_of_foreign_keys_are_logged(target: Target) -> None:
    """The rows that ON DELETE and ON UPDATE touch in other tables, and those that a TRUNCATE takes along."""
    target.session.execute(
        "ALTER TABLE other ADD FOREIGN KEY (n) REFERENCES t (id) ON DELETE CASCADE ON UPDATE CASCADE"
    )
    run(target, "INSERT INTO t VALUES (1), (2), (3)", "INSERT INTO other VALUES (10, '', 1), (11, '', 1), (12, '', 2)")
    assert sorted(run(target, "DELETE FROM t WHERE id = 1")) == [("other", "10"), ("other", "11"), ("t", "1")]
    assert sorted(run(target, "UPDATE t SET id = 5 WHERE id = 2")) == [("other", "12"), ("t", "2"), ("t", "5")]
    assert sorted(run(target, "TRUNCATE t CASCADE")) == [("other", "12"), ("t", "3"), ("t", "5")]


def test_what_is_rolled_back_is_not_logged(target: Target) -> None:
    """To a savepoint, or altogether."""
    with target.connect(autocommit=False) as session:
        session.execute("INSERT INTO t VALUES (1)")
        session.execute("SAVEPOINT a")
        session.execute("INSERT INTO t VALUES (2)")
        session.execute("ROLLBACK TO a")
        session.commit()
        session.execute("INSERT INTO t VALUES (3)")
        session.rollback()
    assert target.log() == [("t", "1")]


def test_ten_thousand_rows_after_single_ones_take_no_quadratic_time(target: Target) -> None:
    """The functions' plans are made for single rows and kept; they must suit any number. Quadratic, this takes a minute."""
    with target.connect() as session:
        session.execute("SET statement_timeout = '20s'")
        session.execute("INSERT INTO t SELECT i FROM generate_series(1, 30000) i")
        for number in range(20):
            session.execute("UPDATE t SET n = 1 WHERE id = %s", [number])
        session.execute("UPDATE t SET n = 2, id = id + 100000")
    assert len(set(target.log())) == 60_000


def test_a_truncate_that_may_not_see_every_row_is_refused(target: Target) -> None:
    """A snapshot taken before a row was committed does not show the row, and TRUNCATE removes it."""
    run(target, "INSERT INTO t VALUES (1)")
    with target.connect(autocommit=False) as old:
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert old.execute("SELECT count(*) FROM t").fetchone() == (1,)
        assert run(target, "INSERT INTO t VALUES (2)") == [("t", "2")]
        with pytest.raises(psycopg.Error, match="nobody sees") as refused:
            old.execute("TRUNCATE t")
        assert refused.value.sqlstate == "OG003"
    assert target.rows() == [(1, None, None), (2, None, None)]


def test_a_role_that_may_only_write_is_captured(target: Target) -> None:
    """It has no privilege on the log and need not have; nor can it read or write there."""
    with target.role() as role, target.connect(user=role) as session:
        session.execute("INSERT INTO t VALUES (1, 'x', 1)")
        session.execute("UPDATE t SET n = 2")
        session.execute("TRUNCATE t")
        for statement in ("SELECT * FROM outgrow.log", "DELETE FROM outgrow.log", "SELECT secret FROM outgrow.live"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(statement.encode())
    assert target.log() == [("t", "1")] * 3


def test_session_replication_role_switches_nothing_off(target: Target) -> None:
    """The triggers are of the kind that fire always."""
    assert run(target, "SET session_replication_role = replica; INSERT INTO t VALUES (1)") == [("t", "1")]


def test_the_follower_itself_is_not_captured(target: Target) -> None:
    """It is known by the secret; another word in the setting is no secret, nor is an empty one."""
    secret = live_state.read(target.session).secret
    for word, logged in (("", 1), ("x" * 32, 1), (secret, 0), (secret.upper(), 1)):
        with target.connect() as session:
            session.execute("SELECT set_config('outgrow.applying', %s, false)", [word])
            session.execute("INSERT INTO t VALUES (1)")
            session.execute("UPDATE t SET id = 1")
            session.execute("DELETE FROM t")
        assert len(target.log()) == 3 * logged, word


def test_nobody_reads_the_secret_in_a_function(target: Target) -> None:
    """The source of functions is everybody's to read."""
    secret = live_state.read(target.session).secret
    found = target.session.execute("SELECT prosrc FROM pg_proc WHERE strpos(prosrc, %s) > 0", [secret]).fetchall()
    assert found == []


def test_hostile_names_are_captured(any_postgres: str) -> None:
    """Quotes of every kind, the names of PL/pgSQL's variables and of the transition tables."""
    names = ["found", "new", "old", "tg_op", "new_rows", "touched", HOSTILE]
    columns = [column(name, codec.Bigint(), not_null=True) for name in names]
    tables = [table(name, columns, key=names) for name in (*names, "before", "after")]
    with live_target.make(any_postgres, *tables, schema=HOSTILE + "2") as target:
        target.open()
        with target.connect() as session:
            for one in tables:
                name = psycopg.sql.Identifier(target.plan.schema, one.target)
                session.execute(psycopg.sql.SQL("INSERT INTO {} VALUES (1, 2, 3, 4, 5, 6, 7)").format(name))
                session.execute(psycopg.sql.SQL("UPDATE {} SET found = 0").format(name))
                session.execute(psycopg.sql.SQL("TRUNCATE {}").format(name))
        rest = ("2", "3", "4", "5", "6", "7")
        wanted = [("1", *rest), ("0", *rest), ("1", *rest), ("0", *rest)]
        logged = target.log()
        for one in tables:
            assert sorted(key[1:] for key in logged if key[0] == one.source) == sorted(wanted)


SPELLED: list[tuple[codec.Codec, str, str]] = [
    (codec.Timestamp(), "2024-05-06 07:08:09.25", "2024-05-06 07:08:09.25"),
    (codec.Timestamptz(), "2024-05-06 07:08:09+00", "2024-05-06 07:08:09+00"),
    (codec.Date(), "2024-05-06", "2024-05-06"),
    (codec.Time(), "07:08:09", "07:08:09"),
    (codec.Double(), "0.1", "0.1"),
    (codec.Double(), "1e-320", "1e-320"),
    (codec.Bytea(), "\\x00ff", "\\x00ff"),
    (codec.Numeric(), "1.50", "1.50"),
    (codec.Boolean(), "true", "true"),
    (codec.Uuid(), "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000001"),
    (codec.Text(), "a\x1fb\x1e,{}\"'\\", "a\x1fb\x1e,{}\"'\\"),
]


@pytest.mark.parametrize(("kind", "value", "logged"), SPELLED, ids=lambda case: str(getattr(case, "type", "")))
def test_a_session_s_settings_change_no_text(unprivileged_dsn: str, kind: codec.Codec, value: str, logged: str) -> None:
    """Keys are logged in the form that outgrow's sessions read, whatever form the application likes."""
    one = table("t", [column("k", kind, not_null=True), column("v")], key=["k"])
    with live_target.make(unprivileged_dsn, one) as target:
        target.open()
        with target.connect() as session:
            session.execute("SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kolkata'; SET extra_float_digits = -15")
            session.execute("SET bytea_output = 'escape'; SET IntervalStyle = 'iso_8601'; SET search_path = outgrow")
            session.execute(f"INSERT INTO public.t VALUES (%s::text::{kind.sql_type})".encode(), [value])
            session.execute("UPDATE public.t SET v = 'x'")
            session.execute("DELETE FROM public.t")
            session.execute(f"INSERT INTO public.t VALUES (%s::text::{kind.sql_type})".encode(), [value])
            session.execute("TRUNCATE public.t")
            assert session.execute("SHOW TimeZone").fetchone() == ("Asia/Kolkata",)
        assert target.log() == [("t", logged)] * 5


def test_the_rowid_is_the_key_of_a_table_without_one(unprivileged_dsn: str) -> None:
    """PostgreSQL gives it where the application does not."""
    with live_target.make(unprivileged_dsn, table("t", [column("a")])) as target:
        target.open()
        assert run(target, "INSERT INTO t (a) VALUES ('x')", "UPDATE t SET a = 'y'") == [("t", "1")] * 2


Breakage = tuple[str, dict[str, Any]]

BREAKAGES: list[Breakage] = [
    ("DROP TRIGGER outgrow_capture_update ON t", {"t": ["trigger outgrow_capture_update is gone"]}),
    (
        "ALTER TABLE t DISABLE TRIGGER outgrow_capture_insert",
        {"t": ["trigger outgrow_capture_insert is switched off"]},
    ),
    (
        "ALTER TABLE t ENABLE TRIGGER outgrow_capture_truncate",
        {"t": ["trigger outgrow_capture_truncate is switched off"]},
    ),
    (
        "ALTER TABLE t DISABLE TRIGGER USER",
        {"t": [f"trigger outgrow_capture_{event} is switched off" for event in ("insert", "update", "delete", "truncate")]},
    ),
    (
        "CREATE OR REPLACE FUNCTION outgrow.capture_1_truncate() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        {"t": ["trigger outgrow_capture_truncate does something else"]},
    ),
    (
        "ALTER TABLE t RENAME TO u; CREATE TABLE public.t (id bigint)",
        {"t": [f"trigger outgrow_capture_{event} is gone" for event in ("insert", "update", "delete", "truncate")]},
    ),
    ("ALTER TABLE outgrow.log ENABLE TRIGGER fence", {"": ["the fence is closed"]}),
    ("DROP TRIGGER fence ON outgrow.log", {"": ["the fence is gone"]}),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "problems"), BREAKAGES, ids=[case[0][:60] for case in BREAKAGES])
def test_what_is_missing_is_found_and_put_right(
    unprivileged_dsn: str, statement: str, problems: dict[str, Any]
) -> None:
    """Whatever an administrator did to a table's triggers by hand."""
    with live_target.make(unprivileged_dsn, numbers(), numbers("other")) as target:
        target.open()
        secret = live_state.read(target.session).secret
        assert capture.missing(target.session, target.plan, secret, fenced=False) == {}
        target.session.execute(statement.encode())
        assert capture.missing(target.session, target.plan, secret, fenced=False) == problems
        for number, one in enumerate(target.plan.tables, 1):
            for again in capture.install("public", one, number, secret):
                target.session.execute(again.encode())
        for again in (*capture.fence(1), capture.unfence()):
            target.session.execute(again.encode())
        assert capture.missing(target.session, target.plan, secret, fenced=False) == {}


def test_capture_that_is_dropped_leaves_the_tables_as_they_were(unprivileged_dsn: str) -> None:
    """Also of a table that has another name by now; dropping twice is no error."""
    with live_target.make(unprivileged_dsn, numbers(), numbers("other")) as target:
        target.session.execute("ALTER TABLE other RENAME TO renamed")
        for number in (1, 2, 1):
            for statement in capture.drop(number):
                target.session.execute(statement.encode())
        left = target.session.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'outgrow%'").fetchall()
        assert left == []
        assert run(target, "INSERT INTO t VALUES (1)", "INSERT INTO renamed VALUES (1)") == []


def test_a_key_column_that_was_renamed_stops_writes(unprivileged_dsn: str) -> None:
    """Rather than let them go by unlogged; installing capture again helps, with a plan that knows the name."""
    with live_target.make(unprivileged_dsn, numbers()) as target:
        target.open()
        target.session.execute("ALTER TABLE t RENAME COLUMN id TO number")
        with pytest.raises(psycopg.errors.UndefinedColumn):
            run(target, "INSERT INTO t VALUES (1)")
        target.session.execute("ALTER TABLE t RENAME COLUMN number TO id")
        assert run(target, "INSERT INTO t VALUES (1)") == [("t", "1")]


def test_a_table_that_is_being_filled_is_closed(any_postgres: str) -> None:
    """To everybody but outgrow, until it has capture; with the same SQLSTATE as the fence."""
    with live_target.make(any_postgres, numbers()) as target:
        secret = live_state.read(target.session).secret
        for statement in (*capture.drop(1), *capture.close("public", target.plan.tables, secret)):
            target.session.execute(statement.encode())
        with target.role() as role, target.connect(user=role) as session:
            for statement in ("INSERT INTO t VALUES (1)", "UPDATE t SET n = 1", "DELETE FROM t", "TRUNCATE t"):
                with pytest.raises(psycopg.Error, match="outgrow: fenced") as refused:
                    session.execute(statement.encode())
                assert refused.value.sqlstate == capture.FENCED
        target.applier().apply(live_target.entries(1, store.LineChanges(table="t", **live_target.lines((1, "a", 1)))))
        assert target.rows() == [(1, "a", 1)]
        target.session.execute(capture.open_("public", target.plan.tables[0]).encode())
        assert run(target, "INSERT INTO t VALUES (2)") == []


def test_generated_columns_and_identities_do_not_matter(unprivileged_dsn: str) -> None:
    """A key that PostgreSQL gives is logged as it was given."""
    columns = [
        column("id", codec.Bigint(), not_null=True, identity=True),
        column("a", codec.Bigint()),
        plan.ColumnPlan(
            source="g", target="g", declared="", codec={"type": "bigint"}, sql_type="bigint", not_null=False,
            reason="", evidence="", generated="a * 2",
        ),
    ]  # fmt: skip
    with live_target.make(unprivileged_dsn, table("t", columns, key=["id"])) as target:
        target.open()
        assert run(target, "INSERT INTO t (a) VALUES (4), (5)") == [("t", "1"), ("t", "2")]
