"""What the user decided in the plan file, as planning asks for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from outgrow import codec, errors
from outgrow.model import plan, schema
from outgrow.plan import types
from outgrow.sqlite import connection as sqlite
from outgrow.sqlite import profile

__all__ = ["check", "codecs", "keeps_foreign_keys", "keeps_texts", "of_columns", "skipped"]


def skipped(overrides: Iterable[plan.Override]) -> frozenset[str]:
    """The tables that are left out."""
    return frozenset(o.table for o in overrides if not o.column and o.settings.get("skip"))


def keeps_foreign_keys(overrides: Iterable[plan.Override], table: str) -> bool:
    """Whether the table's foreign keys are to be made."""
    return not any(o.table == table and not o.column and o.settings.get("foreign_keys") is False for o in overrides)


def keeps_texts(overrides: Iterable[plan.Override]) -> bool:
    """Whether columns that are declared as dates and times stay the texts that they are in the file."""
    return any(not o.table and o.settings.get("dates") == "text" for o in overrides)


def of_columns(overrides: Iterable[plan.Override], table: str) -> Mapping[str, plan.Override]:
    """The overrides of a table's columns, by the column."""
    return {o.column: o for o in overrides if o.table == table and o.column}


def check(database: schema.Database, overrides: Iterable[plan.Override]) -> None:
    """Raise errors.PlanInvalid where an override names a table, column or setting that does not exist."""
    for override in overrides:
        table = next((t for t in database.tables if t.name == override.table), None)
        allowed = {"skip", "foreign_keys"}
        problem = ""
        if not override.table:
            wrong = [
                f"{key} = {value!r}" for key, value in override.settings.items() if (key, value) != ("dates", "text")
            ]
            problem = f"{', '.join(wrong)} is no setting of the whole plan" if wrong else ""
        elif table is None:
            problem = f"there is no table {override.table!r} in the file"
        elif not override.column:
            unknown = [f"{key!r} is no setting of a table" for key in override.settings if key not in allowed]
            wrong = [
                f"{key} is true or false" for key, value in override.settings.items() if not isinstance(value, bool)
            ]
            problem = ", ".join(unknown or wrong)
        elif all(column.name != override.column for column in table.columns):
            problem = f"table {override.table!r} has no column {override.column!r}"
        elif not isinstance(override.settings.get("type"), str):
            problem = f"the override of {override.table}.{override.column} has no type"
        if problem:
            raise errors.PlanInvalid(
                "An override in the plan cannot be followed", why=problem, hint="Correct or remove it under [overrides]"
            )


def codecs(
    connection: sqlite.Connection, table: schema.Table, column: schema.Column, override: plan.Override
) -> list[codec.Codec]:
    """The codecs that the override of a column can mean: `timestamp` is every format that the values show."""
    spec = dict(override.settings)
    name = str(spec.get("type", ""))
    if column.name == table.rowid_alias and name not in ("bigint", "integer", "smallint"):
        raise errors.PlanInvalid(
            f"The override of {table.name}.{column.name} cannot be followed",
            why=f"the column is the rowid, whose values PostgreSQL has to continue; {name} has no identity",
            hint="Use one of: bigint, integer, smallint; or remove the override",
        )
    try:
        if name.startswith("vector(") and name[7:-1].isascii() and name[7:-1].isdigit():
            spec = {"type": "vector", "dimensions": int(name[7:-1])}
        if spec["type"] in ("timestamp", "timestamptz", "date", "time", "boolean") and len(spec) == 1:
            texts = profile.sample(connection, table, column.name, types.SAMPLE_ROWS)
            asked = dataclasses.replace(column, declared=str(spec["type"]))
            found = [one for one in types.proposals(asked, texts, keyed=False) if one.type == spec["type"]]
            return found or [codec.from_spec(spec)]
        if spec == {"type": "text"} and column.affinity not in (schema.Affinity.TEXT, schema.Affinity.BLOB):
            return [codec.Text(), codec.Text(numbers=True)]
        if spec == {"type": "bytea"}:
            return [codec.Bytea(), codec.Bytea(text=True)]
        return [codec.from_spec(spec)]
    except ValueError as error:
        raise errors.PlanInvalid(
            f"The override of {table.name}.{column.name} cannot be followed",
            why=str(error),
            hint=f"Use one of: {', '.join(sorted(codec.TYPES))}",
        ) from error
