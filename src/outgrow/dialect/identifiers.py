"""Names: quoted for each of the two databases, and made to fit PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Set

from outgrow import errors

__all__ = ["LIMIT", "SYSTEM_COLUMNS", "fit", "quote", "quote_sqlite"]

LIMIT = 63  # bytes: NAMEDATALEN - 1, in the encoding of the server, which is UTF-8

# PostgreSQL refuses these as names of columns even in quotes (pitfall 62).
SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})

_DIGITS = 8


def quote(name: str) -> str:
    """A name as PostgreSQL reads it back unchanged; a name that `fit` would change raises `Internal`."""
    if not name or "\0" in name:
        raise errors.Internal(f"The name {name!r} cannot be quoted", why="PostgreSQL has no such name")
    return '"' + name.replace('"', '""') + '"'


def quote_sqlite(name: str) -> str:
    """A name as SQLite reads it back unchanged.

    SQLite takes a quoted name that it does not know for a string: turn `SQLITE_DBCONFIG_DQS_DML` off
    where such statements run.
    """
    return '"' + name.replace('"', '""') + '"'


def fit(name: str, taken: Set[str] = frozenset()) -> str:
    """The name itself where PostgreSQL can have it, else the nearest it can have that is not in `taken`.

    A name is changed when it is empty, longer than 63 bytes, a system column's, holds a NUL or half a
    surrogate pair, or is taken; the change ends in a hash of the whole name, so that it is the same in every run.
    """
    clean = "".join("_" if character == "\0" or _lone(character) else character for character in name)
    fits = clean == name and name != "" and len(name.encode()) <= LIMIT
    if fits and name not in SYSTEM_COLUMNS and name not in taken:
        return name
    if fits and name in SYSTEM_COLUMNS and f"{name}_" not in taken:
        return f"{name}_"
    attempt = 0
    while True:
        seed = name if not attempt else f"{name}\0{attempt}"
        digest = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
        candidate = f"{_cut(clean or 'unnamed', LIMIT - _DIGITS - 1)}_{digest}"
        if candidate not in taken:
            return candidate
        attempt += 1


def _cut(text: str, size: int) -> str:
    """The longest beginning of at most `size` bytes of UTF-8, no character cut."""
    return text.encode()[:size].decode(errors="ignore")


def _lone(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"
