"""The plan as plain data: what the target keeps as JSON, and what whoever reads it there makes of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from outgrow.model import plan

__all__ = ["from_data", "to_data"]


def to_data(planned: plan.Plan) -> dict[str, Any]:
    """The plan as plain data for JSON, with each table's key and each column's codec."""
    data = dataclasses.asdict(planned)
    for table in data["tables"]:
        for column in table["columns"]:
            column["type"] = column["sql_type"]
            column["generation"] = column["generated"]
            column["generated"] = column["generated"] is not None
    return data


def from_data(data: Mapping[str, Any]) -> plan.Plan:
    """The inverse of `to_data`."""

    def column(found: Mapping[str, Any]) -> plan.ColumnPlan:
        fields = {key: value for key, value in found.items() if key not in ("type", "generation")}
        return plan.ColumnPlan(**{**fields, "generated": found["generation"]})

    def table(found: Mapping[str, Any]) -> plan.TablePlan:
        return plan.TablePlan(
            **{
                **found,
                "columns": tuple(column(one) for one in found["columns"]),
                "key": tuple(found["key"]),
                "scan": tuple(found["scan"]),
                "primary_key": tuple(found["primary_key"]),
                "indexes": tuple(plan.IndexPlan(**{**i, "terms": tuple(i["terms"])}) for i in found["indexes"]),
                "foreign_keys": tuple(plan.ConstraintPlan(**one) for one in found["foreign_keys"]),
                "checks": tuple(plan.ConstraintPlan(**one) for one in found["checks"]),
            }
        )

    def trigger(found: Mapping[str, Any]) -> plan.TriggerPlan:
        return plan.TriggerPlan(
            **{**found, **{name: tuple(found[name]) for name in ("columns", "reads", "writes")}}  # JSON has lists only
        )

    return plan.Plan(
        source=data["source"],
        schema=data["schema"],
        encoding=data["encoding"],
        tables=tuple(table(one) for one in data["tables"]),
        omissions=tuple(plan.Omission(**one) for one in data["omissions"]),
        overrides=tuple(plan.Override(**one) for one in data["overrides"]),
        findings=tuple(
            plan.Finding(**{**one, "severity": plan.Severity(one["severity"]), "examples": tuple(one["examples"])})
            for one in data["findings"]
        ),
        extensions=tuple(data["extensions"]),
        # A migration that an earlier version began has neither.
        views=tuple(plan.ViewPlan(**{**one, "columns": tuple(one["columns"])}) for one in data.get("views", ())),
        triggers=tuple(trigger(one) for one in data.get("triggers", ())),
    )
