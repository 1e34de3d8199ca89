"""The affinity of a declared type, by SQLite's own algorithm (https://www.sqlite.org/datatype3.html, 3.1)."""

from __future__ import annotations

from outgrow.model import schema

__all__ = ["affinity"]


def affinity(declared: str, *, strict: bool = False) -> schema.Affinity:
    """The affinity that SQLite gives to a column declared so.

    It is a search for substrings, in this order: `FLOATING POINT` is INTEGER because of its `INT`, and
    `BLOB SUB_TYPE TEXT` is TEXT. In a STRICT table the type `ANY` stores everything as it comes.
    """
    # SQLite folds ASCII letters only: str.upper() would turn 'ı' into 'I' and find an INT that is none.
    upper = "".join(character.upper() if character.isascii() else character for character in declared)
    if strict and upper == "ANY":
        return schema.Affinity.BLOB
    if "INT" in upper:
        return schema.Affinity.INTEGER
    if any(part in upper for part in ("CHAR", "CLOB", "TEXT")):
        return schema.Affinity.TEXT
    if "BLOB" in upper or not upper:
        return schema.Affinity.BLOB
    if any(part in upper for part in ("REAL", "FLOA", "DOUB")):
        return schema.Affinity.REAL
    return schema.Affinity.NUMERIC
