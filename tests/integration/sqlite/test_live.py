"""The file as outgrow holds it in a live migration."""

from __future__ import annotations

from pathlib import Path

import pytest

from outgrow.sqlite import capture, changes, live


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
