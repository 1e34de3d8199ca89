"""What every test may ask for: a PostgreSQL server, an empty database on it, a faulty network, real SQLite files.

Each process of a parallel run (`pytest -n 2`) has a server of its own.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from outgrow.postgres import embedded
from support import proxy as proxies
from support import servers

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Let SIGTERM end the run like Ctrl-C, with all fixtures torn down; keep hypothesis from tracing every line."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Before Python 3.12 its explanation of a failure traces the whole test, which can take longer than a test may.
    phases = [phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.explain]
    hypothesis.settings.register_profile("outgrow", phases=phases)
    hypothesis.settings.load_profile("outgrow")


@pytest.fixture(scope="session")
def server() -> Iterator[embedded.EmbeddedServer]:
    """The shared PostgreSQL 18. Tests that stop it, or change its settings, take `own_server`."""
    with embedded.server() as running:
        yield running


@pytest.fixture
def postgres_dsn(server: embedded.EmbeddedServer) -> Iterator[str]:
    """A superuser's DSN for an empty database of this test alone."""
    with servers.database(server) as dsn:
        yield dsn


@pytest.fixture
def unprivileged_dsn(server: embedded.EmbeddedServer) -> Iterator[str]:
    """The DSN of a role that owns an empty database and may do nothing else."""
    with servers.owned_database(server) as dsn:
        yield dsn


@pytest.fixture(scope="session", params=["18", "15"])
def any_server(request: pytest.FixtureRequest) -> Iterator[embedded.EmbeddedServer]:
    """Each PostgreSQL version at hand, one after the other; shared like `server`."""
    if request.param == "18":
        yield request.getfixturevalue("server")
        return
    yield request.getfixturevalue("old_server")


@pytest.fixture(scope="session")
def old_server() -> Iterator[embedded.EmbeddedServer]:
    """A shared PostgreSQL 15."""
    if not servers.OLD_PROGRAMS.is_dir():
        pytest.skip(f"PostgreSQL 15 is not installed in {servers.OLD_PROGRAMS}")
    with embedded.server(programs=servers.OLD_PROGRAMS) as running:
        yield running


@pytest.fixture
def any_postgres(any_server: embedded.EmbeddedServer) -> Iterator[str]:
    """Like `postgres_dsn`, on each PostgreSQL version at hand."""
    with servers.database(any_server) as dsn:
        yield dsn


@pytest.fixture
def own_server() -> Iterator[embedded.EmbeddedServer]:
    """A server of this test alone: `.stop()`, `.kill()`, `.start()` and `.restart()` it at will."""
    with embedded.server() as running:
        yield running


@pytest.fixture
def proxy(postgres_dsn: str) -> Iterator[proxies.Proxy]:
    """A network to misbehave on command, between `proxy.dsn` and the database of `postgres_dsn`."""
    with proxies.in_front_of(postgres_dsn) as running:
        yield running


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The directory of real SQLite files that are too large for the repository; never written to."""
    path = Path(os.environ.get("OUTGROW_CORPUS", ROOT.parent / "shared" / "corpus"))
    if not path.is_dir():
        pytest.skip(f"There is no corpus in {path}; OUTGROW_CORPUS may name another place")
    return path
