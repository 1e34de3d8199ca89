"""Projects: the homes that a company has to give."""

from __future__ import annotations

import json
from typing import Any, Literal

import fastapi
import pydantic

from examples.homeverse import activity, database, matching, pages, security

router = fastapi.APIRouter(prefix="/projects", tags=["projects"])

COLUMNS = (
    "id, company_id, name, description, location, property_type, price, rooms, area_sqm, latitude, longitude, amenities,"
    ' status, is_featured, available_from, created_at, updated_at, "order"'
)
Status = Literal["draft", "published", "reserved", "sold", "archived"]


class Change(pydantic.BaseModel):
    name: str | None = pydantic.Field(default=None, min_length=1)
    description: str | None = None
    location: str | None = None
    property_type: str | None = None
    price: float | None = pydantic.Field(default=None, ge=0)
    rooms: float | None = pydantic.Field(default=None, ge=0)
    area_sqm: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    amenities: list[str] | None = None
    status: Status | None = None
    is_featured: bool | None = None
    available_from: str | None = pydantic.Field(default=None, pattern=r"^\d{4}-\d\d-\d\d$")
    order: int | None = None


class Project(Change):
    name: str = pydantic.Field(min_length=1)
    status: Status = "draft"
    location: str = ""


def _shown(row: database.Row) -> dict[str, Any]:
    return database.shown(row, documents=["amenities"], flags=["is_featured"])


def _stored(given: dict[str, Any]) -> dict[str, Any]:
    """Values as the columns hold them, by quoted name: `order` is a word of SQL."""
    if given.get("amenities") is not None:
        given["amenities"] = json.dumps(given["amenities"], ensure_ascii=False)
    if given.get("is_featured") is not None:
        given["is_featured"] = int(given["is_featured"])
    return {f'"{name}"': value for name, value in given.items()}


def find(db: database.Connection, user: security.User, project_id: int) -> database.Row:
    """A project that the user may see: applicants and investors see what is not a draft."""
    row = db.execute(
        f"SELECT {COLUMNS} FROM projects WHERE id = ? AND company_id = ?", (project_id, user.company_id)
    ).fetchone()
    if row is None or (row["status"] == "draft" and user.role in ("applicant", "investor")):
        raise fastapi.HTTPException(404, "There is no such project")
    found: database.Row = row
    return found


@router.get("")
def index(
    user: security.Member,
    db: database.Db,
    page: pages.Asked,
    status: Status | None = None,
    q: str | None = None,
    property_type: str | None = None,
    min_price: float | None = None,
    max_price: float | None = None,
    rooms: float | None = None,
    featured: bool | None = None,
    amenity: str | None = None,
    sort: Literal["newest", "price", "order"] = "newest",
) -> dict[str, Any]:
    where = pages.Where("company_id = ?", user.company_id)
    where.add("status = ?", status).add("property_type = ?", property_type).add("rooms = ?", rooms)
    where.add("price >= ?", min_price).add("price <= ?", max_price)
    where.add("COALESCE(is_featured, 0) = ?", None if featured is None else int(featured))
    if q is not None:
        where.add(r"name LIKE ? ESCAPE '\' OR description LIKE ? ESCAPE '\'", database.like(q), database.like(q))
    where.add("EXISTS (SELECT 1 FROM json_each(projects.amenities) WHERE json_each.value = ?)", amenity)
    if user.role in ("applicant", "investor"):
        where.add("status <> 'draft'")
    order = {
        "newest": "created_at DESC, id DESC",
        "price": "CASE WHEN price IS NULL THEN 1 ELSE 0 END, price, id",
        "order": '"order", id',
    }[sort]
    return pages.listed(db, COLUMNS, "projects", where, order, page, _shown)


@router.get("/overview")
def overview(user: security.Reader, db: database.Db) -> list[dict[str, Any]]:
    """Each project with its matches, as the dashboard's view has it."""
    rows = db.execute(
        "SELECT id, name, status, price, match_count, average_score, accepted_count FROM project_overview"
        " WHERE company_id = ? ORDER BY match_count DESC, id",
        (user.company_id,),
    )
    return [dict(row) for row in rows]


@router.post("", status_code=201)
def create(wanted: Project, user: security.Manager, db: database.Db) -> dict[str, Any]:
    given = _stored(wanted.model_dump(exclude_none=True))
    names, places = ", ".join(given), ", ".join("?" for _ in given)
    with db:
        project_id = db.execute(
            f"INSERT INTO projects (company_id, {names}) VALUES (?, {places})", (user.company_id, *given.values())
        ).lastrowid
        assert project_id is not None
        row = find(db, user, project_id)
        matching.embed_project(db, row)
        activity.record(db, user, "project.created", "project", project_id, wanted.name)
    return _shown(row)


@router.get("/{project_id}")
def show(project_id: int, user: security.Member, db: database.Db) -> dict[str, Any]:
    return _shown(find(db, user, project_id))


@router.patch("/{project_id}")
def change(project_id: int, wanted: Change, user: security.Manager, db: database.Db) -> dict[str, Any]:
    """Change what is given; a trigger keeps `updated_at`."""
    given = _stored(wanted.model_dump(exclude_unset=True))
    with db:
        find(db, user, project_id)
        if given:
            changes = ", ".join(f"{name} = ?" for name in given)
            db.execute(f"UPDATE projects SET {changes} WHERE id = ?", (*given.values(), project_id))
        row = find(db, user, project_id)
        matching.embed_project(db, row)
        activity.record(db, user, "project.updated", "project", project_id)
    return _shown(row)


@router.post("/{project_id}/reserve")
def reserve(project_id: int, user: security.Agent, db: database.Db) -> dict[str, Any]:
    """Take a published project off the market; of two who want to, one can."""
    with db:
        find(db, user, project_id)
        reserved = db.execute(
            "UPDATE projects SET status = 'reserved' WHERE id = ? AND status = 'published'", (project_id,)
        ).rowcount
        if not reserved:
            raise fastapi.HTTPException(409, "The project cannot be reserved")
        activity.record(db, user, "project.reserved", "project", project_id)
    return _shown(find(db, user, project_id))


@router.delete("/{project_id}", status_code=204)
def delete(project_id: int, user: security.Manager, db: database.Db) -> None:
    """Remove a project that nobody has put money into."""
    with database.immediate(db):
        find(db, user, project_id)
        if db.execute("SELECT 1 FROM investments WHERE project_id = ? LIMIT 1", (project_id,)).fetchone():
            raise fastapi.HTTPException(409, "There are investments in this project")
        for table in ("matches", "project_embeddings"):
            db.execute(f"DELETE FROM {table} WHERE project_id = ?", (project_id,))
        db.execute("DELETE FROM projects WHERE id = ?", (project_id,))
        activity.record(db, user, "project.deleted", "project", project_id)
