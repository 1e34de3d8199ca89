"""The command line: a module a command, each parsing, calling the front door, and showing one result."""

from __future__ import annotations

from outgrow.cli.app import main

__all__ = ["main"]
