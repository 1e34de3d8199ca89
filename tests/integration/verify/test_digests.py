"""Digests are equal if and only if the rows are: both forms of canonical text, held against a comparison value by value."""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import hypothesis
import pytest
from hypothesis import strategies as st

from outgrow import codec
from outgrow.model import plan, store
from outgrow.postgres import connection as postgres
from outgrow.postgres import embedded
from outgrow.postgres import reader as target_reader
from outgrow.sqlite import connection as sqlite
from outgrow.sqlite import reader as source_reader
from outgrow.verify import pool
from support import servers

EXAMPLES = int(os.environ.get("OUTGROW_EXAMPLES", "100"))
NULL = "0123456789abcdef0123456789abcdef"
AGREED = store.Agreement(null=NULL)
WHOLE = store.Span()
PLAIN, MEASURED = store.Form.PLAIN, store.Form.MEASURED

Row = tuple[Any, ...]

_serial = itertools.count(1)

modest = hypothesis.settings(
    max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)


class Pair:
    """A table without types in a file and its planned counterpart without constraints: anything can be in either.

    `required` are the columns of which the plan believes that there is no NULL; `keyed` makes all columns the key.
    """

    def __init__(
        self,
        directory: Path,
        session: postgres.Session,
        codecs: Sequence[codec.Codec],
        *,
        encoding: str = "UTF-8",
        required: Container[int] = (),
        keyed: bool = False,
    ) -> None:
        self.encoding = encoding
        self.session = session
        self.path = directory / "a.db"
        names = [f"c{number}" for number in range(len(codecs))]
        columns = tuple(
            plan.ColumnPlan(
                source=name,
                target=name,
                declared="",
                codec=dict(one.spec()),
                sql_type=one.sql_type,
                not_null=number in required,
                reason="",
                evidence="",
            )
            for number, (name, one) in enumerate(zip(names, codecs, strict=True))
        )
        key, rowid = (tuple(names), None) if keyed else ((), "rowid")
        self.table = plan.TablePlan(source="t", target=f"t{next(_serial)}", columns=columns, key=key, rowid=rowid)
        with apsw.Connection(str(self.path)) as file:
            file.execute(f"PRAGMA encoding='{encoding}'; CREATE TABLE t ({','.join(names)})")
        types = ",".join(f"{n} {c.sql_type}{c.collation}" for n, c in zip(names, codecs, strict=True))
        session.execute(f"CREATE TABLE public.{self.table.target} (rowid bigint,{types})".encode())

    def fill(self, ours: Sequence[Row], theirs: Sequence[Row]) -> None:
        """Replace the rows of both sides; the first ones have the rowid 1."""
        width = len(self.table.columns)
        file = apsw.Connection(str(self.path))
        file.execute("PRAGMA synchronous=OFF; DELETE FROM t")
        file.executemany(
            f"INSERT INTO t (rowid,{','.join(column.source for column in self.table.columns)})"
            f" VALUES ({','.join('?' * (width + 1))})",
            [(number, *row) for number, row in enumerate(ours, 1)],
        )
        file.close()
        self.session.execute(f"TRUNCATE public.{self.table.target}".encode())
        with self.session.cursor() as cursor:
            insert = f"INSERT INTO public.{self.table.target} VALUES ({','.join(['%s'] * (width + 1))})"
            cursor.executemany(insert.encode(), [(number, *row) for number, row in enumerate(theirs, 1)])

    def digests(self, form: store.Form, agreed: store.Agreement = AGREED) -> tuple[store.Digest, store.Digest, bool]:
        """The digests, the target's in the form that the file's came to, and whether every single value is equal."""
        statements = target_reader.TableReader.statements("public", self.table, agreed=agreed)
        theirs = target_reader.TableReader(self.session, statements)
        with sqlite.open_source(self.path) as source:
            ours = source_reader.TableReader(
                source.connect(), self.table, encoding=self.encoding, generated=True, agreed=agreed
            )
            mine = ours.digest(WHOLE, form)
            here = [(row.rowid, row.canonical, row.misfits) for row in ours.rows(ours.sql.key, WHOLE)]
        there = [(row.rowid, row.canonical, ()) for row in theirs.rows(WHOLE)]
        return mine, theirs.digest(WHOLE, mine.form), here == there


@pytest.fixture(scope="module")
def session(any_server: embedded.EmbeddedServer) -> Iterator[postgres.Session]:
    """A session as verification has it."""
    with servers.database(any_server) as dsn, postgres.connect(dsn, purpose="test", autocommit=True) as found:
        yield found


TEXTS = [
    "",
    "a",
    "a\x1f",
    "\x1fa",
    "\x1f",
    "\x1e",
    "a\x1fb",
    "a\x1eb",
    "\x1d",
    "!",
    "0",
    "1",
    "0:",
    "1:a",
    "é",
    "\x1f\x1f",
]
WORDS = ["", "a", "é", "!", "0", "1", "1:a", "\x1d", NULL[:-1], "a\x1fb"]
UUIDS = ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-00000000001f"]
TIMES = ["2024-06-30 12:00:00", "0001-01-01 00:00:00", "2024-06-30 12:00:10", "infinity", "2024-06-30 12:00:00.5"]
JSONS = ["{}", '"a"', '"!"', "1"]
NUMBERS = [0, 1, 0.5]
ODD = [None, "", "\0", "\x1f", "!", 0, 1, 1.0, 0.5, b"", b"a", b"\x1f", "x" * 19, "x" * 36, "a\x1f" * 18, "{}\x1f{}"]

KINDS: list[tuple[codec.Codec, list[Any], list[Any]]] = [
    (codec.Bigint(), [0, 1], [0, 1]),
    (codec.Text(), WORDS, WORDS),
    (codec.Json(), JSONS, JSONS),
    (codec.Text(), WORDS, WORDS),
    (codec.Uuid(), UUIDS, list(map(uuid.UUID, UUIDS))),
    (codec.Timestamp(), TIMES, TIMES),
    (codec.Numeric(), NUMBERS, NUMBERS),
]
"""Codecs with values for the file, to which `ODD` is added, and for the target."""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, session: postgres.Session) -> Pair:
    """Columns of every kind of text, two of which should not be NULL."""
    return Pair(tmp_path_factory.mktemp("mixed"), session, [one for one, _, _ in KINDS], required={1, 5})


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory, session: postgres.Session) -> Pair:
    """Three texts that are no key."""
    return Pair(tmp_path_factory.mktemp("free"), session, [codec.Text()] * 3)


@pytest.fixture(scope="module")
def required(tmp_path_factory: pytest.TempPathFactory, session: postgres.Session) -> Pair:
    """Three texts that are the key."""
    return Pair(tmp_path_factory.mktemp("required"), session, [codec.Text()] * 3, required={0, 1, 2}, keyed=True)


@st.composite
def rows_of_both(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """Rows of either side, most of whose values are alike."""
    ours: list[Row] = []
    theirs: list[Row] = []
    for _ in range(draw(st.integers(0, 3))):
        row: list[Any] = []
        other: list[Any] = []
        for _, here, there in KINDS:
            odd = not draw(st.integers(0, 29))
            row.append(draw(st.sampled_from(ODD if odd else [None, *here])))
            same = [one for one in there if str(one) == str(row[-1])] or [None]
            different = not draw(st.integers(0, 19))
            other.append(draw(st.sampled_from([None, *there])) if different else same[0])
        ours.append(tuple(row))
        theirs.append(tuple(other))
    return ours, theirs


@modest
@hypothesis.given(drawn=rows_of_both(), form=st.sampled_from(list(store.Form)))
def test_digests_are_equal_if_and_only_if_the_rows_are(
    mixed: Pair, drawn: tuple[list[Row], list[Row]], form: store.Form
) -> None:
    """Values of any class in columns of every kind of text; what the target has may be anything of its type."""
    mixed.fill(*drawn)
    ours, theirs, equal = mixed.digests(form)
    hypothesis.event(f"{ours.form}, {'equal' if equal else 'different'}")
    assert (ours == theirs) is equal


@st.composite
def regrouped(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """Rows of three texts, and other rows of three texts or NULL that read the same with separators in between."""
    ours = [tuple(draw(st.sampled_from(TEXTS)) for _ in range(3)) for _ in range(draw(st.integers(1, 3)))]
    pieces = "\x1f".join(text for row in ours for text in row).split("\x1f")
    fields = 3 * len(ours)
    kept = draw(st.integers(1, fields))
    cuts = sorted(draw(st.permutations(range(1, len(pieces))))[: kept - 1])
    texts: list[str | None] = [
        "\x1f".join(pieces[start:end]) for start, end in zip([0, *cuts], [*cuts, len(pieces)], strict=True)
    ]
    for _ in range(fields - kept):
        texts.insert(draw(st.integers(0, len(texts))), None)
    return ours, [tuple(texts[start : start + 3]) for start in range(0, fields, 3)]


@modest
@hypothesis.given(drawn=regrouped())
def test_a_separator_does_not_move_from_one_value_to_another(
    free: Pair, required: Pair, drawn: tuple[list[Row], list[Row]]
) -> None:
    """The same bytes between other bounds, NULL included, are other rows; also where the plan knows of no NULL."""
    for pair in (free, required):
        pair.fill(*drawn)
        ours, theirs, equal = pair.digests(PLAIN)
        assert (ours == theirs) is equal


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le"])
@pytest.mark.parametrize("width", [1, 2, 44, 45, 46, 89, 90, 91, 180, 1000])
def test_tables_of_any_width_have_equal_digests(
    tmp_path: Path, session: postgres.Session, width: int, encoding: str
) -> None:
    """Functions of either side take so many arguments; NULLs stand at every bound of a batch."""
    kinds = [codec.Text(), codec.Bigint(), codec.Double()]
    pair = Pair(tmp_path, session, [kinds[number % 3] for number in range(width)], encoding=encoding)
    values = tuple(("ä", 7, 0.1)[number % 3] for number in range(width))
    nulls = (None,) * width
    mixed = tuple(value if number % 2 else None for number, value in enumerate(values))
    others = (*mixed[:-1], values[-1] if mixed[-1] is None else None)
    for theirs_last in (mixed, others):
        pair.fill([values, nulls, mixed], [values, nulls, theirs_last])
        for form in store.Form:
            ours, theirs, _ = pair.digests(form)
            assert (ours == theirs) is (theirs_last is mixed)
            # Text of a UTF-16 file may be no UTF-8, which only the guards see.
            assert ours.form is (form if encoding == "UTF-8" else MEASURED)


def test_a_row_that_is_nothing_but_an_empty_text_counts(tmp_path: Path, session: postgres.Session) -> None:
    """It adds no byte to the text of its table."""
    pair = Pair(tmp_path, session, [codec.Text()], keyed=True)
    pair.fill([], [("",)])
    for form in store.Form:
        ours, theirs, _ = pair.digests(form)
        assert ours != theirs


def test_ordinary_values_are_digested_in_plain_form(tmp_path: Path, session: postgres.Session) -> None:
    """The dear form is for texts with separators; misfits do not ask for it."""
    pair = Pair(tmp_path, session, [codec.Text(), codec.Json(), codec.Numeric()])
    pair.fill([("a\tb\n", "{}", 1.5), ("", None, b"blob"), (None, "[1]", 2)], [("a\tb\n", "{}", 1.5)] * 3)
    ours, theirs, equal = pair.digests(PLAIN)
    assert (ours.form, theirs.form, equal) == (PLAIN, PLAIN, False)
    assert ours != theirs
    pair.fill([("a\x1fb", "{}", 1.5)], [("a\x1fb", "{}", 1.5)])
    ours, theirs, equal = pair.digests(PLAIN)
    assert (ours.form, theirs.form, equal) == (MEASURED, MEASURED, True)
    assert ours == theirs


@pytest.mark.parametrize("hashing", list(store.Hash))
def test_both_sides_know_every_hash(tmp_path: Path, session: postgres.Session, hashing: store.Hash) -> None:
    """And the one that a server is asked for is one of them."""
    assert pool.agree(session).hash in store.Hash
    pair = Pair(tmp_path, session, [codec.Text()])
    pair.fill([("a",), (None,)], [("a",), (None,)])
    for form in store.Form:
        ours, theirs, _ = pair.digests(form, store.Agreement(null=NULL, hash=hashing))
        assert ours == theirs
        assert ours.form is form
        assert len(ours.hash) == int(hashing.removeprefix("sha")) // 8


def test_without_a_word_for_null_digests_are_measured(tmp_path: Path, session: postgres.Session) -> None:
    """Plain text could not tell it from an empty one."""
    pair = Pair(tmp_path, session, [codec.Text()])
    pair.fill([(None,)], [("",)])
    ours, theirs, _ = pair.digests(PLAIN, store.MEASURED_ONLY)
    assert (ours.form, theirs.form) == (MEASURED, MEASURED)
    assert ours != theirs


def test_two_verifications_have_two_words_for_null(session: postgres.Session) -> None:
    """Nobody can know it before."""
    first, second = pool.agree(session), pool.agree(session)
    assert first.null != second.null
    assert len(first.null) == len(second.null) == 32
