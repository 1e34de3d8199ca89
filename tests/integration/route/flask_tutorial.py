"""The tests of Flask's tutorial application, as they are; with a DSN, each test's database is at PostgreSQL before it begins.

python flask_tutorial.py DSN|- SOURCES
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from outgrow import sqlite3

sqlite3.install()
DSN, SOURCES = sys.argv[1], Path(sys.argv[2])


if DSN != "-":
    from support import goes_over


class Switching:
    """Their fixture `app` makes a file with rows; here it goes over, and nothing else is done."""

    def __init__(self) -> None:
        self.ran = 0
        self.failed: dict[str, str] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        made = yield
        if fixturedef.argname == "app" and DSN != "-":
            goes_over.switch(made.config["DATABASE"])
        return made

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.ran += report.when == "call" and not report.skipped
        if report.failed:
            self.failed[report.nodeid] = report.longreprtext


sys.path.insert(0, str(SOURCES))
seen = Switching()
pytest.main(["-q", "-s", "-p", "no:cacheprovider", "--rootdir", str(SOURCES), str(SOURCES / "tests")], plugins=[seen])
facts = {
    **(goes_over.counts if DSN != "-" else {}),
    "ran": seen.ran,
    "failed": seen.failed,
    "metrics": sqlite3.metrics(),
}
print("\n" + json.dumps(facts), flush=True)
os._exit(0)
