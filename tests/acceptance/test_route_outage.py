"""PostgreSQL goes away under an application that runs on it: an error of sqlite3's, nothing half done, and on it goes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from outgrow.postgres import embedded
from support import engine as engines
from support import living, servers

APPLICATION = Path(__file__).resolve().parents[1] / "integration" / "route" / "shell_application.py"


def test_a_restart_costs_the_transaction_that_was_open_and_nothing_else(
    own_server: embedded.EmbeddedServer, tmp_path: Path
) -> None:
    path = engines.script(
        tmp_path / "app.db", "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)", journal_mode="wal"
    )
    with servers.database(own_server) as dsn, living.Engine(tmp_path, path, dsn) as engine:
        engine.start().ready()
        engine.switch("postgres")
        application = subprocess.Popen(
            [sys.executable, str(APPLICATION), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )

        def ask(sql: str) -> str:
            assert application.stdin is not None
            assert application.stdout is not None
            application.stdin.write(sql + "\n")
            return application.stdout.readline().rstrip("\n")

        with application:
            assert ask("INSERT INTO item VALUES (1, 'before')") == "[]"
            assert ask("BEGIN") == "[]"
            assert ask("INSERT INTO item VALUES (2, 'lost')") == "[]"
            own_server.restart()
            assert ask("INSERT INTO item VALUES (3, 'lost')") == "OperationalError: PostgreSQL is not reached"
            assert ask("COMMIT") == "OperationalError: cannot commit - no transaction is active"
            assert ask("SELECT id FROM item") == "[(1,)]"
            own_server.restart()
            assert ask("SELECT id FROM item") == "[(1,)]"
            own_server.restart()
            assert ask("INSERT INTO item VALUES (4, 'after')") == "[]"
            assert ask("SELECT id FROM item ORDER BY id") == "[(1,), (4,)]"
            application.stdin.close()
