"""The file in which a process writes down what it tries and what came of it: it survives the death of the process.

A line is a JSON list, written by one call and not synced: what a killed process wrote, the kernel has. Before each
operation its intent is written, after it the outcome:

    ["intent", n, kind, due, begun]                when it was due, when the process got to it
    ["acked" | "rolled", n, store, start, end]     committed, or rolled back as it should be, by the attempt of that time
    ["found", n, store, start, end]                committed by an earlier attempt whose acknowledgement was lost
    ["fenced", n, store, start, end, epoch]        the store is not primary; the operation goes on
    ["unsure", n, store, start, end]               the connection broke during the commit; the operation goes on
    ["refused", n, store, start, end, message]     an error that an application would show; nothing was committed
    ["gave up" | "stopped", n, store, start, end]  no store took it in time, or before the process was to stop

Times are nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share. The first line is the `Header`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from support.workload import script

__all__ = ["Header", "Line", "Tail", "Writer", "header", "lines", "open_intent"]


class Line(NamedTuple):
    """One line; of an intent, `store` is the kind, `start` when it was due, and `end` when it began."""

    what: str
    n: int
    store: str
    start: int
    end: int
    detail: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """Who writes the file. `role` is `workload` or `probe`; a probe's rows are named `prefix-n`."""

    role: str
    process: int = 0
    script: script.Script | None = None
    prefix: str = ""

    def to_json(self) -> str:
        """The first line."""
        what = None if self.script is None else json.loads(self.script.to_json())
        return json.dumps({"role": self.role, "process": self.process, "script": what, "prefix": self.prefix})


class Writer:
    """Appends lines; begins the file if it is not there."""

    def __init__(self, path: Path, header: Header) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        size = os.fstat(self._file).st_size
        if size == 0:
            os.write(self._file, header.to_json().encode() + b"\n")
        elif os.pread(self._file, 1, size - 1) != b"\n":  # a line was cut off by a kill
            os.write(self._file, b"\n")

    def write(self, what: str, n: int, store: str, start: int, end: int, detail: Any = None) -> None:
        """Append a line."""
        fields = [what, n, store, start, end] if detail is None else [what, n, store, start, end, detail]
        os.write(self._file, json.dumps(fields).encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def header(path: Path) -> Header:
    """Who wrote the file."""
    with path.open("rb") as file:
        found = json.loads(file.readline())
    what = None if found["script"] is None else script.Script.from_json(json.dumps(found["script"]))
    return Header(role=found["role"], process=found["process"], script=what, prefix=found["prefix"])


def lines(path: Path) -> Iterator[Line]:
    """Every whole line but the first, in the order they were written."""
    with path.open("rb") as file:
        file.readline()
        yield from filter(None, map(_parsed, file))


def open_intent(path: Path) -> tuple[int, int | None]:
    """The number of the next operation, and that of one whose outcome the process did not live to write down."""
    following, pending = 0, None
    if path.exists():
        for line in lines(path):
            following = max(following, line.n + 1)
            if line.what == "intent":
                pending = line.n
            elif line.what not in ("fenced", "unsure"):
                pending = None
    return following, pending


class Tail:
    """Reads the lines that were added since it was last asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0

    def poll(self) -> list[Line]:
        """The new lines."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self._offset)
            added = file.read()
        whole = added[: added.rfind(b"\n") + 1]
        first = self._offset == 0
        self._offset += len(whole)
        return [line for line in map(_parsed, whole.splitlines()[first:]) if line is not None]


def _parsed(text: bytes) -> Line | None:
    try:
        return Line(*json.loads(text))
    except (ValueError, TypeError):  # cut off by a kill
        return None
