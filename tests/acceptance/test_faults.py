"""The network and the server fail in the middle of a copy: a clear end in bounded time, and the same command completes."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest
from psycopg import conninfo

from outgrow.postgres import embedded
from support import command, engine, servers
from support.proxy import Proxy

AGAIN = "Type the same command again: it continues where it was"


def lost(ended: command.Ended) -> None:
    """Require the end of a command whose connection broke."""
    assert (ended.status, ended.code, ended.hint, ended.stderr) == (3, "target_lost", AGAIN, "")
    assert ended.facts["error"]["retry"] is True


@pytest.mark.parametrize("point", ["schema.created", "chunk.copied#2", "step.done#2", "verify.span#2", "finish.before"])
@pytest.mark.parametrize("orderly", [True, False], ids=["restart", "crash"])
def test_a_server_that_restarts_loses_the_process_and_nothing_else(
    own_server: embedded.EmbeddedServer, home: Path, point: str, orderly: bool
) -> None:
    with command.held(point, *command.copying(home, own_server.dsn)) as running:
        (own_server.stop if orderly else own_server.kill)()
        own_server.start()
        running.release()
        lost(running.end())

    command.completes(home, own_server.dsn)


def test_a_server_that_is_gone_for_good_is_unreachable(own_server: embedded.EmbeddedServer, home: Path) -> None:
    with command.held("chunk.copied#2", *command.copying(home, own_server.dsn)) as running:
        own_server.stop()
        running.release()
        lost(running.end())

    refused = command.run(*command.copying(home, own_server.dsn))
    assert (refused.status, refused.code) == (3, "target_unreachable")

    own_server.start()
    command.completes(home, own_server.dsn)


def test_a_port_where_nobody_listens_is_unreachable(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    refused = command.run(*command.copying(home, f"postgresql://somebody@127.0.0.1:{port}/nowhere"))

    assert (refused.status, refused.code) == (3, "target_unreachable")
    assert refused.hint == "Check that the server runs, and the host and port of the DSN"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_connection_cut_in_the_middle_of_a_copy_leaves_no_half_chunk(
    home: Path, postgres_dsn: str, proxy: Proxy, jobs: int
) -> None:
    proxy.cut_before(b"the middle of the copy")

    lost(command.run(*command.copying(home, proxy.dsn, "--jobs", jobs)))

    assert proxy.trapped.is_set()
    noted = engine.execute(postgres_dsn, "SELECT coalesce(sum(rows), 0) FROM outgrow.chunk WHERE table_name='readings'")
    assert engine.execute(postgres_dsn, "SELECT count(*) FROM readings") == noted
    command.completes(home, proxy.dsn)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    ("point", "marker", "count"),
    [
        ("schema.created", b"COMMIT", "SELECT count(*) FROM pg_namespace WHERE nspname = 'outgrow'"),
        ("chunk.copied#2", b"COMMIT", "SELECT count(*) - 1 FROM outgrow.chunk WHERE done"),
        ("step.done#2", b"COMMIT", "SELECT count(*) - 1 FROM outgrow.step"),
        (
            "finish.before",
            b"UPDATE outgrow.migration SET phase",
            "SELECT count(*) FROM outgrow.migration WHERE phase = 'finished'",
        ),
    ],
)
def test_a_connection_cut_around_a_commit_neither_loses_nor_repeats_it(
    home: Path, postgres_dsn: str, proxy: Proxy, point: str, marker: bytes, count: str, before: bool
) -> None:
    with command.held(point, *command.copying(home, proxy.dsn, "--jobs", 1)) as running:
        (proxy.cut_before if before else proxy.cut_after)(marker)
        running.release()
        lost(running.end())

    assert proxy.trapped.is_set()
    assert engine.execute(postgres_dsn, count) == [(0 if before else 1,)]
    command.completes(home, proxy.dsn)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("point", ["chunk.claimed#2", "finish.before"])
def test_a_silent_network_does_not_keep_a_signal_waiting(
    home: Path, proxy: Proxy, point: str, number: signal.Signals
) -> None:
    with command.held(point, *command.copying(home, proxy.dsn)) as running:
        proxy.stall()
        running.release()
        running.signal(number)
        stopped = running.end(within=60)

    assert (stopped.status, stopped.code, stopped.stderr) == (130, "interrupted", "")
    proxy.resume()
    command.completes(home, proxy.dsn)


def test_an_administrator_who_cancels_a_statement_is_told_of_as_such(home: Path, postgres_dsn: str) -> None:
    with (
        command.held("step.committed#1", *command.copying(home, postgres_dsn, "--jobs", 1)) as running,
        servers.locked(postgres_dsn, "matches", "notifications") as waiting,
    ):
        running.release()
        command.until(waiting)
        engine.execute(postgres_dsn, "SELECT pg_cancel_backend(pid) FROM unnest(%s) AS pid", [waiting()])
        stopped = running.end()

    assert (stopped.status, stopped.code) == (3, "retryable")
    command.completes(home, postgres_dsn)


def test_a_role_that_may_open_two_connections_only_is_told_so(
    home: Path, unprivileged_dsn: str, server: embedded.EmbeddedServer
) -> None:
    role = conninfo.conninfo_to_dict(unprivileged_dsn)["user"]
    engine.execute(server.dsn, f'ALTER ROLE "{role}" CONNECTION LIMIT 2')

    refused = command.run(*command.copying(home, unprivileged_dsn))

    assert (refused.status, refused.code) == (3, "target_unreachable")
    assert refused.hint == "Wait for connections to end, or raise max_connections"
    assert command.run(*command.copying(home, unprivileged_dsn, "--jobs", 1)).code == "quarantined"
