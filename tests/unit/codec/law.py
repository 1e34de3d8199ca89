"""The law of codecs (`outgrow.codec.base`), checked on a SQLite database and a PostgreSQL database."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import hypothesis
import psycopg

from outgrow import codec

__all__ = ["DECLARED", "EXACT", "SESSION", "Bench", "Raw", "Report", "double", "fuzz", "open_file", "operand"]

DECLARED = ("INTEGER", "NUMERIC", "REAL", "TEXT", "BLOB")
"""One declared type for each affinity."""

EXACT = (
    "CASE typeof(c) WHEN 'integer' THEN CAST(c AS TEXT) WHEN 'real' THEN outgrow_bits(c) ELSE hex(CAST(c AS BLOB)) END"
)
"""What a value of column c is, beside its storage class."""

SESSION = "-c TimeZone=UTC -c DateStyle=ISO -c extra_float_digits=1"
"""What the text of PostgreSQL's values depends on, as options of a connection."""

PYTHON_ENCODING = {"UTF-8": "utf-8", "UTF-16le": "utf-16-le", "UTF-16be": "utf-16-be"}

fuzz = hypothesis.settings(
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow],
)
"""Few examples, of many values each: a round trip costs more than a value."""


class Raw(bytes):
    """A text by its bytes in the file, whatever they are."""


def double(bits: int) -> float:
    """The double with these bits."""
    return float(struct.unpack(">d", struct.pack(">Q", bits))[0])


def open_file(encoding: str, path: Path | None = None) -> apsw.Connection:
    """A SQLite database, in memory where it has no path, with the codecs' functions."""
    source = apsw.Connection(str(path or ":memory:"))
    source.execute(f"PRAGMA encoding='{encoding}'")
    for name, function in codec.functions(encoding).items():
        source.create_scalar_function(name, function, deterministic=True, flags=apsw.SQLITE_INNOCUOUS)
    return source


def operand(value: Any, encoding: str) -> tuple[str, Any]:
    """A SQLite expression with one parameter, and the parameter, that give exactly this value in such a file."""
    if isinstance(value, str):
        return "CAST(? AS TEXT)", value.encode(PYTHON_ENCODING[encoding], "surrogatepass")
    return ("CAST(? AS TEXT)" if isinstance(value, Raw) else "?"), value


@dataclass(slots=True)
class Report:
    """What came of the values: the texts of those that crossed, how many PostgreSQL refused, and what broke the law."""

    crossed: dict[tuple[str, str], str] = field(default_factory=dict)
    refused: int = 0
    violations: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Value:
    id: int
    declared: str
    exact: tuple[str, str]
    fits: bool
    shape: bool
    guard: bool
    conclusive: bool
    flawed: bool
    encoded: bytes | None
    canonical: bytes | None
    concluded: bytes | None

    def __str__(self) -> str:
        kind, value = self.exact
        shown = repr(bytes.fromhex(value)) if kind in ("text", "blob") else value
        return f"{kind} {shown} in {self.declared} (encoded {self.encoded!r})"


class Bench:
    """A pair of databases and the one way across."""

    def __init__(self, encoding: str, target: psycopg.Connection) -> None:
        self.encoding = encoding
        self.source = open_file(encoding)
        self.source.create_collation("code_point", lambda left, right: (left > right) - (left < right))
        for declared in DECLARED:
            self.source.execute(f"CREATE TABLE source_{declared} (id INTEGER PRIMARY KEY, c {declared})")
            self.source.execute(f"CREATE TABLE back_{declared} (id INTEGER PRIMARY KEY, c {declared})")
        self.target = target

    def stored(self, text: str) -> str:
        """A text as `EXACT` shows it."""
        return str(operand(text, self.encoding)[1].hex().upper())

    def fill(self, values: Iterable[Any], declared: Sequence[str] = DECLARED) -> None:
        """Replace the tables' rows by one row a value."""
        values = list(values)
        with self.source:
            for name in DECLARED:
                self.source.execute(f"DELETE FROM source_{name}; DELETE FROM back_{name}")
            for name in declared:
                for value in values:
                    x, stored = operand(value, self.encoding)
                    self.source.execute(f"INSERT INTO source_{name} (c) VALUES ({x})", (stored,))

    def check(self, one: codec.Codec, values: Iterable[Any], declared: Sequence[str] = DECLARED) -> Report:
        """Send the values across in columns of every affinity, bring them back, and hold the codec to its law."""
        report = Report()
        self.fill(values, declared)
        judged = [value for name in declared for value in self._judge(one, name)]
        report.violations += [f"fits, but the guard refuses: {value}" for value in judged if value.fits > value.guard]
        report.violations += self._conclude(one, judged) if self.encoding == "UTF-8" else []
        excused = [value.fits or (one.inspects_text and value.flawed) for value in judged]
        for value, excuse in zip(judged, excused, strict=True):
            if value.fits > value.shape or value.shape > excuse:
                report.violations.append(f"the shape says something else: {value}")
        with self.target.transaction(force_rollback=True):
            self._create(one)
            for value in judged:
                if value.guard and not value.fits:
                    if self._copied([value]):
                        report.violations.append(f"accepted, but does not fit: {value}")
                    report.refused += 1
            self.target.execute("TRUNCATE target")
            fitting = [value for value in judged if value.fits]
            if not self._copied(fitting):
                refused = {value.id for value in fitting if not self._copied([value])}
                report.violations += [f"fits, but is refused: {value}" for value in fitting if value.id in refused]
                fitting = [value for value in fitting if value.id not in refused]
            report.violations += self._compare(one, fitting, report)
        return report

    def hold(self, one: codec.Codec, values: Iterable[Any], declared: Sequence[str] = DECLARED) -> Report:
        """`check`, and assert that nothing broke the law."""
        report = self.check(one, values, declared)
        assert not report.violations, "\n".join([repr(one), *report.violations])
        return report

    def orders(self, one: codec.Codec, values: Iterable[Any], declared: str) -> tuple[list[int], list[int]]:
        """The ranks of the values that fit, as SQLite and as PostgreSQL order them."""
        self.fill(values, [declared])
        fitting = [value for value in self._judge(one, declared) if value.fits]
        textual = self.encoding != "UTF-8" and one.type in ("text", "bytea")
        collation = "code_point" if textual else "BINARY"
        with self.target.transaction(force_rollback=True):
            self._create(one)
            assert self._copied(fitting)
            theirs = self.target.execute("SELECT id, dense_rank() OVER (ORDER BY c) FROM target ORDER BY id").fetchall()
        ours = self.source.execute(
            f"SELECT id, dense_rank() OVER (ORDER BY c COLLATE {collation})"
            f" FROM source_{declared} WHERE c IS NOT NULL AND {one.fits('c')} ORDER BY id"
        )
        return [rank for _, rank in ours], [rank for _, rank in theirs]

    def texts(self, one: codec.Codec, values: Iterable[Any], declared: str) -> list[str]:
        """What PostgreSQL shows of values that all fit."""
        self.fill(values, [declared])
        judged = list(self._judge(one, declared))
        assert all(value.fits for value in judged)
        with self.target.transaction(force_rollback=True):
            self._create(one)
            assert self._copied(judged)
            return [text for (text,) in self.target.execute("SELECT c::text FROM target ORDER BY id")]

    def _judge(self, one: codec.Codec, declared: str) -> Iterator[_Value]:
        guard = one.guard("c")
        # Lines of a chunk go through concat_ws, so the value does.
        encoded, canonical = (f"CAST(concat_ws('',{x}) AS BLOB)" for x in (one.encode("c"), one.canonical_source("c")))
        flawed = "typeof(c)='text' AND outgrow_text_flaw(CAST(c AS BLOB))<>0"
        conclusive = one.conclusive("c") if self.encoding == "UTF-8" else "0"
        # A NULL would leave the line, and a value less be counted.
        concluded = f"CASE WHEN {one.canonical_source('c')} IS NOT NULL THEN {canonical} END"
        conditions = f"({one.fits('c')}), ({one.shape('c')}), ({guard}), ({conclusive}), ({flawed})"
        rows = self.source.execute(
            f"SELECT id, typeof(c), {EXACT}, {conditions}, CASE WHEN {guard} THEN {encoded} END,"
            f" CASE WHEN {guard} THEN {canonical} END, CASE WHEN {conclusive} THEN {concluded} END"
            f" FROM source_{declared} WHERE c IS NOT NULL"
        )
        offset = DECLARED.index(declared) * 1_000_000
        for id_, kind, exact, fits, shape, guarded, concludes, flaw, line, text, plain in rows:
            # NOT of NULL is no misfit either.
            assert None not in (fits, shape, guarded, concludes), (one, declared, kind, exact)
            yield _Value(
                id=offset + id_,
                declared=declared,
                exact=(kind, exact),
                fits=bool(fits),
                shape=bool(shape),
                guard=bool(guarded),
                conclusive=bool(concludes),
                flawed=bool(flaw),
                encoded=self._utf8(line),
                canonical=self._utf8(text),
                concluded=self._utf8(plain),
            )

    def _conclude(self, one: codec.Codec, values: Sequence[_Value]) -> Iterator[str]:
        """What breaks the promise of `conclusive`: of what does not fit, the target never says the same."""
        for value in values:
            if value.fits > value.conclusive:
                yield f"fits, but nothing can be concluded: {value}"
            if value.conclusive and not (value.concluded or (one.empty and value.concluded is not None)):
                yield f"plain canonical text {value.concluded!r} is that of NULL: {value}"
            if value.conclusive and not value.fits and value.concluded in self._said(one, value):
                yield f"does not fit, but the target says the same: {value}"

    def _said(self, one: codec.Codec, value: _Value) -> list[bytes]:
        """The canonical text of the value that the target reads from a text, and from what would be sent."""
        texts = []
        for text in {value.concluded, value.encoded}:
            with contextlib.suppress(psycopg.DataError, UnicodeDecodeError), self.target.transaction():
                c = f"(%s::text::{one.sql_type})"
                query = f"SELECT {one.canonical_target(c)}"
                parameters = [(text or b"").decode()] * query.count("%s")
                texts += [said.encode() for (said,) in self.target.execute(query.encode(), parameters)]
        return texts

    def _utf8(self, stored: bytes | None) -> bytes | None:
        if stored is None or self.encoding == "UTF-8":
            return stored
        return stored.decode(PYTHON_ENCODING[self.encoding], "surrogatepass").encode("utf-8", "surrogatepass")

    def _create(self, one: codec.Codec) -> None:
        ddl = f"CREATE TEMPORARY TABLE target (id int, c {one.sql_type}{one.collation})"
        self.target.execute(ddl)

    def _copied(self, values: Sequence[_Value]) -> bool:
        try:
            with self.target.transaction(), self.target.cursor().copy("COPY target FROM STDIN") as copy:
                for value in values:
                    copy.write(b"%d\t%s\n" % (value.id, _escape(value.encoded)))
        except psycopg.DataError:
            return False
        return True

    def _compare(self, one: codec.Codec, values: Sequence[_Value], report: Report) -> Iterator[str]:
        query = f"SELECT id, {one.canonical_target('c')}, {one.restore('c')}, c::text FROM target"
        theirs = {id_: rest for id_, *rest in self.target.execute(query)}
        with self.source:
            for value in values:
                insert = f"INSERT INTO back_{value.declared} (id, c) VALUES (?, {one.restored('?')})"
                self.source.execute(insert, (value.id, theirs[value.id][1]))
        back: dict[int, tuple[str, str]] = {}
        for name in DECLARED:
            rows = self.source.execute(f"SELECT id, typeof(c), {EXACT} FROM back_{name}")
            back |= {id_: (kind, exact) for id_, kind, exact in rows}
        seen: dict[tuple[str, str], tuple[str, str]] = {}
        for value in values:
            canonical, _, shown = theirs[value.id]
            if value.canonical is None or canonical is None or value.canonical != canonical.encode():
                yield f"canonical text {value.canonical!r} there {canonical!r}: {value}"
            if not (value.canonical or one.prefixed):
                yield f"canonical text is empty, as that of NULL: {value}"
            if self.encoding == "UTF-8" and value.concluded != value.canonical:
                yield f"plain canonical text {value.concluded!r} is not {value.canonical!r}: {value}"
            if seen.setdefault((value.declared, canonical), value.exact) != value.exact:
                yield f"canonical text {canonical!r} of two values: {value}"
            if back[value.id] != value.exact:
                yield f"comes back as {back[value.id]}: {value}"
            report.crossed[value.exact] = shown


def _escape(text: bytes | None) -> bytes:
    if text is None:
        return rb"\N"
    for plain, escaped in ((b"\\", rb"\\"), (b"\n", rb"\n"), (b"\r", rb"\r"), (b"\t", rb"\t")):
        text = text.replace(plain, escaped)
    return text
