"""A migration's target as the router knows it: its plan, its pool, and the translations of the statements met so far."""

from __future__ import annotations

import importlib
import json
import os
import threading
from collections.abc import Callable
from typing import Any

from outgrow.dialect import catalog, statement
from outgrow.model import plan_data
from outgrow.route import file_state, oracle, pools, settings, tally, wire
from outgrow.route.standard import sqlite3

__all__ = ["Target", "of"]

_MIGRATION = "SELECT run::text, plan::text FROM outgrow.catalog"
_VARIANTS = 8
"""Translations of one statement for different kinds of bound values."""
_STATEMENTS = 2000


class Target:
    """Shared by all connections of a process to one file."""

    def __init__(self, state: file_state.FileState) -> None:
        self.run, self.epoch = state.run, state.epoch
        self.pool = pools.of(state.target)
        found = self.pool.acquire()
        try:
            results = found.run([wire.Command(_MIGRATION)])
            if results[-1].status in wire.BAD:
                raise sqlite3.OperationalError(f"PostgreSQL does not answer: {_message(results[-1])}")
            rows = found.rows(results[-1])
            if not rows or rows[0][0] != state.run:
                raise sqlite3.OperationalError("the PostgreSQL database is not the one that this file was moved to")
            self.plan = plan_data.from_data(json.loads(rows[0][1]))
        finally:
            self.pool.release(found)
        statements = importlib.import_module("outgrow.dialect.statements")
        self._catalog = catalog.Catalog.of(self.plan)
        self._translate: Callable[..., statement.Statement] = statements.translate
        self._known: dict[str, list[statement.Statement]] = {}
        self._oracles: dict[int, oracle.Oracle] = {}
        self.tables = {table.target: table for table in self.plan.tables}

    def oracle(self, file: sqlite3.Connection) -> oracle.Oracle:
        """The oracle for the file's schema as it is now."""
        version = sqlite3.Cursor.execute(sqlite3.Cursor(file), "PRAGMA schema_version").fetchall()[0][0]
        found = self._oracles.get(version)
        if found is None:
            # A switch is a change of the file's schema, but not of the application's.
            schema = oracle.schema_of(file)
            same = [one for one in self._oracles.values() if one.schema == schema]
            self._oracles.clear()
            found = self._oracles[version] = same[0] if same else oracle.Oracle(file)
        return found

    def inherit(self, old: Target) -> None:
        """Go on with what an earlier epoch knew, where the plan is the same and so the same statements mean the same."""
        self._oracles = dict(old._oracles)
        if old.plan == self.plan:
            self._known = old._known

    def translate(self, sql: str, bound: Any, counts: tally.Tally) -> statement.Statement:
        """The translation that fits the bound values; statement.Refused where there is none."""
        variants = self._known.get(sql)
        if variants is not None:
            for known in variants:
                if all(guard.holds(bound[guard.slot]) for guard in known.guards):
                    counts.cached += 1
                    return known
        try:
            made = self._translate(sql, self._catalog, bound)
        except statement.Refused as refused:
            counts.refused += 1
            tally.note_refusal(sql, str(refused))
            raise
        counts.cold += 1
        if variants is None:
            if len(self._known) >= _STATEMENTS:
                self._known.clear()
            variants = self._known[sql] = []
        self._known[sql] = [made, *variants[: _VARIANTS - 1]]
        return made


_targets: dict[tuple[str, str, int, settings.Settings], Target] = {}
_lock = threading.Lock()


def of(state: file_state.FileState) -> Target:
    """The process's target for a file's migration."""
    # Another epoch may have another plan: a schema grows while the file is the primary.
    key = (state.run, state.target, state.epoch, settings.current())
    found = _targets.get(key)
    if found is None:
        with _lock:
            found = _targets.get(key)
            if found is None:
                found = Target(state)
                for other in [other for other in _targets if other[:2] == key[:2]]:
                    found.inherit(_targets.pop(other))
                _targets[key] = found
    return found


def _forked() -> None:
    """The parent's connections are the parent's."""
    global _lock
    _lock = threading.Lock()
    _kept.extend(_targets.values())
    _targets.clear()


_kept: list[Target] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _message(result: Any) -> str:
    return bytes(result.error_message).decode(errors="replace").strip()
