"""PostgreSQL's driver and the translator are loaded ahead where there is a migration, and nowhere else."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import sys, threading
from outgrow import sqlite3
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT * FROM t").fetchall()
for thread in threading.enumerate():
    if thread.name == "outgrow-warming":
        thread.join()
print([name for name in ("psycopg", "outgrow.route.session", "outgrow.dialect.statements") if name in sys.modules])
"""

# What the look reads of outgrow's row of state.
_STATE = (
    "CREATE TABLE _outgrow_state (run, target, epoch, primary_store);"
    "INSERT INTO _outgrow_state VALUES ('00', 'dbname=nowhere', 0, 'sqlite');"
)


@pytest.mark.parametrize(
    ("state", "loaded"),
    [("", "[]\n"), (_STATE, "['psycopg', 'outgrow.route.session', 'outgrow.dialect.statements']\n")],
)
def test_what_postgresql_needs_is_loaded_before_a_switch_where_there_is_a_migration(
    tmp_path: Path, state: str, loaded: str
) -> None:
    """The first statements after a switch do not wait for it: it takes tenths of a second."""
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as file:
        file.executescript("CREATE TABLE t (a);" + state)
    file.close()
    done = subprocess.run([sys.executable, "-c", _PROGRAM, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == loaded
