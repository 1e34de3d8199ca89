"""Values that are an integer in one row and a text in the next: columns of numbers and texts, JSON, CASE and coalesce()."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from outgrow.dialect import statement

from .conftest import Stores

COLUMNS = """
SELECT * FROM mixed;
SELECT id, typeof(mark), typeof(price), typeof(size), typeof(day) FROM mixed;
SELECT id FROM mixed WHERE mark > 5;
SELECT id FROM mixed WHERE mark = 700;
SELECT id FROM mixed WHERE mark = '700';
SELECT id FROM mixed WHERE mark <> 'n/a';
SELECT id FROM mixed WHERE mark >= 'a';
SELECT id FROM mixed WHERE mark IN (700, 'n/a', 1.5);
SELECT id FROM mixed WHERE mark IN ('-3', NULL);
SELECT id FROM mixed WHERE mark IS NULL;
SELECT id FROM mixed WHERE mark IS NOT 1.5;
SELECT id FROM mixed WHERE mark BETWEEN 0 AND 800;
SELECT id FROM mixed WHERE mark = price OR price < size;
SELECT id FROM mixed WHERE mark;
SELECT id FROM mixed WHERE NOT mark;
SELECT id, mark + 1, price * 2, mark || '!', -size FROM mixed WHERE size IS NULL OR id IN (1, 6);
SELECT id, CAST(mark AS INTEGER), CAST(price AS TEXT), upper(mark), length(mark) FROM mixed;
SELECT a.id, b.id FROM mixed a JOIN mixed b ON a.mark = b.price OR a.mark < b.size;
SELECT count(mark), count(price), max(mark), min(mark), max(price), max(day) FROM mixed;
SELECT min(mark) FILTER (WHERE id > 1), max(mark) FILTER (WHERE id = 3) FROM mixed;
SELECT m FROM (SELECT mark AS m, id FROM mixed) WHERE m > 1;
WITH c AS (SELECT id, mark AS m FROM mixed) SELECT c.m, o.mark FROM c JOIN mixed o ON c.m = o.mark;
SELECT (SELECT mark FROM mixed b WHERE b.id = a.id) FROM mixed a;
SELECT id FROM mixed WHERE mark IN (SELECT price FROM mixed);
SELECT id FROM mixed WHERE id IN (SELECT mark FROM mixed) OR 5 IN (SELECT price FROM mixed WHERE id = 1);
SELECT mark FROM mixed UNION ALL SELECT name FROM users UNION ALL SELECT score FROM users;
SELECT id, CASE mark WHEN 700 THEN 'a' WHEN 'n/a' THEN 2 ELSE 0.5 END FROM mixed;
SELECT id, coalesce(mark, 'none'), ifnull(price, 0), iif(mark > 0, mark, day), nullif(mark, 700) FROM mixed;
SELECT id, coalesce(created_at, 0), coalesce(born, score, name), CASE WHEN active THEN name ELSE id END FROM users;
SELECT id, nullif(name, 'ann') FROM users;
SELECT id, json_array(mark, day), json_object('m', mark) FROM mixed WHERE id <> 5;
SELECT id FROM mixed WHERE day = (SELECT day FROM mixed WHERE typeof(day) = 'integer');
SELECT id FROM mixed WHERE mark LIKE '7%' OR mark GLOB '*a'
"""

JSON = """
SELECT id, json_extract(doc, '$.a'), doc ->> 'b', doc ->> '$.c', doc -> 'c' FROM mixed;
SELECT id, typeof(json_extract(doc, '$.a')), json_extract(data, '$[1]'), data ->> 0 FROM mixed;
SELECT id, json_extract(data, '$.k.l[1]'), typeof(json_extract(data, '$.k.l[1]')), data ->> '$.k.l[0]' FROM mixed;
SELECT id FROM mixed WHERE json_extract(doc, '$.a') = 1;
SELECT id FROM mixed WHERE json_extract(doc, '$.a') = '1';
SELECT id FROM mixed WHERE json_extract(doc, '$.a') > mark;
SELECT id FROM mixed WHERE json_extract(doc, '$.c.d') = doc OR json_extract(doc, '$.a') = id;
SELECT id FROM mixed WHERE json_extract(doc, '$.c') IS NULL;
SELECT id FROM mixed WHERE json_extract(doc, '$.a') IN (1, 'x');
SELECT id FROM mixed WHERE doc ->> 'a';
SELECT id, json_extract(doc, '$.a') / 2, json_extract(doc, '$.a') * 1.5 FROM mixed;
SELECT id, CASE WHEN json_valid(doc) THEN json_extract(doc, '$.a') END FROM mixed;
SELECT id, coalesce(json_extract(doc, '$.zz'), json_extract(doc, '$.a'), 'none') FROM mixed;
SELECT key, value, type, atom, fullkey, path FROM mixed, json_each(mixed.doc);
SELECT mixed.id, e.key, e.value, e.atom FROM mixed, json_each(mixed.data) AS e;
SELECT m.id, e.value FROM mixed m LEFT JOIN json_each(m.doc, '$.b') e ON e.type <> 'null';
SELECT id FROM mixed WHERE EXISTS (SELECT 1 FROM json_each(mixed.doc) WHERE json_each.value = 1);
SELECT id FROM mixed WHERE 'x' IN (SELECT value FROM json_each(doc, '$.b'));
SELECT id FROM mixed WHERE id IN (SELECT value FROM json_each('[1, "2", 3.0, null]'));
SELECT count(*), count(value) FROM json_each('[1, null, "a"]');
SELECT value FROM json_each('5');
SELECT value FROM json_each(NULL);
SELECT json_extract(' 5 ', '$'), json_extract(' true ', '$'), json_extract(' "a" ', '$'), json_extract(' [1] ', '$');
SELECT value FROM json_each('{"a": {"b": 1}}', '$.a');
SELECT key, value, type, atom, fullkey, path FROM mixed, json_tree(mixed.doc) WHERE mixed.id NOT IN (3);
SELECT fullkey, value FROM json_tree('{"a b": [1, {"c": null}], "d": "e"}', '$."a b"');
SELECT type, count(*) FROM mixed, json_tree(mixed.data) GROUP BY type
"""

GROUPED = """
SELECT mark, count(*) FROM mixed GROUP BY mark;
SELECT price, size, count(*), max(id) FROM mixed GROUP BY price, size ORDER BY 1, 2;
SELECT DISTINCT mark FROM mixed;
SELECT DISTINCT mark, price IS NULL, 'x', 1 FROM mixed;
SELECT DISTINCT size FROM mixed ORDER BY size DESC LIMIT 3 OFFSET 1;
SELECT DISTINCT * FROM mixed;
SELECT max(size), min(size), max(mark), min(mark), max(price), min(price) FROM mixed;
SELECT id, max(size) FROM mixed;
SELECT min(value), max(value) FROM json_each('["b", "a", 3, 2.5, "10", null]');
SELECT max(value) FILTER (WHERE typeof(value) <> 'text') FROM json_each('["b", "a", 3, 2.5, "10", null]');
SELECT sum(mark), total(mark), avg(mark) FROM mixed;
SELECT sum(value), avg(value), total(value) FROM json_each('[1, 2, "3", " 4 ", true, null]');
SELECT sum(value), typeof(sum(value)) FROM json_each('[1, 2.5, "x", [7]]');
SELECT sum(json_extract(doc, '$.a')), sum(json_extract(doc, '$.zz')) FROM mixed WHERE id IN (1, 2);
SELECT count(DISTINCT mark), count(DISTINCT json_extract(doc, '$.a')), count(mark) FROM mixed;
SELECT count(DISTINCT value) FROM json_each('[1, 1.0, true, "1", null, "a", "a", "A", [1], "[1]"]');
SELECT json_extract(doc, '$.b') AS k, count(*) FROM mixed GROUP BY k ORDER BY k;
SELECT doc ->> '$.c', group_concat(id) FROM mixed WHERE id < 3 GROUP BY doc ->> '$.c' HAVING count(*) > 0;
SELECT typeof(json_extract(doc, '$.a')), json_extract(doc, '$.a') FROM mixed WHERE id <> 1 GROUP BY json_extract(doc, '$.a');
SELECT value, count(*) FROM mixed, json_each(mixed.doc, '$.b') GROUP BY value ORDER BY count(*) DESC, value;
SELECT value || '!', count(*) FROM json_each('["a", "b", "a"]') GROUP BY value;
SELECT id, row_number() OVER (PARTITION BY json_extract(doc, '$.a') ORDER BY id) FROM mixed;
SELECT k, (SELECT count(*) FROM users WHERE id = k) FROM (SELECT value AS k FROM json_each('[1, 2, 1]')) GROUP BY k;
SELECT count(*) FROM (SELECT DISTINCT mark FROM mixed);
SELECT json_group_array(k) FROM (SELECT DISTINCT value AS k FROM json_each('["a", "a"]'))
"""
BOUND: list[tuple[str, Any]] = [
    ("SELECT id FROM mixed WHERE mark = ?", (700,)),
    ("SELECT id FROM mixed WHERE mark = ?", ("700",)),
    ("SELECT id FROM mixed WHERE mark < ?", ("o",)),
    ("SELECT id FROM mixed WHERE mark > ?", (1.25,)),
    ("SELECT id FROM mixed WHERE json_extract(doc, ?) = ?", ("$.a", 1)),
    ("SELECT id FROM mixed WHERE EXISTS (SELECT 1 FROM json_each(doc, '$.b') WHERE json_each.value = ?)", ("x",)),
    ("SELECT id, coalesce(mark, ?), coalesce(?, day), CASE WHEN id < 3 THEN ? ELSE doc END FROM mixed", ("a", 1, 2.5)),
    ("SELECT id, coalesce(created_at, ?) FROM users", ("never",)),
    ("SELECT id FROM users WHERE coalesce(created_at, ?) > ?", (0, "2024")),
    ("SELECT value FROM json_each(?)", ('["a", 1, 2.0, null, true, [1, 2], {"b": "c"}]',)),
    ("SELECT id FROM users WHERE id IN (SELECT value FROM json_each(?))", ("[1, 3, 7]",)),
]

WRITES: list[tuple[str, Any]] = [
    ("UPDATE mixed SET mark = ? WHERE id = 1", ("unknown",)),
    ("UPDATE mixed SET mark = ? WHERE id = 1", ("701",)),
    ("UPDATE mixed SET mark = ?, price = ? WHERE id = 2", (12, 1.25)),
    ("UPDATE mixed SET mark = 1e20, price = 'y', size = 3 WHERE id = 2", ()),
    ("UPDATE mixed SET mark = mark, price = coalesce(?, price) WHERE id <> 7", (None,)),
    ("UPDATE mixed SET mark = coalesce(mark, ?) WHERE typeof(mark) <> 'real'", ("none",)),
    ("UPDATE mixed SET mark = id + 1", ()),
    ("UPDATE mixed SET mark = doc WHERE id IN (1, 2)", ()),
    ("UPDATE mixed SET doc = json_extract(doc, '$.c.d') WHERE id = 1", ()),
    ("UPDATE users SET boss = json_extract(?, '$.b')", ('{"b": 2}',)),
    ("UPDATE users SET score = json_extract(?, '$.b'), balance = json_extract(?, '$.b')", ('{"b": 2.5}', '{"b": 3}')),
    (
        "INSERT INTO mixed (mark, price, doc) SELECT value, users.id, key FROM users, json_each(?) WHERE users.id < 3",
        ('[1, "a"]',),
    ),
    ("INSERT INTO users (name) SELECT value FROM json_each(?)", ('["n1", "n2"]',)),
]


@pytest.mark.parametrize("sql", [sql.strip() for sql in COLUMNS.split(";")])
def test_a_column_of_numbers_and_texts(stores: Stores, sql: str) -> None:
    stores.same(sql)


@pytest.mark.parametrize("sql", [sql.strip() for sql in JSON.split(";")])
def test_what_is_in_json(stores: Stores, sql: str) -> None:
    stores.same(sql)


@pytest.mark.parametrize("sql", [sql.strip() for sql in GROUPED.split(";")])
def test_equal_values_are_made_one(stores: Stores, sql: str) -> None:
    stores.same(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT DISTINCT json_extract(doc, '$.a') FROM mixed WHERE id IN (1, 3)",
        "SELECT json_extract(doc, '$.a') FROM mixed WHERE id IN (1, 3) GROUP BY 1",
        "SELECT max(json_extract(doc, '$.a')) FROM mixed WHERE id IN (1, 3)",
    ],
)
def test_of_an_integer_and_an_equal_real_none_is_chosen(stores: Stores, sql: str) -> None:
    assert stores.lite.execute(sql).fetchall() == [(1,)]
    with pytest.raises(psycopg.Error, match="an integer and an equal real"):
        stores.in_postgres(stores.translate(sql))


@pytest.mark.parametrize(("sql", "parameters"), BOUND)
def test_with_bound_values(stores: Stores, sql: str, parameters: Any) -> None:
    stores.same(sql, parameters)


@pytest.mark.parametrize("column", ["mark", "price", "size", "json_extract(doc, '$.a')", "coalesce(mark, doc)"])
def test_rows_come_in_the_order_of_values_of_any_type(stores: Stores, column: str) -> None:
    for direction in ("", " DESC", " NULLS LAST"):
        stores.same(f"SELECT {column} FROM mixed ORDER BY {column}{direction}, id", ordered=True)


@pytest.mark.parametrize(("sql", "parameters"), WRITES)
def test_a_write_of_any_type(stores: Stores, sql: str, parameters: Any) -> None:
    stores.write(sql, parameters)


def test_a_value_that_the_column_would_not_give_back_is_an_error(stores: Stores) -> None:
    """1e19 has other digits in PostgreSQL than the column keeps; a text that looks like a number would be one."""
    for sql in (
        "UPDATE mixed SET mark = coalesce(NULL, price) WHERE id = 7",
        "UPDATE mixed SET mark = substr('123', 1, id)",
    ):
        with pytest.raises(psycopg.Error, match="does not fit"):
            stores.in_postgres(stores.translate(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT sum(DISTINCT mark) FROM mixed",
        "SELECT group_concat(DISTINCT mark) FROM mixed",
        "SELECT DISTINCT mark, email FROM mixed, users",
        "SELECT DISTINCT mark, row_number() OVER () FROM mixed",
        "SELECT mark, doc FROM mixed GROUP BY mark",
        "SELECT mark FROM mixed UNION SELECT doc FROM mixed",
        "SELECT coalesce(avatar, name) FROM users",
        "SELECT id FROM json_each('[1]')",
        "SELECT value FROM generate_series(1, 3)",
    ],
)
def test_what_is_not_exact_is_refused(stores: Stores, sql: str) -> None:
    with pytest.raises(statement.Refused):
        stores.translate(sql)


def test_the_comparison_sees_another_type(stores: Stores) -> None:
    """Shown on what it is for: the text that a number looks like."""
    stores.post.execute('UPDATE mixed SET doc = \'{"a": "1"}\' WHERE id = 1')
    with pytest.raises(AssertionError):
        stores.same("SELECT json_extract(doc, '$.a') FROM mixed WHERE id = 1")
