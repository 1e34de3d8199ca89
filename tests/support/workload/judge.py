"""One store accepts at a time: judged from when each write began, when it ended, and which store took or refused it.

There is no false alarm: what can only be explained by two primaries is reported, what merely looks odd is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.workload import record

__all__ = ["Attempt", "Overlap", "Verdict", "attempts", "one_primary"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """A write to one store: accepted, or refused by its fence, at some moment from `start` to `end`."""

    store: str
    start: int
    end: int
    accepted: bool
    epoch: int | None = None
    who: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlap:
    """An acceptance that needs an epoch which the store says, or the caller knows, had not begun.

    `after` and `before` are the attempts that leave it no other epoch: one that had ended, one that had not begun.
    """

    attempt: Attempt
    needs: int
    most: int
    after: Attempt | None
    before: Attempt | None

    def __str__(self) -> str:
        return (
            f"{self.attempt} needs epoch {self.needs} after {self.after}, but {self.most} is the most, by {self.before}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What `one_primary` found; `accepted` counts acceptances by store, `epochs` is the last epoch that they prove."""

    overlaps: Sequence[Overlap]
    accepted: Mapping[str, int]
    epochs: int

    def require(self) -> Verdict:
        """Return itself; AssertionError with the overlaps if there are any."""
        assert not self.overlaps, f"{len(self.overlaps)} overlaps\n" + "\n".join(map(str, self.overlaps[:10]))
        return self


def attempts(records: Iterable[Path]) -> Iterator[Attempt]:
    """Every acceptance and every refusal in the records of drivers and probers.

    An operation that was found committed is left out: nobody knows when, or where.
    """
    for path in records:
        header = record.header(path)
        who = header.prefix or f"process {header.process}"
        for line in record.lines(path):
            if line.what in ("acked", "fenced"):
                yield Attempt(
                    store=line.store,
                    start=line.start,
                    end=line.end,
                    accepted=line.what == "acked",
                    epoch=line.detail,
                    who=f"{who} {line.n}",
                )


def one_primary(
    found: Iterable[Attempt],
    *,
    first: str = "sqlite",
    first_epoch: int = 0,
    last_epoch: int | None = None,
) -> Verdict:
    """Whether each acceptance can have happened while its store was primary.

    Each epoch has one primary, neighbouring epochs have different ones, and epochs never go back. An acceptance happened at one
    moment from its start to its end, in an epoch of its store. So when one attempt has ended before another begins, the
    other's epoch is not lower, and higher if the stores differ: `a < b < a` takes two switches. That gives each acceptance the
    lowest epoch that it can have had. It must not be higher than the highest that it can have had: `last_epoch`, if the caller
    knows how many switches there were, and one more than the epoch in any refusal that begins later. (One more, because a store
    learns of an epoch only after it was decided in the other one.) If it is, two stores accepted in the same epoch.

    Attempts that overlap in time prove nothing about each other, so there is no false alarm, provided that a refusal's epoch is
    at most one away from the true one. A store that goes on accepting is noticed as soon as the other one, and then it again,
    have accepted. ValueError if nothing limits the epochs: then any order can be explained by switches.
    """
    everything = sorted(found, key=lambda attempt: attempt.start)
    if last_epoch is None and all(attempt.epoch is None for attempt in everything if not attempt.accepted):
        raise ValueError("no refusal names an epoch, and last_epoch is not given")
    names = (first, "postgres" if first == "sqlite" else "sqlite")

    def upwards(epoch: int, store: str) -> int:
        return epoch if names[(epoch - first_epoch) % 2] == store else epoch + 1

    # The ceiling of an attempt: the lowest among the refusals that begin after it ended.
    refusals = [attempt for attempt in everything if not attempt.accepted and attempt.epoch is not None]
    lowest: list[Attempt] = []
    for refusal in reversed(refusals):
        assert refusal.epoch is not None
        lowest.append(refusal if not lowest or refusal.epoch < (lowest[-1].epoch or 0) else lowest[-1])
    lowest.reverse()

    by_end = sorted(range(len(everything)), key=lambda number: everything[number].end)
    needs: list[int] = [first_epoch] * len(everything)
    floor, floor_by = first_epoch, None
    ended = later = 0
    # Attempts by the time they end meet refusals by the time they begin.
    ceilings: dict[int, Attempt | None] = {}
    for number in by_end:
        while later < len(refusals) and refusals[later].start <= everything[number].end:
            later += 1
        ceilings[number] = lowest[later] if later < len(refusals) else None

    overlaps: list[Overlap] = []
    accepted: Counter[str] = Counter()
    for number, attempt in enumerate(everything):
        while everything[by_end[ended]].end < attempt.start:
            past = by_end[ended]
            if needs[past] > floor:
                floor, floor_by = needs[past], everything[past]
            ended += 1
        if not attempt.accepted:
            # Its epoch may be that of a switch which was prepared, and not decided.
            needs[number] = first_epoch if attempt.epoch is None else max(first_epoch, attempt.epoch - 1)
            continue
        accepted[attempt.store] += 1
        needs[number] = upwards(floor, attempt.store)
        before = ceilings[number]
        most = None if before is None or before.epoch is None else before.epoch + 1
        if last_epoch is not None and (most is None or last_epoch < most):
            most, before = last_epoch, None
        if most is not None and needs[number] > most:
            overlaps.append(Overlap(attempt=attempt, needs=needs[number], most=most, after=floor_by, before=before))
            needs[number] = floor  # told once: what comes later is judged as if it had not been
    return Verdict(overlaps=overlaps, accepted=dict(accepted), epochs=max(needs, default=first_epoch))
