"""Watch a migration: `python -m examples.homeverse.monitor_deployment [--wait 120] [--application http://127.0.0.1:8000]`.

One line a look: the primary, the lag, and the checks of a switch that do not hold. The exit status is 0 as soon as all of
them hold (and the application is healthy), 1 if they do not within the time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.request
from collections.abc import Mapping
from typing import Any

from examples.homeverse import database
from outgrow import errors, migration

PAUSE = 0.5
"""Seconds between two looks."""


def unhealthy(base: str) -> list[str]:
    """Why the application is not well."""
    try:
        with urllib.request.urlopen(f"{base.rstrip('/')}/health", timeout=5) as answer:
            status = json.load(answer)["status"]
    except (OSError, ValueError) as problem:
        return [f"application: {problem}"]
    return [] if status == "ok" else [f"application: {status}"]


def look(path: str, *, accept_quarantine: bool, application: str) -> tuple[str, list[str]]:
    """A line about the migration, and what is not as it should be."""
    try:
        facts: Mapping[str, Any] = migration.status(path, None)
    except errors.OutgrowError as problem:
        return "no migration yet", [str(problem)]
    accepted = {"quarantine"} if accept_quarantine else set()
    wrong = [
        f"{one['name']}: {one['found']}" for one in facts["checks"] if not one["ok"] and one["name"] not in accepted
    ]
    if not facts["checks"]:
        wrong.append("nothing was checked yet")
    if application:
        wrong += unhealthy(application)
    return f"{facts['phase']}, primary {facts['primary']}, lag {facts['lag_seconds']} s", wrong


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.homeverse.monitor_deployment", description="Watch the migration of HomeVerse."
    )
    parser.add_argument("--wait", type=float, default=0, help="seconds to wait until all is well (default: one look)")
    parser.add_argument("--accept-quarantine", action="store_true", help="rows in quarantine are no reason to wait")
    parser.add_argument("--application", default="", help="where it runs; its health counts too")
    options = parser.parse_args(arguments)
    deadline, before = time.monotonic() + options.wait, ""
    while True:
        line, wrong = look(
            database.path(), accept_quarantine=options.accept_quarantine, application=options.application
        )
        said = "; ".join([line, *wrong])
        if said != before:
            print(said, flush=True)
        before = said
        if not wrong:
            return 0
        if time.monotonic() >= deadline:
            return 1
        time.sleep(PAUSE)


if __name__ == "__main__":
    sys.exit(main())
