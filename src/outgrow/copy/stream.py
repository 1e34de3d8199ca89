"""One stream of a copy: a thread with a connection to either side that copies chunk after chunk."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterator

from outgrow import failpoints, workers
from outgrow.codec import separators
from outgrow.copy import chunks, lines
from outgrow.model import event, plan
from outgrow.postgres import connection, hints, loader, sql_table, state
from outgrow.sqlite import reader

__all__ = ["Readers", "Stream"]

Readers = Callable[[str], reader.TableReader]
"""Gives the reader of a table by its source name; one stream's readers share a connection."""

_AHEAD_BYTES = 8 * 2**20
_MOST_KEPT = 2_000
"""Rows for the quarantine that wait in memory until their chunk's COPY is over."""

_SMALL = 10_000
"""Rows of a table whose pages all stay in the server's memory anyway."""


class _Careful(Exception):
    """Too many rows of a chunk belong into the quarantine to wait for the end of its COPY."""


class Stream:
    """Copies chunks with its own pair of connections.

    SQLite builds COPY text a thousand rows at a time, with a call of `pace` before each; a group with a misfit is read
    row by row. A chunk that PostgreSQL refuses
    is rolled back and done again with a look at every group, and if that is refused too, in small batches.
    """

    def __init__(
        self,
        source: Readers,
        target: connection.Session,
        *,
        schema: str,
        run: str,
        null: str,
        stop: workers.Stop,
        sink: event.Sink,
        hints: hints.Hints,
        pace: Callable[[], None] = lambda: None,
    ) -> None:
        self._pace = pace
        self._hints = hints
        self._source = source
        self._target = target
        self._state = state.State(target, run=run)
        self._schema = schema
        self._null = null
        self._stop = stop
        self._doubtful: set[str] = set()
        self._sink = sink

    def run(self, todo: chunks.Queue) -> None:
        """Copy until no chunk is left; raises workers.Stopped when told to stop."""
        # A chunk and the note that it is done are one transaction: a crash of the server loses both or none. Files with
        # many small tables would wait for the disk most of the time.
        connection.commit_without_waiting(self._target)
        while (chunk := todo.take()) is not None:
            self._stop.check()
            self.copy(chunk)

    def copy(self, chunk: chunks.Chunk) -> None:
        """Copy one chunk in one transaction, unless it is done."""
        source = self._source(chunk.table.source)
        sql = sql_table.TableSql(self._schema, chunk.table)
        loaded: loader.Loaded | None = None
        if chunk.table.source not in self._doubtful:
            # What the fastest way does not look at (separators in values, text that is not UTF-8) PostgreSQL refuses.
            loaded = self._attempt(chunk, lambda: self._fast(source, sql, chunk, looking=False))
            if loaded is None:
                self._doubtful.add(chunk.table.source)
        loaded = loaded or self._attempt(chunk, lambda: self._fast(source, sql, chunk, looking=True))
        loaded = loaded or self._transaction(chunk, lambda: self._slow(source, sql, chunk))
        self._sink(event.ChunkCopied(table=chunk.table.source, rows=loaded.rows, size=loaded.size))
        if loaded.quarantined:
            self._sink(event.RowsQuarantined(table=chunk.table.source, rows=loaded.quarantined))

    def _attempt(self, chunk: chunks.Chunk, work: Callable[[], loader.Loaded]) -> loader.Loaded | None:
        """What the chunk brought, None if it was refused and rolled back."""
        try:
            return self._transaction(chunk, work)
        except (_Careful, loader.Refused):
            return None

    def _transaction(self, chunk: chunks.Chunk, work: Callable[[], loader.Loaded]) -> loader.Loaded:
        with self._loading(chunk.table):
            if not self._state.claim_chunk(chunk.table.source, chunk.ordinal):
                return loader.Loaded(rows=0, quarantined=0, size=0)
            failpoints.hit("chunk.claimed")
            loaded = work()
            self._state.finish_chunk(
                chunk.table.source,
                chunk.ordinal,
                rows=loaded.rows,
                quarantined=loaded.quarantined,
                size=loaded.size,
            )
            failpoints.hit("chunk.copied")
        failpoints.hit("chunk.committed")
        return loaded

    def _loading(self, table: plan.TablePlan) -> contextlib.AbstractContextManager[object]:
        """A transaction, whose rows are looked at after it, unless the table is not worth the round trips."""
        if table.rows > _SMALL:
            return self._hints.loading(self._target, table.target)
        return self._target.transaction()

    def _fast(
        self, source: reader.TableReader, sql: sql_table.TableSql, chunk: chunks.Chunk, *, looking: bool
    ) -> loader.Loaded:
        """Copy by the group; one with a misfit goes row by row, and so does, when `looking`, one that is not clean."""
        units = len(source.sql.columns) + source.sql.keeps_rowid - 1
        rows = 0
        kept: list[lines.RowLine] = []

        def blocks() -> Iterator[bytes]:
            nonlocal rows
            for span, group in source.copy_groups(chunk.span):
                self._stop.check()
                self._pace()
                clean = not group.misfits
                if clean and looking:
                    clean = separators.are_clear(group.data, rows=group.rows, units=units)
                if clean:
                    rows += group.rows
                    yield loader.escape_group(group.data)
                else:
                    fitting = []
                    for line in lines.careful(source, span, self._null):
                        ready = line.line
                        if ready is None:
                            kept.append(line)
                        else:
                            fitting.append(ready + b"\n")
                    if len(kept) > _MOST_KEPT:
                        raise _Careful
                    rows += len(fitting)
                    yield b"".join(fitting)
            if chunk.last:
                kept.extend(lines.unwalked(source, self._null))

        with contextlib.closing(_ahead(blocks())) as ready:
            counted, size = loader.copy_blocks(self._target, sql.copy(self._null), ready)
        if counted != rows:
            raise loader.Refused
        loader.quarantine(self._state, chunk.table, [line.misfit() for line in kept])
        return loader.Loaded(rows=rows, quarantined=len(kept), size=size)

    def _slow(self, source: reader.TableReader, sql: sql_table.TableSql, chunk: chunks.Chunk) -> loader.Loaded:
        def judged() -> Iterator[lines.RowLine]:
            for line in lines.careful(source, chunk.span, self._null):
                self._stop.check()
                yield line
            if chunk.last:
                yield from lines.unwalked(source, self._null)

        return loader.load(self._target, chunk.table, sql, self._null, judged())


def _ahead(blocks: Iterator[bytes]) -> Generator[bytes]:
    """The same blocks, made by another thread while the last ones are being sent, within a bound on their bytes."""
    ready: queue.Queue[bytes | BaseException | None] = queue.Queue()
    waiting = threading.Condition()
    ended = threading.Event()
    pending = 0

    def room() -> bool:
        return pending < _AHEAD_BYTES or ended.is_set()

    def make() -> None:
        nonlocal pending
        outcome: BaseException | None = None
        try:
            for block in blocks:
                with waiting:
                    waiting.wait_for(room)
                    pending += len(block)
                if ended.is_set():
                    return
                ready.put(block)
        except BaseException as error:  # handed to the reader of the queue
            outcome = error
        ready.put(outcome)

    thread = threading.Thread(target=make, name="outgrow-encode", daemon=True)
    thread.start()
    try:
        while True:
            block = ready.get()
            if block is None:
                return
            if isinstance(block, BaseException):
                raise block
            yield block
            with waiting:
                pending -= len(block)
                waiting.notify()
    finally:
        with waiting:
            ended.set()
            waiting.notify()
        thread.join()
