"""The story of the demonstration: an application under load goes over to PostgreSQL, back, over again, and stays.

Everything that is told was measured. What failed is kept, and told at the end; nothing is tried again behind the scenes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import psutil

from examples.homeverse import meter, processes

OVERRIDES = pathlib.Path(__file__).with_name("overrides.toml")

BOUND = 200.0
"""Milliseconds that 99 of 100 answers may take at most, from the moment at which a request was due."""

BEARABLE = 75.0
"""Milliseconds of the 99th percentile on SQLite alone, above which the machine is taken to have too much to do."""

SHARE = 45.0
"""Per cent of the processors that may be busy on SQLite alone: PostgreSQL, and outgrow's engine, will share the machine."""

LEAST = 50.0
"""Requests a second that any machine has to bear."""

MEASURED = "SQLite, before outgrow"
"""The stretch with which measuring begins; before it the workers warm up."""

AT = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lengths:
    """Seconds for which each part of the story is watched."""

    warm_up: float = 4.0
    alone: float = 8.0
    followed: float = 8.0
    over: float = 16.0
    back: float = 12.0
    again: float = 16.0
    after: float = 5.0

    def times(self, pace: float) -> Lengths:
        """The same story, told slower or faster."""
        return Lengths(**{name: seconds * pace for name, seconds in dataclasses.asdict(self).items()})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Turn:
    """A switch or a rollback: how long writers waited, and for what; milliseconds."""

    command: str
    primary: str
    pause: float
    steps: Mapping[str, float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Claim:
    """One of the things that have to be true in the end."""

    holds: bool
    text: str


@dataclasses.dataclass(kw_only=True)
class Sight:
    """What the engine said last, and the most and the sums of what it said; filled by a thread."""

    facts: Mapping[str, Any] | None = None
    longest_lag: float = 0.0
    rounds: int = 0
    verified: int = 0
    differences: int = 0

    def see(self, facts: Mapping[str, Any]) -> None:
        before = (self.facts or {}).get("verification") or {}
        now = facts.get("verification") or {}
        if now and (not before or now["age_seconds"] < before["age_seconds"]):
            self.rounds += 1
            self.verified += now["rows"]
            self.differences += now["differences"]
        if facts["phase"] != "copying":
            self.longest_lag = max(self.longest_lag, facts["lag_seconds"] or 0.0)
        self.facts = facts


class Screen(Protocol):
    """Who shows the story while it happens."""

    def begin(self, act: str, words: str) -> None: ...

    def done(self, words: str) -> None: ...

    def tell(self, words: str) -> None: ...


@dataclasses.dataclass(kw_only=True)
class Story:
    """One telling: the stores, what is heard and seen, and what came of it."""

    directory: pathlib.Path
    file: pathlib.Path
    dsn: str
    rate: float = 200.0
    workers: int = 4
    lengths: Lengths = dataclasses.field(default_factory=Lengths)
    verify_every: float = 8.0
    meter: meter.Meter = dataclasses.field(default_factory=meter.Meter)
    sight: Sight = dataclasses.field(default_factory=Sight)
    turns: list[Turn] = dataclasses.field(default_factory=list)
    claims: list[Claim] = dataclasses.field(default_factory=list)

    @property
    def ledger(self) -> pathlib.Path:
        return self.directory / "ledger.jsonl"

    def log(self, name: str) -> pathlib.Path:
        return self.directory / f"{name}.log"

    def claim(self, holds: bool, text: str) -> None:
        self.claims.append(Claim(holds=holds, text=text))

    @property
    def ended_well(self) -> bool:
        return bool(self.claims) and all(claim.holds for claim in self.claims)


def play(story: Story, screen: Screen) -> None:
    """Tell the story from its first act to the last; processes.Ended if one of the actors cannot go on."""
    processes.compiled()
    shutil.copyfile(OVERRIDES, story.file.with_name(f"{story.file.name}.plan.toml"))
    lengths = story.lengths
    with processes.Application(story.file, workers=story.workers, log=story.log("application")) as application:
        screen.begin("The application", f"{story.workers} worker processes; its `import sqlite3` is outgrow's drop-in")
        application.ready()
        with _load(story, screen, application) as load:
            story.meter.stretch(MEASURED)
            _watch(load, lengths.alone)
            screen.done(f"p50 {story.meter.stretches()[-1][1].p50:.1f} ms on SQLite, before outgrow comes")
            screen.begin("Copy and follow", f"outgrow run {story.file.name} --to postgresql://…")
            story.meter.stretch("SQLite, copied and followed")
            engine = processes.Engine(story.file, story.dsn, log=story.log("engine"), verify_every=story.verify_every)
            with engine, _seeing(engine, story.sight):
                engine.until(settled, "every check of a switch holds", within=120)
                _watch(load, lengths.followed)
                screen.done(_standing(engine))
                _turn(story, screen, engine, "switch", load, lengths.over)
                _turn(story, screen, engine, "rollback", load, lengths.back)
                _turn(story, screen, engine, "switch", load, lengths.again)
                screen.begin("The last check", "the load rests; a round of verification after the last write")
                load.require()
                load.end()
                _last_verification(story, engine)
                screen.done("every value is the same on both sides")
                audit(story, str(story.file), "the file, which followed PostgreSQL")
                screen.begin("Finish", f"outgrow finish {story.file.name} --accept-quarantine")
                processes.command("finish", str(story.file), "--accept-quarantine")
                engine.process.wait(processes.DEADLINE)
                screen.done("the engine has ended, and nothing of outgrow's has to run any more")
        _go_on(story, screen, application)
        application.end()
        audit(story, story.dsn, "PostgreSQL")
    judge(story)


def _go_on(story: Story, screen: Screen, application: processes.Application) -> None:
    """Load on the same processes once more, after outgrow has left."""
    screen.begin("Going on", f"the same {story.workers} processes, on PostgreSQL alone")
    story.meter.stretch("PostgreSQL, after outgrow")
    load = processes.Load(
        application.base, rate=story.rate, ledger=story.ledger, log=story.log("load"), tell=story.meter.tell
    )
    with load:
        _watch(load, story.lengths.after)
        load.require()
    screen.done("the load has ended")


@contextlib.contextmanager
def _load(story: Story, screen: Screen, application: processes.Application) -> Iterator[processes.Load]:
    """The load, at a rate that the machine bears on SQLite alone; a lower one than was asked for is told."""
    while True:
        load = processes.Load(
            application.base, rate=story.rate, ledger=story.ledger, log=story.log("load"), tell=story.meter.tell
        )
        with load:
            story.meter.stretch(f"warming up, {story.rate:g} requests/s")
            _watch(load, story.lengths.warm_up)
            story.meter.stretch(f"trying {story.rate:g} requests/s")
            psutil.cpu_percent()
            _watch(load, max(1.5, story.lengths.warm_up / 2))
            busy, tried = psutil.cpu_percent(), story.meter.stretches()[-1][1]
            lower = max(LEAST, min(story.rate * SHARE / max(busy, 1.0), story.rate / 1.25) // 10 * 10)
            if (tried.p99 <= BEARABLE and busy <= SHARE) or lower >= story.rate:
                yield load
                return
        screen.tell(
            f"{story.rate:g} requests/s are too many for this machine, which PostgreSQL will share: on SQLite alone its"
            f" processors are {busy:.0f} % busy, p99 {tried.p99:.0f} ms. On with {lower:g} requests/s."
        )
        story.rate = lower


def _watch(load: processes.Load, seconds: float) -> None:
    """Let time pass while the load goes on; Ended as soon as it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        load.require()
        time.sleep(0.05)


@contextlib.contextmanager
def _seeing(engine: processes.Engine, sight: Sight) -> Iterator[None]:
    """A thread that asks the engine for its facts."""
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.4):
            facts = engine.facts()
            if facts is not None:
                sight.see(facts)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def settled(facts: Mapping[str, Any]) -> bool:
    """Whether a switch can be made, rows in quarantine accepted: the file has two on purpose that PostgreSQL cannot hold."""
    checks = facts["checks"]
    return bool(checks) and all(check["ok"] or check["name"] == "quarantine" for check in checks)


def _standing(engine: processes.Engine) -> str:
    facts = engine.facts() or {}
    verification = facts.get("verification") or {"rows": 0}
    return (
        f"{facts.get('rows_copied') or 0:,} rows copied, {verification['rows']:,} verified value by value;"
        f" {facts.get('quarantined') or 0} in quarantine"
    )


def _turn(
    story: Story, screen: Screen, engine: processes.Engine, command: str, load: processes.Load, seconds: float
) -> None:
    """Make the other store the primary, and watch the application there."""
    engine.until(settled, f"every check of a {command} holds", within=60)
    screen.begin(command.capitalize(), f"outgrow {command} {story.file.name} --accept-quarantine")
    goal = "sqlite" if command == "rollback" else "postgres"
    story.meter.stretch(f"the {command} to {AT[goal]}")
    made = processes.command(command, str(story.file), "--accept-quarantine")
    turn = Turn(command=command, primary=made["primary"], pause=made["pause_ms"], steps=made["steps_ms"])
    story.turns.append(turn)
    if turn.primary != goal:
        raise processes.Ended(f"after outgrow {command} the primary is {turn.primary}")
    _watch(load, 1.0)
    story.meter.stretch(f"{AT[goal]}" + (", again" if len(story.turns) > 1 else ""))
    screen.done(f"writers waited {turn.pause:.0f} ms; {AT[goal]} is the primary, in the same processes")
    _watch(load, seconds)


def _last_verification(story: Story, engine: processes.Engine) -> None:
    """Wait for a round of verification that began after the last write."""
    ended = time.monotonic()

    def fresh(facts: Mapping[str, Any]) -> bool:
        done = facts["verification"]
        return bool(done) and done["age_seconds"] + done["seconds"] < time.monotonic() - ended

    engine.until(fresh, "a round of verification after the last write", within=60)
    facts = engine.facts() or {}
    done = facts["verification"]
    story.claim(
        done["differences"] == 0 and story.sight.differences == 0,
        f"{done['rows']:,} rows are the same on both sides, value by value, after the last write;"
        f" {story.sight.rounds} rounds before and meanwhile, {story.sight.differences + done['differences']} differences",
    )
    story.claim(
        facts["quarantined"] == 2,
        f"{facts['quarantined']} rows in quarantine, kept exactly: a NUL in a text, and text that is not UTF-8",
    )


def audit(story: Story, store: str, name: str) -> None:
    """Hold the ledger against a store."""
    good, said = processes.audited(story.ledger, store)
    *wrong, sum_up = said.splitlines()
    text = f"every acknowledged write, in the ledger and in {name}: {sum_up}"
    story.claim(good, text if good else f"{text}; {wrong[0] if wrong else ''}")


def judge(story: Story) -> None:
    """The claims about the answers, from the first request on; only the workers' warming up is not in the percentiles."""
    failures = story.meter.failures()
    first = f": {failures[0][0]}" if failures else ""
    story.claim(
        not failures and story.meter.requests > 0,
        f"{story.meter.failed} of {story.meter.requests:,} requests failed{first}",
    )
    measured = story.meter.since(MEASURED)
    story.claim(
        measured.p99 <= BOUND,
        f"99 of 100 answers within {measured.p99:.0f} ms, through every switch; {BOUND:.0f} are allowed",
    )
