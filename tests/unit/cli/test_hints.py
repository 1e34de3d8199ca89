"""What outgrow tells people to type can be typed: a command in its words names a file, and has the options that are told."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

import outgrow
from outgrow.cli import app

SOURCES = sorted(Path(outgrow.__file__).parent.rglob("*.py")) + sorted(Path(outgrow.__file__).parent.rglob("*.sql"))
_PLACEHOLDER = "FILE"
_COMMAND = re.compile(
    r"(?:: |\b(?:or|then|and|after|of|with|from|at) |^)outgrow ([a-z]+)((?: (?:--?[a-z][a-z-]*|FILE|…|DSN|postgresql:\S+))*)"
)


def commands() -> dict[str, set[str]]:
    """Every command with its options."""
    group: Any = typer.main.get_command(app.app)
    return {
        name: {word for one in command.params for word in (*one.opts, *one.secondary_opts)}
        for name, command in group.commands.items()
    }


def texts(path: Path) -> Iterator[str]:
    """The strings of a module that are not its docstrings; what is filled in later is taken for the file."""
    if path.suffix == ".sql":
        yield from re.findall(r"HINT = '([^']*)'", path.read_text())
        return
    tree = ast.parse(path.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in docstrings or id(node) in inside:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else _PLACEHOLDER for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def wrong(text: str, known: dict[str, set[str]]) -> list[str]:
    """The commands in a text that nobody could type."""
    found = []
    for name, rest in _COMMAND.findall(text):
        words = rest.split()
        if name not in known:
            continue
        if "FILE" not in words or not {word for word in words if word.startswith("-")} <= known[name]:
            found.append(f"outgrow {name}{rest}")
    return found


def test_every_command_that_is_told_can_be_typed() -> None:
    known = commands()
    assert {f"{path}: {one}" for path in SOURCES for text in texts(path) for one in wrong(text, known)} == set()


def test_hints_are_looked_at() -> None:
    told = sum(len(_COMMAND.findall(text)) for path in SOURCES for text in texts(path))
    assert told > 40


@pytest.mark.parametrize(
    "text",
    [
        "Accept it: outgrow switch --accept-quarantine",
        "outgrow switch FILE --acept-quarantine",
        "Write to the SQLite file, or switch: outgrow switch",
    ],
)
def test_a_command_that_cannot_be_typed_is_found(text: str) -> None:
    assert wrong(text, commands())
