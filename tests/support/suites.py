"""Running the tests of others with databases that go over to PostgreSQL: their process asks for the switches it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from support import living

__all__ = ["run"]

TESTS = Path(__file__).resolve().parents[1]


def run(application: str, dsn: str, directory: Path, *arguments: str, fault: bool = False) -> dict[str, Any]:
    """Run a program of `integration/route` that uses `support.goes_over`, and do what it asks for; its last line's facts.

    The DSN is of a server where it may make databases; "-" if nothing is to go over. `fault`: see `unittests.py`.
    """
    with subprocess.Popen(
        [sys.executable, str(TESTS / "integration" / "route" / application), dsn, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(TESTS), "FAULT": "yes" if fault else ""},
    ) as suite:
        assert suite.stdin is not None
        assert suite.stdout is not None
        said = ""
        for line in suite.stdout:
            if not line.startswith("{"):
                said += line
                continue
            asked: dict[str, Any] = json.loads(line)
            if "ran" in asked:
                return {**asked, "said": said}
            suite.stdin.write(json.dumps(_switched(directory, Path(asked["path"]), asked["dsn"])) + "\n")
    raise AssertionError(f"the suite ended without a result\n{said}")


def _switched(directory: Path, path: Path, dsn: str) -> str:
    """Move a file to PostgreSQL and leave it so; what went wrong, or nothing."""
    with living.Engine(directory, path, dsn) as engine:
        try:
            engine.start().ready(within=20)
            engine.switch("postgres", within=20)
        except AssertionError as error:
            return str(error)[:500]
        engine.stop()
    return ""
