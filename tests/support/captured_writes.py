"""Whether capture misses anything: random writes with and without it, over whichever SQLite library.

    python -m support.captured_writes --examples 1000 --seed 0 --library libsqlite3.so

After each committed transaction, every row that is different has its key among the transaction's entries in the log; and each
statement did the same as without capture: rows, error, `changes()`, `last_insert_rowid()`, contents.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import apsw

from outgrow.dialect import identifiers
from outgrow.model import plan, schema
from outgrow.sqlite import capture
from outgrow.sqlite import schema as sqlite_schema
from support import applications, random_writes

__all__ = ["Missed", "captured", "check", "database"]

quote = identifiers.quote_sqlite


class Missed(AssertionError):
    """Capture missed a change, or changed what a statement does."""


def database(statements: Sequence[str]) -> schema.Database:
    """The schema that these statements make, as the engine reads it."""
    connection = apsw.Connection(":memory:")
    try:
        for statement in statements:
            connection.execute(statement)
        return sqlite_schema.read(connection)
    finally:
        connection.close()


def captured(number: int, table: schema.Table, *, by_rowid: bool = False) -> capture.Captured:
    """A table as it is captured when the plan makes its primary key the key, or with `by_rowid`, its rowid."""
    rowid = by_rowid or not table.primary_key
    planned = plan.TablePlan(
        source=table.name,
        target=table.name,
        columns=(),
        key=() if rowid else table.primary_key,
        rowid="rowid" if rowid else None,
        rowid_name=table.rowid_name,
    )
    return capture.Captured(number=number, plan=planned, table=table)


Keys = Mapping[tuple[str | None, ...], Counter[tuple[str | None, ...]]]


@dataclass(frozen=True, slots=True)
class _Watched:
    """What is read of one table: all rows by key, and the keys in the log."""

    rows: str
    keys: str
    width: int

    def snapshot(self, application: applications.Application) -> Keys:
        found: dict[tuple[str | None, ...], Counter[tuple[str | None, ...]]] = {}
        for row in application.execute(self.rows):
            found.setdefault(_key(row[: self.width]), Counter())[row[self.width :]] += 1
        return found


def _key(row: tuple[str | None, ...]) -> tuple[str | None, ...]:
    """A key that is the same for 0.0 and -0.0, which PostgreSQL does not tell apart either."""
    return tuple("0.0" if value == "-0.0" else "b'0.0'" if value == "b'-0.0'" else value for value in row)


def _watched(each: capture.Captured) -> _Watched:
    def exact(names: Sequence[str]) -> str:
        return ",".join(f"typeof({name}),quote({name})" for name in names)

    columns = [quote(column.name) for column in each.table.columns]
    keys = [capture.column(number) for number in range(1, len(each.terms) + 1)]
    return _Watched(
        rows=f"SELECT {exact([*each.terms, *columns])} FROM {quote(each.table.name)}",
        keys=f"SELECT {exact(keys)} FROM {capture.LOG} WHERE t={each.number} AND seq>",
        width=2 * len(keys),
    )


def _outcome(application: applications.Application, statement: str) -> tuple[object, ...]:
    try:
        rows: object = application.execute(statement)
    except applications.Refused as error:
        rows = str(error)
    if not statement.startswith(("INSERT", "UPDATE", "DELETE")):
        return (rows,)
    return rows, application.execute("SELECT changes(),last_insert_rowid()"), application.in_transaction()


def check(case: random_writes.Case, make: Callable[[], applications.Application]) -> Counter[str]:
    """Run a case with and without capture; raises Missed. Returns what happened, in numbers."""
    happened: Counter[str] = Counter()
    with_capture, without = make(), make()
    try:
        accepted = []
        for statement in case.schema:
            try:
                with_capture.execute(statement)
                accepted.append(statement)
                without.execute(statement)
            except applications.Refused:
                happened["refused in the schema"] += 1
        try:
            tables = [
                captured(number, table, by_rowid=table.name in case.by_rowid and table.rowid_name is not None)
                for number, table in enumerate(database(accepted).tables, 1)
                if table.primary_key or table.rowid_name
            ]
        except apsw.Error:  # SQLite has become stricter since that library
            return Counter({"schema refused by the engine": 1})
        width = max((len(each.terms) for each in tables), default=1)
        made = {name: sql for each in tables for name, sql in capture.triggers(each).items()}
        for statement in (capture.create_log(width), *made.values()):
            with_capture.execute(statement)
        held = dict(with_capture.execute(capture.HELD))
        if _decoded(held) != made:
            raise Missed(f"SQLite keeps another text of the triggers: {held}")
        for pragma in case.pragmas:
            with_capture.execute(pragma)
            without.execute(pragma)
        _run(case, tables, with_capture, without, happened)
    finally:
        with_capture.close()
        without.close()
    return happened


def _decoded(held: Mapping[str | None, str | None]) -> Mapping[str, str]:
    def text(value: str | None) -> str:
        value = str(value)
        # The standard library is asked for bytes, since texts may be invalid.
        return eval(value).decode() if value.startswith(("b'", 'b"')) else value  # noqa: S307

    return {text(name): text(sql) for name, sql in held.items()}


def _run(
    case: random_writes.Case,
    tables: Sequence[capture.Captured],
    with_capture: applications.Application,
    without: applications.Application,
    happened: Counter[str],
) -> None:
    watched = {each.table.name: _watched(each) for each in tables}
    before = {name: one.snapshot(with_capture) for name, one in watched.items()}
    done: list[str] = []
    for end, *statements in case.transactions:
        position = with_capture.execute(f"SELECT ifnull(max(seq),0) FROM {capture.LOG}")[0][0]
        for statement in ("BEGIN", *statements, end):
            if statement != "BEGIN" and not with_capture.in_transaction():
                break
            done.append(statement)
            outcomes = [_outcome(application, statement) for application in (with_capture, without)]
            happened["refused" if isinstance(outcomes[1][0], str) else "done"] += 1
            if outcomes[0] != outcomes[1]:
                raise Missed(f"with capture {outcomes[0]}, without {outcomes[1]} after\n" + ";\n".join(done))
            if outcomes[0][0] == "datatype mismatch":
                # With any trigger, SQLite takes a whole OR FAIL statement back at an error that is no constraint's.
                break
        if with_capture.in_transaction():
            with_capture.execute("ROLLBACK")
            without.execute("ROLLBACK")
        for name, one in watched.items():
            after = one.snapshot(with_capture)
            if after != one.snapshot(without):
                raise Missed(f"{name} holds something else than without capture after\n" + ";\n".join(done))
            changed = {key for key in before[name].keys() | after.keys() if before[name].get(key) != after.get(key)}
            logged = {_key(row) for row in with_capture.execute(one.keys + str(position))}
            happened["changed"] += len(changed)
            happened["logged"] += len(logged)
            if missed := changed - logged:
                raise Missed(f"{name} changed at {missed}, logged are {logged} after\n" + ";\n".join(done))
            before[name] = after


def main() -> int:
    """Run many cases; exit 1 at the first that fails, and show it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--library", help="a shared library; `apsw`; or Python's own")
    parser.add_argument("--keep-going", action="store_true")
    options = parser.parse_args()
    make: Callable[[], applications.Application] = applications.Standard
    if options.library:
        make = applications.Apsw if options.library == "apsw" else applications.loader(options.library)
    total: Counter[str] = Counter()
    failed = 0
    started = time.monotonic()
    for seed in range(options.seed, options.seed + options.examples):
        case = random_writes.case(random.Random(seed))
        try:
            total += check(case, make)
        except Missed as error:
            failed += 1
            print(f"seed {seed}\n" + ";\n".join((*case.pragmas, *case.schema)) + f"\nby rowid: {set(case.by_rowid)}\n{error}\n")
            if not options.keep_going:
                break
    version = ".".join(map(str, make().version))
    print(f"SQLite {version}, {time.monotonic() - started:.0f} s, {failed} failed: {dict(total)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
