"""The tables of the workload, and the rows they begin with: tables that hurt, as many and as large as wanted.

Rows belong to one process (`owner`, the process number in a name, the remainder of an id) or to all. What belongs to one is
changed by it alone, in its order; what belongs to all is changed only in ways whose order does not matter. So the end is
known from who committed what, without knowing when.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = [
    "HOT_COUNTERS",
    "LEG_COUNTERS",
    "OPENING_BALANCE",
    "SHARED_TAGS",
    "Kind",
    "Shape",
    "Table",
    "create",
    "postgres_ddl",
    "seed",
    "sqlite_ddl",
    "tables",
]

Kind = Literal["integer", "text", "blob", "timestamp", "decimal", "real", "flag"]
"""What a column holds, whatever the two databases call it."""

OPENING_BALANCE = 1000
HOT_COUNTERS = 8
"""Counters 1 to 8 belong to all."""

LEG_COUNTERS = 100
"""Counter 100 + p is the number of legs of the transfers that process p made."""

SHARED_TAGS = 12
PADDING_ROWS = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """How many and how large: every table but `archive` has a few rows for each process.

    `processes` is how many may own rows, `accounts` how many share the money, `rows` the rows of `archive`, `padding` the
    number of further tables, `large` the rows of a large transaction, `big` the bytes of a big value. With `leaves`, a table
    that may be emptied has another one that goes with it.
    """

    processes: int = 8
    accounts: int = 64
    rows: int = 1000
    padding: int = 0
    large: int = 2000
    big: int = 200_000
    leaves: bool = False

    def __post_init__(self) -> None:
        if not 3 * self.processes <= self.accounts or not self.processes <= PADDING_ROWS:
            raise ValueError("each process needs three accounts, and a row in each further table")

    @property
    def total(self) -> int:
        """The sum of all balances, at every moment."""
        return self.accounts * OPENING_BALANCE

    @property
    def paddings(self) -> list[str]:
        """The names of the further tables."""
        return [f"padding_{number:03}" for number in range(self.padding)]

    @property
    def scratches(self) -> list[str]:
        """The names of the tables that one process each may empty."""
        return [f"scratch_{process}" for process in range(self.processes)]

    @property
    def leafed(self) -> list[tuple[str, str]]:
        """The names of tables whose rows belong to rows of tables that one process each may empty, and of these."""
        return [(f"leaf_{process}", f"scratch_{process}") for process in range(self.processes) if self.leaves]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table: its columns, what is unique in it, and which of its contents follow from the operations.

    `facts` are expressions over `source`, equal in both databases, of everything but ids that a database gives.
    """

    name: str
    columns: Mapping[str, Kind]
    unique: Sequence[Sequence[str]] = ()
    nocase: str = ""
    rowid: bool = False
    facts: Mapping[str, Kind] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        if not self.facts:
            object.__setattr__(self, "facts", self.columns)
        if not self.source:
            object.__setattr__(self, "source", self.name)

    @property
    def generated(self) -> bool:
        """Whether the database gives an id where none is given."""
        return "id" in self.columns


def tables(shape: Shape) -> dict[str, Table]:
    """Every table by name."""
    shared_id: dict[str, Kind] = {f"CASE WHEN account.id <= {shape.accounts} THEN account.id END": "integer"}
    low_id: dict[str, Kind] = {"CASE WHEN id < 0 THEN id END": "integer"}
    account: dict[str, Kind] = {
        "id": "integer", "name": "text", "balance": "integer", "moves": "integer", "slot": "integer", "email": "text"
    }  # fmt: skip
    doc: dict[str, Kind] = {
        "id": "integer", "name": "text", "body": "text", "blob": "blob", "at": "timestamp", "amount": "decimal",
        "ratio": "real", "flag": "flag",
    }  # fmt: skip
    found = [
        Table(
            name="account",
            columns=account,
            unique=(("id",), ("slot",), ("email",)),
            nocase="email",
            facts=shared_id | {name: kind for name, kind in account.items() if name != "id"},
        ),
        Table(
            name="entry",
            columns={"id": "integer", "account": "integer", "op": "text", "amount": "integer"},
            unique=(("id",),),
            facts={"account.name": "text", "entry.op": "text", "entry.amount": "integer"},
            source="entry LEFT JOIN account ON account.id = entry.account",
        ),
        Table(
            name="tag",
            columns={"name": "text", "owner": "integer", "place": "integer", "weight": "integer"},
            unique=(("name",),),
        ),
        Table(
            name="membership", columns={"a": "integer", "b": "text", "role": "text"}, unique=(("a", "b"),)
        ),
        Table(name="event", columns={"op": "text", "source": "text", "payload": "text"}, rowid=True),
        Table(
            name="doc",
            columns=doc,
            unique=(("id",),),
            facts=low_id | {name: doc[name] for name in doc if name != "id"},
        ),
        Table(name="counter", columns={"id": "integer", "n": "integer"}, unique=(("id",),)),
        Table(name="node", columns={"id": "integer", "parent": "integer", "label": "text"}, unique=(("id",),)),
        Table(
            name="archive",
            columns={"id": "integer", "label": "text", "note": "text", "amount": "decimal", "ratio": "real"},
            unique=(("id",),),
        ),
        *(
            Table(name=name, columns={"id": "integer", "v": "text"}, unique=(("id",),), facts={"v": "text"})
            for name in shape.scratches
        ),
        *(
            Table(
                name=name,
                columns={"id": "integer", "scratch": "integer", "v": "text"},
                unique=(("id",),),
                facts={f"{scratch}.v": "text", f"{name}.v": "text"},
                source=f"{name} LEFT JOIN {scratch} ON {scratch}.id = {name}.scratch",
            )
            for name, scratch in shape.leafed
        ),
        *(
            Table(name=name, columns={"id": "integer", "a": "text", "b": "integer"}, unique=(("id",),))
            for name in shape.paddings
        ),
        Table(
            name="ledger",
            columns={"op": "text", "process": "integer", "n": "integer", "kind": "text", "effect": "text"},
            unique=(("op",),),
        ),
        Table(name="probe", columns={"op": "text", "n": "integer"}, unique=(("op",),)),
    ]  # fmt: skip
    return {table.name: table for table in found}


def sqlite_ddl(shape: Shape) -> str:
    """The tables in SQLite."""
    return _script("sqlite.sql") + "".join(
        [f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, v TEXT);\n" for name in shape.scratches]
        + [
            f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, {_leaf('INTEGER', scratch)}, v TEXT);\n"
            for name, scratch in shape.leafed
        ]
        + [f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);\n" for name in shape.paddings]
    )


def postgres_ddl(shape: Shape) -> str:
    """The tables in PostgreSQL, for what does without outgrow."""
    number = "id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
    text = 'text COLLATE "C"'
    return _script("postgres.sql") + "".join(
        [f"CREATE TABLE {name} ({number}, v {text});\n" for name in shape.scratches]
        + [f"CREATE TABLE {name} ({number}, {_leaf('bigint', scratch)}, v {text});\n" for name, scratch in shape.leafed]
        + [f"CREATE TABLE {name} ({number}, a {text}, b bigint);\n" for name in shape.paddings]
    )


def _leaf(kind: str, scratch: str) -> str:
    return f"scratch {kind} NOT NULL REFERENCES {scratch} (id) ON DELETE CASCADE ON UPDATE CASCADE"


def create(path: Path, shape: Shape, *, journal: str = "wal") -> Path:
    """Make the file, with the rows it begins with; returns its path."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        fill(connection, shape)
    return path


def fill(connection: sqlite3.Connection, shape: Shape) -> None:
    """Create and fill the tables, in one transaction."""
    connection.executescript(f"BEGIN;\n{sqlite_ddl(shape)}")
    for table, rows in seed(shape):
        marks = ", ".join("?" * len(tables(shape)[table].columns))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    connection.execute("COMMIT")


def seed(shape: Shape) -> Iterator[tuple[str, Iterator[tuple[Any, ...]]]]:
    """The rows that the tables begin with, as SQLite takes them, table by table in the order of the columns."""
    processes = range(shape.processes)
    yield (
        "account",
        (
            (number, f"account {number}", OPENING_BALANCE, 0, number, f"Holder{number}@Example.org")
            for number in range(1, shape.accounts + 1)
        ),
    )
    yield "counter", ((number, 0) for number in range(1, HOT_COUNTERS + 1))
    yield "counter", ((LEG_COUNTERS + process, 0) for process in processes)
    yield "tag", ((f"shared {number}", None, None, 0) for number in range(0, SHARED_TAGS, 2))
    yield "tag", ((f"tag {process}.{place}", process, place, 1) for process in processes for place in range(10))
    yield "node", iter([(0, None, "root")])
    yield "membership", ((process, f"group {place}", "member") for process in processes for place in range(5))
    yield "event", (("seed", f"{process}/{place}", None) for process in processes for place in range(3))
    # Nobody touches it: the largest id stays above zero, so that no database gives one below.
    yield "doc", iter([(1, "doc", None, None, None, None, None, None)])
    yield (
        "doc",
        (
            (
                None,
                f"doc {process}.{place}",
                "first",
                bytes(place),
                f"20{place + 10}-02-28 23:59:59",
                "1.50",
                0.1,
                place % 2,
            )
            for process in processes
            for place in range(10)
        ),
    )
    yield (
        "archive",
        (
            (
                number,
                f"box {number % 97}",
                None if number % 5 == 0 else f"note {number} " * 6,
                f"{number}.25",
                number / 7,
            )
            for number in range(1, shape.rows + 1)
        ),
    )
    for name in shape.paddings:
        yield name, ((number, f"padding {number}", number) for number in range(PADDING_ROWS))


def _script(name: str) -> str:
    return Path(__file__).with_name(name).read_text()
