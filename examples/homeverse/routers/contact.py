"""The contact form of the web site: anybody may write, staff reads."""

from __future__ import annotations

from typing import Annotated, Any

import fastapi
import pydantic

from examples.homeverse import activity, database, pages, security

router = fastapi.APIRouter(prefix="/contact", tags=["contact"])

COLUMNS = 'id, name, email, phone, subject, message, "userAgent", is_spam, handled_by, created_at'


class Submission(pydantic.BaseModel):
    name: str = pydantic.Field(min_length=1)
    email: str | None = None
    phone: str | None = None
    subject: str = ""
    message: str = pydantic.Field(max_length=300_000)


def _shown(row: database.Row) -> dict[str, Any]:
    return database.shown(row, flags=["is_spam"])


@router.post("", status_code=201)
def submit(
    wanted: Submission, db: database.Db, user_agent: Annotated[str | None, fastapi.Header()] = None
) -> dict[str, Any]:
    """Keep a message; one with too many links is taken for spam."""
    with db:
        submission_id = db.execute(
            'INSERT INTO contact_submissions (name, email, phone, subject, message, "userAgent", is_spam)'
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                wanted.name,
                wanted.email,
                wanted.phone,
                wanted.subject,
                wanted.message,
                user_agent,
                wanted.message.count("http") > 3,
            ),
        ).lastrowid
    return {"id": submission_id}


@router.get("")
def index(
    user: security.Manager, db: database.Db, page: pages.Asked, open_only: bool = False, q: str | None = None
) -> dict[str, Any]:
    """The messages; not of a company, but of the platform."""
    where = pages.Where("COALESCE(is_spam, 0) = 0")
    if open_only:
        where.add("handled_by IS NULL")
    where.add(r"message LIKE ? ESCAPE '\'", None if q is None else database.like(q))
    return pages.listed(db, COLUMNS, "contact_submissions", where, "id DESC", page, _shown)


@router.post("/{submission_id}/handled")
def handle(submission_id: int, user: security.Manager, db: database.Db) -> dict[str, Any]:
    """Take a message; the first one who does has it."""
    with db:
        taken = db.execute(
            "UPDATE contact_submissions SET handled_by = ? WHERE id = ? AND handled_by IS NULL",
            (user.id, submission_id),
        ).rowcount
        if taken:
            activity.record(db, user, "contact.handled", "contact", submission_id)
    row = db.execute(f"SELECT {COLUMNS} FROM contact_submissions WHERE id = ?", (submission_id,)).fetchone()
    if row is None:
        raise fastapi.HTTPException(404, "There is no such message")
    if row["handled_by"] != user.id:
        raise fastapi.HTTPException(409, "Somebody else has it")
    return _shown(row)
