"""Looking at rows soon after their commit, while their pages are still in the server's memory.

PostgreSQL notes on a row that its transaction was committed (the "hint bits") when somebody first looks at it after that
commit is on disk. If that is the build of an index, every page of the table is written a second time, and with checksums
also to the log, on which the build's processes then wait for each other: it takes half as long again, or twice as long.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from psycopg import sql

from outgrow.postgres import connection

__all__ = ["Hints"]


class Hints:
    """What several streams load into one schema's tables; each page is looked at once, when all its rows are committed."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        self._lock = threading.Lock()
        self._loading: dict[str, list[int]] = {}
        self._looked: dict[str, int] = {}

    @contextlib.contextmanager
    def loading(self, session: connection.Session, table: str) -> Iterator[None]:
        """A transaction that loads rows into a table; pages that nobody fills any more are looked at after its commit.

        The commit waits for the disk, whatever the session's others do: of one that is not there yet nothing is noted.
        """
        name = sql.Identifier(self._schema, table)
        begun = _pages(session, name)
        with self._lock:
            active = self._loading.setdefault(table, [])
            active.append(begun)
            self._looked.setdefault(table, begun)
        try:
            with session.transaction():
                session.execute("SET LOCAL synchronous_commit = on")
                yield
        finally:
            with self._lock:
                active.remove(begun)
        last = _pages(session, name)
        with self._lock:
            first, last = self._looked[table], min([*active, last])
            self._looked[table] = max(first, last)
        if first < last:
            session.execute(
                sql.SQL("SELECT count(*) FROM {} WHERE ctid >= {} AND ctid < {}").format(
                    name, f"({first},0)", f"({last},0)"
                )
            )


def _pages(session: connection.Session, table: sql.Identifier) -> int:
    statement = "SELECT pg_catalog.pg_relation_size({}) / pg_catalog.current_setting('block_size')::int"
    row = session.execute(sql.SQL(statement).format(sql.Literal(table.as_string()))).fetchone()
    return int(row[0]) if row else 0
