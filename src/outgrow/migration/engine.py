"""`outgrow run`: one process that captures, copies, follows, verifies and switches, and resumes from anything."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import pathlib
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from outgrow import audit, errors, workers
from outgrow.audit import trail
from outgrow.follow import waiting
from outgrow.migration import beginning, connected, control, ending, operations, session, standing, watching
from outgrow.model import event, plan_data
from outgrow.model.phase import Phase
from outgrow.postgres import connection as postgres
from outgrow.postgres import dsn, state
from outgrow.sqlite import connection as sqlite
from outgrow.sqlite import file_state, live

__all__ = ["Engine", "EngineOptions"]

SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Least and most seconds between two attempts to work with a PostgreSQL that went away, or is in trouble."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineOptions:
    """How an engine works. One that is not `lasting` only does what was submitted, and neither copies nor keeps verifying."""

    target_schema: str = "public"
    plan_path: pathlib.Path | None = None
    jobs: int = 2
    convert_to_wal: bool = False
    verify_every: float = 60.0
    lasting: bool = True
    resync: bool = False


class Engine:
    """One engine for one file. `run` is called by the main thread; everything else may be called by any."""

    def __init__(
        self, path: str | os.PathLike[str], to: str | None, options: EngineOptions, *, sink: event.Sink
    ) -> None:
        self.path = pathlib.Path(path).resolve()
        self.to = standing.target(path, to)
        self.options = options
        self.over = False
        self._resynced = False
        self._mode = ""
        self.view = watching.View(self.path.name)
        self._sink = audit.fan_out(self.view.hear, sink)
        self._requests: queue.Queue[connected.Request] = queue.Queue()
        self._stopping = threading.Event()
        self._waiter: waiting.Waiter | None = None
        self._target: session.Target | None = None
        self._connected: connected.Connected | None = None

    def stop(self) -> None:
        """Ask the engine to end in order; from any thread or a signal's handler."""
        self._stopping.set()
        if self._target is not None:
            self._target.stop.set()
            self._target.hurry()
        if self._waiter is not None:
            self._waiter.wake()

    def run(self) -> None:
        """Work until `stop` is called or the migration is over.

        The first connection to PostgreSQL must succeed; later ones are tried again and again.
        """
        if self.options.lasting:
            self._refuse_second()
        with live.LiveFile(self.path) as file, contextlib.ExitStack() as stack:
            self._waiter = waiting.Waiter(file.wal)
            stack.callback(self._waiter.close)
            server = control.Server(self.answer)
            stack.callback(server.close)
            pause, reached, since = SHORTEST_PAUSE, False, 0.0
            backends: list[int] = []
            while not self._stopping.is_set():
                try:
                    with self._reach(again=reached) as target, file.source.passing():
                        self._target = target
                        reached, since = True, time.monotonic()
                        target.outlive(backends)
                        backends = target.backends
                        self.view.trouble = None
                        if self._work(file, target, server.path):
                            self._turn_down(errors.PhaseRefused("The migration is over", why="it was ended just now"))
                            return
                except errors.Retryable as error:
                    if not reached:
                        raise
                    if self._stopping.is_set():  # a server that fell silent was not waited for; nothing is lost by that
                        return
                    self.view.trouble = error
                    self._turn_down(error)
                    self._sink(event.Notice(message=f"{error.message}: {error.why}. Trying again"))
                    if time.monotonic() - since > LONGEST_PAUSE:  # it worked for a while
                        pause = SHORTEST_PAUSE
                    self._waiter.wait(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
                except workers.Stopped:
                    return
                finally:
                    self._target = None

    def _refuse_second(self) -> None:
        """Refuse at once where the file's engine answers; the lease would only tell after a while."""
        there = file_state.peek(self.path)
        if there is None or not there.control:
            return
        with contextlib.suppress(errors.EngineMissing):
            control.ask(there.control, "status", seconds=1.0)
            raise errors.TargetBusy(
                f"An engine follows {self.path.name} already",
                why="one process does the work of a migration",
                hint="Look what it does: outgrow status FILE --watch",
            )

    def _reach(self, *, again: bool) -> session.Target:
        """Connect. After a failover, what is there may be a standby for a while, which is no reason to end."""
        try:
            return session.Target(self.to, "run")
        except errors.TargetUnfit as error:
            if not again:
                raise
            raise errors.TargetLost(error.message, why=error.why, hint=error.hint) from error

    def _require_wal(self, file: live.LiveFile) -> str:
        """The journal mode that the file had before outgrow; it must be WAL, or is changed if that was asked for."""
        if self._mode:
            return self._mode
        there = file.state()
        self._mode = mode = file.journal_mode()
        if mode == "wal":
            self._mode = there.journal_mode if there is not None else "wal"
            return self._mode
        if not self.options.convert_to_wal:
            raise errors.Refused(
                f"{self.path} is in journal mode {mode}",
                why="beside a reader nobody could write to it; outgrow follows files in WAL mode",
                hint="Let outgrow convert it, and restore it in the end: outgrow run FILE --to … --wal;"
                " or do it yourself: PRAGMA journal_mode=wal",
            )
        file.change_journal_mode("wal")
        return mode

    def _work(self, file: live.LiveFile, target: session.Target, control_path: str) -> bool:
        """Do everything with one set of connections; whether the migration is over."""
        keeper = state.State(target.control)
        steps = session.Steps(self._sink)
        with postgres.translate_errors(target.control), sqlite.translate_errors(self.path):
            wanted, router = self._wanted()
            if (ended := ending.complete(file, target, keeper, wanted, router=router)) is not None:
                for reply in self._waiting():
                    reply.set_result(ended)
                self.over = True
                return True
            if file.state() is None and not keeper.exists():
                standing.refuse_archive(self.path)
            mode = self._require_wal(file)
            migration = beginning.begin(
                file,
                target,
                keeper,
                target_schema=self.options.target_schema,
                plan_path=self.options.plan_path,
                steps=steps,
            )
            with keeper.lease("run"):
                keeper = state.State(target.control, run=migration.run)
                steps.sink = audit.fan_out(self._sink, trail.Trail(keeper, "run"))
                made = plan_data.from_data(migration.plan)
                self.view.begin(made, migration.phase, target.dsn.masked)
                beginning.install_capture(file, migration, made, target=target.dsn.without_password, mode=mode)
                if (left := file.state()) is not None and left.control != control_path:
                    control.sweep(left.control)
                file.set_control(control_path)
                assert self._waiter is not None
                work = connected.Connected(
                    file,
                    target,
                    migration,
                    made,
                    steps,
                    view=self.view,
                    waiter=self._waiter,
                    requests=self._requests,
                    stopping=self._stopping,
                    hear=self._sink,
                    jobs=self.options.jobs,
                    copies=self.options.lasting,
                    verify_every=self.options.verify_every if self.options.lasting else 0.0,
                    resync=self.options.resync and not self._resynced,
                )
                self._connected, self._resynced = work, True
                try:
                    self.over = work.run()
                finally:
                    self._connected = None
                return self.over

    def answer(self, command: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a request of another process: at once for `status`, by the main thread between two batches for the others."""
        if named := arguments.get("target"):
            self._require_target(str(named))
        if command == "status":
            return self.view.status()
        if self.view.phase not in (Phase.FOLLOWING, Phase.SWITCHED):
            raise errors.NotReady(
                f"The migration is {self.view.phase}",
                why="the copy is not complete",
                hint="Wait for it: outgrow status FILE --watch; to give it up, stop the engine first: Ctrl-C there",
            )
        if (trouble := self.view.trouble) is not None:
            raise type(trouble)(trouble.message, why=trouble.why, hint=trouble.hint)
        if command == "verify" and self._connected is not None:
            return self._connected.verifier.ask(repair=bool(arguments.get("repair")))
        reply = self.submit(command, arguments)
        try:
            return reply.result(max(float(arguments.get("deadline") or 0.0), operations.DEADLINE))
        except concurrent.futures.TimeoutError:
            if not reply.cancel():  # it was begun, and has bounds of its own
                return reply.result()
            raise errors.Retryable(
                "The engine did not get to it in time",
                why="it waits for PostgreSQL, or has a large batch at hand",
                hint="Nothing changed. Look where it stands: outgrow status FILE; and type it again",
            ) from None

    def _require_target(self, named: str) -> None:
        """Refuse what was meant for another target; a database that has several names is looked at."""
        other, own = dsn.parse(named), dsn.parse(self.to)
        there = file_state.peek(self.path)
        if other.same_place(own) or there is None:
            return
        with postgres.connect(other, purpose="look") as session, postgres.translate_errors(session):
            keeper = state.State(session)
            if keeper.exists() and str(keeper.migration().run) == there.run:
                return
        raise standing.another_target(self.path, own.masked, other.masked)

    def submit(self, command: str, arguments: Mapping[str, Any]) -> concurrent.futures.Future[Mapping[str, Any]]:
        """Have the main thread do something between two batches."""
        request = connected.Request(command=command, arguments=arguments, reply=concurrent.futures.Future())
        self._requests.put(request)
        if self._waiter is not None:
            self._waiter.wake()
        return request.reply

    def _wanted(self) -> tuple[str, str]:
        """What was submitted before anything is begun, where that is all there is to do; and what becomes of the router."""
        with contextlib.suppress(queue.Empty):
            request = self._requests.get_nowait()
            self._requests.put(request)
            return ("", "") if self.options.lasting else (request.command, str(request.arguments.get("router", "")))
        return "", ""

    def _turn_down(self, error: errors.OutgrowError) -> None:
        """Refuse what was not begun; nobody's wish is done later, when it may be none any more."""
        for reply in self._waiting():
            reply.set_exception(error)

    def _waiting(self) -> Iterator[concurrent.futures.Future[Mapping[str, Any]]]:
        """The replies that somebody waits for, each taken out of the queue."""
        with contextlib.suppress(queue.Empty):
            while True:
                reply = self._requests.get_nowait().reply
                if reply.set_running_or_notify_cancel():
                    yield reply
