"""Hold a load's ledger against a database: `python -m examples.homeverse.audit_ledger ledger.jsonl STORE`.

STORE is a SQLite file, or a PostgreSQL DSN. Every acknowledged write has to be there, once, as it was acknowledged; a write
without an answer may be there or not. The exit status is 1 if anything is lost, or there is too much.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import pathlib
import sqlite3
import sys
from collections.abc import Callable, Iterator
from typing import Any

Query = Callable[[str], list[tuple[Any, ...]]]


@contextlib.contextmanager
def opened(store: str) -> Iterator[Query]:
    """A function that runs one query; of one moment, as both stores are read in one transaction."""
    if pathlib.Path(store).exists():
        uri = pathlib.Path(store).resolve().as_uri() + "?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as file:
            file.execute("BEGIN")
            yield lambda sql: file.execute(sql).fetchall()
    elif "=" in store or "://" in store:
        import psycopg

        with psycopg.connect(store, autocommit=False) as session:
            session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield lambda sql: session.execute(sql.encode()).fetchall()
    else:
        raise FileNotFoundError(f"{store} is neither a file nor a DSN")


def read(ledger: pathlib.Path) -> list[dict[str, Any]]:
    """The whole lines of a ledger; the last one may be half written, if the load was killed."""
    text = ledger.read_text(encoding="utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def audit(ledger: list[dict[str, Any]], query: Query) -> list[str]:
    """What is wrong, a sentence each."""
    kinds = collections.defaultdict(list)
    for entry in ledger:
        kinds[entry["kind"] if entry["kind"] != "doubt" else f"doubt {entry['of']}"].append(entry)
    return [*_applicants(kinds, query), *_messages(kinds, query), *_investments(kinds, query)]


def _rows(acknowledged: dict[Any, int], doubtful: set[Any], stored: list[tuple[Any, Any]], what: str) -> Iterator[str]:
    """Compare ids by what the rows hold: nothing lost, nothing twice, nothing that nobody asked for."""
    found = collections.defaultdict(list)
    for identity, key in stored:
        found[key].append(identity)
    for key, identity in acknowledged.items():
        if identity not in found[key]:
            yield f"{what} {identity} ({key}) was acknowledged, and is lost"
    for key, identities in found.items():
        if len(identities) > 1:
            yield f"{what} {key} is there {len(identities)} times"
        elif identities and key not in acknowledged and key not in doubtful:
            yield f"{what} {identities[0]} ({key}) is there, and nobody asked for it"


def _applicants(kinds: dict[str, list[dict[str, Any]]], query: Query) -> Iterator[str]:
    companies = {entry["company"] for entry in kinds["investment"]}
    if not companies:
        return
    listed = ", ".join(str(int(company)) for company in sorted(companies))
    rows = query(f"SELECT id, company_id, email FROM applicants WHERE company_id IN ({listed})")
    yield from _rows(
        {(entry["company"], entry["email"]): entry["id"] for entry in kinds["applicant"]},
        {(entry["company"], entry["email"]) for entry in kinds["doubt applicant"]},
        [(identity, (company, email)) for identity, company, email in rows],
        "applicant",
    )


def _messages(kinds: dict[str, list[dict[str, Any]]], query: Query) -> Iterator[str]:
    marks = {entry["message"].split()[0] for entry in [*kinds["contact"], *kinds["doubt contact"]]}
    rows = query("SELECT id, message FROM contact_submissions WHERE name = 'Load'")
    yield from _rows(
        {entry["message"]: entry["id"] for entry in kinds["contact"]},
        {entry["message"] for entry in kinds["doubt contact"]},
        [(identity, message) for identity, message in rows if message.split()[0] in marks],
        "message",
    )


def _investments(kinds: dict[str, list[dict[str, Any]]], query: Query) -> Iterator[str]:
    """Amounts are read, added to and written by the application: a lost update shows in the sum."""
    least = {entry["id"]: float(entry["amount"]) for entry in kinds["investment"]}
    for entry in kinds["payment"]:
        least[entry["id"]] += entry["amount"]
    most = dict(least)
    for entry in kinds["doubt payment"]:
        most[entry["id"]] += entry["amount"]
    stored = {identity: float(amount) for identity, amount in query("SELECT id, amount FROM investments")}
    for identity, expected in least.items():
        amount = stored.get(identity)
        if amount is None:
            yield f"investment {identity} was acknowledged, and is lost"
        elif not expected - 0.001 <= amount <= most[identity] + 0.001:
            yield f"investment {identity} is {amount}, and not {expected}"


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.homeverse.audit_ledger", description="Hold a ledger against a database."
    )
    parser.add_argument("ledger", type=pathlib.Path)
    parser.add_argument("store", help="a SQLite file, or a PostgreSQL DSN")
    options = parser.parse_args(arguments)
    entries = read(options.ledger)
    try:
        with opened(options.store) as query:
            wrong = audit(entries, query)
    except FileNotFoundError as problem:
        parser.error(str(problem))
    for sentence in wrong:
        print(sentence)
    print(
        f"{len(entries)} entries, {len(wrong)} of them wrong"
        if wrong
        else f"{len(entries)} entries, all as acknowledged"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
