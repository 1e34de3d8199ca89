"""Text, bytes, and what is written as text: uuid, json, jsonb."""

from __future__ import annotations

from outgrow.codec.base import Codec, Spec

__all__ = ["Bytea", "Json", "Jsonb", "Text", "Uuid"]

_CLEAN = "outgrow_text_flaw(CAST({x} AS BLOB))=0"
# In a UTF-16 file SQLite itself turns half a surrogate pair into another character: who reads a chunk cannot see it.
_CLEAN_UTF16 = f"CASE WHEN length(CAST('a' AS BLOB))=1 THEN 1 ELSE {_CLEAN} END"


class Text(Codec):
    """SQLite TEXT as text: the same UTF-8 bytes. NUL and invalid UTF-8 do not fit; PostgreSQL has no place for them.

    With `numbers`, integers and reals of the column are kept as their text too. That is lossless where the column's
    affinity turns the text into the number again (INTEGER, NUMERIC, REAL): such a column cannot hold the text '12'.
    SQLite orders numbers before text and by their size, so such a column is no key.
    """

    type = "text"
    unbounded = True
    prefixed = True
    empty = True
    inspects_text = True

    def __init__(self, *, numbers: bool = False) -> None:
        self._numbers = numbers

    @property
    def orderable(self) -> bool:
        return not self._numbers

    @property
    def collation(self) -> str:
        return ' COLLATE "C"'

    def fits(self, x: str) -> str:
        numbers = " WHEN 'integer' THEN 1 WHEN 'real' THEN 1" if self._numbers else ""
        return f"CASE typeof({x}) WHEN 'text' THEN {_CLEAN.format(x=x)}{numbers} ELSE 0 END"

    def shape(self, x: str) -> str:
        return f"typeof({x}) IN ('integer','real','text')" if self._numbers else f"typeof({x})='text'"

    def guard(self, x: str) -> str:
        classes = "IN ('integer','real','text')" if self._numbers else "='text'"
        return f"typeof({x}) {classes} AND {_CLEAN_UTF16.format(x=x)}"

    def conclusive(self, x: str) -> str:
        return self.shape(x)

    def encode(self, x: str) -> str:
        if not self._numbers:
            return x
        return (
            f"CASE WHEN typeof({x})<>'real' THEN {x} WHEN {x} COLLATE BINARY=9e999 THEN '9e999'"
            f" WHEN {x} COLLATE BINARY=-9e999 THEN '-9e999' ELSE outgrow_real({x}) END"
        )

    def canonical_target(self, c: str) -> str:
        return c

    def spec(self) -> Spec:
        return {"type": self.type, "numbers": True} if self._numbers else {"type": self.type}


class Bytea(Codec):
    """SQLite BLOB as bytea; with `text`, a column of nothing but TEXT as the bytes of its text.

    The second form holds what text cannot: NUL characters and invalid UTF-8.
    """

    type = "bytea"
    unbounded = True

    def __init__(self, *, text: bool = False) -> None:
        self._text = text

    def fits(self, x: str) -> str:
        if not self._text:
            return f"typeof({x})='blob'"
        # SQLite does not forbid text of an odd number of bytes in a UTF-16 file.
        return f"typeof({x})='text' AND length(CAST({x} AS BLOB))%length(CAST('a' AS BLOB))=0"

    def conclusive(self, x: str) -> str:
        return f"typeof({x})='{'text' if self._text else 'blob'}'"

    def encode(self, x: str) -> str:
        if self._text:
            return f"'\\x'||outgrow_text_hex(CAST({x} AS BLOB))"
        # hex(NULL) is an empty text.
        return f"CASE WHEN {x} IS NOT NULL THEN '\\x'||lower(hex({x})) END"

    def restore(self, c: str) -> str:
        return c

    def restored(self, p: str) -> str:
        return f"CAST(outgrow_text_stored({p}) AS TEXT)" if self._text else p

    def spec(self) -> Spec:
        return {"type": self.type, "text": True} if self._text else {"type": self.type}


_HEX = "[0-9a-f]"
_UUID = "-".join(_HEX * n for n in (8, 4, 4, 4, 12))


class Uuid(Codec):
    """Lower-case text of 36 characters as uuid; any other spelling would come back changed, so it does not fit."""

    type = "uuid"

    def fits(self, x: str) -> str:
        # GLOB stops at NUL.
        return f"typeof({x})='text' AND {x} GLOB '{_UUID}' AND instr({x},char(0))=0"

    def conclusive(self, x: str) -> str:
        return f"typeof({x})='text' AND octet_length({x})=36"

    def spec(self) -> Spec:
        return {"type": self.type}


class Json(Codec):
    """Valid JSON text (RFC 8259) as json, which keeps the text to the letter."""

    type = "json"
    unbounded = True
    prefixed = True
    inspects_text = True
    orderable = False

    def fits(self, x: str) -> str:
        return f"CASE WHEN typeof({x})='text' THEN {_CLEAN.format(x=x)} AND json_valid({x}) ELSE 0 END"

    def shape(self, x: str) -> str:
        return f"typeof({x})='text' AND json_valid({x})"

    def guard(self, x: str) -> str:
        return f"typeof({x})='text' AND {_CLEAN_UTF16.format(x=x)}"

    def conclusive(self, x: str) -> str:
        return f"typeof({x})='text' AND octet_length({x})>0"

    def spec(self) -> Spec:
        return {"type": self.type}


class Jsonb(Codec):
    """JSON text that is already in jsonb's own output form; only where the user asks for it.

    jsonb keeps the meaning, not the text: it sorts and deduplicates keys and rewrites numbers and white space.
    """

    type = "jsonb"
    unbounded = True
    prefixed = True
    inspects_text = True
    orderable = False

    def fits(self, x: str) -> str:
        return f"CASE WHEN typeof({x})='text' THEN outgrow_jsonb(CAST({x} AS BLOB)) ELSE 0 END"

    def conclusive(self, x: str) -> str:
        return f"typeof({x})='text' AND octet_length({x})>0"

    def spec(self) -> Spec:
        return {"type": self.type}
