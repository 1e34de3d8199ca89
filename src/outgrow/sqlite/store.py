"""The file as one of the two stores of a live migration: primary before the switch, follower after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from outgrow import errors
from outgrow.model import plan, store
from outgrow.sqlite import apply, capture, changes, file_state, live, values

__all__ = ["FileStore"]

_LOGGED_AT_ONCE = 500


class FileStore:
    """Reads changes, applies batches, locks, fences and opens; `mark` is the follower's position in the log."""

    def __init__(
        self, file: live.LiveFile, planned: plan.Plan, captured: Mapping[int, capture.Captured], *, null: str
    ) -> None:
        self.file = file
        self.captured = captured
        self.reader = changes.ChangeReader(file.connect(), captured, encoding=planned.encoding, null=null)
        self._applier = apply.Applier(file, planned, captured.values())
        self.mark = changes.Mark(seq=0, token=0)

    def changes(self, limit: int) -> store.Batch[store.LineChanges]:
        """The changes after the mark; what they are of is on the disk before anybody else gets it."""
        batch = self.reader.changes(self.mark, limit)
        if batch.entries:
            self.file.sync_wal()
        return batch

    def acknowledge(self, mark: Any, applied: store.Applied) -> None:
        """The target has everything up to a mark."""
        self.mark = mark

    def apply(self, batch: store.Batch[store.ValueChanges]) -> store.Applied:
        """Apply a batch of PostgreSQL's."""
        return self._applier.apply(batch)

    def state(self) -> file_state.FileState:
        """What the file says of its migration, which there must be."""
        found = self.file.state()
        if found is None:
            raise errors.StoresDisagree(
                f"{self.file.path} has lost outgrow's state",
                why="its table is gone: another file was put in this one's place, or somebody dropped it",
                hint="Put the file back; or give this migration up: outgrow abort FILE",
            )
        return found

    def pending(self) -> int:
        """How many entries of the log PostgreSQL does not have."""
        with self.reader.snapshot():
            return max(self.reader.last().seq - self.mark.seq, 0)

    def lock(self, seconds: float) -> float:
        """Keep the application's writers out; since when they have been waiting (monotonic clock)."""
        since = self.file.lock(seconds)
        try:
            self.file.require_same()
        except BaseException:
            self.file.release()
            raise
        if int(self.file.writer.pragma("schema_version")) != self.reader.schema_version:
            self.file.release()
            raise errors.Retryable(
                "The file's schema was changed a moment ago",
                why="the follower has to look at it first",
                hint="Nothing changed. Type it again",
            )
        return since

    def release(self) -> None:
        """Let the writers in again."""
        self.file.release()

    def fence(self, epoch: int) -> None:
        """Close the file, in the transaction that `lock` began: the decision for PostgreSQL."""
        self.file.fence(epoch)
        version = self.file.note_schema()
        self.file.writer.execute("COMMIT")
        self.reader.schema_version = version

    def open(self, epoch: int) -> None:
        """Open the file to the application."""
        with self.file.writing():
            self.file.open(epoch)
            version = self.file.note_schema()
        self.reader.schema_version = version

    def advance_sequences(self, last: Mapping[str, int]) -> None:
        """Let AUTOINCREMENT continue after the highest id that PostgreSQL ever gave, by source table."""
        self._applier.advance_sequences(last)

    def log_keys(self, number: int, keys: Sequence[str]) -> None:
        """Log keys, given as SQL literals, as if their rows had been touched: the next batch brings what they are now."""
        width = len(self.captured[number].terms)
        names = ",".join(f"k{position}" for position in range(1, width + 1))
        for start in range(0, len(keys), _LOGGED_AT_ONCE):
            with self.file.writing(durable=False):
                for key in keys[start : start + _LOGGED_AT_ONCE]:
                    self.file.writer.execute(
                        f"INSERT INTO {capture.LOG}(t,token,{names}) VALUES ({number},random(),{key})"
                    )

    def literals(self, number: int, keys: Sequence[tuple[Any, ...]]) -> list[str]:
        """Keys as SQL literals, given as the values that `codec.restore` makes of them."""
        table = self.reader.table(number)
        marks = [codec.restored(f"?{place}") for place, codec in enumerate(table.key_codecs, 1)]
        statement = f"SELECT {','.join(values.exact(mark) for mark in marks)}"
        return [values.literals(self.file.writer.execute(statement, key).fetchone() or ()) for key in keys]

    def encoded(self, number: int, keys: Sequence[str]) -> list[store.Key]:
        """Keys as COPY texts, given as SQL literals; those that PostgreSQL cannot hold are left out."""
        table = self.reader.table(number)
        names = [f"k{place}" for place in range(1, len(table.key_codecs) + 1)]
        pairs = list(zip(table.key_codecs, names, strict=True))
        texts = ",".join(f"outgrow_utf8(CAST({codec.encode(name)} AS TEXT))" for codec, name in pairs)
        fits = " AND ".join(f"{codec.fits(name)}" for codec, name in pairs)
        result = []
        for key in keys:
            statement = f"WITH it({','.join(names)}) AS (VALUES({key})) SELECT {texts} FROM it WHERE {fits}"
            row = self.file.writer.execute(statement).fetchone()
            if row is not None:
                result.append(tuple(text.decode() for text in row))
        return result
