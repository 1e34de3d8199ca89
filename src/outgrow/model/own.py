"""What is outgrow's own in a live file."""

from __future__ import annotations

__all__ = ["PREFIX"]

PREFIX = "_outgrow_"
"""What the names of outgrow's own tables, indexes and triggers begin with; no part of the application."""
