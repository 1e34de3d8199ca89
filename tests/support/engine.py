"""The engine as the acceptance tests drive it: a copy judged twice, the command line, and databases emptied between copies.

Files are made and closed with the standard `sqlite3` module before the engine opens them, and looked at by the checker
after it has closed them: two SQLite libraries never have one file open at the same time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from outgrow import migration
from support import checker

__all__ = ["Answer", "Judged", "contents", "copy", "emptied", "execute", "override", "run", "script", "writer"]

_WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = wal")
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
connection.execute("INSERT INTO t VALUES (1, 'one'), (2, 'two')")
print("ready", flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A finished copy and what the independent checker says of it."""

    report: migration.CopyReport
    check: checker.Report

    @property
    def outcome(self) -> str:
        """In the words of `support.torture`: complete or quarantine."""
        return "quarantine" if self.report.quarantined else "complete"


def copy(path: Path, dsn: str, **options: Any) -> Judged:
    """Copy a file that is closed, and require that both the engine's verification and the checker find it equal."""
    report = migration.copy(path, dsn, **options)
    assert report.verification.differences == ()
    judged = checker.compare(path, dsn, schema=options.get("target_schema", "public")).require()
    assert judged.doubts == ()
    assert sum(judged.quarantined.values()) == report.quarantined == report.verification.quarantined
    assert sum(judged.present.values()) == report.rows
    return Judged(report=report, check=judged)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a command said with --json, and its exit status."""

    status: int
    facts: dict[str, Any]

    @property
    def error(self) -> str:
        """The code of its error, empty without one."""
        return self.facts["error"]["code"] if self.facts["error"] else ""


def run(*arguments: object, environment: dict[str, str] | None = None) -> Answer:
    """Run `outgrow` with --json in a process of its own; nothing but one JSON object may be printed."""
    command = [sys.executable, "-m", "outgrow", *map(str, arguments), "--json"]
    # PYTHONWARNINGS would make the test run's strictness the tool's.
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **(environment or {})}, check=False
    )
    assert done.stderr == "", done.stderr
    return Answer(status=done.returncode, facts=json.loads(done.stdout))


def contents(directory: Path) -> dict[str, str]:
    """Every file below a directory with the SHA-256 of its bytes; of files that nobody has open."""
    found = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def emptied(dsn: str) -> str:
    """The same database without the schemas that a copy leaves; much cheaper than another database."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS outgrow CASCADE")
        connection.execute("DROP SCHEMA IF EXISTS public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return dsn


def script(path: Path, *statements: str, journal_mode: str = "") -> Path:
    """Run statements on a SQLite file, made if need be, in one transaction; returns its path."""
    path.parent.mkdir(exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        if journal_mode:
            connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        connection.execute("BEGIN")
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")
    finally:
        connection.close()
    return path


@contextlib.contextmanager
def writer(path: Path) -> Iterator[None]:
    """An application that made the file in WAL mode and has it open, two rows only in the log; killed in the end."""
    path.parent.mkdir(exist_ok=True)
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            process.kill()


def override(path: Path, **settings: str) -> None:
    """Write overrides into the plan beside a file, each a line of TOML for a `table` or a `table__column`, as a user does."""
    plan = path.with_name(f"{path.name}.plan.toml")
    before, mark, after = plan.read_text().partition("[overrides]\n") if plan.exists() else ("", "[overrides]\n", "")
    assert mark
    lines = []
    for name, setting in settings.items():
        quoted = ".".join(f'"{part}"' for part in name.split("__"))
        lines.append(f"[overrides.{quoted}]\n{setting}\n")
    plan.write_text(before + mark + "".join(lines) + after)


def execute(dsn: str, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run one statement in PostgreSQL, and fetch what it returns."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []
