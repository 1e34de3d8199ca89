"""Deciding the columns of one table from its values, and saying why."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from outgrow import codec, errors
from outgrow.model import plan, schema
from outgrow.plan import types
from outgrow.sqlite import connection as sqlite
from outgrow.sqlite import profile

__all__ = ["Decision", "TableFacts", "decide"]

_SAMPLE_ROWS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The codec of one column, why it was chosen, and how many values it refuses."""

    codec: codec.Codec
    reason: str
    evidence: str
    misfits: int = 0
    overridden: bool = False


@dataclass(kw_only=True, slots=True)
class TableFacts:
    """What was learnt of a table while deciding its columns."""

    rows: int = 0
    decisions: dict[str, Decision] = field(default_factory=dict)
    longest: Mapping[str, int] = field(default_factory=dict)
    null_keys: int = 0
    findings: list[plan.Finding] = field(default_factory=list)

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
) -> TableFacts:
    """Choose a codec for every column.

    `keyed` names the columns that take part in a key or an index, which must stay comparable. Without `exact`, flaws of
    text and JSON are not looked for. Every candidate of every column is tried in one pass over the table; what none
    of them can hold completely costs a second pass.
    """
    facts = TableFacts()
    candidates: dict[str, list[codec.Codec]] = {}
    for column in table.columns:
        override = overrides.get(column.name)
        if override is not None:
            candidates[column.name] = _overriding(connection, table, column, override)
            continue
        sampled = types.needs_sample(column.declared)
        texts = profile.sample(connection, table, column.name, _SAMPLE_ROWS) if sampled else []
        candidates[column.name] = [
            *types.proposals(column, texts, keyed=column.name in keyed),
            types.plain(column),
        ]
    nullable_keys = [
        name
        for name in table.primary_key
        if table.rowid_name is not None and name != table.rowid_alias and not table.column(name).not_null
    ]
    trials = _trials(candidates, exact)
    facts.rows, misfits, facts.longest = profile.measure(connection, table, trials)
    counted = {(trial.column, trial.codec): count for trial, count in zip(trials, misfits, strict=True)}
    facts.null_keys = profile.nulls(connection, table, nullable_keys) if nullable_keys and facts.rows else 0
    undecided: dict[str, list[codec.Codec]] = {}
    for column in table.columns:
        name = column.name
        tried = candidates[name]
        if name in overrides:
            best = min(tried, key=lambda one: counted[name, one])
            facts.decisions[name] = Decision(
                codec=best,
                reason="override",
                evidence=types.describe(best, facts.rows),
                misfits=counted[name, best],
                overridden=True,
            )
            continue
        fitting = next((one for one in tried if counted[name, one] == 0), None)
        if fitting is None:
            undecided[name] = types.fallbacks(column)
            continue
        facts.decisions[name] = _fitting(column, fitting, tried, counted, facts.rows)
    if undecided:
        # What text is flawed matters for a fallback: a column moved to text should then be complete.
        more = _trials(undecided, True)
        _, misfits, _ = profile.measure(connection, table, more)
        counted |= {(trial.column, trial.codec): count for trial, count in zip(more, misfits, strict=True)}
        for name, others in undecided.items():
            column = table.column(name)
            tried = [candidates[name][-1], *others]
            best = min(tried, key=lambda one: counted[name, one])
            classes = profile.classes(connection, table.name, name)
            facts.decisions[name] = _fallen(column, best, counted[name, best], classes, tried[0])
    for column in table.columns:
        _report(connection, table, column, facts, candidates[column.name], counted)
    return facts


def _trials(candidates: Mapping[str, Sequence[codec.Codec]], exact: bool) -> list[profile.Trial]:
    return [
        profile.Trial(column=name, codec=one, exact=exact or one.type not in ("text",))
        for name, several in candidates.items()
        for one in several
    ]


def _overriding(
    connection: sqlite.Connection, table: schema.Table, column: schema.Column, override: plan.Override
) -> list[codec.Codec]:
    """The codecs that an override can mean: `timestamp` is every format that the values show."""
    spec = dict(override.settings)
    name = str(spec.get("type", ""))
    if name.startswith("vector(") and name.endswith(")"):
        spec = {"type": "vector", "dimensions": int(name[7:-1])}
    try:
        if spec["type"] in ("timestamp", "timestamptz", "date", "time", "boolean") and len(spec) == 1:
            texts = profile.sample(connection, table, column.name, _SAMPLE_ROWS)
            asked = dataclasses.replace(column, declared=str(spec["type"]))
            found = [one for one in types.proposals(asked, texts, keyed=False) if one.type == spec["type"]]
            return found or [codec.from_spec(spec)]
        if spec == {"type": "text"} and column.affinity not in (schema.Affinity.TEXT, schema.Affinity.BLOB):
            return [codec.Text(), codec.Text(numbers=True)]
        if spec == {"type": "bytea"}:
            return [codec.Bytea(), codec.Bytea(text=True)]
        return [codec.from_spec(spec)]
    except ValueError as error:
        raise errors.PlanInvalid(
            f"The override of {table.name}.{column.name} names no type that outgrow knows",
            why=str(error),
            hint=f"Use one of: {', '.join(sorted(codec.TYPES))}",
        ) from error


def _fitting(
    column: schema.Column,
    chosen: codec.Codec,
    tried: Sequence[codec.Codec],
    counted: Mapping[tuple[str, codec.Codec], int],
    rows: int,
) -> Decision:
    declared = column.declared or "no type"
    better = tried[: tried.index(chosen)]
    evidence = types.describe(chosen, rows) if rows else "the table is empty"
    if chosen is tried[-1]:
        asked = types.hint(column.declared)
        if better:
            refused = min(counted[column.name, one] for one in better)
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
    counted: Mapping[tuple[str, codec.Codec], int],
) -> None:
    """Add the findings that the decision deserves."""
    decision = facts.decisions[column.name]
    place = {"table": table.name, "column": column.name}
    override = f'[overrides."{table.name}"."{column.name}"]'
    if decision.misfits:
        condition = profile.Trial(column=column.name, codec=decision.codec).condition
        facts.findings.append(
            plan.Finding(
                severity=plan.Severity.ERROR,
                code="misfit",
                message=f"{decision.misfits:,} values do not fit {decision.codec.sql_type}: their rows go to the quarantine",
                remedy=f"Repair the values in the file, or choose another type in the plan: {override} type = …",
                count=decision.misfits,
                examples=profile.examples(connection, table, condition),
                **place,
            )
        )
    wanted = types.plain(column)
    if decision.overridden or decision.codec == wanted or not facts.rows:
        return
    refused = {one.type: counted[column.name, one] for one in tried if counted[column.name, one]}
    if decision.codec.type == "text" and wanted.type != "text" and refused:
        first = next(one for one in tried if counted[column.name, one])
        condition = profile.Trial(column=column.name, codec=min(tried, key=lambda o: counted[column.name, o])).condition
        few = min(refused.values())
        facts.findings.append(
            plan.Finding(
                severity=plan.Severity.WARNING,
                code="widened_to_text",
                message=f"declared {column.declared or 'no type'}, but {few:,} values are not {wanted.type}: becomes text",
                remedy=f'Repair the values, or quarantine their rows instead: {override} type = "{first.type}"',
                count=few,
                examples=profile.examples(connection, table, condition),
                **place,
            )
        )
