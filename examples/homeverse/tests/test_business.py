"""Matches, investments, reports, notifications, the activity log; and many at once."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from concurrent import futures

import pytest

from examples.homeverse.tests import conftest

TODAY = datetime.datetime.now(datetime.UTC).date()


def at_once(work: Callable[[int], int], threads: int = 4, each: int = 10) -> list[int]:
    """Do something from several threads that begin together; returns every result."""
    ready = threading.Barrier(threads)

    def run(thread: int) -> list[int]:
        ready.wait()
        return [work(thread * each + n) for n in range(each)]

    with futures.ThreadPoolExecutor(threads) as pool:
        return [result for results in pool.map(run, range(threads)) for result in results]


def test_the_home_that_is_described_is_the_best_match(company: conftest.Company) -> None:
    sea = company.project(name="Fjord", description="quiet house by the sea with garden", price=400000)
    company.project(name="Central", description="studio above a night club", price=400000)
    company.project(name="Sea", description="quiet house by the sea with garden", status="draft")
    applicant = company.applicant(
        preferences={"comment": "quiet house by the sea, garden", "budget": {"max": 400000}}, notes="Fjord"
    )
    found = company.made(f"/applicants/{applicant['id']}/match", None, "agent")
    assert found["total"] == 2
    assert found["items"][0]["project_id"] == sea["id"]
    assert 1 >= found["items"][0]["score"] > found["items"][1]["score"] >= 0
    assert set(found["items"][0]["breakdown"]["factors"]) == {"semantic", "price", "rooms"}


def test_a_match_is_scored_anew_until_somebody_acts(company: conftest.Company) -> None:
    project = company.project(price=200000)["id"]
    applicant = company.applicant(preferences={"budget": {"max": 100000}})["id"]
    before = company.made(f"/applicants/{applicant}/match", None)["items"][0]
    company.made(f"/projects/{project}", {"price": 100000}, method="PATCH")
    after = company.made(f"/applicants/{applicant}/match", None)["items"][0]
    assert (after["id"], after["score"] > before["score"]) == (before["id"], True)
    company.made(f"/matches/{after['id']}/decision", {"status": "contacted"})
    company.made(f"/projects/{project}", {"price": 300000}, method="PATCH")
    assert company.made(f"/applicants/{applicant}/match", None)["items"][0]["score"] == after["score"]


def test_an_accepted_match_reserves_the_home_and_declines_the_others(company: conftest.Company) -> None:
    projects = [company.project(name=name)["id"] for name in "ab"]
    applicant = company.applicant()["id"]
    first, second = company.made(f"/applicants/{applicant}/match", None)["items"]
    accepted = company.made(f"/matches/{first['id']}/decision", {"status": "accepted"}, "agent")
    assert (accepted["status"], accepted["decided_by"]) == ("accepted", company.users["agent"])
    assert company.got("/matches", status="declined")["items"][0]["id"] == second["id"]
    states = {company.got(f"/projects/{project}")["status"] for project in projects}
    assert states == {"reserved", "published"}
    assert company.refused(f"/matches/{first['id']}/decision", {"status": "declined"}) == 409


def test_an_applicant_accepts_one_home_only(company: conftest.Company) -> None:
    company.project(name="a")
    applicant = company.applicant()["id"]
    first = company.made(f"/applicants/{applicant}/match", None)["items"][0]
    company.made(f"/matches/{first['id']}/decision", {"status": "accepted"})
    company.project(name="b")
    found = company.made(f"/applicants/{applicant}/match", None)["items"]
    (late,) = [one for one in found if one["status"] == "suggested"]
    answer = company.ask("POST", f"/matches/{late['id']}/decision", json={"status": "accepted"})
    assert answer.status_code == 409
    assert answer.json()["detail"] == "UNIQUE constraint failed: matches.applicant_id"
    assert company.got("/matches", status="suggested")["total"] == 1


def test_managers_hear_of_matches(company: conftest.Company) -> None:
    company.token("manager")
    company.project()
    applicant = company.applicant()["id"]
    company.made(f"/applicants/{applicant}/match", None)
    (told,) = company.got("/notifications", "manager", unread=True)["items"]
    assert (told["type"], told["is_read"], told["payload"]) == ("match", False, {"link": f"/applicants/{applicant}"})
    assert company.ask("POST", f"/notifications/{told['id']}/read").status_code == 404  # not the admin's
    assert company.ask("POST", f"/notifications/{told['id']}/read", "manager").status_code == 204
    assert company.got("/notifications", "manager", unread=True)["total"] == 0
    assert company.got("/notifications", "manager")["items"][0]["read_at"][10] == "T"


def test_all_notifications_are_read_and_cleared(company: conftest.Company) -> None:
    for _ in range(3):
        company.made("/reports", {"report_type": "occupancy"})
    assert company.made("/notifications/read", None) == {"read": 3}
    assert company.made("/notifications/read", None) == {"read": 0}
    assert company.made("/notifications/old?days=1", None, method="DELETE") == {"deleted": 0}
    assert company.made("/notifications/old?days=0", None, method="DELETE") == {"deleted": 3}


def test_an_overview_counts_matches(company: conftest.Company) -> None:
    company.project(name="a")
    company.project(name="b", status="draft")
    for _ in range(2):
        company.made(f"/applicants/{company.applicant()['id']}/match", None)
    company.made(f"/matches/{company.got('/matches')['items'][0]['id']}/decision", {"status": "accepted"})
    rows = company.got("/projects/overview")
    assert [(row["name"], row["match_count"], row["accepted_count"]) for row in rows] == [("a", 2, 1), ("b", 0, None)]


def test_a_valuation_replaces_the_one_of_the_day(company: conftest.Company) -> None:
    path = f"/investments/{company.investment(500.25)['id']}"
    assert company.got(path)["value"] is None
    company.made(f"{path}/valuations/2025-06-30", {"value": 510}, method="PUT")
    company.made(f"{path}/valuations/2024-12-31", {"value": 505.5}, method="PUT")
    found = company.made(
        f"{path}/valuations/2025-06-30", {"value": 520.75, "method": "sale", "note": "ß"}, method="PUT"
    )
    assert [(one["valued_on"], one["value"], one["method"]) for one in found["valuations"]] == [
        ("2024-12-31", 505.5, "index"),
        ("2025-06-30", 520.75, "sale"),
    ]
    assert (found["amount"], found["value"], found["is_reinvested"]) == (500.25, 520.75, False)


@pytest.mark.parametrize("status", ["exited", "cancelled"])
def test_nothing_is_paid_into_what_is_over(company: conftest.Company, status: str) -> None:
    path = f"/investments/{company.investment()['id']}"
    company.made(f"{path}/status", {"status": status})
    assert company.refused(f"{path}/payments", {"amount": 5}) == 409
    assert company.got(path)["amount"] == 1000


@pytest.mark.parametrize("content", [{"amount": 0}, {"amount": -5}, {"amount": "much"}, {}])
def test_a_payment_is_a_positive_amount(company: conftest.Company, content: dict[str, object]) -> None:
    assert company.refused(f"/investments/{company.investment()['id']}/payments", content) == 422


def test_the_portfolio_is_at_its_last_valuation(company: conftest.Company) -> None:
    first = company.investment(100.5, currency="nok")["id"]
    company.investment(50, currency="NOK")
    company.investment(7)
    company.made(f"/investments/{first}/valuations/2024-01-01", {"value": 1}, method="PUT")
    company.made(f"/investments/{first}/valuations/2025-01-01", {"value": 120}, method="PUT")
    assert company.got("/reports/now/portfolio", "viewer") == [
        {"currency": "EUR", "status": "pending", "investments": 1, "amount": 7.0, "value": 7.0},
        {"currency": "NOK", "status": "pending", "investments": 2, "amount": 150.5, "value": 170.0},
    ]


def test_the_pipeline_is_by_month(company: conftest.Company) -> None:
    for income, states in ((100, ()), (201, ("screening", "approved")), (None, ("rejected",))):
        made = company.applicant(annual_income=income)["id"]
        for status in states:
            company.made(f"/applicants/{made}/status", {"status": status})
    (row,) = company.got("/reports/now/pipeline")
    assert row["month"] in {f"{TODAY:%Y-%m}", f"{datetime.datetime.now(datetime.UTC):%Y-%m}"}
    assert {**row, "month": ""} == {
        "month": "", "applicants": 3, "approved": 1, "housed": 0, "lost": 1, "average_income": 150.5,
    }  # fmt: skip


def test_occupancy_is_by_state(company: conftest.Company) -> None:
    company.project(price=10.25, area_sqm=50)
    company.project(price=20, area_sqm=51)
    company.project(status="draft")
    published, draft = company.got("/reports/now/occupancy")
    assert published == {
        "status": "published", "projects": 2, "worth": 30.25, "cheapest": 10.25, "dearest": 20, "average_area": 50.5,
    }  # fmt: skip
    assert (draft["worth"], draft["cheapest"], draft["average_area"]) == (0, None, None)


def test_demand_is_in_classes_of_budget(company: conftest.Company) -> None:
    for most in (150000, 199999.5, 200000, None):
        company.applicant(preferences={"budget": {"max": most}})
    company.applicant()
    assert company.got("/reports/now/demand") == [
        {"budget": 100000, "applicants": 2},
        {"budget": 200000, "applicants": 1},
    ]


def test_a_report_is_kept(company: conftest.Company) -> None:
    company.project()
    made = company.made("/reports", {"report_type": "occupancy", "parameters": {"from": "2024-01-01"}}, "manager")
    assert (len(made["id"]), made["status"], made["row_count"], made["error"]) == (32, "done", 1, None)
    assert made["summary"]["rows"][0]["projects"] == 1
    assert made["finished_at"] >= made["started_at"]
    assert [one["id"] for one in company.got("/reports", report_type="occupancy")["items"]] == [made["id"]]
    assert company.got("/reports", report_type="demand")["total"] == 0


@pytest.mark.parametrize("path", ["/reports/now/weather", "/reports/none"])
def test_a_report_that_is_not_there(company: conftest.Company, path: str) -> None:
    assert company.ask("GET", path).status_code == 404


def test_every_change_leaves_an_activity(company: conftest.Company) -> None:
    applicant = company.applicant()["id"]
    company.made(f"/applicants/{applicant}", {"notes": "x"}, "agent", method="PATCH")
    company.ask("DELETE", f"/applicants/{applicant}")
    logged = company.got("/activities", entity_type="applicant", entity_id=applicant)["items"]
    assert [(one["type"], one["user_id"]) for one in logged] == [
        ("applicant.deleted", company.users["admin"]),
        ("applicant.updated", company.users["agent"]),
        ("applicant.created", company.users["admin"]),
    ]
    assert logged[1]["metadata"] == {"fields": ["notes"]}


def test_a_refused_change_leaves_none(company: conftest.Company) -> None:
    company.applicant(email="a@example.com")
    before = company.got("/activities")["total"]
    assert company.refused("/applicants", {"email": "a@example.com"}) == 409
    assert company.refused("/applicants/999999999", {}, method="PATCH") == 404
    assert company.got("/activities")["total"] == before


def test_activities_of_both_formats_are_of_their_day(company: conftest.Company) -> None:
    company.token("agent")  # signs in: logged by the column's default
    days = company.got("/activities/daily")
    total = company.got("/activities")["total"]
    assert sum(day["activities"] for day in days) == total == 3
    assert sum(company.got("/activities", day=day["day"])["total"] for day in days) == total
    assert company.got("/activities", kind="user.*")["total"] == 1
    assert sum(row["activity_count"] for row in company.got("/reports/now/activity")) == total


def test_two_writers_lose_no_payment(company: conftest.Company) -> None:
    path = f"/investments/{company.investment(100)['id']}"
    statuses = at_once(lambda _: company.ask("POST", f"{path}/payments", json={"amount": 1.25}).status_code)
    assert statuses == [200] * 40
    assert company.got(path)["amount"] == 150
    assert company.got("/activities", kind="investment.paid")["total"] == 40


def test_two_admins_lose_no_setting(company: conftest.Company) -> None:
    at_once(lambda n: company.ask("PUT", f"/company/settings/s{n}", json=n).status_code, each=5)
    assert company.got("/company")["settings"] == {f"s{n}": n for n in range(20)}


def test_one_of_many_reserves_a_home(company: conftest.Company) -> None:
    path = f"/projects/{company.project()['id']}/reserve"
    assert sorted(at_once(lambda _: company.ask("POST", path).status_code, each=2)) == [200] + [409] * 7
    assert company.got("/activities", kind="project.reserved")["total"] == 1


def test_one_of_many_has_an_address(company: conftest.Company) -> None:
    statuses = at_once(lambda n: company.ask("POST", "/applicants", json={"email": f"{n % 3}"}).status_code, each=3)
    assert sorted(statuses) == [201] * 3 + [409] * 9
    assert company.got("/applicants")["total"] == 3


def test_ids_made_at_once_are_all_different(company: conftest.Company) -> None:
    made = at_once(lambda _: int(company.applicant()["id"]))
    assert len(set(made)) == 40
