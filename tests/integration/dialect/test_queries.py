"""Queries give the same rows in SQLite and, translated, in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from outgrow.dialect import statement

if TYPE_CHECKING:
    from conftest import Stores

QUERIES = r"""
SELECT * FROM users;
SELECT id, NAME, u.email FROM USERS u WHERE active;
SELECT count(*) FROM users;
SELECT rowid, * FROM log;
SELECT oid, _rowid_ FROM users WHERE rowid > 2;
SELECT * FROM users WHERE name = "Ann";
SELECT "nosuch", 'x';
SELECT id FROM users WHERE email = 'ANN@X.ORG';
SELECT id AS k FROM users WHERE k > 2 ORDER BY k DESC;
SELECT name FROM users ORDER BY name;
SELECT id, score FROM users ORDER BY score, id;
SELECT id, score FROM users ORDER BY 2 DESC, 1;
SELECT id FROM users ORDER BY email, id;
SELECT id, active+1, active, NOT active FROM users;
SELECT u.name, o.total FROM users u JOIN orders o ON o.user_id = u.id;
SELECT u.name, o.total FROM users u LEFT JOIN orders o ON o.user_id = u.id ORDER BY u.id, o.id;
SELECT u.name, o.total FROM users u, orders o WHERE o.user_id = u.id AND o.total > 5;
SELECT * FROM orders JOIN user_tags USING (user_id);
SELECT * FROM orders NATURAL JOIN user_tags;
SELECT user_id FROM orders FULL JOIN user_tags USING (user_id);
SELECT o.id, t.tag FROM orders o RIGHT JOIN user_tags t ON o.user_id = t.user_id;
SELECT u.name, count(o.id) FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id;
SELECT u.*, count(o.id) AS n FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id HAVING n > 0
    ORDER BY n DESC, u.id;
SELECT status, sum(total), avg(total), min(total), max(total), total(total) FROM orders GROUP BY status;
SELECT user_id, id, max(total) FROM orders WHERE id <> 6 GROUP BY user_id;
SELECT name, max(id) FROM users;
SELECT DISTINCT active FROM users;
SELECT DISTINCT name FROM users ORDER BY name DESC;
SELECT id FROM users UNION SELECT user_id FROM orders ORDER BY id;
SELECT name FROM users UNION ALL SELECT tag FROM tags ORDER BY 1;
SELECT id, name FROM users EXCEPT SELECT 1, 'Ann';
SELECT active FROM users UNION SELECT id FROM orders;
SELECT id, NULL FROM users UNION ALL SELECT NULL, name FROM users;
SELECT (SELECT max(total) FROM orders o WHERE o.user_id = u.id) FROM users u;
SELECT id FROM users u WHERE EXISTS (SELECT 1 FROM orders WHERE user_id = u.id);
SELECT id FROM users WHERE id IN (SELECT user_id FROM orders WHERE status = 'new');
SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM orders);
SELECT id FROM users WHERE (id, name) IN (SELECT user_id, 'Ann' FROM orders);
SELECT id FROM users WHERE (id, name) = (1, 'Ann');
SELECT id FROM users WHERE (id, name) > (1, 'Ann');
WITH a AS (SELECT * FROM users WHERE active) SELECT count(*) FROM a;
WITH a(x, y) AS (SELECT id, name FROM users), b AS (SELECT x FROM a) SELECT * FROM a JOIN b ON a.x = b.x;
WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n < 5) SELECT n FROM c;
WITH RECURSIVE up(id, boss, depth) AS (SELECT id, boss, 0 FROM users WHERE id = 4 UNION ALL SELECT u.id,
    u.boss, depth+1 FROM users u JOIN up ON u.id = up.boss) SELECT * FROM up ORDER BY depth;
SELECT * FROM (SELECT id, created_at FROM users) WHERE created_at > '2024-01-01 10:00:00';
SELECT id FROM users WHERE created_at >= '2024-01-02';
SELECT id FROM users WHERE created_at = '2024-01-01 10:00:00';
SELECT id FROM users WHERE born BETWEEN '1990-01-01' AND '1999-12-31';
SELECT max(born), min(created_at) FROM users;
SELECT id FROM users ORDER BY created_at DESC, id LIMIT 2;
SELECT id FROM users ORDER BY id LIMIT 2 OFFSET 1;
SELECT id FROM users ORDER BY id LIMIT 1, 2;
SELECT id FROM users ORDER BY id LIMIT -1;
SELECT CASE WHEN active THEN 'yes' ELSE 'no' END, coalesce(nick, name) FROM users;
SELECT id, row_number() OVER (ORDER BY score DESC, id) FROM users;
SELECT id, rank() OVER (PARTITION BY active ORDER BY name) FROM users;
SELECT id, lag(total, 1, 0) OVER (ORDER BY id), sum(total) OVER (PARTITION BY user_id ORDER BY id) FROM orders
    WHERE id < 8;
SELECT id, sum(total) OVER w FROM orders WHERE id < 8 WINDOW w AS (ORDER BY id ROWS BETWEEN 1 PRECEDING AND
    CURRENT ROW);
SELECT active, count(*), count(DISTINCT name), sum(id > 2) FROM users GROUP BY active;
SELECT active, count(*) FROM users GROUP BY 1 ORDER BY 2;
SELECT name LIKE 'a%', nick LIKE '50\%' ESCAPE '\' FROM users;
SELECT x FROM kinds WHERE x = 'ABC';
SELECT count(*) FROM kinds GROUP BY x;
SELECT min(i), max(t), max(r) FROM kinds;
SELECT sum(r), avg(r) FROM kinds;
SELECT balance FROM users ORDER BY balance;
SELECT balance FROM users WHERE balance > 2;
SELECT balance * 2, balance + 0.5, balance / 3 FROM users;
SELECT i FROM kinds WHERE t;
SELECT i FROM kinds WHERE y OR NOT x;
SELECT coalesce(balance, 0), ifnull(balance, 7) FROM users;
SELECT sum(total) FILTER (WHERE status = 'new') FROM orders;
VALUES (1, 'a'), (2, NULL);
SELECT * FROM (VALUES (1, 2), (3, 4));
SELECT * FROM users WHERE boss IS NULL;
SELECT upper(name) || '-' || id FROM users;
SELECT u.id, (SELECT count(*) FROM orders WHERE user_id = u.id) AS n FROM users u ORDER BY n DESC, u.id;
SELECT avatar, length(avatar), prefs FROM users;
SELECT token FROM orders WHERE token = '0a1b2c3d-4e5f-4a6b-8c7d-0123456789ab';
SELECT a.id, b.id FROM users a JOIN users b ON a.boss = b.id;
SELECT name FROM users WHERE "Order" = 3 ORDER BY "order", id;
SELECT lower(name) AS name FROM users ORDER BY name, id;
SELECT id FROM users WHERE nick IS NOT '' AND nick <> 'an';
SELECT 1 FROM users GROUP BY 'x';
SELECT count(*) FROM users HAVING count(*) > 2;
SELECT total(price) FROM orders;
SELECT * FROM users u LEFT JOIN orders o ON u.id = o.user_id AND o.status = 'new';
SELECT x FROM kinds ORDER BY x, y;
SELECT substr(name, 1, 2) AS s, count(*) FROM users GROUP BY s ORDER BY s;
SELECT users.name, o.n FROM users LEFT JOIN (SELECT user_id, count(*) AS n FROM orders GROUP BY user_id) o ON
    o.user_id = users.id;
SELECT o.id, u.name, count(t.tag) FROM orders o JOIN users u ON u.id = o.user_id LEFT JOIN user_tags t ON
    t.user_id = u.id GROUP BY o.id;
"""

WITH_VALUES: list[tuple[str, Any]] = [
    ("SELECT * FROM users WHERE id = ?", (1,)),
    ("SELECT * FROM users WHERE name = :name AND id > :low", {"name": "Ann", "low": 0}),
    ("SELECT * FROM users WHERE name = :name AND id > :low", ("Ann", 0)),
    ("SELECT id FROM users WHERE id IN (?, ?, ?)", (1, "2", 3.0)),
    ("SELECT id FROM users WHERE id = ?", ("7",)),
    ("SELECT id FROM users WHERE id > ?", ("x",)),
    ("SELECT id FROM users WHERE name = ?", (5,)),
    ("SELECT id FROM users WHERE created_at >= ?", ("2024-01-01 10:00:00",)),
    ("SELECT id FROM users WHERE created_at >= ?", ("2024-01-02",)),
    ("SELECT id FROM users WHERE created_at = ?", (None,)),
    ("SELECT id FROM users WHERE boss IS ?", (None,)),
    ("SELECT id FROM users WHERE active = ?", (1,)),
    ("SELECT id FROM users WHERE score > ?", (1,)),
    ("SELECT id FROM users WHERE balance >= ?", (2.5,)),
    ("SELECT id FROM users WHERE avatar = ?", (b"abc",)),
    ("SELECT id FROM users WHERE name LIKE ?", ("%nn",)),
    ("SELECT id FROM users WHERE name LIKE '%' || ? || '%'", ("N",)),
    ("SELECT id FROM users ORDER BY id LIMIT ? OFFSET ?", (2, 1)),
    ("SELECT id FROM users ORDER BY id LIMIT ?", (-1,)),
    ("SELECT ?, ?, ?, ?, ?", (1, 1.0, "x", b"y", None)),
    ("SELECT ?1, ?1 + 1, ?2", (1, 2)),
    ("SELECT id, CASE WHEN total > ? THEN ? ELSE ? END FROM orders", (15, "big", "small")),
    ("SELECT coalesce(total, ?) FROM orders", (0,)),
    ("SELECT substr(name, ?, ?) FROM users", (1, 2)),
    ("SELECT token FROM orders WHERE token = ?", ("ffffffff-4e5f-4a6b-8c7d-0123456789ab",)),
    ("SELECT token FROM orders WHERE token = ?", ("FFFFFFFF-4e5f-4a6b-8c7d-0123456789ab",)),
    ("SELECT count(*) FROM orders GROUP BY total > ? HAVING count(*) > ?", (15, 0)),
]

REFUSED = [
    ("SELECT status, id FROM orders GROUP BY status", "from any row of the group"),
    ("SELECT DISTINCT email FROM users", "equal under NOCASE"),
    ("SELECT 1 UNION SELECT 'a'", "is made one with those that are equal"),
    ("SELECT nosuch FROM users", "no such column: nosuch"),
    ("SELECT * FROM nosuch", "no such table: nosuch"),
    ("SELECT id FROM users, orders", "several tables"),
    ("SELECT rowid FROM user_tags", "not kept in PostgreSQL"),
    ("SELECT * FROM users WHERE name MATCH 'x'", "MATCH"),
    ("SELECT my_function(id) FROM users", "my_function"),
    ("SELECT last_insert_rowid()", "belongs to the connection"),
    ("EXPLAIN SELECT 1", "EXPLAIN"),
    ("SELECT 1 FROM", "too early"),
    ("SELECT 1; SELECT 2", "SELECT"),
    ("SELECT * FROM sqlite_master, users", "no such table"),
]

COMPARISONS = """
SELECT id FROM orders WHERE total > (SELECT avg(total) FROM orders);
SELECT id FROM orders WHERE total > price;
SELECT id FROM orders WHERE total * 1.0 > quantity;
SELECT status, count(*) FROM orders GROUP BY status HAVING avg(total) > max(quantity);
SELECT id FROM orders WHERE total >= price * 2;
SELECT id FROM orders WHERE total = price;
SELECT id FROM orders WHERE quantity IN (price, 2.5);
SELECT id FROM users WHERE balance > score;
SELECT max(total, price) FROM orders;
SELECT id FROM users WHERE round(score) = id;
SELECT id FROM users WHERE id > abs(score);
SELECT CASE total WHEN price THEN 1 ELSE 0 END FROM orders;
SELECT id FROM orders WHERE total BETWEEN price AND price * 20;
SELECT o.id FROM orders o JOIN users u ON o.total < u.score;
SELECT nullif(total, price) FROM orders;
SELECT count(*) FROM kinds k WHERE k.i = 9223372036854775807.0;
SELECT k.i, x.column1 FROM kinds k, (VALUES (9223372036854775807.0), (9007199254740993.0), (-9.223372036854775808e18),
    (1e300), (0.5), (-1.0)) x WHERE k.i < x.column1;
SELECT a.column1 AS p, b.column1 AS q, a.column1 < b.column1, a.column1 = b.column1, a.column1 > b.column1, a.column1
    IS b.column1, a.column1 IS NOT b.column1 FROM (VALUES (9223372036854775807),
    (9223372036854774784),(9007199254740993), (9007199254740992), (-9223372036854775808), (0), (1)) a, (VALUES
    (9223372036854774784.0), (9223372036854775807.0), (9007199254740993.0), (-9.223372036854775808e18), (1e300),
    (9e999), (-9e999), (0.5), (1.0), (0.0)) b;
SELECT id FROM users WHERE id = nick;
SELECT id FROM users WHERE boss = name OR id < nick;
SELECT u.id, g.tag FROM users u JOIN tags g ON g.tag <> u.id;
SELECT k.i, k.t FROM kinds k WHERE k.i = k.t;
SELECT k.i, k.t FROM kinds k WHERE k.r >= k.t;
SELECT k.i, k.x FROM kinds k WHERE k.i < k.x;
SELECT id FROM users WHERE id IN (SELECT nick FROM users);
SELECT k.t FROM kinds k WHERE k.t IN (SELECT i FROM kinds);
SELECT k.i FROM kinds k WHERE k.i IN (k.t, 5, 'x', NULL);
SELECT k.i FROM kinds k WHERE k.r BETWEEN k.t AND k.i;
SELECT CASE k.i WHEN k.t THEN 'same' ELSE 'other' END FROM kinds k;
SELECT id FROM users WHERE balance = nick;
SELECT id FROM users WHERE score < created_at;
SELECT id FROM orders WHERE total > status;
SELECT id FROM orders WHERE placed > total
"""


@pytest.mark.parametrize("sql", [sql.strip() for sql in QUERIES.split(";") if sql.strip()])
def test_a_query_gives_the_same_rows(stores: Stores, sql: str) -> None:
    stores.same(sql)


@pytest.mark.parametrize(("sql", "parameters"), WITH_VALUES)
def test_a_query_with_bound_values_gives_the_same_rows(stores: Stores, sql: str, parameters: Any) -> None:
    stores.same(sql, parameters)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, score FROM users ORDER BY score, id",
        "SELECT id, score FROM users ORDER BY score DESC NULLS LAST, id",
        "SELECT name FROM users ORDER BY name COLLATE NOCASE, id",
        "SELECT id FROM users ORDER BY created_at, id",
        "SELECT x FROM kinds ORDER BY x DESC, i",
        "SELECT b FROM kinds ORDER BY b",
        "SELECT id AS name FROM users ORDER BY name",
        "SELECT name FROM users UNION SELECT tag FROM tags ORDER BY name DESC",
        "SELECT DISTINCT boss FROM users ORDER BY 1",
        "SELECT active, count(*) AS n FROM users GROUP BY active ORDER BY n, active",
        "SELECT balance FROM users ORDER BY balance DESC, id LIMIT 3",
    ],
)
def test_rows_come_in_sqlites_order(stores: Stores, sql: str) -> None:
    stores.same(sql, ordered=True)


@pytest.mark.parametrize(("sql", "reason"), REFUSED)
def test_what_is_not_translated_says_why(stores: Stores, sql: str, reason: str) -> None:
    with pytest.raises(statement.Refused, match=reason):
        stores.translate(sql)


def test_a_schema_query_is_left_to_sqlite(stores: Stores) -> None:
    for sql in (
        "SELECT name FROM sqlite_master WHERE type = 'table'",
        "SELECT count(*) FROM pragma_table_info('users')",
        "WITH n AS (SELECT name FROM sqlite_schema) SELECT * FROM n",
    ):
        assert stores.translate(sql).effect is statement.Effect.ORACLE


def test_guards_tell_values_that_need_another_translation(stores: Stores) -> None:
    def holds(sql: str, first: Any, later: Any) -> bool:
        return all(guard.holds(later) for guard in stores.translate(sql, (first,)).guards)

    stamp = "SELECT id FROM users WHERE created_at > ?"
    assert holds(stamp, "2024-01-01 10:00:00", "1999-12-31 00:00:00")
    assert not holds(stamp, "2024-01-01 10:00:00", "1999-12-31")
    assert not holds(stamp, "2024-01-01 10:00:00", "2024-02-30 10:00:00")
    assert not holds("SELECT id FROM users WHERE id = ?", "x", "7")
    assert not holds("SELECT id FROM users WHERE id = ?", 1, None)
    assert holds("SELECT id FROM users LIMIT ?", 1, 5)
    assert not holds("SELECT id FROM users LIMIT ?", 1, -1)


def test_a_timestamp_is_compared_in_its_own_type(stores: Stores) -> None:
    found = stores.translate("SELECT id FROM users WHERE created_at > ?", ("2024-01-01 10:00:00",))
    assert '"created_at" > $1::text::timestamp' in found.steps[0].sql


@pytest.mark.parametrize("sql", [sql.strip() for sql in COMPARISONS.split(";")])
def test_numbers_and_texts_are_compared_as_sqlite_compares_them(stores: Stores, sql: str) -> None:
    stores.same(sql)


@pytest.mark.parametrize("arms", range(2, 9))
@pytest.mark.parametrize("value", ["a", 1, 2.5])
def test_the_same_subquery_in_several_parts_of_a_compound_is_of_each_parts_own_rows(
    stores: Stores, arms: int, value: object
) -> None:
    arm = "SELECT g.tag FROM tags g WHERE (SELECT z.name FROM users z WHERE z.id = g.weight) <> (? || g.note) COLLATE NOCASE"
    other = "SELECT (SELECT z.name FROM users z WHERE z.id = g.weight) FROM tags g"
    stores.same(" UNION ALL ".join([arm, other] * arms), [value] * arms)
