"""outgrow's own schema at the target: the migration, its phase, its lease, finished chunks and steps, quarantine, events."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import rows

from outgrow import errors
from outgrow.model import phase, store
from outgrow.postgres import dialect_functions, routing, statements

__all__ = ["Begun", "Chunk", "Migration", "Quarantined", "Sample", "State"]

LEASE_PATIENCE = 15.0
"""Seconds to wait for a holder that was killed: its backend ends when it notices."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """The migration of a target database, as its one row says; `run` changes when it is begun anew."""

    run: str
    source: str
    target_schema: str
    plan: Mapping[str, Any]
    fingerprint: Mapping[str, Any]
    phase: phase.Phase
    chunk_rows: int
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """A chunk that was begun; `upper` is the bound it was given, None for the table's end."""

    table: str
    ordinal: int
    upper: str | None
    done: bool
    rows: int
    quarantined: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Quarantined:
    """A row in quarantine, without its values."""

    table: str
    key: str
    column: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A row in quarantine that stands for all `rows` of its table, column and reason.

    `detail` is what the reason says of this row alone; `kind` and `value` are storage class and exact value of the column, the
    value cut, and None where no column is named.
    """

    table: str
    column: str
    reason: str
    rows: int
    key: str
    detail: str
    kind: str | None
    value: str | None


class Begun(Exception):
    """Another process began the migration first."""


class State:
    """The state that one connection sees and writes; the connection is in autocommit mode.

    Claims are made for a `run` of the migration.
    """

    def __init__(self, connection: psycopg.Connection, *, run: str = "") -> None:
        self.connection = connection
        self._run_id = run

    def _run(self, statement: str, /, **parameters: Any) -> psycopg.Cursor[tuple[Any, ...]]:
        return self.connection.execute(statements.named(statement), parameters or None)

    def _value(self, statement: str, /, **parameters: Any) -> Any:
        row = self._run(statement, **parameters).fetchone()
        return None if row is None else row[0]

    def exists(self) -> bool:
        """Whether outgrow has a migration here; errors.TargetOccupied for a schema of that name that is not ours.

        errors.PhaseRefused where only a router is left of one that is over.
        """
        found = bool(self._value("state_exists"))
        if not found and routing.is_kept(self.connection):
            raise errors.PhaseRefused(
                "The target's migration is finished",
                why="what is left of it there is what the application's router needs",
                hint="When no application uses the router: outgrow finish --drop-router FILE; or use another database",
            )
        if not found and self._value("schema_outgrow_exists"):
            raise errors.TargetOccupied(
                "The target has a schema named outgrow that outgrow did not make",
                why="outgrow keeps its state in a schema of that name",
                hint="Rename that schema, or use another database",
            )
        return found

    def begin(
        self, *, source: str, target_schema: str, plan: str, fingerprint: str, chunk_rows: int, version: str
    ) -> None:
        """Create the schema and the migration in phase `planned`; to be called within a transaction.

        Raises Begun where another process does the same at this moment, once that has committed.
        """
        try:
            self._run("create_state")
        except (psycopg.errors.DuplicateSchema, psycopg.errors.UniqueViolation) as error:
            raise Begun from error
        dialect_functions.install(self.connection)
        self._run(
            "begin_migration",
            source=source,
            target_schema=target_schema,
            plan=plan,
            fingerprint=fingerprint,
            chunk_rows=chunk_rows,
            version=version,
        )

    def migration(self) -> Migration:
        """The migration; there must be one."""
        with self.connection.cursor(row_factory=rows.dict_row) as cursor:
            found = cursor.execute(statements.named("read_migration")).fetchone()
        if found is None:
            raise errors.TargetUnfit(
                "The target's schema outgrow holds no migration",
                why="its row is gone",
                hint="Drop the schema: DROP SCHEMA outgrow CASCADE; then type the same command",
            )
        return Migration(**{**found, "phase": phase.Phase(found["phase"])})

    def advance(self, before: phase.Phase, after: phase.Phase) -> None:
        """Move the migration on; errors.PhaseRefused where the table forbids it or somebody else moved it."""
        phase.advance(before, after)
        if self._value("advance_phase", before=before, after=after) is None:
            raise errors.PhaseRefused(
                f"The migration is no longer {before}",
                why="another process moved it",
                hint="Type the same command again to continue from where it is",
            )

    @contextlib.contextmanager
    def lease(self, command: str) -> Iterator[None]:
        """Hold the migration for this connection; errors.TargetBusy while another living process holds it."""
        deadline = time.monotonic() + LEASE_PATIENCE
        while self._value("take_lease", command=command) is None:
            if time.monotonic() > deadline:
                holder = self._run("read_lease").fetchone()
                raise errors.TargetBusy(
                    "Another outgrow process works on this target",
                    why=f"backend {holder[0]} runs `outgrow {holder[1]}` since {holder[2]:%H:%M:%S} UTC"
                    if holder
                    else "",
                    hint="Wait for it, or end it, and type the same command again",
                )
            time.sleep(0.05)
        try:
            yield
        finally:
            with contextlib.suppress(psycopg.Error):
                self._run("release_lease")

    def plan_chunk(self, table: str, ordinal: int, upper: str | None) -> None:
        """Write a chunk down before it is copied."""
        self._claim("plan_chunk", table=table, ordinal=ordinal, upper=upper)

    def claim_chunk(self, table: str, ordinal: int) -> bool:
        """Claim a chunk in the current transaction; False if it is done. Waits for a dying process that holds it."""
        return self._claim("claim_chunk", table=table, ordinal=ordinal)

    def _claim(self, statement: str, **parameters: Any) -> bool:
        """Claim something for this run; errors.TargetBusy if the migration was begun anew by another process."""
        try:
            if self._value(statement, run=self._run_id, **parameters) is not None:
                return True
            ours = bool(self._value("is_run", run=self._run_id))
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            ours = False
        if not ours:
            raise errors.TargetBusy(
                "Another outgrow process has begun the migration anew",
                why="what this one copied is gone",
                hint="Let that one finish, and type the same command again to verify",
            )
        return False

    def finish_chunk(self, table: str, ordinal: int, *, rows: int, quarantined: int, size: int) -> None:
        """Note what a claimed chunk brought."""
        self._run("finish_chunk", table=table, ordinal=ordinal, rows=rows, quarantined=quarantined, bytes=size)

    def chunks(self) -> list[Chunk]:
        """All chunks that were begun, in the order of each table's walk."""
        found = self._run("read_chunks")
        return [Chunk(table=t, ordinal=o, upper=u, done=d, rows=r, quarantined=q) for t, o, u, d, r, q in found]

    def quarantine(self, table: str, misfits: Sequence[store.Misfit]) -> None:
        """Keep rows that do not fit; they are sent together, without waiting for the answer to each."""
        rows = [
            {"table": table, "key": one.key, "row": one.record, "column": one.column, "reason": one.reason}
            for one in misfits
        ]
        with self.connection.cursor() as cursor:
            cursor.executemany(statements.named("add_quarantined"), rows)

    def quarantined_rows(self, table: str, key: str) -> list[Mapping[str, Any]]:
        """The records in quarantine under a key."""
        return [row for (row,) in self._run("read_quarantined", table=table, key=key)]

    def quarantined_keys(self, table: str) -> list[str]:
        """The keys under which a table has records in quarantine."""
        return [key for (key,) in self._run("list_quarantined_keys", table=table)]

    def quarantine_counts(self) -> Mapping[str, int]:
        """Rows in quarantine by table; tables without any are left out."""
        return {table: int(count) for table, count in self._run("count_quarantined")}

    def quarantine_list(self, limit: int) -> list[Quarantined]:
        """The first rows in quarantine."""
        found = self._run("list_quarantined", limit=limit)
        return [Quarantined(table=t, key=k, column=c, reason=r) for t, k, c, r in found]

    def quarantine_records(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """All rows in quarantine with their exact values, and since when (ISO 8601, UTC) they are in it."""
        for at, detail in self._run("read_quarantine"):
            yield f"{at:%Y-%m-%dT%H:%M:%S.%f}Z", detail

    def quarantine_samples(self, most: int, *, characters: int) -> list[Sample]:
        """At most `most` rows of each table, column and reason, those of the commonest first; exact values are cut."""
        found = self._run("sample_quarantine", most=most, characters=characters)
        return [
            Sample(table=t, column=c, reason=r, rows=n, key=key, detail=d, kind=kind, value=value)
            for t, c, r, n, key, d, kind, value in found
        ]

    def steps(self) -> Mapping[str, str]:
        """Finished steps and their notes."""
        return dict(self._run("read_steps").fetchall())

    def claim_step(self, name: str) -> bool:
        """Claim a step in the current transaction; False if it is done. Waits for a dying process that holds it."""
        return self._claim("claim_step", name=name)

    def finish_step(self, name: str, seconds: float, note: str = "") -> None:
        """Note a claimed step as done, in the transaction that does it."""
        self._run("finish_step", name=name, seconds=seconds, note=note)

    def record(self, kind: str, **detail: Any) -> None:
        """Add to the audit trail."""
        self._run("add_event", kind=kind, detail=json.dumps(detail, default=str))

    def change_plan(self, plan: str) -> None:
        """Put another plan in the place of the one that is kept."""
        self._run("change_plan", plan=plan, run=self._run_id)

    def events(self) -> list[tuple[str, str, Mapping[str, Any]]]:
        """The audit trail: when (ISO 8601, UTC), what, and its details."""
        return [(f"{at:%Y-%m-%dT%H:%M:%S.%f}Z", kind, detail) for at, kind, detail in self._run("read_events")]
