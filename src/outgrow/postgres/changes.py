"""Reading what reverse capture has logged: the touched rows of the target as they are now, in one snapshot with the log.

The log is a queue: all visible entries are read, and exactly those are deleted once the file has them. Entries of transactions
that commit later are found by the next reading, whatever their numbers.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import pq

from outgrow import errors
from outgrow.model import plan, store
from outgrow.model.phase import Side
from outgrow.postgres import keys, live_state, sql_table, statements

__all__ = ["ChangeReader", "Mark", "multirange"]

_Entry = tuple[int, int, list[str], bool]
"""A row of the log: its number, the table's number, the key, and whether its commit waited for no disk."""

BATCH_BYTES = 64 * 2**20
"""What the rows of one batch may take, by the widest row that the plan saw in each table."""

VACUUM_AFTER = 20_000
"""Deleted entries of the log after which it is vacuumed."""

_SHORTEST_WAIT, _LONGEST_WAIT = 0.01, 0.05
"""Seconds for which the application's writers may queue behind one attempt to lock them out."""

_MORE = 2_000
"""Milliseconds more than that for the whole of such a transaction, before the server ends it (PostgreSQL 17 or later)."""

_LEAST_IDLE = 1.0
"""Least seconds after which the server ends a transaction that keeps writers out and of which nobody is heard."""

_FLUSH_PAUSE = 0.002

_BEGIN = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_LOOK = b"""
SELECT epoch, primary_store, pg_current_wal_insert_lsn()::text, set_config('jit', 'off', true) FROM outgrow.live
""".strip()
_ENTRIES = b"SELECT id, t, key, unsynced FROM outgrow.log ORDER BY id LIMIT $1"
_FLUSHED = b"""
SELECT pg_current_wal_flush_lsn() >= $1::pg_lsn, setting::integer FROM pg_settings WHERE name = 'wal_writer_delay'
""".strip()
_ACKNOWLEDGE = b"SELECT outgrow.acknowledge($1::int8multirange, $2, $3)"
_FORGET = statements.named("forget_quarantined", file="live").encode()
_KEEP = statements.named("keep_quarantined", file="live").encode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """The entries that a batch stands for, as a multirange, and the touched keys whose quarantine it settles, by table."""

    entries: str
    count: int
    settled: Mapping[str, Sequence[str]] = field(default_factory=dict)


class _Table:
    """The statements of one table, under its number in the log."""

    def __init__(self, schema: str, table: plan.TablePlan, number: int) -> None:
        self.plan = table
        self.key = keys.columns(table)
        sql = sql_table.TableSql(schema, table)
        kept = [f"{self.key[0].name}::bigint"] if table.rowid is not None else []
        pairs = zip(sql.codecs, sql.operands, strict=True)
        restored = [*kept, *(column_codec.restore(operand) for column_codec, operand in pairs)]
        self.width = len(restored)
        line = sql_table.TableSql(schema, table, generated=True).canonical_line()
        wanted = ",".join(f"{expression} AS v{n}" for n, expression in enumerate(restored, 1))
        typed = ",".join(f"{column.typed(f'given.k{n}')} AS k{n}" for n, column in enumerate(self.key, 1))
        names = [f"touched.k{n}" for n in range(1, len(self.key) + 1)]
        gone = ",".join(column.codec.restore(name) for column, name in zip(self.key, names, strict=True))
        values = ",".join(f"found.v{n}" for n in range(1, self.width + 1))
        self.read = (
            f"SELECT found.line,{values},{gone} FROM (SELECT DISTINCT {typed} FROM {keys.parameters(self.key)}) AS touched"
            f" LEFT JOIN LATERAL (SELECT convert_to({line},'UTF8') AS line,{wanted} FROM {sql.name} AS t"
            f" WHERE {keys.matching(self.key, 't', names)}) AS found ON true"
        ).encode()
        texts = ",".join(f"given.k{n}" for n in range(1, len(self.key) + 1))
        self.touch = (
            f"INSERT INTO outgrow.log (t,key) SELECT {number},ARRAY[{texts}] FROM {keys.parameters(self.key)}"
        ).encode()

    def literals(self, change: store.ValueChanges) -> list[str]:
        """The touched keys as SQL literals, as the quarantine has them."""
        there = (tuple(row[column.position] for column in self.key) for row in change.rows)
        return [keys.literal(self.key, tuple(map(_text, key))) for key in (*there, *change.gone)]


class ChangeReader:
    """Reads batches of changes over one session in autocommit mode, which finds the types of extensions.

    `watched` are the source names of tables that have rows in quarantine: a touched key there settles its older record.
    """

    def __init__(self, session: psycopg.Connection, planned: plan.Plan) -> None:
        self._session = session
        self._session.prepared_max = None  # every table's statement stays prepared
        self._tables = {number: _Table(planned.schema, table, number) for number, table in enumerate(planned.tables, 1)}
        self._epoch = live_state.read(session).epoch
        self._waiting: list[tuple[bytes, Sequence[Any]]] = []
        self._deleted = self._acknowledged = 0
        self.watched = {name for (name,) in session.execute("SELECT DISTINCT table_name FROM outgrow.quarantine")}

    def changes(self, limit: int) -> store.Batch[store.ValueChanges]:
        """The changes that the file does not have, at most `limit` entries of the log, in one snapshot that is on the disk.

        What was acknowledged before goes along in the same round trip. Raises errors.TargetBusy where another process
        acknowledged first, or where the target is not the primary of the epoch that this reader was made in.
        """
        with self._guarded():
            own = self._idle
            try:
                position, found = self._look(limit, own=own)
                picked = found if limit >= store.EVERYTHING else self._within(found[:limit])
                made = self._read(picked, own=own)
            finally:
                if own:
                    self.release()
            if any(unsynced for *_, unsynced in picked):
                self._flush(position)
        self._tidy()
        settled = {
            change.table: self._tables[number].literals(change)
            for number, change in made
            if change.table in self.watched
        }
        mark = Mark(entries=multirange([entry for entry, *_ in picked]), count=len(picked), settled=settled)
        return store.Batch(
            changes=[change for _, change in made],
            entries=len(picked),
            mark=mark,
            complete=len(picked) == len(found),
        )

    def acknowledge(self, mark: Mark, applied: store.Applied) -> None:
        """The file has durably what a batch brought, but for what it refused; sent with the next reading, or by `settle`."""
        refused: dict[str, list[str]] = {}
        for refusal in applied.refusals:
            refused.setdefault(refusal.table, []).append(refusal.key)
        self._waiting.append((_ACKNOWLEDGE, [mark.entries, applied.serial, self._epoch]))
        self._acknowledged += mark.count
        for table in {**mark.settled, **refused}:
            touched = [*mark.settled.get(table, ()), *refused.get(table, ())]
            self._waiting.append((_FORGET, [table, touched]))
        for refusal in applied.refusals:
            self._waiting.append((_KEEP, [refusal.table, refusal.key, refusal.record, "", refusal.reason]))
        self.watched |= set(refused)
        self._deleted += mark.count

    def settle(self) -> None:
        """Send what was acknowledged, now."""
        with self._guarded(), self._session.pipeline():
            self._send()
        self._tidy()

    def pending(self) -> int:
        """How many entries are waiting; those whose acknowledgement is on its way are not."""
        found = self._session.execute(
            "SELECT count(*) FROM (SELECT FROM outgrow.log LIMIT 100000) AS waiting"
        ).fetchone()
        assert found is not None
        return max(int(found[0]) - self._acknowledged, 0)

    def touch(self, table: str, found: Sequence[store.Key]) -> None:
        """Have rows read again as if they had been written, by their keys as COPY texts."""
        one = next(one for one in self._tables.values() if one.plan.source == table)
        self._run(one.touch, keys.transposed(one.key, found))

    @contextlib.contextmanager
    def locked(self, deadline: float) -> Iterator[None]:
        """A transaction in which nobody else can commit a write; committed at the block's end, rolled back by an exception.

        Writers are let through between attempts, so that they never queue behind one for longer than 50 ms. Raises
        errors.Retryable after `deadline` seconds, and says who did not let go.
        """
        self.lock(deadline)
        try:
            yield
            self._session.execute("COMMIT")
        finally:
            self.release()

    def lock(self, deadline: float) -> float:
        """Begin such a transaction; since when writers have been waiting (monotonic clock)."""
        end = time.monotonic() + deadline
        wait = _SHORTEST_WAIT
        idle = round(max(deadline, _LEAST_IDLE) * 1000)
        # The server may not hear of it when we lose the connection: it lets the writers in by itself. After a pipeline, which
        # libpq ends with a Flush, PostgreSQL does not count a session's idle time; so nothing is one here.
        limits = f"SET LOCAL idle_in_transaction_session_timeout = {idle}"
        if self._session.info.server_version >= 170000:
            limits += f"; SET LOCAL transaction_timeout = {idle + _MORE}"
        while True:
            began = time.monotonic()
            try:
                # READ COMMITTED: what is read after the lock was taken is everything that was committed before.
                self._say(
                    f"BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = {round(wait * 1000)}; {limits};"
                    " LOCK TABLE outgrow.log IN SHARE ROW EXCLUSIVE MODE; SET LOCAL lock_timeout = 0".encode()
                )
            except psycopg.errors.LockNotAvailable as error:
                left = end - time.monotonic()
                if left <= 0:
                    raise self._held(deadline) from error
                time.sleep(min(wait, left))
                wait = min(wait * 2, _LONGEST_WAIT)
            else:
                return began
            finally:
                if self._session.info.transaction_status == pq.TransactionStatus.INERROR:
                    self.release()

    def release(self) -> None:
        """End the transaction of `lock`, if it is still open, and undo what was not committed."""
        if not self._session.closed and not self._idle:
            self._session.rollback()

    @property
    def _idle(self) -> bool:
        return self._session.info.transaction_status == pq.TransactionStatus.IDLE

    def _held(self, deadline: float) -> errors.Retryable:
        self.release()
        holders = [text for (text,) in self._session.execute(statements.named("log_holders", file="live"))]
        return errors.Retryable(
            "The application's writes could not be stopped",
            why=f"a transaction that writes did not end within {deadline:g} s: {'; '.join(holders) or 'it ended just now'}",
            hint="Nothing changed. Try again, or with a longer --deadline; to end one: SELECT pg_terminate_backend(PID)",
        )

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Tell a compare-and-set that failed in the error tree."""
        try:
            yield
        except psycopg.Error as error:
            self.release()
            if error.sqlstate == live_state.MOVED:
                raise live_state.moved(error) from error
            raise

    def _run(self, statement: bytes, parameters: Sequence[Any] = ()) -> psycopg.RawCursor[tuple[Any, ...]]:
        return psycopg.RawCursor(self._session).execute(statement, parameters, prepare=True, binary=True)

    def _say(self, command: bytes) -> None:
        psycopg.RawCursor(self._session).execute(command, prepare=False)

    def _send(self) -> None:
        """What was acknowledged, in a transaction of its own that waits for no disk: entries that come back do no harm."""
        waiting, self._waiting = self._waiting, []
        self._acknowledged = 0
        if not waiting:
            return
        own = self._idle
        if own:
            self._say(b"BEGIN")
            self._say(b"SET LOCAL synchronous_commit = off")
        for statement, parameters in waiting:
            self._run(statement, parameters)
        if own:
            self._say(b"COMMIT")

    def _look(self, limit: int, *, own: bool) -> tuple[str, list[_Entry]]:
        """Take a snapshot, with `own` in a transaction of its own, and read its place in the server's log and the entries.

        There is one entry more than `limit` if there are more.
        """
        with self._session.pipeline():
            self._send()
            if own:
                self._say(_BEGIN)
            looking, entries = self._run(_LOOK), self._run(_ENTRIES, [limit + 1])
        epoch, primary, position, _ = looking.fetchone() or (None, "nobody", "", "")
        if (epoch, primary) != (self._epoch, Side.POSTGRES):
            raise errors.TargetBusy(
                "The target's primary is not what it was",
                why=f"it is {primary} of epoch {epoch}, and not {Side.POSTGRES} of epoch {self._epoch}",
                hint="Another process changed it: type the same command again to continue from where it is",
            )
        return position, entries.fetchall()

    def _within(self, found: list[_Entry]) -> list[_Entry]:
        """As many of the entries as a batch can hold, one at least."""
        room = BATCH_BYTES
        for number, (_, table, *_) in enumerate(found):
            room -= self._tables[table].plan.widest
            if room < 0:
                return found[: max(number, 1)]
        return found

    def _read(self, picked: Sequence[_Entry], *, own: bool) -> list[tuple[int, store.ValueChanges]]:
        """The rows of the entries, table by table, under the tables' numbers."""
        touched: dict[int, dict[store.Key, None]] = {}
        for _, number, key, _ in picked:
            touched.setdefault(number, {})[tuple(key)] = None
        if not touched:
            return []
        cursors = []
        with self._session.pipeline():
            for number, found in touched.items():
                one = self._tables[number]
                cursors.append((number, self._run(one.read, keys.transposed(one.key, list(found)))))
            if own:
                self._say(b"COMMIT")
        return [(number, self._changes(number, cursor)) for number, cursor in cursors]

    def _changes(self, number: int, cursor: psycopg.RawCursor[tuple[Any, ...]]) -> store.ValueChanges:
        one = self._tables[number]
        rows, canonical, gone = [], [], []
        for line, *values in cursor:
            if line is None:
                gone.append(tuple(values[one.width :]))
            else:
                canonical.append(line)
                rows.append(tuple(values[: one.width]))
        return store.ValueChanges(table=one.plan.source, rows=rows, canonical=canonical, gone=gone)

    def _flush(self, position: str) -> None:
        """Bring everything that the snapshot showed to the disk: the file must not have what a crash could take back here."""
        if self._idle:
            with self._session.pipeline():
                self._say(b"BEGIN")
                self._say(b"SET LOCAL synchronous_commit = on")
                self._say(statements.named("flush_live", file="live").encode())
                self._say(b"COMMIT")
            return
        # No commit can be had within the transaction of `lock`, but the server promises one round of its own writer's
        # three times.
        began = time.monotonic()
        while (row := self._run(_FLUSHED, [position]).fetchone()) is not None and not row[0]:
            if time.monotonic() - began > 3 * row[1] / 1000:
                return
            time.sleep(_FLUSH_PAUSE)

    def _tidy(self) -> None:
        """Vacuum the log now and then; autovacuum leaves it alone."""
        if self._deleted >= VACUUM_AFTER and self._idle:
            self._session.execute("VACUUM outgrow.log")
            self._deleted = 0


def _text(value: Any) -> str:
    """A restored value as COPY text."""
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)


def multirange(numbers: Sequence[int]) -> str:
    """Ascending numbers, and no others, as the text of an int8multirange."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number:
            ranges[-1][1] = number + 1
        else:
            ranges.append([number, number + 1])
    return "{" + ",".join(f"[{first},{after})" for first, after in ranges) + "}"
