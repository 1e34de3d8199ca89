"""The file as outgrow holds it in a live migration."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from outgrow.sqlite import capture, changes, live

NOBODY = 65534


@pytest.mark.parametrize("written_since", [0, 1, 3])
def test_the_entry_of_a_position_survives_pruning_behind_it(written_since: int, tmp_path: Path) -> None:
    """Even when the application writes between the last look at the log and the pruning."""
    (tmp_path / "app.db").touch()
    with live.LiveFile(tmp_path / "app.db") as file:
        file.change_journal_mode("wal")
        file.writer.execute(capture.create_log(1))

        def write(count: int) -> None:
            for _ in range(count):
                file.writer.execute(f"INSERT INTO {capture.LOG}(t,token,k1) VALUES(1,random(),7)")

        write(5)
        reader = changes.ChangeReader(file.connect(), {}, encoding=file.encoding, null="")
        mark = reader.last()
        write(written_since)
        assert file.prune(mark.seq, at_most=3) == 3
        assert file.prune(mark.seq, at_most=3) == 1
        assert file.prune(mark.seq, at_most=3) == 0
        assert reader.changes(mark, 100).entries == written_since


@pytest.fixture
def own_directory() -> Iterator[Path]:
    """A directory of a user for whom a file's rights count, which is who the test is then."""
    directory = Path(tempfile.mkdtemp(prefix="outgrow-test-"))
    root = os.geteuid() == 0
    if root:
        os.chown(directory, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield directory
    finally:
        if root:
            os.seteuid(0)
        shutil.rmtree(directory)


def captured(path: Path) -> None:
    """A file in a live migration."""
    path.touch()
    with live.LiveFile(path) as file:
        file.change_journal_mode("wal")
        with file.writing():
            file.begin([capture.create_log(1)], run="1", target="postgresql:///x", journal_mode="wal")


def test_an_end_that_was_interrupted_is_completed_by_its_owner(own_directory: Path) -> None:
    """The file is read-only then, but still has everything of outgrow's."""
    path = own_directory / "app.db"
    captured(path)
    with live.LiveFile(path) as file, file.writing():
        file.fence(1)
    path.chmod(0o444)
    with live.LiveFile(path) as file:
        file.archive()
    assert path.stat().st_mode & 0o222 == 0
    assert [found.name for found in own_directory.iterdir()] == ["app.db"]
    with apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == []


def test_a_read_only_file_that_is_not_fenced_stays_so(own_directory: Path) -> None:
    path = own_directory / "app.db"
    captured(path)
    path.chmod(0o444)
    with live.LiveFile(path) as file, pytest.raises(apsw.ReadOnlyError):
        file.writer.execute("CREATE TABLE t (a)")
    assert path.stat().st_mode & 0o777 == 0o444
