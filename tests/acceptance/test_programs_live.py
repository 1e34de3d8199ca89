"""Triggers and views of an application that goes over to PostgreSQL and back: each fires once, for its writes only."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg

from support import engine as engines
from support import living

APPLICATION = Path(__file__).resolve().parents[1] / "integration" / "route" / "shell_application.py"

SCHEMA = (
    "CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, balance INTEGER NOT NULL DEFAULT 0,"
    " touched TEXT)",
    "CREATE TABLE entry (id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL, amount INTEGER NOT NULL)",
    "CREATE TABLE audit (what TEXT, account INTEGER, before INTEGER, after INTEGER)",
    "CREATE VIEW statement AS SELECT a.name, count(e.id) AS entries, sum(e.amount) AS amount FROM account a"
    " LEFT JOIN entry e ON e.account = a.id GROUP BY a.id",
    "CREATE TRIGGER entry_valid BEFORE INSERT ON entry WHEN NEW.amount = 0 BEGIN SELECT RAISE(ABORT, 'nothing'); END",
    "CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN"
    " UPDATE account SET balance = balance + NEW.amount WHERE id = NEW.account; END",
    "CREATE TRIGGER entry_gone AFTER DELETE ON entry BEGIN"
    " UPDATE account SET balance = balance - OLD.amount WHERE id = OLD.account; END",
    "CREATE TRIGGER account_touched AFTER UPDATE ON account WHEN NEW.touched IS OLD.touched BEGIN"
    " UPDATE account SET touched = 'at ' || NEW.balance WHERE id = NEW.id; END",
    "CREATE TRIGGER account_audit AFTER UPDATE OF balance ON account BEGIN"
    " INSERT INTO audit VALUES ('balance', NEW.id, OLD.balance, NEW.balance); END",
    "INSERT INTO account (id, name) VALUES (1, 'Ann'), (2, 'Bob')",
)
STATEMENTS = (
    "INSERT INTO entry (account, amount) VALUES (1, 5), (2, 7), (1, -2)",
    "INSERT INTO entry (account, amount) VALUES (1, 0)",
    "UPDATE account SET name = name || '.' WHERE id = 2",
    "INSERT INTO entry (account, amount) VALUES (2, 11) RETURNING amount",
    "DELETE FROM entry WHERE amount = 7 AND account = 2",
    "UPDATE account SET touched = 'by hand' WHERE id = 1 RETURNING id, touched",
)
LOOKS = (
    "SELECT * FROM account ORDER BY id",
    "SELECT account, amount FROM entry ORDER BY account, amount, id",
    "SELECT * FROM audit ORDER BY account, before, after",
    "SELECT * FROM statement ORDER BY name",
)


class Shell:
    """An application that runs one statement after the other, and says what came of it."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(APPLICATION), str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, statements: Sequence[str]) -> list[str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        said = []
        for statement in statements:
            self._process.stdin.write(statement + "\n")
            self._process.stdin.flush()
            said.append(self._process.stdout.readline().rstrip("\n"))
        return said

    def end(self) -> None:
        self._process.communicate(timeout=60)


@contextlib.contextmanager
def shell(path: Path) -> Iterator[Shell]:
    """The running application."""
    running = Shell(path)
    try:
        yield running
    finally:
        running.end()


def expected(path: Path, rounds: int) -> list[list[str]]:
    """What the standard module says in each round, of a file of its own."""
    said = []
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for _round in range(rounds):
            lines = []
            for statement in (*STATEMENTS, *LOOKS):
                try:
                    lines.append(str(connection.execute(statement).fetchall()))
                except sqlite3.Error as error:
                    lines.append(f"{type(error).__name__}: {error}")
            said.append(lines)
    return said


def test_triggers_fire_once_through_switch_rollback_and_switch(postgres_dsn: str, tmp_path: Path) -> None:
    wanted = expected(engines.script(tmp_path / "plain.db", *SCHEMA), 4)
    path = engines.script(tmp_path / "app.db", *SCHEMA, journal_mode="wal")
    with living.Engine(tmp_path, path, postgres_dsn) as engine, shell(path) as application:
        engine.start().ready()
        got = [application([*STATEMENTS, *LOOKS])]
        for store in ("postgres", "sqlite", "postgres"):
            # What the triggers wrote at the one store is followed like everything else, and fires nothing at the other.
            assert engine.ask("verify")["differences"] == []
            engine.switch(store)
            got.append(application([*STATEMENTS, *LOOKS]))
        engine.caught_up()
        assert engine.ask("verify")["differences"] == []
    assert got == wanted
    with psycopg.connect(postgres_dsn) as session:
        # Shown to be PostgreSQL's triggers: without the follower's setting they fire.
        session.execute("INSERT INTO entry (account, amount) VALUES (1, 1000)")
        rows = session.execute("SELECT count(*) FROM audit WHERE after - before = 1000").fetchone()
        assert rows == (1,)
        session.execute("SELECT set_config('outgrow.applying', 'somebody', true)")
        session.execute("INSERT INTO entry (account, amount) VALUES (1, 1000)")
        assert session.execute("SELECT count(*) FROM audit WHERE after - before = 1000").fetchone() == (1,)
        session.rollback()


def test_a_trigger_and_a_view_that_come_later_go_over_too(postgres_dsn: str, tmp_path: Path) -> None:
    path = engines.script(tmp_path / "app.db", *SCHEMA[:3], SCHEMA[-1], journal_mode="wal")
    with living.Engine(tmp_path, path, postgres_dsn) as engine, shell(path) as application:
        engine.start().ready()
        assert application([*SCHEMA[3:-1]]) == ["[]"] * len(SCHEMA[3:-1])
        application(["ALTER TABLE account ADD COLUMN note TEXT", "CREATE VIEW notes AS SELECT * FROM account"])

        def known() -> bool:
            with psycopg.connect(postgres_dsn) as session:
                found = session.execute("SELECT plan -> 'triggers', plan -> 'views' FROM outgrow.migration").fetchone()
            return found is not None and (len(found[0]), len(found[1])) == (5, 2)

        living.until(known, "the plan has the triggers and views")
        engine.caught_up()
        engine.switch("postgres")
        application(["INSERT INTO entry (account, amount) VALUES (2, 3)", "UPDATE account SET note = 'n' WHERE id = 2"])
        assert application(["SELECT balance, touched, note FROM notes WHERE id = 2"]) == ["[(3, 'at 3', 'n')]"]
        assert application(["SELECT * FROM statement WHERE entries > 0"]) == ["[('Bob', 1, 3)]"]
        engine.switch("sqlite")
        assert engine.ask("verify")["differences"] == []


def test_nothing_of_them_stays_after_an_abort_and_all_of_them_after_finish(postgres_dsn: str, tmp_path: Path) -> None:
    path = engines.script(tmp_path / "app.db", *SCHEMA, journal_mode="wal")
    left = "SELECT (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace),"
    left += " (SELECT count(*) FROM pg_views WHERE schemaname = 'public')"
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        with psycopg.connect(postgres_dsn) as session:
            assert session.execute(left).fetchone() == (5, 1)
        engine.ask("abort")
    with psycopg.connect(postgres_dsn) as session:
        assert session.execute(left).fetchone() == (0, 0)
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()
        engine.switch("postgres")
        engine.ask("finish")
    with psycopg.connect(postgres_dsn) as session:
        assert session.execute(left).fetchone() == (5, 1)
        session.execute("INSERT INTO entry (account, amount) VALUES (1, 5)")
        assert session.execute("SELECT balance, touched FROM account WHERE id = 1").fetchone() == (5, "at 5")


def test_a_trigger_that_is_gone_at_the_target_stands_in_the_way_of_a_switch(postgres_dsn: str, tmp_path: Path) -> None:
    path = engines.script(tmp_path / "app.db", *SCHEMA, journal_mode="wal")
    with living.Engine(tmp_path, path, postgres_dsn) as engine:
        engine.start().ready()

        def complaint() -> str:
            facts = engine.ask("switch", to="postgres", dry_run=True)
            return next(check["found"] for check in facts["checks"] if check["name"] == "shape")

        assert complaint() == "the target's tables and triggers are those of the plan"
        with psycopg.connect(postgres_dsn, autocommit=True) as session:
            session.execute("ALTER TABLE entry DISABLE TRIGGER entry_gone")
            session.execute("DROP TRIGGER t001_account_audit ON account")
        engine.ask("verify")  # which also looks at the target again
        assert complaint() == "trigger entry.entry_gone is switched off; trigger account.t001_account_audit is gone"
