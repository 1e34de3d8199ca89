"""The engine's ear: a Unix socket on which other commands ask it for things, one JSON object a line."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from outgrow import errors

__all__ = ["Server", "ask", "sweep"]

_PREFIX = "outgrow-"
_CONNECT_SECONDS = 2.0
_ANSWER_SECONDS = 1.0

Answer = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""What a request (a command and its arguments) is answered with; errors of outgrow's tree travel to the asker."""


class Server:
    """Listens in a directory that only this user can enter; every asker is served by a thread of its own."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        base = os.environ.get("XDG_RUNTIME_DIR") or None
        if base is not None and not os.access(base, os.W_OK):
            base = None
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
        self.path = str(self._directory / "control")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        self._answering = 0
        self._answered = threading.Condition()
        self._thread = threading.Thread(target=self._accept, name="outgrow-control", daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                asker, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(asker,), name="outgrow-answer", daemon=True).start()

    def _serve(self, asker: socket.socket) -> None:
        with contextlib.suppress(OSError), asker, asker.makefile("rw", encoding="utf-8") as lines:
            for line in lines:
                with self._counted():
                    try:
                        request = json.loads(line)
                        answer = {"answer": self._answer(request["command"], request.get("arguments", {}))}
                    except errors.OutgrowError as error:
                        told = {"message": error.message, "why": error.why, "hint": error.hint}
                        answer = {"error": {"kind": type(error).__name__, **told}}
                    lines.write(json.dumps(answer, default=str) + "\n")
                    lines.flush()

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        with self._answered:
            self._answering += 1
        try:
            yield
        finally:
            with self._answered:
                self._answering -= 1
                self._answered.notify_all()

    def close(self) -> None:
        """Stop listening, and let answers that are on their way arrive."""
        with self._answered:
            self._answered.wait_for(lambda: not self._answering, _ANSWER_SECONDS)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        shutil.rmtree(self._directory, ignore_errors=True)


def sweep(path: str) -> None:
    """Remove the socket that a killed engine left, and its directory; nothing where an engine listens, or none ever did."""
    left = pathlib.Path(path)
    if not (left.parent.name.startswith(_PREFIX) and left.is_socket()):
        return
    with socket.socket(socket.AF_UNIX) as asker:
        asker.settimeout(_CONNECT_SECONDS)
        try:
            asker.connect(path)
        except ConnectionRefusedError:
            with contextlib.suppress(OSError):
                left.unlink()
                left.parent.rmdir()
        except OSError:
            return


def ask(
    path: str,
    command: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    target: str | None = None,
    seconds: float | None = None,
) -> Any:
    """Ask the engine at a socket; what it answers, or the error that it raised.

    `target` is the DSN that the user named, if any: an engine of another target refuses.
    Raises errors.EngineMissing where nobody listens or the answer is cut off. `seconds` bounds the wait for the answer.
    """
    with contextlib.ExitStack() as stack:
        asker = stack.enter_context(socket.socket(socket.AF_UNIX))
        asker.settimeout(_CONNECT_SECONDS)
        try:
            asker.connect(path)
            asker.settimeout(seconds)
            request = {"command": command, "arguments": {**(arguments or {}), "target": target}}
            asker.sendall(json.dumps(request).encode() + b"\n")
            line = stack.enter_context(asker.makefile("rb")).readline()
        except OSError as error:
            raise _missing(str(error)) from error
    if not line.endswith(b"\n"):
        raise _missing("it went away before it answered")
    answer = json.loads(line)
    if "error" in answer:
        told = answer["error"]
        raise getattr(errors, told["kind"], errors.Internal)(told["message"], why=told["why"], hint=told["hint"])
    return answer["answer"]


def _missing(why: str) -> errors.EngineMissing:
    return errors.EngineMissing("No engine answers for this file", why=why, hint="Start it: outgrow run FILE --to …")
