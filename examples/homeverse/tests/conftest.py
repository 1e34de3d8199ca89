"""The application under test: one for all tests, on one file; each test works with companies of its own.

The file is a new one, or the one that HOMEVERSE_DATABASE names, whatever is in it.
"""

from __future__ import annotations

import os
import secrets
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

PASSWORD = "correct horse battery"


class Company:
    """A company with one user of each role, made when they are first asked for."""

    def __init__(self, client: httpx.Client, name: str = "Havn") -> None:
        self.client = client
        self.mark = secrets.token_hex(6)
        email = self.address("admin")
        registered = client.post("/auth/register", json={"company": name, "email": email, "password": PASSWORD})
        assert registered.status_code == 201, registered.text
        self.id: int = registered.json()["company_id"]
        self.tokens = {"admin": registered.json()["token"]}
        self.users: dict[str, int] = {"admin": registered.json()["user_id"]}

    def address(self, name: str) -> str:
        """An e-mail address that nobody else has."""
        return f"{name}.{self.mark}@example.com"

    def token(self, role: str) -> str:
        """The token of the company's user of this role."""
        if role not in self.tokens:
            wanted = {"email": self.address(role), "password": PASSWORD, "role": role}
            self.users[role] = self.made("/users", wanted)["id"]
            signed_in = self.client.post("/auth/login", json={"email": wanted["email"], "password": PASSWORD})
            self.tokens[role] = signed_in.json()["token"]
        return self.tokens[role]

    def ask(self, method: str, path: str, role: str = "admin", **options: Any) -> httpx.Response:
        """A request of the user of this role."""
        return self.client.request(method, path, headers={"Authorization": f"Bearer {self.token(role)}"}, **options)

    def got(self, path: str, role: str = "admin", /, **params: Any) -> Any:
        """What is there."""
        answer = self.ask("GET", path, role, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def made(self, path: str, content: Any, role: str = "admin", method: str = "POST") -> Any:
        """What became of a change that is allowed."""
        answer = self.ask(method, path, role, json=content)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def refused(self, path: str, content: Any = None, role: str = "admin", method: str = "POST") -> int:
        """The status of a change that is not."""
        answer = self.ask(method, path, role, json=content)
        assert answer.status_code >= 400, answer.text
        return answer.status_code

    def applicant(self, **content: Any) -> Any:
        """A new applicant."""
        return self.made("/applicants", content)

    def project(self, **content: Any) -> Any:
        """A new project, published unless said otherwise."""
        return self.made("/projects", {"name": "Kvartal", "status": "published", **content})

    def investment(self, amount: float = 1000.0, **content: Any) -> Any:
        """A new investment in a new project, unless another is named."""
        project = content.pop("project_id", None) or self.project()["id"]
        return self.made("/investments", {"project_id": project, "amount": amount, **content})


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The application, started and stopped in order."""
    os.environ.setdefault("HOMEVERSE_DATABASE", str(tmp_path_factory.mktemp("homeverse") / "homeverse.db"))
    os.environ.setdefault("HOMEVERSE_PASSWORD_ITERATIONS", "1000")
    with warnings.catch_warnings(action="ignore"):  # newer versions of it would rather have a successor of httpx
        from fastapi import testclient

    from examples.homeverse import app

    with testclient.TestClient(app.app) as running:
        yield running


@pytest.fixture
def company(client: httpx.Client) -> Company:
    """A company of this test alone."""
    return Company(client)


@pytest.fixture
def other(client: httpx.Client) -> Company:
    """Another one, which has nothing to do with it."""
    return Company(client, "Fjell")
