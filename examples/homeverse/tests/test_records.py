"""Applicants, projects, companies, users, messages: made, found, changed, removed."""

from __future__ import annotations

import httpx
import pytest

from examples.homeverse.tests import conftest

WISHES = {"places": ["Ålesund", "Bodø"], "budget": {"max": 420000, "currency": "EUR"}, "comment": "near a school 🏫"}


def test_an_applicant_comes_back_as_given(company: conftest.Company) -> None:
    given = {
        "first_name": "Øystein", "last_name": "O'Brien", "email": "o@example.com", "phone": "+47 12345678",
        "date_of_birth": "1990-02-28", "household_size": 3, "annual_income": 51234.56, "credit_score": 700,
        "is_first_time_buyer": True, "preferences": WISHES, "notes": "a\r\nb\\c",
    }  # fmt: skip
    made = company.applicant(**given)
    assert {name: made[name] for name in given} == given
    assert made["status"] == "new"
    assert len(made["created_at"]) == 19
    assert company.got(f"/applicants/{made['id']}") == made


def test_what_is_not_given_is_null(company: conftest.Company) -> None:
    made = company.applicant()
    assert {made[name] for name in ("first_name", "email", "is_first_time_buyer", "preferences")} == {None}


def test_an_address_is_unique_within_a_company(company: conftest.Company, other: conftest.Company) -> None:
    company.applicant(email="a@example.com")
    assert company.refused("/applicants", {"email": "a@example.com"}) == 409
    company.applicant(email="A@example.com")
    other.applicant(email="a@example.com")
    assert company.got("/applicants")["total"] == 2


def test_a_change_leaves_the_rest(company: conftest.Company) -> None:
    made = company.applicant(first_name="Ida", notes="x", is_first_time_buyer=False)
    changed = company.made(f"/applicants/{made['id']}", {"notes": None, "household_size": 2}, method="PATCH")
    assert changed == {**made, "notes": None, "household_size": 2, "updated_at": changed["updated_at"]}


def test_states_follow_each_other(company: conftest.Company) -> None:
    path = f"/applicants/{company.applicant()['id']}/status"
    assert company.refused(path, {"status": "housed"}) == 409
    for status in ("screening", "approved", "housed"):
        assert company.made(path, {"status": status}, "agent")["status"] == status
    assert company.refused(path, {"status": "new"}) == 409
    assert company.refused(path, {"status": "happy"}) == 422
    assert company.got("/activities", kind="applicant.housed")["items"][0]["metadata"] == {"before": "approved"}


def test_an_import_skips_addresses_that_are_there(company: conftest.Company) -> None:
    company.applicant(email="1@example.com", notes="first")
    wanted = [{"first_name": str(n), "email": f"{n}@example.com", "annual_income": n * 1000} for n in range(30)]
    assert company.made("/applicants/import", wanted, "manager") == {"imported": 29, "skipped": 1}
    assert company.got("/applicants", q="1@")["total"] == 3
    assert company.got("/applicants", min_income=20000)["total"] == 10


def test_a_deleted_applicant_takes_matches_along(company: conftest.Company) -> None:
    company.project()
    made = company.applicant()
    assert company.made(f"/applicants/{made['id']}/match", None)["total"] == 1
    assert company.ask("DELETE", f"/applicants/{made['id']}").status_code == 204
    assert company.ask("GET", f"/applicants/{made['id']}").status_code == 404
    assert company.got("/matches")["total"] == 0


def test_ids_are_never_used_again(company: conftest.Company) -> None:
    first = company.applicant()["id"]
    company.ask("DELETE", f"/applicants/{first}")
    assert company.applicant()["id"] > first


def test_pages_are_a_partition_of_the_list(company: conftest.Company) -> None:
    made = {company.applicant(last_name=f"Name {n:02}")["id"] for n in range(23)}
    pages = [company.got("/applicants", limit=10, offset=offset, sort="name") for offset in (0, 10, 20, 30)]
    assert [len(page["items"]) for page in pages] == [10, 10, 3, 0]
    assert {page["total"] for page in pages} == {23}
    names = [one["last_name"] for page in pages for one in page["items"]]
    assert names == [f"Name {n:02}" for n in range(23)]
    assert {one["id"] for page in pages for one in page["items"]} == made


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 201}, {"offset": -1}, {"limit": "all"}])
def test_a_page_out_of_bounds_is_refused(company: conftest.Company, params: dict[str, str]) -> None:
    assert company.ask("GET", "/applicants", params=params).status_code == 422


@pytest.mark.parametrize(
    ("q", "found"), [("kari", 1), ("KARI NORD", 1), ("50%", 1), ("0_x", 1), ("%", 2), ("\\", 1), ("ÅSE", 0), ("åse", 1)]
)
def test_a_search_takes_its_text_literally(company: conftest.Company, q: str, found: int) -> None:
    """ASCII letters match in either case, others do not; the signs of patterns are letters like others."""
    for first, last in (("Kari", "Nordmann"), ("50%", "off"), ("100%", "0_x"), ("åse", "a\\b"), ("0", "x")):
        company.applicant(first_name=first, last_name=last)
    assert company.got("/applicants", q=q)["total"] == found


def test_places_are_found_in_wishes(company: conftest.Company) -> None:
    company.applicant(preferences=WISHES)
    company.applicant(preferences={"places": ["Oslo"]})
    company.applicant()
    assert [len(company.got("/applicants", place=place)["items"]) for place in ("Bodø", "oslo", "Rome")] == [1, 1, 0]


def test_names_and_incomes_are_sorted(company: conftest.Company) -> None:
    for name, income in (("beta", 10.5), ("Alpha", None), ("alpha", 9)):
        company.applicant(last_name=name, first_name="x", annual_income=income)
    assert [one["last_name"] for one in company.got("/applicants", sort="name")["items"]] == ["Alpha", "alpha", "beta"]
    assert [one["annual_income"] for one in company.got("/applicants", sort="income")["items"]] == [10.5, 9.0, None]


def test_a_project_comes_back_as_given(company: conftest.Company) -> None:
    given = {
        "name": "Solsiden", "description": "Lys & luft", "location": "Trondheim", "property_type": "apartment",
        "price": 3250000.5, "rooms": 3, "area_sqm": 71.25, "latitude": 63.43, "longitude": 10.4123456789012,
        "amenities": ["lift", "大きな窓"], "status": "published", "is_featured": True, "available_from": "2026-01-01",
        "order": 7,
    }  # fmt: skip
    made = company.made("/projects", given)
    assert {name: made[name] for name in given} == given
    assert company.got(f"/projects/{made['id']}") == made


def test_half_rooms_and_defaults_are_kept(company: conftest.Company) -> None:
    made = company.made("/projects", {"name": "Züri", "rooms": 4.5})
    assert (made["rooms"], made["status"], made["location"], made["is_featured"], made["order"]) == (
        4.5, "draft", "", False, 0,
    )  # fmt: skip
    assert company.got("/projects", rooms=4.5)["total"] == 1


def test_a_value_outside_of_the_list_is_refused(company: conftest.Company) -> None:
    answer = company.ask("POST", "/projects", json={"name": "x", "property_type": "castle"})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("CHECK constraint failed")
    assert company.got("/projects")["total"] == 0


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"status": "published"}, ["a", "b", "c"]),
        ({"min_price": 200}, ["b", "c"]),
        ({"min_price": 100, "max_price": 200.0}, ["a", "b"]),
        ({"featured": True}, ["b"]),
        ({"featured": False}, ["a", "c", "d"]),
        ({"amenity": "sauna"}, ["a", "c"]),
        ({"q": "PARK"}, ["c"]),
        ({"property_type": "house"}, ["d"]),
        ({"amenity": "sauna", "max_price": 150}, ["a"]),
    ],
)
def test_filters_narrow_the_list(company: conftest.Company, params: dict[str, object], found: list[str]) -> None:
    company.project(name="a", price=100, amenities=["lift", "sauna"])
    company.project(name="b", price=200.0, is_featured=True)
    company.project(name="c", price=300.25, amenities=["sauna"], description="By the park")
    company.project(name="d", status="draft", property_type="house")
    assert [one["name"] for one in company.got("/projects", sort="price", **params)["items"]] == found


def test_a_trigger_keeps_the_time_of_the_change(company: conftest.Company) -> None:
    made = company.project()
    changed = company.made(f"/projects/{made['id']}", {"price": 5, "order": -1}, "manager", method="PATCH")
    assert (changed["price"], changed["order"]) == (5, -1)
    assert changed["updated_at"] >= made["updated_at"]


def test_a_project_with_investments_stays(company: conftest.Company) -> None:
    project = company.project()["id"]
    company.investment(project_id=project)
    assert company.refused(f"/projects/{project}", method="DELETE") == 409
    free = company.project()["id"]
    assert company.ask("DELETE", f"/projects/{free}").status_code == 204
    assert company.ask("GET", f"/projects/{free}").status_code == 404


def test_the_company_is_changed_in_part(company: conftest.Company) -> None:
    changed = company.made("/company", {"plan": "basic", "monthly_fee": 99.5}, method="PATCH")
    assert (changed["name"], changed["plan"], changed["monthly_fee"]) == ("Havn", "basic", 99.5)
    assert company.refused("/company", {"plan": "gold"}, method="PATCH") == 422


def test_settings_are_added_to(company: conftest.Company) -> None:
    company.made("/company/settings/locale", "nb-NO", method="PUT")
    assert company.made("/company/settings/limits", {"projects": None}, method="PUT") == {
        "locale": "nb-NO", "limits": {"projects": None},
    }  # fmt: skip
    assert company.got("/company/subsidiaries") == []


def test_users_are_listed_by_role(company: conftest.Company) -> None:
    for role in ("manager", "agent", "viewer"):
        company.token(role)
    assert company.got("/users")["total"] == 4
    assert [user["email"] for user in company.got("/users", role="agent")["items"]] == [company.address("agent")]
    assert "password_hash" not in company.got("/users")["items"][0]


def test_preferences_are_the_users_own(company: conftest.Company) -> None:
    company.made("/users/me/preferences", {"theme": "dark", "digest": {"days": [1, 3]}}, "viewer", method="PUT")
    assert company.got("/auth/me", "viewer")["preferences"]["digest"] == {"days": [1, 3]}
    assert company.got("/auth/me")["preferences"] == {}


def test_a_message_is_kept_and_handled_once(company: conftest.Company, client: httpx.Client) -> None:
    content = {"name": "Åse", "message": f"Hello {company.mark} 🏠\nBye", "subject": ""}
    sent = client.post("/contact", json=content, headers={"User-Agent": "Firefox/132"})
    assert sent.status_code == 201
    (found,) = company.got("/contact", q=company.mark, open_only=True)["items"]
    assert (found["id"], found["userAgent"], found["message"]) == (sent.json()["id"], "Firefox/132", content["message"])
    assert company.made(f"/contact/{found['id']}/handled", None)["handled_by"] == company.users["admin"]
    assert company.refused(f"/contact/{found['id']}/handled", role="manager") == 409
    assert company.got("/contact", q=company.mark, open_only=True)["total"] == 0


def test_spam_is_kept_and_not_shown(company: conftest.Company, client: httpx.Client) -> None:
    message = f"{company.mark} " + "http://example.com " * 4
    assert client.post("/contact", json={"name": "x", "message": message}).status_code == 201
    assert company.got("/contact", q=company.mark)["total"] == 0


def test_a_message_that_is_not_there_cannot_be_handled(company: conftest.Company) -> None:
    assert company.refused("/contact/999999999/handled") == 404


def test_the_application_is_healthy(client: httpx.Client) -> None:
    answer = client.get("/health").json()
    assert (answer["status"], answer["foreign_keys"]) == ("ok", False)
