"""RUNBOOK.md of the reference application: its commands, in order, do what the page says."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from examples.homeverse import seed

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "examples" / "homeverse" / "RUNBOOK.md"
PREAMBLE = "set -euo pipefail\n"


def blocks(text: str) -> list[str]:
    """The commands of the page."""
    return re.findall(r"^```bash\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def run(script: str, directory: Path, dsn: str) -> tuple[int, str]:
    """Run a script in a process group of its own, of which nothing is left; the exit status, and what was said."""
    environment = {
        **os.environ,
        "HOMEVERSE_DATABASE": str(directory / "homeverse.db"),
        "HOMEVERSE_OVERRIDES": str(RUNBOOK.with_name("overrides.toml")),
        "HOMEVERSE_PORT": str(free_port()),
        "HOMEVERSE_PASSWORD_ITERATIONS": "1000",
        "DATABASE_URL": dsn,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    log = directory / "said"
    with log.open("w") as said:
        process = subprocess.Popen(
            ["bash", "-c", PREAMBLE + script],
            cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip
        try:
            status = process.wait(240)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
    return status, log.read_text()


def marked(commands: list[str]) -> str:
    """One script; it says which block it has come to."""
    return "\n".join(f"echo '== block {n}'\n{block}" for n, block in enumerate(commands, 1))


@pytest.mark.slow
def test_the_runbook_is_carried_out_from_top_to_bottom(postgres_dsn: str, tmp_path: Path) -> None:
    seed.build(tmp_path / "homeverse.db", scale=0, dims=8)
    commands = blocks(RUNBOOK.read_text(encoding="utf-8"))
    status, said = run(marked(commands), tmp_path, postgres_dsn)
    assert status == 0, said
    assert said.count("== block") == len(commands) > 10
    assert said.count("entries, all as acknowledged") == 6
    with psycopg.connect(postgres_dsn) as session:
        assert session.execute("SELECT to_regnamespace('outgrow')").fetchone() == (None,)
        row = session.execute("SELECT count(*) FROM applicants WHERE email LIKE '%%.%%.%%@example.com'").fetchone()
        assert row is not None
        assert row[0] > 5


def test_a_command_that_fails_ends_the_run(postgres_dsn: str, tmp_path: Path) -> None:
    """So that the test above can fail: nothing is switched where nothing was migrated."""
    seed.build(tmp_path / "homeverse.db", scale=0, dims=8)
    (switching,) = [block for block in blocks(RUNBOOK.read_text(encoding="utf-8")) if "--dry-run" in block]
    status, said = run(
        marked(["application=$$; wait() { true; }; kill() { true; }", switching, "true"]), tmp_path, postgres_dsn
    )
    assert status == 2, said
    assert "== block 3" not in said
