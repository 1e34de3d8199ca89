"""The one row that says how a live migration stands at the target, and the moves of the primary, each a compare-and-set."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import psycopg

from outgrow import errors
from outgrow.model.phase import Side
from outgrow.postgres import capture, statements

__all__ = ["MOVED", "LiveState", "accept", "begin", "close", "exists", "moved", "open_", "prepare", "read", "set_back"]

MOVED = "OG001"
"""SQLSTATE: another process moved the position, the epoch or the primary."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveState:
    """How the migration stands.

    `prepared` is the epoch as whose primary the target has been made ready, None if for none. `seq` and `token` are the entry
    of the file's log up to which it is applied, `acknowledged` the number of batches that the file has from here. `secret`
    tells the follower's own writes from others.
    """

    epoch: int
    primary: Side
    prepared: int | None
    seq: int
    token: int
    catching_up: bool
    acknowledged: int
    secret: str = field(repr=False)


def begin(session: psycopg.Connection) -> None:
    """Create what a live migration needs, unless it is there: the file is primary of epoch 0, and the fence stands."""
    with session.transaction():
        # Two that begin at once: the second waits here for the first.
        session.execute("LOCK TABLE outgrow.migration IN SHARE ROW EXCLUSIVE MODE")
        if exists(session):
            return
        session.execute(statements.named("create_live", file="live"))
        session.execute(statements.named("begin_live", file="live"), {"secret": secrets.token_hex(16)})
        for statement in capture.fence(0):
            session.execute(statement.encode())


def exists(session: psycopg.Connection) -> bool:
    """Whether there is a live migration here."""
    return session.execute(statements.named("live_exists", file="live")).fetchone() == (True,)


def read(session: psycopg.Connection) -> LiveState:
    """How the migration stands now."""
    row = session.execute(statements.named("read_live", file="live")).fetchone()
    if row is None:
        raise errors.StoresDisagree(
            "The target has lost the state of the live migration",
            why="the row of outgrow.live is gone",
            hint="Restore it from a backup of the database; nothing was changed",
        )
    epoch, primary, prepared, seq, token, catching_up, acknowledged, secret = row
    return LiveState(
        epoch=epoch,
        primary=Side(primary),
        prepared=prepared,
        seq=seq,
        token=token,
        catching_up=catching_up,
        acknowledged=acknowledged,
        secret=secret,
    )


def accept(session: psycopg.Connection, seq: int, token: int) -> None:
    """Take an entry of the file's log for the position, whatever it was: somebody decided so, and compares everything."""
    session.execute(statements.named("accept_live", file="live"), {"seq": seq, "token": token})


def prepare(session: psycopg.Connection, epoch: int) -> None:
    """Note that the target has been made ready as primary of `epoch`; it stays closed."""
    _move(session, "prepare_live", epoch)


def set_back(session: psycopg.Connection) -> None:
    """Take a preparation back that no decision followed."""
    _move(session, "set_back_live", None)


def open_(session: psycopg.Connection, epoch: int) -> None:
    """Let the application write: the target is primary of `epoch`, for which it was prepared."""
    with session.transaction():
        _move(session, "open_live", epoch)
        session.execute(capture.unfence().encode())


def close(session: psycopg.Connection, epoch: int) -> None:
    """Refuse the application's writes: the file is to be primary of `epoch`. The commit of this is the decision."""
    with session.transaction():
        _move(session, "close_live", epoch)
        for statement in capture.fence(epoch):
            session.execute(statement.encode())


def moved(error: psycopg.Error) -> errors.TargetBusy:
    """The error tree's word for a compare-and-set that failed."""
    return errors.TargetBusy(
        "Another process works on this migration",
        why=error.diag.message_detail or error.diag.message_primary or str(error),
        hint="End it, or let it do the work; nothing was written twice",
    )


def _move(session: psycopg.Connection, name: str, epoch: int | None) -> None:
    with session.transaction():
        # Whatever the session's habit: this is on the disk before anybody acts on it.
        session.execute("SET LOCAL synchronous_commit = on")
        if session.execute(statements.named(name, file="live"), {"epoch": epoch}).fetchone() is None:
            found = read(session)
            raise errors.TargetBusy(
                "The target's primary is not what it was",
                why=f"it is {found.primary} of epoch {found.epoch}"
                + (f", prepared for epoch {found.prepared}" if found.prepared is not None else ""),
                hint="Another process changed it: type the same command again to continue from where it is",
            )
