"""The standard module, whoever stands under its name by now: `outgrow.sqlite3.install` puts the drop-in there."""

from __future__ import annotations

import sqlite3

__all__ = ["sqlite3"]
