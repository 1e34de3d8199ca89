"""Reports: counts and sums over a company's data, and a record of who had which one made."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any, Literal

import fastapi
import pydantic

from examples.homeverse import activity, database, pages, security

router = fastapi.APIRouter(prefix="/reports", tags=["reports"])


class Wanted(pydantic.BaseModel):
    report_type: Literal["pipeline", "occupancy", "portfolio", "activity", "demand"]
    parameters: dict[str, Any] = {}


def _pipeline(db: database.Connection, company_id: int) -> list[dict[str, Any]]:
    """Applicants by the month they came in."""
    rows = db.execute(
        "SELECT strftime('%Y-%m', created_at) AS month, COUNT(*) AS applicants,"
        " SUM(CASE WHEN status = 'approved' THEN 1 ELSE 0 END) AS approved,"
        " SUM(CASE WHEN status = 'housed' THEN 1 ELSE 0 END) AS housed,"
        " SUM(status IN ('rejected', 'withdrawn')) AS lost, ROUND(AVG(annual_income), 2) AS average_income"
        " FROM applicants WHERE company_id = ? GROUP BY month ORDER BY month",
        (company_id,),
    )
    return [dict(row) for row in rows]


def _occupancy(db: database.Connection, company_id: int) -> list[dict[str, Any]]:
    """Projects by their state."""
    rows = db.execute(
        "SELECT status, COUNT(*) AS projects, COALESCE(SUM(price), 0) AS worth, MIN(price) AS cheapest,"
        " MAX(price) AS dearest, ROUND(AVG(area_sqm), 1) AS average_area"
        " FROM projects WHERE company_id = ? GROUP BY status ORDER BY COUNT(*) DESC, status",
        (company_id,),
    )
    return [dict(row) for row in rows]


def _portfolio(db: database.Connection, company_id: int) -> list[dict[str, Any]]:
    """Investments by currency and state, at cost and at their last valuation."""
    rows = db.execute(
        "SELECT i.currency, i.status, COUNT(*) AS investments, ROUND(SUM(i.amount), 2) AS amount,"
        " ROUND(SUM(COALESCE(v.value, i.amount)), 2) AS value"
        " FROM investments i LEFT JOIN (SELECT investment_id, MAX(valued_on) AS valued_on FROM investment_valuations"
        " GROUP BY investment_id) latest ON latest.investment_id = i.id"
        " LEFT JOIN investment_valuations v ON v.investment_id = i.id AND v.valued_on = latest.valued_on"
        " WHERE i.company_id = ? GROUP BY i.currency, i.status ORDER BY i.currency, i.status",
        (company_id,),
    )
    return [dict(row) for row in rows]


def _activity(db: database.Connection, company_id: int) -> list[dict[str, Any]]:
    """What was done, by month and kind."""
    rows = db.execute(
        "SELECT month, type, activity_count, user_count FROM monthly_activity WHERE company_id = ? ORDER BY month, type",
        (company_id,),
    )
    return [dict(row) for row in rows]


def _demand(db: database.Connection, company_id: int) -> list[dict[str, Any]]:
    """Budgets that applicants have given, in classes of 100,000."""
    rows = db.execute(
        "SELECT CAST(budget / 100000 AS INTEGER) * 100000 AS budget, COUNT(*) AS applicants FROM ("
        " SELECT CASE WHEN json_valid(preferences) THEN json_extract(preferences, '$.budget.max') END AS budget"
        " FROM applicants WHERE company_id = ?)"
        " WHERE budget IS NOT NULL GROUP BY 1 HAVING COUNT(*) > 0 ORDER BY 1",
        (company_id,),
    )
    return [dict(row) for row in rows]


REPORTS: dict[str, Callable[[database.Connection, int], list[dict[str, Any]]]] = {
    "pipeline": _pipeline,
    "occupancy": _occupancy,
    "portfolio": _portfolio,
    "activity": _activity,
    "demand": _demand,
}


def _shown(row: database.Row) -> dict[str, Any]:
    return database.shown(row, documents=["parameters", "summary"])


@router.post("", status_code=201)
def run(wanted: Wanted, user: security.Manager, db: database.Db) -> dict[str, Any]:
    """Make a report, and keep it: it is running in one transaction, and done or failed in another."""
    with db:
        report_id = db.execute(
            "INSERT INTO report_runs (company_id, requested_by, report_type, parameters, status, started_at)"
            " VALUES (?, ?, ?, ?, 'running', ?) RETURNING id",
            (user.company_id, user.id, wanted.report_type, json.dumps(wanted.parameters), activity.now()),
        ).fetchone()["id"]
    try:
        rows = REPORTS[wanted.report_type](db, user.company_id)
    except Exception:
        with db:
            db.execute(
                "UPDATE report_runs SET status = 'failed', error = ?, finished_at = ? WHERE id = ?",
                (traceback.format_exc(), activity.now(), report_id),
            )
        raise
    with db:
        db.execute(
            "UPDATE report_runs SET status = 'done', row_count = ?, summary = ?, finished_at = ? WHERE id = ?",
            (len(rows), json.dumps({"rows": rows}, ensure_ascii=False), activity.now(), report_id),
        )
        activity.record(db, user, "report.made", "report", None, wanted.report_type, report=report_id)
        activity.notify(db, [user.id], "report", "Report ready", wanted.report_type, report=report_id)
    return show(report_id, user, db)


@router.get("")
def index(user: security.Reader, db: database.Db, page: pages.Asked, report_type: str | None = None) -> dict[str, Any]:
    where = pages.Where("company_id = ?", user.company_id).add("report_type = ?", report_type)
    columns = "id, report_type, parameters, status, row_count, summary, started_at, finished_at"
    return pages.listed(db, columns, "report_runs", where, "started_at DESC, id", page, _shown)


@router.get("/now/{report_type}")
def look(report_type: str, user: security.Reader, db: database.Db) -> list[dict[str, Any]]:
    """A report that is shown, and not kept."""
    if report_type not in REPORTS:
        raise fastapi.HTTPException(404, "There is no such report")
    return REPORTS[report_type](db, user.company_id)


@router.get("/{report_id}")
def show(report_id: str, user: security.Reader, db: database.Db) -> dict[str, Any]:
    row = db.execute(
        "SELECT id, report_type, parameters, status, row_count, summary, error, started_at, finished_at FROM report_runs"
        " WHERE id = ? AND company_id = ?",
        (report_id, user.company_id),
    ).fetchone()
    if row is None:
        raise fastapi.HTTPException(404, "There is no such report")
    return _shown(row)
