"""What an engine is asked for (changing the primary, finishing, aborting), done by its main thread between two batches."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any

from outgrow import errors
from outgrow.migration import ending, readiness, repairing, watching
from outgrow.model import event
from outgrow.model.phase import Phase, Side
from outgrow.postgres import routing

if TYPE_CHECKING:
    from outgrow.migration import connected

__all__ = ["DEADLINE", "perform"]

DEADLINE = 5.0
"""Seconds for which a switch may keep writers waiting, if nobody says otherwise."""


def perform(work: connected.Connected, command: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Do what is asked for; raises errors.OutgrowError."""
    match command:
        case "switch":
            return _switch(work, Side(arguments.get("to", Side.POSTGRES)), arguments)
        case "verify":
            return work.verifier.round(work.caught_up, repair=bool(arguments.get("repair")))
        case "finish":
            return _finish(work, str(arguments.get("router", "")), accepted=bool(arguments.get("accept_quarantine")))
        case "abort":
            return _abort(work)
    raise errors.Usage(f"The engine knows no {command!r}", hint="The engine and the command are of different versions")


def _switch(work: connected.Connected, goal: Side, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    work.file.require_same()
    state = work.file_store.state()
    if state.primary is goal:
        return {"epoch": state.epoch, "primary": str(goal), "pause_ms": 0.0, "steps_ms": {}, "repeated": True}
    if work.phase() not in (Phase.FOLLOWING, Phase.SWITCHED):
        raise errors.NotReady(
            f"The migration is {work.phase()}",
            why="the copy is not complete",
            hint="Wait for it: outgrow status FILE --watch",
        )
    accepted = {what for what in ("quarantine", "differences") if arguments.get(f"accept_{what}")}
    checks = _wanted(work, goal, accepted=accepted, alone=bool(arguments.get("alone")))
    failing = [check for check in checks if not check.ok]
    if arguments.get("dry_run"):
        return {
            "ready": not failing,
            "checks": [{"name": c.name, "ok": c.ok, "found": c.found, "remedy": c.remedy} for c in checks],
            "epoch": state.epoch,
            "primary": str(state.primary),
        }
    if failing:
        raise errors.NotReady(
            f"Not ready for the {'switch' if goal is Side.POSTGRES else 'rollback'}:"
            f" {', '.join(check.name for check in failing)}",
            why="; ".join(f"{check.name}: {check.found}" for check in failing),
            hint=". ".join(check.remedy for check in failing if check.remedy),
        )
    deadline = float(arguments.get("deadline") or DEADLINE)
    with work.file.patient(deadline):
        # What can be done before anybody is kept waiting.
        with work.target.bounded(max(deadline, DEADLINE)):
            work.following.approach(check=work.target.stop.check)
            work.prepare_switch(goal)
        switched = work.switcher.switch(goal, deadline=deadline)
    assert switched is not None
    try:
        work.switched(goal)
    except errors.Retryable as error:  # the switch is done all the same; the next connections go on from there
        work.failed = error
    steps = {name: round(seconds * 1000, 3) for name, seconds in switched.steps.items()}
    work.steps.sink(
        event.PrimaryChanged(epoch=switched.epoch, primary=str(goal), pause=switched.pause, steps=dict(switched.steps))
    )
    return {
        "epoch": switched.epoch,
        "primary": str(goal),
        "pause_ms": round(switched.pause * 1000, 3),
        "steps_ms": steps,
        "repeated": False,
    }


def _wanted(work: connected.Connected, goal: Side, *, accepted: Set[str], alone: bool) -> list[watching.Check]:
    """The checks that must pass."""
    repairing.look_at_target(work)
    if alone and (work.target_store.suspects() or (goal is Side.POSTGRES and work.view.verified is None)):
        work.verifier.round(work.caught_up)
    checks = [check for check in work.view.wanted() if check.name != "quarantine" or "quarantine" not in accepted]
    if goal is Side.SQLITE:
        if "differences" in accepted and not work.target_store.suspects():
            checks = [check for check in checks if check.name != "verification"]
        checks = [_for_rollback(check) for check in checks]
    return checks


def _for_rollback(check: watching.Check) -> watching.Check:
    """A check with what else leads back in a bad hour."""
    if check.ok or check.name != "verification":
        return check
    remedy = f"{check.remedy}. Or leave them as they are in the file: outgrow rollback FILE --accept-differences"
    return dataclasses.replace(check, remedy=remedy)


def _finish(work: connected.Connected, router: str, *, accepted: bool) -> Mapping[str, Any]:
    """End the way back: PostgreSQL stays primary, outgrow leaves both databases, and the file becomes a read-only archive.

    Rows in quarantine must be `accepted`: each is in one of both databases only, and that stays so.
    Where the application goes through the router, what that needs stays in both.
    """
    if work.phase() is not Phase.SWITCHED:
        raise errors.PhaseRefused(
            f"A migration that is {work.phase()} cannot be finished",
            why="PostgreSQL is not the primary",
            hint="outgrow switch FILE, and finish when nobody wants to go back; or outgrow abort FILE",
        )
    waiting = sum(work.keeper.quarantine_counts().values())
    if waiting and not accepted:
        raise errors.NotReady(
            f"{waiting:,} row{'' if waiting == 1 else 's'} in quarantine",
            why="the other database cannot hold them as they are, and after this nothing looks after them any more;"
            " outgrow.quarantine at the target names them",
            hint="Repair them where they are; or accept that they stay there, with their exact values in the trail beside the"
            " file: outgrow finish FILE --accept-quarantine",
        )
    routing.decide(work.target.control, router)
    if not routing.is_wanted(work.target.control):
        ending.refuse_users(work.file)
    readiness.validate_foreign_keys(work, work.target.control)
    work.following.drain(check=work.target.stop.check)
    work.verifier.stop()
    work.advance(Phase.FINISHED)
    work.over = True
    return ending.finish(work.file, work.target_store, work.keeper)


def _abort(work: connected.Connected) -> Mapping[str, Any]:
    """Give the migration up before the switch: every trace of outgrow leaves both databases, and so do the copied tables."""
    if work.file_store.state().primary is not Side.SQLITE:
        raise errors.PhaseRefused(
            "PostgreSQL is the primary",
            why="what was written there would be lost",
            hint="Go back first: outgrow rollback FILE; then abort",
        )
    work.verifier.stop()
    work.over = True
    return ending.abort(work.file, work.target_store)
