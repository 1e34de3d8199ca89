"""What a file in a live migration says of it: outgrow's own row of state, which a look at the file is enough for."""

from __future__ import annotations

import os
from dataclasses import dataclass

import apsw

from outgrow.model import own
from outgrow.model.phase import Side
from outgrow.sqlite import connection

__all__ = ["CREATE", "STATE", "FileState", "peek", "read"]

STATE = f"{own.PREFIX}state"

CREATE = f"""
CREATE TABLE {STATE} (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    run TEXT NOT NULL,
    target TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    primary_store TEXT NOT NULL,
    applied INTEGER NOT NULL,
    control TEXT NOT NULL,
    journal_mode TEXT NOT NULL,
    beat INTEGER NOT NULL,
    schema_version INTEGER NOT NULL
)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileState:
    """What the file says of its migration.

    `run` is the migration's identity at the target, `target` its DSN without password, `applied` the number of batches from
    PostgreSQL that the file has, `control` the path of the engine's socket, `journal_mode` what the file had before,
    `schema_version` the schema's version when outgrow looked at it last, a number that never comes back.
    """

    run: str
    target: str
    epoch: int
    primary: Side
    applied: int
    control: str
    journal_mode: str
    schema_version: int


_COLUMNS = "run,target,epoch,primary_store,applied,control,journal_mode,schema_version"


def read(found: apsw.Connection) -> FileState | None:
    """The state, over any connection; None in a file without a migration."""
    if not found.execute("SELECT 1 FROM sqlite_schema WHERE type='table' AND name=?", (STATE,)).fetchone():
        return None
    row = found.execute(f"SELECT {_COLUMNS} FROM {STATE}").fetchone()
    if row is None:
        return None
    run, target, epoch, primary, applied, control, journal_mode, schema_version = row
    return FileState(
        run=run,
        target=target,
        epoch=epoch,
        primary=Side(primary),
        applied=applied,
        control=control,
        journal_mode=journal_mode,
        schema_version=schema_version,
    )


def peek(path: str | os.PathLike[str]) -> FileState | None:
    """What a file says of its migration, None if it has none; raises errors.SourceUnreadable."""
    with connection.open_source(path, functions=False) as source, connection.translate_errors(source.path):
        return read(source.main)
