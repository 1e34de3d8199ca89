"""Run one competitor once and print its seconds as one line of JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import pathlib
import time

from bench import competitors


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.competitors")
    parser.add_argument("name", choices=[competitor.name for competitor in competitors.ALL])
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--text", type=pathlib.Path, required=True)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--uri", required=True)
    options = parser.parse_args()
    module = importlib.import_module(f"bench.competitors.{options.name}")
    job = competitors.Job(source=options.source, text=options.text, dsn=options.dsn, uri=options.uri)
    started = time.perf_counter()
    module.load(job)
    print(json.dumps({"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
