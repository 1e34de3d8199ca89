"""docs/sql.md names every function of SQLite, and says of each what the code does with it."""

from __future__ import annotations

import itertools
import re
import sqlite3
from pathlib import Path

import apsw
import pytest

from outgrow.dialect import aggregates, functions, moment, table_functions
from outgrow.dialect.translation import Untranslatable
from outgrow.dialect.value import Kind, Value

PAGE = Path(__file__).parents[3] / "docs" / "sql.md"
WINDOW = "Window functions"


def documented() -> dict[str, tuple[str, str]]:
    """Section and verdict by name."""
    found: dict[str, tuple[str, str]] = {}
    section = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line[3:]
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) != 3 or cells[1] not in {"exact", "exact but", "refused"}:
            continue
        for name in re.findall(r"`([^`]+?)(?:\(\))?`", cells[0]):
            assert name not in found, f"{name} is there twice"
            found[name] = (section, cells[1])
    return found


DOCUMENTED = documented()


def values() -> list[Value]:
    """Columns of every kind, and a bound for formats."""
    kinds = {Kind.INTEGER: "i", Kind.REAL: "r", Kind.TEXT: "t", Kind.BLOB: "b", Kind.BOOLEAN: "f"}
    columns = [Value(kind=kind, sql=name) for kind, name in kinds.items()]
    return [
        *columns,
        Value(kind=Kind.NUMBER, sql="n", decimal=True),
        Value(kind=Kind.TEXT, sql="'%s'", constant=True, value="%s"),
    ]


def accepted(name: str) -> bool:
    """Whether some call of it is translated."""
    for count in range(4):
        for arguments in itertools.product(values(), repeat=count):
            for call in (_scalar, _aggregate, _table):
                try:
                    call(name, list(arguments))
                except Untranslatable:
                    continue
                return True
    return False


def _scalar(name: str, arguments: list[Value]) -> None:
    if name in moment.KEYWORDS:
        moment.call(moment.KEYWORDS[name], arguments)
    else:
        functions.call(name, arguments, [], helpers=True)


def _aggregate(name: str, arguments: list[Value]) -> None:
    aggregates.call(name, arguments, distinct=False, filter_="", caveats=[])


def _table(name: str, arguments: list[Value]) -> None:
    table_functions.call(name, arguments)


def test_every_function_of_sqlite_is_documented() -> None:
    query = "SELECT DISTINCT name FROM pragma_function_list"
    names = {name for (name,) in sqlite3.connect(":memory:").execute(query)}
    names |= {str(name) for (name,) in apsw.Connection(":memory:").execute(query)}
    assert sorted(names - DOCUMENTED.keys()) == []


def test_every_function_that_is_translated_is_documented() -> None:
    names = {name for name, _ in {**functions.FUNCTIONS, **functions.STATEMENTS}}
    names |= {*aggregates.FUNCTIONS, *moment.FUNCTIONS, *moment.KEYWORDS}
    assert sorted(names - DOCUMENTED.keys()) == []


@pytest.mark.parametrize("name", [name for name, (section, _) in DOCUMENTED.items() if section != WINDOW])
def test_the_page_says_what_the_code_does(name: str) -> None:
    assert accepted(name) == (DOCUMENTED[name][1] != "refused")


def test_the_check_sees_a_wrong_verdict() -> None:
    """The plant: both a refused function and an accepted one would be noticed under the other's verdict."""
    assert not accepted("jsonb_patch")
    assert accepted("substr")
    assert not accepted("no_such_function")
