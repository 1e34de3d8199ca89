"""Libraries that sit on the module `sqlite3`, unchanged, through switch and rollback."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from support import engine as engines
from support import living

_SQLALCHEMY = """
import sys
import sqlalchemy as sa
from outgrow import sqlite3

engine = sa.create_engine("sqlite:///" + sys.argv[1], module=sqlite3)
meta = sa.MetaData()
item = sa.Table("item", meta, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String))

def work(name):
    meta.create_all(engine)
    with engine.begin() as connection:
        connection.execute(item.insert().values(name=name))
    with engine.connect() as connection:
        return connection.execute(sa.select(item.c.id, item.c.name).order_by(item.c.id)).fetchall()
"""

_AIOSQLITE = """
import asyncio
import sys
from outgrow import sqlite3

sqlite3.install()
import aiosqlite

async def done(name):
    async with aiosqlite.connect(sys.argv[1]) as connection:
        await connection.execute("INSERT INTO item (name) VALUES (?)", (name,))
        await connection.commit()
        async with connection.execute("SELECT id, name FROM item ORDER BY id") as cursor:
            return [row async for row in cursor]

def work(name):
    return asyncio.run(done(name))
"""

_STEPS = """
for name in ("before", "after", "back"):
    print([tuple(row) for row in work(name)], flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize(("library", "text"), [("sqlalchemy", _SQLALCHEMY), ("aiosqlite", _AIOSQLITE)])
def test_a_library_goes_along(postgres_dsn: str, tmp_path: Path, library: str, text: str) -> None:
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    path = engines.script(
        tmp_path / "app.db", "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)", journal_mode="wal"
    )
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        application = subprocess.Popen(
            [sys.executable, "-c", text + _STEPS, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert application.stdout is not None
        assert application.stdin is not None
        with application:
            expected: list[tuple[int, str]] = []
            for number, (name, store) in enumerate((("before", "postgres"), ("after", "sqlite"), ("back", "")), 1):
                expected.append((number, name))
                said = application.stdout.readline()
                assert said == f"{expected}\n", said + (application.stdout.read() if application.poll() else "")
                if store:
                    engine.switch(store)
                application.stdin.write("\n")
                application.stdin.flush()
        assert application.returncode == 0
