"""A private snapshot of a file that may be in use: SQLite's backup API, in one step, so that it is one committed state."""

from __future__ import annotations

import pathlib

import apsw

from outgrow import errors
from outgrow.sqlite import connection

__all__ = ["take"]


def take(source: connection.Source, destination: pathlib.Path) -> pathlib.Path:
    """Write a snapshot to `destination`, which must not exist; it is in rollback-journal mode, so it is one file.

    Raises errors.OutOfSpace.
    """
    try:
        copy = apsw.Connection(str(destination))
        try:
            with connection.translate_errors(source.path), copy.backup("main", source.main, "main") as backup:
                while not backup.done:
                    backup.step(-1)
            copy.pragma("journal_mode", "delete")
        finally:
            copy.close()
    except apsw.FullError as error:
        destination.unlink(missing_ok=True)
        raise errors.OutOfSpace(
            f"No space for a snapshot in {destination.parent}", why=str(error), hint="Set TMPDIR to a larger disk"
        ) from error
    return destination
