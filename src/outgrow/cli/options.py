"""Arguments and options that several commands share."""

from __future__ import annotations

import pathlib
from typing import Annotated

import typer

__all__ = ["Columns", "File", "Jobs", "Json", "KnownTo", "PlanFile", "Quiet", "Schema", "To"]

# That the file can be read is looked at later, where a refusal names its remedy.
File = Annotated[
    pathlib.Path,
    typer.Argument(metavar="FILE", help="The SQLite database file.", show_default=False, readable=False),
]
To = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="DSN",
        envvar="OUTGROW_TO",
        help="The PostgreSQL database: a URI or key=value pairs. A password is better kept in PGPASSFILE.",
        show_default=False,
    ),
]
Schema = Annotated[str, typer.Option("--schema", metavar="NAME", help="The target schema.")]
PlanFile = Annotated[
    pathlib.Path | None,
    typer.Option(
        "--plan",
        metavar="PLAN",
        help="The plan whose overrides to follow; FILE.plan.toml beside the file, if there is one.",
        show_default=False,
    ),
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", metavar="N", min=1, max=8, help="Streams at a time.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Columns = Annotated[bool, typer.Option("--columns", "-c", help="Show every column.")]
KnownTo = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="DSN",
        envvar="OUTGROW_TO",
        help="The PostgreSQL database; the file itself knows it once a live migration exists (but never a password).",
        show_default=False,
    ),
]
