"""What the drop-in loads: nothing of the engine, and PostgreSQL's driver only once it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import sys
from outgrow import sqlite3
connection = sqlite3.connect(sys.argv[1])
connection.execute("CREATE TABLE t (a)")
print(sorted(name for name in ("apsw", "psycopg", "tomli_w", "typer", "rich", "outgrow.sqlite") if name in sys.modules))
"""


def test_a_file_without_a_migration_loads_no_driver(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path / "a.db")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
