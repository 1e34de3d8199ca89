"""Opening a SQLite file so that reading it leaves no trace.

A file in WAL mode is the difficult case: a read-only connection creates `-wal` and `-shm` where there are none and cannot
remove them again. So what is there beforehand decides how the file is opened (`open_source`).
"""

from __future__ import annotations

import collections
import contextlib
import functools
import os
import pathlib
import shutil
import tempfile
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import apsw
from apsw import sqlite_extra

from outgrow import errors

__all__ = ["Connection", "Fingerprint", "Source", "SourceConnection", "open_source", "translate_errors", "usable"]

BUSY_TIMEOUT = 10_000
"""Milliseconds that a read waits for a lock."""


Connection = apsw.Connection
"""A connection, for those who may not import the library."""


class SourceConnection(apsw.Connection):
    """A connection that a source made; `companion` gives another one for a second thread, always the same."""

    companion: Callable[[], SourceConnection] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fingerprint:
    """What tells one state of a file from another without reading it: sizes and times of the file and its log."""

    size: int
    modified: int
    wal_size: int
    wal_modified: int


def _add_functions(connection: apsw.Connection) -> None:
    from outgrow import codec  # who only asks a file for its state does without
    from outgrow.sqlite import sql

    encoding = str(connection.pragma("encoding"))
    for name, function in codec.functions(encoding).items():
        connection.create_scalar_function(name, function, deterministic=True, flags=apsw.SQLITE_INNOCUOUS)
    _prefer_compiled(connection)
    if encoding != "UTF-8":
        connection.create_collation(sql.UTF8_COLLATION, _compare_text)


def _prefer_compiled(connection: apsw.Connection) -> None:
    """Put SQLite's own function in the place of Python's where this apsw has it: it runs without the interpreter's lock."""
    if sqlite_extra.has("ieee754"):
        with contextlib.suppress(apsw.Error):
            sqlite_extra.load(connection, "ieee754")


def _stat(path: pathlib.Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return (found.st_size, found.st_mtime_ns) if found.st_size else (0, 0)


class Source:
    """A SQLite file opened for reading, from which further connections can be made (one a thread).

    `path` is the file the user named, `name` its name for people; `opened` is the one really read, which differs when a log
    without its index forced a private copy.
    """

    def __init__(self, *, path: pathlib.Path, opened: pathlib.Path, parameters: str, functions: bool = True) -> None:
        self.path = path
        self._functions = functions
        # A name that is not UTF-8 can be opened, but not written into a plan.
        self.name = path.name.encode(errors="surrogateescape").decode(errors="replace")
        self._opened = opened
        self._parameters = parameters
        self._connections: list[SourceConnection] = []
        self.main = self.connect()
        self.main.companion = functools.cache(self.connect)
        # Python takes note of Ctrl-C in between; SQLite alone would not before the end of a statement.
        self.main.set_progress_handler(lambda: False, 1_000_000)
        self._version = self.data_version()

    def connect(self) -> SourceConnection:
        """Another connection to the same file, with the functions of the codecs if wanted; closed with the source."""
        quoted = urllib.parse.quote(os.fsencode(self._opened))
        with translate_errors(self.path):
            connection = SourceConnection(
                f"file:{quoted}?{self._parameters}", flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI
            )
            self._connections.append(connection)
            connection.set_busy_timeout(BUSY_TIMEOUT)
            connection.execute("PRAGMA query_only=ON; PRAGMA cache_size=-8192")
            # The file's views and triggers may call anything; nothing of them is ever run.
            connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
            # A quoted name that is no column is a mistake, never a string.
            connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
            if self._functions:
                _add_functions(connection)
        return connection

    @contextlib.contextmanager
    def passing(self) -> Iterator[None]:
        """Close at the end of the block every connection that was made in it."""
        before = list(self._connections)
        try:
            yield
        finally:
            for connection in [one for one in self._connections if one not in before]:
                connection.close()
                self._connections.remove(connection)

    def data_version(self) -> int:
        """A number that changes when another connection commits to the file."""
        return int(self.main.pragma("data_version"))

    def unchanged(self) -> bool:
        """Whether nobody wrote to the file since it was opened."""
        return self.data_version() == self._version

    def fingerprint(self) -> Fingerprint:
        """The file's state now; nothing is opened for it."""
        size, modified = _stat(self.path)
        wal_size, wal_modified = _stat(self.path.with_name(self.path.name + "-wal"))
        return Fingerprint(size=size, modified=modified, wal_size=wal_size, wal_modified=wal_modified)

    def close_but(self, kept: apsw.Connection) -> None:
        """Close every connection but one."""
        for connection in self._connections:
            if connection is not kept:
                connection.close()
        self._connections = [connection for connection in self._connections if connection is kept]

    def close(self) -> None:
        """Close every connection."""
        while self._connections:
            self._connections.pop().close()


@contextlib.contextmanager
def translate_errors(path: pathlib.Path) -> Iterator[None]:
    """Turn what SQLite raises into errors of outgrow's tree; NotADBError, CorruptError, BusyError and their like."""
    try:
        yield
    except apsw.NotADBError as error:
        raise errors.SourceUnreadable(
            f"{path} is not a SQLite database",
            why="its header is not SQLite's; it may be encrypted, compressed, or another kind of file",
            hint=f"Look at it with: file {path}",
        ) from error
    except apsw.CorruptError as error:
        raise errors.SourceCorrupt(
            f"{path} is damaged",
            why=str(error),
            hint=f"Recover what can be recovered: sqlite3 {path} .recover | sqlite3 recovered.db; then check that file",
        ) from error
    except apsw.TooBigError as error:
        raise errors.SchemaRefused(
            f"{path} has a row that is too large to cross",
            why="written as text it exceeds 1 GB, the limit of a value in SQLite and in PostgreSQL",
            hint="Move that value out of the database, or leave its table out in the plan: skip = true",
        ) from error
    except (apsw.BusyError, apsw.LockedError) as error:
        raise errors.SourceBusy(
            f"{path} is locked by another process",
            why=f"no read lock within {BUSY_TIMEOUT // 1000} s",
            hint="Stop the process that holds the lock, or wait for it; then type the same command",
        ) from error
    except apsw.FullError as error:
        raise _out_of_space(path, str(error)) from error
    except (apsw.CantOpenError, apsw.ReadOnlyError) as error:
        raise errors.SourceUnreadable(
            f"{path} cannot be opened for reading alone",
            why=f"{error}; an interrupted transaction may have to be rolled back first, which is a write",
            hint=f"Let SQLite finish it, as the application's user: sqlite3 {path} 'PRAGMA integrity_check'",
        ) from error
    except apsw.IOError as error:
        # A quota or a limit on the size of files is no full disk in SQLite's eyes.
        if getattr(error, "extendedresult", None) == apsw.SQLITE_IOERR_WRITE:
            raise _out_of_space(path, "it could not be written; perhaps a quota") from error
        raise errors.SourceUnreadable(f"{path} cannot be read", why=str(error), hint="Check the disk") from error


def _out_of_space(path: pathlib.Path, why: str) -> errors.OutOfSpace:
    return errors.OutOfSpace(
        f"No space left while working on {path}",
        why=why,
        hint="Free space beside the file and in the temporary directory; then type the same command",
    )


def _header(path: pathlib.Path) -> bytes:
    """The first 100 bytes, through SQLite's own file layer: closing any other descriptor would drop its locks."""
    quoted = urllib.parse.quote(os.fsencode(path))
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with contextlib.closing(apsw.Connection(f"file:{quoted}?mode=ro&immutable=1", flags=flags)) as connection:
        return connection.read("main", 0, 0, 100)[1]


_opened: collections.Counter[tuple[int, int]] = collections.Counter()
"""Device and inode of the files that are open here, of which there are descriptors of our own library."""
_opening = threading.Lock()


def _identity(path: pathlib.Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


@contextlib.contextmanager
def usable(path: pathlib.Path) -> Iterator[None]:
    """While a file is open here. Any thread may open it meanwhile.

    Raises errors.SourceUnreadable for what is no readable file, errors.SourceInUse for one that is open in this process.

    Two SQLite libraries in one process drop each other's POSIX locks, and rows are lost with a clean integrity check.
    """
    _check_readable(path)
    identity = _identity(path)
    with _opening:
        if not _opened[identity]:
            _check_unused(path, identity)
        _opened[identity] += 1
    try:
        yield
    finally:
        with _opening:
            _opened[identity] -= 1


def _check_unused(path: pathlib.Path, identity: tuple[int, int]) -> None:
    for name in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError):
            there = os.fstat(int(name))
            if (there.st_dev, there.st_ino) == identity:
                raise errors.SourceInUse(
                    f"{path} is already open in this process",
                    why="two SQLite libraries in one process drop each other's locks on a file",
                    hint="Run outgrow as a process of its own, never inside the application",
                )


def _check_readable(path: pathlib.Path) -> None:
    if not path.exists():
        raise errors.SourceUnreadable(
            f"{path} does not exist", hint=f"Check the path; relative paths start at {pathlib.Path.cwd()}"
        )
    if path.is_dir():
        raise errors.SourceUnreadable(f"{path} is a directory", hint="Name the database file in it")
    if not os.access(path, os.R_OK):
        raise errors.SourceUnreadable(
            f"{path} cannot be read", why="permission denied", hint="Run as the user that owns the file"
        )


def _private_copy(path: pathlib.Path, directory: pathlib.Path) -> pathlib.Path:
    """Copy a file and its log, neither of which anybody has open, into `directory`."""
    wal = path.with_name(path.name + "-wal")
    before = (_stat(path), _stat(wal))
    copy = directory / "source.db"
    try:
        shutil.copyfile(path, copy)
        shutil.copyfile(wal, copy.with_name(copy.name + "-wal"))
    except OSError as error:
        raise errors.OutOfSpace(
            f"{path} could not be copied to {directory}", why=str(error), hint="Set TMPDIR to a larger disk"
        ) from error
    if before != (_stat(path), _stat(wal)) or path.with_name(path.name + "-shm").exists():
        raise errors.SourceBusy(
            f"An application opened {path} at this moment",
            why="its log changed while it was read",
            hint="Type it again",
        )
    return copy


@contextlib.contextmanager
def open_source(path: str | os.PathLike[str], *, functions: bool = True) -> Iterator[Source]:
    """Open a file for reading; afterwards the file is as it was, and no `-wal` or `-shm` is left that was not there.

    - Not in WAL mode: opened read-only.
    - WAL mode and in use (`-wal` with content, `-shm` exists): opened read-only beside the application.
    - WAL mode, closed (neither exists, or an empty `-wal`, which a killed reader leaves): opened read-write with
      `query_only`, so that SQLite removes both in the end; where the directory cannot be written, opened as immutable
      unless both exist.
    - A `-wal` without `-shm`, as a crash and a file copy leave it: nobody has it open, and any connection would either leave
      traces or move the log into the file. So a private copy of both is read.

    `functions` are the codecs'. Raises errors.SourceUnreadable, errors.SourceCorrupt, errors.SourceBusy.
    """
    path = pathlib.Path(path).resolve()
    wal, shm = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    with contextlib.ExitStack() as stack:
        stack.enter_context(usable(path))
        opened, parameters = path, "mode=ro"
        if _stat(wal)[0] and not shm.exists():
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="outgrow-"))
            opened, parameters = _private_copy(path, pathlib.Path(directory)), "mode=rw"
        elif path.stat().st_size:
            with translate_errors(path):
                header = _header(path)
            if header[18:20] == b"\x02\x02" and not _stat(wal)[0]:
                if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
                    parameters = "mode=rw"
                elif not (wal.exists() and shm.exists()):
                    parameters = "mode=ro&immutable=1"
        source = Source(path=path, opened=opened, parameters=parameters, functions=functions)
        stack.callback(source.close)
        yield source


def _compare_text(left: str, right: str) -> int:
    # Python orders text by code point, as UTF-8 bytes are ordered.
    return (left > right) - (left < right)
