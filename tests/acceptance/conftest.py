"""A small file with everything in it: the HomeVerse database, rows for the quarantine, many chunks; and a small disk for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

if str(ROOT) not in sys.path:  # the examples live beside the package, not in it
    sys.path.append(str(ROOT))

READINGS = 300
NEEDLE = "the middle of the copy"
"""Stands in one row in the middle of `readings`, and nowhere else."""


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file, never to be copied from: a killed process leaves an empty log beside what it reads."""
    from examples.homeverse import seed
    from support import engine

    path = tmp_path_factory.mktemp("original") / "home.db"
    seed.build(path, scale=0, dims=4)
    return engine.script(
        path,
        "CREATE TABLE readings (id INTEGER PRIMARY KEY AUTOINCREMENT, note TEXT NOT NULL, value REAL)",
        f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {READINGS})"
        f" INSERT INTO readings SELECT i, iif(i = {READINGS // 2}, '{NEEDLE}', 'note ' || i), i / 7.0 FROM n",
        "DELETE FROM readings WHERE id % 10 = 3",
        "CREATE INDEX readings_note ON readings (note)",
        "CREATE UNIQUE INDEX readings_value ON readings (value DESC)",
    )


@pytest.fixture
def home(original: Path, tmp_path: Path) -> Path:
    """The file for one test, alone in its directory."""
    directory = tmp_path / "home"
    directory.mkdir()
    return shutil.copy(original, directory / "home.db")


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of eight megabytes, where this user may mount one."""
    path = Path(tempfile.mkdtemp(prefix="small-disk-"))
    path.chmod(0o755)
    mounting = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0755", "tmpfs", path]
    if shutil.which("mount") is None or subprocess.run(mounting, capture_output=True).returncode != 0:
        path.rmdir()
        pytest.skip("This user may not mount a file system")
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)
        path.rmdir()
