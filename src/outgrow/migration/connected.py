"""The engine while it has its connections: from the first row to the last switch, in one thread between two batches."""

from __future__ import annotations

import concurrent.futures
import contextlib
import queue
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from outgrow import errors, failpoints, workers
from outgrow.follow import loop, waiting
from outgrow.migration import beginning, copying, operations, repairing, session, verifier, watching
from outgrow.model import event, plan
from outgrow.model.phase import Phase, Side
from outgrow.postgres import connection as postgres
from outgrow.postgres import live as postgres_live
from outgrow.postgres import state
from outgrow.postgres import steps as target_steps
from outgrow.sqlite import changes, live
from outgrow.sqlite import connection as sqlite
from outgrow.sqlite import schema as sqlite_schema
from outgrow.sqlite import store as sqlite_store
from outgrow.switch import execute, sides
from outgrow.verify import compare
from outgrow.verify import live as verify_live

__all__ = ["Connected", "Request"]

IDLE = 0.1
"""Seconds after which the follower looks for changes although nothing woke it."""

UNWATCHED = 0.005
"""The same where writes to the file's log cannot be waited for."""

BUSY, RESTING = 0.002, 0.05
"""Least and most seconds between two looks at PostgreSQL's log, which cannot be waited for."""

SHARE, REST = 2.0, 0.005
"""How long the follower rests after a batch that left nothing waiting: times what the batch took, and seconds at most.

A batch for every single write would take a third of the machine from an application that writes a thousand times a second.
"""

HOUSE_EVERY = 0.5
"""Seconds between two looks at what else is to be done."""

REPAIRED_SHOWN = 20
"""Keys that are told of rows that were brought over again."""

PRUNE_ROWS, PRUNE_TIMES = 5_000, 20
KEEP_SECONDS = 60.0
"""How long log entries are kept after the target has them: as long as a failover may take it back."""

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What another process asks for; answered through `reply`."""

    command: str
    arguments: Mapping[str, Any]
    reply: concurrent.futures.Future[Mapping[str, Any]]


class Connected:
    """One set of connections of an engine. `run` is the main thread's; `between_batches` may be called by others."""

    def __init__(
        self,
        file: live.LiveFile,
        target: session.Target,
        migration: state.Migration,
        made: plan.Plan,
        steps: session.Steps,
        *,
        view: watching.View,
        waiter: waiting.Waiter,
        requests: queue.Queue[Request],
        stopping: threading.Event,
        hear: event.Sink,
        jobs: int,
        copies: bool,
        verify_every: float,
        resync: bool,
    ) -> None:
        self.file = file
        self.target = target
        self.migration = migration
        self.plan = made
        self.steps = steps
        self.view = view
        self.keeper = state.State(target.control, run=migration.run)
        self.jobs = jobs
        self._copies = copies
        self.hear = hear
        self.over = False
        self.failed: errors.Retryable | None = None
        self._waiter = waiter
        self._requests = requests
        self._stopping = stopping
        self._visits: queue.Queue[Callable[[], None]] = queue.Queue()
        self._kept_at = time.monotonic()
        self._durable: list[tuple[float, int]] = []
        self._rest = BUSY
        self.open_stores()
        self.verifier = verifier.Verifier(self, every=verify_every)
        if resync:
            self._resync()

    def open_stores(self) -> None:
        """Make the two stores for the plan as it is now; again after it changed."""
        null = secrets.token_hex(8)
        database = sqlite_schema.read(self.file.writer)
        self.captured = beginning.captured_tables(self.plan, database)
        self.file_store = sqlite_store.FileStore(self.file, self.plan, self.captured, null=null)
        self.target_store = postgres_live.TargetStore(
            self.target.control, self.plan, null=null, sequences_there=self.file.sequences
        )
        self.file_store.reader.watched = set(self.keeper.quarantine_counts())
        self.switcher = execute.Switcher(
            sides.FileSide(self.file_store),
            sides.TargetSide(self.target_store),
            drain=lambda check: self.following.drain(check=check),
            bounded=self.target.bounded,
        )
        self.turn()

    def _resync(self) -> None:
        """Go on from the file as it is now, although it is not the one that was followed, and compare everything."""
        if self.primary is not Side.SQLITE:
            raise errors.PhaseRefused(
                "PostgreSQL is the primary",
                why="the file follows it, and what the file has more is nothing that counts",
                hint="Start without --resync",
            )
        with self.file_store.reader.snapshot():
            last = self.file_store.reader.last()
        self.target_store.accept(last.seq, last.token)
        self.turn()
        self.suspect([table.source for table in self.plan.tables])

    def turn(self) -> None:
        """Follow in the direction that the stores say."""
        self.target_store.begin()
        there = self.target_store.state()
        self.file_store.mark = changes.Mark(seq=there.seq, token=there.token)
        state = self.file_store.state()
        if state.applied < there.acknowledged:
            raise errors.SourceRewound(
                "The file is not the one that followed up to now",
                why=f"PostgreSQL knows that it had batch {there.acknowledged}, and it has only {state.applied}: an older copy"
                " was put in its place",
                hint="Put the file back in its place; what is there now lacks writes that were acknowledged",
            )
        self.primary = state.primary
        equal_at = self.view.equal_at(self.primary, state.epoch)
        if self.primary is Side.SQLITE:
            self.target_store.follow()
            self.following: loop.Following[Any] = loop.Following(
                self.file_store, self.target_store, sink=self.steps.sink, equal_at=equal_at
            )
        else:
            self.following = loop.Following(self.target_store, self.file_store, sink=self.steps.sink, equal_at=equal_at)
        self.view.direct(self.primary, state.epoch, self.following)

    def phase(self) -> Phase:
        """Where the migration stands."""
        return self.keeper.migration().phase

    def advance(self, after: Phase) -> None:
        """Move the migration on."""
        before = self.phase()
        self.keeper.advance(before, after)
        failpoints.hit("phase.advanced")
        self.steps.sink(event.PhaseChanged(before=before, after=after))

    def run(self) -> bool:
        """Get to a following target, and follow until the engine is stopped; whether the migration is over."""
        if self.phase() is Phase.PLANNED:
            self.advance(Phase.CAPTURING)
        if self.phase() is Phase.CAPTURING:
            self.advance(Phase.COPYING)
        if self.switcher.recover():
            self.turn()
        repairing.look(self)
        if self.phase() is Phase.COPYING and self._copies:
            self._copy()
        self.verifier.start()
        try:
            self._follow()
        finally:
            self.verifier.stop()
        return self.over

    def _copy(self) -> None:
        beginning.copy(self.file, self.target, self.migration, self.plan, jobs=self.jobs, steps=self.steps)
        self.file_store.reader.watched = set(self.keeper.quarantine_counts())
        self._catch_up()
        # With the rows of one snapshot there, unique indexes hold.
        sessions = self.target.sessions(self.jobs)
        indexes = list(target_steps.indexes(self.plan))
        copying.run_steps(self.target, self.migration, "indexes", self.steps, (indexes, sessions))
        capture, statistics = list(self.target_store.capture_steps()), list(target_steps.statistics(self.plan))
        copying.run_steps(
            self.target, self.migration, "capture", self.steps, (capture, sessions[:1]), (statistics, sessions)
        )
        self._catch_up()
        self.advance(Phase.FOLLOWING)

    def _catch_up(self) -> None:
        with self.steps.step("catch up"):
            while True:
                self.target.stop.check()
                try:
                    if not self.following.step():
                        return
                except changes.SchemaMoved:
                    repairing.look(self)

    def _follow(self) -> None:
        seen: float | None = None
        while not self._stopping.is_set():
            if self._serve():
                return
            began = time.monotonic()
            try:
                moved = self.following.step(seen=seen)
            except changes.SchemaMoved:
                repairing.look(self)
                continue
            done = time.monotonic()
            self._keep_house()
            if moved:
                seen, self._rest = None, BUSY
                if not self.following.is_behind:
                    # What is written from now on waits for the end of the rest.
                    seen = done
                    self._waiter.rest(min(SHARE * (done - began), REST))
            else:
                seen = self._wait()

    def _wait(self) -> float:
        """Wait until there may be something to do; when that was."""
        if self.primary is Side.SQLITE:
            self._waiter.wait(IDLE if self._waiter.watches else UNWATCHED)
        else:
            self._waiter.wait(self._rest)
            self._rest = min(self._rest * 1.5, RESTING)
        return time.monotonic()

    def _serve(self) -> bool:
        """Do what others asked for, between two batches; whether the migration is over."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._visits.get_nowait()()
        with contextlib.suppress(queue.Empty):
            while not self.over:
                request = self._requests.get_nowait()
                if not request.reply.set_running_or_notify_cancel():
                    continue
                try:
                    with postgres.translate_errors(self.target.control), sqlite.translate_errors(self.file.path):
                        answer = operations.perform(self, request.command, request.arguments)
                    request.reply.set_result(answer)
                except errors.OutgrowError as error:
                    request.reply.set_exception(error)
                    if self.over or isinstance(error, errors.TargetLost) or self._halfway():
                        raise
                except workers.Stopped:
                    why = "it was asked to end before it began with the switch"
                    request.reply.set_exception(
                        errors.EngineMissing(
                            "The engine ended", why=why, hint="Nothing changed. Start it: outgrow run FILE"
                        )
                    )
                    raise
                except Exception as error:
                    request.reply.set_exception(errors.Internal("A defect in outgrow", why=repr(error)))
                    raise
                if self.failed is not None:
                    raise self.failed
        return self.over

    def _halfway(self) -> bool:
        """Whether a switch was decided and not completed, or prepared and given up: the next connections see to it."""
        return self.switcher.unfinished() or self.file_store.state().primary is not self.primary

    def between_batches(self, visit: Callable[[], Result]) -> Result:
        """Let the main thread do something between two batches, when the follower equals some state of its primary."""
        done: concurrent.futures.Future[Result] = concurrent.futures.Future()

        def serve() -> None:
            try:
                done.set_result(visit())
            except BaseException as error:
                done.set_exception(error)

        self._visits.put(serve)
        self._waiter.wake()
        while not done.done():
            concurrent.futures.wait([done], timeout=1.0)
            self.target.stop.check()
        return done.result()

    def caught_up(self, visit: Callable[[], Result]) -> Result:
        """Do something between two batches in a command's own process, where nobody else follows."""
        self.following.approach(check=self.target.stop.check)
        return visit()

    def serve_until(self, done: Callable[[], bool]) -> None:
        """Go on doing what other threads ask for between two batches, until `done`."""
        while not done():
            with contextlib.suppress(queue.Empty):
                self._visits.get(timeout=0.01)()

    def number(self, table: plan.TablePlan) -> int:
        """The table's number in the log."""
        return next(number for number, one in self.captured.items() if one.plan.source == table.source)

    def suspect(self, tables: Sequence[str]) -> None:
        """Have tables compared and repaired."""
        self.verifier.suspect(tables)

    def log_again(self, table: plan.TablePlan, found: verify_live.Found) -> None:
        """Log the keys of rows that differ, in the primary's log."""
        number = self.number(table)
        keys = [one.key for one in found.differences if one.kind is not compare.Kind.EXTRA]
        if self.primary is Side.SQLITE:
            keys += self.file_store.literals(number, self.target_store.restored(table, found.extras))
            self.file_store.log_keys(number, keys)
        else:
            self.target_store.touch(table.source, [*self.file_store.encoded(number, keys), *found.extras])
        differing = list(dict.fromkeys(one.key for one in found.differences))
        rows = max(len(differing), len(found.extras))
        self.steps.sink(event.RowsRepaired(table=table.source, rows=rows, keys=tuple(differing[:REPAIRED_SHOWN])))

    def prepare_switch(self, goal: Side) -> None:
        """What can be done before anybody is kept waiting."""
        if goal is Side.POSTGRES:
            self.target_store.advance_sequences()
        else:
            self.file_store.advance_sequences(self.target_store.last_ids())

    def switched(self, goal: Side) -> None:
        """What follows from a change of the primary and need not be waited for by anybody."""
        self.turn()
        self.verifier.look_soon()
        before, after = (
            (Phase.FOLLOWING, Phase.SWITCHED) if goal is Side.POSTGRES else (Phase.SWITCHED, Phase.FOLLOWING)
        )
        self.steps.sink(event.PhaseChanged(before=before, after=after))

    def _keep_house(self) -> None:
        """Prune the file's log behind a position that the target has had for a while, durably; look after reverse capture."""
        now = time.monotonic()
        if now - self._kept_at < HOUSE_EVERY:
            return
        self._kept_at = now
        self.file.require_same()
        self.verifier.require()
        repairing.look_at_target(self)
        self.view.quarantined = sum(self.keeper.quarantine_counts().values())
        if self.primary is not Side.SQLITE:
            return
        self._durable.append((now, self.file_store.mark.seq))
        old = [seq for at, seq in self._durable if at < now - KEEP_SECONDS]
        if old:
            self._durable = [(at, seq) for at, seq in self._durable if at >= now - KEEP_SECONDS]
            self.target_store.make_durable()
            for _ in range(PRUNE_TIMES):
                if self.file.prune(old[-1], at_most=PRUNE_ROWS) < PRUNE_ROWS:
                    break
            failpoints.hit("follow.pruned")
