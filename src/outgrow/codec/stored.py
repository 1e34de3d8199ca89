"""What SQLite stores, told from what crosses: storage class and exact value, as the quarantine keeps them, from COPY text.

The law of codecs makes this possible: a value that crosses is given back as itself, so its text tells it.
"""

from __future__ import annotations

import re
import struct

from outgrow.codec.base import Codec

__all__ = ["crossing", "exact", "literal"]

_LEAST, _MOST = -(2**63), 2**63 - 1
_INTEGER = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)


def exact(column_codec: Codec, text: str) -> tuple[str, str]:
    """The storage class and the exact value of what `text` crosses as.

    Exact values are written as everywhere: integers in decimal, reals as IEEE 754 bits in hexadecimal, text as the hexadecimal
    of its UTF-8, blobs in hexadecimal.
    """
    spec = column_codec.spec()
    match spec["type"]:
        case "bigint" | "integer" | "smallint":
            return "integer", text
        case "boolean" if "true" not in spec:
            return "integer", text
        case "double precision":
            return "real", _bits(text)
        case "numeric":
            return _number(text)
        case "text" if spec.get("numbers") and _NUMBER.fullmatch(text):
            return _number(text)
        case "bytea":
            return ("text" if spec.get("text") else "blob"), text.removeprefix("\\x")
        case "vector":
            values = [float(part) for part in text.strip("[]").split(",")]
            return "blob", struct.pack(f"<{len(values)}f", *values).hex()
    return "text", text.encode().hex()


def crossing(column_codec: Codec, kind: str, value: str | None) -> str | None:
    """COPY text of an exact value that is part of a key; None for one that PostgreSQL cannot have."""
    spec = column_codec.spec()
    wanted = spec["type"]
    if kind == "integer" and wanted in ("bigint", "integer", "smallint", "boolean", "numeric"):
        return value
    if kind == "real" and wanted in ("double precision", "numeric"):
        return repr(_double(value or ""))
    if wanted == "bytea" and kind == ("text" if spec.get("text") else "blob"):
        return f"\\x{value}"
    if kind == "text" and wanted not in ("bigint", "integer", "smallint", "double precision", "numeric", "bytea"):
        return _plain(value or "")
    return None


def literal(kind: str, value: str | None) -> str:
    """An exact value as a SQL literal; text that is not plain is written as a cast of its bytes."""
    if value is None:
        return "NULL"
    match kind:
        case "text":
            text = _plain(value)
            return f"CAST(x'{value}' AS TEXT)" if text is None else "'" + text.replace("'", "''") + "'"
        case "blob":
            return f"x'{value}'"
        case "real":
            return repr(_double(value))
    return value


def _number(text: str) -> tuple[str, str]:
    """A number of a column whose affinity makes integers of integral ones: 64 bits are integers, all others reals."""
    if _INTEGER.fullmatch(text) and _LEAST <= int(text) <= _MOST:
        return "integer", text
    return "real", _bits(text)


def _plain(value: str) -> str | None:
    """The text, None if it is not UTF-8 or has a NUL."""
    try:
        text = bytes.fromhex(value).decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _bits(text: str) -> str:
    return struct.pack(">d", float(text)).hex()


def _double(bits: str) -> float:
    return float(struct.unpack(">d", bytes.fromhex(bits))[0])
