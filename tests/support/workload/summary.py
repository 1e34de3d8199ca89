"""How it was for those who were served: how long operations took, who took them, and how long nobody was served."""

from __future__ import annotations

import itertools
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from support.workload import record

__all__ = ["Summary", "Times", "of"]

END = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """Milliseconds."""

    p50: float = 0.0
    p99: float = 0.0
    longest: float = 0.0

    @classmethod
    def of(cls, nanoseconds: Iterable[int]) -> Times:
        """Of any number of times."""
        found = sorted(nanoseconds)
        if not found:
            return cls()
        p50, p99 = (found[min(len(found) - 1, len(found) * percent // 100)] for percent in (50, 99))
        return cls(p50=p50 / 1e6, p99=p99 / 1e6, longest=found[-1] / 1e6)


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """What came of the operations of one or more processes.

    `latency` is from the beginning of an operation to its end, all replays included; `response` from the time it was due,
    so it has the wait for a process that was held up. `gap` is the longest time in which no process succeeded, in
    milliseconds, and `gap_at` its two ends on CLOCK_MONOTONIC in nanoseconds; the time before the first success does not count.
    `longest` names the operation that took longest. `outcomes` counts lines of the records, so a `fenced` is an attempt.
    """

    seconds: float
    outcomes: Mapping[str, int]
    stores: Mapping[str, int]
    kinds: Mapping[str, int]
    latency: Times
    response: Times
    longest: str
    gap: float
    gap_at: tuple[int, int]
    errors: Mapping[str, int]

    @property
    def acknowledged(self) -> int:
        """The number of committed operations that were told so."""
        return self.outcomes.get("acked", 0) + self.outcomes.get("found", 0)

    def require(self) -> Summary:
        """Return itself; AssertionError if an application would have seen an error, or if nothing happened at all."""
        bad = {name: self.outcomes[name] for name in ("refused", "gave up") if self.outcomes.get(name)}
        assert not bad, f"{bad}: {dict(self.errors)}"
        assert self.acknowledged, "no operation was acknowledged"
        return self

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def of(records: Sequence[Path], *, since: int = 0, until: int = END) -> Summary:
    """Sum up what the processes wrote down of operations that they began in a time, from `since` to before `until`."""
    outcomes: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    latencies, responses, ends = array("q"), array("q"), array("q")
    longest, longest_is = -1, ""
    earliest, latest = END, 0
    for path in records:
        process, kind, due, begun = record.header(path).process, "", 0, 0
        for line in record.lines(path):
            if line.what == "intent":
                kind, due, begun = line.store, line.start, line.end
            if not since <= begun < until:
                continue
            earliest, latest = min(earliest, line.end), max(latest, line.end)
            if line.what == "intent":
                continue
            outcomes[line.what] += 1
            if line.what in ("refused", "gave up"):
                errors[f"{kind}: {line.detail}"] += 1
            if line.what not in ("acked", "found", "rolled"):
                continue
            took = line.end - begun
            latencies.append(took)
            responses.append(line.end - due)
            if took > longest:
                longest, longest_is = took, f"{kind} {process}-{line.n}"
            if line.what != "rolled":
                ends.append(line.end)
                taken[line.store] += 1
                kinds[kind] += 1
    moments = sorted(ends)
    gap, gap_at = 0, (0, 0)
    # The last of them is the time from the last success to the end.
    for one, other in itertools.pairwise([*moments, latest]):
        if other - one > gap:
            gap, gap_at = other - one, (one, other)
    return Summary(
        seconds=max(0, latest - earliest) / 1e9,
        outcomes=dict(sorted(outcomes.items())),
        stores=dict(sorted(taken.items())),
        kinds=dict(sorted(kinds.items())),
        latency=Times.of(latencies),
        response=Times.of(responses),
        longest=longest_is,
        gap=gap / 1e6,
        gap_at=gap_at,
        errors=dict(errors.most_common(20)),
    )
