"""What the statements of a SQLite connection do at PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from outgrow.dialect import lexer, statement
from outgrow.model import schema
from outgrow.route import answer, classify, local, mistakes, moving, oracle, transaction, wire
from outgrow.route.standard import sqlite3

__all__ = ["Session"]

Command = wire.Command

_BATCH = 200
"""Rows of an executemany that go in one round trip."""
_SCHEMA_PRAGMAS = frozenset(
    ("table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list")
)


class Session(transaction.Transaction):
    """One SQLite connection at PostgreSQL."""

    def run(self, cursor: Any, sql: Any, parameters: Any, *, many: bool) -> answer.Answer:
        """Run a statement; Moved where it has to be run elsewhere."""
        self.check()
        if type(sql) is not str and not isinstance(sql, str):
            raise TypeError(f"execute() argument 1 must be str, not {type(sql).__name__}")
        if self.stream is not None:
            self.stream.drain()
            self.ended_stream()
        self.tally.there += 1
        kind = classify.of(sql)
        if many:
            return self._many(sql, parameters)
        if kind is classify.Kind.PLAIN:
            return self._plain(sql, parameters)
        if kind is classify.Kind.EMPTY:
            return self._nothing()
        if kind is classify.Kind.PRAGMA:
            return self._pragma(sql, parameters)
        if kind is classify.Kind.OTHER:
            return self._other(sql, parameters)
        self.oracle.refuse(sql, parameters)
        self.control(kind, sql)
        return self._nothing()

    def _plain(self, sql: str, parameters: Any) -> answer.Answer:
        word = classify.first(sql)
        if word == "EXPLAIN":
            return self._from_oracle(sql, parameters)
        if (functions := self.connection._functions) and self._names_function(sql, functions):
            return self._locally(sql, parameters)
        types = self.connection._detect_types
        prepared = self.oracle.prepared(sql, parameters, types=bool(types & sqlite3.PARSE_DECLTYPES))
        bound = prepared.bind(parameters, self.oracle, sql)
        try:
            found = self.target.translate(sql, bound, self.tally)
        except statement.Refused as refused:
            raise _refusal(sql, refused) from refused
        if found.effect is statement.Effect.ORACLE:
            return self._from_oracle(sql, parameters)
        self.begin_implicitly(word)
        reads = found.effect is statement.Effect.READ
        commands = [Command(step.sql, [bound[slot] for slot in step.slots]) for step in found.steps]
        result = self.execute(commands, write=not reads, ignored=found.ignored, stream=reads)
        return self._answered(found, prepared, result)

    def _answered(self, found: statement.Statement, prepared: oracle.Prepared, result: Any) -> answer.Answer:
        held, last = result
        rows: list[tuple[Any, ...]] = [] if last is None else held.rows(last)
        count = -1
        if found.effect is statement.Effect.WRITE:
            count = 0 if last is None else (last.command_tuples or 0)
            if found.gives_rowid:
                count = len(rows)
                self._inserted(rows)
                rows = [row[:-1] for row in rows] if found.rows else []
            elif not found.rows:
                rows = []
            self.line.changes += count
        described = prepared.cursor
        if self.connection._detect_types & sqlite3.PARSE_COLNAMES and prepared.description is not None:
            described = self.oracle.without_types(prepared)
        made = answer.Answer(
            self,
            rows=rows,
            description=prepared.description and described.description,
            describing=described,
            rowcount=count,
            lastrowid=self.last_rowid,
            converters=self._converters(prepared),
            more=self.more if held.streaming else None,
        )
        if held.streaming:
            self.stream = made
        elif not self.begun:
            self.release()
            self.line.committed()
        return made

    def _many(self, sql: str, rows: Iterable[Any]) -> answer.Answer:
        if classify.first(sql) not in transaction.DML:
            raise sqlite3.ProgrammingError("executemany() can only execute DML statements.")
        iterator, total = iter(rows), 0
        while batch := list(itertools.islice(iterator, _BATCH)):
            try:
                total += self._batch(sql, batch)
            except moving.Moved as moved:
                moved.rows = itertools.chain(batch, iterator)
                raise
        return answer.Answer(self, rowcount=total, lastrowid=None)

    def _batch(self, sql: str, batch: list[Any]) -> int:
        commands, ends, last = [], [], None
        for parameters in batch:
            prepared = self.oracle.prepared(sql, parameters)
            bound = prepared.bind(parameters, self.oracle, sql)
            try:
                last = self.target.translate(sql, bound, self.tally)
            except statement.Refused as refused:
                raise _refusal(sql, refused) from refused
            if last.ignored:
                break
            commands += [Command(step.sql, [bound[slot] for slot in step.slots]) for step in last.steps]
            ends.append(len(commands))
        if last is None or last.ignored:
            return self._one_by_one(sql, batch)
        self.begin_implicitly(classify.first(sql))
        try:
            held, results = self.run_together(commands, write=True)
        except sqlite3.Error:
            # The rows before the one that failed are written, as they are by SQLite.
            return self._one_by_one(sql, batch)
        count = sum(results[end - 1].command_tuples or 0 for end in ends)
        if last.gives_rowid:
            self._inserted(held.rows(results[-1]))
        self.line.changes += count
        if not self.begun:
            self.release()
            self.line.committed()
        return count

    def _inserted(self, rows: list[tuple[Any, ...]]) -> None:
        """Keep the rowid of the last row that was inserted; one that was there and was changed has none to tell."""
        self.last_rowid = next((row[-1] for row in reversed(rows) if row[-1] is not None), self.last_rowid)

    def _one_by_one(self, sql: str, batch: list[Any]) -> int:
        return sum(self._plain(sql, parameters).rowcount for parameters in batch)

    def _pragma(self, sql: str, parameters: Any) -> answer.Answer:
        words = [token.text for token in classify.tokens(sql)]
        name = words[3] if len(words) > 3 and words[2] == "." else words[1] if len(words) > 1 else ""
        if schema.fold(name) in _SCHEMA_PRAGMAS:
            return self._from_oracle(sql, parameters)
        cursor = sqlite3.Cursor.execute(sqlite3.Cursor(self.connection), sql, parameters)
        rows = cursor.fetchall()
        return answer.Answer(
            self, rows=rows, description=cursor.description, describing=cursor, lastrowid=self.last_rowid
        )

    def _other(self, sql: str, parameters: Any) -> answer.Answer:
        """CREATE, ALTER, DROP, and what concerns the connection."""
        word = classify.first(sql)
        if word in ("ANALYZE", "REINDEX", "VACUUM"):
            self.oracle.refuse(sql, parameters)
            return self._nothing()
        if word in ("ATTACH", "DETACH"):
            raise _refusal(sql, statement.Refused(f"{word} is not there at PostgreSQL"))
        if word not in ("CREATE", "DROP", "ALTER"):
            self.oracle.refuse(sql, parameters)
            raise _refusal(sql, statement.Refused(f"{word} is not there at PostgreSQL"))
        words = [token.upper for token in classify.tokens(sql)]
        if words[1:2] in (["TEMP"], ["TEMPORARY"]) or any(
            pair == ("TEMP", ".") for pair in itertools.pairwise(words[:8])
        ):
            raise _refusal(
                sql, statement.Refused("nothing temporary is there at PostgreSQL, where connections are shared")
            )
        if not self.oracle.changes_schema(sql):
            return self._nothing()
        try:
            found = self.target.translate(sql, (), self.tally)
        except statement.Refused as refused:
            raise _refusal(sql, refused) from refused
        self.execute([Command(step.sql) for step in found.steps], write=True)
        if not self.begun:
            self.release()
        self.oracle.apply(sql)
        return self._nothing()

    def fetched(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a SELECT, as they are."""
        found = self.target.translate(sql, (), self.tally)
        held, last = self.execute([Command(step.sql) for step in found.steps])
        return held.rows(last)

    def _names_function(self, sql: str, functions: Any) -> bool:
        """Whether a statement uses a function of the application's; one may have the name of a function of SQLite's."""
        names = {schema.fold(name) for _kind, name, _count in functions}
        return any(schema.fold(lexer.unquote(token.text)) in names for token in classify.tokens(sql))

    def _locally(self, sql: str, parameters: Any) -> answer.Answer:
        if classify.first(sql) not in ("SELECT", "WITH", "VALUES"):
            raise _refusal(
                sql, statement.Refused("it uses a function of the application, which PostgreSQL does not have")
            )
        begun = bool(self.begun)
        if not begun:
            self.control(classify.Kind.BEGIN, "BEGIN")  # one snapshot for all tables
        try:
            rows, cursor = local.evaluate(self, self.oracle, self.connection._functions, sql, parameters)
        except statement.Refused as refused:
            raise _refusal(sql, refused) from refused
        finally:
            if not begun:
                self.finish("COMMIT")
        return answer.Answer(
            self, rows=rows, description=cursor.description, describing=cursor, lastrowid=self.last_rowid
        )

    def _from_oracle(self, sql: str, parameters: Any) -> answer.Answer:
        rows, cursor = self.oracle.answer(sql, parameters)
        return answer.Answer(
            self, rows=rows, description=cursor.description, describing=cursor, lastrowid=self.last_rowid
        )

    def _nothing(self) -> answer.Answer:
        return answer.Answer(self, lastrowid=self.last_rowid)

    def _converters(self, prepared: oracle.Prepared) -> tuple[Any, ...]:
        types, columns = self.connection._detect_types, prepared.description
        if not types or columns is None:
            return ()
        found = []
        for number, column in enumerate(columns):
            converter = None
            if types & sqlite3.PARSE_COLNAMES and "[" in column[0]:
                key = column[0].partition("[")[2].partition("]")[0]
                converter = sqlite3.converters.get(key.upper())
            if converter is None and types & sqlite3.PARSE_DECLTYPES and number < len(prepared.declared):
                key = prepared.declared[number].partition("(")[0].partition(" ")[0]
                converter = sqlite3.converters.get(key.upper()) if key else None
            found.append(converter)
        return tuple(found)


def _refusal(sql: str, refused: statement.Refused) -> sqlite3.Error:
    return mistakes.error(
        sqlite3.OperationalError, f"outgrow cannot run this at PostgreSQL: {refused} (the statement: {sql})"
    )
