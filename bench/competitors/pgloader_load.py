"""pgloader filling the table that is there already."""

from __future__ import annotations

import atexit
import pathlib
import shutil
import tempfile

from psycopg import conninfo

from bench import competitors

__all__ = ["DATA_ONLY", "WHOLE", "command", "target"]

# Its default for REAL is float4, which changes values; its other defaults are the types of this benchmark.
CASTS = 'CAST type real to "double precision" using float-to-string'

DATA_ONLY = "data only, no truncate"
WHOLE = "include drop, create tables, create indexes, reset sequences, foreign keys"


def target(dsn: str) -> str:
    """The target in pgloader's own kind of URI (`unix:` before a socket's directory)."""
    part = {key: str(value) for key, value in conninfo.conninfo_to_dict(dsn).items()}
    host = part.get("host", "localhost")
    where = f"unix:{host}" if host.startswith("/") else host
    password = f":{part['password']}" if "password" in part else ""
    return f"postgresql://{part.get('user', 'postgres')}{password}@{where}:{part.get('port', 5432)}/{part['dbname']}"


def command(job: competitors.Job, options: str = DATA_ONLY) -> list[str]:
    directory = pathlib.Path(tempfile.mkdtemp(prefix="outgrow-bench-pgloader-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    script = directory / "bench.load"
    script.write_text(
        f"LOAD DATABASE FROM sqlite://{job.source}\n     INTO {target(job.dsn)}\n     WITH {options}\n     {CASTS};\n"
    )
    return ["pgloader", "--on-error-stop", "--root-dir", str(directory), str(script)]
