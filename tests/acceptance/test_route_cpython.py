"""CPython's own tests of the module `sqlite3`, with the drop-in in its place, before any switch."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from support import suites


@pytest.fixture(autouse=True)
def _installed() -> None:
    if importlib.util.find_spec("test") is None or importlib.util.find_spec("test.test_sqlite3") is None:
        pytest.skip("this Python comes without its own tests (test.test_sqlite3)")


def test_all_of_them_pass(tmp_path: Path) -> None:
    found = suites.run("unittests.py", "-", tmp_path, "test.test_sqlite3")
    assert found["failed"] == {}
    assert found["ran"] > 400


def test_they_notice_a_module_that_is_not_the_same(tmp_path: Path) -> None:
    """The drop-in is what they test: one with a fault fails."""
    found = suites.run("unittests.py", "-", tmp_path, "test.test_sqlite3", fault=True)
    assert found["failed"]
