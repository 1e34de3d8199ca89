"""Exact values: storage class and a text that loses nothing, as the quarantine keeps them and as people read them."""

from __future__ import annotations

import struct

__all__ = ["exact", "literal", "readable"]


def exact(x: str) -> str:
    """Two SQLite expressions over `x`: its storage class, and its exact value as text (NULL for NULL).

    Integers are decimal, reals IEEE 754 bits in hexadecimal, text the hexadecimal UTF-8 as stored, blobs hexadecimal.
    """
    return (
        f"typeof({x}),CASE typeof({x}) WHEN 'integer' THEN CAST({x} AS TEXT) WHEN 'real' THEN outgrow_bits({x})"
        f" WHEN 'text' THEN outgrow_text_hex(CAST({x} AS BLOB)) WHEN 'blob' THEN lower(hex({x})) END"
    )


def literal(kind: str, value: str | None) -> str:
    """An exact value as a SQL literal; text that is not plain is written as a cast of its bytes."""
    if value is None:
        return "NULL"
    match kind:
        case "text":
            try:
                text = bytes.fromhex(value).decode()
            except UnicodeDecodeError:
                return f"CAST(x'{value}' AS TEXT)"
            return f"CAST(x'{value}' AS TEXT)" if "\0" in text else "'" + text.replace("'", "''") + "'"
        case "blob":
            return f"x'{value}'"
        case "real":
            return repr(_double(value))
    return value


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


def _double(bits: str) -> float:
    return float(struct.unpack(">d", bytes.fromhex(bits))[0])
