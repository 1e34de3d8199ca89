"""The file in a live migration: opened for writing, with outgrow's own row of state, the lock of a switch, and the fence."""

from __future__ import annotations

import contextlib
import os
import pathlib
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import apsw

from outgrow import errors, failpoints
from outgrow.model import own
from outgrow.model.phase import Side
from outgrow.sqlite import capture, connection, file_state

__all__ = ["LiveFile"]

PATIENCE = 10.0
"""Seconds for which a transaction of ours waits for the application's."""

_SPIN = 0.0002
"""Seconds between two attempts at the write lock: SQLite's own back-off waits up to 330 ms (measured)."""


class LiveFile:
    """A file in WAL mode, opened for writing, and closed in the end with every connection made from it.

    `writer` is the one connection that writes: neither triggers nor foreign keys act on what it does, so neither capture
    nor the fence nor the application's own triggers see it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = pathlib.Path(path).resolve()
        self._patience = PATIENCE
        self._usage = contextlib.ExitStack()
        self._usage.enter_context(connection.usable(self.path))
        try:
            _complete_rights(self.path)
            self.source = connection.Source(path=self.path, opened=self.path, parameters="mode=rw")
            found = self.path.stat()
            self._identity: tuple[int, int] | None = (found.st_dev, found.st_ino)
            self.source.main.companion = None  # one processor is enough for us: the application has the others
            self._usage.callback(self.source.close)
            with connection.translate_errors(self.path):
                self.writer = self._writer()
                self.encoding = str(self.writer.pragma("encoding"))
        except BaseException:
            self._usage.close()
            raise

    def _writer(self) -> apsw.Connection:
        made = self.source.connect()
        made.execute("PRAGMA query_only=OFF; PRAGMA foreign_keys=OFF; PRAGMA recursive_triggers=OFF")
        made.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
        made.config(apsw.SQLITE_DBCONFIG_ENABLE_FKEY, 0)
        return made

    @property
    def name(self) -> str:
        """The file's name for people."""
        return self.source.name

    @property
    def wal(self) -> pathlib.Path:
        """The log of the file."""
        return self.path.with_name(self.path.name + "-wal")

    def connect(self) -> apsw.Connection:
        """One more connection, for reading."""
        return self.source.connect()

    def close(self) -> None:
        """Close every connection."""
        self._usage.close()

    def __enter__(self) -> LiveFile:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def journal_mode(self) -> str:
        """The file's journal mode."""
        return str(self.writer.pragma("journal_mode"))

    def change_journal_mode(self, mode: str) -> None:
        """Bring the file into a journal mode; errors.SourceBusy while another process has it open in the old one."""
        with connection.translate_errors(self.path):
            got = str(self.writer.pragma("journal_mode", mode))
        if got != mode:
            raise errors.SourceBusy(
                f"{self.path} cannot be brought into journal mode {mode}",
                why="another process is using it at this moment",
                hint="Type it again; it takes an instant without readers and writers",
            )

    def state(self) -> file_state.FileState | None:
        """What the file says of its migration, None if it has none."""
        return file_state.read(self.writer)

    @contextlib.contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[None]:
        """One write transaction over the writer; errors.SourceBusy where the lock is not to be had within our patience."""
        self.lock(self._patience, durable=durable)
        try:
            yield
            self.writer.execute("COMMIT")
        finally:
            self.release()

    @contextlib.contextmanager
    def patient(self, seconds: float) -> Iterator[None]:
        """Wait for no longer than that for the write lock, within the block."""
        before, self._patience = self._patience, min(seconds, self._patience)
        try:
            yield
        finally:
            self._patience = before

    def lock(self, deadline: float, *, durable: bool = True) -> float:
        """Take the write lock within `deadline` seconds, in a transaction; since when it is held (monotonic clock).

        Raises errors.SourceBusy otherwise, and nothing is held.
        """
        self.writer.set_busy_timeout(0)
        end = time.monotonic() + deadline
        while True:
            try:
                self.writer.pragma("synchronous", "full" if durable else "normal")
                self.writer.execute("BEGIN IMMEDIATE")
            except apsw.BusyError as error:
                if time.monotonic() > end:
                    raise errors.SourceBusy(
                        f"{self.path} is locked by the application",
                        why=f"a transaction of it did not end within {deadline:g} s",
                        hint="Try again, or with a longer --deadline; look for a transaction that is left open",
                    ) from error
                time.sleep(_SPIN)
            else:
                return time.monotonic()

    def release(self) -> None:
        """Give the write lock back, and with it whatever was not committed."""
        if self.writer.in_transaction:
            self.writer.execute("ROLLBACK")

    def begin(self, statements: Sequence[str], *, run: str, target: str, journal_mode: str) -> None:
        """Install capture and the row of state, within a transaction of the caller's."""
        self.writer.execute(file_state.CREATE)
        self.writer.execute(
            f"INSERT INTO {file_state.STATE} VALUES (1,?,?,0,?,0,'',?,0,0)",
            (run, target, str(Side.SQLITE), journal_mode),
        )
        for statement in statements:
            self.writer.execute(statement)
        self.note_schema()

    def note_schema(self) -> int:
        """Write down, within a transaction of the caller's, that the schema as it is now was looked at; its version."""
        version = int(self.writer.pragma("schema_version"))
        self.writer.execute(f"UPDATE {file_state.STATE} SET schema_version=?", (version,))
        return version

    def require_same(self) -> None:
        """Refuse to go on with a file that has lost its name: whoever opens that now, opens another one.

        Raises errors.SourceRewound.
        """
        try:
            found = self.path.stat()
            there = (found.st_dev, found.st_ino)
        except FileNotFoundError:
            there = None
        if there != self._identity:
            what = "is gone" if there is None else "is another file now"
            raise errors.SourceRewound(
                f"{self.path} {what}",
                why="it was moved, deleted or replaced while it was followed; what is written to it now is not followed",
                hint=f"Put the old one back; or go on with this one, comparing every row: outgrow run {self.path} --resync",
            )

    def remove(self) -> None:
        """Remove every trace of outgrow, within a transaction of the caller's."""
        found = self.writer.execute(
            "SELECT type,name FROM sqlite_schema WHERE name LIKE ? ESCAPE '\\' AND type IN ('trigger','table')"
            " ORDER BY type DESC",
            (own.PREFIX.replace("_", "\\_") + "%",),
        ).fetchall()
        for kind, name in found:
            self.writer.execute(f'DROP {kind} IF EXISTS "{name}"')

    def widen_log(self, width: int) -> None:
        """Make the log wide enough for keys of that many columns, within a transaction of the caller's."""
        columns = {name for _, name, *_ in self.writer.execute(f"PRAGMA table_info({capture.LOG})")}
        before = sum(1 for name in columns if str(name).startswith("k"))
        for statement in capture.widen_log(before, width):
            self.writer.execute(statement)

    def sequences(self) -> Mapping[str, int]:
        """The highest ids ever given, by table, where AUTOINCREMENT keeps them."""
        if not self.writer.execute("SELECT 1 FROM sqlite_schema WHERE name='sqlite_sequence'").fetchone():
            return {}
        found = self.writer.execute(
            "SELECT name,max(seq) FROM sqlite_sequence WHERE typeof(seq)='integer' GROUP BY name"
        )
        return {str(name): int(seq) for name, seq in found}

    def users(self) -> list[int]:
        """Process ids of others that have the file open, as far as this user may see; Linux only, elsewhere none is seen."""
        mine = self.path.stat()
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            if int(process.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                for name in os.listdir(process / "fd"):
                    with contextlib.suppress(OSError):
                        there = os.stat(process / "fd" / name)
                        if (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino):
                            found.append(int(process.name))
                            break
        return sorted(found)

    def leave(self) -> None:
        """Remove every trace of outgrow, and bring the file back into the journal mode that it had."""
        state = self.state()
        with self.writing():
            self.remove()
        if state is not None and state.journal_mode != "wal":
            self.source.close_but(self.writer)
            self.change_journal_mode(state.journal_mode)

    def archive(self) -> None:
        """Remove every trace of outgrow, and leave one file that nobody can write to."""
        # First of all: whoever opens it from now on cannot write, fence or not.
        self.path.chmod(stat.S_IMODE(self.path.stat().st_mode) & ~0o222)
        failpoints.hit("end.file_read_only")
        with self.writing():
            self.remove()
        self.source.close_but(self.writer)
        self.change_journal_mode("delete")

    def fence(self, epoch: int) -> None:
        """Close the file to the application and name PostgreSQL as primary of `epoch`; the caller's commit decides."""
        self.writer.execute(capture.fence(epoch))
        self._become(epoch, Side.POSTGRES)

    def open(self, epoch: int) -> None:
        """Open the file to the application, as primary of `epoch`, within a transaction of the caller's."""
        self.writer.execute(capture.drop_fence())
        self._become(epoch, Side.SQLITE)

    def _become(self, epoch: int, primary: Side) -> None:
        self.writer.execute(f"UPDATE {file_state.STATE} SET epoch=?,primary_store=?", (epoch, str(primary)))

    def set_control(self, path: str) -> None:
        """Write down where the engine answers."""
        with self.writing(durable=False):
            self.writer.execute(f"UPDATE {file_state.STATE} SET control=?", (path,))

    def pulse(self) -> Callable[[], float]:
        """A function that writes one row as the application would, over its own connection, and gives the seconds it took."""
        beater = self._writer()
        beater.set_busy_timeout(round(PATIENCE * 1000))

        def beat() -> float:
            began = time.monotonic()
            beater.execute(f"UPDATE {file_state.STATE} SET beat=beat+1")
            return time.monotonic() - began

        return beat

    def prune(self, before: int, *, at_most: int) -> int:
        """Delete log entries before a number; 0 if the application holds the lock at this moment.

        The entry of a position that somebody goes on from must stay: by it the file is recognised.
        """
        try:
            self.writer.set_busy_timeout(0)
            self.writer.pragma("synchronous", "normal")
            self.writer.execute(
                f"DELETE FROM {capture.LOG} WHERE seq IN (SELECT seq FROM {capture.LOG} WHERE seq<? ORDER BY seq LIMIT ?)",
                (before, at_most),
            )
        except apsw.BusyError:
            return 0
        return self.writer.changes()

    def sync_wal(self) -> None:
        """Bring the log to the disk, so that a power cut cannot take back what the follower is about to have."""
        with contextlib.suppress(FileNotFoundError), open(self.wal, "rb") as log:
            os.fdatasync(log.fileno()) if hasattr(os, "fdatasync") else os.fsync(log.fileno())


def _complete_rights(path: pathlib.Path) -> None:
    """Take back the right to write to a file that is fenced and cannot be written to: its archiving was interrupted."""
    found = path.stat()
    if found.st_mode & 0o200 or found.st_uid != os.geteuid():
        return
    mode = stat.S_IMODE(found.st_mode)
    # Before the look: SQLite would give the file's rights to what it has to make beside it.
    path.chmod(mode | 0o200)
    fenced = False
    try:
        there = file_state.peek(path)
        fenced = there is not None and there.primary is Side.POSTGRES
    finally:
        if not fenced:
            path.chmod(mode)
