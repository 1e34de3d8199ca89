"""The plan: the same for the same file, every decision with its reason, and the user's overrides followed to the letter."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from outgrow import errors, migration
from support import checker, engine

FILE = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, age INTEGER, small INTEGER, at TEXT, day TEXT, key TEXT,"
    " data TEXT, name TEXT NOT NULL, embedding BLOB, flag TEXT, clock TEXT)",
    "INSERT INTO people VALUES (1, 41, 7, '2024-01-02T03:04:05', '2024-01-02', '6ba7b810-9dad-11d1-80b4-00c04fd430c8',"
    """ '{"a": 1}', 'Ada', x'0000803f00000040', 'yes', '03:04:05')""",
    "INSERT INTO people VALUES (2, NULL, NULL, NULL, NULL, NULL, NULL, 'Bob', NULL, 'no', NULL)",
    "CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES people (id), odd INTEGER)",
    "INSERT INTO children VALUES (1, 1, 5), (2, 9, 'five')",
    "CREATE INDEX children_parent ON children (parent)",
    "CREATE TABLE log (line TEXT)",
    "INSERT INTO log VALUES ('one')",
    "CREATE VIEW seen AS SELECT * FROM people",
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file with something of everything."""
    return engine.script(tmp_path / "app.db", *FILE)


def _plan(source: Path) -> Path:
    path = source.with_name("app.db.plan.toml")
    migration.make_plan(source, output=path, overrides_from=path)
    return path


def _types(dsn: str, table: str) -> dict[str, str]:
    found = engine.execute(
        dsn,
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
        [f'public."{table}"'],
    )
    return dict(found)


def test_the_same_file_gives_the_same_bytes(source: Path) -> None:
    """Also after the file was rewritten with the same content elsewhere."""
    first = _plan(source).read_bytes()
    assert _plan(source).read_bytes() == first
    other = source.with_name("other") / "app.db"
    other.parent.mkdir()
    engine.script(other, *FILE)
    assert _plan(other).read_bytes() == first


def test_every_decision_has_a_reason_and_evidence(source: Path) -> None:
    """And so has everything that is left out."""
    made = migration.make_plan(source).plan
    for table in made.tables:
        for column in table.columns:
            assert column.reason
            assert column.evidence
    assert all(omission.reason for omission in made.omissions)
    assert {omission.name for omission in made.omissions} >= {"sqlite_sequence"}
    for finding in made.findings:
        assert finding.message
        assert finding.remedy
        assert finding.code


FOLLOWED: list[tuple[str, str, str, object]] = [
    ("people__small", 'type = "smallint"', "smallint", 7),
    ("people__age", 'type = "integer"', "integer", 41),
    ("people__id", 'type = "integer"', "integer", 1),
    ("people__key", 'type = "uuid"', "uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    ("people__data", 'type = "jsonb"', "jsonb", '{"a": 1}'),
    ("people__data", 'type = "json"', "json", '{"a": 1}'),
    ("people__embedding", 'type = "vector(2)"', "vector(2)", "[1,2]"),
    ("people__embedding", 'type = "vector"\ndimensions = 2', "vector(2)", "[1,2]"),
    ("people__at", 'type = "timestamp"', "timestamp without time zone", "2024-01-02 03:04:05"),
    ("people__at", 'type = "timestamp"\nseparator = "T"', "timestamp without time zone", "2024-01-02 03:04:05"),
    ("people__day", 'type = "date"', "date", "2024-01-02"),
    ("people__clock", 'type = "time"', "time without time zone", "03:04:05"),
    ("people__name", 'type = "bytea"', "bytea", "\\x416461"),
    ("people__flag", 'type = "boolean"', "boolean", "true"),
    ("people__age", 'type = "numeric"', "numeric", 41),
    ("people__age", 'type = "text"', "text", 41),
]


@pytest.mark.parametrize(("column", "setting", "sql_type", "value"), FOLLOWED)
def test_an_overridden_type_is_followed(
    source: Path, postgres_dsn: str, column: str, setting: str, sql_type: str, value: object
) -> None:
    """Every value arrives in the type that the user asked for, and the foreign keys still hold."""
    _plan(source)
    engine.override(source, **{column: setting})
    _plan(source)
    answer = migration.copy(source, postgres_dsn)
    assert answer.verification.differences == ()
    checker.compare(source, postgres_dsn).require()
    _, name = column.split("__")
    assert _types(postgres_dsn, "people")[name] == sql_type
    (found,) = engine.execute(postgres_dsn, f'SELECT "{name}"::text FROM people WHERE id = 1')
    assert found == (str(value),)
    (planned,) = [one for one in answer.plan.tables[0].columns if one.source == name]
    assert (planned.overridden, planned.reason) == (True, "override")
    keys = engine.execute(postgres_dsn, "SELECT conname FROM pg_constraint WHERE contype = 'f'")
    assert len(keys) == 1


def test_a_column_is_quarantined_rather_than_widened_on_demand(source: Path, postgres_dsn: str) -> None:
    """Without the override the column becomes text and is complete; with it one row is kept aside."""
    plan = _plan(source)
    assert "widened_to_text" in plan.read_text()
    engine.override(source, children__odd='type = "bigint"')
    judged = engine.copy(source, postgres_dsn)
    assert judged.report.quarantine_counts == {"children": 1}
    assert judged.report.quarantine[0].column == "odd"


def test_tables_and_foreign_keys_are_left_out_on_demand(source: Path, postgres_dsn: str) -> None:
    """Both are listed among what is left out."""
    _plan(source)
    engine.override(source, log="skip = true", children="foreign_keys = false")
    judged = engine.copy(source, postgres_dsn)
    assert judged.check.left_out == ("log",)
    assert engine.execute(postgres_dsn, "SELECT to_regclass('log')::text") == [(None,)]
    assert engine.execute(postgres_dsn, "SELECT conname FROM pg_constraint WHERE contype = 'f'") == []
    left_out = {(omission.kind, omission.name) for omission in judged.report.plan.omissions}
    assert left_out >= {("table", "log"), ("foreign key", "parent")}


def test_overrides_survive_planning_again(source: Path) -> None:
    """The plan made of its own overrides is the same, and those come first in it."""
    plan = _plan(source)
    engine.override(source, people__key='type = "uuid"', log="skip = true")
    _plan(source)
    once = plan.read_bytes()
    _plan(source)
    assert plan.read_bytes() == once
    text = once.decode()
    assert text.index('type = "uuid"') < text.index("# ----")
    assert "decisions_sha256" in text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('type = "bigint"', 'type = "integer"'),
        ('name = "people"', 'name = "persons"'),
        ("rows = 2", "rows = 3"),
        ('encoding = "UTF-8"\n', ""),
    ],
)
def test_an_edit_below_the_line_is_refused(source: Path, before: str, after: str) -> None:
    """It would be lost with the next plan; the remedy is an override."""
    plan = _plan(source)
    head, line, rest = plan.read_text().partition("# ----")
    assert before in rest
    plan.write_text(head + line + rest.replace(before, after, 1))
    with pytest.raises(errors.PlanInvalid, match="was edited below its line of dashes"):
        _plan(source)


STALE: dict[str, tuple[dict[str, str], str]] = {
    "a table that is gone": ({"gone": "skip = true"}, "there is no table 'gone'"),
    "a column that is gone": ({"people__gone": 'type = "text"'}, "has no column 'gone'"),
    "a table's setting": ({"people": "skip_it = true"}, "'skip_it' is no setting of a table"),
    "no type": ({"people__age": 'kind = "text"'}, "has no type"),
    "an unknown type": ({"people__age": 'type = "money"'}, "no type 'money'"),
    "an unknown argument": ({"people__age": 'type = "bigint"\nsize = 3'}, "size"),
    "a vector without a number": ({"people__embedding": 'type = "vector(many)"'}, "no type 'vector"),
    "a vector without dimensions": ({"people__embedding": 'type = "vector"'}, "no type 'vector"),
    "too fine a timestamp": ({"people__at": 'type = "timestamp"\nfraction = 9'}, "six digits of a second"),
    "an identity of text": ({"people__id": 'type = "text"'}, "has no identity"),
}


@pytest.mark.parametrize("case", STALE)
def test_an_override_that_cannot_be_followed_is_refused(source: Path, postgres_dsn: str, case: str) -> None:
    """By `plan` and `copy` alike, and nothing is written."""
    settings, why = STALE[case]
    _plan(source)
    engine.override(source, **settings)
    for act in (lambda: _plan(source), lambda: migration.copy(source, postgres_dsn)):
        with pytest.raises(errors.PlanInvalid, match=why):
            act()
    assert engine.execute(postgres_dsn, "SELECT 1 FROM pg_namespace WHERE nspname = 'outgrow'") == []


def test_overrides_that_changed_are_refused_for_a_copy_under_way(source: Path, postgres_dsn: str) -> None:
    """The tables were made after the other plan; --restart begins anew."""
    _plan(source)
    migration.copy(source, postgres_dsn)
    engine.override(source, people__age='type = "smallint"')
    with pytest.raises(errors.TargetOccupied, match="overrides are not those"):
        migration.copy(source, postgres_dsn)
    migration.copy(source, postgres_dsn, restart=True)
    assert _types(postgres_dsn, "people")["age"] == "smallint"


def _described(dsn: str) -> list[tuple[Any, ...]]:
    """Every column, constraint, index and sequence of the schema public."""
    columns = engine.execute(
        dsn,
        "SELECT table_name, column_name, data_type, column_default, is_nullable, is_identity, generation_expression"
        " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
    )
    constraints = engine.execute(
        dsn,
        "SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
    )
    relations = engine.execute(
        dsn,
        "SELECT relname, relkind, CASE relkind WHEN 'i' THEN pg_get_indexdef(oid) END FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
    )
    return [*columns, *constraints, *relations]


@pytest.mark.parametrize("name", ["plan", "unique_indexes", "generated_columns", "names_taken", "defaults", "checks"])
def test_the_printed_ddl_is_what_a_copy_makes(tmp_path: Path, postgres_dsn: str, name: str) -> None:
    """`plan --ddl` runs on an empty database, and leaves the schema that `copy` leaves."""
    from support import torture

    path = tmp_path / "app.db"
    if name == "plan":
        engine.script(path, *FILE)
    else:
        torture.TORTURE[name].make(path)
    answer = engine.run("plan", path, "--ddl")
    assert not path.with_name("app.db.plan.toml").exists()
    for statement in answer.facts["ddl"]:
        engine.execute(postgres_dsn, statement)
    printed = _described(postgres_dsn)
    migration.copy(path, engine.emptied(postgres_dsn))
    assert _described(postgres_dsn) == printed


def test_the_target_keeps_the_plan_it_was_made_after(source: Path, postgres_dsn: str) -> None:
    """What `verify` reads is what `plan` printed."""
    made = migration.make_plan(source).plan
    assert migration.copy(source, postgres_dsn).plan.tables == made.tables
    ((kept,),) = engine.execute(postgres_dsn, "SELECT plan FROM outgrow.migration")
    assert [table["source"] for table in kept["tables"]] == [table.source for table in made.tables]
    assert json.dumps(kept)


def test_vectors_come_back_bit_by_bit(tmp_path: Path, postgres_dsn: str) -> None:
    """Subnormals and negative zero included."""
    numbers = struct.pack("<4f", -0.0, 1e-45, 0.1, 3.4028234663852886e38)
    path = engine.script(
        tmp_path / "app.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, e VECTOR(4), f F32_BLOB(4), g FLOAT[4])",
        f"INSERT INTO t VALUES (1, x'{numbers.hex()}', x'{numbers.hex()}', x'{numbers.hex()}')",
    )
    assert engine.copy(path, postgres_dsn).outcome == "complete"
    assert _types(postgres_dsn, "t")["e"] == "vector(4)"
