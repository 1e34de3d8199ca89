"""The databases of the tests of functions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import apsw
import psycopg
import pytest

from integration.dialect_functions import dialect_values
from outgrow.postgres import dialect_functions, embedded
from support import servers


@pytest.fixture(scope="session")
def both(any_server: embedded.EmbeddedServer) -> Iterator[dialect_values.Both]:
    """Awkward values in SQLite and in PostgreSQL, on each version of it at hand."""
    with servers.database(any_server) as dsn, psycopg.connect(dsn, autocommit=True) as post:
        post.execute("CREATE SCHEMA outgrow")
        assert dialect_functions.install(post)
        yield dialect_values.fill(sqlite3.connect(":memory:"), apsw.Connection(":memory:"), post)
