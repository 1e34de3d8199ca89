"""Keeping promises when the file's schema moves: lost triggers are installed again, and what may have been missed is compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outgrow import errors
from outgrow.migration import beginning
from outgrow.model import event, plan, schema
from outgrow.model.store import Side
from outgrow.sqlite import capture
from outgrow.sqlite import schema as sqlite_schema

if TYPE_CHECKING:
    from outgrow.migration import connected

__all__ = ["look", "look_at_target", "moved_shapes"]


def look(work: connected.Connected) -> None:
    """Look at the file's schema, which is not the one it was: put right what can be, stop where a decision is needed.

    Raises errors.SourceChanged where a table has another shape than the plan.
    """
    file = work.file
    with file.writing():
        database = sqlite_schema.read(file.writer)
        moved = moved_shapes(work.plan, database)
        if moved:
            raise errors.SourceChanged(
                "The application changed the shape of its tables",
                why="; ".join(moved),
                hint="Bring the change to the plan, or begin anew: outgrow abort FILE, then outgrow run FILE --to …",
            )
        state = work.file_store.state()
        fenced = state.epoch if state.primary is Side.POSTGRES else None
        captured = beginning.captured_tables(work.plan, database)
        wanted = capture.expected(captured.values(), database, epoch=fenced)
        held = {str(name): str(text) for name, text in file.writer.execute(capture.HELD)}
        difference = capture.compare(wanted, held)
        for statement in capture.drop([*difference.strange, *difference.lost]):
            file.writer.execute(statement)
        for statement in difference.lost.values():
            file.writer.execute(statement)
        version = int(file.writer.pragma("schema_version"))
    work.file_store.reader.schema_version = version
    # A rowid is not a row's for ever: VACUUM gives others, and is known by nothing but the schema's version.
    suspects = {number for number, one in captured.items() if one.plan.rowid is not None} | difference.tables
    names = tuple(captured[number].plan.source for number in sorted(suspects) if number in captured)
    if difference.lost or difference.strange:
        work.steps.sink(
            event.CaptureRepaired(tables=names, reason=f"{len(difference.lost)} triggers were missing or altered")
        )
    if names:
        work.suspect(names)


def moved_shapes(planned: plan.Plan, database: schema.Database) -> list[str]:
    """How the file's tables differ from what the plan knows: tables and columns that are gone, new or other than they were."""
    problems = []
    known = {schema.fold(table.source) for table in planned.tables}
    known |= {schema.fold(one.name) for one in planned.omissions}
    known |= {schema.fold(one.table) for one in planned.overrides}
    problems += [f"table {table.name} is new" for table in database.tables if schema.fold(table.name) not in known]
    for table in planned.tables:
        found = database.table(table.source)
        if found is None:
            problems.append(f"table {table.source} is gone")
            continue
        there = {column.name: column.declared for column in found.columns}
        wanted = {column.source: column.declared for column in table.columns}
        problems += [f"column {table.source}.{name} is gone" for name in wanted if name not in there]
        problems += [f"column {table.source}.{name} is new" for name in there if name not in wanted]
        problems += [
            f"column {table.source}.{name} is declared {there[name]!r}, not {declared!r}"
            for name, declared in wanted.items()
            if name in there and there[name] != declared
        ]
    return problems


def look_at_target(work: connected.Connected) -> None:
    """Put reverse capture and the fence right where somebody dropped or disabled them, and compare what may have been missed."""
    problems = work.target_store.capture_problems()
    if not problems:
        return
    work.target_store.repair_capture()
    told = "; ".join(f"{table or 'the log'}: {', '.join(found)}" for table, found in problems.items())
    tables = tuple(table for table in problems if table) or tuple(table.source for table in work.plan.tables)
    work.steps.sink(event.CaptureRepaired(tables=tables, reason=told))
    work.suspect(tables)
