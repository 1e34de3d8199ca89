"""The application's triggers do at PostgreSQL what they do in the file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.programs import pair
from outgrow.postgres import embedded
from support import servers

SHOP = """
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL, stock INTEGER NOT NULL DEFAULT 0,
    updated TEXT, changed TIMESTAMP, sold BOOLEAN NOT NULL DEFAULT 0);
CREATE TABLE line (id INTEGER PRIMARY KEY AUTOINCREMENT, item INTEGER REFERENCES item(id) ON DELETE CASCADE,
    count INTEGER NOT NULL, note TEXT COLLATE NOCASE);
CREATE TABLE log (what TEXT, id INTEGER, old REAL, new TEXT, at TIMESTAMP);
CREATE TABLE counter (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE ping (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE pong (id INTEGER PRIMARY KEY, n INTEGER);
CREATE TABLE person (code TEXT PRIMARY KEY, name TEXT UNIQUE);
INSERT INTO item (id, name, price, stock, changed) VALUES (1, 'pen', 1.5, 10, '2024-01-01 00:00:00'), (2, 'cup', NULL, 3, NULL),
    (5, 'cap', 7.25, 0, '2024-02-02 10:00:00');
INSERT INTO line (item, count, note) VALUES (1, 2, 'a'), (1, 1, 'B'), (5, 4, NULL);
INSERT INTO counter VALUES ('line', 3);
INSERT INTO ping VALUES (1, 0);
INSERT INTO pong VALUES (1, 0);
INSERT INTO person VALUES ('a', 'Ann'), ('b', 'Bob');

CREATE TRIGGER item_updated AFTER UPDATE ON item WHEN NEW.updated IS OLD.updated BEGIN
    UPDATE item SET updated = 'now', changed = '2024-12-31 12:00:00' WHERE id = NEW.id;
END;
CREATE TRIGGER item_logged AFTER UPDATE OF name, price ON item BEGIN
    INSERT INTO log (what, id, old, new, at) VALUES ('item', OLD.id, OLD.price, NEW.name, NEW.changed);
END;
CREATE TRIGGER item_deleted AFTER DELETE ON item BEGIN
    INSERT INTO log (what, id, new) SELECT 'deleted', OLD.id, name FROM counter WHERE n > 0;
END;
CREATE TRIGGER item_kept BEFORE DELETE ON item WHEN OLD.stock > 100 BEGIN
    SELECT RAISE(ABORT, 'there''s stock');
END;
CREATE TRIGGER line_stock AFTER INSERT ON line FOR EACH ROW WHEN NEW.item IS NOT NULL BEGIN
    UPDATE item SET stock = stock - NEW.count, sold = 1 WHERE id = NEW.item;
    INSERT INTO counter VALUES ('line', 1) ON CONFLICT(name) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER line_valid BEFORE INSERT ON line BEGIN
    SELECT CASE
        WHEN NEW.count < 0 THEN RAISE(ABORT, 'negative')
        WHEN (SELECT stock FROM item WHERE id = NEW.item) < NEW.count THEN RAISE(ABORT, 'not in stock')
    END;
    SELECT RAISE(IGNORE) WHERE NEW.note = 'ignore';
END;
CREATE TRIGGER line_gone AFTER DELETE ON line BEGIN
    UPDATE item SET stock = stock + OLD.count WHERE id = OLD.item;
    DELETE FROM log WHERE what = 'line' AND id = OLD.id;
END;
CREATE TRIGGER line_moved BEFORE UPDATE OF item ON line WHEN NEW.item <> OLD.item BEGIN
    INSERT INTO log (what, id, old, new) VALUES ('line', OLD.id, OLD.item, NEW.note);
END;
CREATE TRIGGER log_counted AFTER INSERT ON log BEGIN
    INSERT OR IGNORE INTO counter VALUES ('log', 0);
    UPDATE counter SET n = n + 1 WHERE name = 'log';
END;
CREATE TRIGGER ping_pong AFTER UPDATE ON ping BEGIN
    UPDATE pong SET n = n + 1 WHERE id = NEW.id;
END;
CREATE TRIGGER pong_ping AFTER UPDATE ON pong BEGIN
    UPDATE ping SET n = n + 10 WHERE id = NEW.id;
END;
CREATE TRIGGER person_first AFTER INSERT ON person BEGIN INSERT INTO log (what, new) VALUES ('first', NEW.name); END;
CREATE TRIGGER person_second AFTER INSERT ON person BEGIN
    UPDATE log SET new = new || ' seen' WHERE what = 'first' AND new = NEW.name;
END;
"""

WRITES = [
    "UPDATE item SET name = 'pencil' WHERE id = 1",
    "UPDATE item SET name = name || '!', price = 2",
    "UPDATE item SET stock = stock + 1, updated = 'then' WHERE id > 1",
    "UPDATE item SET stock = 7 WHERE id = 99",
    "INSERT INTO line (item, count) VALUES (1, 3)",
    "INSERT INTO line (item, count, note) VALUES (1, 3, 'IGNORE')",
    "INSERT INTO line (item, count) VALUES (2, 2), (2, 1), (5, 0), (NULL, 4)",
    "INSERT INTO line (item, count) VALUES (2, 2), (2, 2)",
    "INSERT INTO line (item, count) VALUES (1, -1)",
    "INSERT INTO line (item, count) SELECT id, 1 FROM item WHERE stock > 0",
    "INSERT INTO line (id, item, count) VALUES (50, 1, 1) RETURNING id, note",
    "DELETE FROM line WHERE count > 1",
    "DELETE FROM line",
    "DELETE FROM item WHERE id = 5",
    "DELETE FROM item WHERE 2 = id AND name <> ''",
    "UPDATE item SET stock = 500 WHERE id = 2",
    "UPDATE line SET item = 2 WHERE item = 1 RETURNING id, item, note",
    "UPDATE line SET count = count + 1",
    "UPDATE ping SET n = n + 1",
    "UPDATE pong SET n = 5",
    "INSERT INTO person VALUES ('c', 'Cy')",
    "INSERT INTO person VALUES ('d', 'Di'), ('e', 'Ed')",
    "INSERT INTO person VALUES ('a', 'New') ON CONFLICT(code) DO UPDATE SET name = excluded.name",
    "INSERT OR IGNORE INTO person VALUES ('b', 'X'), ('f', 'Fay')",
    "INSERT INTO person VALUES ('b', 'X')",
    "UPDATE item SET name = NULL WHERE id = 1",
    "UPDATE item SET price = stock, sold = NOT sold RETURNING id, name, updated, sold",
]

_LAST = "SELECT seq FROM sqlite_sequence WHERE name = 'line'"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, any_server: embedded.EmbeddedServer) -> Iterator[pair.Pair]:
    """The shop in both databases."""
    with servers.database(any_server) as dsn, pair.pair(tmp_path_factory.mktemp("shop"), dsn, SHOP) as made:
        yield made


@pytest.fixture
def stores(shop: pair.Pair) -> Iterator[pair.Pair]:
    """The shop as it was; sequences are set back too."""
    shop.lite.execute("SAVEPOINT test")
    shop.post.execute("SELECT setval(pg_get_serial_sequence('line', 'id'), 3)")  # sequences are not rolled back
    with shop.post.transaction(force_rollback=True):
        yield shop
    shop.lite.execute("ROLLBACK TO test")
    shop.lite.execute("RELEASE test")


def test_every_trigger_is_translated(shop: pair.Pair) -> None:
    assert {trigger.name: trigger.reason for trigger in shop.plan.triggers if trigger.reason} == {}
    assert not [one for one in shop.plan.omissions if one.kind == "trigger"]
    # It writes to what the trigger before it reads: SQLite does both for one row and then for the next one.
    # Of ping and pong, each looks for a row of the other's table.
    assert {trigger.name for trigger in shop.plan.triggers if trigger.single} == {
        "line_stock",
        "ping_pong",
        "pong_ping",
    }


@pytest.mark.parametrize("sql", WRITES)
def test_a_write_and_what_it_fires_are_the_same(stores: pair.Pair, sql: str) -> None:
    several = sql.startswith("INSERT INTO line") and ("), (" in sql or "SELECT" in sql)
    assert (stores.same(sql) == pair.SEVERAL) == several


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(writes=st.lists(st.sampled_from(WRITES), min_size=2, max_size=8))
def test_writes_in_any_order_leave_the_same_rows(shop: pair.Pair, writes: list[str]) -> None:
    shop.lite.execute("SAVEPOINT test")
    shop.post.execute("SELECT setval(pg_get_serial_sequence('line', 'id'), 3)")
    with shop.post.transaction(force_rollback=True):
        for sql in writes:
            shop.same(sql)
            # What failed took ids there and none here.
            shop.post.execute(
                "SELECT setval(pg_get_serial_sequence('line', 'id'), %s)", shop.lite.execute(_LAST).fetchone()
            )
    shop.lite.execute("ROLLBACK TO test")
    shop.lite.execute("RELEASE test")
