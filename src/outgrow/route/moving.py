"""The word that a statement has to be run at the other store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["Moved"]


class Moved(Exception):
    """PostgreSQL is not the primary any more, and nothing was read in the transaction.

    `rows` are those of an executemany that are still to be written, where there are such.
    """

    rows: Iterable[Any] | None = None
