"""What verification must not take for equal, however alike it looks, and keys that must not lead it astray."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw
import psycopg
import pytest

from outgrow import errors, migration

Copied = Callable[..., Path]


@pytest.fixture
def copied(tmp_path: Path, postgres_dsn: str) -> Copied:
    """Make a file by statements and copy it; the copy is complete and verified."""

    def make(*statements: str) -> Path:
        path = tmp_path / "a.db"
        connection = apsw.Connection(str(path))
        for statement in statements:
            connection.execute(statement)
        connection.close()
        assert migration.copy(path, postgres_dsn).verification.differences == ()
        return path

    return make


NUMERIC = "CREATE TABLE t (id INTEGER PRIMARY KEY, v NUMERIC)", "INSERT INTO t VALUES (1, 4016000000000000), (2, 0.5)"
COUNT = "WITH n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{}) "


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ("UPDATE t SET v = 5.5 WHERE id = 1", "1"),  # 0x4016000000000000
        ("UPDATE t SET v = 0.5000000000000000000000000001 WHERE id = 2", "2"),
        ("UPDATE t SET v = '1e400' WHERE id = 2", "2"),
        ("UPDATE t SET v = '1e-400' WHERE id = 2", "2"),
        ("UPDATE t SET v = 'NaN' WHERE id = 2", "2"),
    ],
)
def test_no_two_numbers_look_alike(copied: Copied, postgres_dsn: str, change: str, key: str) -> None:
    """Integers, doubles and what only numeric can hold share one column, and none is taken for another."""
    path = copied(*NUMERIC)
    with psycopg.connect(postgres_dsn, autocommit=True) as target:
        target.execute(change.encode())
    (found,) = migration.verify(path, postgres_dsn).differences
    assert (found.table, found.key, found.kind, found.column) == ("t", key, "value", "v")


def test_a_row_held_twice_is_one_too_many(copied: Copied, postgres_dsn: str) -> None:
    """Where the target has lost its primary key; equal and different doubles alike."""
    path = copied(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", COUNT.format(100) + "INSERT INTO t SELECT i, 'x' FROM n"
    )
    with psycopg.connect(postgres_dsn, autocommit=True) as target:
        target.execute("ALTER TABLE t DROP CONSTRAINT t_pkey")
        target.execute("INSERT INTO t VALUES (5, 'bogus'), (6, 'x')")
    found = migration.verify(path, postgres_dsn).differences
    assert sorted((one.key, one.kind) for one in found) == [("5", "extra"), ("6", "extra")]


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le"])
@pytest.mark.parametrize("clause", ["", " WITHOUT ROWID"])
def test_a_key_that_bounds_no_span_is_passed_over(
    copied: Copied, postgres_dsn: str, encoding: str, clause: str
) -> None:
    """Keys with NUL or half a surrogate pair stand where spans would end; their rows are in quarantine."""
    path = copied(
        f"PRAGMA encoding='{encoding}'",
        f"CREATE TABLE t (k TEXT PRIMARY KEY, v INT){clause}",
        COUNT.format(1500) + "INSERT INTO t SELECT printf('k%06d', i) || iif(i%250=0, char(0) || 'x', ''), i FROM n",
        "INSERT INTO t VALUES (CAST(x'00dc6100' AS TEXT), 0)" if encoding != "UTF-8" else "SELECT 1",
    )
    again = migration.verify(path, postgres_dsn)
    assert again.differences == ()
    assert again.quarantined == 6 + (encoding != "UTF-8")


@pytest.mark.parametrize(
    "change", ["DROP TABLE t CASCADE", "ALTER TABLE t RENAME v TO w", "ALTER TABLE t ALTER v TYPE text"]
)
def test_a_target_of_another_shape_is_refused(copied: Copied, postgres_dsn: str, change: str) -> None:
    """With what has changed, instead of a defect."""
    path = copied(*NUMERIC)
    with psycopg.connect(postgres_dsn, autocommit=True) as target:
        target.execute(change.encode())
    with pytest.raises(errors.TargetUnfit, match=r"no longer those of the plan.*\bt\b"):
        migration.verify(path, postgres_dsn)


def test_a_file_that_lost_a_table_is_refused(copied: Copied, postgres_dsn: str) -> None:
    """With its name."""
    path = copied(*NUMERIC)
    connection = apsw.Connection(str(path))
    connection.execute("DROP TABLE t")
    connection.close()
    with pytest.raises(errors.SourceChanged, match="table t"):
        migration.verify(path, postgres_dsn)


def test_a_null_that_was_not_allowed_is_a_difference(copied: Copied, postgres_dsn: str) -> None:
    """Somebody dropped NOT NULL at the target."""
    path = copied("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL)", "INSERT INTO t VALUES (1, 'x')")
    with psycopg.connect(postgres_dsn, autocommit=True) as target:
        target.execute("ALTER TABLE t ALTER v DROP NOT NULL")
        target.execute("UPDATE t SET v = NULL")
    (found,) = migration.verify(path, postgres_dsn).differences
    assert (found.key, found.column, found.source, found.target) == ("1", "v", "x", None)


SEPARATED = (
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT NOT NULL)",
    "INSERT INTO t VALUES (1, 'x' || char(31) || 'y', 'z'), (2, 'x', 'y' || char(30)), (3, char(31), '')",
)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (r"UPDATE t SET a = 'x', b = E'y\x1fz' WHERE id = 1", "1"),
        (r"UPDATE t SET a = '', b = E'\x1f' WHERE id = 3", "3"),
        (r"UPDATE t SET a = NULL, b = E'x\x1fy\x1e' WHERE id = 2", "2"),
    ],
)
def test_separators_in_values_hide_nothing(copied: Copied, postgres_dsn: str, change: str, key: str) -> None:
    """Values that hold the characters between values, and a target that says the same bytes with other bounds."""
    path = copied(*SEPARATED)
    with psycopg.connect(postgres_dsn, autocommit=True) as target:
        target.execute("ALTER TABLE t ALTER a DROP NOT NULL")
        target.execute(change.encode())
    found = migration.verify(path, postgres_dsn).differences
    assert {(one.key, one.column) for one in found} == {(key, "a"), (key, "b")}


def test_a_null_beside_a_separator_is_seen(copied: Copied, postgres_dsn: str) -> None:
    """A file without separators, and a target that lost a value and gained a separator."""
    path = copied(SEPARATED[0], "INSERT INTO t VALUES (1, 'x', 'y')")
    with psycopg.connect(postgres_dsn, autocommit=True) as target:
        target.execute("ALTER TABLE t ALTER a DROP NOT NULL")
        target.execute(r"UPDATE t SET a = NULL, b = E'x\x1fy'")
    assert {one.column for one in migration.verify(path, postgres_dsn).differences} == {"a", "b"}


@pytest.mark.parametrize("kind", ["TEXT", "JSON", "UUID", "DATETIME", "INT", "REAL", "BOOLEAN"])
def test_an_empty_text_is_no_null(copied: Copied, postgres_dsn: str, kind: str) -> None:
    """In a column of whatever type, and whether or not its row was kept aside."""
    path = copied(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {kind})",
        COUNT.format(99) + "INSERT INTO t SELECT i, NULL FROM n",
    )
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE t SET v = '' WHERE id = 50")
    connection.close()
    found = migration.verify(path, postgres_dsn).differences
    assert {one.key for one in found} == {"50"}


@pytest.mark.parametrize(
    ("kind", "value", "other"),
    [
        ("TEXT", "x'6162'", "ab"),
        ("TEXT", "x'21'", "!"),
        ("TEXT", "x''", ""),
        ("INT", "x'3132'", "12"),
        ("BOOLEAN", "x'31'", "1"),
        ("JSON", "x'7b7d'", "{}"),
        ("DATE", "x'323032342d30312d3031'", "2024-01-01"),
    ],
)
def test_a_row_kept_aside_has_no_double_at_the_target(
    copied: Copied, postgres_dsn: str, kind: str, value: str, other: str
) -> None:
    """A blob is not the text that it reads like, even where somebody emptied the quarantine and wrote that text."""
    usual = {"TEXT": "'x'", "INT": "7", "BOOLEAN": "0", "JSON": "'[]'", "DATE": "'2024-02-02'"}[kind]
    path = copied(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {kind})",
        COUNT.format(99) + f"INSERT INTO t SELECT i, {usual} FROM n",
    )
    connection = apsw.Connection(str(path))
    connection.execute(f"UPDATE t SET v = {value} WHERE id = 50")
    connection.close()
    with psycopg.connect(postgres_dsn, autocommit=True) as target:
        target.execute(f"UPDATE t SET v = '{other}' WHERE id = 50".encode())
    found = migration.verify(path, postgres_dsn).differences
    assert {one.key for one in found} == {"50"}


def test_a_rehearsal_in_a_database_leaves_nothing_and_refuses_one_in_use(copied: Copied, postgres_dsn: str) -> None:
    """Twice in the same place; never where a migration is."""
    path = copied(*NUMERIC)
    with pytest.raises(errors.TargetOccupied, match="holds a migration"):
        migration.rehearse(path, to=postgres_dsn)
    with psycopg.connect(postgres_dsn, autocommit=True) as target:
        target.execute("DROP SCHEMA outgrow CASCADE")
        target.execute("DROP TABLE t")
        for _ in range(2):
            assert migration.rehearse(path, to=postgres_dsn).copy.rows == 2
            left = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            assert target.execute(left).fetchone() == (0,)
            assert target.execute("SELECT to_regnamespace('outgrow')").fetchone() == (None,)
