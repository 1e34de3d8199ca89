"""The reference application's own tests, unchanged, after a live switch: every request runs at PostgreSQL."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from examples.homeverse import database, seed
from support import engine as engines
from support import living

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "homeverse"
TABLES = ("companies", "users", "applicants", "projects", "matches", "activities", "investments", "notifications")

# What `examples.homeverse.serve` does in each worker: the drop-in takes the standard module's place before anything else.
ON_THE_DROP_IN = """
import sys
import pytest
from outgrow import sqlite3
sqlite3.install()
sys.exit(pytest.main(sys.argv[1:]))
"""


def grown(path: Path) -> None:
    """A file of six years, with dangling keys, odd values and all."""
    seed.build(path, scale=0, dims=8)


def young(path: Path) -> None:
    """A file with the schema, and no rows."""
    engines.script(path, *database.statements(database.SCHEMA.read_text(encoding="utf-8")), journal_mode="wal")


def outcome(path: Path) -> tuple[int, str]:
    """Run the application's tests on the drop-in, in a process of their own; how many passed, and all that was said."""
    done = subprocess.run(
        [sys.executable, "-c", ON_THE_DROP_IN, "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests")],
        cwd=ROOT,
        env={**os.environ, "HOMEVERSE_DATABASE": str(path), "HOMEVERSE_PASSWORD_ITERATIONS": "1000"},
        capture_output=True,
        text=True,
        check=False,
    )
    passed = re.search(r"(\d+) passed", done.stdout.strip().splitlines()[-1])
    return int(passed[1]) if passed else 0, done.stdout + done.stderr


def counted(dsn: str) -> dict[str, int]:
    """How many rows each table has at PostgreSQL."""
    with psycopg.connect(dsn) as session:
        rows = [session.execute(f"SELECT count(*) FROM {name}".encode()).fetchone() for name in TABLES]
    return {name: row[0] for name, row in zip(TABLES, rows, strict=True) if row is not None}


def test_its_tests_pass_while_the_file_is_followed(postgres_dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "homeverse.db"
    young(path)
    shutil.copy(EXAMPLE / "overrides.toml", path.with_name(f"{path.name}.plan.toml"))
    with living.Engine(tmp_path, path, postgres_dsn, verify_every=60.0) as engine:
        engine.start().ready()
        passed, said = outcome(path)
        assert " failed" not in said.strip().splitlines()[-1], said
        assert passed >= 99, said
        engine.caught_up()
        assert all(rows > 0 for rows in counted(postgres_dsn).values())
        assert engine.ask("verify")["differences"] == []


@pytest.mark.parametrize("build", [young, grown])
def test_its_tests_pass_after_a_switch(postgres_dsn: str, tmp_path: Path, build: object) -> None:
    assert callable(build)
    path = tmp_path / "homeverse.db"
    build(path)
    shutil.copy(EXAMPLE / "overrides.toml", path.with_name(f"{path.name}.plan.toml"))
    with living.Engine(tmp_path, path, postgres_dsn, verify_every=60.0) as engine:
        engine.start().until(lambda facts: facts["verification"] is not None, "everything is verified")
        # A file of six years has rows in quarantine; the application gets along without them.
        engine.switch("postgres", accept_quarantine=True)
        before = counted(postgres_dsn)
        passed, said = outcome(path)
        assert " failed" not in said.strip().splitlines()[-1], said
        assert passed >= 99, said
        # The requests wrote where PostgreSQL is the primary, and not into the file, which would have refused.
        after = counted(postgres_dsn)
        assert all(after[name] > before[name] for name in TABLES), (before, after)
        engine.switch("sqlite", accept_quarantine=True)
        assert engine.ask("verify")["differences"] == []
