"""A pool of connections for each target, in each process: a fork begins with none."""

from __future__ import annotations

import os
import threading
from typing import Any

import psycopg
import psycopg.types.string
import psycopg_pool
from psycopg.adapt import Loader
from psycopg.pq import Format

from outgrow.dialect import variants
from outgrow.route import settings, wire

__all__ = ["Pool", "close", "close_all", "figures", "of", "probe"]


class _Numeric(Loader):
    """Where integers and reals are mixed, digits after the point (`.0` too) make a real, and so does more than 64 bits."""

    format = Format.TEXT

    def load(self, data: Any) -> int | float:
        text = bytes(data)
        if b"." in text or b"N" in text or b"I" in text:
            return float(text)
        value = int(text)
        return value if -(2**63) <= value < 2**63 else float(value)


class _Any(Loader):
    """A statement sends JSON where a value is of any type; the application's own JSON is text."""

    format = Format.TEXT

    def load(self, data: Any) -> int | float | str | bytes | None:
        return variants.decoded(bytes(data).decode())


class _Boolean(Loader):
    format = Format.TEXT

    def load(self, data: Any) -> int:
        return int(bytes(data) == b"t")


class Pool:
    """Connections to one target."""

    def __init__(self, dsn: str) -> None:
        found = settings.current()
        self.settings = found
        self._pool = psycopg_pool.ConnectionPool(
            found.database_url or dsn,
            connection_class=wire.Link,
            kwargs={"autocommit": True, "connect_timeout": found.connect_timeout, "application_name": "outgrow route"},
            min_size=1,
            max_size=found.pool_size,
            timeout=found.pool_timeout,
            configure=_configure,
            open=True,
            name="outgrow",
        )
        # These go to the next statement at once: the way through the pool costs a third of a key lookup.
        self._idle: list[wire.Wire] = []
        self._waiting = 0
        self._requests = 0
        self._lock = threading.Lock()

    def acquire(self) -> wire.Wire:
        """A connection, whose session has it to itself; wire.Lost where none can be had."""
        with self._lock:
            self._requests += 1
        while True:
            with self._lock:
                found = self._idle.pop() if self._idle else None
                self._waiting += found is None
            if found is not None:
                if found.is_alive():
                    return found
                self.discard(found)
                continue
            try:
                link = self._pool.getconn()
            except (psycopg_pool.PoolTimeout, psycopg.Error) as error:
                raise wire.Lost(str(error)) from error
            finally:
                with self._lock:
                    self._waiting -= 1
            if link.wire is None:
                link.wire = wire.Wire(link)
            if link.wire.begin_use():
                return link.wire
            self.discard(link.wire)

    def release(self, found: wire.Wire) -> None:
        """Give a connection back; the pool replaces one that is lost, or has grown old."""
        with self._lock:
            if not self._waiting and found.is_young():
                self._idle.append(found)
                return
        found.end_use()
        self._pool.putconn(found.link)

    def discard(self, found: wire.Wire) -> None:
        """Give back a connection on which something is still under way: it is closed."""
        found.link.close()
        self._pool.putconn(found.link)

    def figures(self) -> dict[str, int]:
        """Connections that there are, and that are in use; who waits for one; how often one was asked for."""
        found = self._pool.get_stats()
        size = found.get("pool_size", 0)
        with self._lock:
            idle = len(self._idle) + found.get("pool_available", 0)
            return {
                "size": size,
                "in_use": max(size - idle, 0),
                "waiting": found.get("requests_waiting", 0),
                "requests": self._requests,
            }

    def close(self) -> None:
        """Close all connections that are idle, and those in use when they come back."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._waiting += 1
        for found in idle:
            found.end_use()
            self._pool.putconn(found.link)
        self._pool.close()


_pools: dict[tuple[str, settings.Settings], Pool] = {}
_lock = threading.Lock()


def of(dsn: str) -> Pool:
    """The process's pool for a target, by the settings that hold now."""
    key = (dsn, settings.current())
    with _lock:
        found = _pools.get(key)
        if found is None:
            found = _pools[key] = Pool(dsn)
        return found


def probe(dsn: str) -> None:
    """Log in once, if there is no pool yet; psycopg.Error where that fails. A pool would try on, and fill a log."""
    found = settings.current()
    if (dsn, found) not in _pools:
        psycopg.connect(found.database_url or dsn, connect_timeout=found.connect_timeout).close()


def figures() -> dict[str, int]:
    """The figures of all pools of this process together."""
    with _lock:
        found = [pool.figures() for pool in _pools.values()]
    return {name: sum(one[name] for one in found) for name in ("size", "in_use", "waiting", "requests")}


def close(dsn: str) -> None:
    """Close the pools for a target; the next statement opens one again."""
    with _lock:
        for key in [key for key in _pools if key[0] == dsn]:
            _pools.pop(key).close()


def close_all() -> None:
    """Close every pool; the next statement opens one again."""
    with _lock:
        for pool in _pools.values():
            pool.close()
        _pools.clear()


def _configure(link: psycopg.Connection[Any]) -> None:
    link.adapters.register_loader("numeric", _Numeric)
    link.adapters.register_loader("bool", _Boolean)
    for name in ("date", "time", "timetz", "timestamp", "timestamptz", "interval", "uuid", "jsonb"):
        link.adapters.register_loader(name, psycopg.types.string.TextLoader)
    link.adapters.register_loader("json", _Any)
    link.execute("SET client_encoding = 'UTF8'")
    link.execute("SET extra_float_digits = 1")


def _forked() -> None:
    global _lock
    _lock = threading.Lock()
    # The parent's connections stay the parent's: never closed here, for that would tell its server.
    _kept.extend(_pools.values())
    _pools.clear()


_kept: list[Pool] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
