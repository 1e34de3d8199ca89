"""Lists: conditions that the request asks for, and a page of what meets them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any

import fastapi

from examples.homeverse import database


@dataclasses.dataclass(frozen=True, kw_only=True)
class Page:
    """Which part of a list."""

    limit: int
    offset: int


def asked(
    limit: Annotated[int, fastapi.Query(ge=1, le=200)] = 20, offset: Annotated[int, fastapi.Query(ge=0)] = 0
) -> Page:
    return Page(limit=limit, offset=offset)


Asked = Annotated[Page, fastapi.Depends(asked)]


class Where:
    """Conditions and their parameters, gathered one by one; a condition whose value is None does not count."""

    def __init__(self, condition: str, *parameters: Any) -> None:
        self.conditions = [condition]
        self.parameters = list(parameters)

    def add(self, condition: str, *values: Any) -> Where:
        """One more condition."""
        if None not in values:
            self.conditions.append(condition)
            self.parameters += values
        return self

    @property
    def sql(self) -> str:
        return " AND ".join(f"({condition})" for condition in self.conditions)


def listed(
    db: database.Connection,
    columns: str,
    source: str,
    where: Where,
    order: str,
    page: Page,
    show: Callable[[database.Row], dict[str, Any]] = dict,
) -> dict[str, Any]:
    """One page of a query, and how many rows there are in all."""
    total = db.execute(f"SELECT COUNT(*) FROM {source} WHERE {where.sql}", where.parameters).fetchone()[0]
    rows = db.execute(
        f"SELECT {columns} FROM {source} WHERE {where.sql} ORDER BY {order} LIMIT ? OFFSET ?",
        (*where.parameters, page.limit, page.offset),
    ).fetchall()
    return {"items": [show(row) for row in rows], "total": total, "limit": page.limit, "offset": page.offset}
