"""Random schemas and writes: capture misses no change and changes nothing that the application sees; nothing passes the fence.

More examples than usual: OUTGROW_EXAMPLES=5000. `python -m support.captured_writes` runs any number, faster.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from outgrow.sqlite import capture
from support import applications, captured_writes, old_sqlite, random_writes

EXAMPLES = int(os.environ.get("OUTGROW_EXAMPLES", "250"))
OLD_EXAMPLES = 150

modest = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
pytestmark = pytest.mark.timeout(max(300, EXAMPLES))
cases = st.randoms(use_true_random=False).map(random_writes.case)


@modest
@hypothesis.given(case=cases)
def test_every_changed_row_is_logged_in_its_transaction(case: random_writes.Case) -> None:
    captured_writes.check(case, applications.Standard)


@modest
@hypothesis.given(case=cases)
def test_nothing_is_written_behind_the_fence(case: random_writes.Case) -> None:
    captured_writes.check_fence(case, applications.Standard)


def test_the_newest_sqlite_is_captured_like_pythons_own() -> None:
    for seed in range(EXAMPLES):
        captured_writes.check(random_writes.case(random.Random(seed)), applications.Apsw)
        captured_writes.check_fence(random_writes.case(random.Random(seed)), applications.Apsw)


def test_the_random_writes_do_what_capture_finds_hard() -> None:
    happened: Counter[str] = Counter()
    for seed in range(100):
        happened += captured_writes.check(random_writes.case(random.Random(seed)), applications.Standard)
    assert happened["changed"] > 300
    assert happened["done"] > 3 * happened["refused"]


@pytest.mark.slow
@pytest.mark.parametrize("version", old_sqlite.VERSIONS)
def test_old_libraries_are_captured_like_pythons_own(version: str) -> None:
    try:
        library = old_sqlite.shared_object(version)
    except old_sqlite.Unavailable as reason:
        pytest.skip(f"SQLite {version} cannot be had here: {reason}")
    seed = 1_000_000
    for fence in ((), ("--fence",)):
        command = (
            sys.executable,
            "-m",
            "support.captured_writes",
            "--library",
            str(library),
            "--seed",
            str(seed),
            *fence,
        )
        done = subprocess.run(
            (*command, "--examples", str(OLD_EXAMPLES), "--keep-going", "--fork"),
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"SQLite {version}," in done.stdout


@pytest.mark.parametrize("trigger", ["delete", "move", "update", "replace", "replace_0", "replace_rowid"])
def test_a_trigger_that_is_not_there_is_missed(trigger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = capture.triggers

    def without(*arguments: object) -> dict[str, str]:
        return {name: sql for name, sql in made(*arguments).items() if not name.endswith(f"_{trigger}")}  # type: ignore[arg-type]

    def try_many() -> None:
        for seed in range(3000):
            captured_writes.check(random_writes.case(random.Random(seed)), applications.Standard)

    monkeypatch.setattr(capture, "triggers", without)
    with pytest.raises(captured_writes.Missed):
        try_many()
