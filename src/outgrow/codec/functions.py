"""Python functions that codecs call from SQLite SQL; the store that reads SQLite registers them on its connections."""

from __future__ import annotations

import array
import decimal
import functools
import json
import math
import string
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["FLAW_ENCODING", "FLAW_NUL", "functions"]

FLAW_NUL: Final = 1
FLAW_ENCODING: Final = 2

_pack_double = struct.Struct(">d").pack
# Well below the depth at which Python's own limit would make the answer depend on the caller's stack.
_DEPTH = 150
# https://www.postgresql.org/docs/18/datatype-numeric.html
_DIGITS_BEFORE_POINT = 131_072
_DIGITS_AFTER_POINT = 16_383


def _bits(value: Any) -> str | None:
    try:
        return _pack_double(value).hex()
    except (struct.error, OverflowError):  # no number: the row has a misfit, and this text is not used
        return None


def _blob(value: Any) -> bytes | None:
    return _pack_double(value) if isinstance(value, float | int) else None


def _real(value: Any) -> str | None:
    if not isinstance(value, float):
        return None
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _numeric(value: Any) -> str | None:
    """The plain decimal text of a float's shortest digits."""
    if not isinstance(value, float):
        return None
    return _real(value) if math.isinf(value) else f"{decimal.Decimal(repr(value)).normalize():f}"


def _text_flaw(stored: bytes | None, *, encoding: str) -> int | None:
    if stored is None:
        return None
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


def _text_hex(stored: bytes | None, *, encoding: str) -> str | None:
    if stored is None:
        return None
    if encoding == "utf-8":
        return stored.hex()
    whole = stored[: len(stored) & ~1]
    return whole.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass").hex()


def _text_stored(text: bytes, *, encoding: str) -> bytes:
    return text if encoding == "utf-8" else text.decode("utf-8", "surrogatepass").encode(encoding, "surrogatepass")


_SHAPES = str.maketrans({**dict.fromkeys("0123456789", "9"), **dict.fromkeys(string.ascii_letters, "a")})


def _shape(stored: Any, *, encoding: str) -> str | None:
    if not isinstance(stored, bytes):
        return None
    return stored[:160].decode(encoding, "replace")[:40].translate(_SHAPES).replace("\0", "\ufffd")


def _utf8(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _octet_length(value: Any) -> int | None:
    if value is None:
        return None
    return len(value) if isinstance(value, bytes) else len(str(value).encode())


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
        digits, _, fraction = text.lstrip("-").partition(".")
        negative_zero = text.startswith("-") and not text.strip("-0.")
        if "e" in text.lower() or negative_zero:
            raise ValueError("not as numeric writes it")
        if len(digits) > _DIGITS_BEFORE_POINT or len(fraction) > _DIGITS_AFTER_POINT:
            raise ValueError("too long for numeric")
        self.text = text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _normal_jsonb(stored: Any, *, encoding: str) -> int:
    """Whether the bytes of a text are what jsonb would write."""
    if not isinstance(stored, bytes):
        return 0
    try:
        text = stored.decode(encoding)
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


def _vector(blob: Any) -> str | None:
    if not isinstance(blob, bytes) or len(blob) % 4:
        return None
    # Nine significant digits identify a float32.
    return "[" + ",".join([f"{value:.9g}" for value in _floats(blob)]) + "]"


def _vector_finite(blob: Any) -> int:
    if not isinstance(blob, bytes) or len(blob) % 4:
        return 0
    return int(all(map(math.isfinite, _floats(blob))))


def _swapped(blob: bytes) -> bytes:
    words = array.array("I", blob)
    words.byteswap()
    return words.tobytes()


def _vector_bits(blob: Any) -> str | None:
    if not isinstance(blob, bytes) or len(blob) % 4:
        return None
    return _swapped(blob).hex()


def functions(encoding: str) -> Mapping[str, Callable[..., Any]]:
    """The functions by their SQL names, for a file of that encoding (`UTF-8`, `UTF-16le`, `UTF-16be`).

    All are deterministic, and none raises on a value of another class than it is meant for. In UTF-16 files
    `octet_length` is replaced, so that it counts bytes of UTF-8 as PostgreSQL does.
    """
    python_encoding = {"UTF-8": "utf-8", "UTF-16le": "utf-16-le", "UTF-16be": "utf-16-be"}[encoding]
    result: dict[str, Callable[..., Any]] = {
        "ieee754_to_blob": _blob,
        "outgrow_bits": _bits,
        "outgrow_real": _real,
        "outgrow_numeric": _numeric,
        "outgrow_text_flaw": functools.partial(_text_flaw, encoding=python_encoding),
        "outgrow_text_hex": functools.partial(_text_hex, encoding=python_encoding),
        "outgrow_text_stored": functools.partial(_text_stored, encoding=python_encoding),
        "outgrow_shape": functools.partial(_shape, encoding=python_encoding),
        "outgrow_utf8": _utf8,
        "outgrow_jsonb": functools.partial(_normal_jsonb, encoding=python_encoding),
        "outgrow_vector": _vector,
        "outgrow_vector_bits": _vector_bits,
        "outgrow_vector_blob": _swapped,
        "outgrow_vector_finite": _vector_finite,
    }
    if python_encoding != "utf-8":
        result["octet_length"] = _octet_length
    return result
