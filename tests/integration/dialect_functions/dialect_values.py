"""Awkward values in SQLite and in PostgreSQL, and one query on both."""

from __future__ import annotations

import dataclasses
import decimal
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apsw
import psycopg

from outgrow import codec as codecs
from outgrow.dialect import affinity, catalog, statements

BIG = 2**63 - 1
_REALS = [
    0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 2.675, 1.005, 0.285, 0.1, 100.0, 123456.789, -1234567.891, 1e10, 2.0**53,
    1e15, 1e16, 123456789012345678.0, 9.3e18, -9.3e18, 1e22, 1e300, -1e308, 1e-5, 0.0001, 0.00012345, 1e-7, 5e-324,
    3.0, 0.75, 999999.5, 9.9999995, 0.1 + 0.2, 1 / 3, -1 / 7, float("inf"), float("-inf"), None,
]  # fmt: skip
_TEXTS = [
    "", "a", "A", "ab", "hello", "Hello World", "  spaced ", "é", "Éa", "ñandú", "日本語", "x\ty\n", "50%", "a_b",
    "a\\b", "'", "it''s", '"q"', "12", " 12", "12 ", "+7", "-3.5", "1e3", "1.5e2x", ".5", "5.", "0x10",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e999", "-1e999", "1e-999", "abc123",
    "now?", "inf", "nan", "616263", "4142", "4g", "a[b]c", "*", "12abc", "00012.500", "1e", "e1", "-", "𝄞 clef", None,
]  # fmt: skip
COLUMNS: dict[str, tuple[str, str, list[Any]]] = {
    "i": ("INTEGER", "bigint", [
        0, 1, -1, 2, 3, -2, 5, -5, 7, 10, -100, 97, 233, 1000, 123456, -1234567, 2**31, 2**53 + 1, BIG, -BIG - 1,
        None,
    ]),
    "j": ("INT", "integer", [0, 1, -1, 2, 4, -3, 6, 12, 31, 2**31 - 1, -(2**31), None]),
    "r": ("REAL", "double precision", _REALS),
    "q": ("REAL", "double precision", [
        0.0, 1.0, -1.0, 0.5, 2.0, -2.5, 3.0, 10.0, 0.1, 1e-3, 1e300, float("inf"), None,
    ]),
    "t": ("TEXT", "text", _TEXTS),
    "u": ("TEXT", "text", ["", "a", "l", "lo", "é", " ", "xy", "本", "12", "%", "*", None]),
    "b": ("BLOB", "bytea", [b"", b"\x00", b"abc", b"\xff\x00\xfe", b"12", b"\xc3\xa9", b"\x01" * 40, None]),
    "f": ("BOOLEAN", "boolean", [0, 1, None]),
    "n": ("NUMERIC", "numeric", [0, 1, -1, 2.5, -0.5, 10, 99.99, 0.1, BIG, 1e20, 1e-7, None]),
}  # fmt: skip


_TYPES = {
    "INTEGER": "bigint",
    "REAL": "double precision",
    "TEXT": "text",
    "BLOB": "bytea",
    "BOOLEAN": "boolean",
    "NUMERIC": "numeric",
}


@dataclass(frozen=True)
class Both:
    """SQLite as Python has it, the newest SQLite, and PostgreSQL with outgrow's functions."""

    standard: sqlite3.Connection
    newest: apsw.Connection
    post: psycopg.Connection[Any]
    known: catalog.Catalog

    def in_postgres(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        found = statements.translate(sql, self.known, parameters)
        (step,) = found.steps
        cursor = psycopg.RawCursor(self.post)
        cursor.execute(step.sql.encode(), [parameters[slot] for slot in step.slots if isinstance(slot, int)])
        return [tuple(map(_plain, row)) for row in cursor.fetchall()]

    def same(
        self, expression: str, *columns: str, parameters: Sequence[Any] = (), standard: bool = False, where: str = ""
    ) -> int:
        """The expression of every combination of values of these columns is the same in both; says how many there are."""
        listed = ", ".join([*columns, expression])
        tables = f" FROM {', '.join(f'v{column}' for column in columns)}" if columns else ""
        sql = f"SELECT {listed}{tables}{where and f' WHERE {where}'}"
        lite = self.standard if standard else self.newest
        expected = sorted(map(_exact, lite.execute(sql, tuple(parameters)).fetchall()))
        found = sorted(map(_exact, self.in_postgres(sql, parameters)))
        differences = [pair for pair in zip(expected, found, strict=True) if pair[0] != pair[1]]
        translated = statements.translate(sql, self.known, parameters).steps[0].sql
        shown = "\n".join(
            f"  {one[-1]} in SQLite, {other[-1]} in PostgreSQL of {one[:-1]}" for one, other in differences[:12]
        )
        assert not differences, f"{len(differences)} of {len(found)} differ: {expression}\n{shown}\n{translated}"
        return len(found)

    def with_tables(self, tables: Mapping[str, tuple[str, list[Any]]]) -> Both:
        """The same with one more table for each column, of texts, integers or reals."""
        found = dict(self.known.tables)
        for name, (declared, values) in tables.items():
            sql_type = _TYPES[declared]
            self._fill(name, declared, sql_type, values)
            found[f"v{name}"] = _table(name, declared, sql_type)
        return dataclasses.replace(self, known=catalog.Catalog(tables=found))

    def with_rows(self, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> Both:
        """The same with one more table of several columns."""
        written = ", ".join(f"{name} {declared}" for name, declared in columns.items())
        holes = ", ".join("?" * len(columns))
        for lite in (self.standard, self.newest):
            lite.execute(f"CREATE TABLE {table} ({written})")
            lite.executemany(f"INSERT INTO {table} VALUES ({holes})", rows)
        types = [_TYPES[declared] for declared in columns.values()]
        self.post.execute(
            f"CREATE TABLE {table} ({', '.join(map(' '.join, zip(columns, types, strict=True)))})".encode()
        )
        for row in rows:
            sent = [_sent(value, sql_type) for value, sql_type in zip(row, types, strict=True)]
            self.post.execute(f"INSERT INTO {table} VALUES ({holes.replace('?', '%s')})".encode(), sent)
        made = tuple(
            _table(name, declared, sql_type).columns[0]
            for (name, declared), sql_type in zip(columns.items(), types, strict=True)
        )
        known = catalog.Table(name=table, sql=f"public.{table}", columns=made, uniques=())
        return dataclasses.replace(self, known=catalog.Catalog(tables={**self.known.tables, table: known}))

    def same_rows(self, sql: str) -> int:
        """A query's rows are the same in both, in any order; says how many there are."""
        expected = sorted(map(_exact, self.newest.execute(sql).fetchall()))
        found = sorted(map(_exact, self.in_postgres(sql)))
        assert expected == found, f"{sql}\n{statements.translate(sql, self.known, ()).steps[0].sql}"
        return len(found)

    def _fill(self, name: str, declared: str, sql_type: str, values: list[Any]) -> None:
        for lite in (self.standard, self.newest):
            lite.execute(f"CREATE TABLE v{name} ({name} {declared})")
            lite.executemany(f"INSERT INTO v{name} VALUES (?)", [(value,) for value in values])
        collation = ' COLLATE "C"' if sql_type == "text" else ""
        self.post.execute(f"CREATE TABLE v{name} ({name} {sql_type}{collation})".encode())
        for value in values:
            self.post.execute(f"INSERT INTO v{name} VALUES (%s)".encode(), (_sent(value, sql_type),))


def _sent(value: Any, sql_type: str) -> Any:
    """A value as outgrow copies it."""
    if value is not None and sql_type == "boolean":
        return bool(value)
    if value is not None and sql_type == "numeric":
        number = decimal.Decimal(repr(value))
        return number.quantize(decimal.Decimal(1)) if number == number.to_integral_value() else number
    return value


def _plain(value: Any) -> Any:
    """A value as the router gives it to the application: a numeric with digits after its point is a real."""
    if isinstance(value, decimal.Decimal):
        exponent = value.as_tuple().exponent
        return int(value) if isinstance(exponent, int) and exponent >= 0 and abs(value) <= BIG + 1 else float(value)
    return bytes(value) if isinstance(value, memoryview) else value


def _exact(row: Sequence[Any]) -> list[str]:
    return [f"{type(value).__name__} {0.0 if value == 0 and isinstance(value, float) else value!r}" for value in row]


def _table(name: str, declared: str, sql_type: str) -> catalog.Table:
    column = catalog.Column(
        name=name,
        target=name,
        affinity=affinity.affinity(declared),
        codec=codecs.from_spec({"type": sql_type}),
        sql_type=sql_type,
        collation="BINARY",
        not_null=False,
        default=None,
        generated=False,
        identity=False,
    )
    return catalog.Table(name=f"v{name}", sql=f"public.v{name}", columns=(column,), uniques=())


def fill(standard: sqlite3.Connection, newest: apsw.Connection, post: psycopg.Connection[Any]) -> Both:
    """The values in all three."""
    tables = {f"v{name}": _table(name, declared, sql_type) for name, (declared, sql_type, _) in COLUMNS.items()}
    found = Both(standard, newest, post, catalog.Catalog(tables=tables))
    for name, (declared, sql_type, values) in COLUMNS.items():
        found._fill(name, declared, sql_type, values)
    return found
