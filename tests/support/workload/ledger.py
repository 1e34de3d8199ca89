"""The last word on a workload: what was acknowledged is there, once; what was not is not; and the data is what follows from it.

Two witnesses are heard. The records that the processes kept, against the table `ledger`, tell which operations a database
has. Then those operations are run once more, on a SQLite in memory that knows of no migration, and every table has to hold what
it holds then. Sums of what was added to shared rows are worked out a third time, without running anything.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.workload import apart, reading, record, schema, script, sqlite_store

__all__ = ["Problem", "Report", "check"]

MOST = 20
"""Examples named of each kind of problem in each table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One way in which a database is not what it has to be.

    `kind` is one of: `lost` (acknowledged, but not there), `twice`, `invented` (never tried), `undead` (there, although it was
    rolled back, refused or given up), `altered` (the ledger's row of it has other values), `missing row` and `extra row` (of
    a table, against the replay), `sum` (of a shared row, or of all balances).
    """

    kind: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.what}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What `check` found. `unsure` operations may be there or not; `present` of them were."""

    problems: Sequence[Problem]
    counts: Mapping[str, int]
    acknowledged: int
    unsure: int
    present: int

    @property
    def kinds(self) -> set[str]:
        """The kinds of problems that there are."""
        return {problem.kind for problem in self.problems}

    def require(self) -> Report:
        """Return itself; AssertionError with the problems if there are any."""
        assert not self.problems, str(self)
        return self

    def __str__(self) -> str:
        lines = [f"{self.acknowledged} acknowledged, {self.unsure} unsure ({self.present} of them present)"]
        lines += [f"{count} x {kind}" for kind, count in self.counts.items()]
        return "\n".join([*lines, *map(str, self.problems)])


def check(records: Iterable[Path], where: Path | str, *, separately: bool = False) -> Report:
    """Check a file (a path) or a PostgreSQL database (its DSN); nobody may be writing to it.

    `separately` reads in a process of its own, for tests in whose process the engine has the file open.
    """
    if separately:
        return apart.call(check, list(records), where)
    return _Check(list(records)).run(where)


ACKED, UNSURE, TAKEN_BACK = 1, 2, 3


def _standings(path: Path) -> bytearray:
    """What every operation must be, by number: ACKED, UNSURE or TAKEN_BACK; 0 was never tried."""
    found = bytearray()
    asked = False  # a commit is under way whose outcome nobody knows
    for line in record.lines(path):
        if line.n >= len(found):
            found.extend(bytes(line.n + 1 - len(found)))
        if line.what == "intent":
            # Tried again after a kill: it may be there already.
            asked = found[line.n] == UNSURE
            found[line.n] = UNSURE
        elif line.what == "unsure":
            asked = True
        elif line.what in ("acked", "found"):
            found[line.n] = ACKED
        elif line.what != "fenced":
            found[line.n] = UNSURE if asked and line.what != "rolled" else TAKEN_BACK
    return found


class _Check:
    def __init__(self, records: Sequence[Path]) -> None:
        self.problems: list[Problem] = []
        self.counts: Counter[str] = Counter()
        self.standings: dict[int, bytearray] = {}
        self.probes: dict[str, bytearray] = {}
        scripts: list[script.Script] = []
        for path in records:
            header = record.header(path)
            if header.role == "probe":
                self.probes[header.prefix] = _standings(path)
                continue
            assert header.process not in self.standings, f"two records of process {header.process}"
            assert header.script is not None
            scripts.append(header.script)
            self.standings[header.process] = _standings(path)
        assert scripts, "no process of the workload wrote a record"
        assert all(each == scripts[0] for each in scripts), "the processes followed different scripts"
        self.script = scripts[0]
        self.tables = schema.tables(self.script.shape)

    def add(self, kind: str, where: str, what: str) -> None:
        self.counts[f"{kind}: {where}"] += 1
        if self.counts[f"{kind}: {where}"] <= MOST:
            self.problems.append(Problem(kind=kind, where=where, what=what))

    def run(self, where: Path | str) -> Report:
        memory = contextlib.closing(sqlite3.connect(":memory:", isolation_level=None))
        with reading.opened(where) as database, memory as connection:
            seen = self.heard(database)
            self.probed(database)
            self.summed(database, self.replayed(connection, seen))
            with reading.opened(connection) as expected:
                for name, table in self.tables.items():
                    if name not in ("ledger", "probe"):
                        self.compare(table, expected, database)
        unsure = [
            (process, n)
            for process, standings in self.standings.items()
            for n, standing in enumerate(standings)
            if standing == UNSURE
        ]
        return Report(
            problems=self.problems,
            counts=dict(self.counts),
            acknowledged=sum(standings.count(ACKED) for standings in self.standings.values()),
            unsure=len(unsure),
            present=sum(seen[process][n] != 0 for process, n in unsure),
        )

    def heard(self, database: reading.Database) -> dict[int, array[int]]:
        """Read the table `ledger`; returns a mark of what it says of each operation, 0 where it says nothing."""
        seen = {process: array("q", bytes(8 * len(standings))) for process, standings in self.standings.items()}
        for op, process, n, kind, effect in database.rows("ledger", self.tables["ledger"].columns):
            if op != f"{process}-{n}":
                self.add("altered", "ledger", f"{op} says that it is operation {n} of process {process}")
                if named := re.fullmatch(r"(\d+)-(\d+)", op):
                    process, n = int(named[1]), int(named[2])
            standings = self.standings.get(process, bytearray())
            if not 0 <= n < len(standings) or standings[n] == 0:
                self.add("invented", "ledger", op)
                continue
            if seen[process][n]:
                self.add("twice", "ledger", op)
            seen[process][n] = _mark(kind, effect)
        return seen

    def probed(self, database: reading.Database) -> None:
        """Every write of the prober that a store accepted is there, once."""
        seen: dict[str, Counter[int]] = {prefix: Counter() for prefix in self.probes}
        for op, n in database.rows("probe", self.tables["probe"].columns):
            prefix = op.removesuffix(f"-{n}")
            standings = self.probes.get(prefix, bytearray())
            if not 0 <= n < len(standings) or standings[n] == 0:
                self.add("invented", "probe", op)
                continue
            seen[prefix][n] += 1
            if standings[n] == TAKEN_BACK:
                self.add("undead", "probe", op)
        for prefix, standings in self.probes.items():
            for n, standing in enumerate(standings):
                if standing == ACKED and not seen[prefix][n]:
                    self.add("lost", "probe", f"{prefix}-{n}")
                if seen[prefix][n] > 1:
                    self.add("twice", "probe", f"{prefix}-{n}, {seen[prefix][n]} times")

    def replayed(self, connection: sqlite3.Connection, seen: Mapping[int, Sequence[int]]) -> dict[str, Counter[str]]:
        """Hold the marks against the records, and run again what was committed; returns what was added to shared rows.

        The operations of different processes do not depend on each other's order.
        """
        added: dict[str, Counter[str]] = {"account": Counter(), "counter": Counter(), "tag": Counter()}
        connection.execute("PRAGMA foreign_keys = ON")
        schema.fill(connection, self.script.shape)
        store = sqlite_store.SqliteStore.over(connection, self.tables)
        for process, standings in self.standings.items():
            for n, (standing, mark) in enumerate(zip(standings, seen[process], strict=True)):
                committed = standing == ACKED or (standing == UNSURE and mark)
                if not committed and not mark:
                    continue
                operation = self.script.operation(process, n)
                if not mark:
                    self.add("lost", "ledger", f"{operation.op} ({operation.kind})")
                elif mark != _mark(operation.kind, operation.effect):
                    self.add("altered", "ledger", f"{operation.op} ({operation.kind})")
                if not committed:
                    self.add("undead", "ledger", f"{operation.op} ({operation.kind})")
                    continue
                store.perform(operation)
                for table, changes in json.loads(operation.effect).items():
                    for key, change in changes.items():
                        added[table][key] += change
        return added

    def summed(self, database: reading.Database, added: Mapping[str, Counter[str]]) -> None:
        """Shared rows are what they began with and everything added to them."""
        opening = {"account": schema.OPENING_BALANCE, "counter": 0, "tag": 0}
        queries = {
            "account": f"SELECT id, balance FROM account WHERE id BETWEEN 1 AND {self.script.shape.accounts}",
            "counter": "SELECT id, n FROM counter",
            "tag": "SELECT name, weight FROM tag WHERE owner IS NULL",
        }
        for table, query in queries.items():
            found = Counter({str(key): value - opening[table] for key, value in database.raw(query)})
            for key in sorted(found.keys() | added[table].keys()):
                if found[key] != added[table][key]:
                    self.add("sum", table, f"{key} had {found[key]:+} added to it, not {added[table][key]:+}")
        total = database.number("SELECT coalesce(sum(balance), 0) FROM account")
        if total != self.script.shape.total:
            self.add("sum", "account", f"the total is {total}, not {self.script.shape.total}")

    def compare(self, table: schema.Table, expected: reading.Database, found: reading.Database) -> None:
        """Compare the facts of a table as a bag of rows."""
        surplus: Counter[int] = Counter()
        for row in _facts(found, table):
            surplus[hash(row)] += 1
        for row in _facts(expected, table):
            surplus[hash(row)] -= 1
        for kind, database, sign in (("missing row", expected, -1), ("extra row", found, 1)):
            left = Counter({mark: count * sign for mark, count in surplus.items() if count * sign > 0})
            if left:
                for row in _facts(database, table):
                    if left[hash(row)] > 0:
                        left[hash(row)] -= 1
                        self.add(kind, table.name, _shown(row))


def _mark(kind: object, effect: object) -> int:
    return hash((kind, effect)) or 1


def _facts(database: reading.Database, table: schema.Table) -> Iterator[reading.Row]:
    return database.rows(table.source, table.facts)


def _shown(row: reading.Row) -> str:
    return ", ".join(text if len(text := repr(value)) <= 60 else f"{text[:60]}..." for value in row)
