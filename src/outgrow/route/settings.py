"""How the router reaches PostgreSQL: by `configure`, else by environment variables, else as the file says."""

from __future__ import annotations

import dataclasses
import functools
import os
from dataclasses import dataclass

__all__ = ["Settings", "configure", "current"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The router's settings.

    `database_url` is a libpq URI or DSN; without one the file names the target, and libpq finds the password (PGPASSWORD, a
    password file). `pool_size` connections at most are held open by a process, and `pool_timeout` seconds waited for one.
    `concurrency` is `sqlite` (one writer at a time) or `postgres` (as many as there are, on READ COMMITTED). A
    process whose `use_postgresql` is set begins only where that store is the primary. With
    `dual_write` a commit returns when the other store has it too, or after `dual_write_timeout` seconds.
    """

    database_url: str = ""
    pool_size: int = 10
    pool_timeout: float = 30.0
    connect_timeout: int = 10
    concurrency: str = "sqlite"
    use_postgresql: bool | None = None
    dual_write: bool = False
    dual_write_timeout: float = 0.25


_configured: Settings | None = None


def configure(
    *,
    database_url: str | None = None,
    pool_size: int | None = None,
    pool_timeout: float | None = None,
    connect_timeout: int | None = None,
    concurrency: str | None = None,
    use_postgresql: bool | None = None,
    dual_write: bool | None = None,
    dual_write_timeout: float | None = None,
) -> None:
    """Settle how PostgreSQL is reached, for connections of this process that go there from now on."""
    global _configured
    if concurrency not in (None, "sqlite", "postgres"):
        raise ValueError(f"concurrency is 'sqlite' or 'postgres', not {concurrency!r}")
    if pool_size is not None and pool_size < 1:
        raise ValueError("pool_size is at least 1")
    if dual_write_timeout is not None and not dual_write_timeout >= 0:
        raise ValueError("dual_write_timeout is a number of seconds")
    given = {
        "database_url": None if database_url is None else _target(database_url),
        "pool_size": pool_size,
        "pool_timeout": pool_timeout,
        "connect_timeout": connect_timeout,
        "concurrency": concurrency,
        "use_postgresql": use_postgresql,
        "dual_write": dual_write,
        "dual_write_timeout": dual_write_timeout,
    }
    _configured = dataclasses.replace(current(), **{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]


def current() -> Settings:
    """The settings that hold now."""
    if _configured is not None:
        return _configured
    return _of_environment()


@functools.lru_cache(maxsize=1)
def _of_environment() -> Settings:
    """What the environment said when it was first asked."""
    return Settings(
        database_url=_target(os.environ.get("DATABASE_URL", "")),
        pool_size=int(os.environ.get("OUTGROW_POOL_SIZE", "10")),
        pool_timeout=float(os.environ.get("OUTGROW_POOL_TIMEOUT", "30")),
        concurrency=os.environ.get("OUTGROW_CONCURRENCY", "sqlite"),
        use_postgresql=_is_true("USE_POSTGRESQL"),
        dual_write=bool(_is_true("ENABLE_DUAL_WRITE")),
        dual_write_timeout=float(os.environ.get("OUTGROW_DUAL_WRITE_TIMEOUT", "0.25")),
    )


def _target(url: str) -> str:
    """A URL as libpq reads it; empty for one of another database, which an application may have had there until now."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url
    return f"postgresql://{rest}" if scheme.partition("+")[0] in ("postgresql", "postgres") else ""


def _is_true(variable: str) -> bool | None:
    """Whether a variable says yes, None where it says nothing; ValueError where it says something else."""
    said = os.environ.get(variable, "").strip().lower()
    if said in ("true", "1", "yes", "on"):
        return True
    if not said:
        return None
    if said in ("false", "0", "no", "off"):
        return False
    raise ValueError(f"{variable} is true or false, not {said!r}")
