"""A table's key at the target, column by column: how its texts are read, and how a row is found by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from outgrow import codec
from outgrow.codec import stored
from outgrow.dialect import identifiers
from outgrow.model import plan, store

__all__ = ["KeyColumn", "columns", "literal", "matching", "parameters", "transposed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyColumn:
    """One column of a key: its quoted name, its type, and its position in a line of the table."""

    name: str
    sql_type: str
    codec: codec.Codec
    position: int
    source: str
    hashed: bool

    def typed(self, text: str) -> str:
        """An expression: the value that a text stands for."""
        return f"{text}::{self.sql_type}"


def columns(table: plan.TablePlan) -> tuple[KeyColumn, ...]:
    """The columns that identify a row: the rowid's, or those of the key."""
    if table.rowid is not None:
        name = identifiers.quote(table.rowid)
        return (KeyColumn(name=name, sql_type="bigint", codec=codec.Bigint(), position=0, source="", hashed=False),)
    terms = {term for index in table.indexes for term in index.terms}
    copied = [column.source for column in table.copied]
    made = []
    for source in table.key:
        column = table.column(source)
        name = identifiers.quote(column.target)
        made.append(
            KeyColumn(
                name=name,
                sql_type=column.sql_type,
                codec=codec.from_spec(column.codec),
                position=copied.index(source),
                source=source,
                # A key too wide for an index has one on hashes of its values.
                hashed=f"md5({name})" in terms,
            )
        )
    return tuple(made)


def parameters(key: Sequence[KeyColumn]) -> str:
    """A FROM item: keys given as one array of texts for each column, with the columns k1, k2, …"""
    arrays = ",".join(f"${number}::text[]" for number in range(1, len(key) + 1))
    return f"unnest({arrays}) AS given({','.join(f'k{number}' for number in range(1, len(key) + 1))})"


def matching(key: Sequence[KeyColumn], row: str, values: Sequence[str]) -> str:
    """The condition that the row of that alias has the key whose typed values are these expressions."""
    parts = []
    for column, value in zip(key, values, strict=True):
        parts.append(f"{row}.{column.name}={value}")
        if column.hashed:
            parts.append(f"md5({row}.{column.name})=md5({value})")
    return " AND ".join(parts)


def transposed(key: Sequence[KeyColumn], found: Sequence[store.Key]) -> list[list[str]]:
    """Keys as one list of texts for each column."""
    return [[one[number] for one in found] for number in range(len(key))]


def literal(key: Sequence[KeyColumn], texts: store.Key) -> str:
    """The key as SQL literals, as the file's reader and the quarantine write it."""
    pairs = zip(key, texts, strict=True)
    return ",".join(stored.literal(*stored.exact(column.codec, text)) for column, text in pairs)
