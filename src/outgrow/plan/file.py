"""The plan as a TOML file that people review.

The user writes under `[overrides]` only, which comes first and is carried into every new plan; the rest is made anew and its
digest noticed, so that an edit in the wrong place is refused rather than lost.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import tomli_w

from outgrow import errors
from outgrow.model import plan

__all__ = ["dumps", "load_overrides", "loads", "write"]

FORMAT = 1

_HEADER = """\
# The plan of outgrow for {source}: what PostgreSQL will hold, and why.
#
# Decide otherwise under [overrides] only; everything below the line of dashes is made anew by `outgrow plan`.
# The name in brackets is a line of its own, with the settings in the lines below it:
#   [overrides]                    dates = "text"           leave dates and times the texts that they are
#   [overrides."table"."column"]   type = "text"            any of: {types}
#   [overrides."table"]            skip = true              leave the table out
#   [overrides."table"]            foreign_keys = false     leave its foreign keys out
"""

_LINE = "# " + "-" * 100 + "\n"


def dumps(planned: plan.Plan, *, types: str) -> str:
    """The plan as a TOML file; `types` are the names that an override may use."""
    overrides: dict[str, Any] = {}
    for override in planned.overrides:
        entry = overrides.setdefault(override.table, {}) if override.table else overrides
        (entry.setdefault(override.column, {}) if override.column else entry).update(override.settings)
    decided = "".join(_document(_decisions(planned))).lstrip()
    digest = _digest(tomllib.loads(decided))
    name = planned.source if planned.source.isprintable() else repr(planned.source)
    head = _HEADER.format(source=name, types=types)
    own = tomli_w.dumps({"overrides": overrides})
    meta = tomli_w.dumps({"outgrow": {"format": FORMAT, "decisions_sha256": digest}})
    return f"{head}\n{own}\n{_LINE}\n{meta}\n{decided}"


def _document(data: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """TOML with every table under a header of its own, whatever stands before it in the file; the keys are bare."""
    tables = {key: value for key, value in data.items() if isinstance(value, dict) or _is_tables(value)}
    yield tomli_w.dumps({key: value for key, value in data.items() if key not in tables}, multiline_strings=False)
    for key, value in tables.items():
        name = ".".join((*path, key))
        header = f"\n[{name}]\n" if isinstance(value, dict) else f"\n[[{name}]]\n"
        for table in [value] if isinstance(value, dict) else value:
            yield header
            yield from _document(table, (*path, key))


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _digest(decisions: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(decisions, sort_keys=True).encode()).hexdigest()


def _decisions(planned: plan.Plan) -> dict[str, Any]:
    """What the tool decided, as TOML tables; empty things are left out."""

    def kept(**fields: Any) -> dict[str, Any]:
        return {key: value for key, value in fields.items() if value not in (None, "", (), [], {}, False)}

    def column(one: plan.ColumnPlan) -> dict[str, Any]:
        codec = {key: value for key, value in one.codec.items() if key != "type"}
        return kept(
            name=one.source,
            target=one.target if one.target != one.source else None,
            declared=one.declared,
            type=one.sql_type,
            format=codec,
            not_null=one.not_null,
            identity=one.identity,
            default=one.default,
            generated=one.generated,
            collation=one.collation if one.collation != "BINARY" else None,
            overridden=one.overridden,
            reason=one.reason,
            evidence=one.evidence,
        )

    def table(one: plan.TablePlan) -> dict[str, Any]:
        return kept(
            name=one.source,
            target=one.target if one.target != one.source else None,
            rows=one.rows,
            primary_key=list(one.primary_key),
            rowid_column=one.rowid,
            continues_after=one.sequence,
            column=[column(c) for c in one.columns],
            index=[kept(name=i.name, unique=i.unique, terms=list(i.terms), where=i.where) for i in one.indexes],
            foreign_key=[kept(name=k.name, definition=k.definition, not_valid=not k.valid) for k in one.foreign_keys],
            check=[kept(name=c.name, definition=c.definition) for c in one.checks],
        )

    return kept(
        source={"name": planned.source, "encoding": planned.encoding},
        target=kept(schema=planned.schema, extensions=list(planned.extensions)),
        finding=[
            kept(
                severity=str(f.severity),
                code=f.code,
                table=f.table,
                column=f.column,
                message=f.message,
                remedy=f.remedy,
                count=f.count,
                examples=list(f.examples),
            )
            for f in planned.findings
        ],
        view=[
            kept(
                name=v.name,
                target=v.target if v.target != v.name else None,
                sql=v.sql,
                definition=v.definition,
                reason=v.reason,
            )
            for v in planned.views
        ],
        trigger=[
            kept(
                name=t.name,
                table=t.table,
                target=t.target if t.target != t.name else None,
                fires=" ".join([t.timing, t.event, *(["OF", ", ".join(t.columns)] if t.columns else [])]),
                sql=t.sql,
                when=t.when,
                body=t.body,
                single_row_statements_only=t.single,
                needs_schema_outgrow=t.dependent,
                reason=t.reason,
            )
            for t in planned.triggers
        ],
        left_out=[kept(kind=o.kind, name=o.name, table=o.table, reason=o.reason) for o in planned.omissions],
        table=[table(t) for t in planned.tables],
    )


def loads(text: str, *, name: str) -> tuple[plan.Override, ...]:
    """The overrides of a plan file; errors.PlanInvalid for one that is no TOML or was edited in the wrong place."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise errors.PlanInvalid(
            f"The plan {name} is not valid TOML", why=str(error), hint="Correct it, or make it anew after removing it"
        ) from error
    meta = data.get("outgrow", {})
    if meta.get("format", FORMAT) != FORMAT:
        raise errors.PlanInvalid(
            f"The plan {name} has format {meta.get('format')}",
            why=f"this version of outgrow reads format {FORMAT}",
            hint="Remove it and plan again; keep its [overrides]",
        )
    expected = meta.get("decisions_sha256")
    if expected is not None:
        decided = {key: value for key, value in data.items() if key not in ("overrides", "outgrow")}
        if _digest(decided) != expected:
            raise errors.PlanInvalid(
                f"The plan {name} was edited below its line of dashes",
                why="decisions there are made anew each time, so the edit would be lost",
                hint='Undo it, and write it as an override: [overrides."table"."column"] type = "…"',
            )
    overrides: list[plan.Override] = []
    for table, entry in data.get("overrides", {}).items():
        if table == "dates" and isinstance(entry, str):
            overrides.append(plan.Override(table="", settings={table: entry}))
            continue
        if not isinstance(entry, dict):
            raise errors.PlanInvalid(
                f"The plan {name} has an override that names no table",
                why=f"overrides.{table} is {entry!r}",
                hint='Write it as: [overrides."table"]',
            )
        own = {key: value for key, value in entry.items() if not isinstance(value, dict)}
        if own:
            overrides.append(plan.Override(table=table, settings=own))
        for column, settings in entry.items():
            if isinstance(settings, dict):
                overrides.append(plan.Override(table=table, column=column, settings=settings))
    return tuple(overrides)


def _strerror(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def load_overrides(path: pathlib.Path) -> tuple[plan.Override, ...]:
    """The overrides in a plan file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.PlanInvalid(
            f"The plan {path} cannot be read", why=_strerror(error), hint="Check the path"
        ) from error
    return loads(text, name=str(path))


def write(path: pathlib.Path, text: str) -> None:
    """Write a plan file whole or not at all."""
    temporary = path.with_name(path.name + ".new")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise errors.PlanInvalid(
            f"The plan cannot be written to {path}", why=_strerror(error), hint="Name another place: --output PLAN"
        ) from error
