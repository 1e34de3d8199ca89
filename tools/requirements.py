"""What `make` lets pip install, from pyproject.toml and uv.lock, with nothing but the standard library.

    python tools/requirements.py group dev      the requirements of a dependency group
    python tools/requirements.py locked         every locked version, as constraints for pip

pip is used because every Python brings it, and because it honours the machine's own configuration (mirrors, proxies,
certificates), which uv does not read. The constraints make it install what `uv sync` would.
"""

from __future__ import annotations

import pathlib
import sys
import tomllib
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / name).read_text(encoding="utf-8"))


def group(name: str) -> list[str]:
    """The requirements of a dependency group."""
    found = []
    for requirement in _load("pyproject.toml")["dependency-groups"][name]:
        if isinstance(requirement, str):
            found.append(requirement)
        else:
            found += group(requirement["include-group"])
    return found


def locked() -> list[str]:
    """`name==version; marker` for every package of the lock; a package may have a version for each range of Pythons."""
    found = []
    for package in _load("uv.lock")["package"]:
        if "registry" not in package["source"]:
            continue
        markers = " or ".join(f"({marker})" for marker in package.get("resolution-markers", []))
        found.append(f"{package['name']}=={package['version']}" + (f"; {markers}" if markers else ""))
    return found


def main(arguments: list[str]) -> int:
    """Print the requirements; returns the exit status."""
    match arguments:
        case ["group", name]:
            lines = group(name)
        case ["locked"]:
            lines = locked()
        case _:
            sys.stderr.write(f"usage: {__doc__}")
            return 4
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
