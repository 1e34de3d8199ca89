"""The limit of one stream as psql reaches it."""

from __future__ import annotations

from bench import competitors


def command(job: competitors.Job) -> list[str]:
    copy = f"\\copy events FROM '{job.text}'"
    return ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", job.dsn, "-c", copy]
