"""The switching protocol, explored exhaustively: every interleaving of writes, following, steps, crashes and recoveries."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from outgrow import errors
from outgrow.model.phase import Side
from outgrow.switch import protocol
from outgrow.switch.protocol import FileSays, Step, TargetSays

WRITES, EPOCHS, CRASHES = 3, 3, 3

NextStep = Callable[..., Step | None]


FILE, TARGET = FileSays(0, Side.SQLITE), TargetSays(0, Side.SQLITE)


@dataclass(frozen=True)
class World:
    """Everything durable, and what one engine holds in memory. Commits are numbers; a store's content is the set of them."""

    file: FileSays = FILE
    target: TargetSays = TARGET
    in_file: frozenset[int] = frozenset()
    in_target: frozenset[int] = frozenset()
    acknowledged: int = 0
    goal: Side | None = None
    locked: bool = False
    drained: bool = False
    recovering: bool = True
    crashes: int = 0

    def content(self, side: Side) -> frozenset[int]:
        return self.in_file if side is Side.SQLITE else self.in_target


def problems(before: World, world: World) -> Iterator[str]:
    """What must never be the case, or become the case."""
    if max(world.file.epoch, world.target.epoch) < max(before.file.epoch, before.target.epoch):
        yield "a decision was taken back"
    sides = protocol.open_sides(world.file, world.target)
    if len(sides) > 1:
        yield "both stores accept writes"
    for side in sides:
        if world.content(side) != frozenset(range(world.acknowledged)):
            yield f"{side} is open without all acknowledged commits"


def moves(world: World, next_step: NextStep) -> Iterator[tuple[str, World]]:
    """Everything that can happen next."""
    change = dataclasses.replace
    for side in protocol.open_sides(world.file, world.target):
        if not world.locked and world.acknowledged < WRITES:
            number = frozenset({world.acknowledged})
            if side is Side.SQLITE:
                yield "write", change(world, in_file=world.in_file | number, acknowledged=world.acknowledged + 1)
            else:
                yield "write", change(world, in_target=world.in_target | number, acknowledged=world.acknowledged + 1)
    if world.crashes < CRASHES:
        yield "crash", change(world, goal=None, locked=False, drained=False, recovering=True, crashes=world.crashes + 1)
    step = next_step(world.file, world.target, world.goal, locked=world.locked, drained=world.drained)
    if step is None:
        resting = change(world, goal=None, locked=False, drained=False, recovering=False)
        if resting != world:
            yield "rest", resting
        elif world.file.epoch < EPOCHS:
            yield "ask", change(world, goal=world.file.primary.other)
        if not world.recovering:
            yield "follow", follow(world)
        return
    if world.goal is not None and not world.recovering:
        yield "give up", change(world, goal=None, locked=False, drained=False)
    yield step, perform(world, step)


def follow(world: World) -> World:
    """The follower gets what the primary has."""
    if world.file.primary is Side.SQLITE:
        return dataclasses.replace(world, in_target=world.in_file)
    return dataclasses.replace(world, in_file=world.in_target)


def perform(world: World, step: Step) -> World:
    """The durable effect of a step; a crash just after it is another move."""
    change = dataclasses.replace
    match step:
        case Step.LOCK:
            return change(world, locked=True)
        case Step.DRAIN:
            return change(follow(world), drained=True)
        case Step.PREPARE:
            return change(world, target=change(world.target, prepared=world.target.epoch + 1))
        case Step.SET_BACK:
            return change(world, target=change(world.target, prepared=None))
        case Step.FENCE if world.file.primary is Side.SQLITE:
            file = FileSays(world.file.epoch + 1, Side.POSTGRES)
            return change(world, file=file, locked=False, drained=False)
        case Step.FENCE:
            target = TargetSays(world.target.epoch + 1, Side.SQLITE)
            return change(world, target=target, locked=False, drained=False)
        case Step.OPEN_TARGET:
            return change(world, target=TargetSays(world.file.epoch, Side.POSTGRES))
        case Step.OPEN_FILE:
            return change(world, file=FileSays(world.target.epoch, Side.SQLITE))
    raise AssertionError(step)


def explore(next_step: NextStep) -> tuple[int, list[str] | None]:
    """The number of states that can be reached, and the way to the first bad one, None if there is none."""
    start = World()
    came: dict[World, tuple[World, str] | None] = {start: None}
    queue = [start]
    for world in queue:
        for name, after in moves(world, next_step):
            problem = next(problems(world, after), None)
            if after not in came:
                came[after] = (world, name)
                queue.append(after)
            if problem is not None:
                way, at = [problem, name], world
                while (before := came[at]) is not None:
                    at, step = before
                    way.append(step)
                return len(came), way[::-1]
    return len(came), None


def test_no_state_has_two_primaries_or_lacks_a_commit() -> None:
    """Crashes at any step, in both directions, with writes in between."""
    states, way = explore(protocol.next_step)
    assert way is None
    assert states > 500


def test_every_epoch_is_reached() -> None:
    """The exploration is of real switches and rollbacks, not of a protocol that never decides."""
    seen: set[tuple[FileSays, TargetSays]] = set()

    def noting(file: FileSays, target: TargetSays, goal: Side | None = None, **held: bool) -> Step | None:
        seen.add((file, target))
        return protocol.next_step(file, target, goal, **held)

    explore(noting)
    assert {file.epoch for file, _ in seen} == set(range(EPOCHS + 1))
    assert (FileSays(1, Side.POSTGRES), TargetSays(0, Side.SQLITE, 1)) in seen
    assert (FileSays(1, Side.POSTGRES), TargetSays(2, Side.SQLITE)) in seen


def open_first(file: FileSays, target: TargetSays, goal: Side | None = None, **held: bool) -> Step | None:
    """Planted: the new primary is opened before the old one is fenced."""
    step = protocol.next_step(file, target, goal, **held)
    if step is Step.FENCE and file.primary is Side.SQLITE:
        return Step.OPEN_TARGET
    return step


def drain_before_lock(file: FileSays, target: TargetSays, goal: Side | None = None, **held: bool) -> Step | None:
    """Planted: the drain is taken for done although writers are not kept out yet."""
    return protocol.next_step(file, target, goal, locked=held.get("locked", False), drained=True)


def no_lock(file: FileSays, target: TargetSays, goal: Side | None = None, **held: bool) -> Step | None:
    """Planted: nobody takes the lock."""
    return protocol.next_step(file, target, goal, locked=True, drained=held.get("drained", False))


def go_back(file: FileSays, target: TargetSays, goal: Side | None = None, **held: bool) -> Step | None:
    """Planted: recovery after a decision at the target sets the target open again."""
    step = protocol.next_step(file, target, goal, **held)
    return Step.OPEN_TARGET if step is Step.OPEN_FILE else step


@pytest.mark.parametrize("planted", [open_first, drain_before_lock, no_lock, go_back])
def test_a_planted_fault_is_found(planted: NextStep) -> None:
    """The explorer reports what it is there to report."""
    try:
        _, way = explore(planted)
    except errors.StoresDisagree:
        way = ["the stores disagree"]
    assert way is not None


@pytest.mark.parametrize(
    ("file", "target"),
    [
        (FileSays(0, Side.SQLITE), TargetSays(1, Side.POSTGRES)),
        (FileSays(0, Side.SQLITE), TargetSays(2, Side.SQLITE)),
        (FileSays(3, Side.POSTGRES), TargetSays(1, Side.POSTGRES)),
        (FileSays(2, Side.SQLITE), TargetSays(1, Side.POSTGRES)),
        (FileSays(1, Side.SQLITE), TargetSays(1, Side.POSTGRES)),
    ],
)
def test_stores_of_different_times_are_refused(file: FileSays, target: TargetSays) -> None:
    """An old copy in the place of one of them is never taken for a state of the protocol."""
    with pytest.raises(errors.StoresDisagree):
        protocol.next_step(file, target)
