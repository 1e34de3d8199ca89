"""The router's figures of this process: a plain dictionary, and the text that Prometheus reads."""

from __future__ import annotations

import sys
from typing import Any

from outgrow.route import tally

__all__ = ["figures", "text"]

_KNOWN = {
    "statements_here": ("counter", "Statements that ran in a SQLite file."),
    "statements_there": ("counter", "Statements that ran at PostgreSQL."),
    "translations_cached": ("counter", "Statements whose translation was there."),
    "translations_cold": ("counter", "Statements that were translated."),
    "translations_refused": ("counter", "Statements that have no exact translation."),
    "pool_size": ("gauge", "Connections to PostgreSQL."),
    "pool_in_use": ("gauge", "Connections that a transaction or a statement has."),
    "pool_waiting": ("gauge", "Threads that wait for a connection."),
    "pool_requests": ("counter", "How often a connection was asked for."),
    "dual_confirmed": ("counter", "Commits that the other store had before they returned."),
    "dual_timed_out": ("counter", "Commits that returned after the timeout, before the other store had them."),
    "dual_unwaited": ("counter", "Commits that were not waited for, because the other store was behind."),
    "dual_wait_seconds_total": ("counter", "Seconds that commits waited for the other store."),
    "dual_wait_seconds_max": ("gauge", "The longest of these waits."),
    "dual_behind": ("gauge", "Whether the other store is behind (1)."),
    "dual_behind_seconds": ("gauge", "For how long it has been behind."),
}


def figures() -> dict[str, Any]:
    """All figures by name; besides numbers, `dual_trouble` and `refusals`.

    `dual_trouble` is why it is not known how far the other store is, or an empty text; `refusals` are statements that have no
    translation, each with the reason.
    """
    counts = tally.total()
    found: dict[str, Any] = {
        "statements_here": counts["here"],
        "statements_there": counts["there"],
        "translations_cached": counts["cached"],
        "translations_cold": counts["cold"],
        "translations_refused": counts["refused"],
        "pool_size": 0,
        "pool_in_use": 0,
        "pool_waiting": 0,
        "pool_requests": 0,
        "dual_confirmed": 0,
        "dual_timed_out": 0,
        "dual_unwaited": 0,
        "dual_wait_seconds_total": 0.0,
        "dual_wait_seconds_max": 0.0,
        "dual_behind": False,
        "dual_behind_seconds": 0.0,
        "dual_trouble": "",
        "refusals": tally.refusals(),
    }
    # What has not been imported has done nothing, and would bring psycopg with it.
    for name, prefix in (("outgrow.route.pools", "pool_"), ("outgrow.route.dual", "dual_")):
        # Another thread may be importing it just now.
        ask = getattr(sys.modules.get(name), "figures", None)
        if ask is not None:
            found |= {prefix + key: value for key, value in ask().items()}
    return found


def text() -> str:
    """The figures in Prometheus' text format."""
    lines = []
    found = figures()
    for name, (kind, meaning) in _KNOWN.items():
        full = f"outgrow_route_{name}"
        if kind == "counter" and not full.endswith("_total"):
            full += "_total"
        lines += [f"# HELP {full} {meaning}", f"# TYPE {full} {kind}", f"{full} {float(found[name]):.12g}"]
    return "\n".join(lines) + "\n"
