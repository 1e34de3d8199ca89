"""What is awkward in the file: planted in the way it really got there, and registered so that it can be found.

`PLANTED` are single values, each with the query that counts it; `ORPHANS` are dangling foreign keys;
`SEQUENCE_AHEAD` are tables whose highest ids were deleted. The numbers do not depend on the scale.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import random
import sqlite3
from typing import Any

from examples.homeverse import content
from examples.homeverse.tables import Sizes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Planted:
    """`rows` awkward rows in `table.column`, found by the query `find` (one number), and how they got there.

    `refused` says that PostgreSQL refuses the value in the type the column was declared to have.
    """

    name: str
    table: str
    column: str
    rows: int
    refused: bool
    find: str
    story: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Orphans:
    """`rows` rows of `table` whose `column` names a row of `parent` that does not exist, and why not."""

    table: str
    column: str
    parent: str
    rows: int
    story: str


PLANTED = (
    Planted(
        name="NUL inside a text",
        table="contact_submissions",
        column="message",
        rows=1,
        refused=True,
        find="SELECT count(*) FROM contact_submissions WHERE instr(CAST(message AS BLOB), x'00') > 0",
        story="A mobile keyboard put U+0000 into the form; Python binds it, SQLite stores it, length() stops at it.",
    ),
    Planted(
        name="text that is not UTF-8",
        table="applicants",
        column="import_line",
        rows=1,
        refused=True,
        find="SELECT count(*) FROM applicants WHERE instr(CAST(import_line AS BLOB), x'416E6472E93B') > 0",
        story="A waiting list saved as CSV by a spreadsheet in latin-1, taken in with the sqlite3 shell's .import. "
        "The name was corrected by hand, the kept line was not; sqlite3 in Python cannot even read it as str.",
    ),
    Planted(
        name="'yes' in a BOOLEAN",
        table="applicants",
        column="is_first_time_buyer",
        rows=1,
        refused=False,
        find="SELECT count(*) FROM applicants WHERE is_first_time_buyer = 'yes'",
        story="The same CSV import: the other lines said 1 and 0. PostgreSQL would accept the word and make it true, "
        "which is no longer what is stored.",
    ),
    Planted(
        name="'n/a' in an INTEGER",
        table="applicants",
        column="credit_score",
        rows=1,
        refused=True,
        find="SELECT count(*) FROM applicants WHERE credit_score = 'n/a'",
        story="The same CSV import: a score the bank had not returned. INTEGER is an affinity, not a type.",
    ),
    Planted(
        name="'' in a DATE",
        table="applicants",
        column="date_of_birth",
        rows=2,
        refused=True,
        find="SELECT count(*) FROM applicants WHERE date_of_birth = ''",
        story="An optional form field, sent empty and bound as it came.",
    ),
    Planted(
        name="half rooms in an INTEGER",
        table="projects",
        column="rooms",
        rows=3,
        refused=True,
        find="SELECT count(*) FROM projects WHERE typeof(rooms) = 'real'",
        story="A Swiss tenant counts in half rooms; SQLite keeps 3.5 in an INTEGER column as a REAL.",
    ),
    Planted(
        name="NaN in JSON",
        table="report_runs",
        column="summary",
        rows=1,
        refused=True,
        find="SELECT count(*) FROM report_runs WHERE summary LIKE '%NaN%'",
        story="The mean of an empty list, written by Python's json.dumps, which knows NaN where JSON does not.",
    ),
    Planted(
        name="'' in JSON",
        table="report_runs",
        column="parameters",
        rows=1,
        refused=True,
        find="SELECT count(*) FROM report_runs WHERE parameters = ''",
        story="An API client posted an empty body, stored as received.",
    ),
    Planted(
        name="more than 20 characters in a VARCHAR(20)",
        table="applicants",
        column="phone",
        rows=1,
        refused=True,
        find="SELECT count(*) FROM applicants WHERE length(phone) > 20",
        story="Somebody typed the extension and when to call. SQLite does not look at the 20.",
    ),
    Planted(
        name="integers beyond 32 and 53 bits",
        table="activities",
        column="entity_id",
        rows=2,
        refused=False,
        find="SELECT count(*) FROM activities WHERE entity_id > 2147483647",
        story="Ids of an external CRM, logged as they are. int4 refuses them, a double would change one.",
    ),
    Planted(
        name="e-mail addresses differing only by case",
        table="applicants",
        column="email",
        rows=2,
        refused=False,
        find="SELECT count(*) FROM applicants WHERE company_id || ' ' || lower(email) IN"
        " (SELECT company_id || ' ' || lower(email) FROM applicants GROUP BY 1 HAVING count(*) > 1)",
        story="UNIQUE (company_id, email) compares bytes here (users.email is the NOCASE one): "
        "the same person applied from a phone that capitalises.",
    ),
    Planted(
        name="text of 200 KB",
        table="contact_submissions",
        column="message",
        rows=1,
        refused=False,
        find="SELECT count(*) FROM contact_submissions WHERE length(CAST(message AS BLOB)) >= 204800",
        story="A whole mail thread pasted into the contact form.",
    ),
    Planted(
        name="control characters and COPY's own words",
        table="contact_submissions",
        column="message",
        rows=1,
        refused=False,
        find=r"SELECT count(*) FROM contact_submissions WHERE instr(message, char(31)) > 0"
        r" AND instr(message, char(30)) > 0 AND instr(message, char(10) || '\.' || char(10)) > 0",
        story=r"Pasted from a terminal: U+001F, U+001E, \N, and a line that holds \. and nothing else.",
    ),
    Planted(
        name="every nullable column NULL",
        table="applicants",
        column="email",
        rows=1,
        refused=False,
        find="SELECT count(*) FROM applicants WHERE coalesce(first_name, last_name, email, phone, date_of_birth,"
        " household_size, annual_income, credit_score, is_first_time_buyer, preferences, notes, created_at,"
        " updated_at, import_line) IS NULL",
        story="Written by hand in the sqlite3 shell while testing; every other table has such a row too.",
    ),
)

ORPHANS = (
    Orphans(
        table="activities", column="user_id", parent="users", rows=55,
        story="25 from start-up on: the application logs system.startup as user 0, who never existed. "
        "30 of three users who were deleted: ON DELETE SET NULL did not run.",
    ),
    Orphans(table="activities", column="company_id", parent="companies", rows=3, story="A tenant who left."),
    Orphans(table="users", column="company_id", parent="companies", rows=2, story="A tenant who left."),
    Orphans(table="applicants", column="company_id", parent="companies", rows=3, story="A tenant who left."),
    Orphans(
        table="companies", column="parent_company_id", parent="companies", rows=1,
        story="The subsidiary of the tenant who left stayed.",
    ),
    Orphans(
        table="companies", column="owner_user_id", parent="users", rows=1,
        story="Owned by a deleted user (companies and users refer to each other).",
    ),
    Orphans(
        table="matches", column="applicant_id", parent="applicants", rows=12,
        story="Twelve test applicants, deleted after a demonstration.",
    ),
    Orphans(
        table="applicant_embeddings", column="applicant_id", parent="applicants", rows=12,
        story="The vectors of the test applicants.",
    ),
    Orphans(table="matches", column="project_id", parent="projects", rows=8, story="A cancelled project."),
    Orphans(table="project_embeddings", column="project_id", parent="projects", rows=2, story="A cancelled project."),
    Orphans(table="investments", column="project_id", parent="projects", rows=2, story="A cancelled project."),
    Orphans(table="matches", column="decided_by", parent="users", rows=4, story="Deleted users."),
    Orphans(table="contact_submissions", column="handled_by", parent="users", rows=1, story="Deleted users."),
    Orphans(table="report_runs", column="requested_by", parent="users", rows=2, story="Deleted users."),
    Orphans(table="investments", column="investor_id", parent="users", rows=1, story="Deleted users."),
    Orphans(table="notifications", column="user_id", parent="users", rows=9, story="Deleted users."),
    Orphans(
        table="investment_valuations", column="investment_id", parent="investments", rows=4,
        story="An investment entered twice; one was deleted, its valuations were not.",
    ),
)  # fmt: skip

# Tables whose highest ids were deleted: a sequence set to max(id) would hand out ids that were in use before.
SEQUENCE_AHEAD = ("companies", "users", "applicants", "projects", "contact_submissions")

CREATED = "2025-11-28 19:00:00"


def plant(connection: sqlite3.Connection, rng: random.Random, sizes: Sizes) -> None:
    """Write everything registered above, inside the caller's transaction; the deletions come last."""
    _rows_without_anything(connection)
    _csv_import(connection)
    _forms_and_clients(connection, rng)
    _start_up(connection)
    _departed_users(connection)
    _test_applicants(connection, rng, sizes)
    _cancelled_project(connection, rng, sizes)
    _departed_tenant(connection)
    _double_investment(connection, rng)
    _spam(connection)


def _insert(connection: sqlite3.Connection, table: str, **values: Any) -> int:
    columns = ", ".join(f'"{column}"' for column in values)
    places = ", ".join("?" for _ in values)
    cursor = connection.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({places})', tuple(values.values()))
    return cursor.lastrowid or 0


def _rows_without_anything(connection: sqlite3.Connection) -> None:
    """In each table a row in which every nullable column is NULL, the ones with a default included."""
    bare: dict[str, dict[str, Any]] = {
        "companies": {"name": "", "slug": "", "plan": "trial", "is_active": 0},
        "users": {"company_id": 1, "email": "", "password_hash": "", "role": "viewer"},
        "applicants": {"company_id": 1, "status": "new"},
        "projects": {"company_id": 1, "name": "", "status": "draft"},
        "matches": {"company_id": 1, "status": "suggested"},
        "activities": {"type": ""},
        "contact_submissions": {"name": ""},
        "report_runs": {"id": "", "company_id": 1, "report_type": "", "status": "queued"},
        "investments": {"id": "", "company_id": 1, "amount": 0, "currency": ""},
        "investment_valuations": {"investment_id": "", "valued_on": "1970-01-01", "value": 0},
        "notifications": {"user_id": 1, "type": "info", "title": "", "is_read": 0},
        "applicant_embeddings": {"model": ""},
        "project_embeddings": {"model": ""},
    }
    ids: dict[str, int] = {}
    for table, values in bare.items():
        row: dict[str, Any] = {
            column: None
            for _, column, _, notnull, _, key in connection.execute(f"PRAGMA table_info({table})").fetchall()
            if not notnull and not key
        }
        row |= values
        if table in ("matches", "applicant_embeddings"):
            row["applicant_id"] = ids["applicants"]
        if table in ("matches", "project_embeddings"):
            row["project_id"] = ids["projects"]
        if table in ("applicant_embeddings", "project_embeddings"):
            row["embedding"] = connection.execute(f"SELECT embedding FROM {table} LIMIT 1").fetchone()[0]
        ids[table] = _insert(connection, table, **row)


def _csv_import(connection: sqlite3.Connection) -> None:
    """A waiting list from a spreadsheet, through the sqlite3 shell: no application code looked at it."""
    lines: tuple[tuple[str, str, bytes, Any, Any], ...] = (
        ("Marit", "Lund", b"Marit;Lund;1;640", 1, 640),
        ("André", "Lefèvre", "André;Lefèvre;0;702".encode("latin-1"), 0, 702),  # the file was latin-1
        ("Søren", "Holm", "Søren;Holm;yes;588".encode(), "yes", 588),  # the words of whoever typed the list
        ("Ana", "Costa", b"Ana;Costa;1;n/a", 1, "n/a"),  # the bank had not answered
    )
    for given, family, line, buyer, score in lines:
        connection.execute(
            "INSERT INTO applicants (company_id, first_name, last_name, is_first_time_buyer, credit_score,"
            " created_at, updated_at, import_line) VALUES (2, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT))",
            (given, family, buyer, score, CREATED, CREATED, line),
        )


def _forms_and_clients(connection: sqlite3.Connection, rng: random.Random) -> None:
    """Values the application bound as they came, from forms, a keyboard, a clipboard and other programs."""
    stamped = {"created_at": CREATED, "updated_at": CREATED}
    for email in ("Ingrid.Solberg@example.org", "ingrid.solberg@example.org"):
        _insert(connection, "applicants", company_id=1, first_name="Ingrid", email=email, date_of_birth="", **stamped)
    phone = "+41 44 668 18 00 ext. 12 (after 5 pm)"
    _insert(connection, "applicants", company_id=3, first_name="Zoë", phone=phone, **stamped)
    for rooms in (2.5, 3.5, 4.5):
        name = f"Limmatblick {rooms}-Zimmer"
        _insert(connection, "projects", company_id=3, name=name, rooms=rooms, price=1_250_000, **stamped)

    messages = (
        "Is the flat still free?\x00 Greetings, Kim",
        "$ psql\n\x1fname\x1e\\N\n\\.\nstill the same message\r\n\tC:\\new\\table\\x41",
        content.long_text(rng, 200 * 1024),
    )
    for message in messages:
        _insert(connection, "contact_submissions", name="Kim", message=message, created_at=CREATED)

    reports = (("{}", '{"rows": 0, "mean": NaN}'), ("", None))
    for parameters, summary in reports:
        _insert(
            connection, "report_runs", id=f"{rng.getrandbits(128):032x}", company_id=1, report_type="occupancy",
            parameters=parameters, summary=summary, status="done", row_count=0,
            started_at="2025-11-28T19:00:00.000001", finished_at="2025-11-28T19:00:00.250000",
        )  # fmt: skip
    for crm_id in (3_000_000_000, 9_007_199_254_740_993):
        _insert(
            connection, "activities", company_id=1, user_id=1, type="crm.synced", entity_type="crm",
            entity_id=crm_id, timestamp="2025-11-28T19:00:00.000001",
        )  # fmt: skip


def _start_up(connection: sqlite3.Connection) -> None:
    """Each start of the application logs itself as user 0, who is nobody."""
    for restart in range(25):
        moment = content.BEGINNING + datetime.timedelta(days=97 * restart)
        _insert(
            connection, "activities", company_id=1, user_id=0, type="system.startup",
            description="HomeVerse is up 🚀", metadata=json.dumps({"version": f"1.{restart}"}),
            timestamp=content.sql_text(moment),
        )  # fmt: skip


def _departed_users(connection: sqlite3.Connection) -> None:
    """Three users, newest in the table, were deleted; what they did stayed and still names them."""
    users = [
        _insert(
            connection, "users", company_id=1, email=f"departed{number}@example.com", password_hash="!",
            full_name="Departed", role="agent", created_at=CREATED,
        )
        for number in range(3)
    ]  # fmt: skip
    for user in users:
        for _ in range(10):
            _insert(connection, "activities", company_id=1, user_id=user, type="login", timestamp=CREATED)
        for _ in range(3):
            _insert(connection, "notifications", user_id=user, title="Ny match 🎉", created_at=CREATED)
    for number, user in enumerate(users[:2]):
        _insert(
            connection, "report_runs", id=f"{number:032x}", company_id=1, requested_by=user, report_type="gdpr-export"
        )
    _insert(connection, "contact_submissions", name="Bo", handled_by=users[0], created_at=CREATED)
    _insert(
        connection, "investments", id="00000000-0000-4000-8000-000000000001", company_id=1, investor_id=users[1],
        amount=2500.5, invested_at=CREATED,
    )  # fmt: skip
    connection.execute(
        "UPDATE matches SET decided_by = ? WHERE id IN (SELECT id FROM matches ORDER BY id LIMIT 4)", (users[2],)
    )
    connection.execute("UPDATE companies SET owner_user_id = ? WHERE id = 2", (users[2],))
    connection.executemany("DELETE FROM users WHERE id = ?", [(user,) for user in users])


def _test_applicants(connection: sqlite3.Connection, rng: random.Random, sizes: Sizes) -> None:
    """Twelve applicants made for a demonstration and deleted after it: no cascade reached matches and vectors."""
    topic = content.centroids(rng, sizes.dims, 1)[0]
    for number in range(12):
        name = {"first_name": "Test", "last_name": f"Testesen {number}"}
        applicant = _insert(connection, "applicants", company_id=1, created_at=CREATED, updated_at=CREATED, **name)
        _insert(
            connection, "matches", company_id=1, applicant_id=applicant, project_id=1, score=0.5, created_at=CREATED
        )
        _insert(
            connection, "applicant_embeddings", applicant_id=applicant, model=content.MODELS[0],
            embedding=content.embedding(rng, topic), created_at=CREATED,
        )  # fmt: skip
    connection.execute("DELETE FROM applicants WHERE last_name LIKE 'Testesen %'")


def _cancelled_project(connection: sqlite3.Connection, rng: random.Random, sizes: Sizes) -> None:
    """The newest project was cancelled and deleted; matches, vectors and investments still name it."""
    project = _insert(connection, "projects", company_id=2, name="Cancelled", created_at=CREATED, updated_at=CREATED)
    for applicant in range(2, 10):
        _insert(connection, "matches", company_id=2, applicant_id=applicant, project_id=project, created_at=CREATED)
    topic = content.centroids(rng, sizes.dims, 1)[0]
    for model in content.MODELS:
        _insert(
            connection, "project_embeddings", project_id=project, model=model,
            embedding=content.embedding(rng, topic), created_at=CREATED,
        )  # fmt: skip
    for number in (2, 3):
        _insert(
            connection, "investments", id=f"00000000-0000-4000-8000-{number:012x}", company_id=2,
            project_id=project, amount=number * 1000, invested_at=CREATED,
        )  # fmt: skip
    connection.execute("DELETE FROM projects WHERE id = ?", (project,))


def _departed_tenant(connection: sqlite3.Connection) -> None:
    """A tenant left and only its row in companies was deleted, by somebody who trusted ON DELETE CASCADE."""
    tenant = _insert(connection, "companies", name="Left & Gone", slug="left-and-gone", created_at=CREATED)
    for number in range(2):
        _insert(
            connection, "users", company_id=tenant, email=f"user{number}@left.example", password_hash="!",
            created_at=CREATED,
        )  # fmt: skip
    # one more, deleted as well, so that the highest id of users is gone too
    last = _insert(connection, "users", company_id=tenant, email="last@left.example", password_hash="!")
    connection.execute("DELETE FROM users WHERE id = ?", (last,))
    for _ in range(3):
        _insert(connection, "applicants", company_id=tenant, last_name="Lost", created_at=CREATED, updated_at=CREATED)
        _insert(connection, "activities", company_id=tenant, type="login", timestamp=CREATED)
    gone = _insert(connection, "applicants", company_id=tenant)
    connection.execute("DELETE FROM applicants WHERE id = ?", (gone,))
    connection.execute("UPDATE companies SET parent_company_id = ? WHERE id = 3", (tenant,))
    connection.execute("DELETE FROM companies WHERE id = ?", (tenant,))


def _double_investment(connection: sqlite3.Connection, rng: random.Random) -> None:
    """An investment was entered twice and one of the two deleted; its valuations stayed."""
    identity = content.uuid4(rng)
    _insert(connection, "investments", id=identity, company_id=1, amount=9999.99, invested_at=CREATED)
    for month in range(1, 5):
        _insert(
            connection, "investment_valuations", investment_id=identity, valued_on=f"2025-{month:02}-28", value=10_000
        )
    connection.execute("DELETE FROM investments WHERE id = ?", (identity,))


def _spam(connection: sqlite3.Connection) -> None:
    """The newest contact submissions were spam and are deleted: ids that were seen in e-mails are never used again."""
    for _ in range(5):
        _insert(connection, "contact_submissions", name="WIN NOW", is_spam=1, created_at=CREATED)
    connection.execute("DELETE FROM contact_submissions WHERE name = 'WIN NOW'")
