"""Random SQLite databases for hypothesis: `databases()` draws one, `build()` writes it to a file.

Values lean towards the nasty ones. A row that SQLite itself refuses (a constraint, a STRICT type) is left out of the
file, so that what `build()` returns, and not what was drawn, is what the file holds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

__all__ = [
    "Column",
    "Database",
    "ForeignKey",
    "Index",
    "RawText",
    "Table",
    "Value",
    "build",
    "databases",
    "declared_types",
    "insert_sql",
    "names",
    "parameters",
    "rows",
    "tables",
    "values",
]


@dataclass(frozen=True, slots=True)
class RawText:
    """A text given by its bytes, which need not be UTF-8."""

    raw: bytes


Value = int | float | str | bytes | RawText | None
"""Anything SQLite stores. There is no NaN: SQLite makes NULL of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column as it is declared."""

    name: str
    declared: str
    not_null: bool = False
    collation: str | None = None
    default: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """An index over columns, each ascending or descending, perhaps only over rows where one column isn't NULL."""

    name: str
    columns: tuple[tuple[str, bool], ...]
    unique: bool = False
    where_not_null: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignKey:
    """A foreign key of one column; without `parent_column` it means the parent's primary key."""

    column: str
    parent: str
    parent_column: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table and its rows, each as long as `columns`."""

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    descending: bool = False
    autoincrement: bool = False
    without_rowid: bool = False
    strict: bool = False
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    rows: tuple[tuple[Value, ...], ...] = ()

    def sql(self) -> str:
        """The CREATE TABLE statement."""
        inline = len(self.primary_key) == 1
        parts = []
        for column in self.columns:
            words = [_quoted(column.name), column.declared]
            if inline and column.name == self.primary_key[0]:
                words += [
                    "PRIMARY KEY",
                    "DESC" if self.descending else "",
                    "AUTOINCREMENT" if self.autoincrement else "",
                ]
            if column.not_null:
                words.append("NOT NULL")
            if column.collation:
                words.append(f"COLLATE {column.collation}")
            if column.default is not None:
                words.append(f"DEFAULT {column.default}")
            parts.append(" ".join(filter(None, words)))
        if len(self.primary_key) > 1:
            order = " DESC" if self.descending else ""
            parts.append(f"PRIMARY KEY ({', '.join(_quoted(name) + order for name in self.primary_key)})")
        for key in self.foreign_keys:
            parent = _quoted(key.parent) + (f" ({_quoted(key.parent_column)})" if key.parent_column else "")
            parts.append(f"FOREIGN KEY ({_quoted(key.column)}) REFERENCES {parent}")
        options = ", ".join(
            word for word, wanted in (("STRICT", self.strict), ("WITHOUT ROWID", self.without_rowid)) if wanted
        )
        return f"CREATE TABLE {_quoted(self.name)} ({', '.join(parts)}) {options}".rstrip()


@dataclass(frozen=True, kw_only=True, slots=True)
class Database:
    """All that `build()` needs."""

    tables: tuple[Table, ...]
    encoding: str = "UTF-8"
    page_size: int = 4096
    journal_mode: str = "delete"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _folded(name: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


# --- values ------------------------------------------------------------------------------------------------------

_NASTY_INTEGERS = (
    0,
    1,
    -1,
    2,
    2**31 - 1,
    2**31,
    -(2**31) - 1,
    2**53,
    2**53 + 1,
    2**63 - 1,
    -(2**63),
    1700000000,
    20240101,
)
_NASTY_REALS = (0.0, -0.0, 3.0, 0.1, 3.7, 5e-324, 1e300, -1e300, 2.0**63, -(2.0**63), 1e15, 1e16, 2460000.5, 0.1 + 0.2)
_NASTY_TEXTS = (
    *("", " ", "\\", "\\.", "\\N", "\\n", "\t", "\n", "\r\n", "\x1f", "\x1e", "\x1d\x1c", "NULL", "'", '"', "%s"),
    *("{}", "$1"),
    *("a\x00b", "\x00", "é", "É", "e\u0301", "\ufeff", "\ufffd", "\uffff", "😀", "a", "A", "a ", "ß", "\\x68"),
    *("\u202e",),
    *("12", " 12 ", "+7", "007", "1e3", "3.0", ".5", "0x10", "nan", "Infinity", "9223372036854775808", "12abc", "-0.0"),
    *("2024-01-01", "2024-01-01 00:00:00", "2024-01-01T00:00:00Z", "2024-01-01 00:00:00.120", "0000-00-00", "now"),
    *("24:00",),
    *("t", "true", "f", "yes", "{}", '{"a":1}', "[1.0]", "12345678-9abc-def0-1234-56789abcdef0", "\\\x1f\\.\x1e"),
)
_NASTY_BYTES = (b"", b"\x00", b"\xff", b"\\x68", b"\xe9\n", b"a", b"12", b"\x1f\x1e", b"\x00\x00\x80\x3f")
_NASTY_RAW = (b"caf\xe9", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"a\x00\xff", b"\xf4\x90\x80\x80")


def _texts() -> st.SearchStrategy[str]:
    anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    return st.one_of(st.sampled_from(_NASTY_TEXTS), st.text("\\.N\t\n\x1f\x1e\x1d0aA", max_size=6), anything)


def values(storage: str | None = None) -> st.SearchStrategy[Value]:
    """Values of one storage class (`null`, `integer`, `real`, `text`, `invalid`, `blob`), or of any."""
    classes: dict[str, Callable[[], st.SearchStrategy[Value]]] = {
        "null": st.none,
        "integer": lambda: st.one_of(
            st.sampled_from(_NASTY_INTEGERS), st.integers(-5, 5), st.integers(-(2**63), 2**63 - 1)
        ),
        "real": lambda: st.one_of(st.sampled_from(_NASTY_REALS), st.floats(allow_nan=False)),
        "text": _texts,
        "invalid": lambda: st.sampled_from(_NASTY_RAW).map(RawText),
        "blob": lambda: st.one_of(st.sampled_from(_NASTY_BYTES), st.binary(max_size=12)),
    }
    if storage is not None:
        return classes[storage]()
    return st.one_of(*(make() for make in classes.values()))


# --- names and types ---------------------------------------------------------------------------------------------

_NASTY_NAMES = (
    *("user", "order", "Mixed Case", 'quo"te', "dot.ted", "per%cent", "{x}", ":x", "$1", "é", "É", "😀", "", " "),
    *("xmin", "ctid"),
    *("rowid", "oid", "_rowid_", "pg_x", "x" * 62 + "éa", "x" * 62 + "éb", "y" * 70, "back\\slash", "tab\t"),
    *("sqlite3_jobs",),
)


def names() -> st.SearchStrategy[str]:
    """Names for tables and columns: mostly plain, some that hurt; none of SQLite's own."""
    plain = st.text("abcdXYZ_", min_size=1, max_size=4)
    return st.one_of(plain, plain, st.sampled_from(_NASTY_NAMES))


_STRICT_TYPES = ("INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY")
_LOOSE_TYPES = (
    *("", "INTEGER", "INT", "BIGINT", "TINYINT(1)", "TEXT", "VARCHAR(3)", "CLOB", "BLOB", "REAL"),
    *("DOUBLE PRECISION", "FLOAT"),
    *("NUMERIC", "DECIMAL(10,2)", "BOOLEAN", "DATE", "DATETIME", "TIMESTAMP", "TIME", "JSON", "UUID", "STRING"),
    *("INTEGER NON",),
    *("FLOATING POINT", "BLOB SUB_TYPE TEXT", "CHARINT", "ANY", "XML"),
)


def declared_types(*, strict: bool = False) -> st.SearchStrategy[str]:
    """Types as applications write them; only those that STRICT allows if `strict`."""
    return st.sampled_from(_STRICT_TYPES if strict else _LOOSE_TYPES)


def _usual_class(declared: str) -> str:
    upper = declared.upper()
    if "INT" in upper or upper == "BOOLEAN":
        return "integer"
    if any(part in upper for part in ("REAL", "FLOA", "DOUB", "DEC", "NUM")):
        return "real"
    return "blob" if upper == "BLOB" else "text"


# --- tables ------------------------------------------------------------------------------------------------------


def rows(table: Table, *, max_size: int = 12) -> st.SearchStrategy[tuple[tuple[Value, ...], ...]]:
    """Rows for a table: some columns keep to one class, as in real life, and others take anything."""

    @st.composite
    def draw_rows(draw: st.DrawFn) -> tuple[tuple[Value, ...], ...]:
        columns = []
        for column in table.columns:
            usual = _usual_class(column.declared)
            habit = draw(st.sampled_from(("usual", "usual or null", "any", "usual", "one class")))
            if table.strict and column.declared != "ANY":
                habit = "usual" if column.not_null else "usual or null"
            one_class = draw(st.sampled_from(("integer", "real", "text", "invalid", "blob", "null")))
            columns.append(
                {
                    "usual": values(usual),
                    "usual or null": st.one_of(values(usual), st.none()),
                    "any": values(),
                    "one class": values(one_class),
                }[habit]
            )
        drawn: list[tuple[Value, ...]] = draw(st.lists(st.tuples(*columns), max_size=max_size))
        repeat: bool = draw(st.booleans())
        if drawn and repeat:
            drawn += [drawn[0]] * draw(st.integers(1, 3))
        return tuple(drawn)

    return draw_rows()


@st.composite
def tables(draw: st.DrawFn, *, name: str = "t", parents: tuple[Table, ...] = (), max_rows: int = 12) -> Table:
    """A table with keys of any kind and its rows; foreign keys go to itself and to `parents`."""
    strict = draw(st.integers(0, 4)) == 0
    column_names = draw(st.lists(names(), min_size=1, max_size=8, unique_by=_folded))
    columns = [
        Column(
            name=each,
            declared=draw(declared_types(strict=strict)),
            not_null=draw(st.integers(0, 4)) == 0,
            collation=draw(st.sampled_from((None, None, None, "NOCASE", "RTRIM"))),
            default=draw(st.sampled_from((None, None, None, "0", "'é'", "x'00'", "-0.5", "NULL", "CURRENT_TIMESTAMP"))),
        )
        for each in column_names
    ]
    key: tuple[str, ...] = ()
    autoincrement = False
    kind = draw(st.sampled_from(("rowid alias", "rowid alias", "autoincrement", "single", "composite", "none")))
    if kind in ("rowid alias", "autoincrement"):
        first = columns[0]
        columns[0] = Column(name=first.name, declared="INTEGER")
        key, autoincrement = (first.name,), kind == "autoincrement"
    elif kind == "single":
        key = (draw(st.sampled_from(column_names)),)
    elif kind == "composite":
        key = tuple(draw(st.permutations(column_names))[: draw(st.integers(1, 3))])
    without_rowid = bool(key) and not autoincrement and draw(st.integers(0, 2)) == 0
    descending = bool(key) and not autoincrement and draw(st.integers(0, 3)) == 0
    table = Table(
        name=name,
        columns=tuple(columns),
        primary_key=key,
        descending=descending,
        autoincrement=autoincrement,
        without_rowid=without_rowid,
        strict=strict,
        indexes=tuple(
            Index(
                name=f"{name} index {number}",
                columns=tuple(
                    (column, draw(st.booleans()))
                    for column in draw(st.permutations(column_names))[: draw(st.integers(1, 3))]
                ),
                unique=draw(st.booleans()),
                where_not_null=draw(st.sampled_from((None, None, *column_names))),
            )
            for number in range(draw(st.sampled_from((0, 0, 1, 2))))
        ),
        foreign_keys=draw(_foreign_keys(name, columns, parents)),
    )
    return Table(
        **{slot: getattr(table, slot) for slot in Table.__slots__ if slot != "rows"},
        rows=draw(rows(table, max_size=max_rows)),
    )


@st.composite
def _foreign_keys(
    draw: st.DrawFn, name: str, columns: list[Column], parents: tuple[Table, ...]
) -> tuple[ForeignKey, ...]:
    if draw(st.integers(0, 2)):
        return ()
    own = [column.name for column in columns]
    parent = draw(st.sampled_from((None, *parents)))
    candidates = own if parent is None else [column.name for column in parent.columns]
    return (
        ForeignKey(
            column=draw(st.sampled_from(own)),
            parent=name if parent is None else parent.name,
            parent_column=draw(st.sampled_from((None, *candidates))),
        ),
    )


@st.composite
def databases(draw: st.DrawFn, *, max_tables: int = 4, max_rows: int = 12) -> Database:
    """A database of one to four tables with their rows."""
    table_names = draw(st.lists(names(), min_size=1, max_size=max_tables, unique_by=lambda name: _folded(name).strip()))
    made: list[Table] = []
    for name in table_names:
        made.append(draw(tables(name=name, parents=tuple(made), max_rows=max_rows)))
    return Database(
        tables=tuple(made),
        encoding=draw(st.sampled_from(("UTF-8", "UTF-8", "UTF-8", "UTF-16le", "UTF-16be"))),
        page_size=draw(st.sampled_from((4096, 512, 65536))),
        journal_mode=draw(st.sampled_from(("delete", "wal"))),
    )


# --- files -------------------------------------------------------------------------------------------------------


def insert_sql(table: Table, row: tuple[Value, ...]) -> str:
    """An INSERT of this row, for `parameters(row)`."""
    columns = ", ".join(_quoted(column.name) for column in table.columns)
    marks = ", ".join("CAST(? AS TEXT)" if isinstance(value, RawText) else "?" for value in row)
    return f"INSERT INTO {_quoted(table.name)} ({columns}) VALUES ({marks})"


def parameters(row: tuple[Value, ...]) -> list[int | float | str | bytes | None]:
    """The row as `sqlite3` takes it."""
    return [value.raw if isinstance(value, RawText) else value for value in row]


def build(path: Path, database: Database) -> dict[str, int]:
    """Write the file; return how many rows of each table SQLite took.

    Invalid UTF-8 makes no sense in a UTF-16 file; its texts are read as Latin-1 there. An index that the rows
    don't allow is left out.
    """
    taken: dict[str, int] = {}
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size = {database.page_size}")
        connection.execute(f"PRAGMA encoding = '{database.encoding}'")
        connection.execute(f"PRAGMA journal_mode = {database.journal_mode}")
        connection.execute("PRAGMA foreign_keys = off")
        # A transaction for each row: where AUTOINCREMENT has no id left, SQLite rolls the whole of it back.
        connection.execute("PRAGMA synchronous = off")
        for table in database.tables:
            connection.execute(table.sql())
            taken[table.name] = 0
            for row in table.rows:
                if database.encoding != "UTF-8":
                    row = tuple(value.raw.decode("latin-1") if isinstance(value, RawText) else value for value in row)
                try:
                    connection.execute(insert_sql(table, row), parameters(row))
                    taken[table.name] += 1
                except sqlite3.IntegrityError:
                    continue
                except sqlite3.OperationalError as error:
                    if "full" not in str(error):
                        raise
            for index in table.indexes:
                terms = ", ".join(_quoted(name) + (" DESC" if down else "") for name, down in index.columns)
                where = (
                    f" WHERE {_quoted(index.where_not_null)} IS NOT NULL" if index.where_not_null is not None else ""
                )
                unique = "UNIQUE " if index.unique else ""
                try:
                    connection.execute(
                        f"CREATE {unique}INDEX {_quoted(index.name)} ON {_quoted(table.name)} ({terms}){where}"
                    )
                except sqlite3.IntegrityError:
                    continue
    finally:
        connection.close()
    return taken
