"""The course of a soak: event after event, with rests at which everything is judged."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from outgrow import errors
from support import living, proxy
from support.soak import events
from support.workload import equality, judge, ledger, running, schema, script, summary, watching

__all__ = ["Soak", "soaking"]

TUNED = ("migration.beginning.CHUNK_ROWS=100", "migration.connected.KEEP_SECONDS=2")
"""Makes many chunks of a small file, and has the log pruned while somebody looks."""

NEW = 4
"""How much likelier an event is that has not happened yet."""

OTHER = {"sqlite": "postgres", "postgres": "sqlite"}

Say = Callable[[str], None]


class Soak:
    """One migration, and what happens to it. `epoch` and `primary` are what this process knows of it."""

    def __init__(
        self,
        directory: Path,
        dsn: str,
        *,
        seed: int,
        ways: tuple[proxy.Proxy, proxy.Proxy],
        watch: watching.Watch,
        engine: living.Engine,
        load: running.Workload,
        say: Say,
    ) -> None:
        self.chance = random.Random(seed)
        self.directory, self.dsn, self.say = directory, dsn, say
        self.path, self.what = engine.path, load.what
        self.engines_way, self.applications_way = ways
        self.watch, self.engine, self.load = watch, engine, load
        self.epoch, self.primary = 0, "sqlite"
        self.happened: Counter[str] = Counter()
        self.pauses: list[float] = []
        self.verdicts = 0
        self._began = time.monotonic()
        self._watched_from = 0
        self.columns = 0
        self.longest_gap = 0.0
        self._resumed = time.monotonic_ns()
        self._probers: list[running.Prober] = []

    # --- the course ----------------------------------------------------------------------------------------------------

    def run(self, seconds: float, *, judge_every: float) -> None:
        """Let things happen for that long, judging now and then and in the end; AssertionError for a violation."""
        self.load.ready()
        self._probe()
        self.engine.start().ready()
        self._watched_from = time.monotonic_ns()
        end = time.monotonic() + seconds
        judged = time.monotonic()
        while time.monotonic() < end:
            self.happen(self._next())
            self.go_on()
            if time.monotonic() - judged > judge_every and time.monotonic() < end:
                self.judge()
                self._resume()
                self.go_on()
                judged = time.monotonic()
        self.judge()
        assert self.engine.stop() == 0

    def happen(self, name: str) -> None:
        """Have an event happen, and tell it."""
        self.happened[name] += 1
        began = time.monotonic()
        told = events.EVENTS[name][1](self)
        took = (time.monotonic() - began) * 1000
        self.tell(f"{name:<16} {told or 'done'} ({took:.0f} ms)")

    def tell(self, line: str) -> None:
        """Print a line with the time since the beginning, and who is the primary."""
        self.say(f"{time.monotonic() - self._began:8.1f} s  epoch {self.epoch:<4} {self.primary:<9} {line}")

    def judge(self) -> None:
        """Bring everything to rest; both stores must have exactly what was acknowledged, and one was open at a time."""
        self._probers[-1].stop()
        self.load.stop()
        stretch = summary.of(self.load.ledgers, since=self._resumed).require()
        self.longest_gap = max(self.longest_gap, stretch.gap)
        self.settled()
        assert self.asked("verify")["differences"] == []
        self.engine.caught_up()
        found = self.engine.facts()
        assert found is not None
        assert (found["epoch"], found["primary"]) == (self.epoch, self.primary)
        report = ledger.check(self.records, self.dsn, separately=True).require()
        ledger.check(self.records, self.path, separately=True).require()
        rows = equality.compare(self.path, self.dsn, self.what.shape, separately=True).require().rows
        judge.one_primary(judge.attempts(self.records), last_epoch=self.epoch).require()
        self.watch.require(self._watched_from)
        self.verdicts += 1
        self.tell(
            f"{'judged':<16} {report.acknowledged:,} acknowledged, {report.unsure} unsure, {rows:,} equal rows,"
            f" {self.watch.reads:,} reads of the totals"
        )

    def summed(self) -> str:
        """What came of it all."""
        load = summary.of(self.load.ledgers)
        probes = summary.of(self._probes)
        pause = summary.Times.of(int(milliseconds * 1e6) for milliseconds in self.pauses)
        events = ", ".join(f"{count} x {name}" for name, count in sorted(self.happened.items()))
        return "\n".join(
            [
                f"{time.monotonic() - self._began:.0f} s, {self.verdicts} verdicts, epoch {self.epoch}: {events}",
                f"{load.acknowledged:,} operations ({dict(load.stores)}), {probes.acknowledged:,} probes taken,"
                f" {probes.outcomes.get('fenced', 0):,} refused",
                f"pauses of {len(self.pauses)} switches and rollbacks: p50 {pause.p50:.1f}, p99 {pause.p99:.1f},"
                f" longest {pause.longest:.1f} ms; nobody was served for {self.longest_gap:.0f} ms at the most",
                f"latency of operations: p50 {load.latency.p50:.1f}, p99 {load.latency.p99:.1f},"
                f" longest {load.latency.longest:.0f} ms ({load.longest})",
            ]
        )

    # --- what events are made of ---------------------------------------------------------------------------------------

    @property
    def records(self) -> list[Path]:
        """What all processes wrote down so far."""
        return [*self.load.ledgers, *self._probes]

    @property
    def _probes(self) -> list[Path]:
        return [each for one in self._probers for each in one.ledgers if each.exists()]

    def settled(self) -> None:
        """Wait until the engine has connections, and nothing is left to be compared again."""
        self.engine.until(
            lambda facts: not facts["trouble"] and all(check["ok"] for check in facts["checks"]), "everything is well"
        )

    def asked(self, command: str) -> dict[str, Any]:
        """What the engine answers, asked again where it says that this may help."""
        answer: dict[str, Any] = {}

        def answered() -> bool:
            with contextlib.suppress(errors.Retryable):
                answer.update(self.engine.ask(command))
            return "error" not in answer and bool(answer)

        living.until(answered, f"the engine answers {command}")
        return answer

    def change(self) -> None:
        """Make the other store the primary, however often the engine has to be asked."""
        goal = self.other
        found = self.engine.switch(goal)
        self.epoch, self.primary = self.epoch + 1, goal
        assert (found["epoch"], found["primary"]) == (self.epoch, goal)
        if not found["repeated"]:
            self.pauses.append(found["pause_ms"])
        self.load.accepted(goal, 2)

    def look(self) -> None:
        """Learn from the engine who is the primary now, after an attempt that may have been decided or not."""
        self.settled()
        found = self.engine.facts()
        assert found is not None
        assert found["epoch"] - self.epoch in (0, 1)
        assert (found["primary"] == self.primary) == (found["epoch"] == self.epoch)
        self.epoch, self.primary = found["epoch"], found["primary"]

    @property
    def other(self) -> str:
        """The store that is not the primary."""
        return OTHER[self.primary]

    def go_on(self) -> None:
        """Let every process of the workload be served a few more times."""
        self.load.accepted(self.primary, self.chance.choice([1, 2, 5, 10, 30]))

    def close(self) -> None:
        """End the probers that are left."""
        for one in self._probers:
            one.__exit__()

    def _next(self) -> str:
        possible = [name for name, (_, _, where) in events.EVENTS.items() if where in ("", self.primary)]
        weights = [events.EVENTS[each][0] * (1 if self.happened[each] else NEW) for each in possible]
        (name,) = self.chance.choices(possible, weights)
        return name

    def _probe(self) -> None:
        directory = self.directory / f"probes {len(self._probers)}"
        directory.mkdir()
        made = running.Prober(directory, self.what, sqlite=self.path, postgres=self.dsn, rate=50)
        self._probers.append(made.__enter__())

    def _resume(self) -> None:
        self._resumed = time.monotonic_ns()
        for process in range(self.load.processes):
            self.load.start(process)
        self._probe()


@contextlib.contextmanager
def soaking(directory: Path, dsn: str, *, seed: int, rate: float = 120, say: Say = print) -> Iterator[Soak]:
    """Everything that a soak needs, started; the engine is not."""
    path = directory / "app.db"
    what = script.Script(seed=seed, shape=schema.Shape(rows=1_500, large=500, leaves=True))
    schema.create(path, what.shape)
    with (
        proxy.in_front_of(dsn) as engines,
        proxy.in_front_of(dsn) as applications,
        running.Workload(directory, what, sqlite=path, postgres=applications.dsn, rate=rate) as load,
        living.Engine(directory, path, engines.dsn, tuned=TUNED) as engine,
        watching.watch_total(dsn, what.shape, pause=0.02) as watch,
    ):
        soak = Soak(
            directory,
            dsn,
            seed=seed,
            ways=(engines, applications),
            watch=watch,
            engine=engine,
            load=load,
            say=say,
        )
        try:
            yield soak
        finally:
            soak.close()
