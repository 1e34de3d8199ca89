"""An independent judge of a migration: reads both databases value by value and lists every difference.

It shares nothing with the engine, neither code nor libraries: SQLite is read with the standard `sqlite3` module,
PostgreSQL through COPY's text format, and each rule of equality is written here a second time. What the engine
says is used for one thing only, the mapping of names (`outgrow.migration.plan`); types come from `pg_attribute`.

Every source row must be in the target exactly once with equal values, or else in `outgrow.quarantine` with exactly
its own values, never both. The rules by type:

    smallint integer bigint   integer of the same value
    boolean                   0 and 1, or one pair of words for the whole column
    double precision          real with the same bits, the sign of zero included
    numeric                   integer of the same value, or real: the double nearest to the number has the same bits
    text varchar char enum    text of the same bytes; under INTEGER, NUMERIC or REAL affinity also a number, if SQLite
                              turns the text back into the same storage class and value
    bytea                     blob of the same bytes, or text of the same bytes
    date time timestamp(tz)   ISO text of the same instant (no zone means UTC), in one format for the whole column
    uuid                      text of 36 characters in lower case
    json / jsonb              text of the same bytes / text that parses to the same value
    vector                    blob of little-endian float32 with the same bits

Any other type is a difference of its own. Text is held as `str` with one character per byte (latin-1), so that
the Python type of a value is its storage class and nothing is ever decoded.

In a process where the engine has the file open use `apart=True`: a second SQLite library would drop its locks.
"""

from __future__ import annotations

import calendar
import json
import marshal
import math
import pickle
import re
import sqlite3
import struct
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

__all__ = ["BadPlan", "Difference", "Report", "compare"]

Value = None | int | float | str | bytes
"""A value as SQLite stores it; `str` is text, one character per byte."""

ROWS_PER_BUCKET = 100_000
BYTES_PER_BUCKET = 64 << 20
MOST_BUCKETS = 64


class BadPlan(Exception):
    """The plan found in the target cannot be read as a plan of this file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One way in which the two sides differ.

    `kind` is one of: `missing table`, `missing column`, `type` (a target type without a rule), `missing row`,
    `extra row`, `value`, `both` (present and quarantined), `quarantine value` (quarantined, with other values),
    `stray quarantine` (quarantined, but no such source row), `format` (the column's texts can't be rebuilt).
    """

    kind: str
    table: str
    key: str | None = None
    column: str | None = None
    source: str | None = None
    target: str | None = None

    def __str__(self) -> str:
        where = ".".join(name for name in (self.table, self.column) if name is not None)
        parts = [f"{self.kind}: {where}"]
        if self.key is not None:
            parts.append(f"[{self.key}]")
        if self.source is not None:
            parts.append(f"source {self.source}")
        if self.target is not None:
            parts.append(f"target {self.target}")
        return " ".join(parts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What `compare` found.

    `differences` break the promise. `doubts` are values which are equal by the rules, but whose storage class the
    target alone cannot give back (3 and 3.0 in one numeric column, text and blob in one bytea column).
    `left_out` names the source tables which the plan does not mention, `unplanned` the target's tables and
    columns (`table.column`) which it does not mention. `present` and `quarantined` count rows by source table.
    """

    differences: tuple[Difference, ...] = ()
    doubts: tuple[Difference, ...] = ()
    left_out: tuple[str, ...] = ()
    unplanned: tuple[str, ...] = ()
    present: Mapping[str, int] = field(default_factory=dict)
    quarantined: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether no difference was found; doubts do not count."""
        return not self.differences

    def kinds(self) -> Counter[str]:
        """How often each kind of difference was found."""
        return Counter(difference.kind for difference in self.differences)

    def require(self) -> Report:
        """Return itself; AssertionError with the list of differences if there are any."""
        if self.differences:
            raise AssertionError(str(self))
        return self

    def __str__(self) -> str:
        lines = [
            f"{sum(self.present.values())} rows present, {sum(self.quarantined.values())} quarantined, "
            f"{len(self.differences)} differences, {len(self.doubts)} doubts"
        ]
        lines += [str(difference) for difference in self.differences[:50]]
        if len(self.differences) > 50:
            lines.append(f"... and {len(self.differences) - 50} more")
        return "\n".join(lines)


def compare(sqlite_path: str | Path, pg_dsn: str, *, schema: str = "public", apart: bool = False) -> Report:
    """Compare a SQLite file with its migrated copy in `schema`; `apart` does it in a process of its own."""
    if apart:
        command = [sys.executable, __file__, str(sqlite_path), pg_dsn, schema]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        plain: dict[str, Any] = pickle.loads(done.stdout)
        lists = {name: tuple(Difference(**each) for each in plain[name]) for name in ("differences", "doubts")}
        return Report(**(plain | lists))
    with _Source(sqlite_path) as source, _Target(pg_dsn, schema) as target:
        return _compare(source, target)


# --- the two sides -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _SourceColumn:
    declared: str
    generated: bool


class _Source:
    """The SQLite file, opened read-only, in one read transaction."""

    def __init__(self, path: str | Path) -> None:
        uri = f"file:{quote(str(Path(path).absolute()))}?mode="
        self.connection = sqlite3.connect(uri + "ro", uri=True, isolation_level=None)
        try:
            self.connection.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError:
            # A writer died in the middle of a transaction: its journal can only be rolled back by another writer.
            self.connection.close()
            self.connection = sqlite3.connect(uri + "rw", uri=True, isolation_level=None)
            self.connection.execute("SELECT count(*) FROM sqlite_master")
            self.connection.execute("PRAGMA query_only = on")
        self.connection.execute("BEGIN")
        encoding = self.connection.execute("PRAGMA encoding").fetchone()[0].lower()
        self.utf16 = {"utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}.get(encoding)

    def __enter__(self) -> _Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def tables(self) -> list[str]:
        """Every table but SQLite's own, virtual and shadow tables included."""
        found = self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        return [name for (name,) in found if not name.lower().startswith("sqlite_")]

    def columns(self, table: str) -> dict[str, _SourceColumn]:
        """The columns by name; a virtual table's hidden ones are left out."""
        rows = self.connection.execute("SELECT name, type, hidden FROM pragma_table_xinfo(?)", [table])
        return {
            name: _SourceColumn(declared=declared, generated=hidden in (2, 3))
            for name, declared, hidden in rows
            if hidden != 1
        }

    def strict(self, table: str) -> bool:
        """Whether the table is STRICT; no SQLite before 3.37 can open a file that has one."""
        if sqlite3.sqlite_version_info < (3, 37):
            return False
        listed = "SELECT strict FROM pragma_table_list WHERE schema = 'main' AND name = ?"
        return bool(self.connection.execute(listed, [table]).fetchone()[0])

    def count(self, table: str) -> int:
        """The number of rows."""
        return int(self.connection.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()[0])

    def rows(self, table: str, columns: Sequence[str], rowid: str | None) -> Iterator[tuple[Value, ...]]:
        """Every row as (rowid or None, *columns)."""
        if self.utf16 is not None and len(columns) < 1000:
            yield from self.utf16_rows(self.utf16, table, columns, rowid)
            return
        self.connection.text_factory = _text
        try:
            terms = ", ".join(_quoted(column) for column in columns)
            cursor = self.connection.execute(f"SELECT {rowid or 'NULL'}, {terms} FROM {_quoted(table)}")
            while batch := cursor.fetchmany(500):
                yield from batch
        finally:
            self.connection.text_factory = str

    def utf16_rows(
        self, codec: str, table: str, columns: Sequence[str], rowid: str | None
    ) -> Iterator[tuple[Value, ...]]:
        """Every row of a UTF-16 file, its texts decoded here.

        SQLite's own conversion makes another character of a lone surrogate and what follows it. Here it becomes
        three bytes that are no UTF-8, so that no text of the target is ever equal to it.
        """
        names = [_quoted(column) for column in columns]
        plain = [f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END" for name in names]
        texts = [f"typeof({name}) = 'text'" for name in names]
        terms = ", ".join([rowid or "NULL", *plain, *texts])
        for row in self.connection.execute(f"SELECT {terms} FROM {_quoted(table)}"):
            values = list(row[: len(names) + 1])
            for position, is_text in enumerate(row[len(names) + 1 :], start=1):
                if is_text:
                    decoded = values[position].decode(codec, "surrogatepass")
                    values[position] = _text(decoded.encode("utf-8", "surrogatepass"))
            yield tuple(values)


class _Target:
    """One schema of the PostgreSQL database, in one read-only snapshot."""

    def __init__(self, dsn: str, schema: str) -> None:
        self.schema = schema
        self.connection = psycopg.connect(dsn, autocommit=True)
        for setting, value in {
            "client_encoding": "UTF8",
            "timezone": "UTC",
            "datestyle": "ISO, YMD",
            "extra_float_digits": "1",
            "bytea_output": "hex",
        }.items():
            self.connection.execute("SELECT set_config(%s, %s, false)", [setting, value])
        self.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def __enter__(self) -> _Target:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def plan(self) -> dict[str, Any]:
        """The plan of the one migration this database holds."""
        found = self.connection.execute("SELECT plan FROM outgrow.migration").fetchall()
        if len(found) != 1:
            raise BadPlan(f"outgrow.migration has {len(found)} rows, not one")
        plan: dict[str, Any] = found[0][0]
        return plan

    def quarantine(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Every quarantined row as (table, key, row)."""
        return self.connection.execute("SELECT table_name, key, row FROM outgrow.quarantine").fetchall()

    def tables(self) -> list[str]:
        """The schema's tables."""
        query = """
            SELECT relname FROM pg_class
            WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND relkind IN ('r', 'p')
            ORDER BY relname"""
        return [name for (name,) in self.connection.execute(query, [self.schema])]

    def columns(self, table: str) -> dict[str, str]:
        """The columns by name, each with the name of its type; a domain counts as what it is built on."""
        query = """
            WITH RECURSIVE base (name, number, type) AS (
                SELECT a.attname, a.attnum, a.atttypid
                FROM pg_attribute a
                JOIN pg_class c ON c.oid = a.attrelid
                JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped
                UNION ALL
                SELECT base.name, base.number, t.typbasetype
                FROM base JOIN pg_type t ON t.oid = base.type WHERE t.typtype = 'd'
            )
            SELECT base.name, CASE t.typtype WHEN 'e' THEN 'text' ELSE t.typname END
            FROM base JOIN pg_type t ON t.oid = base.type
            WHERE t.typtype <> 'd' ORDER BY base.number"""
        return dict(self.connection.execute(query, [self.schema, table]).fetchall())

    def size(self, table: str) -> tuple[int, int]:
        """The number of rows, and of bytes."""
        name = sql.Identifier(self.schema, table)
        query = sql.SQL("SELECT count(*), pg_table_size({}::regclass) FROM {}")
        row = self.connection.execute(query.format(sql.Literal(name.as_string()), name)).fetchone()
        assert row is not None
        return row[0], row[1]

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[list[str | None]]:
        """Every row as the texts that PostgreSQL prints, one character per byte."""
        query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(self.schema, table)
        )
        with self.connection.cursor() as cursor, cursor.copy(query) as copy:
            for line in copy:
                text = str(line, "latin-1").removesuffix("\n")
                fields = text.split("\t")
                yield [_unescaped(each) for each in fields] if "\\" in text else list(fields)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(stored: bytes) -> str:
    return stored.decode("latin-1")


_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}


def _unescaped(field: str) -> str | None:
    if field == r"\N":
        return None
    if "\\" not in field:
        return field
    return re.sub(r"\\(.)", lambda match: _ESCAPES[match[1]], field, flags=re.DOTALL)


# --- SQLite's affinity, by asking SQLite -------------------------------------------------------------------------

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_MAYBE_NUMBER = re.compile(r"[\t\n\v\f\r ]*[+-]?\.?[0-9]")


class _Affinity:
    """The affinity of a column: its name by the documented rules, its effect by a table in memory."""

    def __init__(self, declared: str, *, strict: bool) -> None:
        if strict and declared.upper() == "ANY":
            declared = ""
        upper = declared.upper()
        if "INT" in upper:
            self.name = "integer"
        elif any(part in upper for part in ("CHAR", "CLOB", "TEXT")):
            self.name = "text"
        elif "BLOB" in upper or not upper:
            self.name = "blob"
        elif any(part in upper for part in ("REAL", "FLOA", "DOUB")):
            self.name = "real"
        else:
            self.name = "numeric"
        self.numeric = self.name in ("integer", "real", "numeric")
        self.declared = declared
        self.memory: sqlite3.Connection | None = None

    def back(self, text: str) -> Value:
        """What SQLite stores when this text is put into the column."""
        if not self.numeric or not _MAYBE_NUMBER.match(text):
            return text
        if self.memory is None:
            self.memory = sqlite3.connect(":memory:", isolation_level=None)
            self.memory.text_factory = _text
            # Quoted, a type is taken as it is, whatever words it has in it.
            self.memory.execute(f"CREATE TABLE t (c {_quoted(self.declared)})")
            self.memory.execute("INSERT INTO t VALUES (NULL)")
        self.memory.execute("UPDATE t SET c = CAST(? AS TEXT)", [text.encode("latin-1")])
        value: Value = self.memory.execute("SELECT c FROM t").fetchone()[0]
        # The storage class is SQLite's word; the digits are read by Python, as old SQLite loses bits there.
        return float(text.strip("\t\n\v\f\r ")) if isinstance(value, float) else value

    def close(self) -> None:
        """Drop the table in memory."""
        if self.memory is not None:
            self.memory.close()


# --- the rules, one class each -----------------------------------------------------------------------------------


def _same_double(one: float, other: float) -> bool:
    return one == other and (one != 0.0 or math.copysign(1.0, one) == math.copysign(1.0, other))


class _Rule:
    """How a column's source values and its target's texts are matched; neither is ever NULL here."""

    notes = False
    """Whether `note` wants to see every matched pair."""

    def __init__(self, affinity: _Affinity) -> None:
        self.affinity = affinity

    def read(self, text: str) -> Any:
        """The target's text, parsed."""
        return text

    def same(self, value: Value, target: Any) -> bool:
        """Whether they are equal."""
        raise NotImplementedError

    def token(self, value: Value) -> Any:
        """Something hashable that equals `target_token` wherever `same` is true; the reverse need not hold."""
        return value

    def target_token(self, target: Any) -> Any:
        """See `token`."""
        return target

    def note(self, value: Value, target: Any) -> None:
        """Remember what `complaints` and `doubts` need."""

    def complaints(self) -> Iterable[str]:
        """Why the column's texts can't be rebuilt from the target."""
        return ()

    def doubts(self) -> Iterable[str]:
        """Why the column's storage classes can't be rebuilt from the target."""
        return ()


class _Unknown(_Rule):
    """A type without a rule: reported once for the column, then not compared."""

    def same(self, value: Value, target: Any) -> bool:
        return True

    def token(self, value: Value) -> Any:
        return None

    def target_token(self, target: Any) -> Any:
        return None


class _Integer(_Rule):
    def read(self, text: str) -> int:
        return int(text)

    def same(self, value: Value, target: Any) -> bool:
        return type(value) is int and bool(value == target)


class _Boolean(_Rule):
    notes = True
    pairs = (("true", "false"), ("t", "f"), ("yes", "no"), ("y", "n"), ("on", "off"), ("1", "0"))
    words: Mapping[str, bool] = {word: word is pair[0] for pair in pairs for word in pair}

    def __init__(self, affinity: _Affinity) -> None:
        super().__init__(affinity)
        self.seen: dict[bool, set[Value]] = {True: set(), False: set()}

    def read(self, text: str) -> bool:
        return {"t": True, "f": False}[text]

    def same(self, value: Value, target: Any) -> bool:
        return self.token(value) is target

    def token(self, value: Value) -> Any:
        if type(value) is int:
            return bool(value) if value in (0, 1) else value
        if type(value) is str:
            return self.words.get(value.lower(), value)
        return ("not a boolean", value)

    def note(self, value: Value, target: Any) -> None:
        self.seen[target].add(value)

    def complaints(self) -> Iterable[str]:
        true, false = self.seen[True], self.seen[False]
        if len(true) > 1 or len(false) > 1:
            yield f"more than one way to write a boolean: {sorted(map(_shown, true | false))}"
        elif true and false:
            pair = (next(iter(true)), next(iter(false)))
            if pair == (1, 0):
                return
            if not all(type(word) is str for word in pair) or tuple(str(w).lower() for w in pair) not in self.pairs:
                yield f"no pair of words: {_shown(pair[0])} and {_shown(pair[1])}"


class _Double(_Rule):
    def read(self, text: str) -> float:
        return float(text)

    def same(self, value: Value, target: Any) -> bool:
        return type(value) is float and _same_double(value, target)


class _Numeric(_Rule):
    notes = True

    def __init__(self, affinity: _Affinity) -> None:
        super().__init__(affinity)
        self.classes: set[type] = set()
        self.changed = ""

    def same(self, value: Value, target: Any) -> bool:
        if type(value) is int:
            return bool(target == str(value) or Decimal(target) == value)
        return type(value) is float and _same_double(value, float(target))

    def token(self, value: Value) -> Any:
        return float(value) if isinstance(value, int | float) else value

    def target_token(self, target: Any) -> Any:
        return float(target)

    def note(self, value: Value, target: Any) -> None:
        self.classes.add(type(value))
        if type(value) is float and self.affinity.numeric and value.is_integer():
            back = self.affinity.back(target)
            if type(back) is not float:
                self.changed = f"{_shown(value)} comes back as {_shown(back)}"

    def doubts(self) -> Iterable[str]:
        if not self.affinity.numeric and len(self.classes) > 1:
            yield "integers and reals in one numeric column, and no affinity tells them apart"
        if self.changed:
            yield self.changed


class _Text(_Rule):
    notes = True

    def __init__(self, affinity: _Affinity) -> None:
        super().__init__(affinity)
        self.changed = ""

    def same(self, value: Value, target: Any) -> bool:
        if type(value) is str:
            return bool(value == target)
        if not self.affinity.numeric:
            return False
        if type(value) is int:
            if target == str(value) and self.affinity.name != "real":
                return True
            back = self.affinity.back(target)
            return type(back) is int and back == value
        if type(value) is float:
            if not value.is_integer() and _NUMBER.fullmatch(target):
                return _same_double(value, float(target))
            back = self.affinity.back(target)
            return type(back) is float and _same_double(value, back)
        return False

    def token(self, value: Value) -> Any:
        return self.affinity.back(value) if type(value) is str else value

    def target_token(self, target: Any) -> Any:
        return self.affinity.back(target)

    def note(self, value: Value, target: Any) -> None:
        if type(value) is str and self.affinity.numeric and _MAYBE_NUMBER.match(value):
            back = self.affinity.back(target)
            if type(back) is not str:
                self.changed = f"{_shown(value)} comes back as {_shown(back)}"

    def doubts(self) -> Iterable[str]:
        if self.changed:
            yield self.changed


class _Bytea(_Rule):
    notes = True

    def __init__(self, affinity: _Affinity) -> None:
        super().__init__(affinity)
        self.classes: set[type] = set()

    def read(self, text: str) -> bytes:
        return bytes.fromhex(text[2:])

    def same(self, value: Value, target: Any) -> bool:
        return bool(self.token(value) == target)

    def token(self, value: Value) -> Any:
        return value.encode("latin-1") if type(value) is str else value

    def note(self, value: Value, target: Any) -> None:
        self.classes.add(type(value))

    def doubts(self) -> Iterable[str]:
        if len(self.classes) > 1:
            yield "texts and blobs in one bytea column"


_DATE = r"(?P<year>[0-9]{4}|[1-9][0-9]{4,5})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
_CLOCK = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6}))?)?"
_ZONE = r"(?P<zone>[Zz]| ?[+-][0-9]{2}(?::?[0-9]{2})?)?"
_DAY = 86_400_000_000


def _day_number(year: int, month: int, day: int) -> int | None:
    """Days since 1970-01-01 in the proleptic Gregorian calendar, any year; None if there is no such day."""
    if not 1 <= month <= 12:
        return None
    # `calendar` knows the years of `datetime` only; the calendar repeats itself every 400 years.
    if not 1 <= day <= calendar.monthrange(year % 400 + 400, month)[1]:
        return None
    shifted = year - (month <= 2)
    era, of_era = divmod(shifted, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def _instant(match: re.Match[str]) -> int | None:
    """Microseconds since 1970 (of a date or timestamp) or since midnight (of a time); None if there is no such."""
    parts = match.groupdict()
    instant = 0
    if parts.get("year"):
        year = int(parts["year"])
        number = _day_number(1 - year if parts.get("era") else year, int(parts["month"]), int(parts["day"]))
        if number is None:
            return None
        instant = number * _DAY
    if parts.get("hour"):
        hour, minute, second = int(parts["hour"]), int(parts["minute"]), int(parts["second"] or 0)
        if hour > 23 or minute > 59 or second > 59:
            return None
        instant += (hour * 3600 + minute * 60 + second) * 1_000_000 + int((parts["fraction"] or "").ljust(6, "0"))
    zone = (parts.get("zone") or "").strip()
    if zone and zone not in "Zz":
        digits = zone[1:].replace(":", "").ljust(4, "0")
        if int(digits[:2]) > 15 or int(digits[2:]) > 59:
            return None
        offset = (int(digits[:2]) * 3600 + int(digits[2:]) * 60) * 1_000_000
        instant -= offset if zone[0] == "+" else -offset
    return instant


class _Temporal(_Rule):
    notes = True
    source: re.Pattern[str]
    target: re.Pattern[str]

    def __init__(self, affinity: _Affinity) -> None:
        super().__init__(affinity)
        self.formats: set[str] = set()
        self.fractions: set[int] = set()
        self.whole_written_out = False

    def read(self, text: str) -> Any:
        match = self.target.fullmatch(text)
        instant = _instant(match) if match else None
        return text if instant is None else instant

    def same(self, value: Value, target: Any) -> bool:
        return type(target) is int and self.token(value) == target

    def token(self, value: Value) -> Any:
        if type(value) is not str:
            return ("not a text", value)
        match = self.source.fullmatch(value)
        instant = _instant(match) if match else None
        return value if instant is None else instant

    def note(self, value: Value, target: Any) -> None:
        assert isinstance(value, str)
        match = self.source.fullmatch(value)
        assert match is not None
        parts = match.groupdict()
        clock = parts.get("hour") is not None
        separator = value[match.end("day")] if clock and parts.get("year") else ""
        shape = ("date" if parts.get("year") else "") + separator + ("HH:MM" if clock else "")
        if clock and parts["second"] is not None:
            shape += ":SS"
            fraction = parts["fraction"] or ""
            self.fractions.add(len(fraction))
            self.whole_written_out |= bool(fraction) and not fraction.strip("0")
        self.formats.add(shape + (parts.get("zone") or ""))

    def complaints(self) -> Iterable[str]:
        if len(self.formats) > 1:
            yield f"more than one format of text: {sorted(self.formats)}"
        written = self.fractions - {0}
        if len(written) > 1:
            yield f"fractions of different length: {sorted(written)} digits"
        elif written and 0 in self.fractions and self.whole_written_out:
            yield "a fraction of zero is sometimes written and sometimes left out"


class _Timestamp(_Temporal):
    source = re.compile(rf"{_DATE}(?:[ T]{_CLOCK})?")
    target = re.compile(rf"(?P<year>[0-9]{{4,}})-(?P<month>..)-(?P<day>..) {_CLOCK}(?P<era> BC)?")


class _TimestampTz(_Temporal):
    source = re.compile(rf"{_DATE}(?:[ Tt]{_CLOCK}{_ZONE})?")
    target = re.compile(rf"(?P<year>[0-9]{{4,}})-(?P<month>..)-(?P<day>..) {_CLOCK}\+00(?P<era> BC)?")


class _Date(_Temporal):
    source = re.compile(_DATE)
    target = re.compile(r"(?P<year>[0-9]{4,})-(?P<month>..)-(?P<day>..)(?P<era> BC)?")


class _Time(_Temporal):
    source = re.compile(_CLOCK)
    target = re.compile(_CLOCK)


class _Uuid(_Rule):
    shape = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

    def same(self, value: Value, target: Any) -> bool:
        return type(value) is str and value == target and self.shape.fullmatch(value) is not None


class _Json(_Rule):
    def same(self, value: Value, target: Any) -> bool:
        return type(value) is str and value == target


class _Jsonb(_Rule):
    def same(self, value: Value, target: Any) -> bool:
        return type(value) is str and self.parsed(value) == self.parsed(target) is not None

    def token(self, value: Value) -> Any:
        return repr(self.parsed(value)) if type(value) is str else value

    def target_token(self, target: Any) -> Any:
        return repr(self.parsed(target))

    @staticmethod
    def parsed(text: str) -> Any:
        """A tree of tagged tuples, in which true is not 1 and objects have no order; None if it isn't JSON."""

        def refuse(constant: str) -> Any:
            raise ValueError(constant)

        def frozen(tree: Any) -> Any:
            if isinstance(tree, dict):
                return ("object", tuple(sorted((name, frozen(each)) for name, each in tree.items())))
            if isinstance(tree, list):
                return ("array", tuple(frozen(each) for each in tree))
            if isinstance(tree, Decimal):
                sign, digits, exponent = tree.as_tuple()
                significant = "".join(map(str, digits)).lstrip("0")
                stripped = significant.rstrip("0")
                power = int(exponent) + len(significant) - len(stripped)
                return ("number", sign if stripped else 0, stripped, power if stripped else 0)
            return (type(tree).__name__, str(tree))

        try:
            plain = text.encode("latin-1").decode()
            return frozen(json.loads(plain, parse_int=Decimal, parse_float=Decimal, parse_constant=refuse))
        except (ValueError, RecursionError):
            return None


class _Vector(_Rule):
    def read(self, text: str) -> bytes:
        numbers = [float(each) for each in text.strip("[]").split(",")]
        return struct.pack(f"<{len(numbers)}f", *numbers)

    def same(self, value: Value, target: Any) -> bool:
        return type(value) is bytes and value == target


_RULES: Mapping[str, type[_Rule]] = {
    "int2": _Integer,
    "int4": _Integer,
    "int8": _Integer,
    "bool": _Boolean,
    "float8": _Double,
    "numeric": _Numeric,
    "text": _Text,
    "varchar": _Text,
    "bpchar": _Text,
    "citext": _Text,
    "bytea": _Bytea,
    "timestamp": _Timestamp,
    "timestamptz": _TimestampTz,
    "date": _Date,
    "time": _Time,
    "uuid": _Uuid,
    "json": _Json,
    "jsonb": _Jsonb,
    "vector": _Vector,
}


# --- quarantine --------------------------------------------------------------------------------------------------

_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_CLASSES = {type(None): "null", int: "integer", float: "real", str: "text", bytes: "blob"}


def _identity(values: Iterable[Value]) -> tuple[Any, ...]:
    """The row as something hashable in which 1, 1.0, '1' and x'31', and 0.0 and -0.0, all differ."""
    return tuple(
        ("real", struct.pack(">d", value)) if type(value) is float else (_CLASSES[type(value)], value)
        for value in values
    )


def _quarantined_value(entry: Any) -> Value:
    """The value of one quarantined column; ValueError if it isn't written as agreed."""
    kind, written = entry["class"], entry.get("value")
    if kind == "null" and written is None:
        return None
    if not isinstance(written, str):
        raise ValueError(f"{written!r} as {kind}")
    if kind == "integer" and written == str(int(written)):
        return int(written)
    if _HEX.fullmatch(written):
        if kind == "real" and len(written) == 16:
            return float(struct.unpack(">d", bytes.fromhex(written))[0])
        if kind == "text":
            return _text(bytes.fromhex(written))
        if kind == "blob":
            return bytes.fromhex(written)
    raise ValueError(f"{written!r} as {kind}")


class _Quarantine:
    """The quarantined rows of one table, counted by identity: in quarantine, absent from the target, present there."""

    def __init__(
        self, entries: Sequence[tuple[str, dict[str, Any]]], columns: Sequence[str], generated: set[str]
    ) -> None:
        # Generated columns may be kept or not: they follow from the others.
        kept = [column for column in columns if column not in generated or any(column in row for _, row in entries)]
        self.positions = [columns.index(column) for column in kept]
        self.columns = kept
        self.held: Counter[tuple[Any, ...]] = Counter()
        self.keys: dict[tuple[Any, ...], str] = {}
        self.absent: Counter[tuple[Any, ...]] = Counter()
        self.present: Counter[tuple[Any, ...]] = Counter()
        self.unreadable: list[tuple[str, str]] = []
        for key, row in entries:
            try:
                if set(row) != set(kept):
                    raise ValueError(f"columns {sorted(row)}")
                identity = _identity(_quarantined_value(row[column]) for column in kept)
            except (ValueError, KeyError, TypeError) as error:
                self.unreadable.append((key, str(error)))
                continue
            self.held[identity] += 1
            self.keys[identity] = key

    def identity(self, row: Sequence[Value]) -> tuple[Any, ...]:
        """The identity of a source row."""
        return _identity(row[position] for position in self.positions)

    def takes(self, row: Sequence[Value]) -> bool:
        """Count the row as absent from the target, if one more like it is held."""
        if not self.held:
            return False
        identity = self.identity(row)
        if self.absent[identity] < self.held[identity]:
            self.absent[identity] += 1
            return True
        return False

    def saw(self, row: Sequence[Value]) -> None:
        """Count the row as present in the target."""
        if self.held:
            identity = self.identity(row)
            if identity in self.held:
                self.present[identity] += 1


# --- matching ----------------------------------------------------------------------------------------------------


class _Buckets:
    """Rows parted by the hash of their token, on disk when there is more than one bucket."""

    def __init__(self, count: int, folder: str, name: str) -> None:
        self.waiting: list[list[Any]] = [[] for _ in range(count)]
        paths = [Path(folder, f"{name}-{i}") for i in range(count)] if count > 1 else []
        self.files = [path.open("w+b") for path in paths]

    def add(self, token: Any, row: Any) -> None:
        """Put a row where others of the same token are."""
        number = hash(token) % len(self.waiting)
        waiting = self.waiting[number]
        waiting.append(row)
        if self.files and len(waiting) >= 200:
            marshal.dump(waiting, self.files[number])
            waiting.clear()

    def take(self, number: int) -> Iterator[Any]:
        """One bucket's rows."""
        if self.files:
            file = self.files[number]
            end = file.tell()
            file.seek(0)
            while file.tell() < end:
                yield from marshal.load(file)
            file.close()
        yield from self.waiting[number]
        self.waiting[number] = []


def _shown(value: Value) -> str:
    if value is None:
        return "NULL"
    if type(value) is int:
        return f"integer {value}"
    if type(value) is float:
        return f"real {value!r} ({struct.pack('>d', value).hex()})"
    raw = value.encode("latin-1") if type(value) is str else value
    assert isinstance(raw, bytes)
    kind = "text" if type(value) is str else "blob"
    return f"{kind} {raw[:80]!r}" + (f"... ({len(raw)} bytes)" if len(raw) > 80 else "")


def _shown_text(text: str | None) -> str:
    if text is None:
        return "NULL"
    plain = text.encode("latin-1").decode(errors="replace")
    return plain[:80] + (f"... ({len(plain)} characters)" if len(plain) > 80 else "")


class _Table:
    """The comparison of one planned table."""

    def __init__(
        self, source: _Source, target: _Target, plan: Mapping[str, Any], entries: Sequence[tuple[str, dict[str, Any]]]
    ) -> None:
        self.source, self.target = source, target
        self.name: str = plan["source"]
        self.target_name: str = plan["target"]
        self.differences: list[Difference] = []
        self.doubts: list[Difference] = []
        self.unplanned: list[str] = []
        self.present = 0
        self.quarantined = 0

        have = source.columns(self.name)
        strict = source.strict(self.name)
        actual = target.columns(self.target_name)
        self.columns: list[str] = []
        self.target_columns: list[str] = []
        self.rules: list[_Rule] = []
        for column in plan["columns"]:
            name = column["source"]
            if name not in have:
                raise BadPlan(f"{self.name} has no column {name!r}")
            kind = actual.get(column["target"])
            if kind is None:
                self.add("missing column", column=name, target=f"no column {column['target']!r}")
                continue
            rule = _RULES.get(kind, _Unknown)
            if rule is _Unknown:
                self.add("type", column=name, target=kind)
            self.columns.append(name)
            self.target_columns.append(column["target"])
            self.rules.append(rule(_Affinity(have[name].declared, strict=strict)))
        for name in have:
            if name not in [column["source"] for column in plan["columns"]]:
                self.add("missing column", column=name, target="not in the plan")

        self.rowid: str | None = plan.get("rowid")
        self.rowid_name = None
        if self.rowid is not None:
            taken = {name.lower() for name in have}
            self.rowid_name = next((name for name in ("rowid", "_rowid_", "oid") if name not in taken), None)
            if self.rowid_name is None:
                raise BadPlan(f"{self.name} has no name left for its rowid")
            if self.rowid not in actual:
                raise BadPlan(f"{self.target_name} has no column {self.rowid!r}")
        planned = {*self.target_columns, self.rowid}
        self.unplanned += [f"{self.target_name}.{name}" for name in actual if name not in planned]
        try:
            # Without a key the whole row is the key.
            self.key = [self.columns.index(name) for name in plan["key"]] or list(range(len(self.columns)))
        except ValueError:
            raise BadPlan(f"{self.name}: key {plan['key']} is not among the columns") from None
        self.noting = [(i, rule) for i, rule in enumerate(self.rules) if rule.notes]
        self.quarantine = _Quarantine(entries, list(have), {name for name, column in have.items() if column.generated})
        self.all_columns = list(have)

    def add(self, kind: str, **details: str | None) -> None:
        """Record a difference."""
        self.differences.append(Difference(kind=kind, table=self.name, **details))

    def run(self) -> None:
        """Compare every row."""
        rows, size = self.target.size(self.target_name)
        rows = max(rows, self.source.count(self.name))
        count = min(MOST_BUCKETS, 1 + max(rows // ROWS_PER_BUCKET, size // BYTES_PER_BUCKET))
        missing: list[tuple[Value, ...]] = []
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs = _Buckets(count, folder, "source"), _Buckets(count, folder, "target")
            token, target_token = self.source_token(), self.target_token()
            # The rowid comes first on both sides, or a NULL in its place; then the planned columns. The
            # source's other columns follow, as quarantine keeps whole rows.
            others = [name for name in self.all_columns if name not in self.columns]
            for row in self.source.rows(self.name, [*self.columns, *others], self.rowid_name):
                ours.add(token(row), row)
            for texts in self.target_rows():
                theirs.add(target_token(texts), texts)
            order = [*self.columns, *others]
            self.whole = [1 + order.index(name) for name in self.all_columns]
            for number in range(count):
                missing += self.match(ours.take(number), theirs.take(number), token, target_token)
        self.account(missing)
        for name, rule in zip(self.columns, self.rules, strict=True):
            for complaint in rule.complaints():
                self.add("format", column=name, source=complaint)
            self.doubts += [
                Difference(kind="class", table=self.name, column=name, source=doubt) for doubt in rule.doubts()
            ]

    def target_rows(self) -> Iterator[list[str | None]]:
        """The target's rows, laid out like the source's."""
        if self.rowid is not None:
            yield from self.target.rows(self.target_name, [self.rowid, *self.target_columns])
        else:
            for texts in self.target.rows(self.target_name, self.target_columns):
                yield [None, *texts]

    def source_token(self) -> Callable[[Sequence[Value]], Any]:
        """A function from a source row to what its match has in common with it."""
        if self.rowid is not None:
            return lambda row: row[0]
        parts = [(1 + i, self.rules[i].token) for i in self.key]
        return lambda row: tuple(None if row[i] is None else make(row[i]) for i, make in parts)

    def target_token(self) -> Callable[[Sequence[str | None]], Any]:
        """The same for a target row."""
        if self.rowid is not None:
            return lambda texts: None if texts[0] is None else int(texts[0])
        parts = [(1 + i, self.rules[i]) for i in self.key]

        def token(texts: Sequence[str | None]) -> Any:
            return tuple(
                None if (text := texts[i]) is None else rule.target_token(rule.read(text)) for i, rule in parts
            )

        return token

    def parsed(self, texts: Sequence[str | None]) -> list[Any]:
        """A target row's planned columns, parsed."""
        return [None if text is None else rule.read(text) for rule, text in zip(self.rules, texts[1:], strict=True)]

    def same(self, row: Sequence[Value], parsed: Sequence[Any]) -> bool:
        """Whether every planned column is equal."""
        for position, (rule, target) in enumerate(zip(self.rules, parsed, strict=True), start=1):
            value = row[position]
            if value is None or target is None:
                if value is not target:
                    return False
            elif not rule.same(value, target):
                return False
        return True

    def match(
        self,
        ours: Iterator[Any],
        theirs: Iterator[Any],
        token: Callable[[Any], Any],
        target_token: Callable[[Any], Any],
    ) -> list[tuple[Value, ...]]:
        """Compare one bucket; return the source rows that are not in the target."""
        targets: dict[Any, list[list[str | None]]] = defaultdict(list)
        for texts in theirs:
            targets[target_token(texts)].append(texts)
        unequal: list[tuple[Any, tuple[Value, ...]]] = []
        for row in ours:
            mark = token(row)
            candidates = targets.get(mark, [])
            for number, texts in enumerate(candidates):
                parsed = self.parsed(texts)
                if self.same(row, parsed):
                    for i, rule in self.noting:
                        if row[1 + i] is not None:
                            rule.note(row[1 + i], parsed[i])
                    del candidates[number]
                    self.saw(row)
                    break
            else:
                unequal.append((mark, row))
        missing = []
        for mark, row in unequal:
            if self.quarantine.takes(self.whole_row(row)):
                self.quarantined += 1
            elif candidates := targets.get(mark, []):
                self.differ(row, candidates.pop(0))
                self.saw(row)
            else:
                missing.append(row)
        for left in targets.values():
            for texts in left:
                self.add("extra row", key=self.shown_target_key(texts))
        return missing

    def saw(self, row: Sequence[Value]) -> None:
        """Count a row of the source that the target has."""
        self.present += 1
        if self.quarantine.held:
            self.quarantine.saw(self.whole_row(row))

    def whole_row(self, row: Sequence[Value]) -> list[Value]:
        """The row's values in the order of the source's columns."""
        return [row[position] for position in self.whole]

    def differ(self, row: Sequence[Value], texts: Sequence[str | None]) -> None:
        """Record the columns in which two rows of the same key differ."""
        for i, target in enumerate(self.parsed(texts)):
            value = row[1 + i]
            equal = value is target if value is None or target is None else self.rules[i].same(value, target)
            if not equal:
                self.add(
                    "value",
                    key=self.shown_key(row),
                    column=self.columns[i],
                    source=_shown(value),
                    target=_shown_text(texts[1 + i]),
                )

    def account(self, missing: Sequence[tuple[Value, ...]]) -> None:
        """Settle what is missing from the target with what quarantine holds."""
        quarantine = self.quarantine
        strays: list[tuple[tuple[Any, ...], str]] = []
        for identity, held in quarantine.held.items():
            surplus = held - quarantine.absent[identity]
            twice = min(surplus, quarantine.present[identity])
            for _ in range(twice):
                self.add("both", key=quarantine.keys[identity])
            strays += [(identity, quarantine.keys[identity])] * (surplus - twice)
        # A missing row and a stray of the same key are one row, quarantined with other values.
        by_key: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
        names = [self.columns[i] for i in self.key]
        key_positions = [quarantine.columns.index(name) for name in names if name in quarantine.columns]
        for identity, _ in strays:
            by_key[tuple(identity[position] for position in key_positions)].append(identity)
        taken: Counter[tuple[Any, ...]] = Counter()
        for row in missing:
            mine = quarantine.identity(self.whole_row(row))
            others = by_key.get(tuple(mine[position] for position in key_positions))
            if not others:
                self.add("missing row", key=self.shown_key(row))
                continue
            other = others.pop(0)
            taken[other] += 1
            for name, was, held_value in zip(quarantine.columns, mine, other, strict=True):
                if was != held_value:
                    self.add(
                        "quarantine value",
                        key=self.shown_key(row),
                        column=name,
                        source=f"{was[0]} {was[1]!r}",
                        target=f"{held_value[0]} {held_value[1]!r}",
                    )
        for identity, key in strays:
            if taken[identity]:
                taken[identity] -= 1
            else:
                self.add("stray quarantine", key=key)
        for key, problem in quarantine.unreadable:
            self.add("stray quarantine", key=key, target=f"unreadable: {problem}")

    def shown_key(self, row: Sequence[Value]) -> str:
        """A source row's key, for people."""
        if self.rowid is not None:
            return f"rowid={row[0]!r}"
        return ", ".join(f"{self.columns[i]}={_shown(row[1 + i])}" for i in self.key)

    def shown_target_key(self, texts: Sequence[str | None]) -> str:
        """A target row's key, for people."""
        if self.rowid is not None:
            return f"rowid={texts[0] or 'NULL'}"
        return ", ".join(f"{self.columns[i]}={_shown_text(texts[1 + i])}" for i in self.key)


def _compare(source: _Source, target: _Target) -> Report:
    plan = target.plan()
    entries: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for table, key, row in target.quarantine():
        entries[table].append((key, row))
    here, there = source.tables(), target.tables()
    differences: list[Difference] = []
    doubts: list[Difference] = []
    planned = {table["source"] for table in plan["tables"]}
    unplanned = sorted(set(there) - {table["target"] for table in plan["tables"]})
    present: dict[str, int] = {}
    quarantined: dict[str, int] = {}
    for each in plan["tables"]:
        name = each["source"]
        if name not in here:
            raise BadPlan(f"the file has no table {name!r}")
        if each["target"] not in there:
            differences.append(Difference(kind="missing table", table=name, target=each["target"]))
            continue
        comparison = _Table(source, target, each, entries.get(name, ()))
        try:
            comparison.run()
        finally:
            for rule in comparison.rules:
                rule.affinity.close()
        differences += comparison.differences
        doubts += comparison.doubts
        unplanned += comparison.unplanned
        present[name], quarantined[name] = comparison.present, comparison.quarantined
    differences += [
        Difference(kind="stray quarantine", table=table, key=key)
        for table in entries
        if table not in planned
        for key, _ in entries[table]
    ]
    return Report(
        differences=tuple(differences),
        doubts=tuple(doubts),
        left_out=tuple(name for name in here if name not in planned),
        unplanned=tuple(unplanned),
        present=present,
        quarantined=quarantined,
    )


if __name__ == "__main__":
    path, dsn, schema = sys.argv[1:]
    sys.stdout.buffer.write(pickle.dumps(asdict(compare(path, dsn, schema=schema))))
