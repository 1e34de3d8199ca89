"""The bench on which codecs are held to their law."""

from __future__ import annotations

from collections.abc import Iterator

import law
import psycopg
import pytest


@pytest.fixture(params=["UTF-8", "UTF-16le", "UTF-16be"])
def encoding(request: pytest.FixtureRequest) -> str:
    """Each text encoding that a SQLite file can have."""
    return str(request.param)


@pytest.fixture
def bench(encoding: str, any_postgres: str) -> Iterator[law.Bench]:
    """Every encoding with every PostgreSQL version at hand."""
    with psycopg.connect(any_postgres, options=law.SESSION) as target:
        yield law.Bench(encoding, target)
