"""PostgreSQL servers and databases for the tests: everything is made by the test run and gone after it."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import conninfo, sql

from outgrow.postgres import embedded

__all__ = ["OLD_PROGRAMS", "administration", "database", "locked", "owned_database"]

# The oldest PostgreSQL that Debian's packages may have put beside the wheel's 18.
OLD_PROGRAMS = Path("/usr/lib/postgresql/15/bin")

_serial = itertools.count(1)


@contextlib.contextmanager
def database(server: embedded.EmbeddedServer, options: LiteralString = "") -> Iterator[str]:
    """An empty database of its own, dropped with whoever is still connected; yields the superuser's DSN."""
    name = f"test_{os.getpid()}_{next(_serial)}"
    with administration(server) as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 {}").format(sql.Identifier(name), sql.SQL(options))
        )
    try:
        yield server.dsn_of(name)
    finally:
        with administration(server) as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def owned_database(server: embedded.EmbeddedServer) -> Iterator[str]:
    """A database that belongs to a role with no privilege besides; yields that role's DSN."""
    with database(server) as dsn:
        name = conninfo.conninfo_to_dict(dsn)["dbname"]
        role = f"owner_of_{name}"
        with administration(server) as admin:
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER").format(sql.Identifier(role)))
        try:
            with administration(server) as admin:
                admin.execute(
                    sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(str(name)), sql.Identifier(role))
                )
            yield server.dsn_of(str(name), user=role)
        finally:
            with administration(server) as admin:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(name))))
                admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@contextlib.contextmanager
def administration(server: embedded.EmbeddedServer) -> Iterator[psycopg.Connection]:
    """The superuser's session on the database `postgres`, in autocommit."""
    if server.pid is None:  # a test left it stopped
        server.start()
    with psycopg.connect(server.dsn, autocommit=True) as conn:
        yield conn


@contextlib.contextmanager
def locked(dsn: str, *tables: str) -> Iterator[Callable[[], list[int]]]:
    """Lock tables for the length of the block; yields a function that lists the backends which wait for any lock."""
    waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(dsn) as blocker, psycopg.connect(dsn, autocommit=True) as observer:
        names = sql.SQL(", ").join(map(sql.Identifier, tables))
        blocker.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))
        yield lambda: [pid for (pid,) in observer.execute(waiting)]
        blocker.rollback()
