"""Capture's triggers, one claim at a time: which keys a statement logs, in the application's own SQLite."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import apsw
import pytest

from outgrow.model import own
from outgrow.sqlite import capture, file_state
from support import captured_writes

BOX = (
    "CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE, v)",
    "INSERT INTO t VALUES (1, 'a', 0), (2, 'b', 0), (3, 'c', 0)",
)


class Application:
    """An application's database with capture; `log()` gives what was logged since the last call: (table, key…)."""

    def __init__(self, *statements: str, rowid: bool = False, path: str | Path = ":memory:") -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        for statement in statements:
            self.connection.execute(statement)
        self.database = captured_writes.database([s for s in statements if s.startswith("CREATE")])
        self.tables = [
            captured_writes.captured(number, table, by_rowid=rowid)
            for number, table in enumerate(self.database.tables, 1)
        ]
        self.width = max(len(each.terms) for each in self.tables)
        self.connection.execute(capture.create_log(self.width))
        for trigger in capture.expected(self.tables, self.database).values():
            self.connection.execute(trigger)

    def log(self) -> set[tuple[object, ...]]:
        keys = ",".join(capture.column(number) for number in range(1, self.width + 1))
        found = {
            (self.tables[row[0] - 1].table.name, *row[1 : 1 + len(self.tables[row[0] - 1].terms)])
            for row in self.connection.execute(f"SELECT t,{keys} FROM {capture.LOG}")
        }
        self.connection.execute(f"DELETE FROM {capture.LOG}")
        return found

    def logged(self, statement: str, *parameters: object) -> set[tuple[object, ...]]:
        self.connection.execute(statement, parameters).fetchall()
        return self.log()

    def held(self) -> dict[str, str]:
        return dict(self.connection.execute(capture.HELD))


@pytest.mark.parametrize(
    ("statement", "keys"),
    [
        ("INSERT INTO t VALUES (9, 'z', 0)", {9}),
        ("INSERT INTO t (u) VALUES ('z')", {4}),
        ("INSERT INTO t (u) VALUES ('y'), ('z') RETURNING id", {4, 5}),
        ("UPDATE t SET v = 1 WHERE id = 2", {2}),
        ("UPDATE t SET v = 1", {1, 2, 3}),
        ("UPDATE t SET id = 7 WHERE id = 2", {2, 7}),
        ("UPDATE t SET rowid = 7 WHERE id = 2", {2, 7}),
        ("UPDATE t SET OID = 7 WHERE id = 2", {2, 7}),
        ("UPDATE t SET _rowid_ = 7 WHERE id = 2", {2, 7}),
        ("UPDATE t SET id = id + 10", {1, 2, 3, 11, 12, 13}),
        ("DELETE FROM t WHERE id = 2", {2}),
        ("DELETE FROM t", {1, 2, 3}),
        ("INSERT OR REPLACE INTO t VALUES (1, 'b', 9)", {1, 2}),
        ("REPLACE INTO t (u) VALUES ('c')", {3, 4}),
        ("UPDATE OR REPLACE t SET u = 'c' WHERE id = 1", {1, 3}),
        ("UPDATE OR REPLACE t SET id = 3 WHERE id = 1", {1, 3}),
        ("INSERT INTO t VALUES (1, 'z', 0) ON CONFLICT (id) DO UPDATE SET u = excluded.u", {1}),
        ("INSERT INTO t VALUES (9, 'a', 0) ON CONFLICT (u) DO UPDATE SET v = 5", {1}),
    ],
)
def test_every_kind_of_write_logs_the_keys_of_what_it_touches(statement: str, keys: set[int]) -> None:
    assert Application(*BOX).logged(statement) == {("t", key) for key in keys}


def test_a_write_that_fails_leaves_nothing_in_the_log() -> None:
    application = Application(*BOX)
    with pytest.raises(sqlite3.IntegrityError):
        application.connection.execute("INSERT INTO t VALUES (9, 'y', 0), (10, 'a', 0)")
    assert application.log() == set()


def test_what_a_savepoint_takes_back_is_not_logged() -> None:
    application = Application(*BOX)
    for statement in (
        "BEGIN",
        "SAVEPOINT s",
        "DELETE FROM t",
        "ROLLBACK TO s",
        "UPDATE t SET v = 1 WHERE id = 1",
        "COMMIT",
    ):
        application.connection.execute(statement)
    assert application.log() == {("t", 1)}


@pytest.mark.parametrize(
    ("unique", "statement"),
    [
        ("CREATE UNIQUE INDEX i ON t (u, v)", "INSERT OR REPLACE INTO t VALUES (9, 'a', 0)"),
        ("CREATE UNIQUE INDEX i ON t (v DESC) WHERE u = 'a'", "INSERT OR REPLACE INTO t VALUES (9, 'a', 0)"),
        ("CREATE UNIQUE INDEX i ON t (u COLLATE NOCASE)", "INSERT OR REPLACE INTO t VALUES (9, 'A', 0)"),
        ("CREATE UNIQUE INDEX i ON t (u COLLATE RTRIM)", "INSERT OR REPLACE INTO t VALUES (9, 'a  ', 0)"),
        ("CREATE UNIQUE INDEX i ON t (lower(u))", "INSERT OR REPLACE INTO t VALUES (9, 'A', 0)"),
        ("CREATE UNIQUE INDEX i ON t (u || v)", "INSERT OR REPLACE INTO t VALUES (9, 'a', '0')"),
        ("CREATE UNIQUE INDEX i ON t ((u = 1)) WHERE u = '1'", "INSERT OR REPLACE INTO t VALUES (9, '1', 0)"),
        ("CREATE UNIQUE INDEX i ON t ((1)) WHERE t.u = 'a'", "INSERT OR REPLACE INTO t VALUES (9, 'a', 0)"),
    ],
)
def test_replaced_rows_are_logged_whatever_the_unique_index(unique: str, statement: str) -> None:
    application = Application(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT, v)", "INSERT INTO t VALUES (1, 'a', 0), (2, '1', 5)", unique
    )
    replaced = 2 if "'1'" in statement else 1
    assert application.logged(statement) == {("t", replaced), ("t", 9)}
    assert application.connection.execute("SELECT count(*) FROM t").fetchone() == (2,)


def test_null_that_replace_turns_into_the_default_finds_its_victim() -> None:
    application = Application(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT NOT NULL DEFAULT 'x' UNIQUE, g TEXT AS (upper(u)) UNIQUE)",
        "INSERT INTO t (u) VALUES ('x')",
    )
    assert application.logged("REPLACE INTO t VALUES (9, NULL)") == {("t", 1), ("t", 9)}
    application.connection.execute("INSERT INTO t VALUES (10, 'y')")
    application.log()
    assert application.logged("UPDATE OR REPLACE t SET u = NULL WHERE id = 10") == {("t", 9), ("t", 10)}


def test_a_generated_column_is_looked_up_with_the_default_that_will_be_stored() -> None:
    application = Application(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT NOT NULL DEFAULT 'x', g TEXT AS (upper(u)), h AS (g || '!') UNIQUE)",
        "INSERT INTO t (u) VALUES ('X')",
    )
    assert application.logged("REPLACE INTO t VALUES (9, NULL)") == {("t", 1), ("t", 9)}


def test_a_row_that_enters_a_partial_index_finds_its_victim() -> None:
    application = Application(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, u, live)",
        "CREATE UNIQUE INDEX i ON t (u) WHERE live",
        "INSERT INTO t VALUES (1, 'a', 1), (2, 'a', 0)",
    )
    assert application.logged("UPDATE OR REPLACE t SET live = 1 WHERE id = 2") == {("t", 1), ("t", 2)}


def test_generated_columns_are_right_in_an_update_that_does_not_set_what_they_come_from() -> None:
    """SQLite computes them from NULL in a BEFORE UPDATE, unless a trigger names their sources."""
    application = Application(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, w BLOB, v, g AS (nullif(w, 'A')) STORED)",
        "CREATE UNIQUE INDEX i ON t (v || g)",
        "INSERT INTO t VALUES (1, 'x', 'p'), (2, 'x', 'q')",
    )
    assert application.logged("UPDATE OR REPLACE t SET v = 'q' WHERE id = 1") == {("t", 1), ("t", 2)}


def test_a_row_that_replaces_its_own_parent_takes_both_keys_into_the_log() -> None:
    """The cascade deletes the row that is being updated, so that no AFTER UPDATE fires."""
    application = Application(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, up REFERENCES t ON DELETE CASCADE)",
        "INSERT INTO t VALUES (2, NULL), (1, 2)",
    )
    application.connection.execute("PRAGMA foreign_keys=ON")
    assert application.logged("UPDATE OR REPLACE t SET id = 2 WHERE id = 1") == {("t", 1), ("t", 2)}
    assert application.connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_replace_in_the_schema_is_seen_too() -> None:
    application = Application(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE ON CONFLICT REPLACE)", "INSERT INTO t VALUES (1, 'a')"
    )
    assert application.logged("INSERT INTO t VALUES (2, 'a')") == {("t", 1), ("t", 2)}


@pytest.mark.parametrize("recursive", ["OFF", "ON"])
def test_recursive_triggers_make_no_difference(recursive: str) -> None:
    application = Application(*BOX)
    application.connection.execute(f"PRAGMA recursive_triggers={recursive}")
    assert application.logged("REPLACE INTO t VALUES (3, 'a', 9)") == {("t", 1), ("t", 3)}


def test_a_key_that_collides_without_being_equal_is_logged_as_it_was() -> None:
    application = Application(
        "CREATE TABLE t (k TEXT COLLATE NOCASE PRIMARY KEY, v)", "INSERT INTO t VALUES ('abc', 1)"
    )
    assert application.logged("REPLACE INTO t VALUES ('aBc', 2)") == {("t", "abc"), ("t", "aBc")}
    assert application.logged("UPDATE t SET k = 'ABC'") == {("t", "aBc"), ("t", "ABC")}


def test_keys_keep_their_storage_class() -> None:
    application = Application("CREATE TABLE t (k PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 0)")
    application.connection.execute("UPDATE t SET k = 1.0")
    classes = application.connection.execute(f"SELECT DISTINCT typeof(k1) FROM {capture.LOG} ORDER BY 1").fetchall()
    assert classes == [("integer",), ("real",)]
    application.log()
    application.connection.execute("REPLACE INTO t VALUES (1, 9)")
    classes = application.connection.execute(f"SELECT DISTINCT typeof(k1) FROM {capture.LOG} ORDER BY 1").fetchall()
    assert classes == [("integer",), ("real",)]


def test_a_row_replaced_through_its_rowid_is_logged_by_its_key() -> None:
    application = Application(
        "CREATE TABLE t (k TEXT PRIMARY KEY, v)", "INSERT INTO t (rowid, k) VALUES (5, 'a'), (-1, 'b')"
    )
    assert application.logged("REPLACE INTO t (rowid, k) VALUES (5, 'c')") == {("t", "a"), ("t", "c")}
    assert application.logged("REPLACE INTO t (oid, k) VALUES (-1, 'd')") == {("t", "b"), ("t", "d")}
    assert application.logged("UPDATE OR REPLACE t SET _rowid_ = -1 WHERE k = 'c'") == {("t", "c"), ("t", "d")}


def test_a_table_captured_by_its_rowid_logs_moves_and_victims_of_its_key() -> None:
    application = Application(
        "CREATE TABLE t (k TEXT PRIMARY KEY, v)", "INSERT INTO t VALUES ('a', 0), ('b', 0)", rowid=True
    )
    assert application.logged("REPLACE INTO t VALUES ('a', 1)") == {("t", 1), ("t", 3)}
    assert application.logged("UPDATE t SET rowid = 9 WHERE k = 'b'") == {("t", 2), ("t", 9)}


def test_a_hidden_rowid_is_found_by_its_other_name() -> None:
    application = Application("CREATE TABLE t (rowid TEXT, oid TEXT)", "INSERT INTO t VALUES ('x', 'y')")
    assert application.logged("UPDATE t SET rowid = 'z'") == {("t", 1)}
    assert application.logged("UPDATE t SET _rowid_ = 4") == {("t", 1), ("t", 4)}


def test_composite_keys_are_logged_whole_and_null_as_null() -> None:
    application = Application("CREATE TABLE t (a TEXT, b INT, PRIMARY KEY (b, a))", "INSERT INTO t VALUES ('x', 1)")
    assert application.logged("UPDATE t SET a = NULL") == {("t", 1, "x"), ("t", 1, None)}


def test_without_rowid_and_key_only_tables_are_captured() -> None:
    application = Application("CREATE TABLE t (a, b, PRIMARY KEY (a, b)) WITHOUT ROWID", "INSERT INTO t VALUES (1, 2)")
    assert application.logged("UPDATE t SET b = 3") == {("t", 1, 2), ("t", 1, 3)}
    assert application.logged("DELETE FROM t") == {("t", 1, 3)}


@pytest.mark.parametrize("name", ["new", "old", "select", 'a"b', "two words"])
def test_hostile_names_are_quoted_and_hide_nothing(name: str) -> None:
    quoted = captured_writes.quote(name)
    application = Application(
        f"CREATE TABLE {quoted} ({quoted} TEXT PRIMARY KEY, u UNIQUE, v)",
        f"CREATE UNIQUE INDEX i ON {quoted} (lower(v)) WHERE {quoted}.v IS NOT NULL",
        f"INSERT INTO {quoted} VALUES ('a', 1, 'x'), ('b', 2, 'y'), ('c', 3, 'z')",
    )
    assert application.logged(f"REPLACE INTO {quoted} VALUES ('d', 2, 'Z')") == {(name, "b"), (name, "c"), (name, "d")}


def test_strict_tables_keep_any_apart() -> None:
    application = Application("CREATE TABLE t (k ANY PRIMARY KEY, v TEXT) STRICT", "INSERT INTO t VALUES ('1', 'x')")
    assert application.logged("UPDATE t SET k = 1") == {("t", "1"), ("t", 1)}


@pytest.mark.parametrize(
    ("action", "statement", "keys"),
    [
        ("ON DELETE CASCADE", "DELETE FROM p WHERE k = 'a'", {("p", "a"), ("c", 1), ("c", 2)}),
        ("ON DELETE SET NULL", "DELETE FROM p WHERE k = 'a'", {("p", "a"), ("c", 1), ("c", 2)}),
        ("DEFAULT 'b' ON DELETE SET DEFAULT", "DELETE FROM p WHERE k = 'a'", {("p", "a"), ("c", 1), ("c", 2)}),
        ("ON UPDATE CASCADE", "UPDATE p SET k = 'z' WHERE k = 'a'", {("p", "a"), ("p", "z"), ("c", 1), ("c", 2)}),
        (
            "ON DELETE CASCADE",
            "REPLACE INTO p (rowid, k) VALUES (1, 'z')",
            {("p", "a"), ("p", "z"), ("c", 1), ("c", 2)},
        ),
    ],
)
def test_cascades_are_captured(action: str, statement: str, keys: set[tuple[object, ...]]) -> None:
    default, _, rest = action.rpartition(" ON ")
    application = Application(
        "CREATE TABLE p (k TEXT PRIMARY KEY)",
        f"CREATE TABLE c (id INTEGER PRIMARY KEY, p TEXT {default} REFERENCES p ON {rest.removeprefix('ON ')})",
        "INSERT INTO p VALUES ('a'), ('b')",
        "INSERT INTO c VALUES (1, 'a'), (2, 'a'), (3, 'b')",
    )
    application.connection.execute("PRAGMA foreign_keys=ON")
    assert application.logged(statement) == keys


def test_a_tree_that_deletes_itself_is_captured() -> None:
    application = Application(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, up INTEGER REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE)",
        "INSERT INTO t VALUES (1, NULL), (2, 1), (3, 2), (4, 1), (5, NULL)",
    )
    application.connection.execute("PRAGMA foreign_keys=ON")
    assert application.logged("UPDATE t SET id = 9 WHERE id = 2") == {("t", 2), ("t", 9), ("t", 3)}
    assert application.logged("DELETE FROM t WHERE id = 1") == {("t", key) for key in (1, 9, 3, 4)}


def test_the_applications_own_triggers_are_followed() -> None:
    application = Application(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
        "CREATE TABLE audit (k TEXT PRIMARY KEY, n) WITHOUT ROWID",
        "CREATE TRIGGER a AFTER UPDATE ON t BEGIN REPLACE INTO audit VALUES ('last', new.id);"
        " UPDATE t SET v = v || '!' WHERE id = new.id + 1; END",
        "INSERT INTO t VALUES (1, 'x'), (2, 'y')",
    )
    assert application.logged("UPDATE t SET v = 'z' WHERE id = 1") == {("t", 1), ("t", 2), ("audit", "last")}


def test_a_key_that_a_foreign_key_converts_is_logged_as_it_is_stored() -> None:
    application = Application(
        "CREATE TABLE p (k TEXT PRIMARY KEY, v) WITHOUT ROWID",
        "CREATE TABLE c (p INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
        "CREATE INDEX c_p ON c (p)",
    )
    application.connection.execute("PRAGMA foreign_keys=ON")
    application.connection.execute("BEGIN")
    application.logged("INSERT INTO c VALUES (7)")
    assert ("p", "007") in application.logged("INSERT INTO p VALUES ('007', 1)")
    assert {("p", "007"), ("p", "0007")} <= application.logged("UPDATE p SET k = '0007'")
    assert ("p", "0007") in application.logged("DELETE FROM p")


def test_tables_whose_key_is_their_only_unique_index_have_no_trigger_before_an_insert() -> None:
    for table in (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT, v)",
        "CREATE TABLE t (a TEXT, b INTEGER, v, PRIMARY KEY (a, b)) WITHOUT ROWID",
        "CREATE TABLE t (a, b)",
    ):
        events = [re.search(r"(BEFORE|AFTER) \w+( OF)?", sql)[0] for sql in Application(table).held().values()]  # type: ignore[index]
        assert sorted(events) == ["AFTER INSERT", "AFTER UPDATE", "BEFORE DELETE", "BEFORE UPDATE OF"]


def test_every_lookup_uses_its_index() -> None:
    application = Application(
        "CREATE TABLE t (k TEXT COLLATE NOCASE PRIMARY KEY, a TEXT UNIQUE, b TEXT NOT NULL DEFAULT 'x', c, d INT)",
        "CREATE UNIQUE INDEX i1 ON t (lower(a), b COLLATE NOCASE)",
        "CREATE UNIQUE INDEX i2 ON t (c DESC) WHERE d > 5",
        "CREATE UNIQUE INDEX i3 ON t ((CASE d WHEN 1 THEN a ELSE b END))",
    )
    lookups = [
        lookup
        for sql in application.held().values()
        for lookup in re.findall(r"INSERT INTO _outgrow_log\([^)]*\) (SELECT 1.*?);", sql)
    ]
    assert len(lookups) == 12
    for lookup in lookups:
        query = re.sub(r'\bnew\.("?\w+"?)', "(SELECT 'x')", lookup)
        for plan in application.connection.execute(f"EXPLAIN QUERY PLAN {query}"):
            assert not re.search("SCAN.*_outgrow_row", plan[3]), lookup


def test_a_column_outside_keys_and_unique_indexes_can_be_dropped_and_renamed() -> None:
    application = Application(*BOX)
    application.connection.execute("ALTER TABLE t RENAME COLUMN v TO w")
    application.connection.execute("ALTER TABLE t ADD COLUMN x DEFAULT 5")
    application.connection.execute("ALTER TABLE t DROP COLUMN w")
    assert capture.compare(capture.expected(application.tables, application.database), application.held()).lost == {}
    assert application.logged("REPLACE INTO t VALUES (9, 'a', 1)") == {("t", 1), ("t", 9)}


def test_what_the_application_sees_of_its_own_writes_is_unchanged() -> None:
    application = Application(*BOX)
    cursor = application.connection.execute("REPLACE INTO t (u) VALUES ('a')")
    assert (cursor.lastrowid, cursor.rowcount) == (4, 1)
    assert application.connection.execute("SELECT changes(), last_insert_rowid()").fetchone() == (1, 4)
    cursor = application.connection.execute("UPDATE t SET id = id + 10")
    assert cursor.rowcount == 3
    assert application.connection.execute("SELECT changes(), last_insert_rowid()").fetchone() == (3, 4)


def test_an_attached_file_is_captured_in_its_own_log(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    Application(*BOX, path=path).connection.close()
    other = sqlite3.connect(":memory:", isolation_level=None)
    other.execute("ATTACH ? AS app", (str(path),))
    other.execute("CREATE TEMP TABLE t (id)")
    other.execute("CREATE TABLE _outgrow_log (id)")
    other.execute("REPLACE INTO app.t VALUES (3, 'a', 0)")
    assert other.execute("SELECT DISTINCT k1 FROM app._outgrow_log ORDER BY 1").fetchall() == [(1,), (3,)]
    other.close()


def test_each_entry_has_a_token_of_its_own() -> None:
    application = Application(*BOX)
    application.connection.execute("UPDATE t SET v = 1")
    tokens = application.connection.execute(
        f"SELECT count(DISTINCT token), min(typeof(token)) FROM {capture.LOG}"
    ).fetchone()
    assert tokens == (3, "integer")


def test_the_log_can_become_wider() -> None:
    application = Application(*BOX)
    for statement in capture.widen_log(1, 3):
        application.connection.execute(statement)
    columns = [row[1] for row in application.connection.execute(f"PRAGMA table_info({capture.LOG})")]
    assert columns == ["seq", "t", "token", "k1", "k2", "k3"]


# --- what is there, and what must be there -----------------------------------------------------------------------


def test_lost_and_altered_and_strange_triggers_are_told() -> None:
    application = Application(*BOX, "CREATE TABLE s (id INTEGER PRIMARY KEY)")
    expected = capture.expected(application.tables, application.database)
    assert capture.compare(expected, application.held()) == capture.Difference(lost={}, strange=())
    application.connection.execute("DROP TRIGGER _outgrow_1_update")
    application.connection.execute("DROP TRIGGER _outgrow_2_delete")
    application.connection.execute("CREATE TRIGGER _outgrow_2_delete AFTER DELETE ON s BEGIN SELECT 1; END")
    application.connection.execute("CREATE TRIGGER _outgrow_9_insert AFTER INSERT ON s BEGIN SELECT 1; END")
    difference = capture.compare(expected, application.held())
    assert set(difference.lost) == {"_outgrow_1_update", "_outgrow_2_delete"}
    assert difference.strange == ("_outgrow_9_insert",)
    assert difference.tables == {1, 2}
    for statement in (*capture.drop([*difference.strange, *difference.lost]), *difference.lost.values()):
        application.connection.execute(statement)
    assert capture.compare(expected, application.held()) == capture.Difference(lost={}, strange=())


def test_a_rebuilt_table_has_lost_its_triggers() -> None:
    application = Application(*BOX)
    for statement in ("CREATE TABLE n AS SELECT * FROM t", "DROP TABLE t", "ALTER TABLE n RENAME TO t"):
        application.connection.execute(statement)
    difference = capture.compare(capture.expected(application.tables, application.database), application.held())
    assert difference.tables == {1}
    assert set(difference.lost) == set(capture.expected(application.tables, application.database))


def test_a_new_unique_index_asks_for_a_new_trigger() -> None:
    application = Application(*BOX)
    made = [*(s for s in BOX if s.startswith("CREATE")), "CREATE UNIQUE INDEX i ON t (v)"]
    database = captured_writes.database(made)
    tables = [captured_writes.captured(1, database.tables[0])]
    assert set(capture.compare(capture.expected(tables, database), application.held()).lost) == {
        "_outgrow_1_replace",
        "_outgrow_1_replace_1",
    }


# --- the fence ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        *(
            "INSERT INTO t (u) VALUES ('z')",
            "INSERT OR IGNORE INTO t (u) VALUES ('z')",
            "REPLACE INTO t (u) VALUES ('a')",
        ),
        *("INSERT OR FAIL INTO t (u) VALUES ('z')", "INSERT OR ROLLBACK INTO t (u) VALUES ('z')", "DELETE FROM t"),
        *("UPDATE OR IGNORE t SET v = 1", "UPDATE OR REPLACE t SET u = 'a'", "DELETE FROM t WHERE id = 1"),
        "INSERT INTO t (u) VALUES ('a') ON CONFLICT (u) DO UPDATE SET v = 8",
        "INSERT INTO t (u) VALUES ('z') ON CONFLICT DO NOTHING",
        "INSERT INTO t SELECT id + 10, u || 'x', v FROM t",
    ],
)
def test_every_write_meets_the_fence_and_changes_nothing(statement: str) -> None:
    application = Application(*BOX)
    application.connection.execute(capture.fence(4))
    before = application.connection.execute("SELECT * FROM t").fetchall()
    with pytest.raises(sqlite3.IntegrityError) as refused:
        application.connection.execute(statement)
    assert str(refused.value) == f"{capture.FENCE_PREFIX} of epoch 4"
    assert refused.value.sqlite_errorname == "SQLITE_CONSTRAINT_TRIGGER"
    assert application.connection.execute("SELECT * FROM t").fetchall() == before
    application.connection.execute(capture.drop_fence())
    application.connection.execute(statement)
    assert application.connection.execute("SELECT * FROM t").fetchall() != before


def test_the_fence_is_among_what_must_be_there() -> None:
    application = Application(*BOX)
    application.connection.execute(capture.fence(4))
    wanted = [capture.expected(application.tables, application.database, epoch=epoch) for epoch in (4, 5, None)]
    differences = [capture.compare(each, application.held()) for each in wanted]
    assert differences[0] == capture.Difference(lost={}, strange=())
    assert set(differences[1].lost) == {"_outgrow_fence"}
    assert differences[2].strange == ("_outgrow_fence",)


def test_tables_outside_the_plan_are_guarded_by_the_state() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE x (a UNIQUE)")
    connection.execute(f"CREATE TABLE {file_state.STATE} (primary_store)")
    connection.execute(f"INSERT INTO {file_state.STATE} VALUES ('sqlite')")
    database = captured_writes.database(["CREATE TABLE x (a UNIQUE)"])
    for trigger in capture.expected([], database).values():
        connection.execute(trigger)
    connection.execute("INSERT INTO x VALUES (1), (2)")
    connection.execute(f"UPDATE {file_state.STATE} SET primary_store='postgres'")
    for statement in (
        "REPLACE INTO x VALUES (1)",
        "UPDATE OR IGNORE x SET a = 3",
        "DELETE FROM x",
        "INSERT INTO x VALUES (9)",
    ):
        with pytest.raises(sqlite3.IntegrityError, match=re.escape(capture.FENCE_PREFIX)):
            connection.execute(statement)
    connection.execute(f"UPDATE {file_state.STATE} SET primary_store='sqlite'")
    connection.execute("DELETE FROM x")


def test_a_connection_without_triggers_neither_logs_nor_meets_the_fence() -> None:
    connection = apsw.Connection(":memory:")
    for statement in BOX:
        connection.execute(statement)
    database = captured_writes.database(BOX[:1])
    captured = captured_writes.captured(1, database.tables[0])
    for statement in (capture.create_log(1), *capture.expected([captured], database).values(), capture.fence(1)):
        connection.execute(statement)
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
    connection.execute("REPLACE INTO t VALUES (9, 'a', 1); DELETE FROM t WHERE id = 2")
    assert list(connection.execute("SELECT id FROM t ORDER BY id")) == [(3,), (9,)]
    assert list(connection.execute(f"SELECT * FROM {capture.LOG}")) == []


def test_affinities_are_what_the_lookups_rely_on() -> None:
    """The trap behind the scalar subqueries: `new.a` has no affinity, and only the last SELECT gives one back."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE t (a TEXT)")
    connection.execute("CREATE TABLE found (plain, typed)")
    connection.execute(
        "CREATE TRIGGER g BEFORE INSERT ON t BEGIN INSERT INTO found SELECT new.a = 1, a = 1"
        " FROM (SELECT (SELECT new.a UNION ALL SELECT a FROM t WHERE 0) AS a); END"
    )
    connection.execute("INSERT INTO t VALUES ('1')")
    assert connection.execute("SELECT * FROM found").fetchall() == [(0, 1)]


def test_names_of_own_objects_begin_alike() -> None:
    assert all(name.startswith(own.PREFIX) for name in (capture.LOG, file_state.STATE, *Application(*BOX).held()))
