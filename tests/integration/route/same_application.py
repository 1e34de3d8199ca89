"""What an application may ask of the module; it prints what it gets, and must print the same wherever its rows are.

    python same_application.py MODULE FILE

`MODULE` is `sqlite3` or `outgrow.sqlite3`.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
from typing import Any

sqlite3: Any = importlib.import_module(sys.argv[1])
FILE = sys.argv[2]


def show(what: str, call: Any) -> None:
    """The result, or the error with its class, words and code."""
    try:
        found = call()
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorname", None)
        print(what, "!", type(error).__name__, error, code)
    except (TypeError, ValueError, OverflowError) as error:
        print(what, "!", type(error).__name__)
    else:
        print(what, "=", repr(found))


def writing(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("INSERT INTO item (name, price, data) VALUES (?, ?, ?)", ("lamp", 2.5, b"\x00\xff"))
    print(cursor.lastrowid, cursor.rowcount, cursor.description, connection.in_transaction, connection.total_changes)
    show("many", lambda: cursor.executemany("INSERT INTO item (name) VALUES (?)", [("a",), ("b",)]).rowcount)
    connection.commit()
    print(connection.in_transaction)
    show("update", lambda: cursor.execute("UPDATE item SET price = ? WHERE name = ?", (1.0, "a")).rowcount)
    show("nothing", lambda: cursor.execute("UPDATE item SET price = ? WHERE name = ?", (1.0, "nobody")).rowcount)
    connection.rollback()
    show("undone", lambda: cursor.execute("SELECT price FROM item WHERE name = 'a'").fetchall())
    with contextlib.suppress(ZeroDivisionError), connection:
        connection.execute("INSERT INTO item (name) VALUES ('gone')")
        raise ZeroDivisionError
    with connection:
        connection.execute("DELETE FROM item WHERE name = :name", {"name": "b"})
    show("left", lambda: connection.execute("SELECT id, name, price, data FROM item ORDER BY id").fetchall())
    show(
        "generator",
        lambda: cursor.executemany("INSERT INTO item (name) VALUES (?)", ((f"g{n}",) for n in range(450))).rowcount,
    )
    connection.commit()
    show("total", lambda: connection.total_changes)


def failing(connection: Any) -> None:
    execute = connection.execute
    show("begun", lambda: execute("INSERT INTO item (id, name) VALUES (9000, 'kept')").rowcount)
    show("key", lambda: execute("INSERT INTO item (id, name) VALUES (1, 'x')"))
    show("unique", lambda: execute("INSERT INTO item (name) VALUES ('lamp')"))
    show("null", lambda: execute("INSERT INTO item (name) VALUES (NULL)"))
    show("syntax", lambda: execute("SELEC 1"))
    show("table", lambda: execute("SELECT * FROM nowhere"))
    show("column", lambda: execute("SELECT nothing FROM item"))
    show("two", lambda: execute("SELECT id FROM item; SELECT id FROM item"))
    show("begun", lambda: execute("SELECT id FROM item WHERE id = 1; /*").fetchall())
    show("few", lambda: execute("SELECT id FROM item WHERE id = ?"))
    show("more", lambda: execute("SELECT id FROM item WHERE id = ?", (1, 2)))
    show("name", lambda: execute("SELECT id FROM item WHERE id = :id", {"other": 1}))
    show("type", lambda: execute("SELECT id FROM item WHERE id = ?", (object(),)))
    show("large", lambda: execute("SELECT id FROM item WHERE id = ?", (2**63,)))
    show("many", lambda: connection.executemany("SELECT id FROM item WHERE id = ?", [(1,)]))
    print(connection.in_transaction)
    connection.commit()
    show("kept", lambda: execute("SELECT name FROM item WHERE id = 9000").fetchall())


def reading(connection: Any) -> None:
    cursor = connection.execute(
        "SELECT id, name AS Label, count(*) FROM item WHERE id < 3 GROUP BY id, name ORDER BY id"
    )
    print(cursor.description)
    print(cursor.fetchone(), cursor.fetchmany(1), cursor.fetchall(), cursor.fetchone())
    connection.row_factory = sqlite3.Row
    row = connection.execute("SELECT id, name FROM item WHERE id = 1").fetchone()
    print(row.keys(), row["NAME"], tuple(row), row == row, isinstance(row, sqlite3.Row))
    connection.row_factory = lambda cursor, row: {
        column[0]: value for column, value in zip(cursor.description, row, strict=True)
    }
    print(connection.execute("SELECT id, name FROM item WHERE id = 1").fetchone())
    connection.row_factory = None
    connection.text_factory = bytes
    print(connection.execute("SELECT name FROM item WHERE id = 1").fetchone())
    connection.text_factory = str
    rows = connection.execute("SELECT id FROM item WHERE id < 4 ORDER BY id")
    print(iter(rows) is rows, list(rows))
    print(next(connection.execute("SELECT id FROM item ORDER BY id")))
    show("closed", lambda: (cursor.close(), cursor.fetchone()))
    show("info", lambda: connection.execute("PRAGMA table_info(item)").fetchall())
    show("exists", lambda: connection.execute("CREATE TABLE IF NOT EXISTS item (id INTEGER)").fetchall())
    connection.row_factory = sqlite3.Row
    named = connection.execute(
        "INSERT INTO item (name, price) VALUES (?, ?) RETURNING id, price AS cost", ("shelf", 3.5)
    )
    row = named.fetchone()
    print(row.keys(), row["cost"], row["id"] > 0, named.fetchone())
    connection.row_factory = None
    connection.rollback()
    first = connection.execute("SELECT id FROM item ORDER BY id")
    head = first.fetchone()
    print(head, connection.execute("SELECT max(id) FROM item").fetchone(), len(first.fetchall()))


def conflicts(connection: Any) -> None:
    """Each as the first statement of a transaction, and as a later one."""
    for _time in range(2):
        for sql in (
            "INSERT OR IGNORE INTO note (id, name) VALUES (1, 'other')",
            "INSERT OR IGNORE INTO note (id, name) VALUES (9200, 'ignored not')",
            "INSERT OR REPLACE INTO note (id, name) VALUES (9200, 'replaced')",
            "INSERT INTO note (id, name) VALUES (9200, 'x') ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING *",
            'UPDATE note SET price = 7.5 WHERE id = 9200 RETURNING id, price AS "what it costs"',
            "DELETE FROM note WHERE id = 9200",
        ):
            cursor = connection.cursor()
            show(
                sql,
                lambda sql=sql, cursor=cursor: (cursor.execute(sql).fetchall(), cursor.rowcount, cursor.description),
            )
            print(connection.in_transaction)
            connection.commit()
        connection.execute("UPDATE note SET price = 1 WHERE id = 1")
    connection.rollback()
    connection.executescript(
        "INSERT INTO note (id, name) VALUES (9201, 'a;b'); BEGIN; -- a; b\n UPDATE note SET name = 'c' WHERE id = 9201; COMMIT;"
    )
    show("script", lambda: connection.execute("SELECT name FROM note WHERE id = 9201").fetchall())


def converting(path: str) -> None:
    sqlite3.register_converter("REAL", lambda value: "<" + value.decode() + ">")
    sqlite3.register_converter("loud", lambda value: value.upper())
    sqlite3.register_adapter(complex, lambda value: f"{value.real}/{value.imag}")
    types = sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES
    with contextlib.closing(sqlite3.connect(path, detect_types=types)) as connection:
        connection.execute("INSERT INTO item (id, name, price) VALUES (9300, ?, 1.25)", (3 + 4j,))
        found = connection.execute("SELECT price, name, name AS 'n [loud]', price + 1 FROM item WHERE id = 9300")
        print(found.fetchall(), found.description)
        connection.create_function("twice", 1, lambda value: value * 2)
        show("function", lambda: connection.execute("SELECT twice(name) FROM item WHERE id = ?", (9300,)).fetchall())
        connection.commit()


def transactions(path: str) -> None:
    with contextlib.closing(sqlite3.connect(path, timeout=0.1, isolation_level=None)) as one:
        two = sqlite3.connect(path, timeout=0.1, isolation_level=None)
        for sql in (
            *("BEGIN", "BEGIN", "INSERT INTO item (id, name) VALUES (9100, 'n1')", "SAVEPOINT inner"),
            *("INSERT INTO item (id, name) VALUES (9101, 'n2')", "INSERT INTO item (id, name) VALUES (9101, 'n3')"),
            *("ROLLBACK TO inner", "RELEASE Inner", "RELEASE inner", "COMMIT", "COMMIT", "ROLLBACK"),
            *("SAVEPOINT outer", "INSERT INTO item (id, name) VALUES (9102, 'n4')", "RELEASE outer"),
        ):
            show(sql, lambda sql=sql: one.execute(sql).rowcount)
            print(one.in_transaction)
        show("there", lambda: one.execute("SELECT id FROM item WHERE id > 9099 ORDER BY id").fetchall())
        one.execute("BEGIN IMMEDIATE")
        show("writer waits", lambda: two.execute("INSERT INTO item (name) VALUES ('second')"))
        show("reader does not", lambda: two.execute("SELECT name FROM item WHERE id = 1").fetchall())
        one.execute("COMMIT")
        one.execute("BEGIN")
        show("snapshot", lambda: one.execute("SELECT count(*) FROM item WHERE name = 'third'").fetchall())
        two.execute("INSERT INTO item (name) VALUES ('third')")
        show("snapshot", lambda: one.execute("SELECT count(*) FROM item WHERE name = 'third'").fetchall())
        show("too late", lambda: one.execute("UPDATE item SET price = 3 WHERE id = 1"))
        one.execute("ROLLBACK")
        show("now", lambda: one.execute("SELECT count(*) FROM item WHERE name = 'third'").fetchall())
        two.close()
        show("closed", lambda: two.execute("SELECT id FROM item"))
        said: list[str] = []

        def elsewhere() -> None:
            try:
                one.execute("SELECT id FROM item")
            except sqlite3.ProgrammingError as error:
                said.append(str(error).partition(". ")[0])

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        print(said)


def main() -> None:
    with contextlib.closing(sqlite3.connect(FILE)) as connection:
        print(connection.execute("SELECT count(*) FROM item").fetchone(), flush=True)
        sys.stdin.readline()
        writing(connection)
        failing(connection)
        reading(connection)
        conflicts(connection)
    converting(FILE)
    transactions(FILE)


if __name__ == "__main__":
    main()
