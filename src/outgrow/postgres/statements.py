"""Named blocks of the `.sql` files beside this module."""

from __future__ import annotations

import functools
import importlib.resources
import re
from typing import LiteralString

__all__ = ["blocks", "named"]


@functools.cache
def blocks(file: str) -> dict[str, LiteralString]:
    """The blocks of a file by their names, in its order."""
    text = importlib.resources.files("outgrow.postgres").joinpath(f"sql/{file}.sql").read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def named(name: str, *, file: str = "state") -> LiteralString:
    """The block of that name; KeyError if there is none."""
    return blocks(file)[name]
