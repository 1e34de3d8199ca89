"""Planning the views and triggers of a file: what the application's own SQL does at the target, once its tables are planned."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from outgrow.dialect import catalog, identifiers, trigger_sql, triggers, views
from outgrow.dialect.translation import Untranslatable
from outgrow.model import plan, schema
from outgrow.plan import findings, naming

__all__ = ["add"]

_KINDS = ("view", "trigger")
_CODES = frozenset(
    {"views_left_out", "triggers_left_out", "view_not_created", "trigger_single_rows", "trigger_dependent"}
)
_FIRST = "S"
"""PostgreSQL fires in the order of names; those of foreign keys' actions begin with RI, and come first in SQLite."""
_OWN = "outgrow_"
"""What the names of outgrow's own triggers begin with."""
_INSTEAD = "it is a trigger INSTEAD OF writing to a view"


def add(made: plan.Plan, others: Iterable[schema.OtherObject], found: findings.Findings) -> plan.Plan:
    """The plan with the file's views and triggers, in the place of those that it had.

    One that uses what has no translation has none either, so they are tried until no more drop out.
    """
    others = tuple(others)
    made = dataclasses.replace(
        made,
        views=tuple(plan.ViewPlan(name=one.name, sql=one.sql) for one in others if one.kind == "view"),
        triggers=tuple(_begun(made, one) for one in others if one.kind == "trigger"),
        omissions=tuple(one for one in made.omissions if one.kind not in _KINDS),
        findings=tuple(one for one in made.findings if one.code not in _CODES),
    )
    names = naming.Names.of_schema(made.tables)
    while True:
        known = catalog.Catalog.of(dataclasses.replace(made, omissions=(*made.omissions, *_omissions(made))))
        tried = dataclasses.replace(
            made,
            views=tuple(_view(one, known) for one in made.views),
            triggers=tuple(_trigger(one, known) for one in made.triggers),
        )
        if _refused(tried) == _refused(made):
            break
        made = tried
    made = dataclasses.replace(tried, views=_named_views(tried, names), triggers=_named_triggers(tried, names))
    for one in _omissions(made):
        found.omit(one.kind, one.name, one.reason, one.table)
    _report(made, found)
    return made


def _begun(made: plan.Plan, found: schema.OtherObject) -> plan.TriggerPlan:
    """A trigger as it is written; the order of the file's triggers is the one of their creation."""
    try:
        head = trigger_sql.head(found.sql)
    except Untranslatable as refused:
        # Whatever it does, nothing is written to its table.
        return plan.TriggerPlan(
            name=found.name, table=found.table, timing="AFTER", event="INSERT", sql=found.sql, reason=str(refused)
        )
    table = next((one.source for one in made.tables if schema.fold(one.source) == schema.fold(found.table)), None)
    reason = ""
    if head.timing == "INSTEAD OF":
        reason = _INSTEAD
    elif table is None:
        reason = f"there is no table {found.table} in the target"
    return plan.TriggerPlan(
        name=found.name,
        table=table or found.table,
        timing=head.timing,
        event=head.event,
        columns=head.columns,
        sql=found.sql,
        reason=reason,
    )


def _view(one: plan.ViewPlan, known: catalog.Catalog) -> plan.ViewPlan:
    if one.reason:
        return one
    try:
        found = views.translate(one, known)
    except Untranslatable as refused:
        return dataclasses.replace(one, reason=str(refused), definition="", columns=())
    return dataclasses.replace(one, definition=found.sql, columns=found.names)


def _trigger(one: plan.TriggerPlan, known: catalog.Catalog) -> plan.TriggerPlan:
    if one.reason:
        return one
    try:
        found = triggers.translate(one, known)
    except Untranslatable as refused:
        return dataclasses.replace(
            one, reason=str(refused), body="", when="", reads=(), writes=(), single=False, dependent=False
        )
    return dataclasses.replace(
        one,
        body=found.body,
        when=found.when,
        reads=found.reads,
        writes=found.writes,
        single=found.single,
        dependent=found.dependent,
    )


def _refused(made: plan.Plan) -> list[bool]:
    return [bool(view.reason) for view in made.views] + [bool(trigger.reason) for trigger in made.triggers]


def _omissions(made: plan.Plan) -> Iterator[plan.Omission]:
    for view in made.views:
        if view.reason:
            yield plan.Omission(kind="view", name=view.name, reason=view.reason)
    for trigger in made.triggers:
        if trigger.reason:
            yield plan.Omission(kind="trigger", name=trigger.name, reason=trigger.reason, table=trigger.table)


def _named_views(made: plan.Plan, names: naming.Names) -> tuple[plan.ViewPlan, ...]:
    """The views with names for the target; one that would go with schema `outgrow` is not made there."""
    named: list[plan.ViewPlan] = []
    for one in made.views:
        if one.definition and triggers.calls_outgrow(one.definition):
            named.append(dataclasses.replace(one, definition="", columns=()))
        elif one.definition:
            columns = naming.Names().give_all(one.columns)
            target = names.give(one.name)
            named.append(dataclasses.replace(one, target=target, columns=tuple(columns[name] for name in one.columns)))
        else:
            named.append(one)
    return tuple(named)


def _named_triggers(made: plan.Plan, names: naming.Names) -> tuple[plan.TriggerPlan, ...]:
    """The triggers with names in whose order PostgreSQL fires them as SQLite does, which is the last one created first."""
    named: list[plan.TriggerPlan] = []
    functions = naming.Names()
    for position, one in enumerate(made.triggers):
        if one.reason:
            named.append(one)
            continue
        alike = [
            at
            for at, other in enumerate(made.triggers)
            if not other.reason and (other.table, other.timing, other.event) == (one.table, one.timing, one.event)
        ]
        number = len(alike) - alike.index(position)
        plain = len(alike) == 1 and not one.dependent and one.name >= _FIRST and not one.name.startswith(_OWN)
        wanted = one.name if plain else f"t{number:03}_{one.name}"
        named.append(dataclasses.replace(one, target=functions.give(wanted)))
    return tuple(named)


def _report(made: plan.Plan, found: findings.Findings) -> None:
    views_left = [f"{one.name} ({one.reason})" for one in made.views if one.reason]
    if views_left:
        found.add(
            plan.Severity.WARNING,
            code="views_left_out",
            message=f"{_counted(views_left, 'view')} left out: {_shown(views_left)}",
            remedy="Statements that read it are refused after the switch: move its query into the application, or change it",
            count=len(views_left),
        )
    triggers_left = [f"{one.name} ({one.reason})" for one in made.triggers if one.reason]
    if triggers_left:
        found.add(
            plan.Severity.WARNING,
            code="triggers_left_out",
            message=f"{_counted(triggers_left, 'trigger')} left out: {_shown(triggers_left)}",
            remedy="Statements that fire it are refused after the switch: rewrite it, or move its work into the application",
            count=len(triggers_left),
        )
    for view in made.views:
        if not view.reason and not view.definition:
            found.add(
                plan.Severity.INFO,
                code="view_not_created",
                message=f"the view {view.name} calls functions of schema outgrow: PostgreSQL gets no view of that name, and "
                "statements of the application that read it are translated all the same",
                remedy=f"If it is wanted after outgrow is gone: CREATE VIEW {identifiers.quote(view.name)} AS …",
            )
    for trigger in made.triggers:
        if trigger.single:
            found.add(
                plan.Severity.INFO,
                code="trigger_single_rows",
                message=f"the trigger {trigger.name} reads the table that it belongs to: PostgreSQL refuses statements that "
                "change several rows at once and fire it",
                remedy="Nothing to do if the application changes such rows one by one; or rewrite the trigger",
                table=trigger.table,
            )
        if trigger.dependent:
            found.add(
                plan.Severity.INFO,
                code="trigger_dependent",
                message=f"the trigger {trigger.name} calls functions of schema outgrow, and is dropped with it",
                remedy="Write the trigger again for PostgreSQL before the schema outgrow goes",
                table=trigger.table,
            )


def _counted(names: Sequence[str], kind: str) -> str:
    return f"{len(names)} {kind}{'s' if len(names) > 1 else ''}"


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
