"""Statements that write leave the same rows in SQLite and, translated, in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from outgrow.dialect import statement

if TYPE_CHECKING:
    from conftest import Stores

_TOKEN = "ffffffff-4e5f-4a6b-8c7d-0123456789aa"
_TAKEN = "ffffffff-4e5f-4a6b-8c7d-0123456789ab"

WRITES: list[tuple[str, Any]] = [
    ("INSERT INTO users (name, email, created_at) VALUES (?, ?, ?)", ("Neu", "n@x", None)),
    ("INSERT INTO users (name, created_at) VALUES ('A', NULL), ('B', NULL)", ()),
    (
        "INSERT INTO users (id, name, active, score, balance, born, created_at, prefs, avatar) VALUES (?,?,?,?,?,?,?,?,?)",
        (50, "x", 1, 3, 5.0, "2024-05-05", "2024-05-05 01:02:03", '{"b":2}', b"\x00"),
    ),
    ("INSERT INTO users (id, name, created_at) VALUES (NULL, 'auto', NULL)", ()),
    ("INSERT INTO users (id, name, created_at) VALUES (?, 'auto', NULL)", (None,)),
    ("INSERT INTO users (id, name, active, created_at) VALUES (:id, :n, :a, NULL)", {"id": 60, "n": "q", "a": 0}),
    (f"INSERT INTO orders (user_id, total, price, token, placed) VALUES (1, '12', 7, '{_TOKEN}', 5)", ()),
    ("INSERT INTO orders (user_id, total) SELECT id, score FROM users WHERE id = 9", ()),
    ("INSERT INTO orders SELECT id + 100, user_id, total, price, status, placed, NULL, quantity FROM orders", ()),
    ("INSERT INTO log VALUES ('x', 1) RETURNING rowid, *", ()),
    ("INSERT INTO log DEFAULT VALUES", ()),
    ("INSERT OR IGNORE INTO tags VALUES ('red', 9, NULL)", ()),
    ("INSERT OR IGNORE INTO tags(tag) VALUES ('green'), ('red')", ()),
    ("INSERT OR IGNORE INTO users(name) VALUES (NULL)", ()),
    ("INSERT OR ABORT INTO tags(tag) VALUES ('green')", ()),
    ("INSERT OR REPLACE INTO tags(tag, weight) VALUES ('red', 77)", ()),
    (f"INSERT OR REPLACE INTO orders (id, user_id, token) VALUES (1, 2, '{_TAKEN}') RETURNING id, quantity", ()),
    ("INSERT OR REPLACE INTO orders (user_id, token) VALUES (?, ?)", (9, _TAKEN)),
    ("INSERT OR REPLACE INTO orders (id, user_id, token) VALUES (?, ?, ?)", (3, 9, None)),
    ("INSERT OR REPLACE INTO orders (id, user_id, token) VALUES (:id, 9, :token)", {"id": 77, "token": _TOKEN}),
    ("REPLACE INTO user_tags VALUES (1, 'red', 99), (4, 'new', 1)", ()),
    (
        "INSERT INTO tags(tag, weight) VALUES ('red', 5) ON CONFLICT(tag) DO UPDATE SET weight = weight + excluded.weight",
        (),
    ),
    (
        "INSERT INTO tags(tag, weight) VALUES ('red', 5)"
        " ON CONFLICT(tag) DO UPDATE SET weight = excluded.weight WHERE tags.weight > 5",
        (),
    ),
    (
        "INSERT INTO users(name, email) VALUES ('u', 'ANN@X.ORG')"
        " ON CONFLICT(email) DO UPDATE SET name = excluded.name || users.name RETURNING id, name",
        (),
    ),
    ("INSERT INTO users(name, email) VALUES ('u', 'ANN@X.ORG') ON CONFLICT DO NOTHING", ()),
    ("UPDATE users SET active = 0, score = score + 1 WHERE id = ?", (1,)),
    ("UPDATE users SET active = NOT active", ()),
    ("UPDATE users SET created_at = '2030-01-01 00:00:00', born = NULL WHERE name = ?", ("Ann",)),
    ("UPDATE users SET created_at = (SELECT max(created_at) FROM users) WHERE id = 7", ()),
    ("UPDATE users SET nick = name, name = coalesce(nick, 'none') WHERE id < 5 RETURNING id, nick, name", ()),
    ("UPDATE users SET nick = born || 'x', \"order\" = active + 1", ()),
    ("UPDATE orders SET total = total * 2, status = 'done' WHERE status = 'new' RETURNING *", ()),
    ("UPDATE orders SET quantity = u.id FROM users u WHERE u.id = orders.user_id", ()),
    ("UPDATE orders SET (total, price) = (1, 2)", ()),
    ("UPDATE orders SET total = ? WHERE id = 1", (2.0,)),
    ("UPDATE orders SET total = ? WHERE id = 1", ("  3 ",)),
    ("UPDATE orders SET price = ? WHERE id = 1", (2,)),
    ("UPDATE orders SET status = ? WHERE id = 1", (2,)),
    ("UPDATE users SET balance = ? WHERE id = 1", (0.1,)),
    ("UPDATE users SET balance = ?, score = ? WHERE id = 1", (float("inf"), float("-inf"))),
    ("UPDATE users SET balance = score WHERE score < 3", ()),
    ("UPDATE users SET score = balance", ()),
    ("UPDATE users SET prefs = ? WHERE id = 1", ("[1, 2]",)),
    ("UPDATE users SET prefs = json_set(prefs, '$.theme', ?, '$.a', ?) WHERE prefs IS NOT NULL", ("dark", 2)),
    (
        "UPDATE users SET prefs = json_set(coalesce(prefs, '{}'), ?, json(?)) WHERE id < 3",
        ("$.list[0]", '{"x": [ 1.5]}'),
    ),
    (
        "UPDATE users SET prefs = json_remove(prefs, '$.a'), nick = json_patch(prefs, ?) WHERE id = 1",
        ('{"a": null, "b": 1}',),
    ),
    ("UPDATE users SET prefs = json_insert(prefs, '$[#]', score) WHERE id = 3 RETURNING prefs", ()),
    ("UPDATE kinds SET i = ?, t = ?, r = ?, b = ?, f = ?, x = ?", (1, 5, 6, b"1", 1, "ß")),
    ("UPDATE tags SET note = weight, weight = weight + 1", ()),
    ("DELETE FROM user_tags WHERE at IS NULL OR tag = ''", ()),
    ("DELETE FROM log WHERE rowid = 2 RETURNING message", ()),
    ("DELETE FROM user_tags", ()),
    ("DELETE FROM orders AS o WHERE o.total = (SELECT max(total) FROM orders)", ()),
    ("WITH big AS (SELECT id FROM orders WHERE total > 15) DELETE FROM orders WHERE id IN (SELECT id FROM big)", ()),
    ("INSERT INTO log(rowid, message) VALUES (70, 'm')", ()),
    ("INSERT INTO log(message) SELECT name FROM users ORDER BY id DESC", ()),
]


@pytest.mark.parametrize(("sql", "parameters"), WRITES)
def test_a_write_leaves_the_same_rows(stores: Stores, sql: str, parameters: Any) -> None:
    stores.write(sql, parameters)


@pytest.mark.parametrize("table", ["users", "log"])
def test_an_id_that_was_told_is_not_given_again(stores: Stores, table: str) -> None:
    values = "'told', NULL" if table == "users" else "'told', 1"
    columns = "name, created_at" if table == "users" else "message, level"
    for _ in range(2):
        stores.write(f"INSERT INTO {table} (rowid, {columns}) VALUES (?, {values})", (stores.lite.total_changes + 500,))
        stores.write(f"INSERT INTO {table} ({columns}) VALUES ({values})")
    stores.write(f"INSERT INTO {table} (rowid, {columns}) SELECT rowid + 5000, {columns} FROM {table}")
    stores.write(f"INSERT INTO {table} ({columns}) VALUES ({values})")


def test_an_upsert_that_updates_leaves_lastrowid_alone(stores: Stores) -> None:
    sql = "INSERT INTO users(name, email) VALUES ('u', 'bob@x.org') ON CONFLICT(email) DO UPDATE SET name = 'v'"
    assert stores.in_postgres(stores.translate(sql))[2] is None


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("UPDATE orders SET total = 1.5", ()),
        ("UPDATE orders SET total = ?", (1.5,)),
        ("UPDATE orders SET total = ?", ("many",)),
        ("UPDATE users SET created_at = ?", ("2030-01-01",)),
        ("UPDATE users SET created_at = ?", ("2030-02-30 00:00:00",)),
        ("UPDATE users SET active = ?", (2,)),
        ("UPDATE users SET avatar = ?", ("text",)),
        ("UPDATE users SET name = ?", (b"blob",)),
        ("UPDATE users SET balance = ?", ("lots",)),
        ("UPDATE orders SET token = ?", (_TOKEN.upper(),)),
        ("UPDATE users SET id = id + 1", ()),
        ("UPDATE OR REPLACE users SET name = 'x'", ()),
        ("INSERT OR ROLLBACK INTO tags(tag) VALUES ('x')", ()),
        ("INSERT OR REPLACE INTO users (id, name) VALUES (1, 'z')", ()),
        ("INSERT OR REPLACE INTO orders (id, user_id) VALUES (1, 1), (2, 2)", ()),
        ("INSERT OR REPLACE INTO orders (id, user_id) SELECT id, user_id FROM orders", ()),
        ("INSERT INTO users (nosuch) VALUES (1)", ()),
        ("INSERT INTO users (name) VALUES (1, 2)", ()),
        ("INSERT INTO tags(tag) VALUES ('a') ON CONFLICT(note) DO NOTHING", ()),
        ("DELETE FROM nosuch", ()),
        ("CREATE TABLE IF NOT EXISTS fresh (x)", ()),
        ("DROP TABLE users", ()),
    ],
)
def test_what_a_column_cannot_hold_as_it_is_is_refused(stores: Stores, sql: str, parameters: Any) -> None:
    with pytest.raises(statement.Refused):
        stores.translate(sql, parameters)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE orders SET total = price",
        "UPDATE users SET active = id",
        "UPDATE users SET created_at = name",
        "UPDATE users SET born = created_at",
        "UPDATE users SET prefs = name",
        "UPDATE orders SET token = status",
        "INSERT INTO users (name) SELECT NULL",
    ],
)
def test_a_computed_value_that_does_not_fit_is_an_error(stores: Stores, sql: str) -> None:
    found = stores.translate(sql)
    with pytest.raises(psycopg.Error):
        stores.in_postgres(found)
    assert stores.same("SELECT * FROM users")
    assert stores.same("SELECT * FROM orders")


def test_what_exists_is_not_created_again(stores: Stores) -> None:
    for sql in ("CREATE TABLE IF NOT EXISTS Users (x)", "CREATE INDEX IF NOT EXISTS orders_by_user ON orders(user_id)"):
        assert stores.translate(sql).steps == ()


def test_the_clock_writes_what_sqlite_would(stores: Stores) -> None:
    sql = "UPDATE users SET created_at = CURRENT_TIMESTAMP, nick = date('now') WHERE id = 1"
    stores.in_postgres(stores.translate(sql))
    look = "SELECT created_at, nick FROM users WHERE id = 1 AND created_at <= datetime('now')"
    rows, _, _ = stores.in_postgres(stores.translate(look))
    assert rows
    assert rows[0][0][:10] == rows[0][1]


def test_a_refused_date_says_what_keeps_it(stores: Stores) -> None:
    with pytest.raises(statement.Refused, match='dates = "text" in the plan'):
        stores.translate("UPDATE users SET created_at = ?", ("2030-01-01T00:00:00",))


@pytest.mark.parametrize(
    "sql",
    ["CREATE TABLE fresh (x)", "CREATE INDEX i ON users (name)", "ALTER TABLE users ADD COLUMN x", "DROP TABLE users"],
)
def test_a_change_of_the_schema_says_where_it_can_be_made(stores: Stores, sql: str) -> None:
    with pytest.raises(statement.Refused, match="in the file after `outgrow rollback`"):
        stores.translate(sql)


@pytest.mark.parametrize(
    ("sql", "remedy"),
    [
        ("UPDATE OR IGNORE users SET name = 'x'", "catch the IntegrityError"),
        ("UPDATE OR REPLACE users SET name = 'x'", "delete the rows that would conflict"),
        ("UPDATE OR FAIL users SET name = 'x'", "write UPDATE"),
        ("UPDATE OR ROLLBACK users SET name = 'x'", "roll back where it raises IntegrityError"),
        ("INSERT OR ROLLBACK INTO tags(tag) VALUES ('x')", "roll back where it raises IntegrityError"),
        ("INSERT OR FAIL INTO tags(tag) VALUES ('x'), ('y')", "insert one row at a time"),
    ],
)
def test_a_resolution_without_a_counterpart_is_refused_with_what_to_write(
    stores: Stores, sql: str, remedy: str
) -> None:
    with pytest.raises(statement.Refused, match=remedy):
        stores.translate(sql, ())
