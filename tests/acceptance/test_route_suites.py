"""The tests of libraries and applications that use `sqlite3`, unchanged, with the drop-in: in the file, and at PostgreSQL."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from outgrow.postgres import embedded
from support import suites

FLASKR = Path(sys.prefix) / "suites" / "flaskr"

SKIPPED = {
    "test_iterdump": "iterdump concerns the file",
    "test_set_authorizer_deny_drops": "schema changes are refused",
}
"""What of aiosqlite's tests does not pass at PostgreSQL, and why; docs/router.md says the same."""


@pytest.fixture
def flaskr() -> Path:
    """The sources of Flask's tutorial."""
    if not (FLASKR / "tests").is_dir():
        pytest.skip("the sources of Flask's tutorial are not here: python tools/suites.py fetches them")
    return FLASKR


def test_aiosqlite_in_the_file(tmp_path: Path) -> None:
    found = suites.run("unittests.py", "-", tmp_path, "aiosqlite.tests.smoke")
    assert found["failed"] == {}
    assert found["ran"] >= 30


def test_aiosqlite_notices_a_module_that_is_not_the_same(tmp_path: Path) -> None:
    found = suites.run("unittests.py", "-", tmp_path, "aiosqlite.tests.smoke", fault=True)
    assert found["failed"]


def test_aiosqlite_at_postgresql(own_server: embedded.EmbeddedServer, tmp_path: Path) -> None:
    found = suites.run("unittests.py", own_server.dsn, tmp_path, "aiosqlite.tests.smoke")
    names = {re.sub(r".*\.", "", name) for name in found["failed"]}
    assert names == set(SKIPPED), found["failed"]
    assert found["ran"] >= 30
    assert found["there"] >= 20
    assert found["metrics"]["statements_there"] > 1000


def test_flaskr_in_the_file(flaskr: Path, tmp_path: Path) -> None:
    found = suites.run("flask_tutorial.py", "-", tmp_path, str(flaskr))
    assert found["failed"] == {}
    assert found["ran"] >= 24


def test_flaskr_at_postgresql(own_server: embedded.EmbeddedServer, flaskr: Path, tmp_path: Path) -> None:
    found = suites.run("flask_tutorial.py", own_server.dsn, tmp_path, str(flaskr))
    assert found["failed"] == {}
    assert found["ran"] >= 24
    assert found["there"] >= 20
    assert found["metrics"]["statements_there"] >= 40
