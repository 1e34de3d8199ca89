"""Rows that break a foreign key, counted quickly where that is exact: the same rows as SQLite's own check finds."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from outgrow.sqlite import profile, schema

PARENT = "CREATE TABLE parent (id INTEGER PRIMARY KEY, word TEXT)"
PARENTS = "INSERT INTO parent VALUES (1, 'one'), (2, 'two')"

CASES = {
    "all met": ("p INTEGER REFERENCES parent", "(1), (2), (NULL)", True),
    "a number missing": ("p INTEGER REFERENCES parent (id)", "(1), (3), (4)", False),
    "a text": ("p INTEGER REFERENCES parent", "(1), ('one')", False),
    "a text that is a number": ("p INTEGER REFERENCES parent", "(1), ('2')", True),
    "a fraction": ("p INTEGER REFERENCES parent", "(1), (1.5)", False),
    "a blob": ("p INTEGER REFERENCES parent", "(1), (x'31')", False),
    "no affinity": ("p REFERENCES parent", "(1), ('1')", None),
    "another unique column": ("p INTEGER REFERENCES parent (word)", "(NULL)", None),
    "no parent": ("p INTEGER REFERENCES nobody", "(1)", None),
    "itself": ("id INTEGER PRIMARY KEY, p INTEGER REFERENCES child", "(1, NULL), (2, 1), (3, 7)", False),
    "two keys": ("p INTEGER REFERENCES parent, q INTEGER REFERENCES parent", "(1, 2), (2, 5), (6, 7)", False),
    "of two": ("p INTEGER, q INTEGER, FOREIGN KEY (p, q) REFERENCES parent (id, word)", "(NULL, NULL)", None),
}

MISMATCHED = ("another unique column", "of two")
"""Keys whose parent columns are not unique, which SQLite cannot check."""


@pytest.mark.parametrize("case", CASES)
def test_the_same_rows_as_sqlite_finds(case: str, tmp_path: Path) -> None:
    """The third of each case: whether the quick count finds nothing to look at; None where it must not judge."""
    columns, rows, quick = CASES[case]
    connection = apsw.Connection(str(tmp_path / "a.db"))
    for statement in (PARENT, PARENTS, f"CREATE TABLE child ({columns})", f"INSERT INTO child VALUES {rows}"):
        connection.execute(statement)
    table = schema.read(connection).table("child")
    assert table is not None
    asked: list[str] = []
    connection.exec_trace = lambda _cursor, statement, _bindings: bool(asked.append(statement)) or True
    found = profile.orphans(connection, table)
    checked = [statement for statement in asked if "foreign_key_check" in statement]
    counted = [statement for statement in asked if "outgrow_parent" in statement]
    assert (bool(counted), bool(checked)) == ((quick is not None), not quick)
    connection.exec_trace = None
    if case in MISMATCHED:
        with pytest.raises(apsw.SQLError):
            connection.execute("PRAGMA foreign_key_check('child')")
        assert found == {}
        return
    wanted = connection.execute("SELECT fkid FROM pragma_foreign_key_check('child')").fetchall()
    assert sum(count for count, _ in found.values()) == len(wanted)
    assert (quick is not False) or wanted
