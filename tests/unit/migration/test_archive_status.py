"""What is said of a file that a finished migration left."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from outgrow import errors
from outgrow.migration import standing


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "app.db"
    with contextlib.closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE t (x)")
    return path


def test_an_archive_is_told_to_be_one(archive: Path) -> None:
    Path(f"{archive}.outgrow.json").write_text("{}")
    archive.chmod(0o444)
    with pytest.raises(errors.PhaseRefused, match="is finished") as told:
        standing.status(archive, None)
    assert "outgrow run" not in told.value.hint
    assert "archive" in told.value.why


@pytest.mark.parametrize("mode", [0o644, 0o444])
def test_another_file_is_told_to_be_in_no_migration(archive: Path, mode: int) -> None:
    if mode == 0o644:  # a new file where an archive was
        Path(f"{archive}.outgrow.json").write_text("{}")
    archive.chmod(mode)
    with pytest.raises(errors.PhaseRefused, match="is in no live migration"):
        standing.status(archive, None)
