"""How the router reaches PostgreSQL: by `configure`, else by environment variables, else as the file says."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass

__all__ = ["Settings", "configure", "current"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The router's settings.

    `database_url` is a libpq URI or DSN; without one the file names the target, and libpq finds the password (PGPASSWORD, a
    password file). `pool_size` connections at most are held open by a process, and `pool_timeout` seconds waited for one.
    `concurrency` is `sqlite` (one writer at a time) or `postgres` (as many as there are, on READ COMMITTED).
    """

    database_url: str = ""
    pool_size: int = 10
    pool_timeout: float = 30.0
    connect_timeout: int = 10
    concurrency: str = "sqlite"


_configured: Settings | None = None


def configure(
    *,
    database_url: str | None = None,
    pool_size: int | None = None,
    pool_timeout: float | None = None,
    connect_timeout: int | None = None,
    concurrency: str | None = None,
) -> None:
    """Settle how PostgreSQL is reached, for connections of this process that go there from now on."""
    global _configured
    if concurrency not in (None, "sqlite", "postgres"):
        raise ValueError(f"concurrency is 'sqlite' or 'postgres', not {concurrency!r}")
    if pool_size is not None and pool_size < 1:
        raise ValueError("pool_size is at least 1")
    given = {
        "database_url": database_url,
        "pool_size": pool_size,
        "pool_timeout": pool_timeout,
        "connect_timeout": connect_timeout,
        "concurrency": concurrency,
    }
    _configured = dataclasses.replace(current(), **{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]


def current() -> Settings:
    """The settings that hold now."""
    if _configured is not None:
        return _configured
    return Settings(
        database_url=os.environ.get("DATABASE_URL", ""),
        pool_size=int(os.environ.get("OUTGROW_POOL_SIZE", "10")),
        pool_timeout=float(os.environ.get("OUTGROW_POOL_TIMEOUT", "30")),
        concurrency=os.environ.get("OUTGROW_CONCURRENCY", "sqlite"),
    )
