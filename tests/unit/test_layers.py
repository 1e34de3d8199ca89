"""The layers: imports go downwards, and the check of it would notice."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PLANTS = {
    "an upward import": ("errors.py", "from outgrow import migration\n"),
    "a sibling's import": ("copy/chunks.py", "from outgrow.verify import compare\n"),
    "a driver outside the stores": ("verify/run.py", "import psycopg\n"),
    "the other store's driver": ("sqlite/sql.py", "import psycopg\n"),
}


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the package below a directory."""
    program = "import sys; sys.path.insert(0, 'src'); from importlinter import cli; cli.lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-cache"]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package and its contracts."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_layers_are_kept(package: Path) -> None:
    """Nothing to complain of."""
    found = lint(package)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_import_is_found(package: Path, plant: str) -> None:
    """Each contract refuses what it is there for."""
    name, line = PLANTS[plant]
    module = package / "src" / "outgrow" / name
    module.write_text(
        module.read_text().replace(
            "from __future__ import annotations\n", f"from __future__ import annotations\n\n{line}"
        )
    )
    found = lint(package)
    assert found.returncode == 1, found.stdout
    assert f"outgrow.{name.removesuffix('.py').replace('/', '.')}" in found.stdout
