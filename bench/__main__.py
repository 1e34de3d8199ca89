"""`python -m bench`: every benchmark, small by default, in full with `--full`."""

from __future__ import annotations

import argparse
import compileall
import pathlib
import warnings

import outgrow
from bench import capture, copy, dataset, live, memory, results, reverse, route, server, table, task, verify, whole

BENCHMARKS = {
    "copy": copy,
    "whole": whole,
    "memory": memory,
    "verify": verify,
    "capture": capture,
    "reverse": reverse,
    "live": live,
    "route": route,
}
SMALL, FULL = 300_000, 3_000_000


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in (*BENCHMARKS, "all"):
        described = "all of them, on one server" if name == "all" else BENCHMARKS[name].__doc__
        command = commands.add_parser(name, help=(described or "").splitlines()[0], description=described)
        size = command.add_mutually_exclusive_group()
        size.add_argument("--rows", type=int, default=SMALL, help=f"default {SMALL:,}")
        size.add_argument(
            "--full", dest="rows", action="store_const", const=FULL, help=f"{FULL:,} rows, as in the README"
        )
        command.add_argument("--rounds", type=int, default=3, help="default 3")
        command.add_argument("--dsn", help="a server of your own, host included; its database outgrow_bench is DROPPED")
        command.add_argument(
            "--dir", type=pathlib.Path, default=dataset.default_directory(), help="where the files are kept"
        )
        if name == "all":
            command.add_argument("--json", type=pathlib.Path, help="a directory for copy.json, whole.json, …")
        else:
            command.add_argument("--json", type=pathlib.Path, help="write the results to this file")
        known = getattr(BENCHMARKS.get(name), "NAMES", ())
        if known:
            command.add_argument("--only", default="", help=f"some of: {','.join(known)}")
    options = parser.parse_args()
    options.only = [name for name in getattr(options, "only", "").split(",") if name]
    unknown = set(options.only) - set(getattr(BENCHMARKS.get(options.command), "NAMES", ()))
    if unknown:
        parser.error(f"--only: unknown {', '.join(sorted(unknown))}")
    return options


def main() -> int:
    """Exit 1 when something failed, so that a benchmark which stopped working is noticed."""
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
    options = parse()
    # As pip does with what it installs, the others included: no run compiles modules, whatever the environment says.
    compileall.compile_dir(pathlib.Path(outgrow.__file__).parent, quiet=2)
    names = list(BENCHMARKS) if options.command == "all" else [options.command]
    failed = False
    with server.running(options.dsn) as to:
        print(f"PostgreSQL {to.version}, {to.how}")
        for name in names:
            print(f"\n# {name}")
            given = task.Task(rows=options.rows, rounds=options.rounds, to=to, directory=options.dir, only=options.only)
            found = BENCHMARKS[name].measure_all(given)
            file = options.json / f"{name}.json" if options.json and options.command == "all" else options.json
            results.write(file, found)
            failed = failed or any(entry["failures"] for entry in found["results"])
            if found.get("within") is False:
                print(f"peak memory grew {found['growth']}×, more than the {memory.TOLERANCE:.0%} allowed")
                failed = True
            print("\n" + table.render(found))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
