"""SQLite counts its memory unless it is told not to, before the first connection."""

from __future__ import annotations

import subprocess
import sys

import pytest

_ASK = """
import sys, apsw
from outgrow import migration
earlier = apsw.Connection(":memory:") if "earlier" in sys.argv else None
told = migration.own_process() if "told" in sys.argv else None
connection = apsw.Connection(":memory:")
connection.execute("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
print(told, apsw.status(apsw.SQLITE_STATUS_MEMORY_USED)[0] > 0, connection.execute("SELECT a FROM t").get)
"""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((), "None True 1"), (("told",), "True False 1"), (("told", "earlier"), "False True 1")],
)
def test_memory_is_counted(arguments: tuple[str, ...], said: str) -> None:
    done = subprocess.run([sys.executable, "-c", _ASK, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == said
