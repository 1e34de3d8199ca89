"""A TCP proxy in front of a PostgreSQL server that loses, holds up and slows down connections on command.

It stands on 127.0.0.1 and passes bytes on to a Unix socket or a TCP port. Nothing in it waits for a while and
hopes: faults happen at the call, or at a byte sequence in what the client sends.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from psycopg import conninfo

__all__ = ["Proxy", "in_front_of"]


Strikes = Callable[["_Link", bytes], bool]


@dataclass(eq=False)
class _Link:
    """One client's connection and the one to the server behind it."""

    client: socket.socket
    server: socket.socket
    doomed: threading.Event = field(default_factory=threading.Event)  # the server's next answer is lost
    halved: threading.Event = field(default_factory=threading.Event)  # the client is gone, and the server does not know

    def cut(self) -> None:
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Proxy:
    """Passes connections through until told otherwise; `dsn` leads to the same database as the DSN it was made of."""

    def __init__(self, dsn: str) -> None:
        params = conninfo.conninfo_to_dict(dsn)
        host, port = str(params["host"]), int(str(params.get("port", 5432)))
        self._upstream: str | tuple[str, int] = f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.dsn = conninfo.make_conninfo(dsn, host="127.0.0.1", port=self.port)
        self._links: list[_Link] = []
        self._halves: list[_Link] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._flowing = threading.Event()
        self._flowing.set()
        self._refusing = False
        self._delay = 0.0
        self._trap: tuple[bytes, bool] | None = None
        self.trapped = threading.Event()
        """Set when `cut_before` or `cut_after` has struck."""
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def cut(self) -> None:
        """Break every open connection now; new ones are welcome."""
        with self._lock:
            links, self._links = self._links, []
        for link in links:
            link.cut()

    def halve(self) -> None:
        """Break every open connection at the client's end only: the server goes on waiting, as after a machine's sudden end."""
        with self._lock:
            links, self._links = self._links, []
            self._halves += links
        for link in links:
            link.halved.set()
            with contextlib.suppress(OSError):
                link.client.shutdown(socket.SHUT_RDWR)

    def refuse(self) -> None:
        """Break every open connection, and every new one at once, until `admit`."""
        with self._lock:
            self._refusing = True
        self.cut()

    def admit(self) -> None:
        """Let new connections through again."""
        self._refusing = False

    def stall(self) -> None:
        """Hold every byte back, both ways, until `resume`: the connection is up and silent."""
        self._flowing.clear()

    def resume(self) -> None:
        """Let the bytes held back go on."""
        self._flowing.set()

    def delay(self, seconds: float) -> None:
        """Hold each portion of bytes back for that long, both ways; 0 ends it."""
        self._delay = seconds

    def cut_before(self, marker: bytes) -> None:
        """Break the next connection whose client sends the marker, before the server sees it. Strikes once."""
        self._arm(marker, after=False)

    def cut_after(self, marker: bytes) -> None:
        """Break the next connection whose client sends the marker when the server has answered: the answer is lost.

        With `COMMIT` for a marker the transaction is committed and the client does not know it. Strikes once.
        """
        self._arm(marker, after=True)

    def close(self) -> None:
        """Break everything and end every thread."""
        self._closed.set()
        self._flowing.set()
        socket.create_connection(("127.0.0.1", self.port)).close()  # wakes accept(), which closing would not
        self._accepting.join()
        self._listener.close()
        self.cut()
        for link in self._halves:
            link.cut()
        for thread in self._threads:
            thread.join()

    def _arm(self, marker: bytes, *, after: bool) -> None:
        self.trapped.clear()
        self._trap = (marker, after)

    def _accept(self) -> None:
        while True:
            client = self._listener.accept()[0]
            if self._closed.is_set():
                client.close()
                return
            server = socket.socket(socket.AF_UNIX if isinstance(self._upstream, str) else socket.AF_INET)
            try:
                server.connect(self._upstream)
            except OSError:  # the server is down: so is the way to it
                client.close()
                server.close()
                continue
            link = _Link(client, server)
            with self._lock:
                self._links.append(link)
                if self._refusing:  # asked under the lock: `refuse` either sees this link or stops it here
                    link.cut()
            self._start(self._serve, link)

    def _serve(self, link: _Link) -> None:
        answers = self._start(self._pass_answers, link)
        try:
            self._pump(link, link.client, link.server, self._springs)
        finally:
            if not link.halved.is_set():
                link.cut()
            answers.join()
            link.client.close()
            link.server.close()

    def _pass_answers(self, link: _Link) -> None:
        try:
            self._pump(link, link.server, link.client, lambda link, _: link.doomed.is_set())
        finally:
            if link.doomed.is_set():
                self.trapped.set()
            if not link.halved.is_set():
                link.cut()

    def _pump(
        self, link: _Link, source: socket.socket, sink: socket.socket, strikes: Callable[[_Link, bytes], bool]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flowing.wait()
                if self._delay:
                    self._closed.wait(self._delay)
                if strikes(link, data):
                    return
                sink.sendall(data)

    def _springs(self, link: _Link, data: bytes) -> bool:
        with self._lock:
            if self._trap is None or self._trap[0] not in data:
                return False
            (_, after), self._trap = self._trap, None
        if after:
            link.doomed.set()
        else:
            self.trapped.set()
        return not after

    def _start(self, target: Callable[..., None], *args: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread


@contextlib.contextmanager
def in_front_of(dsn: str) -> Iterator[Proxy]:
    """A proxy for the length of the block."""
    proxy = Proxy(dsn)
    try:
        yield proxy
    finally:
        proxy.close()
