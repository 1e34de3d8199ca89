"""Embeddings: the same float32, bit for bit."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import law
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outgrow import codec
from outgrow.postgres import embedded
from support import servers

ONE, TWO = b"\x00\x00\x80\x3f", b"\x00\x00\x00\x40"
EDGES = [0.0, -0.0, 1e-45, -1e-45, 1.1754943508222875e-38, 3.4028234663852886e38, 0.1, 1 / 3, 16777217.0, 1e10, 1e-10]

floats = st.one_of(st.floats(width=32, allow_nan=False, allow_infinity=False), st.sampled_from(EDGES))


@pytest.fixture(scope="module")
def target(server: embedded.EmbeddedServer) -> Iterator[psycopg.Connection]:
    """A session on a PostgreSQL with pgvector, which only the wheel brings along."""
    with servers.database(server) as dsn, psycopg.connect(dsn, options=law.SESSION) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.commit()
        yield connection


@pytest.mark.parametrize("dimensions", [1, 2, 3, 384, 16_000])
def test_vectors_of_the_right_length_cross(bench: law.Bench, dimensions: int) -> None:
    """Subnormals and negative zero included."""
    blobs = [struct.pack(f"<{dimensions}f", *(EDGES * dimensions)[shift : shift + dimensions]) for shift in range(11)]
    report = bench.hold(codec.Vector(dimensions=dimensions), [*blobs, blobs[0] + ONE, blobs[0][:-1], b""], ["BLOB"])
    assert len(report.crossed) == len(set(blobs))


@law.fuzz
@given(st.lists(st.lists(floats, min_size=2, max_size=4), max_size=30))
def test_float32_cross_bit_for_bit(bench: law.Bench, values: list[list[float]]) -> None:
    """Whatever the number; other lengths do not fit."""
    bench.hold(codec.Vector(dimensions=3), [struct.pack(f"<{len(value)}f", *value) for value in values])


@law.fuzz
@given(st.lists(st.binary(min_size=8, max_size=8), max_size=30))
def test_of_any_eight_bytes_only_finite_floats_fit(bench: law.Bench, values: list[bytes]) -> None:
    """pgvector refuses NaN and infinity, whatever their bits."""
    nasty = [ONE + bits for bits in (b"\0\0\x80\x7f", b"\0\0\x80\xff", b"\0\0\xc0\x7f", b"\1\0\x80\xff", b"\xff" * 4)]
    report = bench.hold(codec.Vector(dimensions=2), [*values, *nasty, ONE + TWO, "12345678", 8, 8.0])
    assert not {blob.hex().upper() for blob in nasty} & {exact for _, exact in report.crossed}
    assert ("blob", (ONE + TWO).hex().upper()) in report.crossed


def test_vectors_are_no_key() -> None:
    """SQLite orders their bytes, pgvector their numbers."""
    assert not codec.Vector(dimensions=3).orderable
