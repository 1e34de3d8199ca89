"""Measuring a table's values: how many of them a codec would refuse, of which storage classes they are, how long they get."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import apsw

from outgrow import codec
from outgrow.dialect import identifiers
from outgrow.model import schema
from outgrow.sqlite import scan, values

__all__ = [
    "CLASSES",
    "ColumnProfile",
    "Survey",
    "Trial",
    "classes",
    "examples",
    "hopeless",
    "integrity",
    "misfits",
    "nulls",
    "orphans",
    "profile",
    "sample",
    "shapes",
    "survey",
]

CLASSES = ("integer", "real", "text", "blob")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A question to the data: how many values of the column are not of the codec's shape?

    With `flaws`, texts with NUL or invalid UTF-8 are counted as well.
    """

    column: str
    codec: codec.Codec
    flaws: bool = False

    @property
    def condition(self) -> str:
        """A SQLite condition, true for a value of the column that does not fit."""
        x = identifiers.quote_sqlite(self.column)
        return f"({x} IS NOT NULL AND NOT ({self._fits(x)}))"

    def count_on(self, x: str) -> str:
        """An aggregate over an operand: how many values do not fit."""
        return f"count({x}) FILTER (WHERE NOT ({self._fits(x)}))"

    def _fits(self, x: str) -> str:
        return self.codec.fits(x) if self.flaws else self.codec.shape(x)


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnProfile:
    """What a column holds: NULLs, values by storage class, the range of its numbers, the longest value in bytes.

    `shapes` are the commonest formats of its texts (9 a digit, a an ASCII letter) with their counts, where they were asked for.
    """

    column: str
    nulls: int
    counts: Mapping[str, int]
    minimum: int | float | None
    maximum: int | float | None
    longest: int
    shapes: Mapping[str, int] = field(default_factory=dict)


def _size(connection: apsw.Connection, x: str) -> str:
    """An expression for the bytes of a value as UTF-8; in UTF-16 files, whose text may be flawed, a bound on them."""
    if connection.pragma("encoding") == "UTF-8":
        return f"octet_length({x})"
    return f"length(CAST({x} AS BLOB))*3/2"


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """What one pass over a table found: its rows, a bound on the bytes of each column's texts and blobs, trials that failed.

    `longest` leaves out columns of which the trials expect short values only, and those of numbers that no trial is about;
    `misfits` are how many values each trial refuses, in the order of the trials.
    """

    rows: int
    longest: Mapping[str, int]
    misfits: tuple[int, ...]


def survey(connection: apsw.Connection, table: schema.Table, trials: Sequence[Trial] = ()) -> Survey:
    """Count and measure a table in one pass."""
    long = [column for column in table.columns if _is_long(column, trials)]
    terms = ["count(*)"]
    for column in long:
        x = identifiers.quote_sqlite(column.name)
        size = _size(connection, x)
        if column.affinity == schema.Affinity.NUMERIC:
            # The length of a number would be that of its text, which would have to be made.
            size = f"CASE WHEN typeof({x}) IN ('text','blob') THEN {size} END"
        terms.append(f"max({size})")
    counted = [trial.count_on(identifiers.quote_sqlite(trial.column)) for trial in trials]
    rows, *found = scan.aggregate(connection, table, [*terms, *counted])
    lengths = {column.name: int(value or 0) for column, value in zip(long, found, strict=False)}
    return Survey(rows=rows, longest=lengths, misfits=tuple(map(int, found[len(long) :])))


def _is_long(column: schema.Column, trials: Sequence[Trial]) -> bool:
    expected = [trial.codec.unbounded for trial in trials if trial.column == column.name]
    return any(expected) if expected else column.affinity not in (schema.Affinity.INTEGER, schema.Affinity.REAL)


def misfits(connection: apsw.Connection, table: schema.Table, trials: Sequence[Trial]) -> list[int]:
    """How many values each trial's codec refuses, in one pass over the table."""
    if not trials:
        return []
    terms = [trial.count_on(identifiers.quote_sqlite(trial.column)) for trial in trials]
    return [int(count) for count in scan.aggregate(connection, table, terms)]


def hopeless(connection: apsw.Connection, table: schema.Table, trials: Sequence[Trial], rows: int) -> list[bool]:
    """Which trials already fail on the table's first and last `rows` rows."""
    if not trials:
        return []
    aliases = {name: f"c{number}" for number, name in enumerate(dict.fromkeys(trial.column for trial in trials))}
    # A collation of the application's own is not known here; without one, columns of both ends can be put together.
    columns = ",".join(f"{identifiers.quote_sqlite(name)} COLLATE BINARY AS {alias}" for name, alias in aliases.items())
    source = " UNION ALL ".join(f"SELECT * FROM {end}" for end in _ends(table, columns, rows))
    terms = [trial.count_on(aliases[trial.column]) for trial in trials]
    return [bool(count) for count in scan.aggregate_of(connection, f"({source})", terms)]


def _ends(table: schema.Table, columns: str, rows: int) -> list[str]:
    """The table's first rows, and its last ones where it has a rowid, as subqueries."""
    source = f"(SELECT {columns} FROM {identifiers.quote_sqlite(table.name)}"
    ends = [f"{source} LIMIT {rows})"]
    if table.rowid_name is not None:
        ends.append(f"{source} ORDER BY {table.rowid_name} DESC LIMIT {rows})")
    return ends


def sample(connection: apsw.Connection, table: schema.Table, column: str, rows: int) -> list[str]:
    """Texts of a column from the table's beginning and end, at most `rows` of each; what is not text is left out."""
    return [
        bytes.fromhex(value).decode("utf-8", "replace")
        for end in _ends(table, f"{identifiers.quote_sqlite(column)} COLLATE BINARY AS v", rows)
        for (value,) in connection.execute(
            f"SELECT outgrow_text_hex(CAST(v AS BLOB)) FROM {end} WHERE typeof(v)='text'"
        )
    ]


def classes(connection: apsw.Connection, table: str, column: str) -> Mapping[str, int]:
    """How many values of each storage class a column has, NULL left out."""
    x = identifiers.quote_sqlite(column)
    terms = [f"sum(typeof({x})='{name}')" for name in CLASSES]
    counts = scan.aggregate_of(connection, identifiers.quote_sqlite(table), terms)
    return {name: int(count or 0) for name, count in zip(CLASSES, counts, strict=True) if count}


def shapes(connection: apsw.Connection, table: str, column: str, limit: int = 5) -> Mapping[str, int]:
    """The commonest formats of a column's texts, cut to 40 characters."""
    x = identifiers.quote_sqlite(column)
    statement = (
        f"SELECT outgrow_shape(CAST({x} AS BLOB)) AS shape,count(*) FROM {identifiers.quote_sqlite(table)}"
        f" WHERE typeof({x})='text' GROUP BY shape ORDER BY count(*) DESC,shape LIMIT {int(limit)}"
    )
    return {str(shape): int(count) for shape, count in connection.execute(statement)}


def profile(
    connection: apsw.Connection, table: schema.Table, *, shaped: frozenset[str] = frozenset()
) -> tuple[int, tuple[ColumnProfile, ...]]:
    """The number of rows and the profile of every column; `shaped` names the columns whose formats are wanted."""
    terms = ["count(*)"]
    for column in table.columns:
        x = identifiers.quote_sqlite(column.name)
        number = f"CASE WHEN typeof({x}) IN ('integer','real') THEN {x} END"
        terms += [f"sum({x} IS NULL)", *(f"sum(typeof({x})='{name}')" for name in CLASSES)]
        terms += [f"min({number})", f"max({number})", f"max({_size(connection, x)})"]
    rows, *measured = scan.aggregate(connection, table, terms)
    width = len(CLASSES) + 4
    profiles = []
    for position, column in enumerate(table.columns):
        nulls, *rest = measured[position * width : (position + 1) * width]
        counts = {name: int(count) for name, count in zip(CLASSES, rest, strict=False) if count}
        minimum, maximum, longest = rest[len(CLASSES) :]
        profiles.append(
            ColumnProfile(
                column=column.name,
                nulls=int(nulls or 0),
                counts=counts,
                minimum=minimum,
                maximum=maximum,
                longest=int(longest or 0),
                shapes=shapes(connection, table.name, column.name) if column.name in shaped else {},
            )
        )
    return rows, tuple(profiles)


def examples(connection: apsw.Connection, table: schema.Table, condition: str, limit: int = 3) -> tuple[str, ...]:
    """Keys of some rows for which a condition holds: the rowid, or the primary key as SQL literals."""
    terms = [table.rowid_name] if table.rowid_name else [identifiers.quote_sqlite(name) for name in table.primary_key]
    key = ",".join(values.exact(term) for term in terms)
    statement = f"SELECT {key} FROM {identifiers.quote_sqlite(table.name)} WHERE {condition} LIMIT {int(limit)}"
    return tuple(
        ",".join(values.literal(kind, value) for kind, value in zip(row[0::2], row[1::2], strict=True))
        for row in connection.execute(statement)
    )


def orphans(connection: apsw.Connection, table: schema.Table) -> Mapping[int, tuple[int, tuple[str, ...]]]:
    """For each foreign key (by position) that rows break: how many rows, and the rowids of some of them."""
    if _are_met(connection, table):
        return {}
    found: dict[int, tuple[int, list[str]]] = {}
    last = len(table.foreign_keys) - 1
    try:
        for _, rowid, _, number in connection.execute("SELECT * FROM pragma_foreign_key_check(?)", (table.name,)):
            count, keys = found.get(last - number, (0, []))
            if len(keys) < 3 and rowid is not None:
                keys.append(str(rowid))
            found[last - number] = (count + 1, keys)
    except apsw.SQLError:
        # One key that SQLite cannot check (its parent has no fitting unique index) keeps it from checking the others.
        counted = {position: _orphans_of(connection, table, key) for position, key in enumerate(table.foreign_keys)}
        return {position: result for position, result in counted.items() if result[0]}
    return {position: (count, tuple(keys)) for position, (count, keys) in found.items()}


def _are_met(connection: apsw.Connection, table: schema.Table) -> bool:
    """Whether a count over all processors tells already that no row breaks a foreign key.

    It can where each of them is one INTEGER that refers to a primary key of one INTEGER: there no affinity and no collation
    makes a comparison different from SQLite's own check.
    """
    quote = identifiers.quote_sqlite
    terms = []
    for key in table.foreign_keys:
        types = "SELECT name,type FROM pragma_table_info(?) WHERE pk"
        parents = connection.execute(types, (key.parent,)).fetchall()
        if [(name, str(declared).upper()) for name, declared in parents] != [(*key.parent_columns, "INTEGER")]:
            return False
        if table.column(key.columns[0]).affinity is not schema.Affinity.INTEGER:
            return False
        own = f"{quote(table.name)}.{quote(key.columns[0])}"
        same = f"outgrow_parent.{quote(key.parent_columns[0])}={own}"
        parent = f"SELECT 1 FROM {quote(key.parent)} AS outgrow_parent WHERE {same}"
        terms.append(f"count({own}) FILTER (WHERE NOT EXISTS ({parent}))")
    return not any(scan.aggregate(connection, table, terms))


def _orphans_of(
    connection: apsw.Connection, table: schema.Table, key: schema.ForeignKey
) -> tuple[int, tuple[str, ...]]:
    """How many rows of the table have no parent by one foreign key, and which; none if there is no such parent table."""
    if not key.parent_columns:
        return 0, ()
    quote = identifiers.quote_sqlite
    pairs = list(zip(key.columns, key.parent_columns, strict=True))
    given = " AND ".join(f"c.{quote(own)} IS NOT NULL" for own, _ in pairs)
    # The parent's column stands first: its collation and affinity decide, as in SQLite's own check.
    same = " AND ".join(f"p.{quote(theirs)}=c.{quote(own)}" for own, theirs in pairs)
    where = f"{given} AND NOT EXISTS (SELECT 1 FROM {quote(key.parent)} p WHERE {same})"
    source = f"FROM {quote(table.name)} c WHERE {where}"
    (count,) = connection.execute(f"SELECT count(*) {source}").fetchone() or (0,)
    if not count or table.rowid_name is None:
        return int(count), ()
    return int(count), tuple(
        str(rowid) for (rowid,) in connection.execute(f"SELECT c.{table.rowid_name} {source} LIMIT 3")
    )


def integrity(connection: apsw.Connection, limit: int = 20) -> Iterable[str]:
    """What SQLite's integrity check complains of; nothing for a sound file."""
    try:
        lines = [line for (line,) in connection.execute(f"PRAGMA integrity_check({int(limit)})")]
    except apsw.SQLError:
        # An index with the application's own collation cannot be checked here; everything else can.
        lines = [line for (line,) in connection.execute(f"PRAGMA quick_check({int(limit)})")]
    return [line for line in lines if line != "ok"]


def nulls(connection: apsw.Connection, table: schema.Table, columns: Sequence[str]) -> int:
    """How many rows have NULL in one of the columns."""
    condition = " OR ".join(f"{identifiers.quote_sqlite(name)} IS NULL" for name in columns)
    return int(scan.aggregate(connection, table, [f"sum({condition})"])[0] or 0)
