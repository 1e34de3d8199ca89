"""USE_POSTGRESQL never makes a second primary: a process that was told of another one than the file's does not begin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support import engine as engines
from support import living

SHELL = Path(__file__).resolve().parents[1] / "integration" / "route" / "shell_application.py"


def process(path: Path, said: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SHELL), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
        env={**os.environ, "USE_POSTGRESQL": said},
    )


def told(path: Path, said: str) -> str:
    """What a process says in the end that is told so, and writes a row."""
    text, _nothing = process(path, said).communicate("INSERT INTO item (name) VALUES ('new')\n", timeout=60)
    return text.rstrip().splitlines()[-1]


def test_a_process_begins_only_where_the_primary_is_what_it_was_told(postgres_dsn: str, tmp_path: Path) -> None:
    path = engines.script(
        tmp_path / "app.db", "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)", journal_mode="wal"
    )
    assert f"{path} is in no migration: type 'outgrow run {path} --to" in told(path, "true")
    assert told(path, "false") == "[]"
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        assert f"the SQLite file {path} is the primary: type 'outgrow switch {path}'" in told(path, "true")
        assert told(path, "false") == told(path, "") == "[]"
        with process(path, "false") as running:
            assert running.stdin is not None
            assert running.stdout is not None

            def ask(sql: str) -> str:
                assert running.stdin is not None
                assert running.stdout is not None
                running.stdin.write(sql + "\n")
                return running.stdout.readline().rstrip()

            assert ask("SELECT count(*) FROM item") == "[(3,)]"
            engine.switch("postgres")
            assert f"PostgreSQL is the primary of {path}: type 'outgrow rollback {path}'" in told(path, "false")
            assert told(path, "true") == "[]"
            # A process that runs follows the primary.
            assert ask("SELECT count(*) FROM item") == "[(4,)]"
            assert engines.execute(postgres_dsn, "SELECT count(*) FROM item") == [(4,)]
            running.stdin.close()
