"""The ordinary rows of the thirteen tables, one generator a table.

Each generator yields tuples in the order of `COLUMNS`; ids run from 1 without gaps except in `activities`.
Everything here PostgreSQL can hold: what it cannot is planted by `awkward`.
"""

from __future__ import annotations

import dataclasses
import datetime
import random
from collections.abc import Callable, Iterator
from typing import Any

from examples.homeverse import content

Row = tuple[Any, ...]

MIDDLEWARE_SINCE = datetime.datetime(2021, 6, 1)
TRACEBACK = "Traceback (most recent call last):\n\tFile \"C:\\app\\reports.py\", line 12\nKeyError: 'øre'"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many rows of the tables from which all others follow; `dims` is the length of an embedding."""

    companies: int
    users: int
    applicants: int
    projects: int
    activities: int
    contact_submissions: int
    report_runs: int
    investments: int
    notifications: int
    dims: int

    @classmethod
    def at(cls, scale: float, *, dims: int) -> Sizes:
        """Sizes in proportion to `scale`, never less than what makes a working little platform."""
        if scale < 0 or dims < 1:
            raise ValueError(f"scale must not be negative and dims must be positive: {scale=}, {dims=}")
        companies = max(round(40 * scale), 4)
        return cls(
            companies=companies,
            users=max(round(400 * scale), companies * 4),
            applicants=max(round(5000 * scale), companies * 10),
            projects=max(round(600 * scale), companies * 8),
            activities=max(round(32_000 * scale), 200),
            contact_submissions=max(round(1200 * scale), 30),
            report_runs=max(round(800 * scale), 30),
            investments=max(round(900 * scale), 30),
            notifications=max(round(6000 * scale), 60),
            dims=dims,
        )

    def company_of(self, number: int) -> int:
        """The tenant of the user, applicant or project with this id: they take turns."""
        return (number - 1) % self.companies + 1

    def colleague(self, rng: random.Random, company: int) -> int:
        """The id of some user of `company`."""
        return company + self.companies * rng.randrange((self.users - company) // self.companies + 1)

    def project(self, rng: random.Random, company: int) -> int:
        """The id of some project of `company`."""
        return company + self.companies * rng.randrange((self.projects - company) // self.companies + 1)


COLUMNS: dict[str, tuple[str, ...]] = {
    "companies": (
        "id", "name", "slug", "plan", "country", "settings", "monthly_fee", "is_active", "created_at",
        "parent_company_id", "owner_user_id",
    ),
    "users": (
        "id", "company_id", "email", "password_hash", "full_name", "role", "is_active", "last_login",
        "preferences", "created_at",
    ),
    "applicants": (
        "id", "company_id", "first_name", "last_name", "email", "phone", "date_of_birth", "household_size",
        "annual_income", "credit_score", "is_first_time_buyer", "preferences", "status", "notes",
        "created_at", "updated_at",
    ),
    "projects": (
        "id", "company_id", "name", "description", "location", "property_type", "price", "rooms", "area_sqm",
        "latitude", "longitude", "amenities", "status", "is_featured", "available_from", "created_at",
        "updated_at", "order",
    ),
    "matches": (
        "company_id", "applicant_id", "project_id", "score", "breakdown", "status", "created_at", "decided_by",
    ),
    "activities": (
        "id", "company_id", "user_id", "type", "entity_type", "entity_id", "description", "metadata",
        "ip_address", "timestamp",
    ),
    "contact_submissions": (
        "name", "email", "phone", "subject", "message", "userAgent", "is_spam", "handled_by", "created_at",
    ),
    "report_runs": (
        "id", "company_id", "requested_by", "report_type", "parameters", "status", "row_count", "summary",
        "error", "started_at", "finished_at",
    ),
    "investments": (
        "id", "company_id", "project_id", "investor_id", "amount", "currency", "share_percent", "status",
        "is_reinvested", "invested_at",
    ),
    "investment_valuations": ("investment_id", "valued_on", "value", "method", "note"),
    "notifications": (
        "id", "user_id", "type", "title", "body", "payload", "is_read", "read_at", "created_at",
    ),
    "applicant_embeddings": ("applicant_id", "model", "embedding", "created_at"),
    "project_embeddings": ("project_id", "model", "embedding", "created_at"),
}  # fmt: skip


def companies(rng: random.Random, sizes: Sizes) -> Iterator[Row]:
    for number, created in enumerate(content.moments(rng, sizes.companies), 1):
        _, family, slug = content.person(rng)
        place = rng.choice(content.PLACES)
        settings = {
            "locale": rng.choice(("nb-NO", "de-CH", "ja-JP", "uk-UA", "ar-EG")),
            "branding": {"colour": f"#{rng.randrange(1 << 24):06x}", "motto": f"{place} – ein Zuhause 🏡"},
            "limits": {"projects": rng.choice((10, 50, None)), "score_threshold": rng.randrange(100) / 100},
        }
        yield (
            number,
            f"{family} & Partner {place}",
            f"{slug.replace('.', '-')}-{number}",
            content.weighted(rng, {"trial": 2, "basic": 4, "professional": 3, "enterprise": 1}),
            rng.choice(content.COUNTRIES),
            content.as_json(rng, settings),
            content.money(rng, 19, 900),
            int(rng.random() < 0.9),
            content.sql_text(created),
            rng.randrange(1, number) if number > 3 and rng.random() < 0.2 else None,
            number,  # the first users are the owners, one a company
        )


def users(rng: random.Random, sizes: Sizes) -> Iterator[Row]:
    roles = {"admin": 1, "manager": 2, "agent": 6, "investor": 4, "viewer": 1}
    for number, created in enumerate(content.moments(rng, sizes.users), 1):
        given, family, mailbox = content.person(rng)
        if rng.random() < 0.1:
            mailbox = mailbox.title()
        seen = content.later(rng, created, 300)
        yield (
            number,
            sizes.company_of(number),
            f"{mailbox}{number}@example.com",
            f"pbkdf2_sha256$260000${rng.getrandbits(96):024x}${rng.getrandbits(256):064x}",
            f"{given} {family}" if rng.random() < 0.95 else None,
            "admin" if number <= sizes.companies else content.weighted(rng, roles),
            rng.choice((1, 1, 1, 1, 0, None)),
            content.iso_text(seen) if rng.random() < 0.8 else None,
            content.as_json(rng, {"theme": rng.choice(("dark", "light")), "digest": {"days": [1, 3, 5]}}),
            content.sql_text(created),
        )


def applicants(rng: random.Random, sizes: Sizes) -> Iterator[Row]:
    states = {"new": 4, "screening": 3, "approved": 3, "rejected": 2, "housed": 2, "withdrawn": 1}
    for number, created in enumerate(content.moments(rng, sizes.applicants), 1):
        given, family, mailbox = content.person(rng)
        wishes = {
            "places": [rng.choice(content.PLACES) for _ in range(rng.randrange(4))],
            "budget": {"max": rng.randrange(100, 900) * 1000, "currency": "EUR"},
            "must": {amenity: rng.random() < 0.5 for amenity in content.AMENITIES[: rng.randrange(5)]},
            "comment": rng.choice(content.COMMENTS),
        }
        birth = datetime.date(1940, 1, 1) + datetime.timedelta(days=rng.randrange(24_000))
        yield (
            number,
            sizes.company_of(number),
            given,
            family if rng.random() < 0.98 else "",
            f"{mailbox}.{number}@example.org" if rng.random() < 0.93 else None,
            f"+47 {rng.randrange(40_000_000, 99_999_999)}" if rng.random() < 0.8 else rng.choice((None, "", "0047112")),
            birth.isoformat() if rng.random() < 0.9 else None,
            rng.randrange(1, 7) if rng.random() < 0.9 else None,
            content.money(rng, 18_000, 190_000) if rng.random() < 0.85 else None,
            rng.randrange(300, 851) if rng.random() < 0.7 else None,
            rng.choice((0, 1, 1, None)),
            content.as_json(rng, wishes) if rng.random() < 0.9 else None,
            content.weighted(rng, states),
            rng.choice((None, None, "", content.prose(rng, 2))),
            content.sql_text(created),
            content.sql_text(content.later(rng, created, 200)),
        )


def projects(rng: random.Random, sizes: Sizes) -> Iterator[Row]:
    kinds = ("apartment", "house", "townhouse", "studio", "co-living", None)
    states = {"draft": 2, "published": 6, "reserved": 2, "sold": 3, "archived": 1}
    for number, created in enumerate(content.moments(rng, sizes.projects), 1):
        place = rng.choice(content.PLACES)
        free = created.date() + datetime.timedelta(days=rng.randrange(500))
        yield (
            number,
            sizes.company_of(number),
            f"{place.strip()} {rng.choice(('Hagen', 'Quartier', 'Terrasse', 'ガーデン', 'Сад'))} {number}",
            content.prose(rng, rng.randrange(2, 14)),
            place if rng.random() < 0.95 else "",
            rng.choice(kinds),
            content.money(rng, 60_000, 1_900_000) if rng.random() < 0.95 else None,
            rng.randrange(1, 8) if rng.random() < 0.95 else None,
            rng.randrange(180, 3200) / 10,
            rng.random() * 60 + 5,
            rng.random() * 140 - 5,
            content.as_json(rng, [rng.choice(content.AMENITIES) for _ in range(rng.randrange(6))]),
            content.weighted(rng, states),
            rng.choice((0, 0, 0, 1, None)),
            free.isoformat() if rng.random() < 0.8 else None,
            content.sql_text(created),
            content.sql_text(content.later(rng, created, 400)),
            rng.randrange(100),
        )


def matches(rng: random.Random, sizes: Sizes) -> Iterator[Row]:
    states = {"suggested": 8, "contacted": 4, "viewing": 2, "declined": 4}
    for applicant, created in enumerate(content.moments(rng, sizes.applicants), 1):
        company = sizes.company_of(applicant)
        wanted = sorted({sizes.project(rng, company) for _ in range(rng.randrange(9))})
        for position, project in enumerate(wanted):
            parts = {factor: rng.random() for factor in ("price", "place", "size", "semantic")}
            score = (parts["price"] + parts["place"] + parts["size"] + parts["semantic"]) / 4
            status = "accepted" if position == 0 and rng.random() < 0.2 else content.weighted(rng, states)
            decided = status in ("accepted", "declined") and rng.random() < 0.9
            why = {"factors": parts, "why": [rng.choice(content.SENTENCES)], "v": 2}
            yield (
                company,
                applicant,
                project,
                score if rng.random() < 0.95 else rng.choice((0, 1, None)),
                content.as_json(rng, why) if rng.random() < 0.85 else None,
                status,
                content.sql_text(content.later(rng, created, 90)),
                sizes.colleague(rng, company) if decided else None,
            )


def activities(rng: random.Random, sizes: Sizes) -> Iterator[Row]:
    kinds = {
        "login": 5, "applicant.created": 3, "match.scored": 6, "project.updated": 2, "note.added": 2,
        "email.sent": 3, "document.uploaded": 1,
    }  # fmt: skip
    number = 0
    for moment in content.moments(rng, sizes.activities):
        number += rng.choice((1, 1, 1, 1, 2, 3))  # the retention job has left gaps
        company = rng.randrange(1, sizes.companies + 1)
        kind = content.weighted(rng, kinds)
        entity = {"applicant": sizes.applicants, "project": sizes.projects}
        about = rng.choice(("applicant", "project")) if kind != "login" else None
        metadata = {
            "request": {"id": content.uuid4(rng), "ms": rng.randrange(90_000) / 100, "ok": rng.random() < 0.97},
            "client": {"ua": rng.choice(("Firefox/132", "Mobile Safari 18.1", "housekeeper/0.3")), "path": "C:\\tmp"},
            "tags": [rng.choice(("ny", "wichtig", "重要", "❤️", "\u200bzero", "a\tb")) for _ in range(rng.randrange(4))],
        }
        by_middleware = moment >= MIDDLEWARE_SINCE and rng.random() < 0.8
        yield (
            number,
            company,
            sizes.colleague(rng, company) if rng.random() < 0.95 else None,
            kind,
            about,
            rng.randrange(1, entity[about] + 1) if about else None,
            rng.choice(content.SENTENCES) if kind != "note.added" else content.prose(rng, 4),
            content.as_json(rng, metadata) if rng.random() < 0.9 else None,
            f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}" if rng.random() < 0.9 else None,
            content.iso_text(moment) if by_middleware else content.sql_text(moment),
        )


def contact_submissions(rng: random.Random, sizes: Sizes) -> Iterator[Row]:
    for created in content.moments(rng, sizes.contact_submissions):
        given, family, mailbox = content.person(rng)
        yield (
            f"{given} {family}",
            rng.choice((None, f"{mailbox}@example.net", f"{mailbox.upper()}@EXAMPLE.NET")),
            rng.choice((None, "", f"0{rng.randrange(10**8)}")),
            rng.choice(("", "Viewing?", "Ønsker visning 🙏", "Вопрос", "السكن")),
            content.prose(rng, rng.randrange(1, 9)),
            rng.choice(("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (iPhone)", None)),
            rng.choice((0, 0, 0, 1, None)),
            rng.randrange(1, sizes.users + 1) if rng.random() < 0.6 else None,
            content.sql_text(created),
        )


def report_runs(rng: random.Random, sizes: Sizes) -> Iterator[Row]:
    for started in content.moments(rng, sizes.report_runs):
        company = rng.randrange(1, sizes.companies + 1)
        status = content.weighted(rng, {"done": 8, "failed": 2, "queued": 1})
        rows = rng.randrange(100_000)
        summary = {"rows": rows, "by_status": {"ny": rng.randrange(99), "godkänd": rng.randrange(99)}, "mean": rows / 7}
        yield (
            f"{rng.getrandbits(128):032x}",
            company,
            sizes.colleague(rng, company) if rng.random() < 0.9 else None,
            rng.choice(("occupancy", "pipeline", "investor-letter", "gdpr-export")),
            content.as_json(rng, {"from": "2024-01-01", "columns": ["naam", "größe"], "deep": [[{"x": [None]}]]}),
            status,
            rows if status == "done" else None,
            content.as_json(rng, summary) if status == "done" else None,
            TRACEBACK if status == "failed" else None,
            content.iso_text(started) if status != "queued" else None,
            content.iso_text(content.later(rng, started, 1)) if status == "done" else None,
        )


def investments(rng: random.Random, sizes: Sizes) -> Iterator[Row]:
    for invested in content.moments(rng, sizes.investments):
        company = rng.randrange(1, sizes.companies + 1)
        yield (
            content.uuid4(rng),
            company,
            sizes.project(rng, company) if rng.random() < 0.95 else None,
            sizes.colleague(rng, company) if rng.random() < 0.95 else None,
            content.money(rng, 500, 250_000),
            rng.choice(("EUR", "EUR", "NOK", "CHF")),
            rng.randrange(1, 10_000) / 300 if rng.random() < 0.9 else None,
            content.weighted(rng, {"pending": 1, "active": 6, "exited": 2, "cancelled": 1}),
            rng.choice((0, 0, 1, None)),
            content.sql_text(invested),
        )


def investment_valuations(rng: random.Random, sizes: Sizes, investment_rows: list[Row]) -> Iterator[Row]:
    """A valuation each half-year for each of the investments already made."""
    for identity, _, _, _, amount, *_, invested in investment_rows:
        year = int(invested[:4])
        value = float(amount)
        for half in range(rng.randrange(3, 10)):
            value *= 0.97 + rng.random() * 0.08
            day = datetime.date(year + (half + 1) // 2, 12 if half % 2 == 0 else 6, 30)
            if day > content.END.date():
                break
            yield (
                identity,
                day.isoformat(),
                round(value, 2),
                rng.choice(("index", "index", "appraisal", "sale", "manual", None)),
                rng.choice((None, None, "", "Gutachten №\u00a042\\2024", "見直し")),
            )


def notifications(rng: random.Random, sizes: Sizes) -> Iterator[Row]:
    for number, created in enumerate(content.moments(rng, sizes.notifications), 1):
        read = rng.random() < 0.7
        yield (
            number,
            rng.randrange(1, sizes.users + 1),
            content.weighted(rng, {"info": 4, "match": 6, "report": 2, "warning": 1}),
            rng.choice(("Ny match 🎉", "Report ready", "Passwort läuft ab", "新しい応募者")),
            content.prose(rng, 2) if rng.random() < 0.9 else None,
            rng.choice(("", None, content.as_json(rng, {"link": f"/matches/{number}", "emoji": "🏠"}))),
            int(read),
            content.iso_text(content.later(rng, created, 20)) if read else None,
            content.sql_text(created),
        )


def _embeddings(rng: random.Random, count: int, dims: int) -> Iterator[Row]:
    """One vector each, and for every fourth a second one of the model that was tried later."""
    topics = content.centroids(rng, dims)
    introduced = datetime.datetime(2023, 5, 2, 9, 30, 0)
    for number in range(1, count + 1):
        for model in content.MODELS if number % 4 == 0 else content.MODELS[:1]:
            created = content.sql_text(introduced + datetime.timedelta(seconds=97 * number))
            yield number, model, content.embedding(rng, rng.choice(topics)), created


def applicant_embeddings(rng: random.Random, sizes: Sizes) -> Iterator[Row]:
    return _embeddings(rng, sizes.applicants, sizes.dims)


def project_embeddings(rng: random.Random, sizes: Sizes) -> Iterator[Row]:
    return _embeddings(rng, sizes.projects, sizes.dims)


# In the order of creation; `investment_valuations` needs the investments and is made by the seed itself.
GENERATORS: dict[str, Callable[[random.Random, Sizes], Iterator[Row]]] = {
    "companies": companies,
    "users": users,
    "applicants": applicants,
    "projects": projects,
    "matches": matches,
    "activities": activities,
    "contact_submissions": contact_submissions,
    "report_runs": report_runs,
    "investments": investments,
    "notifications": notifications,
    "applicant_embeddings": applicant_embeddings,
    "project_embeddings": project_embeddings,
}
