"""Deciding the columns of one table from its values, and saying why."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from outgrow import codec
from outgrow.model import plan, schema
from outgrow.plan import findings, overriding, types
from outgrow.sqlite import connection as sqlite
from outgrow.sqlite import profile

__all__ = ["Decision", "TableFacts", "decide"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The codec of one column, why it was chosen, and how many values it refuses; `flawed` if all have NUL or the like."""

    codec: codec.Codec
    reason: str
    evidence: str
    misfits: int = 0
    flawed: bool = False
    overridden: bool = False


@dataclass(kw_only=True, slots=True)
class TableFacts:
    """What was learnt of a table while deciding its columns."""

    rows: int = 0
    decisions: dict[str, Decision] = field(default_factory=dict)
    longest: Mapping[str, int] = field(default_factory=dict)
    null_keys: int = 0

    @property
    def widest(self) -> int:
        """A bound on the bytes of one row."""
        return sum(self.longest.values()) + 24 * len(self.decisions)


def decide(
    connection: sqlite.Connection,
    table: schema.Table,
    *,
    keyed: frozenset[str],
    overrides: Mapping[str, plan.Override],
    exact: bool,
    found: findings.Findings,
    dates: bool = True,
) -> TableFacts:
    """Choose a codec for every column of `table`, which may have been narrowed to some of its columns.

    `keyed` names the columns that take part in a key or an index, which must stay comparable. With `exact`, NUL and invalid
    UTF-8 are counted too; no type depends on them. Without `dates`, what is declared as a date or a time becomes text. One pass
    over the table settles the columns whose likeliest candidate holds all values; every further pass is for the others only.
    """
    facts = TableFacts()
    candidates: dict[str, list[codec.Codec]] = {}
    for column in table.columns:
        override = overrides.get(column.name)
        if override is not None:
            candidates[column.name] = overriding.codecs(connection, table, column, override)
            continue
        if not dates and types.hint(column.declared) in types.DATES:
            texts_only = [codec.Text(), codec.Text(numbers=True)]
            candidates[column.name] = [one for one in texts_only if one.orderable or column.name not in keyed]
            continue
        sampled = types.needs_sample(column.declared)
        texts = profile.sample(connection, table, column.name, types.SAMPLE_ROWS) if sampled else []
        candidates[column.name] = [
            *types.proposals(column, texts, keyed=column.name in keyed),
            types.plain(column),
        ]
    nullable_keys = [
        name
        for name in table.primary_key
        if name in candidates
        and table.rowid_name is not None
        and name != table.rowid_alias
        and not table.column(name).not_null
    ]
    count = _Count(connection, table)
    chosen = _elect(count, candidates, overrides)
    facts.rows, facts.longest = count.rows, count.longest
    facts.null_keys = profile.nulls(connection, table, nullable_keys) if nullable_keys and facts.rows else 0
    undecided = [column for column in table.columns if column.name not in chosen]
    tried = {column.name: [candidates[column.name][-1], *types.fallbacks(column)] for column in undecided}
    if table.rowid_name is None:
        # Without a rowid to use instead, the key has to stay one: what its type refuses goes to the quarantine.
        for name in tried.keys() & set(table.primary_key):
            tried[name] = [one for one in tried[name] if one.orderable]
    count.ask([(name, one) for name, several in tried.items() for one in several])
    lowered = [column for column in table.columns if candidates[column.name][0] != chosen.get(column.name)]
    count.ask([(column.name, one) for column in lowered for one in candidates[column.name]])
    for column in table.columns:
        name = column.name
        if name in chosen:
            decision = _chosen(table, column, facts, chosen[name], candidates[name], count, name in overrides)
        else:
            best = min(tried[name], key=lambda one: count[name, one])
            classes = profile.classes(connection, table.name, name)
            decision = _fallen(column, best, count[name, best], classes, tried[name][0])
        if exact and decision.codec.inspects_text and facts.rows:
            trial = profile.Trial(column=name, codec=decision.codec, flaws=True)
            flawed = profile.misfits(connection, table, [trial])[0]
            decision = dataclasses.replace(decision, misfits=flawed, flawed=not decision.misfits and flawed > 0)
        facts.decisions[name] = decision
        _report(connection, table, column, facts, candidates[name], count, found)
    facts.longest = {**facts.longest, **_unexpected(connection, table, facts)}
    return facts


def _unexpected(connection: sqlite.Connection, table: schema.Table, facts: TableFacts) -> Mapping[str, int]:
    """The longest values of columns of which only short ones were expected, and that hold something else too."""
    odd = [
        dataclasses.replace(column, affinity=schema.Affinity.BLOB)
        for column in table.columns
        if column.name not in facts.longest
        and (facts.decisions[column.name].misfits or facts.decisions[column.name].codec.unbounded)
    ]
    return profile.survey(connection, dataclasses.replace(table, columns=tuple(odd))).longest if odd else {}


class _Count:
    """How many values of a column a codec refuses, counted when first asked for, many at once in one pass.

    The first pass counts the rows and measures their values as well.
    """

    def __init__(self, connection: sqlite.Connection, table: schema.Table) -> None:
        self._connection = connection
        self._table = table
        self._counted: dict[tuple[str, codec.Codec], int] = {}
        self._first: profile.Survey | None = None

    def ask(self, questions: Sequence[tuple[str, codec.Codec]]) -> None:
        """Count what is not counted yet."""
        new = [question for question in dict.fromkeys(questions) if question not in self._counted]
        trials = [profile.Trial(column=name, codec=one) for name, one in new]
        if self._first is None and trials:
            self._first = profile.survey(self._connection, self._table, trials)
            self._counted |= dict(zip(new, self._first.misfits, strict=True))
        else:
            self._counted |= dict(zip(new, profile.misfits(self._connection, self._table, trials), strict=True))

    @property
    def rows(self) -> int:
        """The table's rows."""
        return self._surveyed().rows

    @property
    def longest(self) -> Mapping[str, int]:
        """A bound on the bytes of each column's texts and blobs; columns of short values are left out."""
        return self._surveyed().longest

    def _surveyed(self) -> profile.Survey:
        if self._first is None:
            self._first = profile.survey(self._connection, self._table)
        return self._first

    def hopeless(self, questions: Sequence[tuple[str, codec.Codec]]) -> frozenset[tuple[str, codec.Codec]]:
        """Which of them fail on the table's first and last rows already."""
        trials = [profile.Trial(column=name, codec=one) for name, one in questions]
        failed = profile.hopeless(self._connection, self._table, trials, types.SAMPLE_ROWS)
        return frozenset(question for question, bad in zip(questions, failed, strict=True) if bad)

    def __getitem__(self, question: tuple[str, codec.Codec]) -> int:
        return self._counted[question]


def _elect(
    count: _Count, candidates: Mapping[str, Sequence[codec.Codec]], overrides: Mapping[str, plan.Override]
) -> dict[str, codec.Codec]:
    """For each column the first candidate that holds every value; a column none of whose candidates does is left out."""
    chosen: dict[str, codec.Codec] = {}
    meant = [(name, one) for name in overrides for one in candidates.get(name, ())]
    count.ask(meant)
    for name in overrides:
        chosen[name] = min(candidates[name], key=lambda one: count[name, one])
    open_ = {name: list(several) for name, several in candidates.items() if name not in chosen}
    hopeless = count.hopeless([(name, one) for name, several in open_.items() for one in several])
    open_ = {name: [one for one in several if (name, one) not in hopeless] for name, several in open_.items()}
    while questions := [(name, several[0]) for name, several in open_.items() if several and name not in chosen]:
        count.ask(questions)
        for name, one in questions:
            if count[name, one]:
                open_[name].pop(0)
            else:
                chosen[name] = one
    return chosen


def _chosen(
    table: schema.Table,
    column: schema.Column,
    facts: TableFacts,
    chosen: codec.Codec,
    tried: Sequence[codec.Codec],
    count: _Count,
    overridden: bool,
) -> Decision:
    declared, rows = column.declared or "no type", facts.rows
    keyed = column.name == table.rowid_alias or (column.name in table.primary_key and not facts.null_keys)
    nullable = not column.not_null and not keyed
    evidence = types.describe(chosen, rows, nullable=nullable) if rows else "the table is empty"
    if overridden:
        misfits = count[column.name, chosen]
        if misfits:
            evidence = f"{misfits:,} values do not fit"
        return Decision(codec=chosen, reason="override", evidence=evidence, misfits=misfits, overridden=True)
    if chosen is tried[-1]:
        asked = types.hint(column.declared)
        if len(tried) > 1:
            refused = min(count[column.name, one] for one in tried[:-1])
            reason = f"declared {declared}; {asked} would not give back {refused:,} of {rows:,} values as they are"
        elif asked in ("timestamp", "timestamptz", "date", "time") and rows:
            reason = f"declared {declared}; the values have no format that {asked} could give back"
        else:
            reason = f"{column.affinity} affinity (declared {declared})"
    else:
        reason = f"declared {declared}"
    return Decision(codec=chosen, reason=reason, evidence=evidence)


def _fallen(
    column: schema.Column, best: codec.Codec, misfits: int, classes: Mapping[str, int], wanted: codec.Codec
) -> Decision:
    stored = ", ".join(f"{count:,} {name}" for name, count in classes.items()) or "nothing"
    reason = f"{wanted.type} (declared {column.declared or 'no type'}) cannot hold every value; " + (
        f"{best.type} can" if not misfits else f"{best.type} holds the most, {misfits:,} go to the quarantine"
    )
    return Decision(codec=best, reason=reason, evidence=f"storage classes: {stored}", misfits=misfits)


def _report(
    connection: sqlite.Connection,
    table: schema.Table,
    column: schema.Column,
    facts: TableFacts,
    tried: Sequence[codec.Codec],
    count: _Count,
    found: findings.Findings,
) -> None:
    """Add the findings that the decision deserves."""
    decision = facts.decisions[column.name]
    override = f'[overrides."{table.name}"."{column.name}"]'
    if decision.misfits:
        condition = profile.Trial(column=column.name, codec=decision.codec, flaws=True).condition
        one = decision.misfits == 1
        rows = "its row goes" if one else "their rows go"
        number = f"{decision.misfits:,} value{' does' if one else 's do'}"
        found.add(
            plan.Severity.ERROR,
            code="misfit",
            message=f"{number} not fit {decision.codec.sql_type}: {rows} to the quarantine",
            remedy=f"Repair the values in the file, or choose another type in the plan: {override}, and below it: type = …"
            if decision.overridden or decision.flawed
            else "Repair the values in the file: no type holds all of them",
            table=table.name,
            column=column.name,
            count=decision.misfits,
            examples=profile.examples(connection, table, condition),
        )
    if not facts.rows and not column.declared.strip() and not decision.overridden:
        found.add(
            plan.Severity.WARNING,
            code="type_unknown",
            message=f"neither a type nor a value says what it is for: it becomes {decision.codec.sql_type},"
            " and rows with values of another kind will go to the quarantine",
            remedy=f'Say what it is to hold in the plan: {override}, and below it: type = "text", or another one',
            table=table.name,
            column=column.name,
        )
    if decision.overridden and 2 * decision.misfits > facts.rows:
        everything = decision.misfits == facts.rows
        share = f"all {facts.rows:,}" if everything else f"{decision.misfits:,} of {facts.rows:,}"
        found.add(
            plan.Severity.ERROR if everything else plan.Severity.WARNING,
            code="override_quarantines",
            message=f"the override {decision.codec.sql_type} keeps {share} rows of the table from arriving: "
            "they go to the quarantine",
            remedy=f"Remove {override} from the plan, or choose another type there",
            table=table.name,
            column=column.name,
            count=decision.misfits,
        )
    if column.affinity == schema.Affinity.BLOB or decision.misfits:
        return
    if decision.overridden or decision.codec.type != "text" or tried[-1].type == "text" or not facts.rows:
        return
    wanted = min(tried, key=lambda one: count[column.name, one])
    few = count[column.name, wanted]
    number = f"{few:,} value{' is' if few == 1 else 's are'}"
    condition = profile.Trial(column=column.name, codec=wanted).condition
    found.add(
        plan.Severity.WARNING,
        code="widened_to_text",
        message=f"declared {column.declared or 'no type'}, but {number} not {wanted.type}: the column becomes text",
        remedy=f'Repair the values, or quarantine their rows instead: {override}, and below it: type = "{wanted.type}"',
        table=table.name,
        column=column.name,
        count=few,
        examples=profile.examples(connection, table, condition),
    )
