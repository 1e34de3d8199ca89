"""Views and triggers in the plan: written down, read again, and renewed."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import psycopg
import pytest

from integration.programs import pair
from outgrow.dialect import trigger_sql
from outgrow.dialect.translation import Untranslatable
from outgrow.model import plan_data
from outgrow.plan import file

SCRIPT = """
CREATE TABLE t (id INTEGER PRIMARY KEY, a REAL, "b c" TEXT);
CREATE TABLE log (what TEXT, n REAL);
CREATE VIEW v (x, "y z") AS SELECT a, "b c" FROM t;
CREATE TRIGGER first AFTER UPDATE OF A, "B C" ON T WHEN NEW.a > 0 BEGIN INSERT INTO log VALUES ('x', round(NEW.a, 1)); END;
CREATE TRIGGER second AFTER INSERT ON t BEGIN SELECT own(1); END;
"""

HEADS = [
    ("CREATE TRIGGER x INSERT ON t BEGIN SELECT 1; END", ("x", "BEFORE", "INSERT", (), "t")),
    ('create temp trigger if not exists main."x y" after update of a, [b] on t begin select 1; end;',
     ("x y", "AFTER", "UPDATE", ("a", "b"), "t")),
    ("CREATE TRIGGER x -- why\n INSTEAD OF DELETE ON main.v FOR EACH ROW WHEN OLD.a BEGIN DELETE FROM t; END",
     ("x", "INSTEAD OF", "DELETE", (), "v")),
    ("CREATE TRIGGER 'x' BEFORE UPDATE ON `t` BEGIN UPDATE t SET a = CASE WHEN 1 THEN 2 END; SELECT 1 AS n; END",
     ("x", "BEFORE", "UPDATE", (), "t")),
]  # fmt: skip


def test_a_plan_with_them_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = pair.planned(tmp_path, SCRIPT)
    assert plan_data.from_data(json.loads(json.dumps(plan_data.to_data(made)))) == made
    assert pair.planned(tmp_path, SCRIPT) == made


def test_a_plan_of_an_earlier_version_has_none(tmp_path: Path) -> None:
    data = plan_data.to_data(pair.planned(tmp_path, SCRIPT))
    del data["views"], data["triggers"]
    made = plan_data.from_data(data)
    assert made.views == made.triggers == ()


def test_the_plan_file_shows_what_becomes_of_them(tmp_path: Path) -> None:
    text = file.dumps(pair.planned(tmp_path, SCRIPT), types="text")
    shown = tomllib.loads(text)
    (view,) = shown["view"]
    assert view["name"] == "v"
    assert 'FROM "public"."t"' in view["definition"]
    first, second = shown["trigger"]
    assert first["fires"] == "AFTER UPDATE OF A, B C"
    assert 'INSERT INTO "public"."log"' in first["body"]
    assert "own" in second["reason"]
    assert file.loads(text, name="plan") == ()


def test_a_trigger_that_calls_functions_of_outgrow_goes_with_them(any_postgres: str, tmp_path: Path) -> None:
    with pair.pair(tmp_path, any_postgres, SCRIPT.replace("own(1)", "1")) as both:
        first = both.plan.triggers[0]
        assert first.dependent
        assert "trigger_dependent" in [one.code for one in both.plan.findings]
        both.same("INSERT INTO t VALUES (1, -1, 'b')")
        both.same("UPDATE t SET a = 2.675")
        assert both.post.execute("SELECT what, n FROM log").fetchall() == [("x", pytest.approx(2.7))]
        both.post.execute("DROP SCHEMA outgrow CASCADE")
        both.post.execute("UPDATE t SET a = 5")
        both.post.execute("INSERT INTO t (a) VALUES (7)")


def test_only_a_writer_with_the_rights_writes_through_a_trigger(postgres_dsn: str, tmp_path: Path) -> None:
    script = SCRIPT.replace("round(NEW.a, 1)", "NEW.a").replace("own(1)", "1")
    with pair.pair(tmp_path, postgres_dsn, script) as both:
        both.same("INSERT INTO t VALUES (1, -1, 'b')")
        both.post.execute("CREATE ROLE only_t; GRANT SELECT, UPDATE ON t TO only_t; SET LOCAL ROLE only_t")
        both.post.execute("UPDATE t SET a = -5")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="log"), both.post.transaction():
            both.post.execute("UPDATE t SET a = 5")


@pytest.mark.parametrize(("sql", "head"), HEADS)
def test_when_a_trigger_fires_is_read_from_its_text(sql: str, head: tuple[object, ...]) -> None:
    found = trigger_sql.parse(sql).head
    assert (found.name, found.timing, found.event, found.columns, found.table) == head


@pytest.mark.parametrize(
    "sql", ["CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1", "CREATE TRIGGER x ON t", "SELECT 1"]
)
def test_what_is_no_trigger_is_refused(sql: str) -> None:
    with pytest.raises(Untranslatable):
        trigger_sql.parse(sql)
