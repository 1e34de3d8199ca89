"""What a statement begins with, which is what a connection has to know of it before it is prepared."""

from __future__ import annotations

import enum
import functools

from outgrow.dialect import lexer

__all__ = ["Kind", "first", "of", "tokens"]


class Kind(enum.IntEnum):
    """A statement by its first word."""

    PLAIN = 0
    """It reads or writes rows."""
    BEGIN = 1
    COMMIT = 2
    ROLLBACK = 3
    """All of the transaction, or back to a savepoint."""
    SAVEPOINT = 4
    RELEASE = 5
    PRAGMA = 6
    OTHER = 7
    """It changes the schema, or the connection."""
    EMPTY = 8


_KINDS = {
    **dict.fromkeys(("SELECT", "VALUES", "WITH", "INSERT", "REPLACE", "UPDATE", "DELETE", "EXPLAIN"), Kind.PLAIN),
    "BEGIN": Kind.BEGIN,
    "COMMIT": Kind.COMMIT,
    "END": Kind.COMMIT,
    "ROLLBACK": Kind.ROLLBACK,
    "SAVEPOINT": Kind.SAVEPOINT,
    "RELEASE": Kind.RELEASE,
    "PRAGMA": Kind.PRAGMA,
}


@functools.lru_cache(maxsize=1024)
def tokens(sql: str) -> tuple[lexer.Token, ...]:
    """The statement's tokens."""
    return lexer.tokenize(sql)


def first(sql: str) -> str:
    """The first word, with ASCII letters raised; empty where there is none."""
    word = sql[:8].split(" ", 1)[0].upper()
    if word in _KINDS:
        return word
    found = lexer.tokenize(sql[:100]) or tokens(sql)
    return next((token.upper for token in found if token.text != ";"), "")


@functools.lru_cache(maxsize=4096)
def of(sql: str) -> Kind:
    """What kind of statement it is."""
    word = first(sql)
    return _KINDS.get(word, Kind.OTHER) if word else Kind.EMPTY
