"""The bench on which codecs are held to their law."""

from __future__ import annotations

from collections.abc import Iterator

import law
import psycopg
import pytest

from outgrow.postgres import embedded
from support import servers


@pytest.fixture(params=["UTF-8", "UTF-16le", "UTF-16be"])
def encoding(request: pytest.FixtureRequest) -> str:
    """Each text encoding that a SQLite file can have."""
    return str(request.param)


@pytest.fixture(scope="module")
def target(any_server: embedded.EmbeddedServer) -> Iterator[psycopg.Connection]:
    """A session on each PostgreSQL version at hand; a bench leaves nothing behind in it."""
    with servers.database(any_server) as dsn, psycopg.connect(dsn, options=law.SESSION) as connection:
        yield connection


@pytest.fixture
def bench(encoding: str, target: psycopg.Connection) -> law.Bench:
    """Every encoding with every PostgreSQL version at hand."""
    return law.Bench(encoding, target)
