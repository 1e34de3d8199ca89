"""The same awkward rows in real SQLite and in a PostgreSQL that outgrow itself filled from a file."""

from __future__ import annotations

import decimal
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import psycopg.adapt
import pytest

from outgrow import migration
from outgrow.dialect import catalog, statement, statements, variants
from outgrow.postgres import dialect_functions, embedded
from support import servers

SCHEMA = """
CREATE TABLE users (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, Email TEXT UNIQUE COLLATE NOCASE, active BOOLEAN NOT NULL DEFAULT 1,
    score REAL, balance DECIMAL(10,2), born DATE, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, avatar BLOB, prefs JSON,
    boss INTEGER REFERENCES users(id), "Order" INTEGER, nick VARCHAR(20)
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL REFERENCES users(id), total INTEGER, price REAL,
    status TEXT DEFAULT 'new', placed TEXT, token UUID, quantity INT NOT NULL DEFAULT 1
);
CREATE INDEX orders_by_user ON orders(user_id);
CREATE UNIQUE INDEX orders_token ON orders(token);
CREATE TABLE tags (tag TEXT PRIMARY KEY, weight INTEGER, note TEXT DEFAULT 'none') WITHOUT ROWID;
CREATE TABLE user_tags (user_id INTEGER, tag TEXT, at INTEGER, PRIMARY KEY (user_id, tag));
CREATE TABLE log (message TEXT, level INTEGER);
CREATE TABLE kinds (i INTEGER, t TEXT, r REAL, b BLOB, f BOOLEAN, d DATETIME, x TEXT COLLATE NOCASE, y TEXT COLLATE RTRIM);
CREATE TABLE mixed (id INTEGER PRIMARY KEY, mark INTEGER, price NUMERIC, size REAL, doc TEXT, data JSON, day DATE);
"""

USERS = [
    (1, "Ann", "ann@x.org", 1, 1.5, 10, "1990-01-02", "2024-01-01 10:00:00", b"\x00\xff", '{"a": 1}', None, 3, "An"),
    (2, "bob", "Bob@x.org", 0, None, 2.5, None, "2024-01-02 00:00:00", None, None, 1, 1, ""),
    (3, "Émile", None, 1, -0.5, -3, "2000-12-31", "2024-02-29 23:59:59", b"", "[]", 1, 2, None),
    (4, "ann", "x@y.z", 1, 1e300, 0, "1990-01-02", "2024-03-01 00:00:00", b"abc", "null", 2, None, "an"),
    (7, "", None, 0, 0.0, None, None, None, None, None, 99, 3, "50%"),
    (9, "Zoë ", "zoe@x.org", 1, 2.0, 99.99, "2024-01-01", "2024-01-01 10:00:00", b"\x01", '"s"', 7, 3, "a_b"),
]
ORDERS = [
    (1, 1, 10, 1.5, "new", "2024-01-01", "0a1b2c3d-4e5f-4a6b-8c7d-0123456789ab", 1),
    (2, 1, 20, 2.5, "paid", "2024-01-05", "ffffffff-4e5f-4a6b-8c7d-0123456789ab", 2),
    (3, 2, None, None, "new", None, None, 1),
    (5, 3, -5, 0.25, None, "2024-02-01", None, 3),
    (6, 1, 20, 0.1, "Paid", "x", None, 4),
    (8, 9, 2**53, 1e10, "void", "", None, 0),
]
TAGS = [("red", 1, "warm"), ("Red", 2, None), ("", None, "empty"), ("blau ", 4, "none")]
USER_TAGS = [(1, "red", 5), (1, "Red", None), (2, "red", 7), (3, "", 1), (9, "blau ", 5)]
LOG = [("start", 1), ("start", 1), (None, 2), ("stop", None)]
KINDS = [
    (5, "5", 5.0, b"5", 1, "2024-01-01 00:00:00", "abc", "abc  "),
    (0, "", 0.0, b"", 0, "2023-12-31 23:59:59", "ABC", "abc"),
    (-1, "-1", -1.5, None, None, None, "Abd", "abd "),
    (None, None, None, b"\x00", 1, "2024-01-01 00:00:00", None, None),
    (2**63 - 1, "zzz", 0.1, b"\xff", 0, "1999-01-01 12:00:00", "é", "É"),
]
MIXED = [
    (
        1,
        700,
        5,
        1.0,
        '{"a": 1, "b": [1, 2.5, "x", null, true], "c": {"d": "e", "a b": -0.5}}',
        '[1, "1", 1.0, null]',
        "2024-01-01",
    ),
    (2, "n/a", 2.5, "big", '{"a": "1", "b": [], "c": null}', '{"k": {"l": [false, 12345678901234567890]}}', "later"),
    (3, None, "x", 1e300, '{"a": 1.0, "b": {"x": 1}, "a": 7}', "5", "2024-01-01T10:00:00"),
    (4, "", None, None, None, None, None),
    (5, 1.5, "", 0.1, '"word"', '"word"', ""),
    (6, -3, 2**60, -2.0, "[]", "[]", "2024-01-02"),
    (7, "700x", 1e19, "", '[[1, [2, {"z": "q"}]], "1e3"]', "{}", 20240101),
]
_ROWS: dict[str, list[tuple[Any, ...]]] = {
    "users": USERS, "orders": ORDERS, "tags": TAGS, "user_tags": USER_TAGS, "log": LOG, "kinds": KINDS, "mixed": MIXED
}  # fmt: skip


def fill(lite: sqlite3.Connection) -> None:
    """The sample in an empty SQLite database."""
    lite.executescript(SCHEMA)
    for table, rows in _ROWS.items():
        lite.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    lite.commit()


Parameters = Sequence[Any] | Mapping[str, Any]


@dataclass
class Stores:
    """Both databases, and what statements do in them."""

    lite: sqlite3.Connection
    post: psycopg.Connection[Any]
    known: catalog.Catalog
    refused: list[str] = field(default_factory=list)

    def translate(self, sql: str, parameters: Parameters = ()) -> statement.Statement:
        return statements.translate(sql, self.known, parameters)

    def in_sqlite(self, sql: str, parameters: Parameters = ()) -> tuple[list[tuple[Any, ...]], int, int | None]:
        """Rows, count and lastrowid."""
        cursor = self.lite.execute(sql, parameters)
        rows = cursor.fetchall()
        return rows, cursor.rowcount, cursor.lastrowid

    def in_postgres(
        self, found: statement.Statement, parameters: Parameters = ()
    ) -> tuple[list[tuple[Any, ...]], int, int | None]:
        """Rows, count and lastrowid of a translated statement, by the rules of `statement.Statement`."""
        for guard in found.guards:
            assert guard.holds(_bound(parameters, guard.slot)), "a guard does not hold for what was translated"
        rows: list[tuple[Any, ...]] = []
        count, last = -1, None
        for step in found.steps:
            cursor = psycopg.RawCursor(self.post)
            cursor.adapters.register_loader("json", AnyLoader)
            try:
                with self.post.transaction():
                    cursor.execute(step.sql.encode(), [_bound(parameters, slot) for slot in step.slots])
                    count = cursor.rowcount
                    rows = [tuple(map(_plain, row)) for row in cursor.fetchall()] if cursor.description else []
            except psycopg.Error as error:
                if error.sqlstate in found.ignored:
                    return [], 0, None
                raise
        if found.gives_rowid:
            last = rows[-1][-1] if rows else None
            rows = [row[:-1] for row in rows]
        return rows if found.rows else [], count, last

    def write(self, sql: str, parameters: Parameters = ()) -> tuple[list[tuple[Any, ...]], int, int | None]:
        """Rows, count and lastrowid of a statement that writes, which must be equal, and so must be all tables afterwards."""
        found = self.translate(sql, parameters)
        expected = self.in_sqlite(sql, parameters)
        got = self.in_postgres(found, parameters)
        assert sorted(map(_exact, expected[0])) == sorted(map(_exact, got[0])), sql
        if not expected[0] and expected[1] >= 0:
            assert expected[1] == got[1], f"{sql}\n{found.steps}"
        if found.gives_rowid and got[2] is not None:
            assert expected[2] == got[2], f"{sql}\n{found.steps}"
        for table in self.known.tables.values():
            self.same(f"SELECT * FROM {table.name}")
        return expected

    def same(self, sql: str, parameters: Parameters = (), *, ordered: bool = False) -> list[tuple[Any, ...]]:
        """The rows of a query, which must be equal in both databases; in order if `ordered`."""
        found = self.translate(sql, parameters)
        expected, _, _ = self.in_sqlite(sql, parameters)
        rows, _, _ = self.in_postgres(found, parameters)
        one, other = [_exact(row) for row in expected], [_exact(row) for row in rows]
        if not ordered:
            one, other = sorted(one), sorted(other)
        assert one == other, f"{sql}\n{found.steps[-1].sql}"
        return expected


class AnyLoader(psycopg.adapt.Loader):
    """A value of any type comes as JSON."""

    def load(self, data: Any) -> statement.Bound:
        return variants.decoded(bytes(data).decode())


def _bound(parameters: Parameters, slot: statement.Slot) -> Any:
    if isinstance(parameters, Mapping):
        return parameters[str(slot)]
    assert isinstance(slot, int)
    return parameters[slot]


def _plain(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        # A real has digits after its point, if only a zero; an integer has none, and 64 bits.
        whole = value.is_finite() and not value.as_tuple().exponent and -(2**63) <= value < 2**63
        return int(value) if whole else float(value)
    return bytes(value) if isinstance(value, memoryview) else value


def _exact(row: tuple[Any, ...]) -> list[str]:
    """Values with their types: 1, 1.0 and True are three things."""
    return [f"{type(value).__name__} {value!r}" for value in row]


@pytest.fixture(scope="module")
def target(
    any_server: embedded.EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, catalog.Catalog]]:
    """A database that outgrow filled, and its catalog."""
    path: Path = tmp_path_factory.mktemp("sample") / "sample.db"
    lite = sqlite3.connect(path)
    fill(lite)
    lite.close()
    with servers.database(any_server) as dsn:
        report = migration.copy(path, dsn)
        assert report.quarantined == 0
        with psycopg.connect(dsn) as post:
            post.execute("CREATE SCHEMA IF NOT EXISTS outgrow")
            dialect_functions.install(post)
        yield dsn, catalog.Catalog.of(report.plan)


@pytest.fixture
def stores(target: tuple[str, catalog.Catalog]) -> Iterator[Stores]:
    """Both databases with the sample; what a test writes is rolled back, and so are the sequences."""
    dsn, known = target
    lite = sqlite3.connect(":memory:", isolation_level=None)
    fill(lite)
    with psycopg.connect(dsn) as post:
        post.execute("SELECT 1")  # a transaction that what follows is a part of
        try:
            yield Stores(lite, post, known)
        finally:
            post.rollback()
            for table in known.tables.values():
                if table.rowid is not None:
                    rows = len(_ROWS[table.name])
                    last = rows if table.hidden_rowid else _ROWS[table.name][-1][0]
                    post.execute(f"SELECT setval({table.rowid_sequence}, {last})".encode())
            post.commit()
            lite.close()
