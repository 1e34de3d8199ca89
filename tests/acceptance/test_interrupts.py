"""Ctrl-C and SIGTERM in every step: an end in words, and the same command completes."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from outgrow import failpoints
from support import command

CONTINUE = "What was done is kept; type the same command to continue"


@pytest.mark.parametrize("point", failpoints.COPY_POINTS)
def test_ctrl_c_at_a_point_ends_in_order_and_the_same_command_completes(
    point: str, home: Path, postgres_dsn: str
) -> None:
    with command.held(point, *command.copying(home, postgres_dsn)) as running:
        running.signal(signal.SIGINT)
        running.release()
        stopped = running.end(within=30)

    assert (stopped.status, stopped.code, stopped.stderr) == (130, "interrupted", "")
    assert stopped.hint == CONTINUE
    command.completes(home, postgres_dsn)


def test_sigterm_is_ctrl_c(home: Path, postgres_dsn: str) -> None:
    with command.held("step.done#2", *command.copying(home, postgres_dsn)) as running:
        running.signal(signal.SIGTERM)
        running.release()
        stopped = running.end(within=30)

    assert (stopped.status, stopped.code) == (130, "interrupted")
    command.completes(home, postgres_dsn)


def test_people_are_told_how_to_continue(home: Path, postgres_dsn: str) -> None:
    arguments = command.copying(home, postgres_dsn)
    with command.held("chunk.copied#2", *(each for each in arguments if each != "--json")) as running:
        running.signal(signal.SIGINT)
        running.release()
        stopped = running.end(within=30)

    assert (stopped.status, stopped.stdout) == (130, "")
    assert " ".join(stopped.stderr.split()).endswith(f"outgrow: interrupted. {CONTINUE}")


def test_pressed_again_and_again_ctrl_c_still_ends_in_order(home: Path, postgres_dsn: str) -> None:
    with command.held("chunk.copied#2", *command.copying(home, postgres_dsn)) as running:
        for _ in range(5):
            running.signal(signal.SIGINT)
        running.release()
        stopped = running.end(within=30)

    assert (stopped.status, stopped.code, stopped.stderr) == (130, "interrupted", "")
    command.completes(home, postgres_dsn)


def test_a_rehearsal_that_is_interrupted_leaves_nothing_behind(home: Path) -> None:
    before = sorted(home.parent.iterdir())
    with tempfile.TemporaryDirectory(prefix="tmp-") as directory:
        Path(directory).chmod(0o755)  # the server's account has to get in
        with command.held("step.done#2", "rehearse", home, "--json", environment={"TMPDIR": directory}) as running:
            assert len(list(Path(directory).iterdir())) > 1
            running.signal(signal.SIGTERM)
            running.release()
            stopped = running.end(within=30)
        left = list(Path(directory).iterdir())

    assert (stopped.status, stopped.code, stopped.stderr) == (130, "interrupted", "")
    assert left == []
    assert sorted(home.parent.iterdir()) == before


ENDLESS = """
import sys
from outgrow.sqlite import connection
with connection.open_source(sys.argv[1]) as source:
    try:
        print("begun", flush=True)
        source.main.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_a_long_statement_of_sqlite_does_not_keep_ctrl_c_waiting(home: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ENDLESS, home], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[0] == "interrupted\n"
