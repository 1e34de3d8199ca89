"""The application's views give at PostgreSQL what they give in the file, and people find them there too."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterator

import pytest

from integration.programs import pair
from outgrow.dialect import statement, statements
from outgrow.postgres import embedded
from support import servers

SCRIPT = """
CREATE TABLE person (id INTEGER PRIMARY KEY, Name TEXT COLLATE NOCASE, born DATE, seen TIMESTAMP, ok BOOLEAN, pay DECIMAL(8,2),
    prefs JSON, code VARCHAR(5));
CREATE TABLE visit (id INTEGER PRIMARY KEY, person INTEGER, at TIMESTAMP, score REAL);
INSERT INTO person VALUES (1, 'Ann', '1990-01-02', '2024-01-01 10:00:00', 1, 10.5, '{"a": 1}', '7'),
    (2, 'bob', NULL, NULL, 0, 3, NULL, 'x'), (3, 'ANN', '2001-05-06', '2024-05-05 00:00:00', NULL, NULL, '[]', NULL);
INSERT INTO visit VALUES (1, 1, '2024-03-01 08:00:00', 1.5), (2, 1, '2024-04-01 09:00:00', 2.25), (3, 2, NULL, NULL);
CREATE VIEW everyone AS SELECT * FROM person;
CREATE VIEW visits AS SELECT p.id, v.id, p.name, v.at, ok = 1 AS good FROM person p LEFT JOIN visit v ON v.person = p.id;
CREATE VIEW totals (who, "How Many", most) AS SELECT person, count(*), max(score) FROM visit GROUP BY person;
CREATE VIEW nested AS SELECT * FROM totals t JOIN everyone e ON e.id = t.who WHERE "how many" > 1;
CREATE VIEW rounded AS SELECT round(score, 1) AS r FROM visit;
CREATE VIEW latest AS WITH person AS (SELECT max(at) AS m FROM visit) SELECT m FROM person;
CREATE VIEW both_ids AS SELECT id FROM person UNION SELECT person FROM visit ORDER BY 1 DESC LIMIT 2;
CREATE VIEW own AS SELECT own_function(id) AS x FROM person;
CREATE VIEW on_own AS SELECT x FROM own;
CREATE VIEW written AS SELECT id, code FROM person;
CREATE TRIGGER written_insert INSTEAD OF INSERT ON written BEGIN INSERT INTO person (code) VALUES (NEW.code); END;
"""

QUERIES = [
    "SELECT * FROM everyone WHERE name = 'ann' ORDER BY id",
    "SELECT born, seen, typeof(seen), ok, pay FROM everyone WHERE seen > '2024-01-01'",
    "SELECT name, count(*) FROM everyone GROUP BY name COLLATE BINARY",
    'SELECT "id:1", id, name FROM visits WHERE good ORDER BY 1, 2',
    "SELECT v.* FROM visits AS v WHERE v.at IS NULL",
    'SELECT who, "how many", most + 1 FROM totals',
    "SELECT * FROM nested",
    "SELECT sum(r), max(r) FROM rounded",
    "SELECT * FROM latest",
    "WITH person AS (SELECT 99 AS id) SELECT * FROM both_ids, person",
    "SELECT everyone.name, (SELECT count(*) FROM visits WHERE visits.id = everyone.id) FROM everyone",
    "SELECT code FROM written WHERE code = 7",
    "SELECT a.id FROM everyone a WHERE EXISTS (SELECT 1 FROM totals WHERE who = a.id)",
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, any_server: embedded.EmbeddedServer) -> Iterator[pair.Pair]:
    """A file with views in both databases."""
    with servers.database(any_server) as dsn, pair.pair(tmp_path_factory.mktemp("views"), dsn, SCRIPT) as made:
        yield made


@pytest.mark.parametrize("sql", QUERIES)
def test_a_query_of_a_view_gives_the_same(both: pair.Pair, sql: str) -> None:
    rows, _ = both.same(sql)
    assert rows or "IS NULL" in sql


def test_views_are_there_for_people_with_the_types_of_the_plan(both: pair.Pair) -> None:
    (row,) = both.post.execute("SELECT * FROM everyone WHERE id = 1").fetchall()
    moment = datetime.datetime(2024, 1, 1, 10)
    assert row == (1, "Ann", datetime.date(1990, 1, 2), moment, True, decimal.Decimal("10.5"), {"a": 1}, "7")
    cursor = both.post.execute("SELECT * FROM visits")
    assert [column.name for column in cursor.description or ()] == ["id", "id:1", "name", "at", "good"]


def test_a_view_without_a_translation_is_refused_with_its_reason(both: pair.Pair) -> None:
    assert {view.name for view in both.plan.views if view.reason} == {"own", "on_own"}
    for sql in ("SELECT * FROM own", "SELECT * FROM on_own"):
        with pytest.raises(statement.Refused, match="own_function"):
            statements.translate(sql, both.known, ())
    assert [one.name for one in both.plan.omissions if one.kind == "view"] == ["own", "on_own"]


def test_a_view_that_needs_functions_of_outgrow_is_translated_but_not_made(both: pair.Pair) -> None:
    (view,) = [view for view in both.plan.views if view.name == "rounded"]
    assert not view.reason
    assert not view.definition
    assert [one.code for one in both.plan.findings if "rounded" in one.message] == ["view_not_created"]


def test_nothing_is_written_to_a_view(both: pair.Pair) -> None:
    for sql in ("INSERT INTO written (code) VALUES ('n')", "UPDATE everyone SET name = 'x'", "DELETE FROM everyone"):
        with pytest.raises(statement.Refused, match="because it is a view"):
            statements.translate(sql, both.known, ())


def test_what_exists_is_not_created_again(both: pair.Pair) -> None:
    for sql in (
        "CREATE VIEW IF NOT EXISTS totals AS SELECT 1",
        "CREATE TRIGGER IF NOT EXISTS written_insert AFTER INSERT ON visit BEGIN SELECT 1; SELECT 2; END;",
    ):
        found = statements.translate(sql, both.known, ())
        assert found.effect is statement.Effect.SCHEMA
        assert not found.steps
    with pytest.raises(statement.Refused):
        statements.translate("CREATE VIEW another AS SELECT 1", both.known, ())
