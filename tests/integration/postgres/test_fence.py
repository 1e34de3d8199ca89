"""The fence at the target: while it stands nobody writes, whatever the statement, the role, or the age of the transaction."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from outgrow import errors
from outgrow.postgres import capture, live_state
from support import live_target
from support.live_target import Target, numbers


@pytest.fixture
def target(any_postgres: str) -> Iterator[Target]:
    """A primary with two tables, the second referring to the first, and a few rows."""
    with live_target.make(any_postgres, numbers(), numbers("other")) as made:
        made.open()
        with made.connect() as session:
            session.execute("INSERT INTO t SELECT i, 'a', i FROM generate_series(1, 9) i")
            session.execute("INSERT INTO other VALUES (1, 'o', 1), (2, 'o', 2)")
            session.execute("ALTER TABLE other ADD FOREIGN KEY (n) REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE")
            session.execute("CREATE VIEW v AS SELECT * FROM t")
            session.execute("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM t WHERE id = 3'")
        made.log()
        yield made


def close(target: Target) -> int:
    """Close the target as a rollback's decision does; the epoch of the fence."""
    epoch = live_state.read(target.session).epoch + 1
    with target.reader().locked(5):
        live_state.close(target.session, epoch)
    return epoch


WRITES = [
    "INSERT INTO t VALUES (100)",
    "INSERT INTO t SELECT 100",
    "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET n = 0",
    "INSERT INTO t VALUES (1), (100) ON CONFLICT DO NOTHING",
    "INSERT INTO v VALUES (100)",
    "UPDATE t SET n = n",
    "UPDATE t SET id = 100 WHERE id = 1",
    "UPDATE t SET n = 1 FROM other WHERE other.n = t.id",
    "DELETE FROM t WHERE id = 5",
    "DELETE FROM t USING other WHERE other.n = t.id",
    "DELETE FROM v",
    "TRUNCATE other",
    "TRUNCATE t CASCADE",
    "WITH gone AS (DELETE FROM t WHERE id = 5 RETURNING id) SELECT * FROM gone",
    "WITH made AS (INSERT INTO t VALUES (100) RETURNING id) INSERT INTO other SELECT id FROM made",
    "MERGE INTO t USING (VALUES (1)) s (i) ON t.id = s.i WHEN MATCHED THEN DELETE",
    "MERGE INTO t USING (VALUES (1)) s (i) ON t.id = s.i WHEN MATCHED THEN UPDATE SET n = 1",
    "MERGE INTO t USING (VALUES (100)) s (i) ON t.id = s.i WHEN NOT MATCHED THEN INSERT VALUES (s.i)",
    "SELECT f()",
    "DO $$ BEGIN DELETE FROM t WHERE id = 5; END $$",
    "PREPARE p AS DELETE FROM t WHERE id = 5; EXECUTE p",
    "EXPLAIN ANALYZE DELETE FROM t WHERE id = 5",
    "SELECT * INTO TEMPORARY x FROM t; INSERT INTO t SELECT id + 100 FROM x",
]


@pytest.mark.parametrize("who", ["another role", "the owner"])
def test_every_kind_of_write_meets_the_fence(target: Target, who: str) -> None:
    """With one SQLSTATE and one beginning of the message, the epoch in it; reading goes on."""
    with contextlib.ExitStack() as stack:
        role = stack.enter_context(target.role()) if who == "another role" else ""
        writes = (
            WRITES
            if role
            else [*WRITES, "TRUNCATE other RESTART IDENTITY", "SET session_replication_role = replica; DELETE FROM t"]
        )
        epoch = close(target)
        before = target.rows(), target.rows("other")
        session = stack.enter_context(target.connect(user=role))
        for statement in writes:
            with pytest.raises(psycopg.Error, match="outgrow: fenced") as refused, session.transaction():
                session.execute(statement.encode())
            assert refused.value.sqlstate == capture.FENCED, statement
            assert str(refused.value.diag.message_primary) == f"{capture.FENCE_PREFIX} of epoch {epoch}"
        with pytest.raises(psycopg.Error, match="fenced"), session.cursor().copy("COPY t FROM STDIN") as copy:
            copy.write("100\tx\t1\n")
        assert session.execute("SELECT count(*) FROM t").fetchone() == (9,)
        assert (target.rows(), target.rows("other")) == before
        assert target.log() == []


def test_a_transaction_from_before_the_fence_meets_it(target: Target) -> None:
    """Its snapshot shows no fence, and its statements are prepared; it is refused all the same, and told the newest epoch."""
    with contextlib.ExitStack() as stack:
        old = []
        for level in ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"):
            session = stack.enter_context(target.connect(autocommit=False))
            session.execute("PREPARE change AS UPDATE t SET n = n + 1 WHERE id = $1")
            for _ in range(8):
                session.execute("EXECUTE change(9)")
            session.commit()
            session.execute(f"SET TRANSACTION ISOLATION LEVEL {level}".encode())
            assert session.execute("SELECT count(*) FROM t").fetchone() == (9,)
            old.append(session)
        target.log()
        epoch = close(target)
        for number, session in enumerate(old, 1):
            assert session.execute("SELECT count(*) FROM t").fetchone() == (9,)
            with pytest.raises(psycopg.Error, match=f"of epoch {epoch}") as refused:
                session.execute(f"EXECUTE change({number})".encode())
            assert refused.value.sqlstate == "OG002"


def test_a_transaction_that_wrote_keeps_the_fence_away(target: Target) -> None:
    """Who does not let go is named; when it is over the fence comes, and what it wrote is in the log."""
    with target.role() as role, target.connect(autocommit=False, user=role) as writer:
        writer.execute("SET application_name = 'the nightly job'")
        writer.execute("INSERT INTO t VALUES (50)")
        with pytest.raises(errors.Retryable, match="the nightly job") as told, target.reader().locked(0.3):
            pass
        assert str(writer.info.backend_pid) in told.value.why
        assert role in told.value.why
        assert live_state.read(target.session).epoch == 1
        writer.commit()
        reader = target.reader()
        with reader.locked(5):
            batch = reader.changes(100)
            assert [change.rows for change in batch.changes] == [[(50, None, None)]]
            reader.acknowledge(batch.mark, live_target.applied(1))
            assert reader.changes(100).entries == 0
            live_state.close(target.session, 2)
    assert target.rows()[-1][0] == 50


def test_a_prepared_transaction_keeps_the_fence_away(own_server: object) -> None:
    """It has no backend that could be named; the message says what kind of thing it is."""
    from outgrow.postgres import embedded

    assert isinstance(own_server, embedded.EmbeddedServer)
    with psycopg.connect(own_server.dsn, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET max_prepared_transactions = 2")
        admin.execute("CREATE DATABASE live")
    own_server.restart()
    with live_target.make(own_server.dsn_of("live"), numbers()) as target:
        target.open()
        with target.connect(autocommit=False) as writer:
            writer.execute("INSERT INTO t VALUES (1)")
            writer.execute("PREPARE TRANSACTION 'left behind'")
            with pytest.raises(errors.Retryable, match="left behind"), target.reader().locked(0.2):
                pass
        target.session.execute("COMMIT PREPARED 'left behind'")
        with target.reader().locked(1):
            pass


def test_the_decision_is_refused_while_changes_are_waiting(target: Target) -> None:
    """The database itself holds the promise that no acknowledged write is lost."""
    target.session.execute("INSERT INTO t VALUES (50)")
    with pytest.raises(psycopg.errors.CheckViolation, match="not have every change"):
        close(target)
    assert live_state.read(target.session).epoch == 1
    target.session.execute("INSERT INTO t VALUES (51)")


def test_writers_never_wait_long_for_a_lock_that_is_not_had(target: Target) -> None:
    """One transaction stays open; all others write on while a rollback tries for two seconds to stop them."""
    waits: list[float] = []
    done = threading.Event()

    def write(number: int) -> None:
        with target.connect() as session:
            while not done.is_set():
                began = time.monotonic()
                session.execute("UPDATE t SET n = n + 1 WHERE id = %s", [number])
                waits.append(time.monotonic() - began)

    with target.connect(autocommit=False) as idle:
        idle.execute("INSERT INTO t VALUES (50)")
        threads = [threading.Thread(target=write, args=(number,)) for number in range(1, 4)]
        for thread in threads:
            thread.start()
        with pytest.raises(errors.Retryable), target.reader().locked(2):
            pass
        done.set()
        for thread in threads:
            thread.join()
    assert len(waits) > 100
    # 50 ms and the machine's own hiccups; who waits for the lock itself waits for two seconds.
    assert sorted(waits)[len(waits) * 99 // 100] < 0.5


KINDS = [
    "INSERT INTO t VALUES (%(id)s)",
    "INSERT INTO t VALUES (%(id)s) ON CONFLICT (id) DO UPDATE SET n = 1",
    "WITH made AS (INSERT INTO t VALUES (%(id)s) RETURNING id) SELECT * FROM made",
    "MERGE INTO t USING (VALUES (%(id)s::bigint)) s (i) ON t.id = s.i WHEN NOT MATCHED THEN INSERT VALUES (s.i)",
    "UPDATE t SET id = %(id)s WHERE id = (SELECT max(id) FROM t WHERE id / 1000000 = %(id)s / 1000000)",
    "COPY",
]


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
def test_no_write_is_acknowledged_that_the_last_reading_does_not_show(target: Target, isolation: str) -> None:
    """Six writers of six kinds, in transactions of one to three statements, while the fence comes; three times over."""
    target.session.execute("TRUNCATE t CASCADE")
    target.log()
    with target.role() as role:
        seen: set[int] = set()
        for turn in range(3):
            one_turn(target, role, isolation, turn, seen)


def one_turn(target: Target, role: str, isolation: str, turn: int, seen: set[int]) -> None:
    """Writers meet the fence; then the target is opened again."""
    committed: list[list[int]] = [[] for _ in KINDS]
    refused: list[str | None] = [None] * len(KINDS)
    started = threading.Barrier(len(KINDS) + 1)

    def write(worker: int) -> None:
        with target.connect(autocommit=False, user=role) as session:
            started.wait()
            for number in range(1_000_000):
                ids = [worker * 10_000_000 + turn * 1_000_000 + number * 3 + step for step in range(1 + number % 3)]
                try:
                    session.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}".encode())
                    for each in ids:
                        put(session, KINDS[worker], each)
                    session.commit()
                except psycopg.Error as error:
                    refused[worker] = error.sqlstate
                    session.rollback()
                    return
                committed[worker] += ids

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(len(KINDS))]
    for thread in threads:
        thread.start()
    reader = target.reader()
    serial = live_state.read(target.session).acknowledged
    started.wait()

    def drain() -> int:
        nonlocal serial
        batch = reader.changes(500)
        for change in batch.changes:
            seen.update(row[0] for row in change.rows)
            seen.update(key[0] for key in change.gone)
        if batch.entries:
            serial += 1
            reader.acknowledge(batch.mark, live_target.applied(serial))
        return batch.entries

    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        drain()
    epoch = live_state.read(target.session).epoch + 1
    with reader.locked(10):
        while drain():
            pass
        live_state.close(target.session, epoch)
    for thread in threads:
        thread.join()
    assert refused == [capture.FENCED] * len(KINDS)
    everything = {each for ids in committed for each in ids}
    assert everything
    assert everything <= seen
    assert {row[0] for row in target.rows()} <= seen
    assert target.log() == []
    target.open()


def put(session: psycopg.Connection, kind: str, number: int) -> None:
    """Bring one row, in a worker's own way."""
    if kind == "COPY":
        with session.cursor().copy("COPY t (id) FROM STDIN") as copy:
            copy.write(f"{number}\n")
        return
    done = session.execute(kind.encode(), {"id": number})
    if done.rowcount == 0:  # the first row that an UPDATE could move
        session.execute(KINDS[0].encode(), {"id": number})


def test_the_fence_costs_no_time_by_the_number_of_tables(unprivileged_dsn: str) -> None:
    """It is one trigger; the tables' own stay as they are."""
    with live_target.make(unprivileged_dsn, *(numbers(f"t{number}") for number in range(50))) as target:
        before = target.session.execute("SELECT count(*) FROM pg_trigger").fetchone()
        target.open()
        close(target)
        assert target.session.execute("SELECT count(*) FROM pg_trigger").fetchone() == before
        for number in range(50):
            with pytest.raises(psycopg.Error, match="fenced"):
                target.session.execute(sql.SQL("INSERT INTO {} VALUES (1)").format(sql.Identifier(f"t{number}")))
