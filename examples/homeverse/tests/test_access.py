"""Who may do what: passwords, tokens, roles and tenants."""

from __future__ import annotations

import httpx
import pytest

from examples.homeverse.tests import conftest


def test_a_company_is_registered_with_its_admin(company: conftest.Company) -> None:
    me = company.got("/auth/me")
    assert (me["company"], me["role"], me["is_active"], me["preferences"]) == ("Havn", "admin", True, {})
    shown = company.got("/company")
    assert (shown["owner_user_id"], shown["plan"], shown["settings"]) == (me["id"], "trial", {})
    assert shown["counts"] == {"users": 1, "projects": 0, "applicants": 0}


def test_an_address_is_taken_in_any_case_of_letters(company: conftest.Company, client: httpx.Client) -> None:
    wanted = {"company": "Two", "email": company.address("ADMIN").upper(), "password": conftest.PASSWORD}
    answer = client.post("/auth/register", json=wanted)
    assert answer.status_code == 409
    assert answer.json()["detail"] == "UNIQUE constraint failed: users.email"


def test_signing_in_ignores_the_case_and_keeps_the_time(company: conftest.Company, client: httpx.Client) -> None:
    given = {"email": company.address("admin").upper(), "password": conftest.PASSWORD}
    assert client.post("/auth/login", json=given).json()["user_id"] == company.users["admin"]
    assert company.got("/auth/me")["last_login"][10] == "T"
    (logged,) = company.got("/activities", kind="login")["items"]
    assert logged["timestamp"][10] == " "


@pytest.mark.parametrize(("name", "password"), [("admin", "wrong password"), ("nobody", conftest.PASSWORD)])
def test_a_wrong_password_or_address_is_refused(
    company: conftest.Company, client: httpx.Client, name: str, password: str
) -> None:
    assert client.post("/auth/login", json={"email": company.address(name), "password": password}).status_code == 401


def test_a_password_is_changed_by_who_knows_it(company: conftest.Company, client: httpx.Client) -> None:
    assert company.refused("/auth/password", {"old": "wrong", "new": "a new password"}) == 403
    answer = company.ask("POST", "/auth/password", json={"old": conftest.PASSWORD, "new": "a new password"})
    assert answer.status_code == 204
    email = company.address("admin")
    assert client.post("/auth/login", json={"email": email, "password": conftest.PASSWORD}).status_code == 401
    assert client.post("/auth/login", json={"email": email, "password": "a new password"}).status_code == 200


@pytest.mark.parametrize("token", ["", "x.y", "e30=.00", "é"])
def test_a_broken_token_is_refused(client: httpx.Client, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}
    assert client.get("/auth/me", headers=headers).status_code == 401


def test_a_forged_or_old_token_is_refused(company: conftest.Company, client: httpx.Client) -> None:
    from examples.homeverse import security

    good = security.token(company.users["admin"])
    forged = security.token(company.users["admin"] + 1).split(".")[0] + "." + good.split(".")[1]
    for token, status in ((good, 200), (forged, 401), (security.token(company.users["admin"], lifetime=-1), 401)):
        assert client.get("/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code == status


def test_no_token_is_no_access(client: httpx.Client) -> None:
    for path in (
        "/company",
        "/users",
        "/applicants",
        "/projects",
        "/matches",
        "/investments",
        "/reports",
        "/activities",
    ):
        assert client.get(path).status_code == 401, path


def test_a_deactivated_user_is_out_at_once(company: conftest.Company) -> None:
    assert company.ask("GET", "/projects", "agent").status_code == 200
    company.made(f"/users/{company.users['agent']}", {"is_active": False}, method="PATCH")
    assert company.ask("GET", "/projects", "agent").status_code == 401
    assert [user["role"] for user in company.got("/users", active=False)["items"]] == ["agent"]


RIGHTS = {
    ("POST", "/users"): {"admin"},
    ("PATCH", "/company"): {"admin"},
    ("POST", "/projects"): {"admin", "manager"},
    ("POST", "/investments"): {"admin", "manager"},
    ("POST", "/reports"): {"admin", "manager"},
    ("GET", "/activities"): {"admin", "manager"},
    ("GET", "/contact"): {"admin", "manager"},
    ("POST", "/applicants"): {"admin", "manager", "agent"},
    ("GET", "/applicants"): {"admin", "manager", "agent", "viewer"},
    ("GET", "/users"): {"admin", "manager", "agent", "viewer"},
    ("GET", "/reports"): {"admin", "manager", "agent", "viewer"},
    ("GET", "/investments"): {"admin", "manager", "viewer", "investor"},
    ("GET", "/matches"): {"admin", "manager", "agent", "viewer", "applicant"},
    ("GET", "/projects"): {"admin", "manager", "agent", "viewer", "investor", "applicant"},
}


@pytest.mark.parametrize("role", ["admin", "manager", "agent", "viewer", "investor", "applicant"])
def test_each_role_may_do_what_it_may_and_nothing_else(company: conftest.Company, role: str) -> None:
    """A body that is no JSON object is refused (422) to who is allowed, before anything is done."""
    company.token(role)
    for (method, path), roles in RIGHTS.items():
        answer = company.ask(method, path, role, json=[] if method != "GET" else None)
        assert (answer.status_code == 403) == (role not in roles), (role, method, path, answer.text)


def test_nothing_of_another_company_can_be_seen(company: conftest.Company, other: conftest.Company) -> None:
    applicant, project, investment = company.applicant(), company.project(), company.investment()
    report = company.made("/reports", {"report_type": "pipeline"})
    for path in (
        f"/applicants/{applicant['id']}",
        f"/projects/{project['id']}",
        f"/investments/{investment['id']}",
        f"/reports/{report['id']}",
        f"/users/{company.users['admin']}",
    ):
        assert company.ask("GET", path).status_code == 200
        assert other.ask("GET", path).status_code == 404, path
    for path in ("/applicants", "/projects", "/investments", "/reports", "/matches"):
        assert other.got(path)["total"] == 0, path


def test_nothing_of_another_company_can_be_changed(company: conftest.Company, other: conftest.Company) -> None:
    applicant, project, investment = company.applicant(notes="ours"), company.project(), company.investment()
    for method, path, content in (
        ("PATCH", f"/applicants/{applicant['id']}", {"notes": "theirs"}),
        ("DELETE", f"/applicants/{applicant['id']}", None),
        ("POST", f"/applicants/{applicant['id']}/match", None),
        ("POST", f"/projects/{project['id']}/reserve", None),
        ("DELETE", f"/projects/{project['id']}", None),
        ("POST", f"/investments/{investment['id']}/payments", {"amount": 1}),
        ("PATCH", f"/users/{company.users['admin']}", {"full_name": "Nobody"}),
        ("POST", "/investments", {"project_id": project["id"], "amount": 5}),
    ):
        assert other.refused(path, content, method=method) == 404, (method, path)
    assert company.got(f"/applicants/{applicant['id']}") == applicant
    assert company.got(f"/projects/{project['id']}") == project
    assert company.got(f"/investments/{investment['id']}")["amount"] == 1000.0
    assert other.got("/activities", kind="*.*")["total"] == 1  # its own foundation


def test_an_applicant_sees_the_own_application_only(company: conftest.Company) -> None:
    company.token("applicant")
    own = company.applicant(email=company.address("Applicant"), first_name="Zoë")
    others = company.applicant(email="somebody@example.com")
    assert company.got(f"/applicants/{own['id']}", "applicant")["first_name"] == "Zoë"
    assert company.ask("GET", f"/applicants/{others['id']}", "applicant").status_code == 404


def test_an_applicant_sees_the_own_matches_and_no_draft(company: conftest.Company) -> None:
    company.token("applicant")
    draft, _ = company.project(status="draft"), company.project()
    for email in (company.address("applicant"), "somebody@example.com"):
        company.made(f"/applicants/{company.applicant(email=email)['id']}/match", None)
    assert (company.got("/matches")["total"], company.got("/matches", "applicant")["total"]) == (2, 1)
    assert (company.got("/projects")["total"], company.got("/projects", "applicant")["total"]) == (2, 1)
    assert company.ask("GET", f"/projects/{draft['id']}", "applicant").status_code == 404


def test_an_investor_sees_the_own_investments_only(company: conftest.Company) -> None:
    company.token("investor")
    own = company.investment(investor_id=company.users["investor"])
    others = company.investment()
    assert [one["id"] for one in company.got("/investments", "investor")["items"]] == [own["id"]]
    assert company.ask("GET", f"/investments/{others['id']}", "investor").status_code == 404
    (told,) = company.got("/notifications", "investor")["items"]
    assert told["payload"] == {"investment": own["id"]}


def test_the_last_admin_stays(company: conftest.Company) -> None:
    admin = company.users["admin"]
    assert company.refused(f"/users/{admin}", {"role": "viewer"}, method="PATCH") == 409
    assert company.refused(f"/users/{admin}", {"is_active": False}, method="PATCH") == 409
    company.token("manager")
    company.made(f"/users/{company.users['manager']}", {"role": "admin"}, method="PATCH")
    assert company.made(f"/users/{admin}", {"role": "viewer"}, method="PATCH")["role"] == "viewer"
