"""What a server is and allows, and whether outgrow can keep its promises on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

from outgrow import errors
from outgrow.postgres import connection

__all__ = ["ServerFacts", "examine", "require"]

_OLDEST = 140000

# Names are qualified: search_path is the session's, and a caller may bring a session of its own.
_EXAMINE = """
SELECT pg_catalog.version(),
       pg_catalog.pg_encoding_to_char(d.encoding),
       d.datcollate,
       d.datname,
       current_user::text,
       r.rolsuper,
       pg_catalog.has_database_privilege(d.oid, 'CREATE'),
       pg_catalog.pg_is_in_recovery(),
       pg_catalog.pg_backend_pid(),
       coalesce((SELECT pg_catalog.json_object_agg(name, default_version)
                   FROM pg_catalog.pg_available_extensions
                  WHERE name IN ('vector', 'citext', 'pgcrypto')), '{}'),
       coalesce((SELECT pg_catalog.json_object_agg(extname, extversion)
                   FROM pg_catalog.pg_extension
                  WHERE extname IN ('vector', 'citext', 'pgcrypto')), '{}')
  FROM pg_catalog.pg_database AS d, pg_catalog.pg_roles AS r
 WHERE d.datname = pg_catalog.current_database() AND r.rolname = current_user
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerFacts:
    """What a target is and allows, as seen by the role that outgrow uses.

    `version` is the server's own text, `version_num` as in `server_version_num` (180006 is 18.6). `available` and
    `installed` give the versions of the extensions outgrow knows a use for. `is_pooled` is a hint: the session's
    process is not the one that answered the connection, so something between hands out sessions.
    """

    version_num: int
    version: str
    encoding: str
    lc_collate: str
    database: str
    current_user: str
    is_superuser: bool
    can_create_in_database: bool
    in_recovery: bool
    is_pooled: bool
    available: Mapping[str, str]
    installed: Mapping[str, str]


def examine(conn: psycopg.Connection) -> ServerFacts:
    """Ask the server, in one statement, what outgrow decides by."""
    with connection.translate_errors(conn), conn.transaction():
        row = conn.execute(_EXAMINE).fetchone()
    assert row is not None
    return ServerFacts(
        version_num=conn.info.server_version,
        version=row[0],
        encoding=row[1],
        lc_collate=row[2],
        database=row[3],
        current_user=row[4],
        is_superuser=row[5],
        can_create_in_database=row[6],
        in_recovery=row[7],
        is_pooled=row[8] != conn.info.backend_pid,
        available=row[9],
        installed=row[10],
    )


def require(facts: ServerFacts) -> None:
    """Raise `errors.TargetUnfit` for a server that outgrow cannot keep its promises on."""
    connection.refuse_lookalike(facts.version)
    if facts.version_num < _OLDEST:
        raise errors.TargetUnfit(
            f"The server runs PostgreSQL {facts.version_num // 10000}",
            why=f"outgrow needs {_OLDEST // 10000} or later",
            hint="Upgrade the server, or choose another",
        )
    if facts.encoding != "UTF8":
        raise errors.TargetUnfit(
            f'The database "{facts.database}" is encoded in {facts.encoding}',
            why="SQLite's text is Unicode, and not every character exists there",
            hint="CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0, and name it in the DSN",
        )
    if facts.in_recovery:
        raise errors.TargetUnfit(
            "The server is a standby",
            why="It is in recovery and accepts no writes",
            hint="Name the primary in the DSN, or add target_session_attrs=read-write",
        )
