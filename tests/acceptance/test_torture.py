"""Every torture file is copied whole, or with its misfits in quarantine, or refused before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from outgrow import errors, migration
from outgrow.postgres import embedded
from support import engine, servers, torture

REFUSALS = {
    "rowid_out_of_reach": "Nothing identifies the rows of table t",
    "columns_2000": "Table t has 2,000 columns",
    "columns_1600_without_a_key": "the rowid, which identifies the rows, needs one more",
    "hot_journal": "an interrupted transaction may have to be rolled back first, which is a write",
}
"""Why what is refused is refused."""

QUARANTINED = {
    "nul_in_text": 21,
    "invalid_utf8": 38,
    "utf16_surrogates": 8,
    "rows_too_wide": 1,
    "long_texts_under_numbers": 1,
}
"""How many rows of some files no type can hold: all others arrive."""

OLD_SERVER = (
    "every_class_in_every_type",
    "unicode_pairs",
    "invalid_utf8",
    "copy_hostile",
    "floats_of_every_class",
    "json_texts",
    "temporal",
    "hostile_table_names",
    "keys_of_every_type",
    "keys_nocase",
    "autoincrement",
    "foreign_keys",
    "foreign_keys_broken",
    "unique_indexes",
    "checks",
    "defaults",
    "generated_columns",
    "utf16le",
    "hot_wal",
)
"""What stands for the rest on PostgreSQL 15."""


def _hold(name: str, path: Path, dsn: str) -> None:
    """Copy the file, and compare what becomes of it with what is expected."""
    each = torture.TORTURE[name]
    each.make(path)
    before = engine.contents(path.parent)
    if each.outcome == "refused":
        with pytest.raises(errors.Refused, match=REFUSALS[name]):
            migration.copy(path, dsn)
        assert engine.execute(dsn, "SELECT 1 FROM pg_namespace WHERE nspname = 'outgrow'") == []
    else:
        judged = engine.copy(path, dsn)
        assert judged.outcome == each.outcome
        assert judged.report.quarantined == QUARANTINED.get(name, judged.report.quarantined)
        assert judged.report.notes == {}
    if name not in ("hot_wal", "hot_journal"):  # which the checker, like any other reader, makes whole
        assert engine.contents(path.parent) == before


@pytest.mark.parametrize("name", torture.TORTURE)
def test_every_value_arrives_or_is_kept_aside(tmp_path: Path, postgres_dsn: str, name: str) -> None:
    """Engine and checker agree that nothing is lost, changed or doubled."""
    _hold(name, tmp_path / "torture.db", postgres_dsn)


@pytest.mark.parametrize("name", OLD_SERVER)
def test_an_old_server_takes_the_same(tmp_path: Path, old_server: embedded.EmbeddedServer, name: str) -> None:
    """What PostgreSQL 18 can hold, 15 can."""
    with servers.database(old_server) as dsn:
        _hold(name, tmp_path / "torture.db", dsn)


SETTINGS = {
    "datestyle": "'SQL, DMY'",
    "timezone": "'Asia/Kolkata'",
    "intervalstyle": "'sql_standard'",
    "bytea_output": "'escape'",
    "extra_float_digits": "-5",
    "standard_conforming_strings": "off",
    "client_encoding": "'LATIN1'",
    "search_path": "'pg_temp'",
    "quote_all_identifiers": "on",
    "array_nulls": "off",
    "default_transaction_isolation": "'serializable'",
    "default_transaction_deferrable": "on",
    "row_security": "off",
    "check_function_bodies": "off",
    "enable_seqscan": "off",
}
"""Whatever a database may be set to that changes what values look like, or what a session may do."""


@pytest.mark.parametrize("name", ["temporal", "floats_of_every_class", "copy_hostile", "keys_of_every_type"])
def test_the_settings_of_the_target_do_not_matter(tmp_path: Path, postgres_dsn: str, name: str) -> None:
    """A DBA may have set anything for the database."""
    (database,) = engine.execute(postgres_dsn, "SELECT quote_ident(current_database())")
    for setting, value in SETTINGS.items():
        engine.execute(postgres_dsn, f"ALTER DATABASE {database[0]} SET {setting} = {value}")
    path = tmp_path / "torture.db"
    torture.TORTURE[name].make(path)
    assert engine.copy(path, postgres_dsn).outcome == "complete"


@pytest.mark.parametrize(
    "name", ["names_taken", "foreign_keys", "unique_indexes", "generated_columns", "autoincrement", "nul_in_text"]
)
def test_any_schema_takes_the_same(tmp_path: Path, postgres_dsn: str, name: str) -> None:
    """Also one with a name that has to be quoted; nothing is left in public."""
    each = torture.TORTURE[name]
    path = tmp_path / "torture.db"
    each.make(path)
    judged = engine.copy(path, postgres_dsn, target_schema='My "own" %s')
    assert judged.outcome == each.outcome
    assert (
        engine.execute(postgres_dsn, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace") == []
    )


def test_every_refusal_has_its_reason() -> None:
    """A generator that expects one is in the table above, and no other."""
    assert set(REFUSALS) == {name for name, each in torture.TORTURE.items() if each.outcome == "refused"}
