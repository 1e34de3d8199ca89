"""The reference database is the same each time, whole, and as awkward as its register says."""

from __future__ import annotations

import collections
import contextlib
import hashlib
import json
import math
import pathlib
import re
import sqlite3
import struct
from collections.abc import Iterator

import pytest

from examples.homeverse import awkward, seed, tables

TABLES = {
    "companies", "users", "applicants", "projects", "matches", "activities", "report_runs", "contact_submissions",
    "investments", "investment_valuations", "notifications", "applicant_embeddings", "project_embeddings",
}  # fmt: skip
README = pathlib.Path(seed.__file__).with_name("README.md")
SPACE = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
ISO = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")


def opened(path: pathlib.Path) -> sqlite3.Connection:
    """A connection that returns text as the bytes that are stored."""
    connection = sqlite3.connect(path)
    connection.text_factory = bytes
    return connection


def dump(path: pathlib.Path) -> str:
    """A digest of the schema and of every row, in key order, with the types of its values."""
    digest = hashlib.sha256()
    with contextlib.closing(opened(path)) as connection:
        queries = ["SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name", "SELECT * FROM sqlite_sequence"]
        queries += [f"SELECT * FROM {table} ORDER BY 1, 2" for table in sorted(TABLES)]
        for query in queries:
            for row in connection.execute(query):
                digest.update(repr(row).encode())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    target = tmp_path_factory.mktemp("homeverse") / "homeverse.db"
    seed.build(target, scale=0.05, dims=16)
    return target


@pytest.fixture
def connection(path: pathlib.Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(opened(path)) as connection:
        yield connection


def columns(connection: sqlite3.Connection, declared: str) -> Iterator[tuple[str, str]]:
    """Table and column of every column of the declared type."""
    for table in sorted(TABLES):
        for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall():
            if kind.decode().upper() == declared:
                yield table, name.decode()


def values(connection: sqlite3.Connection, declared: str) -> Iterator[object]:
    for table, column in columns(connection, declared):
        for (value,) in connection.execute(f'SELECT "{column}" FROM {table} WHERE "{column}" IS NOT NULL'):
            yield value


def test_the_same_arguments_give_the_same_content(path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Schema, sequences and every value are equal in two builds."""
    seed.build(tmp_path / "again.db", scale=0.05, dims=16)
    assert dump(tmp_path / "again.db") == dump(path)


def test_another_seed_gives_another_content(path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The seed reaches the rows."""
    seed.build(tmp_path / "other.db", scale=0.05, dims=16, seed=8)
    assert dump(tmp_path / "other.db") != dump(path)


def test_there_are_thirteen_tables_two_views_and_one_trigger(connection: sqlite3.Connection) -> None:
    """The objects of the schema, by kind."""
    query = "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND type <> 'index'"
    found = collections.defaultdict(set)
    for kind, name in connection.execute(query):
        found[kind.decode()].add(name.decode())
    assert found["table"] == TABLES == set(tables.COLUMNS)
    assert found["view"] == {"project_overview", "monthly_activity"}
    assert found["trigger"] == {"trg_projects_updated_at"}


def test_every_table_and_view_can_be_read(connection: sqlite3.Connection) -> None:
    """No table is empty and the views run on all the data, the awkward rows included."""
    for name in (*TABLES, "project_overview", "monthly_activity"):
        assert len(connection.execute(f"SELECT * FROM {name}").fetchall()) > 0, name


def test_the_file_is_whole_in_wal_mode_and_checkpointed(path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The database file alone holds everything."""
    target = tmp_path / "whole.db"
    seed.build(target, scale=0, dims=4)
    assert [file.name for file in tmp_path.iterdir()] == ["whole.db"]
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_foreign_key_check_finds_the_planted_orphans_and_only_these(connection: sqlite3.Connection) -> None:
    """Counted by table, column and parent."""
    found: collections.Counter[tuple[str, str, str]] = collections.Counter()
    for table, _, parent, key in connection.execute("PRAGMA foreign_key_check").fetchall():
        listed = connection.execute(f"PRAGMA foreign_key_list({table.decode()})").fetchall()
        column = next(row[3] for row in listed if row[0] == key)
        found[table.decode(), column.decode(), parent.decode()] += 1
    assert found == {(planted.table, planted.column, planted.parent): planted.rows for planted in awkward.ORPHANS}


@pytest.mark.parametrize("planted", awkward.PLANTED, ids=lambda planted: planted.name)
def test_a_planted_value_is_there_as_often_as_registered(
    planted: awkward.Planted, connection: sqlite3.Connection
) -> None:
    """The query of the register counts what the register says."""
    assert connection.execute(planted.find).fetchone() == (planted.rows,)


def test_the_readme_tells_of_every_planted_value() -> None:
    """What is registered is explained to the reader, with its place."""
    text = README.read_text(encoding="utf-8")
    missing = [planted.name for planted in awkward.PLANTED if f"`{planted.table}.{planted.column}`" not in text]
    missing += [planted.name for planted in awkward.PLANTED if planted.name not in text]
    missing += [
        f"{orphans.table}.{orphans.column}"
        for orphans in awkward.ORPHANS
        if f"| `{orphans.table}.{orphans.column}` | {orphans.rows} |" not in text
    ]
    assert missing == []


def test_one_text_has_a_nul_and_one_is_not_utf8_and_no_other(connection: sqlite3.Connection) -> None:
    """All text of all tables, looked at byte by byte."""
    with_nul, not_utf8 = [], []
    for table in sorted(TABLES):
        cursor = connection.execute(f"SELECT * FROM {table}")
        names = [name for name, *_ in cursor.description]
        blobs = {index for index, name in enumerate(names) if name == "embedding"}
        for row in cursor:
            for index, value in enumerate(row):
                if not isinstance(value, bytes) or index in blobs:
                    continue
                if b"\x00" in value:
                    with_nul.append(f"{table}.{names[index]}")
                try:
                    value.decode()
                except UnicodeDecodeError:
                    not_utf8.append(f"{table}.{names[index]}")
    assert with_nul == ["contact_submissions.message"]
    assert not_utf8 == ["applicants.import_line"]


def test_booleans_are_0_and_1_but_for_one_word(connection: sqlite3.Connection) -> None:
    """The word came with a CSV file."""
    assert [value for value in values(connection, "BOOLEAN") if value not in (0, 1)] == [b"yes"]


def test_integers_are_integers_but_for_one_word_and_half_rooms(connection: sqlite3.Connection) -> None:
    """A word and three fractions, in all INTEGER columns of all tables."""
    strangers = [value for value in values(connection, "INTEGER") if not isinstance(value, int)]
    assert sorted(strangers, key=repr) == [2.5, 3.5, 4.5, b"n/a"]


def test_json_is_json_but_for_a_nan_and_an_empty_text(connection: sqlite3.Connection) -> None:
    """Nothing else is refused by a strict parser."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    refused = []
    for value in values(connection, "JSON"):
        assert isinstance(value, bytes)
        try:
            json.loads(value, parse_constant=refuse)
        except ValueError:
            refused.append(value)
    assert sorted(refused) == [b"", b'{"rows": 0, "mean": NaN}']


def test_one_timestamp_column_has_two_formats_and_the_others_one(connection: sqlite3.Connection) -> None:
    """`activities.timestamp` is written by the default and by the middleware."""
    mixed = []
    for table, column in [*columns(connection, "TIMESTAMP"), *columns(connection, "DATETIME")]:
        query = f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"
        stored = [value for (value,) in connection.execute(query)]
        assert all(SPACE.fullmatch(value) or ISO.fullmatch(value) for value in stored), f"{table}.{column}"
        formats = {len(value) for value in stored}
        if len(formats) > 1:
            mixed.append(f"{table}.{column}")
    assert mixed == ["activities.timestamp"]


def test_money_has_two_decimals_and_is_at_times_an_integer(connection: sqlite3.Connection) -> None:
    """DECIMAL columns hold REAL and INTEGER values, none with a third decimal."""
    amounts = [value for (value,) in connection.execute("SELECT amount FROM investments")]
    assert {type(amount) for amount in amounts} == {int, float}
    assert all(amount == round(amount, 2) for amount in amounts)


def test_the_highest_ids_were_deleted(connection: sqlite3.Connection) -> None:
    """sqlite_sequence is ahead of max(id) in the registered tables and in no other."""
    sequences = connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
    ahead = {
        name.decode()
        for name, seq in sequences
        if seq > connection.execute(f"SELECT max(id) FROM {name.decode()}").fetchone()[0]
    }
    assert ahead == set(awkward.SEQUENCE_AHEAD)


def test_every_table_has_a_row_with_nothing_in_it(connection: sqlite3.Connection) -> None:
    """Every column that may be NULL is NULL in some row together with all the others."""
    for table in sorted(TABLES):
        info = connection.execute(f"PRAGMA table_info({table})").fetchall()
        nullable = [f'"{row[1].decode()}" IS NULL' for row in info if not row[3] and not row[5]]
        if nullable:
            query = f"SELECT count(*) FROM {table} WHERE {' AND '.join(nullable)}"
            assert connection.execute(query).fetchone()[0] >= 1, table


def test_prose_has_several_scripts_and_line_ends(connection: sqlite3.Connection) -> None:
    """What COPY, collations and encodings stumble over is ordinary content here."""
    rows = connection.execute("SELECT description FROM projects WHERE description IS NOT NULL")
    text = b"".join(value for (value,) in rows).decode()
    assert all(part in text for part in ("\t", "\r\n", "\\", "👨‍👩‍👧‍👦", "駅", "двір", "شقة", "Südbalkon"))


def test_embeddings_are_little_endian_unit_vectors(connection: sqlite3.Connection) -> None:
    """Every blob has the asked dimensions and length one."""
    for table in ("applicant_embeddings", "project_embeddings"):
        for (blob,) in connection.execute(f"SELECT embedding FROM {table}"):
            vector = struct.unpack("<16f", blob)
            assert math.isclose(math.fsum(x * x for x in vector), 1, abs_tol=1e-5)


def test_scale_one_is_a_real_database(tmp_path: pathlib.Path) -> None:
    """Tens of thousands of rows, activities and matches the largest tables, 30 to 80 MB."""
    built = seed.build(tmp_path / "full.db")
    assert 50_000 < sum(built.rows.values()) < 100_000
    assert sorted(built.rows, key=lambda table: built.rows[table])[-2:] == ["matches", "activities"]
    assert 30e6 < built.size < 80e6


def test_an_existing_file_is_never_overwritten(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command refuses, says so, and leaves the file as it was."""
    target = tmp_path / "precious.db"
    target.write_bytes(b"precious")
    with pytest.raises(SystemExit) as refusal:
        seed.main([str(target), "--scale", "0"])
    assert refusal.value.code == 2
    assert "exists" in capsys.readouterr().err
    assert target.read_bytes() == b"precious"


def test_an_interrupted_build_leaves_nothing(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the file nor the unfinished one beside it."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(awkward, "plant", interrupted)
    with pytest.raises(KeyboardInterrupt):
        seed.build(tmp_path / "homeverse.db", scale=0, dims=4)
    assert list(tmp_path.iterdir()) == []


def test_the_command_reports_every_table(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line a table and a summary."""
    assert seed.main([str(tmp_path / "small.db"), "--scale", "0", "--dims", "4", "--seed", "1"]) == 0
    printed = capsys.readouterr().out
    assert all(table in printed for table in TABLES)
    assert "small.db: " in printed


def test_a_negative_scale_is_refused(tmp_path: pathlib.Path) -> None:
    """Before anything is written."""
    with pytest.raises(ValueError, match="scale"):
        seed.build(tmp_path / "no.db", scale=-1)
