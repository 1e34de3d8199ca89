"""Embeddings: little-endian float32 blobs as pgvector's vector."""

from __future__ import annotations

from outgrow.codec.base import Codec, Spec

__all__ = ["Vector"]


class Vector(Codec):
    """Blobs of `dimensions` little-endian float32 (as sqlite-vec and numpy write them) as vector, bit for bit.

    pgvector refuses NaN and infinity, so they do not fit.
    """

    type = "vector"
    unbounded = True
    orderable = False

    def __init__(self, *, dimensions: int) -> None:
        if not 1 <= dimensions <= 16_000:
            raise ValueError(f"pgvector has 1 to 16,000 dimensions, not {dimensions}")
        self.dimensions = dimensions

    @property
    def sql_type(self) -> str:
        return f"vector({self.dimensions})"

    def fits(self, x: str) -> str:
        return f"CASE WHEN {self.conclusive(x)} THEN outgrow_vector_finite({x}) ELSE 0 END"

    def conclusive(self, x: str) -> str:
        # pgvector holds finite numbers only.
        return f"typeof({x})='blob' AND length({x})={4 * self.dimensions}"

    def encode(self, x: str) -> str:
        return f"CASE WHEN typeof({x})='blob' THEN outgrow_vector({x}) END"

    def canonical_source(self, x: str) -> str:
        return f"CASE WHEN typeof({x})='blob' THEN outgrow_vector_bits({x}) END"

    def canonical_output(self, c: str) -> str:
        # vector_send: two 16-bit words (dimensions, unused), then big-endian float32.
        return f"encode(substring(vector_send({c}) FROM 5),'hex')"

    def restore(self, c: str) -> str:
        return f"substring(vector_send({c}) FROM 5)"

    def restored(self, p: str) -> str:
        return f"outgrow_vector_blob({p})"

    def spec(self) -> Spec:
        return {"type": self.type, "dimensions": self.dimensions}
