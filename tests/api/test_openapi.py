"""The OpenAPI document against the routes there are and what they answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from graphsvc.api.app import create_app
from graphsvc.api.auth import OpenDoor
from graphsvc.api.openapi import openapi, openapi_text
from graphsvc.store.memory import open_memory
from tests.api.served import Served, request, served

pytestmark = pytest.mark.anyio
_FILE = Path(__file__).parents[2] / "openapi.json"
_ESCALATING = """
graphsvc: 1
pack: {id: care, version: "1"}
patterns:
  - id: deletion
    severity: high
    on_match: escalate
    steps:
      once: {action: "erp:Delete"}
"""
_ASKED = {
    "subject": {"type": "agent", "id": "bot"},
    "action": {"name": "mail:Read"},
    "resource": {"type": "mailbox", "id": "alice"},
}


def test_the_committed_document_is_the_one_that_is_served() -> None:
    """`openapi.json` equals the document in the code; after a change: `make schema`."""
    assert _FILE.read_text(encoding="utf-8") == openapi_text()


async def test_every_route_is_described_and_every_description_is_a_route() -> None:
    """But the dashboard's page, files and login, which are for people."""
    app: Any = create_app(None, await open_memory(), auth=OpenDoor())  # type: ignore[arg-type]
    while not isinstance(app, Starlette):
        app = app._app
    found: dict[str, set[str]] = {}
    for route in app.routes:
        if isinstance(route, Mount) or (isinstance(route, Route) and route.path == "/"):
            continue
        path = route.path.replace(":path}", "}")  # type: ignore[attr-defined]
        if path.startswith("/login/"):
            continue
        methods = getattr(route, "methods", None)
        found.setdefault(path, set()).update({each.lower() for each in methods or ()} - {"head"})
    described = {path: set(operations) for path, operations in openapi()["paths"].items()}
    assert described.keys() == found.keys()
    for path, methods in found.items():
        # A route without methods takes them all.
        assert not methods or described[path] <= methods, path


def _validator(path: str, status: int, method: str = "post") -> Draft202012Validator:
    document = openapi()
    content = document["paths"][path][method]["responses"][str(status)]["content"]
    (schema,) = [each["schema"] for each in content.values()]
    return Draft202012Validator({**schema, "components": document["components"]})


async def _answer(service: Served, path: str, body: Any, role: str = "pep") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {service.token(role, scopes=('search',))}"}
    async with service.http.post(service.url + path, json=body, headers=headers) as response:
        return response.status, await response.json()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/access/v1/evaluation", _ASKED, 200),
        ("/access/v1/evaluation", {**_ASKED, "context": {"graphsvc": {"explain": True}}}, 200),
        ("/access/v1/evaluation", {"subject": 1}, 400),
        ("/access/v1/evaluations", {**_ASKED, "evaluations": [{}, {"action": {"name": ""}}]}, 200),
        ("/access/v1/evaluations", _ASKED, 200),
        ("/access/v1/search/subject", {**_ASKED, "subject": {"type": "agent"}}, 200),
        ("/access/v1/search/resource", {**_ASKED, "resource": {"type": "record"}, "page": {"limit": 1}}, 200),
        ("/access/v1/search/action", {name: _ASKED[name] for name in ("subject", "resource")}, 200),
        ("/access/v1/requests", _ASKED, 409),
        ("/access/v1/requests", {}, 400),
    ],
)
async def test_answers_are_as_described(path: str, body: dict[str, Any], status: int) -> None:
    """What a route answers fits its schema, and what it takes fits that of its body."""
    async with served() as service:
        found, answer = await _answer(service, path, body)
        assert found == status
        assert list(_validator(path, status).iter_errors(answer)) == []
        document = openapi()
        schema = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        errors = list(
            Draft202012Validator({**schema, "components": document["components"]}).iter_errors(body)
        )
        assert bool(errors) is (status == 400)


async def test_an_access_request_is_as_described() -> None:
    """201 with a task, which can be read as described."""
    async with served() as service, service.client("admin") as admin:
        await admin.publish_policy(_ESCALATING)
        body = {**_ASKED, "action": {"name": "erp:Delete"}}
        status, answer = await _answer(service, "/access/v1/requests", body)
        assert status == 201
        assert list(_validator("/access/v1/requests", 201).iter_errors(answer)) == []
        headers = {"Authorization": f"Bearer {service.token('pep')}"}
        url = f"{service.url}/access/v1/requests/{answer['task']['id']}"
        async with service.http.get(url, headers=headers) as response:
            seen = await response.json()
        assert list(_validator("/access/v1/requests/{task}", 200, "get").iter_errors(seen)) == []


async def test_the_document_is_given_out_to_those_with_a_token() -> None:
    """At /openapi.json, the same as the file."""
    async with served() as service:
        async with service.http.get(f"{service.url}/openapi.json") as response:
            assert response.status == 401
        headers = {"Authorization": f"Bearer {service.token('pep')}"}
        async with service.http.get(f"{service.url}/openapi.json", headers=headers) as response:
            assert await response.json() == openapi()
        assert (await service.post("{ revision }", "pep"))["data"]
        assert request()
