"""What a routed application needs at the target, which stays when the migration is over and its application is to go on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import cast

import psycopg
from psycopg import sql

from outgrow import errors
from outgrow.model import plan
from outgrow.postgres import capture, live_state, statements

__all__ = ["decide", "drop", "is_kept", "is_wanted", "keep"]

_STEP = "100ms"
"""For how long the application's transactions may have to wait behind one of ours: less than it takes to see a deadlock."""
_PATIENCE = 30.0
"""Seconds for which a lock is tried again."""


def is_wanted(session: psycopg.Connection) -> bool:
    """Whether the router is to stay: it was used, or somebody decided so."""
    if not _ask(session, "router_tables"):
        return False
    return _ask(session, "router_used")


def decide(session: psycopg.Connection, router: str) -> None:
    """Write down what is to become of the router (`keep`, `drop`, or empty), so that an end which is interrupted knows."""
    if router and _ask(session, "router_tables"):
        wanted = "want_router" if router == "keep" else "want_no_router"
        session.execute(statements.named(wanted, file="routing"))


def is_kept(session: psycopg.Connection) -> bool:
    """Whether a migration is over here, and its router stayed."""
    return _ask(session, "router_kept")


def keep(session: psycopg.Connection, planned: plan.Plan) -> None:
    """Remove everything of outgrow but what the router needs, while the application goes on; may be done again.

    Locks are tried for a short time, and again, since who waits for us may have what we wait for. Raises errors.TargetBusy.
    """
    for number in range(1, len(planned.tables) + 1):
        for statement in capture.drop(number):
            _patiently(session, lambda statement=statement: session.execute(statement.encode()))  # type: ignore[misc]
    _patiently(session, lambda: session.execute(statements.named("let_go", file="routing")))
    row = session.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    end = time.monotonic() + _PATIENCE
    while _ask(session, "router_waits", moment=row[0]) and time.monotonic() < end:
        time.sleep(0.005)

    def rest() -> None:
        epoch = live_state.read(session).epoch
        standing = statements.named("keep_standing", file="routing")
        session.execute(sql.SQL(standing).format(epoch=sql.Literal(epoch)))
        tables = [name for (name,) in session.execute(statements.named("list_dropped", file="routing"))]
        for name in tables:
            session.execute(sql.SQL("DROP TABLE outgrow.{} CASCADE").format(sql.Identifier(name)))
        session.execute(statements.named("drop_functions", file="routing"))

    _patiently(session, rest)


def drop(session: psycopg.Connection) -> None:
    """Remove a router that stayed."""
    with session.transaction():
        session.execute("DROP SCHEMA outgrow CASCADE")


def _patiently(session: psycopg.Connection, work: Callable[[], object]) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            with session.transaction():
                session.execute(f"SET LOCAL lock_timeout = '{_STEP}'".encode())
                work()
            return
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            if time.monotonic() > end:
                raise errors.TargetBusy(
                    "The application's transactions leave no moment for the end of the migration",
                    why=str(error).strip(),
                    hint="Look for a transaction that is left open; then type it again: it goes on where it was",
                ) from error
            time.sleep(0.05)


def _ask(session: psycopg.Connection, name: str, **named: object) -> bool:
    row = session.execute(statements.named(name, file="routing"), named or None).fetchone()
    return bool(cast("tuple[bool]", row)[0]) if row is not None else False
