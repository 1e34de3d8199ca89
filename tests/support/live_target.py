"""A target in a live migration, made from a few words: tables, state, reverse capture and the fence; no file is needed."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import conninfo, sql

from outgrow import codec
from outgrow.model import plan, store
from outgrow.postgres import apply, capture, changes, connection, ddl, live_state, state

__all__ = ["NULL", "Mark", "Target", "applied", "column", "entries", "lines", "make", "numbers", "table"]

NULL = "<no value>"
"""Stands for NULL in lines."""

_serial = itertools.count(1)


@dataclass(frozen=True)
class Mark:
    """A place in the file's log."""

    seq: int
    token: int = 0


def column(name: str, kind: codec.Codec | None = None, **more: Any) -> plan.ColumnPlan:
    """A column, of text where nothing else is said."""
    kind = kind or codec.Text()
    known: dict[str, Any] = {
        "source": name,
        "target": name,
        "declared": "",
        "not_null": False,
        "reason": "",
        "evidence": "",
    }
    return plan.ColumnPlan(**{**known, "codec": dict(kind.spec()), "sql_type": kind.sql_type, **more})


def table(name: str, columns: Sequence[plan.ColumnPlan], *, key: Sequence[str] = (), **more: Any) -> plan.TablePlan:
    """A table; without a key the rowid is kept, with one it is the primary key, whose columns are NOT NULL."""
    given: dict[str, Any] = {"source": name, "target": name, "key": tuple(key), "primary_key": tuple(key)}
    if not key:
        given["rowid"] = "rowid"
    return plan.TablePlan(columns=tuple(columns), **{**given, **more})


def numbers(name: str = "t", **more: Any) -> plan.TablePlan:
    """The table most tests use: an id, a text, a number."""
    columns = [column("id", codec.Bigint(), not_null=True, identity=True), column("name"), column("n", codec.Bigint())]
    return table(name, columns, key=["id"], **more)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A target that follows: its plan and a session of its owner's, in autocommit mode."""

    dsn: str
    plan: plan.Plan
    session: psycopg.Connection

    @contextlib.contextmanager
    def connect(self, *, autocommit: bool = True, user: str = "") -> Iterator[psycopg.Connection]:
        """A session as an application has it, of the owner or of another role."""
        with psycopg.connect(conninfo.make_conninfo(self.dsn, **({"user": user} if user else {}))) as session:
            session.autocommit = autocommit
            yield session

    @contextlib.contextmanager
    def engine(self, dsn: str = "") -> Iterator[psycopg.Connection]:
        """A session as outgrow has it."""
        with connection.connect(dsn or self.dsn, purpose="test", autocommit=True) as session:
            connection.find_extensions(session)
            yield session

    def applier(self, session: psycopg.Connection | None = None) -> apply.Applier:
        """A follower's hand."""
        return apply.Applier(session or self.session, self.plan, null=NULL)

    def reader(self, session: psycopg.Connection | None = None) -> changes.ChangeReader:
        """A primary's mouth."""
        return changes.ChangeReader(session or self.session, self.plan)

    def open(self) -> None:
        """Make it the primary of the next epoch."""
        epoch = live_state.read(self.session).epoch + 1
        live_state.prepare(self.session, epoch)
        live_state.open_(self.session, epoch)

    def log(self) -> list[tuple[str, ...]]:
        """What was logged, in order: the table's source name and the key; the log is empty afterwards."""
        with self.session.transaction():
            found = self.session.execute("SELECT t, key FROM outgrow.log ORDER BY id").fetchall()
            self.session.execute("DELETE FROM outgrow.log")
        return [(self.plan.tables[number - 1].source, *key) for number, key in found]

    def rows(self, name: str = "t") -> list[tuple[Any, ...]]:
        """A table's rows, in the order of their first column."""
        query = sql.SQL("SELECT * FROM {} ORDER BY 1").format(sql.Identifier(self.plan.schema, name))
        return self.session.execute(query).fetchall()

    def quarantine(self) -> list[tuple[str, str, str, str]]:
        """Table, key, column and reason of every row in quarantine."""
        return self.session.execute(
            "SELECT table_name, key, column_name, reason FROM outgrow.quarantine ORDER BY id"
        ).fetchall()

    @contextlib.contextmanager
    def role(self) -> Iterator[str]:
        """Another role, which may read and write the tables and nothing else; the target's own role must be a superuser."""
        name = f"application_{next(_serial)}"
        role, schema = sql.Identifier(name), sql.Identifier(self.plan.schema)
        for statement in (
            "CREATE ROLE {role} LOGIN",
            "GRANT USAGE ON SCHEMA {schema} TO {role}",
            "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA {schema} TO {role}",
            "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
        ):
            self.session.execute(sql.SQL(statement).format(role=role, schema=schema))
        try:
            yield name
        finally:
            self.session.execute(sql.SQL("DROP OWNED BY {role}").format(role=role))
            self.session.execute(sql.SQL("DROP ROLE {role}").format(role=role))


@contextlib.contextmanager
def make(dsn: str, *tables: plan.TablePlan, schema: str = "public", extensions: Sequence[str] = ()) -> Iterator[Target]:
    """A target with empty tables and all that a live migration needs; the file is primary, so the fence stands."""
    planned = plan.Plan(
        source="a.db",
        schema=schema,
        encoding="UTF-8",
        tables=tuple(tables),
        omissions=(),
        overrides=(),
        findings=(),
        extensions=tuple(extensions),
    )
    with connection.connect(dsn, purpose="test", autocommit=True) as session:
        with session.transaction():
            state.State(session).begin(
                source="a.db", target_schema=schema, plan="{}", fingerprint="{}", chunk_rows=100, version="0"
            )
        for statement in ddl.script(planned):
            if "FOREIGN KEY" not in statement and "VALIDATE" not in statement:
                session.execute(statement.encode())
        connection.find_extensions(session)
        live_state.begin(session)
        secret = live_state.read(session).secret
        for number, one in enumerate(planned.tables, 1):
            session.execute(";".join(capture.install(schema, one, number, secret)).encode())
        yield Target(dsn=dsn, plan=planned, session=session)


def lines(*rows: Sequence[Any]) -> dict[str, Any]:
    """Rows of texts as LineChanges has them."""
    joined = ["\x1f".join(NULL if value is None else str(value) for value in row) for row in rows]
    if rows and len(rows[0]) == 1:
        joined = [line + "\x1f" for line in joined]
    return {"rows": len(rows), "lines": "\x1e".join(joined).encode()}


def entries(mark: int, *changes_: store.LineChanges, complete: bool = True) -> store.Batch[store.LineChanges]:
    """A batch that leads to an entry of the file's log."""
    return store.Batch(changes=changes_, entries=len(changes_), mark=Mark(mark, mark * 7), complete=complete)


def applied(serial: int, *refusals: store.Refusal) -> store.Applied:
    """What the file says when it has its batch of that number."""
    return store.Applied(serial=serial, refusals=refusals)
