"""What the application sends to the file is translated before the switch, so that nobody waits for it after."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from support import engine as engines
from support import living

_APPLICATION = """
import json, sys, time
from outgrow import sqlite3

def work():
    connection = sqlite3.connect(sys.argv[1])
    connection.execute("INSERT INTO item (name) VALUES (?)", ("lamp",))
    connection.commit()
    found = connection.execute("SELECT id, name FROM item WHERE name = :name", {"name": "lamp"}).fetchall()
    many = connection.execute("SELECT count(*) FROM item").fetchone()[0]
    connection.close()
    return [found, many]

wanted = int(sys.argv[2])
rows = work()
assert sqlite3.connect(sys.argv[1]).execute("SELECT quote(0.5)").fetchall() == [("0.5",)]
deadline = time.monotonic() + 60
def met():
    found = sqlite3.metrics()
    return found["translations_cold"] >= wanted and found["translations_refused"]
while not met() and time.monotonic() < deadline:
    time.sleep(0.01)
print(json.dumps([rows, sqlite3.metrics()]), flush=True)
sys.stdin.readline()
print(json.dumps([work(), sqlite3.metrics()]), flush=True)
"""


def told(application: subprocess.Popen[str]) -> Any:
    assert application.stdout is not None
    return json.loads(application.stdout.readline())


def test_statements_are_translated_ahead(postgres_dsn: str, tmp_path: Path) -> None:
    path = engines.script(
        tmp_path / "app.db", "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)", journal_mode="wal"
    )
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        with subprocess.Popen(
            [sys.executable, "-c", _APPLICATION, str(path), "3"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as application:
            rows, before = told(application)
            engine.switch("postgres")
            assert application.stdin is not None
            application.stdin.write("\n")
            application.stdin.flush()
            again, after = told(application)

    assert rows == [[[1, "lamp"]], 1]
    assert again == [[[1, "lamp"], [2, "lamp"]], 2]
    assert (before["statements_there"], before["translations_cold"]) == (0, 3)
    assert after["statements_there"] > 0
    assert before["translations_refused"] == 1
    (refusal,) = before["refusals"].items()
    assert refusal[0] == "SELECT quote(0.5)"
    assert "quote()" in refusal[1]
    assert after["translations_cold"] == 3
    assert after["translations_cached"] == 3
