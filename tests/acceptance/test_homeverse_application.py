"""The reference application: its own tests on the standard module, and its load, whose ledger is held against the file."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from threading import Barrier

import pytest

from examples.homeverse import audit_ledger, database, load, seed
from support import living

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "examples" / "homeverse" / "tests"


def environment(path: Path) -> dict[str, str]:
    """The application's environment for a file."""
    return {**os.environ, "HOMEVERSE_DATABASE": str(path), "HOMEVERSE_PASSWORD_ITERATIONS": "1000"}


def outcome(path: Path) -> str:
    """Run the application's tests on a file, in a process of their own; the last line that pytest prints."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(TESTS)],
        cwd=ROOT,
        env=environment(path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1]


@contextlib.contextmanager
def served(path: Path, log: Path, workers: int) -> Iterator[str]:
    """The application in several processes; its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "uvicorn", "examples.homeverse.app:app", "--port", str(port)]
    with log.open("w") as said:
        process = subprocess.Popen(
            [*command, "--workers", str(workers), "--log-level", "warning"],
            cwd=ROOT, env=environment(path), stdin=subprocess.DEVNULL, stdout=said, stderr=said,
        )  # fmt: skip

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{base}/health", timeout=5):
                return True
        except OSError:
            return False

    try:
        living.until(answers, "the application answers")
        yield base
    finally:
        process.terminate()
        process.wait(30)


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with audit_ledger.opened(str(path)) as query:
        return query(sql)


def test_its_tests_pass_on_a_new_file(tmp_path: Path) -> None:
    said = outcome(tmp_path / "homeverse.db")
    passed = re.match(r"(\d+) passed in", said)
    assert passed is not None, said
    assert int(passed[1]) >= 60


def test_its_tests_pass_on_a_file_that_has_grown_for_years(tmp_path: Path) -> None:
    """Dangling keys, odd values and all."""
    seed.build(tmp_path / "homeverse.db", scale=0, dims=8)
    assert re.match(r"\d+ passed in", outcome(tmp_path / "homeverse.db"))


def test_a_start_changes_nothing_in_a_complete_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "homeverse.db"
    seed.build(path, scale=0, dims=4)
    schema = "SELECT type, name, sql FROM sqlite_master ORDER BY name"
    before = rows(path, schema)
    monkeypatch.setenv("HOMEVERSE_DATABASE", str(path))
    database.init_schema()
    assert rows(path, schema) == before


def test_a_start_adds_a_column_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "homeverse.db"
    monkeypatch.setenv("HOMEVERSE_DATABASE", str(path))
    database.init_schema()
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("ALTER TABLE matches DROP COLUMN decided_by")
    database.init_schema()
    assert rows(path, "SELECT decided_by FROM matches") == []


def _start(path: str, together: Barrier) -> str:
    os.environ["HOMEVERSE_DATABASE"] = path
    together.wait()
    try:
        database.init_schema()
    except sqlite3.Error as problem:
        return repr(problem)
    return ""


def test_workers_that_start_at_once_all_start(tmp_path: Path) -> None:
    """Each makes the schema in a new file; none finds it locked."""
    spawn = multiprocessing.get_context("spawn")
    with spawn.Manager() as manager, futures.ProcessPoolExecutor(4, mp_context=spawn) as pool:
        together = manager.Barrier(4)
        for round_ in range(20):
            paths = [str(tmp_path / f"{round_}.db")] * 4
            assert list(pool.map(_start, paths, [together] * 4)) == [""] * 4


def test_a_load_leaves_what_its_ledger_says_and_the_audit_sees_what_is_missing(tmp_path: Path) -> None:
    """Several clients on two worker processes: no failure, no lost update; then each kind of loss is planted."""
    path, ledger = tmp_path / "homeverse.db", tmp_path / "ledger.jsonl"
    with served(path, tmp_path / "log", workers=2) as base:
        found = load.run(base, rate=60, seconds=4, threads=6, ledger=ledger)
    assert (found["requests"], found["failures"]) == (240, [])
    assert {"applicant", "payment", "contact", "read"} <= set(found["kinds"])
    assert rows(path, "SELECT count(*) FROM activities WHERE type = 'startup' AND user_id = 0") == [(2,)]

    entries = audit_ledger.read(ledger)
    with audit_ledger.opened(str(path)) as query:
        assert audit_ledger.audit(entries, query) == []
    paid = next(entry["id"] for entry in entries if entry["kind"] == "payment")
    changes = (
        "DELETE FROM applicants WHERE id = (SELECT max(id) FROM applicants)",
        "INSERT INTO applicants (company_id, email) SELECT company_id, 'stray' FROM applicants LIMIT 1",
        "INSERT INTO contact_submissions (name, message) SELECT name, message FROM contact_submissions LIMIT 1",
        f"UPDATE investments SET amount = amount - 1.25 WHERE id = '{paid}'",
        f"DELETE FROM investments WHERE id = '{paid}'",
    )
    for change in changes:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
            file.execute("BEGIN")
            file.execute(change)
            assert len(audit_ledger.audit(entries, lambda sql, file=file: file.execute(sql).fetchall())) == 1, change
            file.execute("ROLLBACK")


def test_a_write_without_an_answer_may_be_there_or_not(tmp_path: Path) -> None:
    """It is in doubt; an amount may be between what is certain and what is possible, and no further."""
    entries = [
        {"kind": "investment", "id": "a", "amount": 10, "company": 1},
        {"kind": "payment", "id": "a", "amount": 1.25},
        {"kind": "doubt", "of": "payment", "id": "a", "amount": 1.25},
        {"kind": "doubt", "of": "applicant", "email": "x", "company": 1},
    ]
    with contextlib.closing(sqlite3.connect(tmp_path / "doubt.db")) as file:
        file.executescript(database.SCHEMA.read_text(encoding="utf-8"))
        for amount, applicants, wrong in ((11.25, 0, 0), (12.5, 1, 0), (10, 0, 1), (13.75, 0, 1), (11.25, 2, 1)):
            file.execute("DELETE FROM applicants")
            file.execute("INSERT OR REPLACE INTO investments (id, company_id, amount) VALUES ('a', 1, ?)", (amount,))
            file.executemany("INSERT INTO applicants (company_id, email) VALUES (1, ?)", list("xy"[:applicants]))
            assert len(audit_ledger.audit(entries, lambda sql: file.execute(sql).fetchall())) == wrong, amount
