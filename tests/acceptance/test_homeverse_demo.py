"""`make demo`: Ctrl-C in the middle leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from examples.homeverse import rehearsal, seed
from support import living

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_ctrl_c_ends_every_process_that_was_started(tmp_path: Path) -> None:
    """The application, the load, the engine, and PostgreSQL."""
    place = tmp_path / rehearsal.FILE
    place.parent.mkdir()
    seed.build(place, scale=0, dims=8)
    said = tmp_path / "said"
    command = [sys.executable, "-m", "examples.homeverse.demo", "--rate", "50", "--pace", "0.2"]
    with said.open("w") as out:
        process = subprocess.Popen(
            command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=out, stderr=out
        )
    try:
        living.until(lambda: "Copy and follow" in said.read_text(), "the engine is started")
        living.until(lambda: any("run" in each for each in arguments(process.pid)), "the engine runs")
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130, said.read_text()
    finally:
        process.kill()
        process.wait()
    assert len(children) > 6
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    assert "everything that was started has ended" in said.read_text()
    shutil.rmtree(tmp_path / "demo")


def arguments(pid: int) -> list[list[str]]:
    """The command lines of a process's children."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        try:
            found.append(child.cmdline())
        except psutil.Error:
            continue
    return found
