"""Four worker processes under load go over to PostgreSQL, back, and over again: no request fails, no write is lost."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import psutil
import pytest

from examples.homeverse import load, meter, processes, seed, story

SHORT = story.Lengths(warm_up=2.0, alone=2.0, followed=2.0, over=3.0, back=3.0, again=3.0, after=2.0)


class Silent:
    """Nobody watches."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def begin(self, act: str, words: str) -> None:
        self.told.append(f"{act}: {words}")

    def done(self, words: str) -> None:
        self.told.append(words)

    def tell(self, words: str) -> None:
        self.told.append(words)


def telling(directory: Path, dsn: str) -> story.Story:
    file = directory / "homeverse.db"
    seed.build(file, scale=0.05, dims=16)
    return story.Story(directory=directory, file=file, dsn=dsn, lengths=SHORT, verify_every=4.0)


@pytest.mark.slow
def test_no_request_fails_and_no_write_is_lost_through_three_switches(postgres_dsn: str, tmp_path: Path) -> None:
    """200 requests a second, or what the machine bears on SQLite alone; then it says so.

    How long answers take is judged by `make demo`, where nothing else runs: beside other tests it says nothing of outgrow.
    """
    told, shown = telling(tmp_path, postgres_dsn), Silent()
    story.play(told, shown)
    claims = {claim.text: claim.holds for claim in told.claims}
    felt = [f"{name}: {figures}" for name, figures in told.meter.stretches()]
    said = "\n".join([*shown.told, *felt, *(f"{holds}: {text}" for text, holds in claims.items())])
    assert all(holds for text, holds in claims.items() if not text.startswith("99 of 100 answers")), said
    assert [turn.primary for turn in told.turns] == ["postgres", "sqlite", "postgres"]
    assert len(claims) == 6, said
    # The answers came from where the story says: every stretch has requests, and both stores took part.
    stretches = told.meter.stretches()
    assert all(figures.requests > 0 for _, figures in stretches), stretches
    entries = [json.loads(line) for line in told.ledger.read_text().splitlines()]
    assert not any(entry["kind"] == "doubt" for entry in entries)
    assert len(entries) > told.meter.requests / 5


def test_a_story_ends_badly_when_a_write_is_lost(postgres_dsn: str, tmp_path: Path) -> None:
    """So that the test above can fail: an acknowledged write that is in neither store."""
    file, ledger = tmp_path / "homeverse.db", tmp_path / "ledger.jsonl"
    seed.build(file, scale=0, dims=8)
    lost = {"kind": "contact", "id": 10**6, "message": "0123 never 1"}
    ledger.write_text(json.dumps(lost) + "\n")
    told = story.Story(directory=tmp_path, file=file, dsn=postgres_dsn)
    story.audit(told, str(file), "the file")
    assert [claim.holds for claim in told.claims] == [False]
    assert "is lost" in told.claims[0].text
    assert not told.ended_well


@pytest.mark.parametrize(
    ("took", "failure", "well"),
    [(0.01, None, True), (0.01, "GET /health: 500", False), (0.3, None, False)],
)
def test_a_story_ends_badly_with_one_failure_or_with_slow_answers(
    tmp_path: Path, took: float, failure: str | None, well: bool
) -> None:
    told = story.Story(directory=tmp_path, file=tmp_path / "a.db", dsn="")
    told.meter.stretch(story.MEASURED)
    begun = told.meter.begun(story.MEASURED)
    for number in range(50):
        told.meter.tell(load.Answer(due=begun + number, took=0.01, kind="read", failure=None))
    told.meter.tell(load.Answer(due=begun + 50, took=took, kind="read", failure=failure))
    story.judge(told)
    assert told.ended_well is well


def test_a_request_belongs_to_the_stretch_in_which_it_was_due() -> None:
    """However long its answer took: what a switch costs is counted where it was felt."""
    heard = meter.Meter()
    for name in ("before", "the switch", "after"):
        heard.stretch(name)
    at = [heard.begun(name) for name in ("before", "the switch", "after")]
    late = load.Answer(due=(at[1] + at[2]) / 2, took=9.0, kind="read", failure=None)
    soon = dataclasses.replace(late, due=at[2] + 1, took=0.001)
    for answer in (soon, late):
        heard.tell(answer)
    assert [(name, figures.requests, figures.longest) for name, figures in heard.stretches()] == [
        ("before", 0, 0.0), ("the switch", 1, 9000.0), ("after", 1, 1.0),
    ]  # fmt: skip


def test_an_answer_counts_from_the_moment_at_which_its_request_was_due(tmp_path: Path) -> None:
    """A server that stands still for a while is not excused by clients that wait for it (coordinated omission)."""
    file = tmp_path / "homeverse.db"
    seed.build(file, scale=0, dims=8)
    answers: list[load.Answer] = []
    with processes.Application(file, workers=1, log=tmp_path / "log") as application:
        application.ready()
        stopped = StopsTheServer(application, answers)
        load.run(application.base, rate=50, seconds=2, threads=2, ledger=tmp_path / "ledger", tell=stopped)
    assert all(answer.failure is None for answer in answers)
    assert len(answers) == 100
    # It stood still for half a second: some 25 requests were due meanwhile, though only two were under way.
    assert sum(answer.took > 0.1 for answer in answers) > 10


class StopsTheServer:
    """Hears of answers; with the tenth, the application's processes are stopped for half a second."""

    def __init__(self, application: processes.Application, answers: list[load.Answer]) -> None:
        self._application, self._answers = application, answers

    def __call__(self, answer: load.Answer) -> None:
        self._answers.append(answer)
        if len(self._answers) == 10:
            children = psutil.Process(self._application.process.pid).children(recursive=True)
            for child in children:
                child.suspend()
            time.sleep(0.5)  # the fault itself lasts so long; nothing is waited for
            for child in children:
                child.resume()
