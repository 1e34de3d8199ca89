"""Loading chunks: COPY of what the file's reader made, the progress and the quarantine, all in one transaction."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import psycopg

from outgrow import failpoints
from outgrow.model import plan, store
from outgrow.postgres import sql_table, state

__all__ = ["Line", "Loaded", "Refused", "copy_blocks", "escape", "escape_group", "load", "quarantine"]

_BATCH_ROWS = 1_000
_BATCH_BYTES = 4 * 2**20
_NO_SUCH_VALUE = "22", "23", "54"
"""Classes of SQLSTATE with which PostgreSQL refuses a row: data exception, integrity violation, limit exceeded."""


class Line(Protocol):
    """A row on its way: its COPY line, or its exact values for the quarantine."""

    @property
    def line(self) -> bytes | None:
        """The escaped line without its end, None for a row that does not fit."""

    def misfit(self, *, why: str = "") -> store.Misfit:
        """The row as the quarantine keeps it; `why` is PostgreSQL's reason to refuse a row that seemed to fit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """What a chunk brought: rows at the target, rows in quarantine, bytes sent."""

    rows: int
    quarantined: int
    size: int


def escape(value: bytes) -> bytes:
    """One value of a line in COPY's text format, whatever it contains."""
    for character, escaped in ((b"\\", b"\\\\"), (b"\n", b"\\n"), (b"\r", b"\\r"), (b"\x1f", b"\\\x1f")):
        if character in value:
            value = value.replace(character, escaped)
    return value


def escape_group(data: bytes) -> bytes:
    """Lines joined by RECORD as COPY text: replacements over a whole group cost less than any of them a value.

    A separator inside a value makes COPY find a line of another number of columns or one line more than there are rows.
    """
    for character, escaped in ((b"\\", b"\\\\"), (b"\n", b"\\n"), (b"\r", b"\\r")):
        if character in data:
            data = data.replace(character, escaped)
    return data.replace(b"\x1e", b"\n") + b"\n"


class Refused(Exception):
    """PostgreSQL refused a row of a COPY; its transaction or savepoint is gone."""


def copy_blocks(connection: psycopg.Connection, statement: str, blocks: Iterable[bytes]) -> tuple[int, int]:
    """Run one COPY; the rows that PostgreSQL counted and the bytes sent. Raises Refused where a row is at fault."""
    size = 0
    try:
        with connection.cursor() as cursor:
            with cursor.copy(statement.encode()) as copy:
                for block in blocks:
                    copy.write(block)
                    size += len(block)
            rows = cursor.rowcount
    except psycopg.Error as error:
        if (error.sqlstate or "")[:2] in _NO_SUCH_VALUE:
            raise Refused from error
        raise
    return rows, size


def quarantine(keeper: state.State, table: plan.TablePlan, misfits: Sequence[store.Misfit]) -> None:
    """Keep rows that do not fit, within the caller's transaction."""
    keeper.quarantine(table.source, misfits)
    for _ in misfits:
        failpoints.hit("row.quarantined")


def load(
    connection: psycopg.Connection, table: plan.TablePlan, sql: sql_table.TableSql, null: str, lines: Iterator[Line]
) -> Loaded:
    """Load rows one by one judged: what fits goes in, what does not or what PostgreSQL refuses goes to the quarantine.

    Runs within the caller's transaction. A batch that PostgreSQL refuses is halved until the refused rows are found.
    """
    statement = sql.copy(null)
    sources = {column.target: column.source for column in table.columns}
    rows = size = 0
    batch: list[Line] = []
    batch_size = 0
    with _Aside(state.State(connection), table) as aside:

        def flush() -> None:
            nonlocal rows, size, batch_size
            refused = _load_batch(connection, statement, batch)
            for line, reason, column in refused:
                aside.add(dataclasses.replace(line.misfit(why=reason), column=sources.get(column, "")))
            rows += len(batch) - len(refused)
            size += batch_size
            batch.clear()
            batch_size = 0

        for line in lines:
            if line.line is None:
                aside.add(line.misfit())
                continue
            batch.append(line)
            batch_size += len(line.line)
            if len(batch) >= _BATCH_ROWS or batch_size >= _BATCH_BYTES:
                flush()
        flush()
    return Loaded(rows=rows, quarantined=aside.rows, size=size)


class _Aside:
    """Rows on their way to the quarantine, sent in batches; the last one at the end of the block."""

    def __init__(self, keeper: state.State, table: plan.TablePlan) -> None:
        self._keeper = keeper
        self._table = table
        self._waiting: list[store.Misfit] = []
        self._size = 0
        self.rows = 0

    def add(self, misfit: store.Misfit) -> None:
        self._waiting.append(misfit)
        self._size += len(misfit.record)
        self.rows += 1
        if len(self._waiting) >= _BATCH_ROWS or self._size >= _BATCH_BYTES:
            self._send()

    def _send(self) -> None:
        quarantine(self._keeper, self._table, self._waiting)
        self._waiting.clear()
        self._size = 0

    def __enter__(self) -> _Aside:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self._send()


def _load_batch(connection: psycopg.Connection, statement: str, batch: list[Line]) -> list[tuple[Line, str, str]]:
    """Load a batch in a savepoint, and return the rows that PostgreSQL refused, with its words and the column it named."""
    if not batch:
        return []
    try:
        with connection.transaction():
            copy_blocks(connection, statement, [b"".join((line.line or b"") + b"\n" for line in batch)])
    except Refused as refusal:
        error = refusal.__cause__
        assert isinstance(error, psycopg.Error)
        if len(batch) == 1:
            message = (error.diag.message_primary or str(error)).strip()
            return [(batch[0], f"PostgreSQL: {message}", error.diag.column_name or _column(error))]
        middle = len(batch) // 2
        return _load_batch(connection, statement, batch[:middle]) + _load_batch(connection, statement, batch[middle:])
    return []


def _column(error: psycopg.Error) -> str:
    """The column that COPY's context names: `COPY t, line 1, column c: "…"`."""
    context = error.diag.context or ""
    return context.partition(", column ")[2].partition(":")[0]
