"""The workload on PostgreSQL, and on both databases while the primary changes: by hand, without outgrow."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from support import command
from support import proxy as proxies
from support.workload import (
    byhand,
    driver,
    equality,
    judge,
    ledger,
    operations,
    postgres_store,
    record,
    running,
    schema,
    script,
    stores,
    summary,
    watching,
)

SHAPE = schema.Shape(rows=300, padding=3, large=200, big=5000, leaves=True)


def change(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@contextlib.contextmanager
def driving(
    directory: Path, dsn: str, what: script.Script, fence: stores.Fence = stores.OUTGROW
) -> Iterator[driver.Driver]:
    """A driver in this process."""
    store = postgres_store.PostgresStore(dsn, schema.tables(what.shape), fence)
    writer = record.Writer(directory / "ledger-0", record.Header(role="workload", script=what))
    with driver.Driver(what, 0, writer, [store], patience=30) as working:
        yield working


# --- PostgreSQL alone ------------------------------------------------------------------------------------------------


def test_every_kind_means_the_same_as_in_sqlite(postgres_dsn: str, tmp_path: Path) -> None:
    """A dozen operations of each kind leave what they leave in SQLite."""
    what = script.Script(seed=11, shape=SHAPE)
    byhand.prepare(postgres_dsn, SHAPE, fenced=False)
    done: Counter[str] = Counter()
    with driving(tmp_path, postgres_dsn, what) as working:
        for n in range(3000):
            if done[kind := what.operation(0, n).kind] < 12:
                done[kind] += 1
                assert working.perform(n) in ("acked", "rolled")
    assert done.keys() == operations.KINDS.keys()
    ledger.check([tmp_path / "ledger-0"], postgres_dsn).require()


def test_four_processes_are_explained(postgres_dsn: str, tmp_path: Path) -> None:
    """Whatever their interleaving, the database holds what their ledgers say, and its totals hold at every moment."""
    what = script.Script(seed=6, shape=SHAPE)
    byhand.prepare(postgres_dsn, SHAPE, fenced=False)
    with (
        watching.watch_total(postgres_dsn, SHAPE) as watch,
        running.Workload(tmp_path, what, postgres=postgres_dsn, options=["--operations", 60]) as load,
    ):
        times = load.wait().require()
        watch.wait(2)
    assert times.stores == {"postgres": times.acknowledged}
    assert ledger.check(load.ledgers, postgres_dsn).require().acknowledged == times.acknowledged
    watch.require()


FAULTS: dict[str, tuple[list[str], set[str]]] = {
    "an acknowledged operation is gone": (["DELETE FROM ledger WHERE op = '0-7'"], {"lost"}),
    "a row without a key is there twice": (
        ["INSERT INTO event (op, source, payload) SELECT op, source, payload FROM event LIMIT 1"],
        {"extra row"},
    ),
    "an increment is missing": (["UPDATE counter SET n = n - 1 WHERE id = 2"], {"sum", "missing row", "extra row"}),
    "a leg of a transfer is missing": (
        [
            "UPDATE account SET balance = balance - amount FROM entry"
            " WHERE account.id = entry.account AND entry.id = (SELECT min(id) FROM entry WHERE amount > 0)",
            "DELETE FROM entry WHERE id = (SELECT min(id) FROM entry WHERE amount > 0)",
        ],
        {"sum", "missing row", "extra row"},
    ),
    "a table is a moment behind": (
        ["UPDATE tag SET weight = weight - 1 WHERE name = 'tag 7.1'"],
        {"missing row", "extra row"},
    ),
    "an operation is there twice": (
        ["ALTER TABLE ledger DROP CONSTRAINT ledger_pkey", "INSERT INTO ledger SELECT * FROM ledger WHERE op = '0-7'"],
        {"twice"},
    ),
}


def test_a_planted_fault_is_found(postgres_dsn: str, tmp_path: Path) -> None:
    """Each of them, and as what it is."""
    path = schema.create(tmp_path / "app.db", SHAPE)
    byhand.prepare(postgres_dsn, SHAPE)
    what = script.Script(shape=SHAPE, kinds=["transfer", "count", "append", "retag"])
    with running.Workload(tmp_path, what, sqlite=path, processes=1, options=["--operations", 30]) as load:
        load.wait().require()
    for fault, (statements, kinds) in FAULTS.items():
        byhand.switch(path, postgres_dsn, SHAPE, 1, fence=False)
        ledger.check(load.ledgers, postgres_dsn).require()
        change(postgres_dsn, *statements)
        report = ledger.check(load.ledgers, postgres_dsn)
        assert report.kinds == kinds, f"{fault}: {report}"


@pytest.mark.parametrize(
    ("cut", "outcome"),
    [(proxies.Proxy.cut_after, "found"), (proxies.Proxy.cut_before, "acked")],
    ids=["after the commit", "before the commit"],
)
def test_a_lost_acknowledgement_is_looked_for(
    proxy: proxies.Proxy,
    postgres_dsn: str,
    tmp_path: Path,
    cut: Callable[[proxies.Proxy, bytes], None],
    outcome: str,
) -> None:
    """A connection that broke during the commit leaves an unsure operation, which is there once in the end."""
    byhand.prepare(postgres_dsn, SHAPE, fenced=False)
    with driving(tmp_path, proxy.dsn, script.Script(shape=SHAPE, kinds=["transfer"])) as working:
        assert working.perform(0) == "acked"
        cut(proxy, b"COMMIT")
        assert working.perform(1) == outcome
    assert [line.what for line in record.lines(tmp_path / "ledger-0")] == [
        *("intent", "acked"),
        *("intent", "unsure", outcome),
    ]
    assert ledger.check([tmp_path / "ledger-0"], postgres_dsn).require().acknowledged == 2


def test_a_fence_of_another_state_is_an_error(postgres_dsn: str, tmp_path: Path) -> None:
    """What an application would show is no reason to try again."""
    byhand.prepare(postgres_dsn, SHAPE)
    with driving(tmp_path, postgres_dsn, script.Script(shape=SHAPE), stores.Fence(state="OG003")) as working:
        assert working.perform(0) == "refused"
    ((message, _),) = summary.of([tmp_path / "ledger-0"]).errors.items()
    assert "OG002 SQLite is the primary of epoch 0" in message


def test_the_watcher_sees_transactions_in_parts(postgres_dsn: str) -> None:
    """A leg without the other, and money without its count; nothing before and nothing after."""
    byhand.prepare(postgres_dsn, SHAPE, fenced=False)
    with watching.watch_total(postgres_dsn, SHAPE) as watch:
        watch.wait()
        watch.require()
        change(postgres_dsn, "UPDATE account SET balance = balance - 5 WHERE id = 1")
        watch.wait()
        change(postgres_dsn, "UPDATE account SET balance = balance + 5, moves = moves + 2 WHERE id = 2")
        watch.wait()
        change(postgres_dsn, "UPDATE counter SET n = n + 2 WHERE id = 100")
        since = time.monotonic_ns()
        watch.wait()
        watch.require(since)
    seen = {(deviation.total, deviation.unexplained) for deviation in watch.deviations}
    assert seen == {(SHAPE.total - 5, 0), (SHAPE.total, 2)}


# --- both ------------------------------------------------------------------------------------------------------------


def test_processes_follow_the_primary_there_and_back(postgres_dsn: str, tmp_path: Path) -> None:
    """Two switches and a killed process: nothing is lost, nothing is there twice, one store accepts at a time."""
    what = script.Script(seed=8, shape=SHAPE)
    path = schema.create(tmp_path / "app.db", SHAPE)
    byhand.prepare(postgres_dsn, SHAPE)
    with (
        running.Workload(tmp_path, what, sqlite=path, postgres=postgres_dsn, rate=300) as load,
        running.Prober(tmp_path, what, sqlite=path, postgres=postgres_dsn) as prober,
    ):
        load.ready(5)
        prober.saw("sqlite", "acked", 5)
        prober.saw("postgres", "fenced", 5)
        byhand.switch(path, postgres_dsn, SHAPE, 1)
        load.accepted("postgres", 10)
        load.kill(2)
        load.start(2)
        load.accepted("postgres", 10)
        prober.saw("sqlite", "fenced", 5)
        prober.saw("postgres", "acked", 5)
        byhand.switch_back(path, postgres_dsn, SHAPE, 2)
        switched_back = time.monotonic_ns()
        load.accepted("sqlite", 10)
        prober.saw("sqlite", "acked", 5)
        prober.saw("postgres", "fenced", 5)
        prober.stop()
        times = load.stop().require()
    assert times.outcomes["fenced"] >= 4
    records = [*load.ledgers, *prober.ledgers]
    ledger.check(records, path).require()
    found = [*judge.attempts(records)]
    for last_epoch in (2, None):
        verdict = judge.one_primary(found, last_epoch=last_epoch).require()
        assert verdict.epochs == 2
    assert judge.one_primary(found, last_epoch=1).overlaps
    # What was there at the second switch is equal on both sides; the writes after it are in the file alone.
    differences = equality.compare(path, postgres_dsn, SHAPE).differences
    assert differences
    assert any(attempt.accepted and attempt.start > switched_back for attempt in found)


def test_both_stores_are_equal_after_a_switch_at_rest(postgres_dsn: str, tmp_path: Path) -> None:
    """Value by value; and each value that is not is found."""
    what = script.Script(seed=9, shape=SHAPE)
    path = schema.create(tmp_path / "app.db", SHAPE)
    byhand.prepare(postgres_dsn, SHAPE)
    with running.Workload(tmp_path, what, sqlite=path, options=["--operations", 100]) as load:
        load.wait().require()
    byhand.switch(path, postgres_dsn, SHAPE, 1)
    assert equality.compare(path, postgres_dsn, SHAPE).require().rows > 1000
    assert equality.compare(path, postgres_dsn, SHAPE, separately=True).require().rows > 1000
    ledger.check(load.ledgers, postgres_dsn).require()
    for statement, told in {
        "UPDATE doc SET flag = NOT coalesce(flag, false) WHERE id = (SELECT max(id) FROM doc)": [
            "file: doc",
            "database: doc",
        ],
        "UPDATE event SET rowid = -1 WHERE rowid = (SELECT max(rowid) FROM event)": ["file: event", "database: event"],
        "DELETE FROM membership WHERE a = 7": ["file: membership"] * 5,
    }.items():
        change(postgres_dsn, statement)
        differences = equality.compare(path, postgres_dsn, SHAPE).differences
        assert [":".join(each.split(":")[:2]) for each in differences] == told
        byhand.switch(path, postgres_dsn, SHAPE, 1, fence=False)


def test_a_split_brain_is_found(postgres_dsn: str, tmp_path: Path) -> None:
    """A switch that opened PostgreSQL and forgot to fence the file: by the judge, and by what is missing."""
    what = script.Script(shape=SHAPE)
    path = schema.create(tmp_path / "app.db", SHAPE)
    byhand.prepare(postgres_dsn, SHAPE)
    with (
        running.Workload(tmp_path, what, sqlite=path, postgres=postgres_dsn, processes=2, rate=200) as load,
        running.Prober(tmp_path, what, sqlite=path, postgres=postgres_dsn) as prober,
    ):
        load.ready()
        prober.saw("sqlite", "acked", 5)
        byhand.switch(path, postgres_dsn, SHAPE, 1, fence=False)
        prober.saw("postgres", "acked", 5)
        prober.saw("sqlite", "acked", 5)
        load.accepted("sqlite", 5)
        prober.stop()
        load.stop().require()
    records = [*load.ledgers, *prober.ledgers]
    verdict = judge.one_primary(judge.attempts(records), last_epoch=1)
    assert {overlap.attempt.store for overlap in verdict.overlaps} <= {"sqlite", "postgres"}
    assert verdict.overlaps
    for where in (path, postgres_dsn):
        assert "lost" in ledger.check(records, where).kinds


def test_processes_wait_while_both_stores_are_closed(postgres_dsn: str, tmp_path: Path) -> None:
    """Between the fence and the opening, operations go back and forth, and the longest gap tells how long it was."""
    what = script.Script(shape=SHAPE)
    path = schema.create(tmp_path / "app.db", SHAPE)
    byhand.prepare(postgres_dsn, SHAPE)
    lines: list[list[record.Line]] = [[], []]
    closed: list[int] = []
    with running.Workload(tmp_path, what, sqlite=path, postgres=postgres_dsn, processes=2, rate=200) as load:
        tails = [record.Tail(path) for path in load.ledgers]

        def refused_by_both() -> bool:
            for seen, tail in zip(lines, tails, strict=True):
                seen += tail.poll()
            return all(
                Counter(line.store for line in seen if line.what == "fenced")[store] >= 3
                for seen in lines
                for store in ("sqlite", "postgres")
            )

        def wait() -> None:
            closed.append(time.monotonic_ns())
            command.until(refused_by_both)
            closed.append(time.monotonic_ns())

        load.ready(5)
        byhand.switch(path, postgres_dsn, SHAPE, 1, closed=wait)
        load.accepted("postgres", 5)
        times = load.stop().require()
    assert times.gap * 1e6 >= closed[1] - closed[0]
    assert times.gap_at[0] <= closed[0] <= closed[1] <= times.gap_at[1]
    assert times.latency.longest >= (closed[1] - closed[0]) / 1e6
    ledger.check(load.ledgers, postgres_dsn).require()
