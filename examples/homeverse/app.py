"""HomeVerse's HTTP interface: `uvicorn examples.homeverse.app:app`, with the file's path in HOMEVERSE_DATABASE."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import fastapi
from fastapi import concurrency, responses

from examples.homeverse import activity, database
from examples.homeverse.routers import (
    activities,
    applicants,
    auth,
    companies,
    contact,
    health,
    investments,
    matches,
    notifications,
    projects,
    reports,
    users,
)


def _start() -> None:
    database.init_schema()
    with contextlib.closing(database.connect()) as connection:
        activity.started(connection)


@contextlib.asynccontextmanager
async def _lifespan(_: fastapi.FastAPI) -> AsyncIterator[None]:
    await concurrency.run_in_threadpool(_start)
    yield


app = fastapi.FastAPI(title="HomeVerse", lifespan=_lifespan)
for module in (
    auth, companies, users, applicants, projects, matches, investments, notifications, reports, activities, contact, health,
):  # fmt: skip
    app.include_router(module.router)


@app.exception_handler(database.IntegrityError)
def _conflict(_: fastapi.Request, problem: Exception) -> responses.JSONResponse:
    """What the schema does not allow: taken already (409), or not one of the values that there are (422)."""
    status = 409 if str(problem).startswith("UNIQUE constraint failed") else 422
    return responses.JSONResponse({"detail": str(problem)}, status_code=status)


@app.exception_handler(database.OperationalError)
def _unavailable(_: fastapi.Request, problem: Exception) -> responses.JSONResponse:
    """Another writer was at work for too long: the client may come again. Anything else is a defect."""
    if "locked" not in str(problem):
        raise problem
    return responses.JSONResponse({"detail": str(problem)}, status_code=503, headers={"Retry-After": "1"})
