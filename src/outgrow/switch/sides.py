"""The two stores as the switching protocol handles them."""

from __future__ import annotations

from outgrow.postgres import live as postgres_live
from outgrow.sqlite import store as sqlite_store
from outgrow.switch import protocol

__all__ = ["FileSide", "TargetSide"]


class FileSide:
    """The file."""

    def __init__(self, file: sqlite_store.FileStore) -> None:
        self._file = file

    def says(self) -> protocol.FileSays:
        """What the file durably says."""
        found = self._file.state()
        return protocol.FileSays(found.epoch, found.primary)

    def lock(self, seconds: float) -> float:
        """Keep the application's writers out; since when they have been waiting."""
        return self._file.lock(seconds)

    def release(self) -> None:
        """Let them in again."""
        self._file.release()

    def fence(self, epoch: int) -> None:
        """Close the file: the decision for PostgreSQL."""
        self._file.fence(epoch)

    def open(self, epoch: int) -> None:
        """Open the file."""
        self._file.open(epoch)


class TargetSide:
    """The target."""

    def __init__(self, target: postgres_live.TargetStore) -> None:
        self._target = target

    def says(self) -> protocol.TargetSays:
        """What the target durably says."""
        found = self._target.state()
        return protocol.TargetSays(found.epoch, found.primary, found.prepared)

    def lock(self, seconds: float) -> float:
        """Keep the application's writers out; since when they have been waiting."""
        return self._target.lock(seconds)

    def release(self) -> None:
        """Let them in again."""
        self._target.release()

    def fence(self, epoch: int) -> None:
        """Close the target: the decision for SQLite."""
        self._target.fence(epoch)

    def open(self, epoch: int) -> None:
        """Open the target."""
        self._target.open(epoch)

    def prepare(self, epoch: int) -> None:
        """Make the target ready, still closed."""
        self._target.prepare(epoch)

    def set_back(self) -> None:
        """Undo a preparation."""
        self._target.set_back()
