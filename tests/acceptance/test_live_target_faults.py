"""PostgreSQL or the network fails while an engine follows or switches: it says so, goes on by itself, and nothing is lost."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from outgrow import errors
from outgrow.postgres import embedded
from support import engine as engines
from support import living, stage
from support.proxy import Proxy

SIDES = ("sqlite", "postgres")

SESSIONS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'outgrow run' ORDER BY backend_start"
"""The engine's: the first is the one it works over, the next one verifies."""

HERE = SESSIONS.replace("WHERE", "WHERE datname = current_database() AND")


def following(there: stage.Stage, primary: str, failpoint: str = "") -> int:
    """Bring an engine to follow a primary, whatever it takes; the epoch that it is in."""
    there.engine.start(failpoint=failpoint).ready()
    if primary == "sqlite":
        return 0
    there.engine.switch("postgres")
    there.load.accepted("postgres", 3)
    return 1


def troubled(there: stage.Stage) -> None:
    """Wait until the engine says that something is wrong."""
    there.engine.until(lambda facts: facts["trouble"] is not None, "the engine says that something is wrong")


def recovered(there: stage.Stage, primary: str, epoch: int) -> None:
    """Wait until all is well again, and judge."""
    there.engine.ready()
    there.load.accepted(primary, 3)
    there.judge(last_epoch=epoch)
    assert "Traceback" not in there.engine.said


def other(side: str) -> str:
    return "postgres" if side == "sqlite" else "sqlite"


# --- The server goes away ---------------------------------------------------------------------------------------------


def kill_a_backend(server: embedded.EmbeddedServer) -> None:
    """What the kernel does to a process that has too much memory: the server then restarts by itself."""
    ((pid,), *_) = engines.execute(server.dsn, SESSIONS)
    os.kill(pid, signal.SIGKILL)


GOING: dict[str, Callable[[embedded.EmbeddedServer], None]] = {
    "restart": embedded.EmbeddedServer.stop,
    "crash": embedded.EmbeddedServer.kill,
    "backend": kill_a_backend,
}


@pytest.mark.parametrize("how", GOING)
@pytest.mark.parametrize("primary", SIDES)
def test_a_server_that_went_away_is_followed_again(
    own_server: embedded.EmbeddedServer, tmp_path: Path, primary: str, how: str
) -> None:
    with stage.staged(tmp_path, own_server.dsn) as there:
        epoch = following(there, primary)
        GOING[how](own_server)
        if how != "backend":
            troubled(there)
            if primary == "sqlite":
                there.load.accepted("sqlite", 5)
            own_server.start()
        living.until(lambda: "Trying again" in there.engine.said, "the engine says that something is wrong")
        recovered(there, primary, epoch)


@pytest.mark.parametrize("point", ["chunk.copied#3", "chunk.committed#3", "step.done#2", "step.committed#9"])
@pytest.mark.parametrize("how", ["restart", "crash"])
def test_a_server_that_goes_away_during_the_copy_gets_the_rest_when_it_is_back(
    own_server: embedded.EmbeddedServer, tmp_path: Path, how: str, point: str
) -> None:
    """Chunks are committed without waiting for the disk: a crash may take some of them back, and the notes of them too."""
    with stage.staged(tmp_path, own_server.dsn) as there, tempfile.TemporaryDirectory() as directory:
        at = Path(directory)
        there.engine.start(failpoint=f"{point}=wait:{at}")
        living.until((at / "hit").exists, f"{point} is reached")
        GOING[how](own_server)
        there.load.accepted("sqlite", 2)
        (at / "go").touch()
        own_server.start()
        living.until(lambda: "Trying again" in there.engine.said, "the engine says that something is wrong")
        recovered(there, "sqlite", 0)


@pytest.mark.parametrize("session", [0, 1], ids=["working", "verifying"])
@pytest.mark.parametrize("primary", SIDES)
def test_a_session_that_an_administrator_ends_is_opened_again(
    postgres_dsn: str, tmp_path: Path, primary: str, session: int
) -> None:
    """Whichever it is: an engine that does not verify any more would never be ready again."""
    with stage.staged(tmp_path, postgres_dsn) as there:
        epoch = following(there, primary)
        sessions = engines.execute(postgres_dsn, HERE)
        engines.execute(postgres_dsn, "SELECT pg_terminate_backend(%s)", sessions[session])
        living.until(lambda: "Trying again" in there.engine.said, "the engine says that something is wrong")
        recovered(there, primary, epoch)


def test_the_way_back_survives_a_session_that_ends_while_foreign_keys_are_validated(
    postgres_dsn: str, tmp_path: Path
) -> None:
    """That is the verifying thread's work after a switch: its failure must not end the engine in the midst of a rollback."""
    path = engines.script(
        tmp_path / "app.db",
        "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent (id))",
        "INSERT INTO parent VALUES (1)",
        "INSERT INTO child VALUES (1, 1)",
        journal_mode="wal",
    )
    validating = f"{HERE.replace(' ORDER', ' AND wait_event_type = %s ORDER')}"
    with living.Engine(tmp_path, path, postgres_dsn) as engine, psycopg.connect(postgres_dsn) as holder:
        engine.start().ready()
        holder.execute("LOCK TABLE outgrow.step IN SHARE MODE")
        engine.switch("postgres")
        living.until(lambda: bool(engines.execute(postgres_dsn, validating, ("Lock",))), "foreign keys are validated")
        ((session,),) = engines.execute(postgres_dsn, validating, ("Lock",))
        engines.execute(postgres_dsn, "SELECT pg_terminate_backend(%s)", (session,))
        holder.rollback()
        assert engine.switch("sqlite")["epoch"] == 2
        engine.ready()
        assert engine.stop() == 0
        assert "Traceback" not in engine.said


def test_commits_that_a_crash_took_back_are_applied_again(tmp_path: Path) -> None:
    """The follower's commits wait for no disk, so PostgreSQL may come back without the last of them."""
    forgetful = {"wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}
    position = "SELECT seq FROM outgrow.live"
    with embedded.server(settings=forgetful) as server, stage.staged(tmp_path, server.dsn) as there:
        following(there, "sqlite")
        ((flushed,),) = engines.execute(server.dsn, position)
        living.until(lambda: engines.execute(server.dsn, position)[0][0] > flushed + 50, "some batches are applied")
        os.kill(there.engine.process, signal.SIGSTOP)
        ((before,),) = engines.execute(server.dsn, position)
        server.kill()
        server.start()
        ((after,),) = engines.execute(server.dsn, position)
        os.kill(there.engine.process, signal.SIGCONT)
        assert after < before
        recovered(there, "sqlite", 0)


def test_a_disk_that_is_full_is_waited_for(
    small_disk: Path, own_server: embedded.EmbeddedServer, tmp_path: Path
) -> None:
    """However often it has to be tried: nothing is used up by the attempts."""
    place = small_disk / "tables"
    place.mkdir()
    owner = own_server.data.stat()
    shutil.chown(place, owner.st_uid, owner.st_gid)
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    engines.execute(own_server.dsn, f"CREATE TABLESPACE small LOCATION '{place}'")
    engines.execute(own_server.dsn, "ALTER DATABASE postgres SET default_tablespace = small")
    with stage.staged(tmp_path, own_server.dsn) as there:
        following(there, "sqlite")
        with contextlib.suppress(OSError), (small_disk / "filler").open("wb") as filler:
            while True:
                filler.write(b"0" * 2**16)
        living.until(lambda: there.engine.said.count("disk is full") > 2, "it has been tried several times")
        there.load.accepted("sqlite", 3)
        files = len(list(Path(f"/proc/{there.engine.process}/fd").iterdir()))
        began = time.monotonic()
        living.until(lambda: there.engine.said.count("disk is full") > 4, "it has been tried several times more")
        facts = there.engine.facts()
        assert facts is not None
        assert facts["lag_seconds"] > time.monotonic() - began  # and not since the last connection was made
        assert len(list(Path(f"/proc/{there.engine.process}/fd").iterdir())) <= files + 10
        (small_disk / "filler").unlink()
        recovered(there, "sqlite", 0)


# --- The network breaks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("primary", SIDES)
@pytest.mark.parametrize("fault", [Proxy.cut, Proxy.halve])
def test_a_network_that_breaks_is_outlived(
    postgres_dsn: str, proxy: Proxy, tmp_path: Path, primary: str, fault: Callable[[Proxy], None]
) -> None:
    """Cut or half-open: then the server still holds what the lost connections held."""
    with stage.staged(tmp_path, postgres_dsn, through=proxy.dsn) as there:
        epoch = following(there, primary)
        fault(proxy)
        living.until(lambda: "Trying again" in there.engine.said, "the engine says that something is wrong")
        recovered(there, primary, epoch)


@pytest.mark.parametrize("strike", [Proxy.cut_before, Proxy.cut_after])
@pytest.mark.parametrize("primary", SIDES)
def test_a_batch_whose_commit_is_in_doubt_is_there_once(
    postgres_dsn: str, proxy: Proxy, tmp_path: Path, primary: str, strike: Callable[[Proxy, bytes], None]
) -> None:
    """Applied or not, acknowledged or not: PostgreSQL is asked again."""
    with stage.staged(tmp_path, postgres_dsn, through=proxy.dsn) as there:
        epoch = following(there, primary)
        for _ in range(2):
            strike(proxy, b"COMMIT")
            living.until(proxy.trapped.is_set, "a commit is in doubt")
            there.engine.ready()
        recovered(there, primary, epoch)


# --- The network is silent, or slow -----------------------------------------------------------------------------------


@pytest.mark.parametrize("primary", SIDES)
def test_a_silent_network_is_told_and_waited_for(postgres_dsn: str, proxy: Proxy, tmp_path: Path, primary: str) -> None:
    """The application writes on, `status` answers that the follower is behind, and no switch is begun."""
    with stage.staged(tmp_path, postgres_dsn, through=proxy.dsn) as there:
        epoch = following(there, primary)
        proxy.stall()
        there.load.accepted(primary, 10)
        there.engine.until(lambda facts: facts["lag_seconds"] > 1, "it says that it is behind")
        facts = there.engine.facts()
        assert facts is not None
        assert not facts["ready"]
        with pytest.raises(errors.OutgrowError):
            there.engine.ask("switch", to=other(primary), deadline=0.5)
        there.load.accepted(primary, 3)
        proxy.resume()
        there.engine.ready()
        assert there.engine.switch(other(primary))["epoch"] == epoch + 1
        recovered(there, other(primary), epoch + 1)


@pytest.mark.parametrize("primary", SIDES)
def test_a_silent_network_does_not_keep_an_engine_from_ending(
    postgres_dsn: str, proxy: Proxy, tmp_path: Path, primary: str
) -> None:
    with stage.staged(tmp_path, postgres_dsn, through=proxy.dsn) as there:
        epoch = following(there, primary)
        proxy.stall()
        there.load.accepted(primary, 3)
        assert there.engine.stop() == 0
        there.load.accepted(primary, 3)
        proxy.resume()
        there.engine.start()
        recovered(there, primary, epoch)


def test_a_comparison_that_fell_silent_lets_go_of_its_tables(postgres_dsn: str, proxy: Proxy, tmp_path: Path) -> None:
    """The application's TRUNCATE waits for whoever reads the table, and all its other writes wait behind that."""
    comparing = (
        "SELECT 1 FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE application_name = 'outgrow run'"
        " AND datname = current_database() AND state = 'idle in transaction' AND relation IN"
        " (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r')"
    )
    with stage.staged(tmp_path, postgres_dsn, through=proxy.dsn, tuned=("migration.verifier.SILENCE=1",)) as there:
        epoch = following(there, "postgres")

        def interrupted() -> bool:
            proxy.stall()
            if engines.execute(postgres_dsn, comparing):
                return True
            proxy.resume()
            return False

        living.until(interrupted, "the network falls silent in a comparison")
        living.until(lambda: not engines.execute(postgres_dsn, comparing), "the server ends it", within=10)
        proxy.resume()
        recovered(there, "postgres", epoch)


def test_a_slow_network_is_only_slow(postgres_dsn: str, proxy: Proxy, tmp_path: Path) -> None:
    with stage.staged(tmp_path, postgres_dsn, through=proxy.dsn) as there:
        following(there, "sqlite")
        proxy.delay(0.02)
        for goal in ("postgres", "sqlite"):
            there.engine.switch(goal)
            there.load.accepted(goal, 3)
        proxy.delay(0)
        recovered(there, "sqlite", 2)


# --- The network fails in a switch ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Switching:
    """A switch that is held at a failpoint."""

    goal: str
    epoch: int
    reply: concurrent.futures.Future[object]
    go: Path

    def release(self) -> None:
        """Let it go on."""
        self.go.touch()

    def end(self) -> None:
        """Wait for its answer: done, or an error that a retry helps with."""
        with contextlib.suppress(errors.Retryable):
            self.reply.result(living.DEADLINE)


@contextlib.contextmanager
def held(there: stage.Stage, goal: str, point: str, *, deadline: float = 5.0) -> Iterator[Switching]:
    """Ask for a switch that stops at a failpoint; `goal` is who is to be the primary."""
    with tempfile.TemporaryDirectory() as directory, concurrent.futures.ThreadPoolExecutor(1) as asker:
        at = Path(directory)
        # A rollback is the second time that it comes by.
        epoch = following(there, other(goal), f"{point}#{1 if goal == 'postgres' else 2}=wait:{at}")
        there.engine.ready()
        reply = asker.submit(there.engine.ask, "switch", to=goal, deadline=deadline)
        living.until((at / "hit").exists, f"{point} is reached")
        try:
            yield Switching(goal=goal, epoch=epoch, reply=reply, go=at / "go")
        finally:
            (at / "go").touch()


UNDECIDED = [
    *(("postgres", point) for point in ("switch.locked", "switch.drained", "switch.prepared")),
    *(("sqlite", point) for point in ("switch.locked", "switch.drained", "switch.fencing")),
]
DECIDED = [
    # The file decides for PostgreSQL without asking it.
    *(("postgres", point) for point in ("switch.fencing", "switch.fenced", "switch.opening")),
    *(("sqlite", point) for point in ("switch.fenced", "switch.opening")),
]


@pytest.mark.parametrize(("goal", "point"), UNDECIDED)
@pytest.mark.parametrize("silent", [False, True], ids=["refused", "silent"])
def test_a_network_that_fails_before_the_decision_leaves_the_old_primary_open(
    postgres_dsn: str, proxy: Proxy, tmp_path: Path, goal: str, point: str, silent: bool
) -> None:
    """Its writers go on while the network is still away, and with the network the switch can be made."""
    with stage.staged(tmp_path, postgres_dsn, through=proxy.dsn) as there:
        with held(there, goal, point, deadline=1.0) as switching:
            (proxy.stall if silent else proxy.refuse)()
            switching.release()
            there.load.accepted(other(goal), 3)
            switching.end()
            (proxy.resume if silent else proxy.admit)()
        there.engine.ready()
        facts = there.engine.facts()
        assert facts is not None
        assert (facts["primary"], facts["epoch"]) == (other(goal), switching.epoch)
        there.engine.switch(goal)
        recovered(there, goal, switching.epoch + 1)


@pytest.mark.parametrize(("goal", "point"), DECIDED)
@pytest.mark.parametrize("silent", [False, True], ids=["refused", "silent"])
def test_a_network_that_fails_after_the_decision_delays_the_new_primary(
    postgres_dsn: str, proxy: Proxy, tmp_path: Path, goal: str, point: str, silent: bool
) -> None:
    """Nobody has to ask again: it opens as soon as the network is back."""
    with stage.staged(tmp_path, postgres_dsn, through=proxy.dsn) as there:
        with held(there, goal, point) as switching:
            (proxy.stall if silent else proxy.refuse)()
            switching.release()
            there.prober.saw(other(goal), "fenced", 3)
            if not silent:
                troubled(there)
            (proxy.resume if silent else proxy.admit)()
            there.load.accepted(goal, 3)
            switching.end()
        recovered(there, goal, switching.epoch + 1)


@pytest.mark.parametrize("strike", [Proxy.cut_before, Proxy.cut_after])
def test_a_rollback_whose_decision_is_in_doubt_is_found_out(
    postgres_dsn: str, proxy: Proxy, tmp_path: Path, strike: Callable[[Proxy, bytes], None]
) -> None:
    """The commit that closes PostgreSQL arrived, or it did not: the other side of the same coin."""
    with stage.staged(tmp_path, postgres_dsn, through=proxy.dsn) as there:
        with held(there, "sqlite", "switch.fencing") as switching:
            strike(proxy, b"COMMIT")
            switching.release()
            living.until(proxy.trapped.is_set, "the decision is in doubt")
            decided = strike is Proxy.cut_after
            there.load.accepted("sqlite" if decided else "postgres", 3)
            switching.end()
        there.engine.ready()
        facts = there.engine.facts()
        assert facts is not None
        assert (facts["primary"], facts["epoch"]) == (("sqlite", 2) if decided else ("postgres", 1))
        recovered(there, facts["primary"], facts["epoch"])


def test_a_switch_that_runs_out_of_time_is_undone(postgres_dsn: str, tmp_path: Path) -> None:
    """Prepared already, the target goes back to following, without anybody's doing."""
    with stage.staged(tmp_path, postgres_dsn) as there:
        with held(there, "postgres", "switch.prepared", deadline=0.2) as switching:
            there.prober.saw("sqlite", "gave up", 10)
            switching.release()
            with pytest.raises(errors.Retryable):
                switching.reply.result(living.DEADLINE)
        there.load.accepted("sqlite", 3)
        recovered(there, "sqlite", 0)
