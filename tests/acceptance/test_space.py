"""No space left, at the server or for a snapshot: said as such, and with space the same command completes."""

from __future__ import annotations

import contextlib
import resource
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from outgrow.postgres import embedded
from support import checker, command, engine

MEGABYTE = 2**20


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty megabytes that do not compress, between two small tables."""
    return engine.script(
        tmp_path_factory.mktemp("photos") / "photos.db",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, t TEXT)",
        "INSERT INTO a VALUES (1, 'one'), (2, 'two')",
        "CREATE TABLE photos (id INTEGER PRIMARY KEY, image BLOB)",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
        " INSERT INTO photos SELECT i, randomblob(100000) FROM n",
        "CREATE TABLE z (id INTEGER PRIMARY KEY, t TEXT UNIQUE)",
        "INSERT INTO z SELECT id, id FROM photos",
    )


def full(ended: command.Ended) -> None:
    """Require the end of a command that met a full disk."""
    assert (ended.status, ended.code, ended.stderr) == (3, "out_of_space", "")
    assert ended.facts["error"]["retry"] is True


def complete(path: Path, dsn: str) -> None:
    """Type the command again, and require that everything arrives."""
    ended = command.run(*command.copying(path, dsn))
    assert (ended.status, ended.facts["differences"]) == (0, [])
    checker.compare(path, dsn).require()


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let what is started in the block write no file beyond a size, as with a quota; this process can take it back."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_server_at_its_quota_is_out_of_space(own_server: embedded.EmbeddedServer, photos: Path) -> None:
    own_server.stop()
    with largest_file(17 * MEGABYTE):  # one segment of the write-ahead log has to fit
        own_server.start()

    full(command.run(*command.copying(photos, own_server.dsn)))

    own_server.restart()
    complete(photos, own_server.dsn)


def test_a_server_whose_disk_is_full_is_out_of_space(
    small_disk: Path, own_server: embedded.EmbeddedServer, photos: Path, tmp_path: Path
) -> None:
    place = small_disk / "tables"
    place.mkdir()
    owner = own_server.data.stat()
    shutil.chown(place, owner.st_uid, owner.st_gid)
    engine.execute(own_server.dsn, f"CREATE TABLESPACE small LOCATION '{place}'")
    engine.execute(own_server.dsn, "ALTER DATABASE postgres SET default_tablespace = small")

    full(command.run(*command.copying(photos, own_server.dsn)))

    subprocess.run(["mount", "-o", "remount,size=80m", small_disk], check=True)
    complete(photos, own_server.dsn)


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A temporary directory that every account can enter, as a server's has to be."""
    with tempfile.TemporaryDirectory(prefix="tmp-") as directory:
        path = Path(directory)
        path.chmod(0o755)
        yield path


def test_a_snapshot_that_cannot_fit_is_not_begun(small_disk: Path, photos: Path) -> None:
    refused = command.run("rehearse", photos, "--json", environment={"TMPDIR": str(small_disk)})

    full(refused)
    assert refused.hint == "Set TMPDIR to a larger disk"
    assert list(small_disk.iterdir()) == []


def test_a_snapshot_that_meets_the_end_of_the_disk_leaves_nothing_behind(small_disk: Path, home: Path) -> None:
    with contextlib.closing(sqlite3.connect(home, isolation_level=None)) as application:
        application.execute("PRAGMA wal_autocheckpoint = 0")  # so the file alone looks small enough
        application.execute("CREATE TABLE large (b BLOB)")
        application.execute(f"INSERT INTO large VALUES (randomblob({9 * MEGABYTE}))")

        refused = command.run("rehearse", home, "--json", environment={"TMPDIR": str(small_disk)})

    full(refused)
    assert list(small_disk.iterdir()) == []


def test_a_snapshot_beyond_a_quota_leaves_nothing_behind(temporary: Path, photos: Path) -> None:
    refused = command.run("rehearse", photos, "--json", environment={"TMPDIR": str(temporary)}, largest_file=MEGABYTE)

    full(refused)
    assert list(temporary.iterdir()) == []
