"""Rows of the file as lines for the target: where a store's row meets the other store's COPY."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from outgrow.model import store
from outgrow.postgres import loader
from outgrow.sqlite import reader

__all__ = ["RowLine", "careful"]

UNIT = b"\x1f"


@dataclass(frozen=True, slots=True)
class RowLine:
    """One row, judged exactly (see `loader.Line`)."""

    row: reader.Row
    reader: reader.TableReader
    null: bytes

    @property
    def key(self) -> str:
        """The key as SQL literals."""
        return self.row.key

    @property
    def line(self) -> bytes | None:
        """The escaped line, None for a row with a misfit."""
        if self.row.misfits:
            return None
        values = [self.null if value is None else loader.escape(value) for value in self.row.encoded]
        if self.row.rowid is not None:
            values.insert(0, str(self.row.rowid).encode())
        return UNIT.join(values)

    @property
    def column(self) -> str:
        """The first column that does not fit."""
        return self.reader.sql.columns[self.row.misfits[0]].source

    @property
    def reason(self) -> str:
        """Why it does not fit: its storage class, or what is wrong with its text."""
        position = self.row.misfits[0]
        kind, exact = self.row.classes[position], self.row.exact[position]
        wanted = self.reader.sql.columns[position].sql_type
        if kind == "null":
            return "NULL in a column that cannot be NULL"
        if kind == "text" and wanted in ("text", "json", "jsonb"):
            stored = bytes.fromhex(exact or "")
            try:
                text = stored.decode()
            except UnicodeDecodeError as error:
                return f"text that is not UTF-8 (byte {error.start}: {stored[error.start : error.start + 1].hex()})"
            if "\0" in text:
                return f"text with a NUL character (position {text.index(chr(0))})"
        return f"{kind} value that {wanted} could not give back as it is"

    def record(self) -> str:
        """JSON of the exact values."""
        return self.row.record(self.reader.sql.columns)


def careful(source: reader.TableReader, span: store.Span, null: str) -> Iterator[RowLine]:
    """The rows of a span, each judged exactly."""
    for row in source.rows(source.sql.scan, span):
        yield RowLine(row, source, null.encode())
