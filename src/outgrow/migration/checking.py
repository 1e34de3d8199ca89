"""`outgrow check`: everything that can be said of a file without PostgreSQL."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from outgrow.migration import planning
from outgrow.model import event, plan, schema
from outgrow.plan import types
from outgrow.sqlite import connection, profile
from outgrow.sqlite import schema as sqlite_schema

__all__ = ["CheckReport", "TableCheck", "check"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TableCheck:
    """One table: its rows and the profile of its columns."""

    table: str
    rows: int
    columns: tuple[profile.ColumnProfile, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckReport:
    """A checked file: soundness, profile, findings (worst first), and the plan they come from."""

    database: schema.Database
    integrity: tuple[str, ...]
    orphans: Mapping[str, int]
    tables: tuple[TableCheck, ...]
    findings: tuple[plan.Finding, ...]
    plan: plan.Plan | None
    seconds: float

    @property
    def rows(self) -> int:
        """Rows of all ordinary tables."""
        return sum(table.rows for table in self.tables)


def check(
    path: str | os.PathLike[str],
    *,
    overrides: tuple[plan.Override, ...] = (),
    sink: event.Sink = event.ignore,
) -> CheckReport:
    """Examine a file. Nothing is written, not even beside it.

    Raises errors.SourceUnreadable; a damaged file is a finding, and then nothing further is looked at.
    """
    began = time.monotonic()
    with connection.open_source(path) as source, connection.translate_errors(source.path):
        database = sqlite_schema.read(source.main)
        sink(event.StepStarted(step="integrity"))
        complaints = tuple(profile.integrity(source.main))
        if complaints:
            finding = plan.Finding(
                severity=plan.Severity.ERROR,
                code="corrupt",
                message=f"the integrity check failed: {complaints[0]}",
                remedy=f"Recover the file: sqlite3 {path} .recover | sqlite3 recovered.db; then check that file",
                count=len(complaints),
            )
            return CheckReport(
                database=database,
                integrity=complaints,
                orphans={},
                tables=(),
                findings=(finding,),
                plan=None,
                seconds=time.monotonic() - began,
            )
        sink(event.StepStarted(step="profile", total=len(database.tables), unit="tables"))
        tables = []
        for table in database.tables:
            sink(event.TableStarted(step="profile", table=table.name, rows=0))
            shaped = frozenset(column.name for column in table.columns if types.has_formats(column.declared))
            rows, columns = profile.profile(source.main, table, shaped=shaped)
            tables.append(TableCheck(table=table.name, rows=rows, columns=columns))
        sink(event.StepStarted(step="plan", total=len(database.tables), unit="tables"))
        made = planning.plan_source(source, target_schema="public", overrides=overrides, exact=True, sink=sink)
    orphans = {f"{f.table}.{f.column}": f.count for f in made.findings if f.code == "orphans"}
    return CheckReport(
        database=database,
        integrity=(),
        orphans=orphans,
        tables=tuple(tables),
        findings=made.findings,
        plan=made,
        seconds=time.monotonic() - began,
    )
