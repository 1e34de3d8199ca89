"""What the environment says is taken as it is meant, or refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outgrow.route import settings


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setattr(settings, "_configured", None)
    settings._of_environment.cache_clear()
    for name in ("DATABASE_URL", "USE_POSTGRESQL", "ENABLE_DUAL_WRITE"):
        monkeypatch.delenv(name, raising=False)
    yield monkeypatch
    settings._of_environment.cache_clear()


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("postgresql://u@h/d?sslmode=require", "postgresql://u@h/d?sslmode=require"),
        ("postgres://h/d", "postgresql://h/d"),
        ("postgresql+psycopg://h/d", "postgresql://h/d"),
        ("host=h dbname=d", "host=h dbname=d"),
        ("sqlite:///app.db", ""),
        ("mysql://h/d", ""),
        ("", ""),
    ],
)
def test_a_url_is_one_of_postgresql_or_is_not_ours(read: pytest.MonkeyPatch, url: str, target: str) -> None:
    read.setenv("DATABASE_URL", url)
    assert settings.current().database_url == target


@pytest.mark.parametrize(("said", "meant"), [("true", True), ("1", True), ("False", False), ("off", False), ("", None)])
def test_a_switch_is_on_off_or_not_said(read: pytest.MonkeyPatch, said: str, meant: bool | None) -> None:
    read.setenv("USE_POSTGRESQL", said)
    read.setenv("ENABLE_DUAL_WRITE", said)
    found = settings.current()
    assert (found.use_postgresql, found.dual_write) == (meant, bool(meant))


def test_what_is_neither_yes_nor_no_is_refused(read: pytest.MonkeyPatch) -> None:
    read.setenv("USE_POSTGRESQL", "maybe")
    with pytest.raises(ValueError, match="USE_POSTGRESQL is true or false, not 'maybe'"):
        settings.current()


def test_a_connection_kept_out_of_the_wrong_store_leaves_nothing_open(
    read: pytest.MonkeyPatch, tmp_path: object
) -> None:
    from outgrow import sqlite3

    read.setenv("USE_POSTGRESQL", "true")
    with pytest.raises(sqlite3.OperationalError, match=r"is in no migration: type 'outgrow run "):
        sqlite3.connect(f"{tmp_path}/plain.db")
    assert sqlite3.connect(":memory:").execute("SELECT 1").fetchone() == (1,)
    read.setenv("USE_POSTGRESQL", "false")
    settings._of_environment.cache_clear()
    sqlite3.connect(f"{tmp_path}/plain.db").close()
