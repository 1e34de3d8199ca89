"""What ends a wait for the file's log, and what does not end a rest."""

from __future__ import annotations

import pathlib
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from outgrow.follow import waiting

LONG = 60.0


@pytest.fixture
def log(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "app.db-wal"
    path.write_bytes(b"x")
    return path


@pytest.fixture
def waiter(log: pathlib.Path) -> Iterator[waiting.Waiter]:
    found = waiting.Waiter(log)
    yield found
    found.close()


def took(work: threading.Thread) -> float:
    began = time.monotonic()
    work.start()
    work.join(LONG)
    return time.monotonic() - began


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of writes")
def test_a_write_ends_a_wait(waiter: waiting.Waiter, log: pathlib.Path) -> None:
    log.write_bytes(b"y")

    assert took(threading.Thread(target=waiter.wait, args=(LONG,), daemon=True)) < LONG


def test_a_write_does_not_end_a_rest(waiter: waiting.Waiter, log: pathlib.Path) -> None:
    log.write_bytes(b"y")

    assert took(threading.Thread(target=waiter.rest, args=(0.2,), daemon=True)) >= 0.2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of writes")
def test_what_was_written_during_a_rest_ends_the_next_wait(waiter: waiting.Waiter, log: pathlib.Path) -> None:
    log.write_bytes(b"y")
    waiter.rest(0.01)

    assert took(threading.Thread(target=waiter.wait, args=(LONG,), daemon=True)) < LONG


@pytest.mark.parametrize("kind", ["wait", "rest"])
def test_whoever_wakes_the_waiter_ends_both(waiter: waiting.Waiter, kind: str) -> None:
    waiter.wake()

    assert took(threading.Thread(target=getattr(waiter, kind), args=(LONG,), daemon=True)) < LONG
