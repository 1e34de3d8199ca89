"""A private snapshot of a file that may be in use: SQLite's backup API, in one step, so that it is one committed state."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator

import apsw

from outgrow import errors
from outgrow.sqlite import connection

__all__ = ["take"]

_NO_SPACE = frozenset({apsw.SQLITE_FULL, apsw.SQLITE_IOERR_WRITE})
"""A full disk, and a write that failed: SQLite has no code of its own for a quota."""


def take(source: connection.Source, destination: pathlib.Path) -> pathlib.Path:
    """Write a snapshot to `destination`, which must not exist; it is in rollback-journal mode, so it is one file.

    Raises errors.OutOfSpace, and then nothing is left of it.
    """
    with (
        connection.translate_errors(source.path),
        _removed_when_full(destination),
        contextlib.closing(apsw.Connection(str(destination))) as copy,
    ):
        with copy.backup("main", source.main, "main") as backup:
            while not backup.done:
                backup.step(-1)
        copy.pragma("journal_mode", "delete")
    return destination


@contextlib.contextmanager
def _removed_when_full(destination: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        if getattr(error, "extendedresult", None) not in _NO_SPACE:
            raise
        destination.unlink(missing_ok=True)
        raise errors.OutOfSpace(
            f"No space for a snapshot in {destination.parent}",
            why=str(error) if isinstance(error, apsw.FullError) else "it could not be written there; perhaps a quota",
            hint="Set TMPDIR to a larger disk",
        ) from error
