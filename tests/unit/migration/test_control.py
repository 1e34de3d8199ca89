"""What a killed engine leaves is removed, and nothing else."""

from __future__ import annotations

import pathlib
import socket
import tempfile
from collections.abc import Iterator

import pytest

from outgrow.migration import control


@pytest.fixture
def directory() -> Iterator[pathlib.Path]:
    """Short enough for a socket's name, and named as an engine names it."""
    with tempfile.TemporaryDirectory(prefix="outgrow-", ignore_cleanup_errors=True) as name:
        yield pathlib.Path(name)


def dead(path: pathlib.Path) -> str:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
    return str(path)


def test_the_socket_of_a_killed_engine_is_removed_with_its_directory(directory: pathlib.Path) -> None:
    control.sweep(dead(directory / "control"))

    assert not directory.exists()


def test_a_directory_with_more_in_it_stays(directory: pathlib.Path) -> None:
    (directory / "mine").touch()

    control.sweep(dead(directory / "control"))

    assert [path.name for path in directory.iterdir()] == ["mine"]


def test_an_engine_that_listens_keeps_its_socket() -> None:
    server = control.Server(lambda command, arguments: {"command": command})
    try:
        control.sweep(server.path)

        assert control.ask(server.path, "status") == {"command": "status"}
    finally:
        server.close()


@pytest.mark.parametrize("content", [None, b"precious"])
def test_what_is_no_socket_of_an_engine_stays(directory: pathlib.Path, content: bytes | None) -> None:
    path = directory / "control"
    if content is not None:
        path.write_bytes(content)

    control.sweep(str(path))

    assert directory.exists()
    assert content is None or path.read_bytes() == content


def test_a_dead_socket_elsewhere_is_not_touched(tmp_path: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory(prefix="other-") as name:
        path = dead(pathlib.Path(name) / "control")

        control.sweep(path)

        assert pathlib.Path(path).exists()
