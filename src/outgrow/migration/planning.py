"""`outgrow plan`: make the plan of a file, with the user's overrides."""

from __future__ import annotations

import os
import pathlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from outgrow import codec
from outgrow.model import event, plan
from outgrow.plan import build, file
from outgrow.postgres import ddl, programs
from outgrow.sqlite import connection, schema

__all__ = ["PlanReport", "default_plan_path", "make_plan", "overrides_for", "plan_source"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanReport:
    """A plan with the text of its file and the DDL it stands for; `path` is where it was written, if it was."""

    plan: plan.Plan
    text: str
    ddl: tuple[str, ...]
    path: pathlib.Path | None
    seconds: float


def default_plan_path(source: str | os.PathLike[str]) -> pathlib.Path:
    """Where the plan of a file is looked for and written: beside it, with `.plan.toml` added to its name."""
    path = pathlib.Path(source)
    path = path if path.name else path.resolve()
    return path.with_name(path.name + ".plan.toml")


def overrides_for(
    source: str | os.PathLike[str], plan_path: str | os.PathLike[str] | None
) -> tuple[plan.Override, ...]:
    """The overrides of the named plan, or of the plan beside the file if there is one."""
    if plan_path is not None:
        return file.load_overrides(pathlib.Path(plan_path))
    path = default_plan_path(source)
    return file.load_overrides(path) if path.exists() else ()


def plan_source(
    source: connection.Source,
    *,
    target_schema: str,
    overrides: Sequence[plan.Override],
    exact: bool,
    sink: event.Sink,
    name: str | None = None,
) -> plan.Plan:
    """The plan of an opened file."""
    with connection.translate_errors(source.path):
        return build.build(
            source.main,
            schema.read(source.main),
            name=name or source.name,
            target_schema=target_schema,
            overrides=overrides,
            exact=exact,
            sink=sink,
        )


def make_plan(
    path: str | os.PathLike[str],
    *,
    target_schema: str = "public",
    output: pathlib.Path | None = None,
    overrides_from: pathlib.Path | None = None,
    sink: event.Sink = event.ignore,
) -> PlanReport:
    """Make the plan of a file, with the overrides of the plan file there is, and write it to `output` if that is given."""
    began = time.monotonic()
    overrides: tuple[plan.Override, ...] = ()
    if overrides_from is not None and overrides_from.exists():
        overrides = file.load_overrides(overrides_from)
    with connection.open_source(path) as source:
        made = plan_source(source, target_schema=target_schema, overrides=overrides, exact=True, sink=sink)
    text = file.dumps(made, types=", ".join(sorted(codec.TYPES)))
    if output is not None:
        file.write(output, text)
    statements = (*ddl.script(made), *programs.script(made))
    return PlanReport(plan=made, text=text, ddl=statements, path=output, seconds=time.monotonic() - began)
