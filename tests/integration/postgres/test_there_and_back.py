"""A value of the file goes to the target with a batch and comes back with another one as itself: as a value, and in a key."""

from __future__ import annotations

import json
import struct
from typing import Any

import law
import psycopg
import pytest

from outgrow import codec
from outgrow.codec import stored
from outgrow.model import store
from support import live_target
from support.live_target import NULL, applied, column, entries, table

TEXTS = [
    "",
    "a",
    "it's",
    "\x01\t\r\n\\N\\.",
    "é\u2028😀",
    '{},"\\',
    " padded ",
    "\x7f",
    "x" * 3_000,
    "NULL",
    "1",
    "\ufeff",
]
DOUBLES = [0.0, -0.0, 0.1, 1e300, -1e-320, 2.0**-1074, 1.7976931348623157e308, float("inf"), float("-inf"), 1 / 3]

CASES: list[tuple[codec.Codec, str, list[Any]]] = [
    (codec.Bigint(), "INTEGER", [0, 1, -1, 2**63 - 1, -(2**63)]),
    (codec.Integer(), "INTEGER", [0, 2**31 - 1, -(2**31)]),
    (codec.Smallint(), "INTEGER", [0, 2**15 - 1, -(2**15)]),
    (codec.Boolean(), "INTEGER", [0, 1]),
    (codec.Boolean(false="No", true="Yes"), "TEXT", ["No", "Yes"]),
    (codec.Double(), "BLOB", DOUBLES),
    (
        codec.Numeric(),
        "NUMERIC",
        [0, 5, -(2**63), 2**63 - 1, 0.5, 1234567.89, 1e-7, 1e300, 1e22, float("inf"), -2.5e-310],
    ),
    (codec.Text(), "TEXT", TEXTS),
    (codec.Text(numbers=True), "NUMERIC", [0, -12, 0.5, 1e20, float("inf"), "n/a", "", "x1"]),
    (codec.Bytea(), "BLOB", [b"", b"\0", bytes(range(256)), b"\\x61"]),
    (codec.Bytea(text=True), "TEXT", ["", "a\0b", "é", "'"]),
    (codec.Timestamp(), "TEXT", ["0001-01-01 00:00:00", "2024-02-29 23:59:59", "9999-12-31 23:59:59"]),
    (codec.Timestamp(separator="T", fraction=3), "TEXT", ["2024-02-29T23:59:59.000", "2024-02-29T23:59:59.120"]),
    (codec.Timestamp(fraction=-1), "TEXT", ["2024-02-29 23:59:59", "2024-02-29 23:59:59.000001"]),
    (codec.Timestamptz(zone="+00:00"), "TEXT", ["2024-02-29 23:59:59+00:00"]),
    (codec.Timestamptz(zone="Z", separator="T", fraction=6), "TEXT", ["2024-02-29T23:59:59.000000Z"]),
    (codec.Date(), "TEXT", ["0001-01-01", "2024-02-29", "9999-12-31"]),
    (codec.Time(), "TEXT", ["00:00:00", "23:59:59"]),
    (codec.Time(fraction=6), "TEXT", ["00:00:00.000000", "23:59:59.999999"]),
    (codec.Uuid(), "TEXT", ["00000000-0000-4000-8000-00000000000f"]),
    (codec.Json(), "TEXT", ['{"b": 1, "a": [1.0, "\\u00e9"] }', "null", " 1 "]),
    (codec.Jsonb(), "TEXT", ['{"a": 1, "bb": [1.50, null]}', '"é"']),
    (codec.Vector(dimensions=2), "BLOB", [struct.pack("<2f", 0.1, -0.0), struct.pack("<2f", 3.4e38, 1e-45)]),
]


@pytest.mark.parametrize(("kind", "declared", "values"), CASES, ids=[repr(kind) for kind, _, _ in CASES])
def test_every_type_goes_there_and_back(postgres_dsn: str, kind: codec.Codec, declared: str, values: list[Any]) -> None:
    """Storage class, exact value and canonical text are the same as before; the key of a row that is gone comes back too."""
    kinds = [column("id", codec.Bigint(), not_null=True), column("v", kind)]
    tables = [table("plain", kinds, key=["id"])]
    if kind.orderable:
        tables.append(table("keyed", [column("k", kind, not_null=True), column("v", kind)], key=["k"]))
    source = law.open_file("UTF-8")
    source.execute(
        f"CREATE TABLE there (id INTEGER PRIMARY KEY, c {declared}); CREATE TABLE back (id INTEGER PRIMARY KEY, c {declared})"
    )
    for value in values:
        x, stored_value = law.operand(value, "UTF-8")
        source.execute(f"INSERT INTO there (c) VALUES ({x})", (stored_value,))
    assert source.execute(f"SELECT count(*) FROM there WHERE NOT ({kind.fits('c')})").fetchone() == (0,)
    encoded, canonical = (f"CAST({text} AS BLOB)" for text in (kind.encode("c"), kind.canonical_source("c")))
    judged = source.execute(
        f"SELECT id, typeof(c), {law.EXACT}, {encoded}, {canonical} FROM there ORDER BY id"
    ).fetchall()
    texts = {id_: text.decode() for id_, _, _, text, _ in judged}
    for id_, storage, exact, _, _ in judged:
        wanted = exact.lower() if storage != "integer" else exact
        assert stored.exact(kind, texts[id_]) == (storage, wanted)
        if kind.orderable and not (kind.type == "text" and kind.spec().get("numbers")):
            assert stored.crossing(kind, storage, wanted) is not None or "\0" in str(values)
    extensions = ["vector"] if kind.type == "vector" else []
    with live_target.make(postgres_dsn, *tables, extensions=extensions) as target:
        batch = [
            store.LineChanges(
                table="plain", **live_target.lines(*((id_, text) for id_, text in texts.items()), (99, None))
            )
        ]
        if kind.orderable:
            batch.append(
                store.LineChanges(
                    table="keyed", **live_target.lines(*((text, text) for text in texts.values() if text != "-0.0"))
                )
            )
        found = target.applier().apply(entries(1, *batch))
        assert found.refusals == ()
        target.open()
        reader = target.reader()
        with target.connect() as session:
            for one in tables:
                session.execute(f"UPDATE {one.target} SET v = v".encode())
        read = {change.table: change for change in reader.changes(10_000).changes}
        check(source, kind, judged, {row[0]: row[1] for row in read["plain"].rows})
        lines = {line.split(b"\x1f", 1)[0]: line for line in read["plain"].canonical}
        for id_, _, _, _, canonical in judged:
            text = canonical
            if kind.prefixed:
                text = str(len(text)).encode() + b":" + text
            assert lines[str(id_).encode()] == str(id_).encode() + b"\x1f" + text
        if kind.orderable:
            assert len(read["keyed"].rows) == len([text for text in texts.values() if text != "-0.0"])
            assert all(same(key, value) for key, value in read["keyed"].rows)
            with target.connect() as session:
                session.execute("DELETE FROM keyed")
            gone = {change.table: change for change in reader.changes(10_000).changes}["keyed"]
            assert gone.rows == []
            assert {repr(key[0]) for key in gone.gone} == {repr(row[0]) for row in read["keyed"].rows}


def same(one: Any, other: Any) -> bool:
    """Equal and of one type."""
    return type(one) is type(other) and one == other


def check(source: Any, kind: codec.Codec, judged: list[tuple[Any, ...]], restored: dict[int, Any]) -> None:
    """Bind what came back in the file, and compare what is stored with what was."""
    assert restored.pop(99) is None
    for id_, value in restored.items():
        source.execute(f"INSERT INTO back VALUES (?, {kind.restored('?')})", (id_, value))
    back = source.execute(f"SELECT id, typeof(c), {law.EXACT} FROM back ORDER BY id").fetchall()
    assert back == [(id_, storage, exact) for id_, storage, exact, _, _ in judged]


def test_a_record_in_quarantine_tells_every_value_exactly(postgres_dsn: str) -> None:
    """Of a row that PostgreSQL refused nothing is left but its texts, from which the record is made."""
    chosen = [(kind, declared, values) for kind, declared, values in CASES if kind.type != "vector"]
    columns = [column("id", codec.Bigint(), not_null=True)]
    columns += [column(f"c{number}", kind) for number, (kind, _, _) in enumerate(chosen)]
    bad = column("bad", codec.Timestamp())
    source = law.open_file("UTF-8")
    texts, wanted = ["7"], {"id": {"class": "integer", "value": "7"}}
    for number, (kind, declared, values) in enumerate(chosen):
        source.execute(f"CREATE TABLE t{number} (c {declared})")
        x, bound = law.operand(values[-1], "UTF-8")
        source.execute(f"INSERT INTO t{number} VALUES ({x})", (bound,))
        query = f"SELECT typeof(c), {law.EXACT}, CAST({kind.encode('c')} AS BLOB) FROM t{number}"
        storage, exact, encoded = source.execute(query).fetchone()  # type: ignore[misc]
        texts.append(encoded.decode())
        wanted[f"c{number}"] = {"class": storage, "value": exact.lower() if storage != "integer" else exact}
    wanted["bad"] = {"class": "text", "value": b"2024-02-30 00:00:00".hex()}
    with live_target.make(postgres_dsn, table("t", [*columns, bad], key=["id"])) as target:
        row = (*texts, "2024-02-30 00:00:00")
        found = target.applier().apply(entries(1, store.LineChanges(table="t", single=[row])))
        assert [refusal.key for refusal in found.refusals] == ["7"]
        assert json.loads(found.refusals[0].record) == wanted
        assert target.rows() == []
        assert target.quarantine()[0][:3] == ("t", "7", "bad")


def test_the_token_for_null_is_no_text(unprivileged_dsn: str) -> None:
    """A text that looks like NULL elsewhere is a text, and NULL is none."""
    with live_target.make(unprivileged_dsn, live_target.numbers()) as target:
        applier = target.applier()
        rows = [(1, "NULL", 1), (2, None, None), (3, "\\N", 3), (4, NULL[:-1], 4)]
        applier.apply(entries(1, store.LineChanges(table="t", **live_target.lines(*rows))))
        assert target.rows() == rows
        target.open()
        with target.connect() as session:
            session.execute("UPDATE t SET n = n")
        assert target.reader().changes(10).changes[0].canonical[1] == b"2\x1f\x1f"


def test_a_batch_that_goes_back_and_forth_settles(unprivileged_dsn: str) -> None:
    """Reading writes nothing: the follower's own writes are never read as changes."""
    with live_target.make(unprivileged_dsn, live_target.numbers()) as target:
        target.applier().apply(entries(1, store.LineChanges(table="t", **live_target.lines((1, "a", 1)))))
        target.open()
        reader = target.reader()
        assert reader.changes(10).entries == 0
        with target.connect() as session:
            session.execute("DELETE FROM t")
        batch = reader.changes(10)
        reader.acknowledge(batch.mark, applied(1))
        assert reader.changes(10).entries == 0
        assert target.session.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
