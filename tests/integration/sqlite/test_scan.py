"""Aggregates by two threads are those of one statement, stop together, and let Ctrl-C through."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from outgrow.model import schema
from outgrow.sqlite import connection, scan
from outgrow.sqlite import schema as source_schema

TERMS = ["count(*)", "count(v)", "sum(v>2)", "min(v)", "max(v)", "max(length(w))", "sum(w IS NULL)"]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a few rows."""
    monkeypatch.setattr(scan, "_PART_ROWS", 3)


def build(path: Path, *statements: str) -> Path:
    """A file made by statements."""
    made = apsw.Connection(str(path))
    for statement in statements:
        made.execute(statement)
    made.close()
    return path


def table_of(source: connection.Source) -> schema.Table:
    """The file's only table."""
    (table,) = source_schema.read(source.main).tables
    return table


@pytest.mark.parametrize("clause", ["(id INTEGER PRIMARY KEY, v, w)", "(v, w)", "(v INT PRIMARY KEY, w) WITHOUT ROWID"])
@pytest.mark.parametrize("rows", [0, 1, 5, 6, 7, 100])
def test_parts_come_together_to_the_whole(tmp_path: Path, clause: str, rows: int) -> None:
    """Sums, counts, ends; rows that are not there and values that are NULL."""
    path = build(
        tmp_path / "a.db",
        f"CREATE TABLE t {clause}",
        f"WITH n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT {rows})"
        f" INSERT INTO t (v,w) SELECT i*7%101,iif(i%3,'x' || i,NULL) FROM n LIMIT {rows}",
    )
    with connection.open_source(path) as source:
        table = table_of(source)
        assert scan.aggregate(source.main, table, TERMS) == scan.aggregate_of(source.main, '"t"', TERMS)
        assert bool(scan._parts(source.main, table)) is ("WITHOUT" not in clause and rows > 6)


def test_rowids_may_be_any(tmp_path: Path) -> None:
    """The least, the largest, and nothing between."""
    values = "(-9223372036854775808,1),(-1,2),(0,3),(1,NULL),(9223372036854775807,5)"
    path = build(
        tmp_path / "a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v, w)", f"INSERT INTO t (id,v) VALUES {values}"
    )
    with connection.open_source(path) as source:
        table = table_of(source)
        parts = scan._parts(source.main, table)
        assert (parts[0][0], parts[-1][1]) == (-(2**63), 2**63 - 1)
        assert all(upper + 1 == lower for (_, upper), (lower, _) in itertools.pairwise(parts))
        assert scan.aggregate(source.main, table, TERMS) == [5, 4, 2, 1, 5, None, 5]


def test_an_error_in_one_part_is_the_error_of_all(tmp_path: Path) -> None:
    """And the connections serve again afterwards."""
    path = build(
        tmp_path / "a.db",
        "CREATE TABLE t (v)",
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 100) INSERT INTO t SELECT i FROM n",
    )
    with connection.open_source(path) as source:
        table = table_of(source)
        with pytest.raises(apsw.SQLError, match="integer overflow"):
            scan.aggregate(source.main, table, ["sum(iif(v=50,abs(-9223372036854775808),0))"])
        assert scan.aggregate(source.main, table, ["count(*)"]) == [100]


ENDLESS = """
import os, signal, sys
from outgrow.sqlite import connection, scan, schema
scan._PART_ROWS = 3
with connection.open_source(sys.argv[1]) as source:
    (table,) = schema.read(source.main).tables
    begun = set()
    def hit(number):  # Ctrl-C comes when both threads are in the middle of their statement
        begun.add(number)
        if len(begun) == 2:
            os.kill(os.getpid(), signal.SIGINT)
    for one in (source.main, source.main.companion()):
        one.create_scalar_function("hit", hit, 1)
    endless = "WITH RECURSIVE n (i) AS (SELECT v UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    try:
        scan.aggregate(source.main, table, [f"sum(hit(v) IS NULL AND ({endless}))"])
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_ctrl_c_stops_both_threads(tmp_path: Path) -> None:
    """However long their statements would take."""
    path = build(
        tmp_path / "a.db",
        "CREATE TABLE t (v)",
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 100) INSERT INTO t SELECT i FROM n",
    )
    command = [sys.executable, "-c", ENDLESS, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("interrupted\n", "")
