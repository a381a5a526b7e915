"""Discovery, and headers that every route treats alike."""

import pytest

from tests.api.authzen_fixture import asking, scenario

pytestmark = pytest.mark.anyio
_PATH = "/.well-known/authzen-configuration"


async def test_metadata_is_built_from_the_setting() -> None:
    """Every URL starts with the public address, whatever the Host header says; no token is needed."""
    async with scenario(public_url="https://pdp.example.com/") as door:
        plain = await door.get(_PATH)
        assert plain.status == 200
        assert plain.headers["Content-Type"] == "application/json"
        assert "max-age" in plain.headers["Cache-Control"]
        assert plain.body["policy_decision_point"] == "https://pdp.example.com"
        endpoints = {name: url for name, url in plain.body.items() if name.endswith("_endpoint")}
        assert endpoints == {
            "access_evaluation_endpoint": "https://pdp.example.com/access/v1/evaluation",
            "access_evaluations_endpoint": "https://pdp.example.com/access/v1/evaluations",
            "search_subject_endpoint": "https://pdp.example.com/access/v1/search/subject",
            "search_resource_endpoint": "https://pdp.example.com/access/v1/search/resource",
            "search_action_endpoint": "https://pdp.example.com/access/v1/search/action",
            "access_request_endpoint": "https://pdp.example.com/access/v1/requests",
        }
        assert all(isinstance(urn, str) for urn in plain.body["capabilities"])
        for host in ("evil.example", "pdp.example.com", "localhost:1"):
            forged = await door.get(_PATH, headers={"Host": host, "X-Forwarded-Host": "evil.example"})
            assert forged.body == plain.body
        assert (await door.get(f"{_PATH}/tenant")).status == 404


async def test_a_public_path_moves_the_document_behind_it() -> None:
    """The well-known part goes between host and path, and there alone."""
    async with scenario(public_url="https://example.com/pdp/one") as door:
        answer = await door.get(f"{_PATH}/pdp/one")
        assert answer.body["policy_decision_point"] == "https://example.com/pdp/one"
        assert answer.body["access_evaluation_endpoint"] == "https://example.com/pdp/one/access/v1/evaluation"
        assert (await door.get(_PATH)).status == 404


async def test_without_a_public_address_there_is_no_metadata() -> None:
    """Nothing is made up: 404 that names the setting."""
    async with scenario() as door:
        answer = await door.get(_PATH)
        assert answer.status == 404
        assert "GRAPHSVC_PUBLIC_URL" in answer.body["error"]["message"]


async def test_the_request_id_comes_back_unchanged() -> None:
    """Whatever the answer is; and none is made up where none was sent."""
    given = 'bfe9eb29-ab87-4ca3 be83/a1d5d8305716; x="1"'
    async with scenario(public_url="https://pdp.example.com") as door:
        for body, roles, status in (
            (asking(), ("pep",), 200),
            ({}, ("pep",), 400),
            (asking(), ("auditor",), 403),
        ):
            answer = await door.post("evaluation", body, *roles, headers={"X-Request-ID": given})
            assert (answer.status, answer.headers["X-Request-ID"]) == (status, given)
        for path in ("/access/v1/evaluation", "/livez", _PATH, "/nowhere", "/access/v1/search/action"):
            assert (await door.get(path, headers={"x-request-id": given})).headers["X-Request-ID"] == given
        unknown = await door.post(
            "evaluation", asking(), headers={"Authorization": "x", "X-Request-ID": given}
        )
        assert (unknown.status, unknown.headers["X-Request-ID"]) == (401, given)
        large = await door.post("evaluation", raw=b" " * (1 << 21), headers={"X-Request-ID": given})
        assert (large.status, large.headers["X-Request-ID"]) == (413, given)
        assert "X-Request-ID" not in (await door.post("evaluation", asking())).headers
