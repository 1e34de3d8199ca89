"""Exact values: storage class and a text that loses nothing, as the quarantine keeps them and as people read them."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

from outgrow.codec.stored import literal

__all__ = ["dump", "exact", "literal", "literals", "load", "readable"]


def exact(x: str) -> str:
    """Two SQLite expressions over `x`: its storage class, and its exact value as text (NULL for NULL).

    Integers are decimal, reals IEEE 754 bits in hexadecimal, text the hexadecimal UTF-8 as stored, blobs hexadecimal.
    """
    return (
        f"typeof({x}),CASE typeof({x}) WHEN 'integer' THEN CAST({x} AS TEXT) WHEN 'real' THEN outgrow_bits({x})"
        f" WHEN 'text' THEN outgrow_text_hex(CAST({x} AS BLOB)) WHEN 'blob' THEN lower(hex({x})) END"
    )


def literals(exacts: Sequence[str | None]) -> str:
    """A key of one or more columns, given as `exact` gives them, as SQL literals joined by commas."""
    return ",".join(literal(str(exacts[place]), exacts[place + 1]) for place in range(0, len(exacts), 2))


def readable(kind: str, value: str | None) -> str | None:
    r"""An exact value as a person reads it: text as it is, blobs in hexadecimal after `\x`; None for NULL."""
    if value is None:
        return None
    match kind:
        case "text":
            return bytes.fromhex(value).decode("utf-8", "backslashreplace")
        case "blob":
            return f"\\x{value}"
        case "real":
            return repr(_double(value))
    return value


def dump(values: tuple[Any, ...]) -> str:
    """Values as SQLite gives them, as JSON that `load` turns into the same values."""
    return json.dumps([_dumped(value) for value in values])


def _dumped(value: Any) -> Any:
    if isinstance(value, float):
        return {"real": struct.pack(">d", value).hex()}
    return {"blob": value.hex()} if isinstance(value, bytes) else value


def load(text: str) -> tuple[Any, ...]:
    """The inverse of `dump`."""
    return tuple(_loaded(value) for value in json.loads(text))


def _loaded(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return bytes.fromhex(value["blob"]) if "blob" in value else _double(value["real"])


def _double(bits: str) -> float:
    return float(struct.unpack(">d", bytes.fromhex(bits))[0])
