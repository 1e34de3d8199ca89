"""The directories of embedded servers: owned by a lock, swept when their owner died, let through to the server's account.

Ownership is a lock that the kernel drops with the process, so neither a stale pid nor a new process of the same number is
ever taken for the owner.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import socket
import stat
import struct
import sys
import tempfile
import time
from pathlib import Path

from outgrow import errors

__all__ = ["DEADLINE", "LONGEST_SOCKET", "SOCKET", "account", "kept", "make_private", "reachable", "temporary"]

PREFIX = "outgrow-postgres-"
OWNER = "owner.lock"
SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET = 103  # bytes; macOS allows 104 with the closing NUL, Linux 108
ACCOUNTS = ("postgres", "_postgres", "nobody")
DEADLINE = 60.0  # seconds for a start or an orderly stop, far more than either takes


def account() -> pwd.struct_passwd | None:
    """Whom the server runs as: None for ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise errors.TargetUnfit(
        "The embedded PostgreSQL cannot run here",
        why="It refuses to run as root, and there is neither an account `postgres` nor `nobody`",
        hint="Run outgrow as an ordinary user",
    )


def temporary(owner: pwd.struct_passwd | None, undo: contextlib.ExitStack, *, short: bool = False) -> Path:
    """A fresh directory of ours that is removed in the end, after removing those whose owner died."""
    places = [Path(place) for place in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp"))]
    for place in places:
        for abandoned in place.glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                _remove_abandoned(abandoned)
    usable = [place for place in places if place.is_dir() and reachable(place, owner)]
    if not usable:
        raise errors.TargetUnfit(
            "There is no temporary directory for the embedded PostgreSQL",
            why=f"The account {owner.pw_name if owner else ''} cannot reach any of {', '.join(map(str, places))}",
            hint="Set TMPDIR to a directory that every account can enter",
        )
    place = min(usable, key=lambda path: len(os.fsencode(path))) if short else usable[0]
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    undo.callback(_remove, path)
    _own(path, owner, undo)
    return path


def kept(directory: Path, owner: pwd.struct_passwd | None, undo: contextlib.ExitStack) -> Path:
    """A directory that the caller chose: only a new or empty one, or one that an earlier call made."""
    path = directory.absolute()
    if not path.exists():
        path.mkdir(mode=0o700)
    elif not (path / OWNER).exists() and any(path.iterdir()):
        raise errors.TargetOccupied(
            f"{path} is not a directory of the embedded PostgreSQL",
            why="It holds other files",
            hint="Name an empty directory, or one that does not exist",
        )
    try:
        _own(path, owner, undo)
        _stop_orphan(path)
    except BlockingIOError:
        raise errors.TargetBusy(
            f"The embedded PostgreSQL in {path} is in use", hint="Wait for the other outgrow process, or stop it"
        ) from None
    if not reachable(path, owner):
        raise errors.TargetUnfit(
            f"The embedded PostgreSQL cannot work in {path}",
            why=f"outgrow runs as root, the server as {owner.pw_name if owner else ''}, who may not enter it",
            hint="Choose a directory that every account can enter, or run outgrow as an ordinary user",
        )
    return path


def _own(path: Path, owner: pwd.struct_passwd | None, undo: contextlib.ExitStack) -> None:
    """Lock the directory for the life of this process, and let the account through to its parts.

    The lock is held before the file appears under its name, so nobody finds an unlocked one of a living process.
    """
    lock = path / OWNER
    if lock.exists():
        undo.callback(os.close, _lock(lock))
        return
    fresh = path / f"{OWNER}.{os.getpid()}"
    undo.callback(os.close, _lock(fresh, os.O_CREAT | os.O_EXCL))
    fresh.rename(lock)
    if owner is not None:
        path.chmod(0o711)


def _lock(path: Path, flags: int = 0) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def make_private(path: Path, owner: pwd.struct_passwd | None) -> None:
    path.mkdir(mode=0o700, exist_ok=True)
    if owner is not None:
        os.chown(path, owner.pw_uid, owner.pw_gid)


def reachable(path: Path, owner: pwd.struct_passwd | None) -> bool:
    """Whether the account may run a program, or enter a directory; access lists are not looked at."""
    if owner is None:
        return True
    for step in (path, *path.resolve().parents):
        status = step.stat()
        wanted = 0o1 if stat.S_ISDIR(status.st_mode) else 0o5
        shift = 6 if status.st_uid == owner.pw_uid else 3 if status.st_gid == owner.pw_gid else 0
        if status.st_mode >> shift & wanted != wanted:
            return False
    return True


def _remove_abandoned(path: Path) -> None:
    """Remove a directory of ours whose owner died, and its server; raises OSError when it is not one."""
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        return
    descriptor = _lock(path / OWNER)
    try:
        _stop_orphan(path)
        _remove(path)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    for part in path.iterdir():
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(path, ignore_errors=True)  # the lock goes last: what remains half-way is still recognised


def _stop_orphan(path: Path) -> None:
    """End the server that listens in the directory. Its pid comes from the kernel, never from a stale file."""
    deadline = time.monotonic() + DEADLINE
    while (pid := _listener(path / "run")) is not None:
        if pid <= 0 or time.monotonic() > deadline:
            raise OSError(f"the server in {path} cannot be stopped")
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)
        time.sleep(0.02)


def _listener(run: Path) -> int | None:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        try:
            owner = run.stat().st_uid
            probe.connect(str(run / SOCKET))
            if sys.platform == "darwin":  # LOCAL_PEERPID at level SOL_LOCAL, sys/un.h
                return int.from_bytes(probe.getsockopt(0, 2, 4), sys.byteorder)
            pid, user, _ = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        except OSError:
            return None
        return int(pid) if user == owner else None
