"""Others' tests of what uses `sqlite3`, with the drop-in in its place; with a DSN, every new database goes over to PostgreSQL.

    python unittests.py DSN|- MODULE …

With FAULT in the environment, no row is ever fetched: the tests must notice.
"""

from __future__ import annotations

import json
import os
import sys
import unittest

from outgrow import sqlite3

sqlite3.install()
facts = {}
if sys.argv[1] != "-":
    from support import goes_over

    goes_over.install()
    facts = goes_over.counts
if os.environ.get("FAULT"):
    sqlite3.Cursor.fetchone = lambda self: None
suite = unittest.defaultTestLoader.loadTestsFromNames(sys.argv[2:])
result = unittest.TextTestRunner(stream=sys.stderr, verbosity=0).run(suite)
failed = {test.id(): text for test, text in [*result.failures, *result.errors]}
print(json.dumps({**facts, "ran": result.testsRun, "failed": failed, "metrics": sqlite3.metrics()}), flush=True)
os._exit(0)
