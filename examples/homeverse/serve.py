"""Serve HomeVerse on outgrow's drop-in: `python -m examples.homeverse.serve [--workers 4] [--port 8000]`.

The application's own code says `import sqlite3`. Each worker process puts the drop-in in its place before it imports
the application, and so needs not even that line changed.
"""

from __future__ import annotations

import argparse
import socket
import sys

import fastapi
import uvicorn
from fastapi import responses
from uvicorn import supervisors


def application() -> fastapi.FastAPI:
    """The application on the drop-in; what each worker calls. `/metrics` tells of the worker that answers."""
    from outgrow import sqlite3

    sqlite3.install()
    from examples.homeverse import app

    def metrics() -> responses.PlainTextResponse:
        return responses.PlainTextResponse(sqlite3.metrics_text(), media_type="text/plain; version=0.0.4")

    app.app.add_api_route("/metrics", metrics, methods=["GET"], include_in_schema=False)
    return app.app


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m examples.homeverse.serve", description="Serve HomeVerse.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=4, help="how many processes (default: 4)")
    options = parser.parse_args(arguments)
    config = uvicorn.Config(
        "examples.homeverse.serve:application",
        factory=True,
        host=options.host,
        port=options.port,
        workers=options.workers,
        log_level="warning",
    )
    listening = config.bind_socket()
    # Its connections inherit it. Without, an answer's second packet waits some 40 ms for the first one's acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    supervisors.Multiprocess(config, sockets=[listening]).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
