"""CREATE TABLE and CREATE INDEX as written, against what SQLite itself reports about them."""

from __future__ import annotations

import apsw
import pytest

from outgrow import errors
from outgrow.dialect import lexer, syntax, table_sql
from outgrow.model import schema


def created(sql: str, *more: str) -> tuple[apsw.Connection, syntax.TableSyntax]:
    """A database after these statements, and the syntax of the table that the first one makes."""
    connection = apsw.Connection(":memory:")
    connection.execute(sql)
    for statement in more:
        connection.execute(statement)
    (text,) = next(connection.execute("SELECT sql FROM sqlite_schema WHERE type='table' ORDER BY rowid"))
    return connection, table_sql.parse(text)


def parsed(body: str) -> syntax.TableSyntax:
    """The syntax of a table of which SQLite accepts the text."""
    return created(f"CREATE TABLE t({body})")[1]


def test_p53_defaults_keep_their_parentheses() -> None:
    found = parsed(
        "a DEFAULT ('a'||'b'), b DEFAULT 'a', c DEFAULT -5, d DEFAULT - /* five */ 5, e DEFAULT ( (1)+2 ), f"
    )
    assert [column.default for column in found.columns] == [
        "('a'||'b')", "'a'", "-5", "- /* five */ 5", "( (1)+2 )", None
    ]  # fmt: skip


def test_p52_defaults_without_quotes_are_read() -> None:
    found = parsed(
        'a DEFAULT draft, b DEFAULT "draft", c DEFAULT [x y], d DEFAULT CURRENT_TIMESTAMP, e DEFAULT TRUE NOT NULL'
    )
    assert [column.default for column in found.columns] == ["draft", '"draft"', "[x y]", "CURRENT_TIMESTAMP", "TRUE"]
    assert found.columns[4].not_null


def test_the_last_of_several_defaults_and_collations_counts() -> None:
    found = parsed("a DEFAULT 1 COLLATE NOCASE DEFAULT (2) COLLATE rtrim")
    assert (found.columns[0].default, found.columns[0].collation) == ("(2)", "rtrim")


def test_p55_declared_types_of_every_shape_are_passed_over() -> None:
    found = parsed(
        "a INTEGER NON NULL, b VARCHAR (255, -1) CHECK(b), 'c' \"my type\" 'and more' DEFAULT 1, d, "
        'e DOUBLE PRECISION NOT NULL, f "", g UNSIGNED BIG INT GENERATED ALWAYS AS (1), h ALWAYS, i GENERATED'
    )
    assert [column.name for column in found.columns] == list("abcdefghi")
    assert [check.expression for check in found.checks] == ["b"]
    assert found.columns[6].expression == "1"


def test_p56_generated_columns_are_told_from_defaults() -> None:
    found = parsed("a, b AS (a+1), c INT GENERATED ALWAYS AS ( a || ')' ) STORED, d AS (length(a)) VIRTUAL NOT NULL")
    assert [(column.expression, column.generated) for column in found.columns[1:]] == [
        ("a+1", schema.Generated.VIRTUAL),
        ("a || ')'", schema.Generated.STORED),
        ("length(a)", schema.Generated.VIRTUAL),
    ]


def test_p57_checks_are_verbatim_with_name_and_place() -> None:
    found = parsed(
        "a CHECK(a > 0) CONSTRAINT small CHECK ( a < 10 /* ) */ ), CONSTRAINT \"of both\" CHECK (a <> ')') CHECK (1)"
        " ON CONFLICT IGNORE"
    )
    assert found.checks == (
        syntax.CheckSyntax(expression="a > 0", column="a"),
        syntax.CheckSyntax(expression="a < 10 /* ) */", name="small", column="a"),
        syntax.CheckSyntax(expression="a <> ')'", name="of both"),
        syntax.CheckSyntax(expression="1"),
    )


@pytest.mark.parametrize(
    ("body", "descending", "alias"),
    [
        ("id INTEGER PRIMARY KEY", False, True),
        ("id INTEGER PRIMARY KEY ASC", False, True),
        ("id INTEGER PRIMARY KEY DESC", True, False),
        ("id INTEGER, PRIMARY KEY (id DESC)", False, True),
        ("id INT PRIMARY KEY", False, False),
    ],
)
def test_p44_a_descending_column_key_is_no_rowid_alias(body: str, descending: bool, alias: bool) -> None:
    connection, found = created(f"CREATE TABLE t(x, {body})", "INSERT INTO t(x) VALUES (1)")
    assert found.descending_column_key is descending
    assert (connection.execute("SELECT id FROM t").get is not None) is alias


def test_autoincrement_is_found_at_the_column_and_in_the_constraint() -> None:
    assert parsed("id INTEGER PRIMARY KEY AUTOINCREMENT").autoincrement
    assert parsed("id INTEGER, PRIMARY KEY (id AUTOINCREMENT)").autoincrement
    assert not parsed("autoincrement_ INTEGER PRIMARY KEY DEFAULT 'AUTOINCREMENT'").autoincrement


def test_p70_conflict_clauses_are_found() -> None:
    found = parsed(
        "a INTEGER PRIMARY KEY ON CONFLICT REPLACE, b UNIQUE ON CONFLICT IGNORE NOT NULL ON CONFLICT FAIL, c NULL,"
        " UNIQUE (b, c COLLATE NOCASE DESC) ON CONFLICT ROLLBACK UNIQUE ('c')"
    )
    assert [key.conflict for key in found.keys] == ["REPLACE", "IGNORE", "ROLLBACK", None]
    assert found.columns[1].not_null_conflict == "FAIL"
    assert found.keys[2].terms[1] == syntax.TermSyntax(column="c", collation="NOCASE", descending=True)
    assert found.keys[3].terms[0].column == "c"


def test_foreign_keys_come_in_order_with_their_deferral() -> None:
    found = parsed(
        "a REFERENCES p DEFERRABLE INITIALLY DEFERRED, b CONSTRAINT k REFERENCES [the p](x) ON DELETE SET NULL"
        " ON UPDATE CASCADE MATCH FULL NOT DEFERRABLE INITIALLY DEFERRED, c REFERENCES p(y) NOT NULL DEFERRABLE,"
        " FOREIGN KEY (a, b) REFERENCES q ON DELETE NO ACTION DEFERRABLE INITIALLY IMMEDIATE"
        " CONSTRAINT last FOREIGN KEY (c) REFERENCES q(z) DEFERRABLE INITIALLY DEFERRED"
    )
    keys = found.foreign_keys
    assert [key.deferred for key in keys] == [True, False, False, False, True]
    assert [key.columns for key in keys] == [("a",), ("b",), ("c",), ("a", "b"), ("c",)]
    assert [key.parent for key in keys] == ["p", "the p", "p", "q", "q"]
    assert [key.parent_columns for key in keys] == [(), ("x",), ("y",), (), ("z",)]
    assert (keys[1].on_delete, keys[1].on_update, keys[1].name) == ("SET NULL", "CASCADE", "k")
    assert keys[4].name == "last"


def test_a_deferral_far_from_its_key_is_given_to_it() -> None:
    """SQLite's grammar takes it for a constraint of its own that concerns the last foreign key."""
    assert parsed("a REFERENCES p, b DEFERRABLE INITIALLY DEFERRED").foreign_keys[0].deferred


def test_table_options_are_read_in_any_order() -> None:
    found = table_sql.parse("CREATE TABLE t(a TEXT PRIMARY KEY) strict , without ROWID;")
    assert (found.strict, found.without_rowid) == (True, True)
    assert not parsed("a").strict


def test_names_are_read_in_all_quotes() -> None:
    _, found = created("CREATE TABLE IF NOT EXISTS main_t(a) -- end")
    assert found.name == "main_t"
    for text, name in [
        ('"a""b"', 'a"b'),
        ("[a]", "a"),
        ("`a``b`", "a`b"),
        ("'a''b'", "a'b"),
        ("größe", "größe"),
        ("t$1", "t$1"),
    ]:
        found = created(f"CREATE TABLE {text}({text} INT, left, indexed, key)")[1]
        assert (found.name, found.columns[0].name) == (name, name)
    assert table_sql.parse("CREATE TEMPORARY TABLE temp.x(a)").name == "x"
    assert table_sql.parse("CREATE TABLE x AS SELECT 1").columns == ()


def test_what_alter_table_writes_is_read() -> None:
    _, found = created(
        "CREATE TABLE t(a INT, b, CHECK (a > 0) -- last\n)",
        "ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'x' REFERENCES t(a)",
        'ALTER TABLE t RENAME COLUMN a TO "a b"',
        "ALTER TABLE t DROP COLUMN b",
        'ALTER TABLE t RENAME TO "new name"',
    )
    assert found.name == "new name"
    assert [(column.name, column.default) for column in found.columns] == [("a b", None), ("c", "'x'")]
    assert found.checks[0].expression == '"a b" > 0'


def test_what_create_table_as_writes_is_read() -> None:
    _, found = created("CREATE TABLE t AS SELECT 1 AS 'a b', CAST(2 AS INT) AS [select], 'x' AS c")
    assert [column.name for column in found.columns] == ["a b", "select", "c"]


def test_a_text_that_is_no_table_is_an_internal_error() -> None:
    for text in (
        "",
        "SELECT 1",
        "CREATE TABLE",
        "CREATE TABLE t(",
        "CREATE TABLE t(a CHECK (",
        "CREATE VIEW v AS SELECT 1",
    ):
        with pytest.raises(errors.Internal):
            table_sql.parse(text)


def test_an_index_gives_expressions_collations_and_directions() -> None:
    found = table_sql.parse_index(
        'CREATE UNIQUE INDEX IF NOT EXISTS main."i x" ON "t t"(a, "b" DESC, lower(c) COLLATE NOCASE ASC, (d || \')\'),'
        " substr(a, 1, 2) DESC, e COLLATE [x y] /* why */) WHERE a IS NOT NULL AND b > ')' -- end"
    )
    assert (found.name, found.table, found.unique) == ("i x", "t t", True)
    assert found.where == "a IS NOT NULL AND b > ')'"
    assert found.terms == (
        syntax.TermSyntax(column="a"),
        syntax.TermSyntax(column="b", descending=True),
        syntax.TermSyntax(column=None, expression="lower(c)", collation="NOCASE"),
        syntax.TermSyntax(column=None, expression="(d || ')')"),
        syntax.TermSyntax(column=None, expression="substr(a, 1, 2)", descending=True),
        syntax.TermSyntax(column="e", collation="x y"),
    )


def test_a_token_never_spans_what_sqlite_separates() -> None:
    texts = [token.text for token in lexer.tokenize("a||'it''s'->>x'00' 1.5e-3.x 0x1F<>[b c]--!\n/*/ */\"q\"\"\"?1:p")]
    assert texts == [
        "a",
        "||",
        "'it''s'",
        "->>",
        "x'00'",
        "1.5e-3",
        ".",
        "x",
        "0x1F",
        "<>",
        "[b c]",
        '"q"""',
        "?1",
        ":p",
    ]
    assert [token.kind for token in lexer.tokenize("'open")] == [lexer.Kind.ILLEGAL, lexer.Kind.WORD]
