"""Half a minute of everything at once; `make soak` takes an hour of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.soak import course


@pytest.mark.slow
def test_a_soak_finds_nothing(postgres_dsn: str, tmp_path: Path) -> None:
    """Switches, rollbacks, kills, cuts, lost triggers and new columns under writes, judged twice and in the end."""
    with course.soaking(tmp_path, postgres_dsn, seed=26) as soak:
        soak.run(30, judge_every=14)
        print(soak.summed())
    assert soak.verdicts >= 2
    assert soak.happened["switch"] + soak.happened["rollback"] >= 2
    assert len(soak.happened) >= 5
