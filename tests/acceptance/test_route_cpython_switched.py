"""CPython's own tests of the module `sqlite3` with the drop-in, and their databases at PostgreSQL: the fair subset."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from outgrow.postgres import embedded
from support import suites

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


def test_at_least_95_of_100_pass_at_postgresql(own_server: embedded.EmbeddedServer, tmp_path: Path) -> None:
    if importlib.util.find_spec("test") is None or importlib.util.find_spec("test.test_sqlite3") is None:
        pytest.skip("this Python comes without its own tests (test.test_sqlite3)")
    found = suites.run("unittests.py", own_server.dsn, tmp_path, *(f"test.test_sqlite3.{name}" for name in MODULES))
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
