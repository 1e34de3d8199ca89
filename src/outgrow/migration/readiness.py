"""What stands in the way of a switch or of the way back besides lag and differences, and what is left to do after a switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outgrow import workers
from outgrow.migration.watching import Check
from outgrow.model import event
from outgrow.model.phase import Side
from outgrow.postgres import connection, foreign_keys, programs, state
from outgrow.postgres import steps as target_steps

if TYPE_CHECKING:
    from outgrow.migration import connected

__all__ = ["look", "validate_foreign_keys"]


def look(work: connected.Connected, session: connection.Session) -> tuple[Check, ...]:
    """Look at the target over a session that nobody else uses, while the follower rests."""
    plan, store = work.plan, work.target_store
    gone = store.invalid_indexes(session)
    indexes = Check(
        name="indexes",
        ok=not gone,
        found=f"missing or not valid: {', '.join(gone)}" if gone else "all are there and valid",
        remedy="Create them again as the plan has them: outgrow plan FILE --ddl" if gone else "",
    )
    changed = [*target_steps.drift(session, plan), *target_steps.strange(session, plan)]
    changed += programs.missing(session, plan)
    shape = Check(
        name="shape",
        ok=not changed,
        found="; ".join(changed) if changed else "the target's tables and triggers are those of the plan",
        remedy="Undo that: what the file has no place for would be lost on the way back" if changed else "",
    )
    if work.primary is Side.POSTGRES:
        return indexes, shape
    deaf = store.rehearse_capture(session)
    way_back = Check(
        name="way back",
        ok=not deaf,
        found=f"writes would not be noticed in: {', '.join(deaf)}"
        if deaf
        else "a trial row of every table was noticed",
        remedy="Look at that table's own triggers and rules at the target; the engine repairs those of outgrow"
        if deaf
        else "",
    )
    return indexes, shape, way_back


def validate_foreign_keys(work: connected.Connected, session: connection.Session) -> None:
    """Hold the rows that were there before the switch against the foreign keys, once after each switch."""
    wanted = {step.name: step for step in foreign_keys.validation_steps(work.plan, work.view.epoch)}
    if not set(wanted) - set(state.State(session).steps()):
        return
    target_steps.run(
        [session],
        iter(wanted.values()),
        run_id=work.migration.run,
        stop=workers.Stop(work.target.stop),
        interrupt=lambda: None,
        sink=event.ignore,
    )
    for name, note in state.State(session).steps().items():
        if note and name in wanted:
            work.steps.sink(event.Notice(message=f"{name}: {note}"))
