"""One run of one program: seconds, CPU and peak memory of it and of the processes it starts."""

from __future__ import annotations

import dataclasses
import pathlib
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence

import psutil

__all__ = ["Run", "run"]

INTERVAL = 0.02


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """What a program cost; `cpu` in seconds (user + system), `peak` in bytes.

    `peak` is the larger of the highest sum of resident memory seen by sampling and the highest
    high-water mark of one process, which the kernel keeps (Linux) and sampling cannot miss by much.
    """

    seconds: float
    cpu: float
    peak: int
    status: int
    out: str
    err: str

    @property
    def last_words(self) -> str:
        """The last line it printed, on standard error if there is one."""
        lines = (self.err.strip() or self.out.strip() or "no output").splitlines()
        return lines[-1].strip()


def high_water(pid: int) -> int:
    """The kernel's own peak of a process's resident memory, in bytes; 0 where there is none.

    Not `ru_maxrss`: that one starts at the size of the process which forked.
    """
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


class Sampler(threading.Thread):
    """Watches a process tree until told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.peak = 0
        self.stopping = threading.Event()

    def sample(self) -> None:
        total = 0
        for process in (self.process, *self.process.children(recursive=True)):
            try:
                total += process.memory_info().rss
            except psutil.Error:
                continue
            self.peak = max(self.peak, high_water(process.pid))
        self.peak = max(self.peak, total)

    def run(self) -> None:
        while not self.stopping.wait(INTERVAL):
            try:
                self.sample()
            except psutil.Error:
                return


def run(command: Sequence[str], *, cwd: pathlib.Path | None = None, env: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end and keep what it prints.

    The CPU is that of every child of this process which ended meanwhile: run one at a time.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, env=env
    ) as child:
        sampler = Sampler(child.pid)
        sampler.start()
        out, err = child.communicate()
        seconds = time.perf_counter() - started
        sampler.stopping.set()
        sampler.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Run(
        seconds=seconds,
        cpu=cpu,
        peak=sampler.peak,
        status=child.returncode,
        out=out.decode(errors="replace"),
        err=err.decode(errors="replace"),
    )
