"""Sessions on the target: opened the same way everywhere, and their failures told in outgrow's error tree."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence

import psycopg
from psycopg import conninfo, sql

from outgrow import errors
from outgrow.model import store
from outgrow.postgres import dsn as dsns

__all__ = [
    "Session",
    "break_off",
    "connect",
    "end_sessions",
    "fastest_hash",
    "find_extensions",
    "limit_silence",
    "refuse_lookalike",
    "translate_errors",
]

Session = psycopg.Connection
"""A connection, for those who may not import the driver."""

# What the text of values and of SQL depends on, and the timeouts that a role or a provider may have set.
SESSION: Mapping[str, str] = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "bytea_output": "hex",
    "default_transaction_isolation": "read committed",
    "lock_timeout": "0",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
    "row_security": "off",  # a policy then refuses a statement instead of hiding rows from it
    "search_path": "pg_catalog",
    # The server notices a killed client or a client's machine that is gone, and frees its locks, in about a minute.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}

# The server looks in the middle of long statements too whether the client is there; not every system can.
WATCH_CLIENT = "SELECT pg_catalog.set_config('client_connection_check_interval', '2s', false)"

# A peer that vanished without a word is noticed after about a minute.
KEEPALIVE: Mapping[str, str] = {
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}

# Classes and codes: https://www.postgresql.org/docs/18/errcodes-appendix.html
LOST = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "25P04"})
CONTENDED = frozenset({"40001", "40P01", "55P03"})
CANCELLED = "57014"
SHORT_OF = "53"  # the class of memory, connections and limits that an administrator set

UNKNOWN_ROLE = "<role>"

# What psycopg warns of (a cancellation that did not get through) is told in outgrow's errors, or nothing for a user.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

CONNECT_HINTS: tuple[tuple[str, str], ...] = (
    (r"does not match host name", "Name the host in the DSN as its certificate does"),
    (r"certificate verify failed|root certificate|unable to get local issuer",
     "Give the provider's authority with sslrootcert=FILE; sslmode=require connects without knowing to whom"),
    (r"does not support SSL|SSL off", "Enable TLS on the server; sslmode=disable in the DSN goes without"),
    (r"password authentication failed|no password supplied|SASL|SCRAM",
     "Check the user and the password (DSN, PGPASSWORD or the password file)"),
    (r"no pg_hba\.conf entry|[Pp]eer authentication|Ident authentication",
     "Let this host, user and database in: pg_hba.conf, or the provider's list of allowed networks"),
    (r"database .* does not exist", "Create the database, or correct its name in the DSN"),
    (r"role .* does not exist", "Create the role, or correct the user in the DSN"),
    (r"too many (clients|connections)|connection slots", "Wait for connections to end, or raise max_connections"),
    (r"starting up|shutting down|recovery", "Wait until the server is up, and type the same command again"),
    (r"on socket", "Start the server, or name its socket directory: host=/var/run/postgresql"),
    (r"resolve|translate host name|Name or service", "Check the host in the DSN, and this machine's name resolution"),
    (r"timeout|timed out", "Check that a firewall lets this machine through to the host and port of the DSN"),
)  # fmt: skip

GRANTS: Mapping[str, str] = {
    "table": "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON TABLE {name} TO {user}",
    "sequence": "GRANT ALL ON SEQUENCE {name} TO {user}",
    "schema": "GRANT USAGE, CREATE ON SCHEMA {name} TO {user}",
    "database": "GRANT CREATE, CONNECT, TEMPORARY ON DATABASE {name} TO {user}",
    "function": "GRANT EXECUTE ON FUNCTION {name} TO {user}",
    "type": "GRANT USAGE ON TYPE {name} TO {user}",
    "language": "GRANT USAGE ON LANGUAGE {name} TO {user}",
    "tablespace": "GRANT CREATE ON TABLESPACE {name} TO {user}",
    "view": "GRANT SELECT ON TABLE {name} TO {user}",
}


def connect(
    target: dsns.Dsn | str,
    *,
    purpose: str,
    autocommit: bool = False,
    connect_timeout: int = 10,
    opened: Callable[[psycopg.Connection], None] = lambda _: None,
) -> psycopg.Connection:
    """Open a session named `outgrow <purpose>` whose settings do not depend on the role, the database or the host.

    Parameters that the DSN names itself (keepalives, connect_timeout) win. `opened` is given the session before the
    first statement, so that somebody can break it off when the server falls silent. Raises `errors.TargetUnreachable`.
    """
    if isinstance(target, str):
        target = dsns.parse(target)
    given = conninfo.conninfo_to_dict(target.secret)
    wanted = {**KEEPALIVE, "connect_timeout": connect_timeout, **given, "application_name": f"outgrow {purpose}"}
    problem = None
    try:
        conn = psycopg.connect(**wanted, autocommit=True)  # type: ignore[arg-type]
    except psycopg.Error as error:
        problem = dsns.scrub(str(error), *target.secrets)
    if problem is not None:  # outside the handler: the exception refers to the connection, and that to the password
        raise _unreachable(target, problem)
    opened(conn)
    try:
        with translate_errors(conn):
            _settle(conn)
        conn.autocommit = autocommit
    except BaseException:
        conn.close()
        raise
    return conn


def break_off(conn: psycopg.Connection) -> None:
    """Cut a session's network connection, from any thread: whoever waits for the server gets an error at once."""
    with contextlib.suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(conn.fileno())) as end:
        end.shutdown(socket.SHUT_RDWR)


def end_sessions(session: Session, backends: Sequence[int]) -> None:
    """End sessions of this role's that are named as this one is, by their backends' process ids, with what they hold."""
    with translate_errors(session):
        session.execute(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid = ANY(%s)"
            " AND pid <> pg_catalog.pg_backend_pid() AND datname = pg_catalog.current_database()"
            " AND usename = current_user AND application_name = pg_catalog.current_setting('application_name')",
            [list(backends)],
        )


@contextlib.contextmanager
def translate_errors(conn: psycopg.Connection | None = None) -> Iterator[None]:
    """Tell psycopg's errors in outgrow's tree where the tree has a word for them; all others pass through untouched.

    Lost connections become `errors.TargetLost`, a full disk `errors.OutOfSpace`, deadlocks, lock timeouts and
    serialization failures `errors.Retryable`, missing privileges and read-only servers `errors.TargetUnfit` with the
    statement that helps. `conn` serves to name the role in it and to take its password out of the texts.
    """
    user, secrets = _identity(conn)
    translated = None
    try:
        yield
    except psycopg.Error as error:
        translated = _translated(error, user, secrets)
        if translated is None:
            raise
        raise translated from error


def commit_without_waiting(session: Session) -> None:
    """Let the session's commits return before they are on disk; a later waiting commit of another session covers them."""
    session.execute("SET synchronous_commit = off")


def limit_silence(session: Session, seconds: float) -> None:
    """Have the server end the session when it hears nothing in the middle of a transaction: it lets go of its locks then."""
    session.execute(
        "SELECT pg_catalog.set_config('idle_in_transaction_session_timeout', %s, false)", [f"{round(seconds * 1000)}ms"]
    )


def find_extensions(session: Session) -> None:
    """Let a session find the types and functions of extensions; every other name that outgrow uses is qualified."""
    session.execute(
        "SELECT pg_catalog.set_config('search_path', 'pg_catalog, public' || coalesce(', ' || (SELECT string_agg(DISTINCT"
        "   quote_ident(n.nspname), ', ') FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n"
        "   ON n.oid = e.extnamespace WHERE n.nspname NOT IN ('pg_catalog', 'public')), ''), false)"
    )


def fastest_hash(session: Session) -> store.Hash:
    """What the server computes sooner: its own SHA-512 is faster than its SHA-256, OpenSSL's is not where hardware helps."""
    row = session.execute("SHOW ssl_library").fetchone()
    return store.Hash.SHA256 if row is not None and row[0] else store.Hash.SHA512


def _settle(conn: psycopg.Connection) -> None:
    if conn.info.parameter_status("crdb_version"):
        refuse_lookalike("CockroachDB")
    # Only what this server knows: transaction_timeout exists since 17.
    names = list(SESSION)
    conn.execute(
        "SELECT pg_catalog.set_config(s.name, wanted.value, false)"
        "  FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)"
        "  JOIN pg_catalog.pg_settings AS s ON pg_catalog.lower(s.name) = pg_catalog.lower(wanted.name)",
        [names, list(SESSION.values())],
    )
    with contextlib.suppress(psycopg.errors.InvalidParameterValue):
        conn.execute(WATCH_CLIENT)


def refuse_lookalike(version: str) -> None:
    """Raise `errors.TargetUnfit` for a server that only looks like PostgreSQL."""
    for mark, product in (("CockroachDB", "CockroachDB"), ("-YB-", "YugabyteDB")):
        if mark in version:
            raise errors.TargetUnfit(
                f"The server is {product}, not PostgreSQL",
                why="It speaks PostgreSQL's protocol, but lacks triggers, locks or constraints outgrow relies on",
                hint="Give the DSN of a PostgreSQL server, version 14 or later",
            )


def _unreachable(target: dsns.Dsn, problem: str) -> errors.TargetUnreachable:
    hint = "Check that the server runs, and the host and port of the DSN"
    for pattern, better in CONNECT_HINTS:
        if re.search(pattern, problem):
            hint = better
            break
    return errors.TargetUnreachable(
        f"No connection to PostgreSQL at {target.masked}", why=_first_line(problem), hint=hint
    )


def _identity(conn: psycopg.Connection | None) -> tuple[str, tuple[str, ...]]:
    if conn is None or conn.closed:
        return UNKNOWN_ROLE, ()
    return conn.info.user, (conn.info.password,)


def _translated(error: psycopg.Error, user: str, secrets: tuple[str, ...]) -> errors.OutgrowError | None:
    state = error.sqlstate
    why = _first_line(dsns.scrub(str(error), *secrets))
    # Without a SQLSTATE the server said nothing: libpq found the connection gone.
    if (
        state in LOST
        or (state or "").startswith("08")
        or (state is None and isinstance(error, psycopg.OperationalError))
    ):
        return errors.TargetLost(
            "The connection to PostgreSQL broke",
            why=why,
            hint="Type the same command again: it continues where it was",
        )
    # A quota or a limit on file sizes has no SQLSTATE of its own, but the same advice.
    if state == "53100" or (state == "XX000" and "free disk space" in (error.diag.message_hint or "")):
        return errors.OutOfSpace(
            "PostgreSQL's disk is full", why=why, hint="Free space on the server, and type the same command again"
        )
    if state == CANCELLED or (state or "").startswith(SHORT_OF):
        what = "Somebody cancelled the statement" if state == CANCELLED else "PostgreSQL ran out of a resource"
        return errors.Retryable(
            what, why=why, hint="Type the same command again: it continues where it was; raise the limit if that is it"
        )
    if state in CONTENDED:
        return errors.Retryable(
            "PostgreSQL could not get a lock", why=why, hint="Type the same command again; end long transactions first"
        )
    if state == "42501":
        return errors.TargetUnfit("A privilege is missing in PostgreSQL", why=why, hint=_grant(error, user))
    if state == "25006":
        return errors.TargetUnfit(
            "PostgreSQL accepts no writes here",
            why=why,
            hint="Name the primary in the DSN, or: ALTER ROLE ... SET default_transaction_read_only = off",
        )
    return None


def _grant(error: psycopg.Error, user: str) -> str:
    """The statement that gives the missing privilege, for somebody who may; from the message, the only place it is."""
    message = error.diag.message_primary or ""
    role = user if user == UNKNOWN_ROLE else _quoted(user)
    if (found := re.fullmatch(r"permission denied for (\w+) (.+)", message)) and found[1] in GRANTS:
        return "Ask an administrator for: " + GRANTS[found[1]].format(name=_quoted(found[2]), user=role)
    if found := re.fullmatch(r"must be owner of (.+)", message):
        return f"Ask an administrator to grant {role} the role that owns {found[1]}"
    if found := re.fullmatch(r'permission denied to set parameter "(.+)"', message):
        return f"Ask an administrator for: GRANT SET ON PARAMETER {found[1]} TO {role} (PostgreSQL 15 or later)"
    if found := re.fullmatch(r'permission denied to create extension "(.+)"', message):
        return f"Ask an administrator for: CREATE EXTENSION {_quoted(found[1])}"
    return f"Ask an administrator to give {role} this privilege"


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string()


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].strip()
