"""A trigger of SQLite's as the body of a PL/pgSQL function.

SQLite fires for a row as soon as it is changed, PostgreSQL fires AFTER triggers when the statement has changed all its rows. A
trigger that could see the difference runs only for statements that change one row, and fails for others. SQLite does not fire a
trigger while it runs: one that could fire itself keeps a mark in a setting of the transaction.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from outgrow.dialect import (
    binding,
    catalog,
    firing,
    frames,
    inserting,
    query,
    raising,
    trigger_effects,
    trigger_sql,
    walk,
    writes,
)
from outgrow.dialect import statement_tree as st
from outgrow.dialect import value as values
from outgrow.dialect.translation import Untranslatable
from outgrow.model import plan

__all__ = ["RAISED", "ROWS", "SEVERAL", "Translated", "calls_outgrow", "translate"]

RAISED = "OG005"
"""SQLSTATE of RAISE(ABORT, …)."""

SEVERAL = "OG004"
"""SQLSTATE of a statement of several rows that fires a trigger which is right for single rows only."""

ROWS = "outgrow_rows"
"""What the rows that a statement changed are called in a function that has to count them."""

_FIRING = "outgrow.firing"
_LITERALS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""")
_HELPER = re.compile(r"\boutgrow\.[a-z_]+\(")


@dataclass(frozen=True, kw_only=True, slots=True)
class Translated:
    """A translated trigger, with the fields of `plan.TriggerPlan`."""

    body: str
    when: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    single: bool
    dependent: bool


def calls_outgrow(sql: str) -> bool:
    """Whether PostgreSQL's SQL calls functions of schema `outgrow`."""
    return _HELPER.search(_LITERALS.sub("''", sql)) is not None


def translate(trigger: plan.TriggerPlan, known: catalog.Catalog) -> Translated:
    """The translation of a trigger of the catalog on one of its tables; raises `Untranslatable`."""
    made = _Trigger(trigger, known)
    try:
        return made.translated()
    except RecursionError:
        raise Untranslatable("the trigger is nested too deeply") from None
    except Untranslatable as refused:
        column = next((name for name in made.hidden if str(refused) == f"no such column: NEW.{name}"), None)
        if column is None:
            raise
        raise Untranslatable(f"NEW.{column} is not known before the row is written") from None


class _Trigger:
    def __init__(self, trigger: plan.TriggerPlan, known: catalog.Catalog) -> None:
        table = known.table(trigger.table)
        assert table is not None
        self.plan = trigger
        self.known = known
        self.table = table
        self.parsed = trigger_sql.parse(trigger.sql)
        self.effects = trigger_effects.effects(known, trigger)
        self.hidden: set[str] = set()
        self.frame = frames.Frame(origins=list(self._rows()))
        self.mark = f",{hashlib.sha256(trigger.name.encode()).hexdigest()[:16]},"

    def _rows(self) -> Iterator[frames.Origin]:
        """NEW and OLD, as far as the event has them; they are only meant where they are named."""
        wanted = {"INSERT": ("NEW",), "UPDATE": ("NEW", "OLD"), "DELETE": ("OLD",)}[self.plan.event]
        for name in wanted:
            found = dataclasses.replace(frames.of_table(self.table, name, name), aside=True)
            if self.plan.timing == "BEFORE" and name == "NEW":
                # Neither is there yet: a generated column in PostgreSQL, and in SQLite the id of a row that is inserted.
                inserted = self.plan.event == "INSERT"
                self.hidden = {c.name for c in self.table.columns if c.generated or (inserted and c.identity)}
                fields = tuple(one for one in found.fields if one.name not in self.hidden)
                found = dataclasses.replace(found, fields=fields, is_table=not inserted)
                self.hidden |= catalog.ROWID if inserted else set()
            yield found

    def _bound(self) -> binding.Binding:
        return binding.Binding(self.known, (), around=self.frame)

    def translated(self) -> Translated:
        plan_, parsed = self.plan, self.parsed
        of = {catalog.fold(name) for name in plan_.columns}
        for column in self.table.columns:
            if column.generated and catalog.fold(column.name) in of:
                raise Untranslatable(f"UPDATE OF the generated column {column.name}")
        if self.effects.single and plan_.columns:
            raise Untranslatable("UPDATE OF in a trigger that reads its own table")
        steps = [line for statement in parsed.body for line in self._statement(statement)]
        condition, inside = self._condition()
        if inside:
            steps = [f"IF {inside} THEN", *steps, "END IF;"]
        tests = ["coalesce(pg_catalog.current_setting('outgrow.applying', true), '') = ''"]
        if self.effects.fires_itself:
            running = f"coalesce(pg_catalog.current_setting('{_FIRING}', true), '')"
            tests.append(f"pg_catalog.strpos({running}, '{self.mark}') = 0")
            steps = [
                f"outgrow_firing := {running};",
                f"PERFORM pg_catalog.set_config('{_FIRING}', outgrow_firing || '{self.mark}', true);",
                *steps,
                self._unmark(),
            ]
        if condition:
            tests.append(condition)
        body = "\n".join(f"    {line}" for line in [*self._alone(), *steps, self._return()])
        declared = "    outgrow_row record;\n    outgrow_raised bigint;\n    outgrow_firing text;\n"
        source = f"\n#variable_conflict use_column\nDECLARE\n{declared}BEGIN\n{body}\nEND "
        return Translated(
            body=source,
            when=" AND ".join(tests),
            reads=tuple(sorted(self.effects.reads)),
            writes=tuple(sorted(self.effects.writes)),
            single=self.effects.single,
            dependent=calls_outgrow(source),
        )

    def _return(self) -> str:
        if self.plan.timing == "AFTER":
            return "RETURN NULL;"
        return "RETURN OLD;" if self.plan.event == "DELETE" else "RETURN NEW;"

    def _unmark(self) -> str:
        return f"PERFORM pg_catalog.set_config('{_FIRING}', outgrow_firing, true);"

    def _alone(self) -> Iterator[str]:
        """The refusal of statements that change several rows."""
        if self.effects.single:
            what = f"the trigger {self.plan.name} reads {self.plan.table}, which the statement changes in several rows"
            yield f"IF (SELECT pg_catalog.count(*) FROM (SELECT FROM {ROWS} LIMIT 2) AS q) > 1 THEN"
            yield (
                f"    RAISE EXCEPTION USING ERRCODE = '{SEVERAL}', MESSAGE = {values.string(what)},"
                " HINT = 'Change one row with each statement';"
            )
            yield "END IF;"

    def _condition(self) -> tuple[str, str]:
        """WHEN, as PostgreSQL's or, where that cannot be, for the function."""
        if self.parsed.when is None:
            return "", ""
        bound = self._bound()
        queries = query.Queries(bound)
        found = walk.Walk(bound, frames.Frame(), queries.inside).condition(self.parsed.when)
        return ("", found) if bound.queries or calls_outgrow(found) else (found, "")

    def _statement(self, node: st.Statement) -> Iterator[str]:
        bound = self._bound()
        match node:
            case st.Query():
                yield from self._query(node, bound)
            case st.Insert(returning=()):
                yield from self._insert(node, bound)
            case st.Update(returning=()):
                yield f"{writes.update(node, bound).sql};"
            case st.Delete(returning=()):
                yield f"{writes.delete(node, bound).sql};"
            case _:
                raise Untranslatable("RETURNING in a trigger")

    def _insert(self, node: st.Insert, bound: binding.Binding) -> Iterator[str]:
        written = inserting.insert(node, bound)
        *before, last = written.steps
        lines = [f"{step.sql};" for step in before]
        # What an INSERT returns has to go somewhere.
        lines.append(f"FOR outgrow_row IN {last.sql} LOOP END LOOP;" if written.gives_rowid else f"{last.sql};")
        if written.ignored:
            codes = " OR ".join(f"SQLSTATE '{code}'" for code in sorted(written.ignored))
            lines = ["BEGIN", *lines, f"EXCEPTION WHEN {codes} THEN NULL;", "END;"]
        yield from lines

    def _query(self, node: st.Query, bound: binding.Binding) -> Iterator[str]:
        found = raising.raising(node)
        if found is None:
            yield f"PERFORM q.* FROM ({query.Queries(bound).relation(node, None).sql}) AS q;"
            return
        numbered, raises = found
        sql = query.Queries(bound).relation(numbered, None).sql
        yield f"SELECT q.c1 INTO outgrow_raised FROM ({sql}) AS q WHERE q.c1 <> 0 LIMIT 1;"
        for number, one in enumerate(raises, start=1):
            yield f"IF outgrow_raised = {number} THEN"
            if one.message is None:
                yield from self._ignore()
            else:
                yield f"    RAISE EXCEPTION USING ERRCODE = '{RAISED}', MESSAGE = {values.string(one.message)};"
            yield "END IF;"

    def _ignore(self) -> Iterator[str]:
        others = [
            one.name
            for one in firing.of_table(self.known, self.plan)
            if one.event == self.plan.event and one.timing == "AFTER"
        ]
        if self.plan.timing == "AFTER" and others:
            raise Untranslatable(f"RAISE(IGNORE) keeps the trigger {others[0]} from firing")
        if self.effects.fires_itself:
            yield self._unmark()
        yield "    RETURN NULL;"
