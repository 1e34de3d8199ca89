"""Load on a running HomeVerse: `python -m examples.homeverse.load http://127.0.0.1:8000 --rate 200 --seconds 30`.

Requests are sent on a schedule, whatever the answers do, and an answer's time counts from the moment at which its request
was due: an application that stands still is not excused by clients that wait for it. Each acknowledged write is a line of the
ledger, with what it wrote; `audit_ledger` holds the lines against a database. SIGTERM and Ctrl-C end the load in order. The
exit status is 1 if any request failed.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import http.client
import itertools
import json
import pathlib
import random
import secrets
import signal
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any, TextIO

SECONDS = 15.0
"""How long an answer may take before the request counts as failed."""

PAYMENT = 1.25


class Failed(Exception):
    """A request without an answer, or with one that is not a success."""


class Client:
    """One connection, held open; opened again when the server has closed it between two requests."""

    def __init__(self, base: str, token: str = "") -> None:
        address = urllib.parse.urlsplit(base)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=SECONDS)
        self.token = token

    def ask(self, method: str, path: str, content: Any = None) -> Any:
        """The answer's JSON; Failed for anything but success."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        body = None if content is None else json.dumps(content)
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as problem:
            self._connection.close()
            raise Failed(f"{method} {path}: {problem!r}") from problem
        if answer.status >= 500:  # the server closes it after such an answer, which may be as late as the next request
            self._connection.close()
        if answer.status >= 300:
            raise Failed(f"{method} {path}: {answer.status} {text[:200]!r}")
        return json.loads(text) if text else None

    def close(self) -> None:
        self._connection.close()


class Ledger:
    """What was acknowledged, a JSON object a line; written before the next request of its thread is sent."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    def add(self, kind: str, **facts: Any) -> None:
        line = json.dumps({"kind": kind, **facts})
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stage:
    """What the requests are about: a company of the load's own."""

    company: int
    token: str
    mark: str
    projects: list[int]
    investments: list[str]


def prepare(base: str, ledger: Ledger) -> Stage:
    """Make the company; its investments are in the ledger with what they begin at."""
    client, mark = Client(base), secrets.token_hex(6)
    account = {"company": f"Load {mark}", "email": f"load.{mark}@example.com", "password": secrets.token_hex(12)}
    made = client.ask("POST", "/auth/register", account)
    client.token = made["token"]
    projects = [
        client.ask("POST", "/projects", {"name": f"Home {n}", "status": "published", "price": 1e5 * (n + 1)})["id"]
        for n in range(5)
    ]
    investments = []
    for project in projects:
        one = client.ask("POST", "/investments", {"project_id": project, "amount": 1000})["id"]
        ledger.add("investment", id=one, amount=1000, company=made["company_id"])
        investments.append(one)
    client.close()
    return Stage(company=made["company_id"], token=made["token"], mark=mark, projects=projects, investments=investments)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of one request: when it was due (`time.monotonic`, the machine's), and seconds from then to its end."""

    due: float
    took: float
    kind: str
    failure: str | None


class Schedule:
    """When the requests of one client are due: every `apart` seconds, until the end or until stopped."""

    def __init__(self, *, first: float, apart: float, end: float, stopped: threading.Event) -> None:
        self._first, self._apart, self._end, self._stopped = first, apart, end, stopped

    def __iter__(self) -> Iterator[float]:
        for count in itertools.count():
            moment = self._first + count * self._apart
            if moment > self._end or self._stopped.wait(max(0.0, moment - time.monotonic())):
                return
            yield moment


class Thread(threading.Thread):
    """One client: sends its part of the schedule, and tells of each answer."""

    def __init__(
        self, base: str, stage: Stage, ledger: Ledger, number: int, schedule: Schedule, tell: Callable[[Answer], None]
    ) -> None:
        super().__init__(name=f"client-{number}")
        self._client = Client(base, stage.token)
        self._stage, self._ledger, self._number, self._schedule, self._tell = stage, ledger, number, schedule, tell
        self._random = random.Random(f"{stage.mark}/{number}")
        self._applicants: list[int] = []

    def run(self) -> None:
        for count, moment in enumerate(self._schedule):
            kind, failure = "", None
            try:
                kind = self._one(count)
            except Failed as problem:
                failure = str(problem)
            self._tell(Answer(due=moment, took=time.monotonic() - moment, kind=kind, failure=failure))
        self._client.close()

    def _one(self, count: int) -> str:
        """Two reads out of three; the rest are writes of four kinds."""
        kind = self._random.choices(("read", "applicant", "payment", "contact", "match"), (66, 14, 12, 6, 2))[0]
        if kind == "match" and not self._applicants:
            kind = "applicant"
        ask, stage = self._client.ask, self._stage
        match kind:
            case "applicant":
                email = f"{stage.mark}.{self._number}.{count}@example.com"
                facts = {"email": email, "company": stage.company}
                made = self._write("applicant", "/applicants", {"email": email, "household_size": 2}, facts)
                self._applicants.append(made["id"])
                self._ledger.add("applicant", id=made["id"], **facts)
            case "payment":
                investment = self._random.choice(stage.investments)
                facts = {"id": investment, "amount": PAYMENT}
                self._write("payment", f"/investments/{investment}/payments", {"amount": PAYMENT}, facts)
                self._ledger.add("payment", **facts)
            case "contact":
                message = f"{stage.mark} {self._number} {count} 🏠"
                made = self._write("contact", "/contact", {"name": "Load", "message": message}, {"message": message})
                self._ledger.add("contact", id=made["id"], message=message)
            case "match":
                ask("POST", f"/applicants/{self._random.choice(self._applicants)}/match")
            case _:
                ask("GET", self._reading())
        return kind

    def _write(self, kind: str, path: str, content: Any, facts: dict[str, Any]) -> Any:
        """A write; one that failed may have been done all the same, so the ledger has it as in doubt."""
        try:
            return self._client.ask("POST", path, content)
        except Failed:
            self._ledger.add("doubt", of=kind, **facts)
            raise

    def _reading(self) -> str:
        project = self._random.choice(self._stage.projects)
        return self._random.choice(
            (
                "/auth/me",
                "/applicants?limit=10",
                f"/applicants?q={self._stage.mark}&limit=5&sort=name",
                f"/projects/{project}",
                "/projects?sort=price&max_price=300000",
                "/investments?limit=5",
                "/reports/now/occupancy",
                "/notifications?unread=true",
                "/health",
            )
        )


def percentiles(values: list[float]) -> dict[str, float]:
    """In milliseconds; nearest rank."""
    ranked = sorted(values)
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    if not ranked:
        return dict.fromkeys(shares, 0.0)
    return {
        name: round(ranked[max(0, -int(-share * len(ranked) // 1) - 1)] * 1000, 2) for name, share in shares.items()
    }


def run(
    base: str,
    *,
    rate: float,
    seconds: float,
    threads: int,
    ledger: pathlib.Path,
    stopped: threading.Event | None = None,
    tell: Callable[[Answer], None] = lambda _: None,
) -> dict[str, Any]:
    """Put the load on until the time is over or `stopped` is set, and return what came of it.

    `tell` is called with each answer, by the client's thread.
    """
    stopped = threading.Event() if stopped is None else stopped
    answers: list[Answer] = []

    def note(answer: Answer) -> None:
        answers.append(answer)
        tell(answer)

    with ledger.open("a", encoding="utf-8") as file:
        book = Ledger(file)
        stage = prepare(base, book)
        begin = time.monotonic() + 0.1
        clients = []
        for n in range(threads):
            schedule = Schedule(
                first=begin + n / rate, apart=threads / rate, end=begin + seconds - 0.5 / rate, stopped=stopped
            )
            clients.append(Thread(base, stage, book, n, schedule, note))
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        duration = time.monotonic() - begin
    failures = [answer.failure for answer in answers if answer.failure is not None]
    return {
        "requests": len(answers),
        "failed": len(failures),
        "failures": failures[:10],
        "kinds": dict(sorted(collections.Counter(answer.kind for answer in answers if answer.kind).items())),
        "rate": round(len(answers) / duration, 1),
        "answer_ms": percentiles([answer.took for answer in answers]),
    }


def told(answer: Answer) -> None:
    """One line of the report."""
    sys.stdout.write(json.dumps(dataclasses.asdict(answer)) + "\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m examples.homeverse.load", description="Put load on HomeVerse.")
    parser.add_argument("base", help="where it runs, for example http://127.0.0.1:8000")
    parser.add_argument("--rate", type=float, default=200, help="requests a second (default: 200)")
    parser.add_argument("--seconds", type=float, default=30, help="for how long at most (default: 30)")
    parser.add_argument("--threads", type=int, default=12, help="clients at a time (default: 12)")
    parser.add_argument(
        "--ledger", type=pathlib.Path, default=pathlib.Path("ledger.jsonl"), help="added to, never replaced"
    )
    parser.add_argument(
        "--report", action="store_true", help="a JSON line for each answer as it comes, instead of the sum"
    )
    options = parser.parse_args(arguments)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        found = run(
            options.base,
            rate=options.rate,
            seconds=options.seconds,
            threads=options.threads,
            ledger=options.ledger,
            stopped=stopped,
            tell=told if options.report else lambda _: None,
        )
    except Failed as problem:
        parser.error(f"the application does not answer: {problem}")
    if not options.report:
        print(json.dumps(found, indent=2))
    return 1 if found["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
