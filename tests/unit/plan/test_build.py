"""A plan made at once, and one that grew: a table or a column that appeared later is planned by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from outgrow import errors
from outgrow.model import plan, plan_data
from outgrow.plan import build, file
from outgrow.sqlite import connection, schema
from support import engine

FIRST = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT NOT NULL, age INTEGER,"
    " CHECK (age >= 0), CHECK (printf('%d', age) <> 'x'))",
    "CREATE UNIQUE INDEX people_email ON people (email)",
    "INSERT INTO people VALUES (1, 'ada@example.com', 36), (2, 'bob@example.com', NULL)",
)
CHILDREN = (
    "CREATE TABLE children (id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER REFERENCES people, at DATETIME)",
    "CREATE INDEX children_parent ON children (parent)",
    "INSERT INTO children VALUES (5, 1, '2024-01-02 03:04:05'), (6, 9, NULL)",
)


def planned(path: Path, overrides: Iterable[plan.Override] = ()) -> plan.Plan:
    """The plan of a file, made at once."""
    with connection.open_source(path) as source:
        return build.build(source.main, schema.read(source.main), name=source.name, overrides=tuple(overrides))


def with_table(path: Path, made: plan.Plan, name: str) -> plan.Plan:
    """The plan with a table that the file has now."""
    with connection.open_source(path) as source:
        return build.add_table(source.main, schema.read(source.main), made, name)


def with_column(path: Path, made: plan.Plan, table: str, name: str) -> plan.Plan:
    """The plan with a column that the file has now."""
    with connection.open_source(path) as source:
        return build.add_column(source.main, schema.read(source.main), made, table, name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file before anything appeared in it."""
    return engine.script(tmp_path / "app.db", *FIRST)


def test_a_table_that_appears_is_planned_as_at_once(path: Path) -> None:
    """Types, indexes, sequence, foreign keys and findings; the plan is the one of the whole file."""
    before = planned(path)
    engine.script(path, *CHILDREN)
    grown = with_table(path, before, "children")
    assert grown.tables == planned(path).tables
    assert grown.findings == planned(path).findings
    assert grown.tables[0] is before.tables[0]
    children = grown.table("children")
    assert children is not None
    assert (children.sequence, children.foreign_keys[0].valid) == (6, False)
    assert plan_data.from_data(plan_data.to_data(grown)) == grown


def test_a_table_that_appears_gets_names_that_are_free(path: Path) -> None:
    """Those that PostgreSQL gives by itself are taken too."""
    before = planned(path)
    engine.script(
        path,
        "CREATE TABLE people_pkey (id INTEGER PRIMARY KEY)",
        "CREATE TABLE second (x INTEGER UNIQUE)",
        "CREATE TABLE people_id_seq (x)",
    )
    grown = before
    for name in ("people_pkey", "second", "people_id_seq"):
        grown = with_table(path, grown, name)
    taken = [table.target for table in grown.tables]
    taken += [index.name for table in grown.tables for index in table.indexes]
    taken += [table.key_name or f"{table.target}_pkey" for table in grown.tables]
    taken += [table.sequence_name or f"{table.target}_{table.identity}_seq" for table in grown.tables]
    assert len(set(taken)) == len(taken)
    assert before.tables == grown.tables[:1]


def test_a_table_that_an_override_skips_stays_out(path: Path) -> None:
    """It is listed among what is left out."""
    engine.script(path, "CREATE TABLE scratch (x)")
    skip = plan.Override(table="scratch", settings={"skip": True})
    before = planned(path, [skip])
    engine.script(path, "DROP TABLE scratch", "CREATE TABLE scratch (x, y)")
    grown = with_table(path, before, "scratch")
    assert grown.table("scratch") is None
    assert grown.omissions[-1] == plan.Omission(kind="table", name="scratch", reason="left out by an override")


def test_dates_stay_texts_where_the_plan_says_so(path: Path) -> None:
    """Of every table, empty or not, and of those that appear later; numbers among them are kept with them."""
    texts = [plan.Override(table="", settings={"dates": "text"})]
    engine.script(path, *CHILDREN)
    before = planned(path, texts)
    engine.script(
        path,
        "CREATE TABLE d (a DATE, b TIMESTAMP, c TIME, n INTEGER, PRIMARY KEY (a, n))",
        "INSERT INTO d VALUES ('2024-01-01', 5, '10:00:00', 1)",
    )
    made, usual = planned(path, texts), planned(path)

    def types(found: plan.Plan) -> list[str]:
        return [column.sql_type for table in found.tables for column in table.columns if column.source in "abcat"]

    assert types(made) == ["text"] * 4
    assert types(usual) == ["timestamp", "date", "numeric", "time"]
    assert with_table(path, before, "d").tables == made.tables
    assert file.loads(file.dumps(made, types=""), name="plan") == tuple(texts)
    for settings in ({"dates": "numbers"}, {"date": "text"}):
        with pytest.raises(errors.PlanInvalid, match="cannot be followed"):
            planned(path, [plan.Override(table="", settings=settings)])


def test_a_column_that_appears_is_planned_as_at_once(path: Path) -> None:
    """With its type by its values, its default, its check and its foreign key; no other column is looked at again."""
    before = planned(path)
    engine.script(
        path,
        "ALTER TABLE people ADD COLUMN boss INTEGER CHECK (boss <> id) REFERENCES people (id)",
        "ALTER TABLE people ADD COLUMN born DATE DEFAULT '2000-01-01'",
        "UPDATE people SET boss = 7, age = 'unknown' WHERE id = 1",
    )
    grown = with_column(path, with_column(path, before, "people", "boss"), "people", "born")
    (people,), (whole,) = grown.tables, planned(path).tables
    assert people.columns[:3] == before.tables[0].columns
    assert people.columns[3:] == whole.columns[3:]
    assert [check.definition for check in people.checks] == ['CHECK (("age" >= 0))', 'CHECK (("boss" <> "id"))']
    assert [check.name for check in people.checks] == ["people_check1", "people_check3"]
    assert people.foreign_keys == whole.foreign_keys
    assert [key.valid for key in people.foreign_keys] == [False]
    assert [(found.code, found.column) for found in grown.findings if found not in before.findings] == [
        ("orphans", "boss")
    ]
    assert people.widest > before.tables[0].widest
    assert plan_data.from_data(plan_data.to_data(grown)) == grown


def test_a_column_that_appears_gets_a_name_that_is_free(path: Path) -> None:
    """`CTID` is a column of PostgreSQL's own, and the name it gets instead may be taken."""
    engine.script(path, "ALTER TABLE people ADD COLUMN ctid_ TEXT")
    before = planned(path)
    engine.script(path, "ALTER TABLE people ADD COLUMN ctid TEXT")
    grown = with_column(path, before, "people", "ctid")
    targets = [column.target for column in grown.tables[0].columns]
    assert len(set(targets)) == len(targets)
    assert "ctid" not in targets
    assert [found.code for found in grown.findings if found not in before.findings] == ["renamed"]


def test_a_generated_column_that_appears_uses_the_others(path: Path) -> None:
    """Its expression is translated over the columns that are planned already."""
    before = planned(path)
    engine.script(path, "ALTER TABLE people ADD COLUMN doubled INTEGER GENERATED ALWAYS AS (age + age) VIRTUAL")
    column = with_column(path, before, "people", "doubled").tables[0].columns[-1]
    assert column.generated is not None
    assert '"age"' in column.generated


def test_one_column_too_many_is_refused(tmp_path: Path) -> None:
    """1,600 with the rowid's column is all that PostgreSQL has."""
    columns = ", ".join(f"c{number} INTEGER" for number in range(1_599))
    path = engine.script(tmp_path / "wide.db", f"CREATE TABLE t ({columns})")
    before = planned(path)
    engine.script(path, "ALTER TABLE t ADD COLUMN last INTEGER")
    with pytest.raises(errors.SchemaRefused, match="needs one more"):
        with_column(path, before, "t", "last")


def test_what_is_not_there_is_not_planned(path: Path) -> None:
    """Neither a table nor a column that the file does not have."""
    made = planned(path)
    with pytest.raises(KeyError, match="gone"):
        with_table(path, made, "gone")
    with pytest.raises(KeyError, match="gone"):
        with_column(path, made, "people", "gone")


def test_evidence_speaks_of_null_where_there_can_be_any(tmp_path: Path) -> None:
    """Not of a column that is NOT NULL, the rowid, or a key without NULL."""
    path = engine.script(
        tmp_path / "app.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT)",
        "CREATE TABLE k (a TEXT, b TEXT, c TEXT, PRIMARY KEY (a, b))",
        "CREATE TABLE n (a TEXT PRIMARY KEY)",
        "CREATE TABLE w (a TEXT PRIMARY KEY, b REAL) WITHOUT ROWID",
        *(f"INSERT INTO {name} VALUES ({values})" for name, values in (("t", "1,'x','x'"), ("k", "'x','x','x'"))),
        "INSERT INTO n VALUES (NULL)",
        "INSERT INTO w VALUES ('x', NULL)",
    )
    said = {
        f"{table.source}.{column.source}": column.evidence.endswith(", or NULL")
        for table in planned(path).tables
        for column in table.columns
    }
    assert [name for name, speaks in said.items() if speaks] == ["t.b", "k.c", "n.a", "w.b"]


@pytest.mark.parametrize(
    ("misfits", "severity", "share"), [(4, "error", "all 4 rows"), (3, "warning", "3 of 4 rows"), (2, None, "")]
)
def test_an_override_that_quarantines_most_of_a_table_is_told(
    tmp_path: Path, misfits: int, severity: str | None, share: str
) -> None:
    """With the number of rows; half of them are no reason to doubt that it is meant."""
    path = engine.script(tmp_path / "app.db", "CREATE TABLE t (a TEXT, b TEXT)")
    with closing(sqlite3.connect(path)) as writer, writer:
        uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
        writer.executemany(
            "INSERT INTO t VALUES (?, 'x')", [[uuid.replace("-", "") if row < misfits else uuid] for row in range(4)]
        )
    made = planned(path, [plan.Override(table="t", column="a", settings={"type": "uuid"})])
    found = [finding for finding in made.findings if finding.code == "override_quarantines"]
    assert [(finding.severity, finding.column, finding.count) for finding in found] == (
        [(severity, "a", misfits)] if severity else []
    )
    assert all(share in finding.message for finding in found)


@pytest.mark.parametrize(
    ("columns", "value", "overrides", "told"),
    [
        ("a, b TEXT", None, (), ["a"]),
        ("a, b", "'x'", (), []),
        ("a BLOB, b TEXT", None, (), []),
        ("a, b TEXT", None, (plan.Override(table="t", column="a", settings={"type": "text"}),), []),
    ],
)
def test_a_column_that_nothing_is_known_of_is_told(
    columns: str, value: str | None, overrides: tuple[plan.Override, ...], told: list[str], tmp_path: Path
) -> None:
    rows = [f"INSERT INTO t VALUES ({value}, {value})"] if value else []
    path = engine.script(tmp_path / "app.db", f"CREATE TABLE t ({columns})", *rows)
    found = [finding for finding in planned(path, list(overrides)).findings if finding.code == "type_unknown"]
    assert [finding.column for finding in found] == told


INT = ("1", "2", "'a'")

MIXED: dict[str, tuple[str, tuple[str, ...], list[str]]] = {
    "text in an INT key": ("k INT PRIMARY KEY", INT, ["unordered_primary_key", "widened_to_text"]),
    "text in a REAL key": ("k REAL PRIMARY KEY", INT, ["unordered_primary_key", "widened_to_text"]),
    "text in a NUMERIC key": ("k NUMERIC PRIMARY KEY", INT, ["unordered_primary_key", "widened_to_text"]),
    "a key without a type": ("k PRIMARY KEY", INT, ["misfit"]),
    "a key of two columns": ("j TEXT, k INT, PRIMARY KEY (j, k)", INT, ["unordered_primary_key", "widened_to_text"]),
    "blobs in a TEXT key": ("k TEXT PRIMARY KEY", ("'a'", "x'00'"), ["misfit"]),
    "reals in an INT key": ("k INT PRIMARY KEY", ("1", "2.5"), []),
}


@pytest.mark.parametrize("case", MIXED)
def test_a_key_of_mixed_values_is_what_the_findings_page_says(tmp_path: Path, case: str) -> None:
    """The rowid takes over where text stands among numbers of a declared type; else the rarer values are misfits."""
    columns, values, codes = MIXED[case]
    path = engine.script(
        tmp_path / "app.db",
        f"CREATE TABLE t ({columns})",
        *(f"INSERT INTO t (k) VALUES ({value})" for value in values),
    )
    if "j TEXT" in columns:
        engine.script(path, "UPDATE t SET j = 'x'")
    made = planned(path)
    found = sorted(finding.code for finding in made.findings if finding.code != "index_left_out")
    assert found == codes
    assert (made.tables[0].rowid is not None) == ("unordered_primary_key" in codes)


def test_a_key_without_a_rowid_beside_it_stays_the_key(tmp_path: Path) -> None:
    """Its misfits go to the quarantine, whatever the declared type."""
    path = engine.script(
        tmp_path / "app.db",
        "CREATE TABLE t (k INT PRIMARY KEY) WITHOUT ROWID",
        "INSERT INTO t VALUES (1), (2), ('a')",
    )
    made = planned(path)
    assert [finding.code for finding in made.findings] == ["misfit"]
    assert made.tables[0].primary_key == ("k",)


@pytest.mark.parametrize(
    ("declared", "longest"),
    [
        ("TEXT", "x" * 5_000),
        ("JSON", f'"{"x" * 5_000}"'),
        ("BLOB", b"x" * 5_000),
        ("DATETIME", "not a date: " + "x" * 5_000),
        ("BOOLEAN", "x" * 5_000),
        ("INTEGER", "x" * 5_000),
        ("DECIMAL(10,2)", "x" * 5_000),
        ("", "x" * 5_000),
    ],
)
def test_the_widest_row_is_known_whatever_was_expected(declared: str, longest: object, tmp_path: Path) -> None:
    """Short values are not measured, but a column that should have some and has others is, in the middle of the table too."""
    usual = {"DATETIME": "2024-01-02 03:04:05", "JSON": "{}", "TEXT": "", "BLOB": b"", "": ""}.get(declared, 1)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
        connection.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})")
        rows = [[longest if number == 1500 else usual] for number in range(3000)]
        connection.executemany("INSERT INTO t (v) VALUES (?)", rows)
    (table,) = planned(tmp_path / "a.db").tables
    assert 5_000 <= table.widest < 6_000


def test_names_that_must_be_quoted_are_told_once(path: Path, tmp_path: Path) -> None:
    assert "quoted_names" not in {finding.code for finding in planned(path).findings}
    awkward = engine.script(
        tmp_path / "awkward.db",
        'CREATE TABLE Artist (ArtistId INTEGER PRIMARY KEY, "a b" TEXT, größe REAL, plain_1 TEXT)',
    )
    (found,) = [finding for finding in planned(awkward).findings if finding.code == "quoted_names"]
    assert (found.severity, found.count) == (plan.Severity.INFO, 3)
    assert found.message.endswith('as "Artist" and "ArtistId"')
