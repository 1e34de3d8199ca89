"""Python functions that codecs call from SQLite SQL; the store that reads SQLite registers them on its connections."""

from __future__ import annotations

import array
import functools
import json
import math
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["FLAW_ENCODING", "FLAW_NUL", "functions"]

FLAW_NUL: Final = 1
FLAW_ENCODING: Final = 2

_pack_double = struct.Struct(">d").pack
_DEPTH = 1000


def _bits(value: float) -> str:
    return _pack_double(value).hex()


def _real(value: float) -> str:
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _text_flaw(stored: bytes, *, encoding: str) -> int:
    if encoding == "utf-8":
        if b"\0" in stored:
            return FLAW_NUL
        if stored.isascii():
            return 0
    try:
        text = stored.decode(encoding)
    except UnicodeDecodeError:
        return FLAW_ENCODING
    return FLAW_NUL if "\0" in text else 0


def _text_hex(stored: bytes, *, encoding: str) -> str:
    return (
        stored.hex()
        if encoding == "utf-8"
        else stored.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass").hex()
    )


def _text_stored(text: bytes, *, encoding: str) -> bytes:
    return text if encoding == "utf-8" else text.decode("utf-8", "surrogatepass").encode(encoding, "surrogatepass")


def _utf8(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _strict_constant(name: str) -> Any:
    raise ValueError(name)


def _jsonb_text(value: Any, depth: int = 0) -> str:
    """The value as PostgreSQL writes jsonb: keys by length in bytes, then bytes; one space after `:` and `,`."""
    if depth > _DEPTH:
        raise ValueError("too deep")
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case _Number():
            return value.text
        case str():
            if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
                raise ValueError("no such character in jsonb")
            return json.dumps(value, ensure_ascii=False)
        case list():
            return "[" + ", ".join(_jsonb_text(item, depth + 1) for item in value) + "]"
        case dict():
            keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
            return "{" + ", ".join(f"{_jsonb_text(key)}: {_jsonb_text(value[key], depth + 1)}" for key in keys) + "}"
    raise ValueError(type(value).__name__)


class _Number:
    """A number of a JSON text, kept as written; only numbers that numeric would write alike are let through."""

    def __init__(self, text: str) -> None:
        digits = text.lstrip("-")
        if "e" in text.lower() or (text.startswith("-0") and not digits.strip("0.")):
            raise ValueError("not as numeric writes it")
        self.text = text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _normal_jsonb(text: str) -> int:
    try:
        value = json.loads(
            text,
            parse_constant=_strict_constant,
            parse_int=_Number,
            parse_float=_Number,
            object_pairs_hook=_unique,
        )
        return int(_jsonb_text(value) == text)
    except (ValueError, RecursionError):
        return 0


def _floats(blob: bytes) -> array.array[float]:
    values = array.array("f", blob)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _vector(blob: bytes) -> str:
    # Nine significant digits identify a float32.
    return "[" + ",".join([f"{value:.9g}" for value in _floats(blob)]) + "]"


def _vector_finite(blob: bytes) -> int:
    return int(len(blob) > 0 and all(map(math.isfinite, _floats(blob))))


def _swapped(blob: bytes) -> bytes:
    words = array.array("I", blob)
    words.byteswap()
    return words.tobytes()


def _vector_bits(blob: bytes) -> str:
    return _swapped(blob).hex()


def functions(encoding: str) -> Mapping[str, Callable[..., Any]]:
    """The functions by their SQL names, for a file of that encoding (`UTF-8`, `UTF-16le`, `UTF-16be`). All are deterministic.

    In UTF-16 files `octet_length` is replaced, so that it counts bytes of UTF-8 as PostgreSQL does.
    """
    python_encoding = {"UTF-8": "utf-8", "UTF-16le": "utf-16-le", "UTF-16be": "utf-16-be"}[encoding]
    result: dict[str, Callable[..., Any]] = {
        "outgrow_bits": _bits,
        "outgrow_real": _real,
        "outgrow_text_flaw": functools.partial(_text_flaw, encoding=python_encoding),
        "outgrow_text_hex": functools.partial(_text_hex, encoding=python_encoding),
        "outgrow_text_stored": functools.partial(_text_stored, encoding=python_encoding),
        "outgrow_utf8": _utf8,
        "outgrow_jsonb": _normal_jsonb,
        "outgrow_vector": _vector,
        "outgrow_vector_bits": _vector_bits,
        "outgrow_vector_blob": _swapped,
        "outgrow_vector_finite": _vector_finite,
    }
    if python_encoding != "utf-8":
        result["octet_length"] = lambda text: None if text is None else len(text.encode())
    return result
