"""What may happen to a live migration; each event leaves it such that the next one can happen at once."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from support import engine, living
from support.workload import apart

if TYPE_CHECKING:
    from support.soak import course

__all__ = ["EVENTS", "Event"]

Event = Callable[["course.Soak"], "str | None"]

EVENTS: dict[str, tuple[int, Event, str]] = {}
"""Every event by name, with its weight, and the primary with which it makes sense ('' for either)."""

SWITCH_POINTS = ("locked", "drained", "fencing", "fenced", "opening", "opened")


def event(weight: int, *, primary: str = "") -> Callable[[Event], Event]:
    """Register an event under the function's name."""

    def register(function: Event) -> Event:
        EVENTS[function.__name__.replace("_", " ")] = (weight, function, primary)
        return function

    return register


@event(30, primary="sqlite")
def switch(soak: course.Soak) -> str:
    soak.change()
    return f"writes paused for {soak.pauses[-1]:.1f} ms"


@event(30, primary="postgres")
def rollback(soak: course.Soak) -> str:
    soak.change()
    return f"writes paused for {soak.pauses[-1]:.1f} ms"


@event(8)
def kill(soak: course.Soak) -> None:
    """The engine dies, whatever it is doing, and is started again."""
    soak.engine.kill()
    if soak.chance.random() < 0.5:
        soak.go_on()
    soak.engine.start()
    soak.settled()


@event(6)
def kill_in_switch(soak: course.Soak) -> str:
    """The engine dies at a step of a switch or a rollback; before the decision it did not happen, after it it did."""
    point = soak.chance.choice([*SWITCH_POINTS, "prepared"] if soak.primary == "sqlite" else SWITCH_POINTS)
    assert soak.engine.stop() == 0
    with living.killed_at(soak.engine, f"switch.{point}"):
        while soak.engine.status is None:
            with contextlib.suppress(Exception):
                soak.engine.ask("switch", to=soak.other)
    soak.look()
    return f"at {point}"


@event(5)
def end(soak: course.Soak) -> None:
    """The engine is ended in order, and started again."""
    assert soak.engine.stop() == 0
    soak.engine.start()
    soak.settled()


@event(4)
def kill_writer(soak: course.Soak) -> str:
    """A process of the application dies, and goes on where its ledger ends."""
    process = soak.chance.randrange(soak.load.processes)
    soak.load.kill(process)
    soak.load.start(process)
    return f"process {process}"


@event(8)
def cut(soak: course.Soak) -> str:
    """Connections break: the engine's, the application's, or both."""
    engines, applications = soak.chance.choice([(True, False), (False, True), (True, True)])
    if engines:
        soak.engines_way.cut()
    if applications:
        soak.applications_way.cut()
    soak.settled()
    return " and ".join(["the engine's"] * engines + ["the application's"] * applications)


@event(5)
def cut_in_switch(soak: course.Soak) -> str:
    """The engine's connection breaks at a commit of a switch, before the server has it or before the answer comes."""
    before = soak.chance.random() < 0.5
    (soak.engines_way.cut_before if before else soak.engines_way.cut_after)(b"COMMIT")
    soak.change()
    living.until(soak.engines_way.trapped.is_set, "a commit passes")
    soak.settled()
    return "before a commit" if before else "after a commit"


@event(8)
def checkpoint(soak: course.Soak) -> str:
    """The application moves its log into the file."""
    mode = soak.chance.choice(["PASSIVE", "FULL", "RESTART", "TRUNCATE"])
    application(soak, f"PRAGMA wal_checkpoint({mode})")
    return mode.lower()


@event(4, primary="sqlite")
def drop_trigger(soak: course.Soak) -> str:
    """A trigger of capture is lost under writes, perhaps shortly before the engine dies."""
    name = soak.chance.choice(apart.call(triggers, soak.path))
    application(soak, f'DROP TRIGGER IF EXISTS "{name}"')
    return f"{name}{_perhaps_killed(soak)}"


@event(3, primary="postgres")
def disable_trigger(soak: course.Soak) -> str:
    """The same at the target, where nobody drops what can be switched off."""
    table = soak.chance.choice(["doc", "event", "membership", "tag", "archive"])
    name = f"outgrow_capture_{soak.chance.choice(['insert', 'update', 'delete'])}"
    engine.execute(soak.dsn, f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    return f"{name} of {table}{_perhaps_killed(soak)}"


def _perhaps_killed(soak: course.Soak) -> str:
    killed = soak.chance.random() < 0.4
    soak.go_on()
    if killed:
        soak.engine.kill()
        soak.engine.start()
    soak.settled()
    return ", and the engine died" if killed else ""


@event(3, primary="sqlite")
def add_column(soak: course.Soak) -> str:
    """The application adds a column to a table that is written to."""
    soak.columns += 1
    table = soak.chance.choice(["archive", "doc", "event", "membership"])
    application(soak, f"ALTER TABLE {table} ADD COLUMN added_{soak.columns} TEXT DEFAULT 'new'")
    soak.settled()
    return f"{table}.added_{soak.columns}"


# --- in processes of their own ---------------------------------------------------------------------------------------


def application(soak: course.Soak, *statements: str) -> None:
    """Statements of the application's own in the file, in a process of its own."""
    apart.call(execute, soak.path, statements)


def execute(path: Path, statements: Sequence[str]) -> None:
    """Run statements as the application does."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        for statement in statements:
            connection.execute(statement)


def triggers(path: Path) -> list[str]:
    """The triggers of capture in the file, but for those of the tables whose totals are watched."""
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name GLOB '_outgrow_[0-9]*'"
        " AND tbl_name NOT IN ('account', 'counter') ORDER BY name"
    )
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as connection:
        return [name for (name,) in connection.execute(query)]
