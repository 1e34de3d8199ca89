"""A process that forks after the switch: no connection to PostgreSQL is used by two processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support import engine as engines
from support import living

APPLICATION = Path(__file__).resolve().parents[1] / "integration" / "route" / "forking_application.py"


def test_parent_and_child_go_on_with_connections_of_their_own(postgres_dsn: str, tmp_path: Path) -> None:
    path = engines.script(
        tmp_path / "app.db", "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)", journal_mode="wal"
    )
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        application = subprocess.Popen(
            [sys.executable, str(APPLICATION), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert application.stdout is not None
        assert application.stdout.readline() == "(0,)\n"
        engine.switch("postgres")
        said, _nothing = application.communicate("go\n", timeout=60)
        assert (application.returncode, said) == (0, "[(0, 200), (1, 200)]\n"), said
