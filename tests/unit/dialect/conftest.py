"""The databases of the dialect's tests; no test here leaves anything in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apsw
import both_databases
import psycopg
import pytest

from outgrow.postgres import embedded
from support import servers


@pytest.fixture(scope="session")
def dialect_dsn(any_server: embedded.EmbeddedServer) -> Iterator[str]:
    """A database of the dialect tests' own, on each PostgreSQL version at hand."""
    with servers.database(any_server) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def post(dialect_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(dialect_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def both(post: psycopg.Connection[Any]) -> both_databases.Both:
    """The sample in both databases."""
    return both_databases.fill(apsw.Connection(":memory:"), post)
