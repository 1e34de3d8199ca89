"""The workload explains what it did, and what a migration may do to it is found: on SQLite alone."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.workload import (
    apart,
    driver,
    judge,
    ledger,
    operations,
    record,
    running,
    schema,
    script,
    sqlite_store,
    stores,
    summary,
)

SHAPE = schema.Shape(rows=300, padding=3, large=200, big=5000)


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A run of four processes that has ended."""

    path: Path
    ledgers: list[Path]
    summary: summary.Summary

    def check(self) -> ledger.Report:
        return ledger.check(self.ledgers, self.path)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Four processes, 200 operations each, on one file."""
    directory = tmp_path_factory.mktemp("run")
    what = script.Script(seed=5, shape=SHAPE)
    path = schema.create(directory / "app.db", SHAPE)
    with running.Workload(directory, what, sqlite=path, options=["--operations", 200]) as load:
        ended = load.wait()
    return Finished(path=path, ledgers=load.ledgers, summary=ended)


@pytest.fixture
def finished(run: Finished, tmp_path: Path) -> Finished:
    """A copy of it, to do harm to."""
    return Finished(
        path=Path(shutil.copy(run.path, tmp_path / "app.db")),
        ledgers=[Path(shutil.copy(path, tmp_path / path.name)) for path in run.ledgers],
        summary=run.summary,
    )


@contextlib.contextmanager
def changing(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


@contextlib.contextmanager
def driving(directory: Path, path: Path, what: script.Script, timeout: float = 5) -> Iterator[driver.Driver]:
    """A driver in this process."""
    store = sqlite_store.SqliteStore(path, schema.tables(what.shape), timeout=timeout)
    writer = record.Writer(directory / "ledger-0", record.Header(role="workload", script=what))
    with driver.Driver(what, 0, writer, [store], patience=30) as working:
        yield working


# --- what it does --------------------------------------------------------------------------------------------------


def test_operations_are_decided_by_the_seed() -> None:
    """The n-th operation is always the same, and another process, number or seed gives another."""
    what = script.Script(seed=3, shape=SHAPE)
    rows = [what.operation(process, n).ledger_row for process in range(2) for n in range(300)]
    again = script.Script.from_json(what.to_json())
    assert again == what
    assert [again.operation(process, n).ledger_row for process in range(2) for n in range(300)] == rows
    other = script.Script(seed=4, shape=SHAPE)
    assert [other.operation(0, n).kind for n in range(300)] != [what.operation(0, n).kind for n in range(300)]
    assert [row["kind"] for row in rows[:300]] != [row["kind"] for row in rows[300:]]


def test_four_processes_are_explained(run: Finished) -> None:
    """Whatever their interleaving, the file holds what their ledgers say."""
    run.summary.require()
    assert run.summary.acknowledged + run.summary.outcomes["rolled"] == 4 * 200
    assert run.summary.stores == {"sqlite": run.summary.acknowledged}
    assert 0 < run.summary.latency.p50 <= run.summary.latency.p99 <= run.summary.latency.longest
    report = run.check().require()
    assert report.acknowledged == run.summary.acknowledged
    assert judge.one_primary(judge.attempts(run.ledgers), last_epoch=0).require().accepted == run.summary.stores


def test_every_kind_is_met(run: Finished) -> None:
    """Chance reaches all of them in a short run, but the two that are rare on purpose and the one that needs leaves."""
    kinds = {line.store for path in run.ledgers for line in record.lines(path) if line.what == "intent"}
    assert operations.KINDS.keys() - kinds <= {"large", "big_doc", "sprout"}


def test_the_file_is_read_in_a_process_of_its_own(run: Finished) -> None:
    """For tests whose process may not open the file with this library."""
    assert ledger.check(run.ledgers, run.path, separately=True) == run.check()


def test_nothing_of_outgrow_is_loaded() -> None:
    """Neither outgrow nor its SQLite, in no process of a workload."""
    program = """
import sys
from support.workload import byhand, driver, equality, judge, ledger, prober, running, watching
print([name for name in sys.modules if name.startswith(("outgrow", "apsw"))])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=apart.environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


# --- how it goes on ------------------------------------------------------------------------------------------------


def test_a_killed_process_goes_on_where_it_was(tmp_path: Path) -> None:
    """Also with half a line in its ledger; the operation that it was at is there once or not at all."""
    what = script.Script(shape=SHAPE)
    path = schema.create(tmp_path / "app.db", SHAPE)
    with running.Workload(tmp_path, what, sqlite=path, processes=2) as load:
        load.ready(20)
        load.kill(0)
        with load.ledgers[0].open("a") as file:
            file.write('["intent", 99')
        load.start(0)
        load.accepted("sqlite", 20)
        load.stop().require()
    numbers = [line.n for line in record.lines(load.ledgers[0]) if line.what in ("acked", "rolled", "found")]
    assert len(numbers) == len(set(numbers))
    report = ledger.check(load.ledgers, path).require()
    assert report.unsure == 0


def test_an_acknowledgement_that_was_never_written_is_found(tmp_path: Path) -> None:
    """A process killed between its commit and its ledger finds the operation when it is started again."""
    what = script.Script(shape=SHAPE, kinds=["transfer"])
    path = schema.create(tmp_path / "app.db", SHAPE)
    with driving(tmp_path, path, what) as working:
        working.run(0, rate=0, last=9)
    kept = (tmp_path / "ledger-0").read_text().splitlines(keepends=True)
    (tmp_path / "ledger-0").write_text("".join(kept[:-1]))
    assert record.open_intent(tmp_path / "ledger-0") == (10, 9)
    report = ledger.check([tmp_path / "ledger-0"], path).require()
    assert (report.acknowledged, report.unsure, report.present) == (9, 1, 1)
    with driving(tmp_path, path, what) as working:
        assert working.perform(9, unsure=True) == "found"
    assert ledger.check([tmp_path / "ledger-0"], path).require().acknowledged == 10


def test_an_intent_that_came_to_nothing_may_be_missing(tmp_path: Path) -> None:
    """Nobody was told that it is there."""
    what = script.Script(shape=SHAPE, kinds=["transfer"])
    path = schema.create(tmp_path / "app.db", SHAPE)
    with driving(tmp_path, path, what) as working:
        working.run(0, rate=0, last=4)
        working.writer.write("intent", 5, "transfer", 1, 1)
    report = ledger.check([tmp_path / "ledger-0"], path).require()
    assert (report.acknowledged, report.unsure, report.present) == (5, 1, 0)


def test_a_locked_file_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`database is locked` is no outcome: the operation is tried until the lock is gone."""
    what = script.Script(shape=SHAPE, kinds=["count"])
    path = schema.create(tmp_path / "app.db", SHAPE)
    tries = 0
    with changing(path) as blocker, driving(tmp_path, path, what, timeout=0.001) as working:
        understood = working.candidates[0].understood

        def counted(error: Exception, committing: bool) -> stores.Trouble:
            nonlocal tries
            tries += 1
            if tries == 3:
                blocker.execute("COMMIT")
            return understood(error, committing)

        monkeypatch.setattr(working.candidates[0], "understood", counted)
        blocker.execute("BEGIN IMMEDIATE")
        assert working.perform(0) == "acked"
    assert tries == 3


def test_a_fence_is_met_until_it_is_gone(tmp_path: Path) -> None:
    """With no other store to go to, the operation is tried again; every refusal is written down, with its epoch."""
    what = script.Script(shape=SHAPE)
    path = schema.create(tmp_path / "app.db", SHAPE)
    with running.Workload(tmp_path, what, sqlite=path, processes=2) as load:
        load.ready(5)
        with changing(path) as operator:
            operator.execute("PRAGMA busy_timeout = 10000")
            operator.execute(
                "CREATE TRIGGER _f BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'outgrow: closed in epoch 7'); END"
            )
            closed = time.monotonic_ns()
            tails = [record.Tail(ledger) for ledger in load.ledgers]
            fenced = [False, False]
            while not all(fenced):
                for number, tail in enumerate(tails):
                    lines = [line for line in tail.poll() if line.start > closed]
                    fenced[number] |= any((line.what, line.detail) == ("fenced", 7) for line in lines)
                    assert not any(line.what == "acked" for line in lines)
            operator.execute("DROP TRIGGER _f")
        load.accepted("sqlite", 5)
        load.stop().require()
    ledger.check(load.ledgers, path).require()


def test_a_process_ends_when_the_file_is_there(tmp_path: Path) -> None:
    """And says how it was, as JSON; the clock decides when it writes."""
    path = schema.create(tmp_path / "app.db", SHAPE)
    flag = tmp_path / "enough"
    command = ["-m", "support.workload.driver", "--sqlite", path, "--ledger", tmp_path / "ledger", "--rate", 200]
    command += ["--script", script.Script(shape=SHAPE).to_json(), "--until-file", flag, "--process", 3]
    with subprocess.Popen(
        [sys.executable, *map(str, command)], stdout=subprocess.PIPE, env=apart.environment()
    ) as process:
        tail = record.Tail(tmp_path / "ledger")
        lines: list[record.Line] = []
        while sum(line.what == "intent" for line in lines) < 30:
            assert process.poll() is None
            lines += tail.poll()
        flag.touch()
        told = json.loads(process.communicate(timeout=30)[0])
    assert told == json.loads(json.dumps(summary.of([tmp_path / "ledger"]).to_json()))
    due = [line.start for line in record.lines(tmp_path / "ledger") if line.what == "intent"]
    assert {round((after - before) / 1e6, 3) for before, after in itertools.pairwise(due)} == {5.0}


def test_times_are_told_from_the_records(tmp_path: Path) -> None:
    """Latency has the replays, response the wait before; the longest gap spans all processes and the end."""
    what = script.Script(shape=SHAPE)
    paths = [tmp_path / "one", tmp_path / "other"]
    one, other = (record.Writer(path, record.Header(role="workload", script=what)) for path in paths)
    ms = 1_000_000
    one.write("intent", 0, "count", 1 * ms, 2 * ms)
    one.write("fenced", 0, "sqlite", 2 * ms, 3 * ms, 1)
    one.write("acked", 0, "postgres", 4 * ms, 6 * ms)
    other.write("intent", 0, "touch", 2 * ms, 2 * ms)
    other.write("acked", 0, "sqlite", 2 * ms, 3 * ms)
    other.write("intent", 1, "touch", 8 * ms, 8 * ms)
    other.write("acked", 1, "postgres", 8 * ms, 9 * ms)
    one.write("intent", 1, "count", 20 * ms, 20 * ms)
    found = summary.of(paths)
    assert (found.latency.longest, found.response.longest, found.longest) == (4.0, 5.0, "count 0-0")
    assert (found.gap, found.gap_at) == (11.0, (9 * ms, 20 * ms))
    assert (found.stores, found.outcomes) == ({"postgres": 2, "sqlite": 1}, {"acked": 3, "fenced": 1})
    assert summary.of(paths, since=2 * ms, until=8 * ms).gap_at == (3 * ms, 6 * ms)
    assert summary.of(paths, since=8 * ms).stores == {"postgres": 1}
    other.write("refused", 2, "postgres", 1, 2, "no such table")
    with pytest.raises(AssertionError, match="no such table"):
        summary.of(paths).require()


# --- what a migration may do to it -----------------------------------------------------------------------------------


def an_operation(finished: Finished, kind: str, outcome: str = "acked") -> str:
    """The last operation of a kind with an outcome."""
    for process, path in enumerate(finished.ledgers):
        kinds = {line.n: line.store for line in record.lines(path) if line.what == "intent"}
        for line in reversed([*record.lines(path)]):
            if line.what == outcome and kinds[line.n] == kind:
                return f"{process}-{line.n}"
    raise AssertionError(f"no {kind} was {outcome}")


def _loses_a_row(connection: sqlite3.Connection, finished: Finished) -> None:
    connection.execute("DELETE FROM ledger WHERE op = ?", [an_operation(finished, "count")])


def _loses_a_transaction(connection: sqlite3.Connection, finished: Finished) -> None:
    op = an_operation(finished, "append")
    connection.execute("DELETE FROM ledger WHERE op = ?", [op])
    connection.execute("DELETE FROM event WHERE op = ?", [op])


def _has_a_row_twice(connection: sqlite3.Connection, _: Finished) -> None:
    connection.execute("CREATE TABLE loose AS SELECT * FROM ledger")
    connection.execute("INSERT INTO loose SELECT * FROM ledger WHERE op = '1-10' OR op = '1-11' OR op = '1-12'")
    connection.execute("DROP TABLE ledger")
    connection.execute("ALTER TABLE loose RENAME TO ledger")


def _has_an_event_twice(connection: sqlite3.Connection, _: Finished) -> None:
    connection.execute("INSERT INTO event SELECT * FROM event ORDER BY rowid DESC LIMIT 1")


def _changes_a_counter(connection: sqlite3.Connection, _: Finished) -> None:
    connection.execute("UPDATE counter SET n = n - 1 WHERE id = 3")


def _loses_a_leg(connection: sqlite3.Connection, finished: Finished) -> None:
    op = an_operation(finished, "transfer")
    find = "SELECT id, account, amount FROM entry WHERE op = ? AND amount <> 0 LIMIT 1"
    ((entry, account, amount),) = connection.execute(find, [op])
    connection.execute("DELETE FROM entry WHERE id = ?", [entry])
    connection.execute("UPDATE account SET balance = balance - ? WHERE id = ?", [amount, account])


def _invents_an_operation(connection: sqlite3.Connection, _: Finished) -> None:
    connection.execute("INSERT INTO ledger VALUES ('2-5000', 2, 5000, 'count', '{}')")


def _keeps_what_was_rolled_back(connection: sqlite3.Connection, finished: Finished) -> None:
    process, n = map(int, an_operation(finished, "undo", "rolled").split("-"))
    operation = script.Script(seed=5, shape=SHAPE).operation(process, n)
    connection.execute("INSERT INTO ledger VALUES (:op, :process, :n, :kind, :effect)", operation.ledger_row)


def _alters_an_effect(connection: sqlite3.Connection, finished: Finished) -> None:
    connection.execute("UPDATE ledger SET effect = '{}' WHERE op = ?", [an_operation(finished, "transfer")])


def _keeps_a_deleted_child(connection: sqlite3.Connection, _: Finished) -> None:
    connection.execute("INSERT INTO entry (account, op, amount) VALUES (-12345, '0-1', 1)")


def _spells_an_address_differently(connection: sqlite3.Connection, _: Finished) -> None:
    ((email,),) = connection.execute("SELECT email FROM account WHERE id = 60")
    connection.execute("UPDATE account SET email = ? WHERE id = 60", [email.swapcase()])


def _swaps_two_slots(connection: sqlite3.Connection, _: Finished) -> None:
    ((one,), (other,)) = connection.execute("SELECT slot FROM account WHERE id IN (5, 6)").fetchall()
    connection.execute("UPDATE account SET slot = NULL WHERE id = 5")
    connection.execute("UPDATE account SET slot = ? WHERE slot = ?", [one, other])
    connection.execute("UPDATE account SET slot = ? WHERE id = 5", [other])


def _changes_a_real_by_one_bit(connection: sqlite3.Connection, _: Finished) -> None:
    ((ratio,),) = connection.execute("SELECT ratio FROM archive WHERE id = 8")
    connection.execute("UPDATE archive SET ratio = ? WHERE id = 8", [math.nextafter(ratio, math.inf)])


FAULTS: dict[Callable[[sqlite3.Connection, Finished], None], set[str]] = {
    _loses_a_row: {"lost"},
    _loses_a_transaction: {"lost", "missing row"},
    _has_a_row_twice: {"twice"},
    _has_an_event_twice: {"extra row"},
    _changes_a_counter: {"sum", "missing row", "extra row"},
    _loses_a_leg: {"sum", "missing row", "extra row"},
    _invents_an_operation: {"invented"},
    _keeps_what_was_rolled_back: {"undead"},
    _alters_an_effect: {"altered"},
    _keeps_a_deleted_child: {"extra row"},
    _spells_an_address_differently: {"missing row", "extra row"},
    _swaps_two_slots: {"missing row", "extra row"},
    _changes_a_real_by_one_bit: {"missing row", "extra row"},
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_a_planted_fault_is_found(fault: Callable[[sqlite3.Connection, Finished], None], finished: Finished) -> None:
    """Each of them, and as what it is."""
    with changing(finished.path) as connection:
        fault(connection, finished)
        assert connection.total_changes
    report = finished.check()
    assert report.kinds == FAULTS[fault], str(report)
    with pytest.raises(AssertionError):
        report.require()


# --- one store at a time ---------------------------------------------------------------------------------------------


class History:
    """Attempts at two stores as they would be seen in a migration that is right, with switches at random times."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.switches = sorted(self.chance.sample(range(1000, 99_000), self.chance.randrange(6)))
        self.attempts = [self.attempt(moment) for moment in range(0, 100_000, 50)]

    def epoch(self, moment: float) -> int:
        return sum(switch <= moment for switch in self.switches)

    def interval(self, moment: float, slow: float = 0.02) -> tuple[int, int]:
        """Some time around a moment, now and then a long one."""
        width = 5000 if self.chance.random() < slow else 60
        return int(moment - self.chance.randrange(width)), int(moment + self.chance.randrange(width))

    def attempt(self, moment: float) -> judge.Attempt:
        epoch = self.epoch(moment)
        store = self.chance.choice(["sqlite", "postgres"])
        start, end = self.interval(moment)
        accepted = store == ("sqlite", "postgres")[epoch % 2]
        # The store that refuses may not know yet of a switch, or know of one that is prepared.
        said = epoch + self.chance.choice([-1, 0, 0, 0, 1]) if not accepted else None
        return judge.Attempt(store=store, start=start, end=end, accepted=accepted, epoch=said)

    def accepts(self, store: str, moment: float) -> None:
        """Plant an acceptance."""
        start, end = self.interval(moment, slow=0)
        self.attempts.append(judge.Attempt(store=store, start=start, end=end, accepted=True))


@pytest.mark.parametrize("seed", range(30))
def test_a_history_that_is_right_is_no_split_brain(seed: int) -> None:
    """However its attempts overlap, and however often the primary changed."""
    history = History(seed)
    judge.one_primary(history.attempts).require()
    assert judge.one_primary(history.attempts, last_epoch=len(history.switches)).require().epochs <= len(
        history.switches
    )


@pytest.mark.parametrize("seed", range(30))
def test_a_store_that_accepts_for_too_long_is_found(seed: int) -> None:
    """One write that the old primary takes in the middle of the other one's epoch is enough."""
    history = History(seed)
    borders = [0, *history.switches, 100_000]
    lengths = {after - before: (before, number) for number, (before, after) in enumerate(itertools.pairwise(borders))}
    length = max(lengths)
    begin, epoch = lengths[length]
    history.accepts(("postgres", "sqlite")[epoch % 2], begin + length / 2)
    assert judge.one_primary(history.attempts).overlaps
    assert judge.one_primary(history.attempts, last_epoch=len(history.switches)).overlaps


def test_overlapping_times_prove_nothing() -> None:
    """Two acceptances that overlap may be in either order; a third that follows both makes two switches."""

    def accepted(store: str, start: int, end: int) -> judge.Attempt:
        return judge.Attempt(store=store, start=start, end=end, accepted=True)

    found = [accepted("sqlite", 0, 10), accepted("postgres", 5, 15), accepted("sqlite", 9, 16)]
    assert not judge.one_primary(found, last_epoch=1).overlaps
    verdict = judge.one_primary([*found, accepted("sqlite", 16, 20)], last_epoch=1)
    assert [overlap.attempt.start for overlap in verdict.overlaps] == [16]
    assert verdict.accepted == Counter(sqlite=3, postgres=1)


def test_nothing_is_judged_when_nothing_is_known() -> None:
    """Without an epoch, any order of acceptances could be switches."""
    with pytest.raises(ValueError, match="last_epoch"):
        judge.one_primary([judge.Attempt(store="sqlite", start=0, end=1, accepted=True)])
