"""SQLite SQL into PostgreSQL SQL: pure functions on text, without a connection to either."""

from __future__ import annotations

__all__: list[str] = []
