"""When a schema moves: lost triggers are installed again, and what may have been missed is compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outgrow import errors, failpoints
from outgrow.migration import beginning, growing
from outgrow.model import event, plan, schema
from outgrow.model.phase import Side
from outgrow.plan import build
from outgrow.sqlite import capture
from outgrow.sqlite import schema as sqlite_schema

if TYPE_CHECKING:
    from outgrow.migration import connected

__all__ = ["Moved", "look", "look_at_target", "shapes"]


UNKNOWN = -1
"""No version of a schema."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """How the file's tables differ from what the plan knows; `blocking` are changes that somebody has to decide on."""

    tables: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    blocking: tuple[str, ...]


def look(work: connected.Connected) -> None:
    """Look at the file's schema, which is not the one it was: put right what can be, stop where a decision is needed.

    New tables and columns are planned and followed. Raises errors.SourceChanged where a table has another shape than the plan.
    """
    file = work.file
    database = sqlite_schema.read(file.writer)
    moved = shapes(work.plan, database)
    if moved.blocking:
        raise errors.SourceChanged(
            "The application changed the shape of its tables",
            why="; ".join(moved.blocking),
            hint=f"Undo that; or begin anew: outgrow abort {file.path}, then outgrow run {file.path} --to …",
        )
    suspects: set[str] = set()
    # After the switch the application's views and triggers are PostgreSQL's.
    programs = work.primary is Side.SQLITE and build.renew_programs(database, work.plan) is not work.plan
    if moved.tables or moved.columns or programs:
        suspects |= set(growing.grow(work, moved.tables, moved.columns))
    # Whatever happens from here on, nothing is read before the whole of this was done.
    work.file_store.reader.schema_version = UNKNOWN
    with file.writing():
        database = sqlite_schema.read(file.writer)
        if shapes(work.plan, database) != Moved(tables=(), columns=(), blocking=()):
            work.suspect(sorted(suspects))
            return  # it changed once more: the next look sees to it
        state = work.file_store.state()
        moved_since = int(file.writer.pragma("schema_version")) != state.schema_version
        fenced = state.epoch if state.primary is Side.POSTGRES else None
        captured = beginning.captured_tables(work.plan, database)
        wanted = capture.expected(captured.values(), database, epoch=fenced)
        held = {str(name): str(text) for name, text in file.writer.execute(capture.HELD)}
        difference = capture.compare(wanted, held)
        file.widen_log(max((len(one.terms) for one in captured.values()), default=1))
        for statement in capture.drop([*difference.strange, *difference.lost]):
            file.writer.execute(statement)
        for statement in difference.lost.values():
            file.writer.execute(statement)
        suspects |= {captured[number].plan.source for number in difference.tables if number in captured}
        if moved_since:
            # What was there in between is not known: triggers that were gone for a moment, an index whose conflicts deleted
            # rows, columns made anew, other rowids after a VACUUM.
            suspects |= {one.plan.source for one in captured.values()}
        # Before the repair is: whoever comes after us could not see any more that there was something to repair.
        work.target_store.suspect(sorted(suspects))
        version = file.note_schema()
    work.file_store.reader.schema_version = version
    if difference.lost:
        failpoints.hit("capture.repaired")
    if difference.lost or difference.strange or moved.tables or moved.columns:
        added = [
            *(f"table {name} was added" for name in moved.tables),
            *(f"column {t}.{c} was added" for t, c in moved.columns),
        ]
        lost = [f"{len(difference.lost)} triggers were missing or altered"] if difference.lost else []
        work.steps.sink(event.CaptureRepaired(tables=tuple(sorted(suspects)), reason="; ".join([*added, *lost])))
    if suspects:
        work.suspect(sorted(suspects))


def shapes(planned: plan.Plan, database: schema.Database) -> Moved:
    """How the file's tables differ from the plan."""
    known = {schema.fold(table.source) for table in planned.tables}
    known |= {schema.fold(one.name) for one in planned.omissions}
    known |= {schema.fold(one.table) for one in planned.overrides if one.settings.get("skip")}
    tables = tuple(table.name for table in database.tables if schema.fold(table.name) not in known)
    columns: list[tuple[str, str]] = []
    blocking: list[str] = []
    for table in planned.tables:
        found = database.table(table.source)
        if found is None:
            blocking.append(f"table {table.source} is gone")
            continue
        there = {column.name: column.declared for column in found.columns}
        wanted = {column.source: column.declared for column in table.columns}
        columns += [(table.source, name) for name in there if name not in wanted]
        blocking += [f"column {table.source}.{name} is gone" for name in wanted if name not in there]
        blocking += [
            f"column {table.source}.{name} is declared {there[name]!r}, not {declared!r}"
            for name, declared in wanted.items()
            if name in there and there[name] != declared
        ]
        if table.rowid is None and table.key not in ((found.rowid_alias,), found.primary_key):
            blocking.append(f"the primary key of {table.source} is another one")
    return Moved(tables=tables, columns=tuple(columns), blocking=tuple(blocking))


def look_at_target(work: connected.Connected) -> None:
    """Put reverse capture and the fence right where somebody touched them, and compare what may have been missed."""
    capture_problems = work.target_store.capture_problems()
    reshaped = work.target_store.reshaped() if work.primary is Side.POSTGRES else []
    problems = dict(capture_problems)
    for table in reshaped:
        problems[table] = [*problems.get(table, ()), "its columns were made anew"]
    if not problems:
        return
    tables = tuple(table for table in problems if table) or tuple(table.source for table in work.plan.tables)
    work.target_store.suspect(tables)
    if capture_problems:
        work.target_store.repair_capture()
    if reshaped:
        work.target_store.note_shapes()
    told = "; ".join(f"{table or 'the log'}: {', '.join(found)}" for table, found in problems.items())
    work.steps.sink(event.CaptureRepaired(tables=tables, reason=told))
    work.suspect(tables)
