"""Tables at random: whatever SQLite accepts must be read, and agree with what its pragmas report."""

from __future__ import annotations

import apsw
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from outgrow.dialect import syntax, table_sql
from outgrow.model import schema

SPACE = st.sampled_from([" ", "\n", " /* , ) */ ", " --x'(\n", "\t"])
NAME = st.sampled_from(
    [
        "a",
        "B",
        "key",
        "left",
        "indexed",
        '"a""b"',
        "[x y]",
        "`q``r`",
        "'str'",
        "desc",
        "é",
        "c$",
        "always",
        "generated",
        '"check"',
        "action",
        "cast",
        "like",
        "rowid",
        "replace",
        "begin",
        '","',
        '")"',
        "'--'",
    ]
)
TYPE = st.sampled_from(
    [
        "",
        "INTEGER",
        "int",
        "TEXT",
        "VARCHAR(10)",
        "DECIMAL(10,2)",
        "DECIMAL( +10 , -2 )",
        "UNSIGNED BIG INT",
        '"my type"',
        "'t'",
        "BLOB",
        "INTEGER NON",
        "desc",
        "always",
        "generated",
        "key",
        "[]",
        "DOUBLE PRECISION",
        "BLOB SUB_TYPE TEXT",
        "FLOATING POINT",
    ]
)
VALUE = st.sampled_from(
    [
        "1",
        "-1",
        "+ 2",
        "'x'",
        '"d"',
        "NULL",
        "x'00'",
        "(1+2)",
        "('a'||')')",
        "CURRENT_TIMESTAMP",
        "word",
        "1.5e3",
        "-'5'",
        "(datetime('now'))",
        "TRUE",
        "( /* ( */ 1 )",
        "(CASE WHEN 1 THEN ',' END)",
        "key",
        "[b]",
        "- 0x10",
        "(x'')",
        "1_0",
    ]
)
EXPRESSION = st.sampled_from(
    [
        "1",
        "a > 0",
        "a IN (1,2)",
        "a <> ')'",
        '"," > 1',
        "a LIKE '%' ESCAPE '('",
        "(a) AND (b)",
        "length(a) -- )\n > 1",
        "CASE a WHEN 1 THEN 2 END",
        "a BETWEEN 1 AND 2",
        "a IS NOT NULL",
        "a GLOB '*'",
        "- a",
    ]
)
CONFLICT = st.sampled_from(["", "", " ON CONFLICT REPLACE", " on conflict ignore", " ON CONFLICT ABORT"])
ACTION = st.sampled_from(
    ["", " ON DELETE CASCADE", " ON UPDATE SET NULL ON DELETE NO ACTION", " MATCH SIMPLE", " ON DELETE RESTRICT"]
)
DEFER = st.sampled_from(
    [
        "",
        "",
        " DEFERRABLE",
        " DEFERRABLE INITIALLY DEFERRED",
        " NOT DEFERRABLE INITIALLY DEFERRED",
        " DEFERRABLE INITIALLY IMMEDIATE",
    ]
)
COLLATION = st.sampled_from(["NOCASE", "rtrim", '"BINARY"'])
ORDER = st.sampled_from(["", " ASC", " DESC"])
AUTOINCREMENT = st.sampled_from(["", " AUTOINCREMENT"])
ORDINARY = "type='table' AND name NOT LIKE 'sqlite^_%' ESCAPE '^'"
CHANGE = st.sampled_from(
    [
        "ADD COLUMN fresh TEXT DEFAULT 'x' CHECK (fresh <> ',')",
        'RENAME TO "other, (name"',
        "ADD COLUMN fresh AS (1)",
    ]
)
LABEL = st.sampled_from(["", "", "CONSTRAINT c1 ", 'CONSTRAINT "c 2" ', "CONSTRAINT c1 CONSTRAINT check_ "])


@st.composite
def column_constraints(draw: st.DrawFn) -> str:
    kind = draw(st.integers(0, 8))
    label = draw(LABEL)
    match kind:
        case 0:
            return f"{label}DEFAULT{draw(SPACE)}{draw(VALUE)}"
        case 1:
            return f"{label}NOT{draw(SPACE)}NULL{draw(CONFLICT)}"
        case 2:
            return f"{label}CHECK{draw(SPACE)}({draw(EXPRESSION)}{draw(SPACE)})"
        case 3:
            return f"{label}COLLATE {draw(COLLATION)}"
        case 4:
            return f"{label}UNIQUE{draw(CONFLICT)}"
        case 5:
            return f"{label}PRIMARY KEY{draw(ORDER)}{draw(CONFLICT)}{draw(AUTOINCREMENT)}"
        case 6:
            parents = draw(st.sampled_from(["", "(x)", "([y z])"]))
            return f"{label}REFERENCES {draw(NAME)}{parents}{draw(ACTION)}{draw(DEFER)}"
        case 7:
            always = draw(st.sampled_from(["", "GENERATED ALWAYS "]))
            return f"{label}{always}AS ({draw(EXPRESSION)}{draw(SPACE)}){draw(st.sampled_from(['', ' STORED', ' VIRTUAL']))}"
        case _:
            return f"{label}NULL"


@st.composite
def table_constraints(draw: st.DrawFn, names: list[str]) -> str:
    listed = ", ".join(draw(st.lists(st.sampled_from(names), min_size=1, max_size=2)))
    label = draw(LABEL)
    match draw(st.integers(0, 3)):
        case 0:
            return f"{label}CHECK ({draw(EXPRESSION)}\n){draw(CONFLICT)}"
        case 1:
            return f"{label}UNIQUE ({listed}{draw(st.sampled_from(['', ' COLLATE NOCASE', ' DESC']))}){draw(CONFLICT)}"
        case 2:
            return (
                f"{label}PRIMARY KEY ({listed}{draw(st.sampled_from(['', ' AUTOINCREMENT', ' DESC']))}){draw(CONFLICT)}"
            )
        case _:
            return f"{label}FOREIGN KEY ({listed}) REFERENCES {draw(NAME)}{draw(ACTION)}{draw(DEFER)}"


@st.composite
def tables(draw: st.DrawFn) -> str:
    names = draw(st.lists(NAME, min_size=1, max_size=4, unique=True))
    parts = []
    for name in names:
        constraints = draw(st.lists(column_constraints(), max_size=3))
        parts.append(draw(SPACE).join([name, draw(TYPE), *constraints]))
    body = ",".join(parts)
    for constraint in draw(st.lists(table_constraints(names), max_size=3)):
        comma = "\v" not in body or draw(st.booleans())  # between table constraints it may be missing
        body += f"{',' if comma else ' '}\v{constraint}"
    options = draw(st.sampled_from(["", "", "", " WITHOUT ROWID", " STRICT", " without rowid, strict"]))
    return f"CREATE TABLE{draw(SPACE)}{draw(NAME)}({body.replace(chr(11), '')}{draw(SPACE)}){options}"


def _agree(connection: apsw.Connection) -> None:
    name, sql = next(connection.execute(f"SELECT name, sql FROM sqlite_schema WHERE {ORDINARY}"))
    found = table_sql.parse(sql)
    assert found.name == name
    options = next(connection.execute("SELECT wr, strict FROM pragma_table_list WHERE name=?", (name,)))
    assert (found.without_rowid, found.strict) == tuple(map(bool, options))
    _columns_agree(connection, found)
    _foreign_keys_agree(connection, found)


def _columns_agree(connection: apsw.Connection, found: syntax.TableSyntax) -> None:
    query = 'SELECT name, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)'
    reported = list(connection.execute(query, (found.name,)))
    assert [column.name for column in found.columns] == [row[0] for row in reported]
    assert (found.primary_key is not None) == any(row[3] for row in reported)
    for column, (_, not_null, default, position, hidden) in zip(found.columns, reported, strict=True):
        assert column.not_null == bool(not_null) or ((found.without_rowid or found.strict) and position > 0)
        written = column.default
        if written is not None and written.startswith("("):
            written = written[1:-1].strip()
        assert written == default
        assert {None: 0, schema.Generated.VIRTUAL: 2, schema.Generated.STORED: 3}[column.generated] == hidden
        assert (column.expression is not None) == (hidden > 0)
        _, collation, _, _, increments = connection.column_metadata("main", found.name, column.name)
        assert (column.collation or "BINARY").upper() == collation.upper()
        assert increments == (found.autoincrement and position > 0)


def _foreign_keys_agree(connection: apsw.Connection, found: syntax.TableSyntax) -> None:
    query = "SELECT * FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq"
    reported = [
        (parent, column.lower(), to, on_update, on_delete)
        for _, _, parent, column, to, on_update, on_delete, _ in connection.execute(query, (found.name,))
    ]
    written = [
        (key.parent, column.lower(), to, key.on_update, key.on_delete)
        for key in found.foreign_keys
        for column, to in zip(key.columns, key.parent_columns or [None] * len(key.columns), strict=True)
    ]
    assert written == reported


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(tables())
def test_whatever_sqlite_accepts_is_read_and_agrees_with_its_pragmas(sql: str) -> None:
    connection = apsw.Connection(":memory:")
    try:
        connection.execute(sql)
    except apsw.SQLError:
        assume(False)
    _agree(connection)
    connection.close()


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(tables(), CHANGE)
def test_whatever_alter_table_writes_is_read(sql: str, change: str) -> None:
    connection = apsw.Connection(":memory:")
    try:
        connection.execute(sql)
        name = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite^_%' ESCAPE '^'"
        ).get
        quoted = name.replace('"', '""')
        connection.execute(f'ALTER TABLE "{quoted}" {change}')
    except apsw.SQLError:
        assume(False)
    _agree(connection)
    connection.close()
