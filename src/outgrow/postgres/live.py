"""The target as one of the two stores of a live migration: follower before the switch, primary after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import psycopg

from outgrow.model import plan, store
from outgrow.model.phase import Side
from outgrow.postgres import (
    apply,
    capture,
    changes,
    ddl,
    foreign_keys,
    keys,
    live_state,
    sequences,
    sql_table,
    statements,
    steps,
)

__all__ = ["TargetStore", "admit", "begin", "exists"]


def begin(session: psycopg.Connection, planned: plan.Plan) -> None:
    """Make what a live migration needs, and close its tables to everybody but outgrow, in the transaction that makes them."""
    live_state.begin(session)
    for statement in capture.close(planned.schema, planned.tables, live_state.read(session).secret):
        session.execute(statement.encode())


def exists(session: psycopg.Connection) -> bool:
    """Whether there is a live migration, and no copy of a file at rest."""
    return live_state.exists(session)


def admit(sessions: Iterable[psycopg.Connection]) -> None:
    """Let sessions write to closed tables."""
    for session in sessions:
        secret = live_state.read(session).secret
        session.execute("SELECT pg_catalog.set_config(%s, %s, false)", (capture.APPLYING, secret))


class TargetStore:
    """Applies batches, reads changes, locks, fences and opens, over one session, which is the one that holds the lease.

    `sequences_there` gives the highest ids that the file ever gave, by table. Made anew after every change of the primary.
    """

    def __init__(
        self,
        session: psycopg.Connection,
        planned: plan.Plan,
        *,
        null: str,
        sequences_there: Callable[[], Mapping[str, int]],
    ) -> None:
        self._session = session
        self._plan = planned
        self._null = null
        self._sequences_there = sequences_there
        self.begin()

    @property
    def session(self) -> psycopg.Connection:
        """The session that holds the lease."""
        return self._session

    @property
    def planned(self) -> plan.Plan:
        """What is followed."""
        return self._plan

    def begin(self) -> None:
        """Look at how the migration stands, and go on from there; after a change of the primary."""
        self._applier = apply.Applier(self._session, self._plan, null=self._null)
        self._reader = changes.ChangeReader(self._session, self._plan)
        self._sequences = sequences.Sequences(self._session, self._plan)

    def state(self) -> live_state.LiveState:
        """How the migration stands here."""
        return live_state.read(self._session)

    def accept(self, seq: int, token: int) -> None:
        """Go on from an entry of the file's log, whatever the position was; everything has to be compared then."""
        live_state.accept(self._session, seq, token)
        self.begin()

    def apply(self, batch: store.Batch[store.LineChanges]) -> store.Applied:
        """Apply a batch of the file's, without waiting for the disk."""
        self._sequences.wrote(one.table for one in batch.changes)
        return self._applier.apply(batch)

    def changes(self, limit: int) -> store.Batch[store.ValueChanges]:
        """The changes that the file does not have."""
        return self._reader.changes(limit)

    def acknowledge(self, mark: Any, applied: store.Applied) -> None:
        """The file has what led to a mark."""
        self._reader.acknowledge(mark, applied)

    def lock(self, seconds: float) -> float:
        """Keep the application's writers out; since when they have been waiting (monotonic clock)."""
        return self._reader.lock(seconds)

    def release(self) -> None:
        """Let them in again."""
        self._reader.release()

    def fence(self, epoch: int) -> None:
        """Close the target, in the transaction that `lock` began: the decision for SQLite."""
        self._reader.settle()
        self._session.execute("SET LOCAL synchronous_commit = on")
        live_state.close(self._session, epoch)
        self._session.execute(statements.named("phase_back", file="live"))
        self._session.execute("COMMIT")

    def prepare(self, epoch: int) -> None:
        """Make the target ready as primary of `epoch`: foreign keys, sequences; still closed.

        Once this is on the disk, so is everything that was applied before.
        """
        with self._session.transaction():
            foreign_keys.add(self._session, self._plan)
            self._sequences.advance(self._sequences_there())
            self.note_shapes()
            live_state.prepare(self._session, epoch)

    def set_back(self) -> None:
        """Undo a preparation."""
        with self._session.transaction():
            foreign_keys.drop(self._session, self._plan)
            live_state.set_back(self._session)

    def open(self, epoch: int) -> None:
        """Open the target to the application."""
        with self._session.transaction():
            live_state.open_(self._session, epoch)
            self._session.execute(statements.named("phase_on", file="live"))

    def follow(self) -> None:
        """Become a follower that nothing hinders: without foreign keys, whose cascades would fire."""
        with self._session.transaction():
            self._session.execute("SET LOCAL lock_timeout = '1s'")
            foreign_keys.drop(self._session, self._plan)

    def advance_sequences(self) -> None:
        """Bring the sequences behind every id given so far, ahead of a switch."""
        self._sequences.advance(self._sequences_there())

    def last_ids(self) -> Mapping[str, int]:
        """The highest ids that were ever given here, by source table."""
        return sequences.last(self._session, self._plan)

    def make_durable(self) -> None:
        """Bring everything applied so far to the disk."""
        with self._session.transaction():
            self._session.execute("SET LOCAL synchronous_commit = on")
            self._session.execute(statements.named("flush_live", file="live"))

    def capture_steps(self) -> Iterator[steps.Step]:
        """Reverse capture of every table, each a step; from then on stray writes meet the fence."""
        secret = self.state().secret
        for number, table in enumerate(self._plan.tables, 1):
            made = (
                *capture.install(self._plan.schema, table, number, secret),
                capture.open_(self._plan.schema, table),
            )
            yield steps.Step(name=f"capture of {table.source}", statement=";".join(made), table=table.source)

    def install_capture(self, planned: plan.Plan, positions: Iterable[int]) -> None:
        """Install reverse capture of tables that a plan has more, within the caller's transaction."""
        secret = self.state().secret
        for position in positions:
            for statement in capture.install(planned.schema, planned.tables[position], position + 1, secret):
                self._session.execute(statement.encode())

    def capture_problems(self) -> Mapping[str, Sequence[str]]:
        """What is wrong with reverse capture and the fence, by source table."""
        found = self.state()
        fenced = found.primary is Side.SQLITE
        return capture.missing(self._session, self._plan, found.secret, fenced=fenced)

    def repair_capture(self) -> None:
        """Install reverse capture again, as it must be, and the fence where it must stand."""
        found = self.state()
        with self._session.transaction():
            for number, table in enumerate(self._plan.tables, 1):
                for statement in capture.install(self._plan.schema, table, number, found.secret):
                    self._session.execute(statement.encode())
            wanted = capture.fence(found.epoch) if found.primary is Side.SQLITE else (capture.unfence(),)
            for statement in wanted:
                self._session.execute(statement.encode())

    def note_shapes(self) -> None:
        """Write down the tables as they are now; see `reshaped`."""
        self._session.execute(statements.named("note_shapes", file="live"), self._named())

    def reshaped(self) -> list[str]:
        """The tables, by their names in the file, that were made anew since, or columns or all rows of which were."""
        found = self._session.execute(statements.named("list_reshaped", file="live"), self._named())
        changed = {name for (name,) in found}
        return [table.source for table in self._plan.tables if table.target in changed]

    def _named(self) -> dict[str, object]:
        return {"schema": self._plan.schema, "tables": [table.target for table in self._plan.tables]}

    def suspect(self, tables: Sequence[str]) -> None:
        """Write down that writes to tables may have been missed."""
        if tables:
            self._session.execute(statements.named("add_suspects", file="live"), {"tables": list(tables)})

    def suspects(self) -> list[str]:
        """The tables that were written down so, and not compared since."""
        return [name for (name,) in self._session.execute(statements.named("list_suspects", file="live"))]

    def clear(self, table: str) -> None:
        """The table was compared, and nothing is missing."""
        self._session.execute(statements.named("clear_suspect", file="live"), {"table": table})

    def touch(self, table: str, found: Sequence[store.Key]) -> None:
        """Have rows brought to the file again, by their keys as COPY texts."""
        self._reader.touch(table, found)

    def touched(self, session: psycopg.Connection, table: plan.TablePlan) -> list[Any]:
        """Keys in the log, as a session sees it, as canonical texts or rowids."""
        number = next(number for number, one in enumerate(self._plan.tables, 1) if one.source == table.source)
        if table.rowid is not None:
            found = session.execute("SELECT DISTINCT key[1]::bigint FROM outgrow.log WHERE t = %s", (number,))
            return [key for (key,) in found]
        sql = sql_table.TableSql(self._plan.schema, table)
        positions = [list(sql.columns).index(table.column(name)) for name in table.key]
        typed = ",".join(
            f"key[{place}]::{sql.columns[position].sql_type} AS k{place}" for place, position in enumerate(positions, 1)
        )
        texts = ",".join(sql.canonical(position, f"k{place}") for place, position in enumerate(positions, 1))
        rows = psycopg.RawCursor(session).execute(
            f"SELECT DISTINCT {texts} FROM (SELECT {typed} FROM outgrow.log WHERE t = $1) AS touched".encode(),
            (number,),
        )
        return [tuple(text.encode() for text in row) for row in rows]

    def away(self, session: psycopg.Connection, table: plan.TablePlan) -> list[str]:
        """Keys, as SQL literals, of rows that the file refused."""
        found = session.execute(statements.named("list_away", file="live"), {"table": table.source})
        return [key for (key,) in found]

    def restored(self, table: plan.TablePlan, found: Sequence[store.Key]) -> list[tuple[Any, ...]]:
        """Keys as `codec.restore` gives them, given as texts of this database."""
        if not found:
            return []
        columns = keys.columns(table)
        values = ",".join(
            column.codec.restore(column.typed(f"given.k{place}")) for place, column in enumerate(columns, 1)
        )
        statement = f"SELECT {values} FROM {keys.parameters(columns)}"
        return list(
            psycopg.RawCursor(self._session).execute(statement.encode(), keys.transposed(columns, found)).fetchall()
        )

    def invalid_indexes(self, session: psycopg.Connection) -> list[str]:
        """Indexes of the plan that are not there, or not valid, as a session sees them."""
        wanted = [index.name for table in self._plan.tables for index in table.indexes]
        found = session.execute(
            "SELECT c.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
            " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND i.indisvalid",
            (self._plan.schema,),
        )
        there = {name for (name,) in found}
        return [name for name in wanted if name not in there]

    def rehearse_capture(self, session: psycopg.Connection) -> list[str]:
        """Source names of tables in which reverse capture does not notice a write; nothing of the trial stays.

        To be called while the target follows and nobody applies anything: until it is rolled back, the log is locked.
        """
        deaf = []
        with session.transaction(force_rollback=True):
            session.execute("SET LOCAL lock_timeout = '1s'")
            session.execute(f"SET LOCAL {capture.APPLYING} = 'a trial'")  # a stranger, but one that fires no trigger
            session.execute(capture.unfence().encode())
            for number, table in enumerate(self._plan.tables, 1):
                name = ddl.qualified(self._plan.schema, table.target)
                column = keys.columns(table)[0].name
                trial = f"UPDATE {name} SET {column} = {column} WHERE ctid = (SELECT ctid FROM {name} LIMIT 1)"
                noticed = (
                    f"SELECT NOT EXISTS (SELECT FROM {name}) OR EXISTS (SELECT FROM outgrow.log WHERE t = {number})"
                )
                try:
                    with session.transaction():
                        session.execute(trial.encode())
                        heard = session.execute(noticed.encode()).fetchone()
                except (psycopg.errors.RaiseException, psycopg.errors.IntegrityError, psycopg.errors.ProgrammingError):
                    heard = None  # a trigger of somebody else's refuses every write
                if heard != (True,):
                    deaf.append(table.source)
        return deaf

    def pending(self) -> int:
        """How many entries of the log the file does not have."""
        return self._reader.pending()

    def remove(self) -> None:
        """Remove every trace of outgrow; the tables stay, with everything that makes them tables of their own."""
        with self._session.transaction():
            for number in range(1, len(self._plan.tables) + 1):
                for statement in capture.drop(number):
                    self._session.execute(statement.encode())
            self._session.execute("DROP SCHEMA outgrow CASCADE")

    def drop(self) -> None:
        """Remove every trace of outgrow, and the copied tables."""
        with self._session.transaction():
            for number in range(1, len(self._plan.tables) + 1):
                for statement in capture.drop(number):
                    self._session.execute(statement.encode())
            steps.drop_schema(self._session, self._plan)
