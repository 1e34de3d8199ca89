"""The result of a translation: PostgreSQL SQL, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Translation", "Untranslatable"]


@dataclass(frozen=True, slots=True)
class Translation:
    """`sql` is None exactly when `reason` says why.

    `caveat` goes with an `sql` whose values are never different from SQLite's, but which raises an error
    in PostgreSQL where SQLite goes on with a floating-point number (an integer that overflows); empty otherwise.
    """

    sql: str | None
    reason: str = ""
    caveat: str = ""


class Untranslatable(Exception):
    """An expression whose meaning in PostgreSQL cannot be shown to be the same; never leaves the package."""
