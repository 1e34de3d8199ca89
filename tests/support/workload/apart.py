"""A function called in a process of its own, where no other SQLite library has the file open."""

from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

__all__ = ["TESTS", "call", "environment"]

TESTS = Path(__file__).resolve().parents[2]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def environment() -> dict[str, str]:
    """The environment of a process that finds `support`; the test run's strictness is not its own."""
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path} | {"PYTHONWARNINGS": ""}


def call(function: Callable[Parameters, Result], *arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
    """What the function returns for these arguments; CalledProcessError if it raises."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, function.__module__, function.__qualname__],
        input=pickle.dumps((arguments, named)),
        stdout=subprocess.PIPE,
        env=environment(),
        check=True,
    )
    result: Result = pickle.loads(done.stdout)
    return result


if __name__ == "__main__":
    module, name = sys.argv[1:]
    given, also = pickle.load(sys.stdin.buffer)
    sys.stdout.buffer.write(pickle.dumps(getattr(importlib.import_module(module), name)(*given, **also)))
