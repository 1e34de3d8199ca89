"""Rows of the file as lines for the target: where a store's row meets the other store's COPY."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from outgrow.codec import separators
from outgrow.model import store
from outgrow.postgres import loader
from outgrow.sqlite import reader

__all__ = ["RowLine", "careful", "unwalked"]


@dataclass(frozen=True, slots=True)
class RowLine:
    """One row, judged exactly (see `loader.Line`)."""

    row: reader.Row
    reader: reader.TableReader
    null: bytes

    @property
    def line(self) -> bytes | None:
        """The escaped line, None for a row with a misfit."""
        if self.row.misfits:
            return None
        values = [self.null if value is None else loader.escape(value) for value in self.row.encoded]
        if self.row.rowid is not None:
            values.insert(0, str(self.row.rowid).encode())
        return separators.UNIT.encode().join(values)

    def misfit(self, *, why: str = "") -> store.Misfit:
        """The row for the quarantine; `why` is PostgreSQL's reason, where its own judgement finds none."""
        return self.reader.misfit(self.row, why=why)


def careful(source: reader.TableReader, span: store.Span, null: str) -> Iterator[RowLine]:
    """The rows of a span, each judged exactly."""
    for row in source.rows(source.walk, span):
        yield RowLine(row, source, null.encode())


def unwalked(source: reader.TableReader, null: str) -> Iterator[RowLine]:
    """The rows that no span of the walk contains."""
    for row in source.unwalked():
        yield RowLine(row, source, null.encode())
