"""CPython's own tests of the module `sqlite3`, with the drop-in in its place, before any switch."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

_RUN = """
import os, sys, unittest
from outgrow import sqlite3
sqlite3.install()
{more}
import test.test_sqlite3 as suite
assert sys.modules["sqlite3"] is sqlite3
directory = suite.__path__[0]
unittest.main(module=None, argv=["it", "discover", "-s", directory, "-t", os.path.dirname(os.path.dirname(directory))])
"""


def run(directory: Path, more: str = "") -> tuple[int, str]:
    """The exit status and what was said, of the suite in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN.format(more=more)], cwd=directory, capture_output=True, text=True, timeout=250
    )
    return done.returncode, done.stderr


@pytest.fixture(autouse=True)
def _installed() -> None:
    if importlib.util.find_spec("test") is None or importlib.util.find_spec("test.test_sqlite3") is None:
        pytest.skip("this Python comes without its own tests (test.test_sqlite3)")


def test_all_of_them_pass(tmp_path: Path) -> None:
    status, said = run(tmp_path)
    assert status == 0, said
    found = re.search(r"Ran (\d+) tests", said)
    assert found is not None, said
    assert int(found[1]) > 400, said


def test_they_notice_a_module_that_is_not_the_same(tmp_path: Path) -> None:
    """The drop-in is what they test: one with a fault fails."""
    status, said = run(tmp_path, "sqlite3.Cursor.fetchone = lambda self: None")
    assert status != 0
    assert "FAILED" in said
