"""What a trigger would do otherwise in PostgreSQL is refused: in the plan, when a statement is translated, or when it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.programs import pair
from outgrow.dialect import catalog, statement, statements

TABLES = """
CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c TEXT, g INTEGER AS (a + 1) STORED);
CREATE TABLE u (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t(id) ON DELETE CASCADE, n INTEGER);
INSERT INTO t VALUES (1, 1, 1, 'x'), (2, 2, 2, 'y');
INSERT INTO u VALUES (1, 1, 0);
"""

UNTRANSLATED = [
    ("AFTER INSERT ON t BEGIN INSERT INTO u VALUES (last_insert_rowid(), 1, 1); END", "last_insert_rowid"),
    ("AFTER INSERT ON t BEGIN INSERT INTO fts VALUES (NEW.c); END", "no such table: fts"),
    ("AFTER INSERT ON t BEGIN UPDATE u SET n = own_function(NEW.a); END", "own_function"),
    ("BEFORE INSERT ON t BEGIN INSERT INTO u (t) VALUES (NEW.id); END", "NEW.id is not known before"),
    ("BEFORE INSERT ON t BEGIN INSERT INTO u (n) VALUES (NEW.g); END", "NEW.g is not known before"),
    ("BEFORE INSERT ON t BEGIN INSERT INTO u (n) VALUES (NEW.rowid); END", "NEW.rowid is not known before"),
    ("AFTER INSERT ON t BEGIN SELECT RAISE(ROLLBACK, 'x'); END", "ROLLBACK"),
    ("AFTER INSERT ON t BEGIN SELECT RAISE(FAIL, 'x'); END", "FAIL"),
    ("AFTER INSERT ON t BEGIN SELECT coalesce(NEW.a, RAISE(ABORT, 'x')); END", "inside another expression"),
    ("AFTER UPDATE OF a ON t BEGIN UPDATE u SET n = (SELECT sum(a) FROM t); END", "UPDATE OF"),
    ("AFTER UPDATE OF g ON t BEGIN UPDATE u SET n = 1; END", "generated column"),
]


def known(directory: Path, *triggers: str) -> catalog.Catalog:
    """The catalog of the tables with triggers called x0, x1, …"""
    script = TABLES + ";\n".join(f"CREATE TRIGGER x{n} {text}" for n, text in enumerate(triggers)) + ";"
    return catalog.Catalog.of(pair.planned(directory, script))


def refusal(sql: str, there: catalog.Catalog) -> str:
    """Why a statement is refused; empty if it is translated."""
    try:
        statements.translate(sql, there, ())
    except statement.Refused as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize(("text", "reason"), UNTRANSLATED)
def test_a_trigger_without_a_translation_says_why(tmp_path: Path, text: str, reason: str) -> None:
    made = pair.planned(tmp_path, f"{TABLES} CREATE TRIGGER x {text};")
    (trigger,) = made.triggers
    assert reason in trigger.reason
    assert [(one.kind, one.name, one.table) for one in made.omissions if one.kind == "trigger"] == [
        ("trigger", "x", trigger.table)
    ]
    (finding,) = [one for one in made.findings if one.code == "triggers_left_out"]
    assert reason in finding.message
    assert finding.remedy


def test_only_statements_that_would_fire_it_are_refused(tmp_path: Path) -> None:
    there = known(tmp_path, "AFTER UPDATE OF a, b ON t BEGIN UPDATE u SET n = own(1); END")
    said = refusal("UPDATE t SET A = 1", there)
    assert "it fires the trigger x0 of t: " in said
    assert "own" in said
    assert refusal("UPDATE t SET c = 'x', b = 2", there)
    assert refusal("INSERT INTO t (id, a) VALUES (1, 1) ON CONFLICT(id) DO UPDATE SET a = 5", there)
    for sql in ("UPDATE t SET c = 'x'", "INSERT INTO t (a) VALUES (1)", "DELETE FROM t", "UPDATE u SET n = 1"):
        assert not refusal(sql, there)
    assert not refusal("INSERT INTO t (id, a) VALUES (1, 1) ON CONFLICT(id) DO UPDATE SET c = 5", there)


def test_a_delete_that_cascades_into_one_is_refused(tmp_path: Path) -> None:
    there = known(tmp_path, "AFTER DELETE ON u BEGIN UPDATE t SET b = own(1); END")
    assert "the trigger x0 of u" in refusal("DELETE FROM t WHERE id = 1", there)
    assert not refusal("UPDATE t SET a = 1", there)
    assert not refusal("INSERT INTO u (n) VALUES (1)", there)


def test_several_rows_whose_cascade_fires_a_trigger_that_looks_at_them_are_refused(tmp_path: Path) -> None:
    there = known(tmp_path, "AFTER DELETE ON u BEGIN UPDATE u SET n = (SELECT count(*) FROM t) WHERE id = 9; END")
    assert "the trigger x0 of u reads t" in refusal("DELETE FROM t WHERE a > 1", there)
    assert not refusal("DELETE FROM t WHERE id = 1", there)
    assert not refusal("DELETE FROM u", there)


def test_a_trigger_that_fires_one_without_a_translation_has_none(tmp_path: Path) -> None:
    there = known(
        tmp_path,
        "AFTER INSERT ON t BEGIN INSERT INTO u (n) VALUES (1); END",
        "AFTER INSERT ON u BEGIN UPDATE t SET b = own(1); END",
        "AFTER DELETE ON t BEGIN UPDATE u SET n = 2; END",
    )
    assert "the trigger x0 of t: it fires the trigger x1 of u: " in refusal("INSERT INTO t (a) VALUES (1)", there)
    assert not refusal("DELETE FROM t WHERE id = 1", there)


def test_replace_and_or_fail_on_a_table_with_triggers_are_refused(tmp_path: Path) -> None:
    there = known(tmp_path, "AFTER INSERT ON t BEGIN UPDATE u SET n = 2; END")
    assert "x0" in refusal("REPLACE INTO t (id, a) VALUES (1, 1)", there)
    assert "x0" in refusal("INSERT OR FAIL INTO t (id, a) VALUES (1, 1)", there)
    assert not refusal("INSERT OR IGNORE INTO t (id, a) VALUES (1, 1)", there)


def test_set_must_not_read_what_a_trigger_changes_meanwhile(tmp_path: Path) -> None:
    there = known(tmp_path, "AFTER UPDATE ON t BEGIN UPDATE u SET n = n + 1; END")
    assert "SET reads u" in refusal("UPDATE t SET a = (SELECT max(n) FROM u)", there)
    assert not refusal("UPDATE t SET a = (SELECT max(b) FROM t)", there)
    assert not refusal("UPDATE t SET a = 1 WHERE id IN (SELECT n FROM u)", there)


def test_a_trigger_that_reads_its_own_table_refuses_several_rows_at_once(any_postgres: str, tmp_path: Path) -> None:
    script = TABLES + (
        "CREATE TRIGGER total AFTER INSERT ON t BEGIN UPDATE u SET n = (SELECT sum(a) FROM t); END;"
        "CREATE TRIGGER gone AFTER DELETE ON t BEGIN UPDATE u SET n = (SELECT count(*) FROM t); END;"
    )
    with pair.pair(tmp_path, any_postgres, script) as both:
        assert all(trigger.single for trigger in both.plan.triggers)
        assert len([one for one in both.plan.findings if one.code == "trigger_single_rows"]) == 2
        assert both.same("INSERT INTO t (a) VALUES (5)") == ([], 1)
        assert both.same("INSERT INTO t (a) VALUES (5), (6)") == pair.SEVERAL
        assert both.same("DELETE FROM t WHERE id = 2") == ([], 1)
        assert both.same("DELETE FROM t") == pair.SEVERAL


def test_a_name_that_is_taken_in_postgresql_is_given_up(any_postgres: str, tmp_path: Path) -> None:
    script = TABLES + (
        'CREATE TRIGGER "A first" AFTER INSERT ON t BEGIN UPDATE u SET n = n + 1; END;'
        "CREATE TRIGGER outgrow_capture_insert AFTER DELETE ON t BEGIN UPDATE u SET n = n + 2; END;"
        "CREATE VIEW t_pkey AS SELECT a, b, a FROM t;"
    )
    with pair.pair(tmp_path, any_postgres, script) as both:
        assert [one.target for one in both.plan.triggers] == ["t001_A first", "t001_outgrow_capture_insert"]
        assert [one.target for one in both.plan.views] != ["t_pkey"]
        both.same("INSERT INTO t (a) VALUES (5)")
        both.same("DELETE FROM t WHERE a = 5")
