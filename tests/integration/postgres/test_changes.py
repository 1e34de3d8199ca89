"""Reading changes: every committed write is read until the file has it, in snapshots, whatever order commits come in."""

from __future__ import annotations

import dataclasses
import itertools
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from outgrow import codec, errors
from outgrow.model import plan, store
from outgrow.postgres import changes, live_state, sql_table
from support import live_target, proxy
from support.live_target import Target, applied, column, numbers, table

HOSTILE = "e\"x'c %s \\ {0} é$1"


@pytest.fixture
def target(any_postgres: str) -> Iterator[Target]:
    """A primary with two tables."""
    with live_target.make(any_postgres, numbers(), numbers("other")) as made:
        made.open()
        yield made


def seen(batch: store.Batch[store.ValueChanges]) -> dict[str, tuple[list[Any], list[Any]]]:
    """A batch's rows and keys that are gone, by table, in order."""
    return {one.table: (sorted(one.rows), sorted(one.gone)) for one in batch.changes}


def write(target: Target, *statements: str) -> None:
    """Write as an application."""
    with target.connect() as session:
        for statement in statements:
            session.execute(statement.encode())


def test_rows_are_read_as_they_are_now(target: Target) -> None:
    """Each touched key once, with the newest row or the word that it is gone."""
    reader = target.reader()
    assert reader.changes(100).entries == 0
    write(
        target,
        "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', NULL)",
        "UPDATE t SET name = 'c' WHERE id = 1",
        "INSERT INTO other VALUES (7)",
        "DELETE FROM t WHERE id = 2",
        "UPDATE t SET id = 3 WHERE id = 1",
    )
    batch = reader.changes(100)
    assert seen(batch) == {"t": ([(3, "c", 1)], [(1,), (2,)]), "other": ([(7, None, None)], [])}
    assert (batch.entries, batch.complete) == (7, True)
    assert batch.changes[0].canonical == [b"3\x1f1:c\x1f1"]


def test_what_is_not_acknowledged_is_read_again(target: Target) -> None:
    """With what was written since; and what is acknowledged never."""
    reader = target.reader()
    write(target, "INSERT INTO t VALUES (1, 'a', 1)")
    first = reader.changes(100)
    write(target, "UPDATE t SET name = 'b'", "INSERT INTO t VALUES (2, 'c', 2)")
    assert seen(target.reader().changes(100)) == {"t": ([(1, "b", 1), (2, "c", 2)], [])}
    reader.acknowledge(first.mark, applied(1))
    assert seen(reader.changes(100)) == {"t": ([(1, "b", 1), (2, "c", 2)], [])}
    reader.acknowledge(reader.changes(100).mark, applied(2))
    assert reader.changes(100).entries == 0
    assert live_state.read(target.session).acknowledged == 2
    assert target.log() == []


def test_an_acknowledgement_can_be_sent_at_once(target: Target) -> None:
    """When no reading follows that it could go along with."""
    reader = target.reader()
    write(target, "INSERT INTO t VALUES (1, 'a', 1)")
    reader.acknowledge(reader.changes(100).mark, applied(1))
    assert live_state.read(target.session).acknowledged == 0
    reader.settle()
    assert live_state.read(target.session).acknowledged == 1
    assert target.log() == []
    reader.settle()


def test_a_reading_is_bounded(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """By entries and by bytes; what is left out is said to be waiting."""
    reader = target.reader()
    write(target, "INSERT INTO t SELECT i FROM generate_series(1, 10) i")
    found = []
    for serial, (entries, complete) in enumerate([(4, False), (4, False), (2, True)], 1):
        batch = reader.changes(4)
        assert (batch.entries, batch.complete) == (entries, complete)
        found += [row[0] for row in batch.changes[0].rows]
        reader.acknowledge(batch.mark, applied(serial))
    assert sorted(found) == list(range(1, 11))
    assert reader.changes(4).entries == 0
    monkeypatch.setattr(changes, "BATCH_BYTES", 250)
    wide = dataclasses.replace(
        target.plan, tables=tuple(dataclasses.replace(one, widest=100) for one in target.plan.tables)
    )
    write(target, "UPDATE t SET n = 1")
    narrow = changes.ChangeReader(target.session, wide)
    assert (narrow.changes(100).entries, narrow.changes(100).complete) == (2, False)
    monkeypatch.setattr(changes, "BATCH_BYTES", 1)
    assert narrow.changes(100).entries == 1


def test_a_reading_is_one_snapshot(target: Target) -> None:
    """A write between the look at the log and the look at the rows is in neither."""
    reader = target.reader()
    write(target, "INSERT INTO t VALUES (1, 'a', 1)")
    original = reader._read  # type: ignore[attr-defined]

    def read(picked: Any, *, own: bool) -> Any:
        write(target, "UPDATE t SET name = 'b'", "INSERT INTO t VALUES (2, 'c', 2)")
        return original(picked, own=own)

    reader._read = read  # type: ignore[attr-defined,method-assign]
    assert seen(reader.changes(100)) == {"t": ([(1, "a", 1)], [])}


def test_entries_that_commit_later_with_lower_numbers_are_not_lost(target: Target) -> None:
    """The first transaction commits last: its entries have the lowest numbers, and are in no range that was acknowledged."""
    reader = target.reader()
    with target.connect(autocommit=False) as early, target.connect(autocommit=False) as late:
        early.execute("INSERT INTO t VALUES (1)")
        late.execute("INSERT INTO t VALUES (2)")
        early.execute("INSERT INTO t VALUES (3)")
        late.execute("INSERT INTO t VALUES (4)")
        late.commit()
        batch = reader.changes(100)
        assert [row[0] for row in batch.changes[0].rows] == [2, 4]
        reader.acknowledge(batch.mark, applied(1))
        assert reader.changes(100).entries == 0
        early.commit()
    batch = reader.changes(100)
    assert [row[0] for row in batch.changes[0].rows] == [1, 3]
    reader.acknowledge(batch.mark, applied(2))
    assert reader.changes(100).entries == 0


@pytest.mark.parametrize("limit", [1, 7, 10_000])
def test_concurrent_writers_lose_nothing(target: Target, limit: int) -> None:
    """Six writers with transactions of any length and outcome, an obedient follower, and at the end both are equal."""
    rows: dict[int, tuple[Any, ...]] = {}
    done = threading.Event()
    until = time.monotonic() + 2

    def work(worker: int) -> None:
        chance = random.Random(worker)
        with target.connect(autocommit=False) as session:
            while time.monotonic() < until:
                for _ in range(chance.randint(1, 5)):
                    key = worker * 100 + chance.randrange(30)
                    statement = chance.choice(
                        [
                            "INSERT INTO t VALUES (%(key)s, 'i', 0) ON CONFLICT (id) DO UPDATE SET n = t.n + 1",
                            "UPDATE t SET n = n + 1, name = md5(n::text) WHERE id BETWEEN %(key)s AND %(key)s + 3",
                            "DELETE FROM t WHERE id = %(key)s",
                            "UPDATE t SET id = id + 50 WHERE id = %(key)s AND id + 50 NOT IN (SELECT id FROM t)",
                        ]
                    )
                    session.execute(statement.encode(), {"key": key})
                if chance.random() < 0.3:
                    session.rollback()
                else:
                    session.commit()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(6)]
    for thread in threads:
        thread.start()
    reader = target.reader()
    for serial in itertools.count(1):
        if not any(thread.is_alive() for thread in threads):
            done.set()
        batch = reader.changes(limit)
        if not batch.entries:
            if done.is_set():
                break
            continue
        for change in batch.changes:
            for key in change.gone:
                rows.pop(key[0], None)
            rows |= {row[0]: row for row in change.rows}
        reader.acknowledge(batch.mark, applied(serial))
    assert sorted(rows.values()) == target.rows()
    assert target.log() == []


def test_of_two_readers_the_second_acknowledgement_fails(target: Target) -> None:
    """Nothing is deleted that only the other one has read."""
    one, other = target.reader(), target.reader()
    write(target, "INSERT INTO t VALUES (1)")
    batch = one.changes(100)
    write(target, "INSERT INTO t VALUES (2)")
    other.acknowledge(other.changes(100).mark, applied(1))
    other.settle()
    write(target, "INSERT INTO t VALUES (3)")
    one.acknowledge(batch.mark, applied(1))
    with pytest.raises(errors.TargetBusy, match="it has batch 1"):
        one.changes(100)
    assert target.session.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert target.log() == [("t", "3")]


def test_a_target_that_is_not_the_primary_of_its_epoch_gives_nothing(target: Target) -> None:
    """Neither the one that is closed, nor the one that was opened again by somebody else."""
    reader = target.reader()
    with reader.locked(1):
        live_state.close(target.session, 2)
    with pytest.raises(errors.TargetBusy, match="sqlite of epoch 2"):
        reader.changes(100)
    target.open()
    with pytest.raises(errors.TargetBusy, match="postgres of epoch 3"):
        reader.changes(100)
    assert target.reader().changes(100).entries == 0


def test_rows_that_the_file_refuses_are_in_quarantine_until_they_are_touched(target: Target) -> None:
    """The record is written with the acknowledgement, replaces an older one, and is gone once the file has the row."""
    reader = target.reader()
    write(target, "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)")
    refusal = store.Refusal(
        table="t", key="1", record='{"id": {"class": "postgres", "value": "1"}}', reason="no such time"
    )
    reader.acknowledge(reader.changes(100).mark, applied(1, refusal))
    write(target, "UPDATE t SET n = 5 WHERE id = 2")
    batch = reader.changes(100)
    assert target.quarantine() == [("t", "1", "", "no such time")]
    reader.acknowledge(batch.mark, applied(2))
    write(target, "UPDATE t SET n = 6")
    batch = reader.changes(100)
    assert len(target.quarantine()) == 1
    reader.acknowledge(batch.mark, applied(3, dataclasses.replace(refusal, reason="still not")))
    reader.settle()
    assert target.quarantine() == [("t", "1", "", "still not")]
    # Another process knows of it as well.
    again = target.reader()
    assert again.watched == {"t"}
    write(target, "DELETE FROM t WHERE id = 1")
    again.acknowledge(again.changes(100).mark, applied(4))
    again.settle()
    assert target.quarantine() == []


KEYS: list[tuple[codec.Codec, str, str]] = [
    (codec.Bigint(), "-7", "-7"),
    (codec.Text(), "it's\n", "'it''s\n'"),
    (codec.Bytea(), "\\x00ff", "x'00ff'"),
    (codec.Bytea(text=True), "\\x6127", "'a'''"),
    (codec.Bytea(text=True), "\\x00", "CAST(x'00' AS TEXT)"),
    (codec.Double(), "0.1", "0.1"),
    (codec.Double(), "-Infinity", "-inf"),
    (codec.Numeric(), "12.0", "12"),
    (codec.Numeric(), "0.000001", "1e-06"),
    (codec.Numeric(), "18446744073709551616", "1.8446744073709552e+19"),
    (codec.Boolean(), "true", "1"),
    (codec.Boolean(false="no", true="yes"), "true", "'yes'"),
    (codec.Timestamp(separator="T", fraction=3), "2024-05-06 07:08:09.1", "'2024-05-06T07:08:09.100'"),
    (codec.Timestamptz(zone="Z"), "2024-05-06 07:08:09+02", "'2024-05-06 05:08:09Z'"),
    (codec.Date(), "2024-05-06", "'2024-05-06'"),
    (codec.Uuid(), "00000000-0000-4000-8000-000000000001", "'00000000-0000-4000-8000-000000000001'"),
]


@pytest.mark.parametrize(("kind", "text", "literal"), KEYS, ids=lambda case: str(getattr(case, "type", "")))
def test_a_touched_key_settles_its_record_in_quarantine(
    unprivileged_dsn: str, kind: codec.Codec, text: str, literal: str
) -> None:
    """Records are kept under keys as the file's reader writes them: SQL literals of the stored values."""
    one = table("t", [column("k", kind, not_null=True), column("v")], key=["k"])
    with live_target.make(unprivileged_dsn, one) as target:
        target.open()
        target.session.execute(
            "INSERT INTO outgrow.quarantine (table_name, key, row, column_name, reason) VALUES ('t', %s, '{}', '', '')",
            [literal],
        )
        reader = target.reader()
        with target.connect() as session:
            session.execute(f"INSERT INTO t VALUES (%s::text::{kind.sql_type})".encode(), [text])
        reader.acknowledge(reader.changes(100).mark, applied(1))
        reader.settle()
        assert target.quarantine() == []


def test_rows_can_be_read_again_without_a_write(target: Target) -> None:
    """What verification found to differ is touched; keys that are nobody's are gone."""
    write(target, "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)")
    reader = target.reader()
    reader.acknowledge(reader.changes(100).mark, applied(1))
    reader.touch("t", [("2",), ("9",)])
    assert seen(reader.changes(100)) == {"t": ([(2, "b", 2)], [(9,)])}
    with reader.locked(1):
        reader.acknowledge(reader.changes(100).mark, applied(2))
        assert reader.changes(100).entries == 0
        live_state.close(target.session, 2)
    with pytest.raises(psycopg.Error, match="fenced"):
        reader.touch("t", [("2",)])


def test_the_log_of_a_busy_target_stays_small(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Autovacuum leaves it alone, so its reader cleans up."""
    monkeypatch.setattr(changes, "VACUUM_AFTER", 2_000)
    reader = target.reader()
    for serial in range(1, 21):
        write(target, "INSERT INTO t SELECT i FROM generate_series(1, 1000) i", "DELETE FROM t")
        reader.acknowledge(reader.changes(10_000).mark, applied(serial))
    assert reader.changes(100).entries == 0
    row = target.session.execute("SELECT pg_relation_size('outgrow.log')").fetchone()
    assert row is not None
    assert row[0] < 1_000_000


def test_a_commit_that_waits_for_no_disk_is_on_it_before_it_is_read(own_server: Any) -> None:
    """The file must not have what a crash of the server could take back: with the lock and without it."""
    with psycopg.connect(own_server.dsn, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET wal_writer_delay = '500ms'")
        admin.execute("CREATE DATABASE live")
    own_server.restart()
    with live_target.make(own_server.dsn_of("live"), numbers()) as target, target.connect() as session:
        target.open()
        session.execute("SET synchronous_commit = off")
        reader = target.reader()
        for serial in range(1, 11):
            session.execute("INSERT INTO t VALUES (%s)", [serial])
            place = session.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
            assert place is not None
            if serial % 2:
                batch = reader.changes(100)
            else:
                with reader.locked(1):
                    batch = reader.changes(100)
            flushed = target.session.execute("SELECT pg_current_wal_flush_lsn() >= %s::text::pg_lsn", place).fetchone()
            assert flushed == (True,)
            reader.acknowledge(batch.mark, applied(serial))


def test_a_broken_connection_loses_no_change(postgres_dsn: str, proxy: proxy.Proxy) -> None:
    """Nor does it bring one twice: an acknowledgement whose answer was lost is not repeated."""
    with live_target.make(postgres_dsn, numbers()) as target:
        target.open()
        for serial, fault in enumerate((proxy.cut_before, proxy.cut_after), 1):
            write(target, f"INSERT INTO t VALUES ({serial})")
            with target.engine(proxy.dsn) as session:
                reader = target.reader(session)
                batch = reader.changes(100)
                assert batch.entries == 1
                reader.acknowledge(batch.mark, applied(serial))
                fault(b"COMMIT")
                with pytest.raises(psycopg.OperationalError):
                    reader.changes(100)
                assert proxy.trapped.wait(10)
            again = target.reader()
            batch = again.changes(100)
            assert batch.entries == (1 if fault == proxy.cut_before else 0)
            if batch.entries:
                again.acknowledge(batch.mark, applied(serial))
                again.settle()


def test_hostile_names_are_read(unprivileged_dsn: str) -> None:
    """Of schema, table and columns, those that the statements themselves use among them."""
    names = ["k1", "k2", "v1", "line", "found", "touched", "given", "t", HOSTILE]
    for name in ("touched", "found", "t", "given", HOSTILE):
        one = table(name, [column(each, not_null=True) for each in names], key=["k2", HOSTILE])
        with live_target.make(unprivileged_dsn, one, schema=HOSTILE + name) as target:
            target.open()
            with target.connect() as session:
                insert = sql.SQL("INSERT INTO {} VALUES ({})").format(
                    sql.Identifier(target.plan.schema, name), sql.SQL(",").join(map(sql.Literal, "abcdefghi"))
                )
                session.execute(insert)
            reader = target.reader()
            reader.touch(name, [("b", "x\x1f")])
            assert seen(reader.changes(10)) == {name: ([tuple("abcdefghi")], [("b", "x\x1f")])}
            target.session.execute(b"DROP SCHEMA outgrow CASCADE")


def test_what_a_codec_could_not_give_back_stops_nothing(unprivileged_dsn: str) -> None:
    """The application may write what SQLite cannot hold; the canonical text tells the file, which refuses that row alone."""
    columns = [
        column("id", codec.Bigint(), not_null=True, identity=True),
        column("ts", codec.Timestamp(fraction=-1)),
        column("tz", codec.Timestamptz()),
        column("d", codec.Date()),
        column("ti", codec.Time()),
        column("n", codec.Numeric()),
        column("r", codec.Double()),
    ]
    with live_target.make(unprivileged_dsn, table("t", columns, key=["id"])) as target:
        target.open()
        write(
            target,
            "INSERT INTO t VALUES (1, 'infinity', 'infinity', 'infinity', '24:00', 'NaN', 'NaN')",
            "INSERT INTO t VALUES (2, '-infinity', '-infinity', '-infinity', '23:59:59.999999', 'Infinity', '-Infinity')",
            "INSERT INTO t VALUES (3, '0044-03-15 BC', '0044-03-15 BC', '0044-03-15 BC', NULL, 1e300, '1e-320')",
            "INSERT INTO t VALUES (4, '294276-01-01', '294276-01-01', '5874897-12-31', NULL, 1e-300, 0)",
        )
        batch = target.reader().changes(100)
        assert [row[0] for row in batch.changes[0].rows] == [1, 2, 3, 4]
        assert batch.changes[0].canonical[0].startswith(b"1\x1finfinity\x1finfinity\x1finfinity\x1f24:00:00\x1fNaN\x1f")


def test_generated_columns_are_in_the_canonical_line_only(unprivileged_dsn: str) -> None:
    """Both sides compute them, and both must come to the same."""
    columns = [
        column("id", codec.Bigint(), not_null=True, identity=True),
        column("g", codec.Bigint(), generated="n * 2"),
        column("n", codec.Bigint()),
    ]
    with live_target.make(unprivileged_dsn, table("t", columns, key=["id"])) as target:
        target.open()
        write(target, "INSERT INTO t (id, n) VALUES (1, 21)")
        (found,) = target.reader().changes(10).changes
        assert found.rows == [(1, 21)]
        assert found.canonical == [b"1\x1f42\x1f21"]


def test_the_canonical_line_is_the_one_that_digests_hash(target: Target) -> None:
    """There is one definition."""
    write(target, "INSERT INTO t VALUES (1, NULL, 1)")
    (found,) = target.reader().changes(10).changes
    line = sql_table.TableSql("public", target.plan.tables[0], generated=True).canonical_line()
    with target.connect() as session:
        assert session.execute(f"SELECT {line} FROM t".encode()).fetchone() == (found.canonical[0].decode(),)


def test_a_key_too_wide_for_an_index_is_found_through_its_hash(unprivileged_dsn: str) -> None:
    """Otherwise every touched key would be a walk over the table."""
    hashed = plan.IndexPlan(name="h", source="h", unique=True, terms=('md5("k")',))
    one = table("t", [column("k", not_null=True), column("v")], key=["k"], indexes=(hashed,))
    with live_target.make(unprivileged_dsn, dataclasses.replace(one, primary_key=())) as target:
        target.open()
        wide = "x" * 9_000
        with target.connect() as session:
            session.execute("INSERT INTO t VALUES (%s, 'v')", [wide])
            session.execute("UPDATE t SET v = 'w'")
        assert seen(target.reader().changes(10)) == {"t": ([(wide, "w")], [])}


@pytest.mark.parametrize(
    ("numbers_", "ranges"),
    [
        ([], "{}"),
        ([5], "{[5,6)}"),
        ([1, 2, 3, 7, 9, 10], "{[1,4),[7,8),[9,11)}"),
        (list(range(1, 100_001)), "{[1,100001)}"),
    ],
    ids=["none", "one", "gaps", "many"],
)
def test_ranges_have_these_numbers_and_no_others(numbers_: list[int], ranges: str) -> None:
    """Consecutive ones take no more room than two."""
    assert changes.multirange(numbers_) == ranges
