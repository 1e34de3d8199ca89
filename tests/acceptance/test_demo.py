"""`make rehearsal`: it ends well only as it is meant to end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from examples.homeverse import rehearsal, seed
from support import engine

ROOT = Path(__file__).resolve().parents[2]


def run(directory: Path) -> subprocess.CompletedProcess[str]:
    """Run the rehearsal where there may be a file already."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from examples.homeverse import rehearsal as r; sys.exit(r.main())"
    )
    command = [sys.executable, "-c", program, str(ROOT)]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the rehearsal's file is, in a directory of its own."""
    path = tmp_path / rehearsal.FILE
    path.parent.mkdir()
    return path


def test_the_rehearsal_ends_well(place: Path, tmp_path: Path) -> None:
    """Rows in quarantine are meant to be there; the last word tells how to go on with one's own file."""
    seed.build(place, scale=0)
    before = engine.contents(tmp_path)
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "value by value; 2 rows in quarantine" in done.stdout
    assert "outgrow rehearse /path/to/your.db" in done.stdout
    assert engine.contents(tmp_path) == before


def test_the_rehearsal_fails_when_nothing_is_in_quarantine(place: Path, tmp_path: Path) -> None:
    """Then the tool did not see what was planted."""
    engine.script(place, "CREATE TABLE t (x INTEGER)", "INSERT INTO t VALUES (1)")
    done = run(tmp_path)
    assert done.returncode == 1
    assert "not how the rehearsal should end" in done.stderr


def test_the_rehearsal_fails_with_the_command(place: Path, tmp_path: Path) -> None:
    """A file that is none."""
    place.write_text("no database " * 100)
    done = run(tmp_path)
    assert done.returncode == 2
    assert "is not a SQLite database" in done.stderr
