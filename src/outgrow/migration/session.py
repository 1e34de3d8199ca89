"""What every command that works on a target shares: connections that end together, and steps that are timed."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence

from outgrow import interrupts, workers
from outgrow.model import event
from outgrow.postgres import connection, dsn, server

__all__ = ["Steps", "Target"]

_CANCEL_PATIENCE = 2.0
_GRACE = 5.0
"""Seconds that cancelled connections have to end in order before they are broken off."""


class Target:
    """Connections to one target, opened as they are needed and closed together."""

    def __init__(self, where: str, command: str) -> None:
        self.dsn = dsn.parse(where)
        self._command = command
        self._sessions: list[connection.Session] = []
        self.backends: list[int] = []
        self._breaking: threading.Timer | None = None
        self.stop = workers.Stop()
        interrupts.register(self)
        self.control = self.connect()
        try:
            self.facts = server.examine(self.control)
            server.require(self.facts)
        except BaseException:
            self.close()
            raise

    def connect(self) -> connection.Session:
        """One more connection, in autocommit mode."""
        session = connection.connect(self.dsn, purpose=self._command, autocommit=True, opened=self._sessions.append)
        self.backends.append(session.info.backend_pid)
        with connection.translate_errors(session):
            connection.find_extensions(session)
        return session

    def sessions(self, number: int) -> list[connection.Session]:
        """At least `number` connections besides the first."""
        while len(self._sessions) <= number:
            self.connect()
        return self._sessions[1 : number + 1]

    def interrupt(self) -> None:
        """Cancel whatever the connections are doing; a server that does not answer is not waited for."""
        self.hurry()
        for session in self._sessions:
            with contextlib.suppress(Exception):
                session.cancel_safe(timeout=_CANCEL_PATIENCE)

    def hurry(self) -> None:
        """Break off, after a grace, whatever connection is still open."""
        if self._breaking is None:
            self._breaking = threading.Timer(_GRACE, self._break_off)
            self._breaking.daemon = True
            self._breaking.start()

    @contextlib.contextmanager
    def bounded(self, seconds: float) -> Iterator[None]:
        """Break off every connection if the block takes longer: a server that fell silent is not waited for."""
        breaking = threading.Timer(seconds, self._break_off)
        breaking.daemon = True
        breaking.start()
        try:
            yield
        finally:
            breaking.cancel()

    def outlive(self, backends: Sequence[int]) -> None:
        """End what is left at the server of connections that were lost: it may not know of that for a minute."""
        connection.end_sessions(self.control, backends)

    def _break_off(self) -> None:
        for session in self._sessions:
            connection.break_off(session)

    def close(self) -> None:
        """Close every connection."""
        if self._breaking is not None:
            self._breaking.cancel()
        for session in self._sessions:
            session.close()

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Steps:
    """Times the steps of a command and tells the sink of them."""

    def __init__(self, sink: event.Sink) -> None:
        self.sink = sink
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def step(self, name: str, *, total: int = 0, done: int = 0, unit: str = "") -> Iterator[None]:
        """A step of that name; its seconds are added up when it is entered again."""
        self.sink(event.StepStarted(step=name, total=total, done=done, unit=unit))
        began = time.monotonic()
        yield
        elapsed = time.monotonic() - began
        self.seconds[name] = self.seconds.get(name, 0.0) + elapsed
        self.sink(event.StepDone(step=name, seconds=elapsed, units=total))
