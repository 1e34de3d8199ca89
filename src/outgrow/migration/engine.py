"""`outgrow run`: one process that captures, copies, follows, verifies and switches, and resumes from anything."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import pathlib
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from outgrow import audit, errors
from outgrow.audit import trail
from outgrow.follow import waiting
from outgrow.migration import beginning, connected, control, session, watching
from outgrow.model import event
from outgrow.model.phase import Phase
from outgrow.plan import file as plan_file
from outgrow.postgres import connection as postgres
from outgrow.postgres import state
from outgrow.sqlite import connection as sqlite
from outgrow.sqlite import live

__all__ = ["Engine", "EngineOptions"]

BACK_OFF = 5.0
"""Most seconds between two attempts to reach a PostgreSQL that went away."""


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

    def __init__(self, path: str | os.PathLike[str], to: str, options: EngineOptions, *, sink: event.Sink) -> None:
        self.path = pathlib.Path(path).resolve()
        self.to = to
        self.options = options
        self.over = False
        self._resynced = False
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
        if self._waiter is not None:
            self._waiter.wake()

    def run(self) -> None:
        """Work until `stop` is called or the migration is over.

        The first connection to PostgreSQL must succeed; later ones are tried again and again.
        """
        with live.LiveFile(self.path) as file, contextlib.ExitStack() as stack:
            mode = self._require_wal(file)
            self._waiter = waiting.Waiter(file.wal)
            stack.callback(self._waiter.close)
            server = control.Server(self.answer)
            stack.callback(server.close)
            pause, reached = 0.1, False
            while not self._stopping.is_set():
                try:
                    with session.Target(self.to, "run") as target:
                        self._target = target
                        reached, pause = True, 0.1
                        self.view.trouble = None
                        if self._work(file, target, server.path, mode):
                            return
                except errors.Retryable as error:
                    if not reached or self._stopping.is_set():
                        raise
                    self.view.trouble = error
                    self._sink(event.Notice(message=f"{error.message}: {error.why}. Trying again"))
                    self._waiter.wait(pause)
                    pause = min(pause * 2, BACK_OFF)
                finally:
                    self._target = None

    def _require_wal(self, file: live.LiveFile) -> str:
        """The journal mode that the file had before outgrow; it must be WAL, or is changed if that was asked for."""
        there = file.state()
        mode = file.journal_mode()
        if mode == "wal":
            return there.journal_mode if there is not None else "wal"
        if not self.options.convert_to_wal:
            raise errors.Refused(
                f"{self.path} is in journal mode {mode}",
                why="beside a reader nobody could write to it; outgrow follows files in WAL mode",
                hint="Let outgrow convert it, and restore it in the end: add --wal. Or do it yourself: PRAGMA journal_mode=wal",
            )
        file.change_journal_mode("wal")
        return mode

    def _work(self, file: live.LiveFile, target: session.Target, control_path: str, mode: str) -> bool:
        """Do everything with one set of connections; whether the migration is over."""
        keeper = state.State(target.control)
        steps = session.Steps(self._sink)
        with postgres.translate_errors(target.control), sqlite.translate_errors(self.path):
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
                made = plan_file.from_data(migration.plan)
                self.view.begin(made, migration.phase, target.dsn.masked)
                beginning.install_capture(file, migration, made, target=target.dsn.without_password, mode=mode)
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
        if command == "status":
            return self.view.status()
        if self.view.phase not in (Phase.FOLLOWING, Phase.SWITCHED):
            raise errors.NotReady(
                f"The migration is {self.view.phase}",
                why="the copy is not complete",
                hint="Wait for it: outgrow status FILE --watch; to give it up, stop the engine first: Ctrl-C there",
            )
        if command == "verify" and self._connected is not None:
            return self._connected.verifier.ask()
        return self.submit(command, arguments).result()

    def submit(self, command: str, arguments: Mapping[str, Any]) -> concurrent.futures.Future[Mapping[str, Any]]:
        """Have the main thread do something between two batches."""
        request = connected.Request(command=command, arguments=arguments, reply=concurrent.futures.Future())
        self._requests.put(request)
        if self._waiter is not None:
            self._waiter.wake()
        return request.reply
