"""What is off in production, one test a switch; and that development turns it on where it should."""

from __future__ import annotations

import aiohttp
import pytest

from tests.api.served import Served, served

pytestmark = pytest.mark.anyio
PATTERNS = "{ patterns { id } }"


async def _get(service: Served, **params: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {service.token('analyst')}", "Accept": "text/html"}
    async with service.http.get(f"{service.url}/graphql", params=params, headers=headers) as response:
        return response.status, await response.text()


@pytest.mark.parametrize("development", [False, True])
async def test_queries_by_get_are_off(development: bool) -> None:
    """Whoever makes a browser open a link asks nothing by it, in development neither."""
    async with served(development=development) as service:
        assert (await _get(service, query=PATTERNS))[0] == 405


async def test_the_ide_is_off_outside_development() -> None:
    """GET /graphql is a page in development only, and so are the files it is made of."""
    async with served() as service:
        assert (await _get(service))[0] == 405
        async with service.http.get(f"{service.url}/static/ide/lib/ide.js") as response:
            assert response.status == 404
    async with served(development=True) as service:
        status, text = await _get(service)
        assert (status, "GraphiQL" in text) == (200, True)


@pytest.mark.parametrize("protocols", [("graphql-ws",), ()])
@pytest.mark.parametrize("development", [False, True])
async def test_the_legacy_protocol_is_off(protocols: tuple[str, ...], development: bool) -> None:
    """A socket that speaks `graphql-ws`, or names nothing, is closed with 4406."""
    async with (
        served(development=development) as service,
        service.http.ws_connect(f"{service.url}/graphql", protocols=protocols) as ws,
    ):
        assert (await ws.receive()).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
        assert ws.close_code == 4406


async def test_suggestions_are_off_outside_development() -> None:
    """A misspelt name is not answered with the names there are."""
    for development, is_told in ((False, False), (True, True)):
        async with served(development=development) as service:
            answer = await service.post("{ pattern { id } }", "pep")
            assert ("patterns" in answer["errors"][0]["message"]) is is_told


_MISSPELT = (
    ("{ pattern { id } }", None),
    ("{ decisions(fliter: {}) { edges { cursor } } }", None),
    ("{ decisions(filter: {verdict: PERMITT}) { edges { cursor } } }", None),
    ("{ ... on Qery { __typename } }", None),
    ("query($f: DecisionFiltr) { decisions(filter: $f) { edges { cursor } } }", None),
    ("query($f: DecisionFilter) { decisions(filter: $f) { edges { cursor } } }", {"f": {"verdct": "DENY"}}),
    ("query($f: DecisionFilter) { decisions(filter: $f) { edges { cursor } } }", {"f": {"verdict": "DENI"}}),
    ("mutation($i: DecideInput!) { decide(input: $i) { __typename } }", {"i": {"chian": "c1"}}),
    ("subscription { decisions(aftr: 1) { __typename } }", None),
)


@pytest.mark.parametrize(("query", "variables"), _MISSPELT)
async def test_no_error_says_what_was_perhaps_meant(query: str, variables: dict[str, object] | None) -> None:
    """Fields, arguments, types, values and members of inputs, in documents, in variables and in event streams."""
    body = {"query": query, "variables": variables}
    for development in (False, True):
        async with served(development=development) as service:
            for accept in ("application/json", "text/event-stream"):
                headers = {"Authorization": f"Bearer {service.token('admin')}", "Accept": accept}
                url = f"{service.url}/graphql"
                async with service.http.post(url, json=body, headers=headers) as response:
                    text = await response.text()
                assert "errors" in text
                if not development or accept == "application/json":
                    assert ("Did you mean" in text) is development, text


async def test_introspection_is_for_analyst_and_admin() -> None:
    """Of types and of the schema, however it is wrapped; anybody in development."""
    queries = (
        "{ __schema { queryType { name } } }",
        '{ __type(name: "Query") { name } }',
        "{ ...F } fragment F on Query { s: __schema { types { name } } }",
    )
    async with served() as service:
        for query in queries:
            for role, may in (
                ("analyst", True),
                ("admin", True),
                ("pep", False),
                ("approver", False),
                ("auditor", False),
            ):
                answer = await service.post(query, role)
                assert bool(answer.get("data")) is may, (query, role)
                assert may or answer["errors"][0]["extensions"]["code"] == "not_allowed"
    async with served(development=True) as service:
        assert (await service.post(queries[0], "pep"))["data"]


async def test_several_operations_at_once_and_uploads_are_off() -> None:
    """A list of operations and a form are refused."""
    async with served() as service:
        headers = {"Authorization": f"Bearer {service.token('analyst')}"}
        url = f"{service.url}/graphql"
        async with service.http.post(url, json=[{"query": PATTERNS}] * 2, headers=headers) as response:
            assert response.status == 400
        form = aiohttp.FormData({"operations": '{"query": "{ patterns { id } }"}', "map": "{}"})
        form.add_field("0", b"x", filename="x")
        async with service.http.post(url, data=form, headers=headers) as response:
            assert response.status == 400
