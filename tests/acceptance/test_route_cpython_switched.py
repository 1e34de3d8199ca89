"""CPython's own tests of the module `sqlite3` with the drop-in, and their databases at PostgreSQL: the fair subset."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from outgrow.postgres import embedded
from support import living

APPLICATION = Path(__file__).resolve().parents[1] / "integration" / "route" / "cpython_switched.py"
MODULES = ("test_dbapi", "test_transactions", "test_factory", "test_regression", "test_types")

SKIPPED = {
    r"BlobTests\.": "blobopen concerns the file",
    r"SerializeTests\.test_serialize_deserialize": "serialize concerns the file",
    r"test_connection_limits|test_execute_too_many_params": "setlimit concerns the file",
    r"IsolationLevel(FromInit|PostInit)\.": "the trace callback hears of statements in the file only",
    r"with_zero_byte|EmbeddedZeroBytes|string_with_null_character": "PostgreSQL's text holds no NUL",
    r"test_error_msg_decode_error": "PostgreSQL's text is valid UTF-8",
    r"test_column_count|test_table_lock|test_type_map_usage|test_drop_table|transactional_ddl": "schema changes are refused",
    r"on_conflict_rollback|test_last_row_id_insert_o_r": "no translation of OR ROLLBACK",
}
"""What does not pass, and why; docs/router.md says the same."""


def reason(name: str) -> str:
    """Why a test is skipped; empty if it is not."""
    return next((why for pattern, why in SKIPPED.items() if re.search(pattern, name)), "")


def run(server: embedded.EmbeddedServer, directory: Path) -> dict[str, Any]:
    """Run the suite, and switch a file for it whenever it has another schema."""
    with subprocess.Popen(
        [sys.executable, str(APPLICATION), server.dsn, *MODULES],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        cwd=directory,
    ) as suite:
        assert suite.stdin is not None
        assert suite.stdout is not None
        for line in suite.stdout:
            if not line.startswith("{"):
                continue
            asked: dict[str, Any] = json.loads(line)
            if "ran" in asked:
                return asked
            suite.stdin.write(json.dumps(switched(directory, Path(asked["path"]), asked["dsn"])) + "\n")
    raise AssertionError("the suite ended without a result")


def switched(directory: Path, path: Path, dsn: str) -> str:
    """Move a file to PostgreSQL and leave it so; what went wrong, or nothing."""
    with living.Engine(directory, path, dsn) as engine:
        try:
            engine.start().ready(within=20)
            engine.switch("postgres", within=20)
        except AssertionError as error:
            return str(error)[:500]
        engine.stop()
    return ""


def test_at_least_95_of_100_pass_at_postgresql(own_server: embedded.EmbeddedServer, tmp_path: Path) -> None:
    if importlib.util.find_spec("test") is None or importlib.util.find_spec("test.test_sqlite3") is None:
        pytest.skip("this Python comes without its own tests (test.test_sqlite3)")
    found = run(own_server, tmp_path)
    # A test with parts counts once.
    names = {name.partition(" (")[0] for name in found["failed"]}
    failed = {name for name in names if not reason(name)}
    skipped = names - failed
    told = "\n\n".join(text for name, text in found["failed"].items() if not reason(name))
    assert found["there"] > 150, "their databases were switched"
    assert found["metrics"]["statements_there"] > 500
    counted = found["ran"] - len(skipped)
    assert counted > 230
    assert len(failed) <= 0.05 * counted, f"{len(failed)} of {counted} failed:\n{told}"
    unneeded = [pattern for pattern in SKIPPED if not any(re.search(pattern, name) for name in skipped)]
    assert unneeded == [], "these pass by now"
