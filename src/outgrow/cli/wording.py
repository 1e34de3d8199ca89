"""Numbers, sizes, durations and the names of files, as people read and type them."""

from __future__ import annotations

import os
import pathlib
import re
import shlex
from collections.abc import Mapping
from typing import Any

from outgrow import errors

__all__ = ["amount", "checks_named", "counted", "named", "seconds", "size", "typed"]

_COMMAND = re.compile(r"(\boutgrow [a-z]+(?: --[a-z-]+)*) FILE\b(?!\.)")


def size(number: float) -> str:
    """Bytes for people."""
    if number < 1024:
        return amount(round(number), "byte")
    for unit in ("KB", "MB", "GB"):
        number /= 1024
        if number < 1024 or unit == "GB":
            break
    return f"{number:,.0f} {unit}" if number >= 100 else f"{number:,.1f} {unit}"


def typed(file: pathlib.Path) -> str:
    """A file's name as it can be pasted into a shell."""
    name = str(file)
    return shlex.quote(f"./{name}" if name.startswith("-") else name)


def seconds(number: float) -> str:
    """A duration for people."""
    if number < 1:
        return f"{number * 1000:,.0f} ms"
    return f"{number:,.1f} s" if number < 120 else f"{number // 60:,.0f} min {number % 60:02.0f} s"


def amount(number: int, thing: str, several: str = "") -> str:
    """A number of things, in the right grammatical number."""
    return f"{number:,} {thing if number == 1 else several or thing + 's'}"


def counted(number: int, unit: str) -> str:
    """A number of units, which are named in the plural: rows, tables, steps."""
    return amount(number, unit.removesuffix("s"), unit)


def named(words: str, file: str | os.PathLike[str], to: str | None = None) -> str:
    """A remedy whose commands name this file, where it was written for any FILE; and this target, without its password."""
    name = typed(pathlib.Path(file))
    words = _COMMAND.sub(lambda found: f"{found[1]} {name}", words)
    return words.replace(" --to …", _target(to)) if to and " --to …" in words else words


def _target(to: str) -> str:
    """The option that names the target again; none where the environment does."""
    if os.environ.get("OUTGROW_TO") == to:
        return ""
    from outgrow.postgres import dsn  # which loads the driver

    try:
        parsed = dsn.parse(to)
    except errors.OutgrowError:
        return " --to …"
    return f" --to {shlex.quote(parsed.without_password if parsed.secrets else to)}"


def checks_named(facts: Mapping[str, Any], file: str | os.PathLike[str], to: str | None = None) -> Mapping[str, Any]:
    """Facts whose checks, where there are any, have remedies that name the file and the target."""
    checks = [{**check, "remedy": named(check["remedy"], file, to)} for check in facts.get("checks", ())]
    return {**facts, "checks": checks} if checks else facts
