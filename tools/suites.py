"""Fetch the sources of others whose own tests are run here, into the virtual environment: `suites/` in it.

    python tools/suites.py

Flask's tutorial, with its tests, comes with Flask's source distribution only, which is taken in the installed version.
"""

from __future__ import annotations

import importlib.metadata
import pathlib
import subprocess
import sys
import tarfile
import tempfile

PLACE = pathlib.Path(sys.prefix) / "suites"


def source(package: str, directory: pathlib.Path) -> pathlib.Path:
    """The source distribution of an installed package, downloaded."""
    wanted = f"{package}=={importlib.metadata.version(package)}"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", package]
    subprocess.run([*pip, "--dest", str(directory), wanted], check=True)
    (archive,) = directory.glob("*.tar.gz")
    return archive


def extract(archive: pathlib.Path, folder: str, target: pathlib.Path) -> None:
    """Write the files below a folder of a source distribution."""
    with tarfile.open(archive) as files:
        for member in files.getmembers():
            parts = pathlib.PurePosixPath(member.name).parts[1:]
            inside = pathlib.PurePosixPath(*parts)
            if not member.isfile() or ".." in parts or not inside.is_relative_to(folder):
                continue
            path = target / inside.relative_to(folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            content = files.extractfile(member)
            assert content is not None
            path.write_bytes(content.read())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        extract(source("flask", pathlib.Path(directory)), "examples/tutorial", PLACE / "flaskr")
