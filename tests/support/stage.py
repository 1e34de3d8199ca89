"""A whole live migration under writes: the workload's processes, a prober, an engine that follows, and the judgement."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support import living
from support.workload import equality, judge, ledger, running, schema, script

__all__ = ["SMALL", "Stage", "staged"]

SMALL = ("migration.beginning.CHUNK_ROWS=100",)
"""Makes many chunks of a small file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A workload on a file, and the engine that follows it; `dsn` is the workload's own way to PostgreSQL."""

    path: Path
    dsn: str
    what: script.Script
    load: running.Workload
    prober: running.Prober
    engine: living.Engine

    def judge(self, *, last_epoch: int) -> None:
        """End the workload: both stores must have exactly what was acknowledged, and one was open at a time."""
        self.prober.stop()
        self.load.stop().require()
        self.engine.caught_up()
        found = self.engine.ask("verify")
        assert found["differences"] == []
        self.engine.caught_up()
        assert self.engine.stop() == 0
        records = [*self.load.ledgers, *self.prober.ledgers]
        ledger.check(records, self.dsn, separately=True).require()
        ledger.check(records, self.path, separately=True).require()
        equality.compare(self.path, self.dsn, self.what.shape).require()
        judge.one_primary(judge.attempts(records), last_epoch=last_epoch).require()


@contextlib.contextmanager
def staged(
    directory: Path,
    dsn: str,
    *,
    through: str | None = None,
    rows: int = 1_500,
    rate: float = 200,
    seed: int = 1,
    tuned: tuple[str, ...] = (),
) -> Iterator[Stage]:
    """A workload of four processes that is under way, and an engine that is not started.

    `through` is the engine's own way to PostgreSQL, if it has one; `tuned` are constants of its besides (see `support.tuned`).
    """
    path = directory / "app.db"
    what = script.Script(seed=seed, shape=schema.Shape(rows=rows))
    schema.create(path, what.shape)
    with (
        running.Workload(directory, what, sqlite=path, postgres=dsn, rate=rate) as load,
        running.Prober(directory, what, sqlite=path, postgres=dsn, rate=50) as prober,
        living.Engine(directory, path, through or dsn, tuned=(*SMALL, *tuned)) as engine,
    ):
        load.ready()
        yield Stage(path=path, dsn=dsn, what=what, load=load, prober=prober, engine=engine)
