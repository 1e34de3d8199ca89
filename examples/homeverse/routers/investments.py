"""Investments and what they are worth; an investor sees the own ones only."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

import fastapi
import pydantic

from examples.homeverse import activity, database, pages, security
from examples.homeverse.routers import projects

router = fastapi.APIRouter(prefix="/investments", tags=["investments"])

COLUMNS = (
    "i.id, i.project_id, i.investor_id, i.amount, i.currency, i.share_percent, i.status, i.is_reinvested, i.invested_at,"
    " (SELECT v.value FROM investment_valuations v WHERE v.investment_id = i.id ORDER BY v.valued_on DESC LIMIT 1) AS value"
)
Day = Annotated[str, fastapi.Path(pattern=r"^\d{4}-\d\d-\d\d$")]


class Investment(pydantic.BaseModel):
    project_id: int
    investor_id: int | None = None
    amount: float = pydantic.Field(gt=0)
    currency: str = pydantic.Field(default="EUR", min_length=3, max_length=3)
    share_percent: float | None = pydantic.Field(default=None, ge=0, le=100)
    is_reinvested: bool = False


class Payment(pydantic.BaseModel):
    amount: float = pydantic.Field(gt=0)


class Valuation(pydantic.BaseModel):
    value: float = pydantic.Field(ge=0)
    method: Literal["index", "appraisal", "sale", "manual"] = "index"
    note: str | None = None


class NewStatus(pydantic.BaseModel):
    status: Literal["pending", "active", "exited", "cancelled"]


def _shown(row: database.Row) -> dict[str, Any]:
    return database.shown(row, flags=["is_reinvested"])


def _where(user: security.User) -> pages.Where:
    """What the user may see."""
    if user.role in ("agent", "applicant"):
        raise fastapi.HTTPException(403, f"Not for the role {user.role}")
    where = pages.Where("i.company_id = ?", user.company_id)
    return where.add("i.investor_id = ?", user.id) if user.role == "investor" else where


def find(db: database.Connection, user: security.User, investment_id: str) -> database.Row:
    where = _where(user).add("i.id = ?", investment_id)
    row = db.execute(f"SELECT {COLUMNS} FROM investments i WHERE {where.sql}", where.parameters).fetchone()
    if row is None:
        raise fastapi.HTTPException(404, "There is no such investment")
    found: database.Row = row
    return found


@router.get("")
def index(
    user: security.Member, db: database.Db, page: pages.Asked, status: str | None = None, project_id: int | None = None
) -> dict[str, Any]:
    where = _where(user).add("i.status = ?", status).add("i.project_id = ?", project_id)
    return pages.listed(db, COLUMNS, "investments i", where, "i.invested_at DESC, i.id", page, _shown)


@router.post("", status_code=201)
def create(wanted: Investment, user: security.Manager, db: database.Db) -> dict[str, Any]:
    investment_id = str(uuid.uuid4())
    with db:
        projects.find(db, user, wanted.project_id)
        db.execute(
            "INSERT INTO investments (id, company_id, project_id, investor_id, amount, currency, share_percent, is_reinvested)"
            " VALUES (:id, :company_id, :project_id, :investor_id, :amount, upper(:currency), :share_percent, :reinvested)",
            {
                "id": investment_id,
                "company_id": user.company_id,
                "reinvested": int(wanted.is_reinvested),
                **wanted.model_dump(exclude={"is_reinvested"}),
            },
        )
        activity.record(db, user, "investment.created", "investment", None, investment_id, amount=wanted.amount)
        if wanted.investor_id is not None:
            activity.notify(db, [wanted.investor_id], "info", "Your investment is registered", investment=investment_id)
    return _shown(find(db, user, investment_id))


@router.get("/{investment_id}")
def show(investment_id: str, user: security.Member, db: database.Db) -> dict[str, Any]:
    found = _shown(find(db, user, investment_id))
    valuations = db.execute(
        "SELECT valued_on, value, method, note FROM investment_valuations WHERE investment_id = ? ORDER BY valued_on",
        (investment_id,),
    )
    return {**found, "valuations": [dict(row) for row in valuations]}


@router.post("/{investment_id}/payments")
def pay(investment_id: str, wanted: Payment, user: security.Manager, db: database.Db) -> dict[str, Any]:
    """More money into an investment: the sum is computed here, so nobody else may write in between."""
    with database.immediate(db):
        before = find(db, user, investment_id)
        if before["status"] in ("exited", "cancelled"):
            raise fastapi.HTTPException(409, f"The investment is {before['status']}")
        amount = round(before["amount"] + wanted.amount, 2)
        db.execute("UPDATE investments SET amount = ? WHERE id = ?", (amount, investment_id))
        activity.record(db, user, "investment.paid", "investment", None, investment_id, amount=wanted.amount)
    return _shown(find(db, user, investment_id))


@router.post("/{investment_id}/status")
def move(investment_id: str, wanted: NewStatus, user: security.Manager, db: database.Db) -> dict[str, Any]:
    with db:
        find(db, user, investment_id)
        db.execute("UPDATE investments SET status = ? WHERE id = ?", (wanted.status, investment_id))
        activity.record(db, user, f"investment.{wanted.status}", "investment", None, investment_id)
    return _shown(find(db, user, investment_id))


@router.put("/{investment_id}/valuations/{valued_on}")
def value(
    investment_id: str, valued_on: Day, wanted: Valuation, user: security.Manager, db: database.Db
) -> dict[str, Any]:
    """What an investment was worth on a day; a second valuation of the day replaces the first."""
    with db:
        find(db, user, investment_id)
        db.execute(
            "INSERT OR REPLACE INTO investment_valuations (investment_id, valued_on, value, method, note)"
            " VALUES (?, ?, ?, ?, ?)",
            (investment_id, valued_on, wanted.value, wanted.method, wanted.note),
        )
        activity.record(db, user, "investment.valued", "investment", None, investment_id, value=wanted.value)
    return show(investment_id, user, db)
