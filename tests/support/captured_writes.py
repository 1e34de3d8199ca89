"""Whether capture misses anything: random writes with and without it, over whichever SQLite library.

    python -m support.captured_writes --examples 1000 --seed 0 --library libsqlite3.so

After each committed transaction, every row that is different has its key among the transaction's entries in the log; and each
statement did the same as without capture: rows, error, `changes()`, `last_insert_rowid()`, contents.
"""

from __future__ import annotations

import argparse
import contextlib
import os
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

__all__ = ["Missed", "captured", "check", "check_fence", "database", "install"]

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


_CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK TO")
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


def _quirk(case: random_writes.Case, statement: str, outcome: tuple[object, ...], other: tuple[object, ...]) -> str:
    """Where SQLite does something else just because a table has triggers, whatever they are for (docs/limits.md).

    An error that is not a constraint's takes all of a statement OR FAIL back; STRICT types are checked before other
    constraints; foreign keys are checked that are skipped otherwise; an UPDATE may take its rows in another order, which
    matters where they collide; recursive_triggers has one level less.
    """
    messages = [each[0] for each in (outcome, other) if isinstance(each[0], str)]
    mistyped = any(message.startswith(("cannot store", "datatype mismatch")) for message in messages)
    if mistyped and (
        outcome != other or "SELECT" in statement or "),(" in statement or "CREATE TRIGGER" in str(case.schema)
    ):
        return "type"
    if outcome == other:
        return ""
    if any("foreign key" in message.lower() for message in messages):
        return "foreign key"
    if "UPDATE OR" in f"{statement}{case.schema}" or ("UPDATE" in statement and "ON CONFLICT" in str(case.schema)):
        return "order"
    return "recursion" if "recursive_triggers=ON" in str(case.pragmas) else ""


def _last_id(application: applications.Application) -> str:
    return str(application.execute("SELECT last_insert_rowid()")[0][0])


def _outcome(application: applications.Application, statement: str) -> tuple[object, ...]:
    try:
        rows: object = application.execute(statement)
    except applications.Refused as error:
        rows = str(error)
    if not statement.startswith(("INSERT", "UPDATE", "DELETE")) or isinstance(rows, str):
        return rows, application.in_transaction()
    if statement.startswith("DELETE") and "WHERE" not in statement:  # an old SQLite that truncates the table says 0
        return rows, application.in_transaction()
    return rows, application.in_transaction(), application.execute("SELECT changes()")


def _sound(application: applications.Application) -> bool:
    """Whether the database is not damaged: an old SQLite does that by itself, with indexes on expressions above all."""
    return "ok" in application.execute("PRAGMA integrity_check")[0][0]  # type: ignore[operator]


def install(
    case: random_writes.Case, with_capture: applications.Application, without: applications.Application
) -> list[capture.Captured] | None:
    """Make the schema in both databases and capture in one; None where the engine's SQLite does not take the schema."""
    accepted = []
    for statement in case.schema:
        with contextlib.suppress(applications.Refused):
            with_capture.execute(statement)
            without.execute(statement)
            accepted.append(statement)
    try:
        made_of = database(accepted)
    except apsw.Error:  # SQLite has become stricter since that library
        return None
    tables = [
        captured(number, table, by_rowid=table.name in case.by_rowid and table.rowid_name is not None)
        for number, table in enumerate(made_of.tables, 1)
        if table.primary_key or table.rowid_name
    ]
    width = max((len(each.terms) for each in tables), default=1)
    made = {name: sql for each in tables for name, sql in capture.triggers(each, made_of).items()}
    for statement in (capture.create_log(width), *made.values()):
        with_capture.execute(statement)
    difference = capture.compare(made, _decoded(dict(with_capture.execute(capture.HELD))))
    if difference.lost or difference.strange:
        raise Missed(f"SQLite keeps another text of the triggers: {difference}")
    for pragma in case.pragmas:
        with_capture.execute(pragma)
        without.execute(pragma)
    return tables


def check(case: random_writes.Case, make: Callable[[], applications.Application]) -> Counter[str]:
    """Run a case with and without capture; raises Missed. Returns what happened, in numbers."""
    happened: Counter[str] = Counter()
    with_capture, without = make(), make()
    try:
        tables = install(case, with_capture, without)
        if tables is None:
            return Counter({"schema refused by the engine": 1})
        try:
            _run(case, tables, with_capture, without, happened)
        except Missed:
            if all(_sound(each) for each in (with_capture, without)):
                raise
            happened["damaged by SQLite itself"] += 1
    finally:
        with_capture.close()
        without.close()
    return happened


def check_fence(case: random_writes.Case, make: Callable[[], applications.Application]) -> Counter[str]:
    """Run half of a case, then the other half against the fence; raises Missed where a write gets through."""
    happened: Counter[str] = Counter()
    fenced, open_ = make(), make()
    try:
        tables = install(case, fenced, open_)
        if tables is None:
            return happened
        writes = [s for _, *statements in case.transactions for s in statements if not s.startswith(_CONTROL)]
        for statement in writes[: len(writes) // 2]:
            for application in (fenced, open_):
                with contextlib.suppress(applications.Refused):
                    application.execute(statement)
        fenced.execute(capture.fence(7))
        watched = [_watched(each) for each in tables]
        for statement in writes[len(writes) // 2 :]:
            before = [one.snapshot(fenced) for one in watched]
            outcome = _outcome(fenced, statement)
            if [one.snapshot(fenced) for one in watched] != before:
                raise Missed(f"{statement} wrote behind the fence: {outcome}")
            if any(one.snapshot(open_) != rows for one, rows in zip(watched, before, strict=True)):
                return happened  # SQLite took another way before, which `check` looks into
            open_.execute("BEGIN")
            other = _outcome(open_, statement)
            changed = any(one.snapshot(open_) != rows for one, rows in zip(watched, before, strict=True))
            if open_.in_transaction():
                open_.execute("ROLLBACK")
            refused = str(outcome[0])
            if changed and not isinstance(other[0], str):
                happened["fenced"] += 1
                if not refused.startswith(f"{capture.FENCE_PREFIX} of epoch 7") and not _quirk(
                    case, statement, outcome, other
                ):
                    raise Missed(f"{statement} met no fence: {outcome}, without one {other}")
    finally:
        fenced.close()
        open_.close()
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
    without: applications.Application | None,
    happened: Counter[str],
) -> None:
    watched = {each.table.name: _watched(each) for each in tables}
    before = {name: one.snapshot(with_capture) for name, one in watched.items()}
    done: list[str] = []
    last = ("0", "0")
    for end, *statements in case.transactions:
        position = with_capture.execute(f"SELECT ifnull(max(seq),0) FROM {capture.LOG}")[0][0]
        for statement in ("BEGIN", *statements, end):
            if statement != "BEGIN" and not with_capture.in_transaction():
                break
            done.append(statement)
            outcome = _outcome(with_capture, statement)
            happened["refused" if isinstance(outcome[0], str) else "done"] += 1
            if without is None:
                continue
            other = _outcome(without, statement)
            if quirk := _quirk(case, str(statements), outcome, other):
                happened[quirk] += 1
                without = None
            elif outcome != other:
                raise Missed(f"with capture {outcome}, without {other} after\n" + ";\n".join(done))
            else:
                ids = (_last_id(with_capture), _last_id(without))
                # A statement that failed leaves either the old id or the one that it did not keep.
                if ids[0] != ids[1] and ids != last and not isinstance(outcome[0], str):
                    if quirk := _quirk(case, str(statements), ("",), ("other",)):
                        happened[quirk] += 1
                        without = None
                        continue
                    raise Missed(f"last_insert_rowid() is {ids} after\n" + ";\n".join(done))
                last = ids
        for application in (with_capture, without):
            if application is not None and application.in_transaction():
                application.execute("ROLLBACK")
        for name, one in watched.items():
            after = one.snapshot(with_capture)
            if without is not None and after != one.snapshot(without):
                if quirk := _quirk(case, str(statements), ("",), ("other",)):
                    happened[quirk] += 1
                    without = None
                else:
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
    parser.add_argument("--library", dest="shared_object", help="a shared library; `apsw`; or Python's own")
    parser.add_argument("--keep-going", action="store_true")
    parser.add_argument(
        "--fork", action="store_true", help="a process for each case: an old library may crash by itself"
    )
    parser.add_argument("--fence", action="store_true", help="try the fence instead")
    options = parser.parse_args()
    make: Callable[[], applications.Application] = applications.Standard
    if options.shared_object:
        make = applications.Apsw if options.shared_object == "apsw" else applications.loader(options.shared_object)
    total: Counter[str] = Counter()
    failed = 0
    started = time.monotonic()
    run = check_fence if options.fence else check
    for seed in range(options.seed, options.seed + options.examples):
        if options.fork and (child := os.fork()):
            _, status = os.waitpid(child, 0)
            total["crashed" if os.WIFSIGNALED(status) else "cases"] += 1
            failed += os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0
            continue
        case = random_writes.case(random.Random(seed))
        try:
            total += run(case, make)
        except Missed as error:
            failed += 1
            print(
                f"seed {seed}\n"
                + ";\n".join((*case.pragmas, *case.schema))
                + f"\nby rowid: {set(case.by_rowid)}\n{error}\n"
            )
        if options.fork:
            sys.stdout.flush()
            os._exit(failed)
        if failed and not options.keep_going:
            break
    version = ".".join(map(str, make().version))
    print(f"SQLite {version}, {time.monotonic() - started:.0f} s, {failed} failed: {dict(total)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
