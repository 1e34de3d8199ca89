"""Which homes suit an applicant: vectors of words, compared by their angle, and what can be counted."""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from collections.abc import Sequence
from typing import Any

from examples.homeverse import database

MODEL = "hashed-words-64"
DIMENSIONS = 64

WEIGHTS = {"semantic": 0.5, "price": 0.3, "rooms": 0.2}


def embedding(text: str) -> bytes:
    """A text as a unit vector of float32, little-endian: every word adds one to, or takes one from, one component."""
    vector = [0.0] * DIMENSIONS
    for word in re.findall(r"\w+", text.casefold()):
        digest = hashlib.blake2b(word.encode(), digest_size=4).digest()
        vector[digest[0] % DIMENSIONS] += 1.0 if digest[1] & 1 else -1.0
    length = math.sqrt(math.fsum(x * x for x in vector)) or 1.0
    return struct.pack(f"<{DIMENSIONS}f", *(x / length for x in vector))


def vector(stored: bytes) -> tuple[float, ...]:
    """The components of a stored embedding."""
    return struct.unpack(f"<{len(stored) // 4}f", stored)


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of the angle of two vectors; 0 if one of them is all zeros."""
    lengths = math.sqrt(math.fsum(x * x for x in one) * math.fsum(x * x for x in other))
    return math.fsum(x * y for x, y in zip(one, other, strict=True)) / lengths if lengths else 0.0


def embed_project(db: database.Connection, project: database.Row) -> None:
    """Keep a project's embedding up to date; part of the caller's transaction."""
    amenities = database.decoded(project["amenities"]) or []
    text = " ".join([project["name"], project["description"] or "", project["location"] or "", *map(str, amenities)])
    db.execute(
        "INSERT INTO project_embeddings (project_id, model, embedding) VALUES (?, ?, ?)"
        " ON CONFLICT (project_id, model) DO UPDATE SET embedding = excluded.embedding, created_at = CURRENT_TIMESTAMP",
        (project["id"], MODEL, embedding(text)),
    )


def embed_applicant(db: database.Connection, applicant: database.Row) -> None:
    """Keep an applicant's embedding up to date; part of the caller's transaction."""
    wishes = database.decoded(applicant["preferences"]) or {}
    text = " ".join([*map(str, wishes.get("places") or []), str(wishes.get("comment") or ""), applicant["notes"] or ""])
    db.execute(
        "INSERT OR REPLACE INTO applicant_embeddings (applicant_id, model, embedding) VALUES (?, ?, ?)",
        (applicant["id"], MODEL, embedding(text)),
    )


def suggest(db: database.Connection, applicant: database.Row, *, limit: int) -> int:
    """Score the published projects of the applicant's company and keep the best; returns how many were kept.

    A match that somebody has acted on keeps its score. Part of the caller's transaction.
    """
    own = db.execute(
        "SELECT embedding FROM applicant_embeddings WHERE applicant_id = ? AND model = ?", (applicant["id"], MODEL)
    ).fetchone()
    projects = db.execute(
        "SELECT p.id, p.price, p.rooms, e.embedding FROM projects p"
        " JOIN project_embeddings e ON e.project_id = p.id AND e.model = ?"
        " WHERE p.company_id = ? AND p.status = 'published'",
        (MODEL, applicant["company_id"]),
    ).fetchall()
    scored = [(*_score(applicant, vector(own["embedding"]), project), project["id"]) for project in projects]
    scored.sort(key=lambda one: (-one[0], one[2]))
    db.executemany(
        "INSERT INTO matches (company_id, applicant_id, project_id, score, breakdown) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (applicant_id, project_id) DO UPDATE SET score = excluded.score, breakdown = excluded.breakdown"
        " WHERE matches.status = 'suggested'",
        [
            (applicant["company_id"], applicant["id"], project, score, json.dumps({"factors": factors, "v": 3}))
            for score, factors, project in scored[:limit]
        ],
    )
    return min(limit, len(scored))


def _score(applicant: database.Row, own: Sequence[float], project: database.Row) -> tuple[float, dict[str, float]]:
    wishes: dict[str, Any] = database.decoded(applicant["preferences"]) or {}
    most = (wishes.get("budget") or {}).get("max")
    price, rooms, people = project["price"], project["rooms"], applicant["household_size"]
    factors = {
        "semantic": (cosine(own, vector(project["embedding"])) + 1) / 2,
        "price": 0.5 if not most or not price else min(1.0, most / price),
        "rooms": 0.5 if not rooms or not people else max(0.0, 1 - abs(rooms - people - 1) / 4),
    }
    return min(1.0, math.fsum(WEIGHTS[name] * value for name, value in factors.items())), factors
