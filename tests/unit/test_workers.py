"""Threads at one piece of work: who failed is told, and nobody is left behind."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from outgrow import workers


def test_every_work_is_done() -> None:
    done: list[int] = []
    workers.run(
        [lambda number=number: done.append(number) for number in range(4)], workers.Stop(), interrupt=lambda: None
    )
    assert sorted(done) == [0, 1, 2, 3]


def test_the_first_failure_stops_the_others_and_is_raised() -> None:
    stop = workers.Stop()
    other_began = threading.Event()

    def fails() -> None:
        other_began.wait()
        raise ValueError("mine")

    def goes_on() -> None:
        other_began.set()
        while True:
            stop.check()

    with pytest.raises(ValueError, match="mine"):
        workers.run([fails, goes_on], stop, interrupt=lambda: None)


def test_a_failure_stops_nothing_but_its_own_work() -> None:
    """What works beside it, under a request to stop of its own, goes on; a request from above is heard by all."""
    above = workers.Stop()
    mine, beside = workers.Stop(above), workers.Stop(above)

    def fails() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        workers.run([fails], mine, interrupt=lambda: None)
    assert mine.asked()
    beside.check()
    above.check()
    above.set()
    with pytest.raises(workers.Stopped):
        beside.check()


def test_a_thread_is_waited_for_when_ctrl_c_comes_during_the_wait() -> None:
    """Thread.join would take it for ended (https://github.com/python/cpython/issues/90882)."""
    let_go = threading.Event()
    ended: list[bool] = []

    def slow_to_end() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        let_go.wait()
        sum(range(2_000_000))
        ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        workers.run([slow_to_end], workers.Stop(), interrupt=let_go.set)
    assert ended


def test_impatient_ctrl_c_leaves_no_thread_behind() -> None:
    let_go = threading.Event()
    ended: list[bool] = []

    def presses_again() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        let_go.wait()
        for _ in range(20):
            os.kill(os.getpid(), signal.SIGINT)
            sum(range(100_000))
        sum(range(2_000_000))
        ended.append(True)

    def pressed(number: int, frame: object) -> None:
        if not ended:  # a press that is heard later is another command's
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, pressed)
    try:
        with pytest.raises(KeyboardInterrupt):
            workers.run([presses_again], workers.Stop(), interrupt=let_go.set)
        assert ended
    finally:
        signal.signal(signal.SIGINT, before)
