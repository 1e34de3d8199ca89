"""What stands between values and between rows where many are one text, and whether a text has them nowhere else."""

from __future__ import annotations

__all__ = ["RECORD", "UNIT", "are_clear"]

UNIT = "\x1f"
RECORD = "\x1e"


def are_clear(data: bytes, *, rows: int, units: int) -> bool:
    """Whether rows joined by RECORD, each with so many UNITs, are what they seem.

    That is: no separator and no NUL is in their values, and all of it is UTF-8.
    """
    if data.count(b"\x1e") != rows - 1 or data.count(b"\x1f") != rows * units or b"\0" in data:
        return False
    try:
        return data.isascii() or bool(data.decode())
    except UnicodeDecodeError:
        return False
