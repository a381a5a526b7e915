"""The routes as any HTTP client sees them."""

import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from graphsvc.api.auth import issue_token
from tests.api.served import Served, request, served

pytestmark = pytest.mark.anyio
_QUERY = {"query": "{ patterns { id } }"}


async def _status(service: Served, authorization: str | None) -> tuple[int, str]:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with service.http.post(f"{service.url}/graphql", json=_QUERY, headers=headers) as response:
        if response.status == 401:
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
            return 401, (await response.json())["error"]["code"]
        return response.status, ""


async def test_a_token_is_needed() -> None:
    """Missing, expired, forged, foreign and damaged tokens are all 401; a good one is served."""
    async with served() as service:
        good = service.token("analyst")
        forged = issue_token(Ed25519PrivateKey.generate(), subject="x", roles=["admin"])
        bad = [
            None,
            "",
            "Basic eDp5",
            "Bearer ",
            f"Bearer {service.token('analyst', ttl_s=-5)}",
            f"Bearer {forged}",
            f"Bearer {good[:-4]}AAAA",
            "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
        ]
        for authorization in bad:
            assert await _status(service, authorization) == (401, "unauthenticated"), authorization
        assert await _status(service, f"Bearer {good}") == (200, "")


async def test_pages_for_operations() -> None:
    """Liveness, readiness and the front page need no token; the figures need one that is not a pep's."""
    async with served() as service, service.client() as client:
        await client.decide(request())
        for path, status in (("/livez", 200), ("/readyz", 200), ("/", 200), ("/metrics", 401)):
            async with service.http.get(service.url + path) as response:
                assert response.status == status, path
        for role, status in (("pep", 403), ("auditor", 200)):
            headers = {"Authorization": f"Bearer {service.token(role)}"}
            async with service.http.get(f"{service.url}/metrics", headers=headers) as response:
                assert response.status == status
                text = await response.text()
        assert 'graphsvc_decisions_total{verdict="PERMIT"} 1.0' in text


async def test_large_bodies_are_refused() -> None:
    """Above 1 MiB the answer is 413, also when the length is not declared."""
    async with served() as service:
        headers = {"Authorization": f"Bearer {service.token()}", "Content-Type": "application/json"}

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b" " * 65536

        for data in (io.BytesIO(b" " * (1 << 20) + b"x"), chunks()):
            async with service.http.post(f"{service.url}/graphql", data=data, headers=headers) as response:
                assert response.status == 413
                assert (await response.json())["error"]["code"] == "too_large"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("{ " + " ".join(f"a{n}: patterns {{ id }}" for n in range(31)) + " }", "aliases"),
        ("{ patterns { " + "id " * 2100 + "} }", "tokens"),
        ("{ pattern { id } }", "Cannot query field"),
        ("{ patterns", "Syntax Error"),
    ],
)
async def test_documents_have_limits(query: str, told: str) -> None:
    """Too many aliases or tokens, unknown names and broken documents are errors without suggestions."""
    async with served() as service:
        answer = await service.post(query, "admin")
        assert not answer.get("data")
        text = answer["errors"][0]["message"]
        assert told in text
        assert "Did you mean" not in text


async def test_broken_json_is_a_client_error() -> None:
    """A body that is not JSON, or not an operation, is 400."""
    async with served() as service:
        headers = {"Authorization": f"Bearer {service.token()}", "Content-Type": "application/json"}
        for data in (b"{", b"[]", b'"x"', b"{}", b"\xff"):
            async with service.http.post(f"{service.url}/graphql", data=data, headers=headers) as response:
                assert response.status == 400, data


@pytest.mark.parametrize("given", ['"yesterday"', '"2026-11-31T00:00:00Z"', "7", "[]", "true"])
async def test_a_time_that_is_none_is_the_callers_mistake(given: str) -> None:
    """In the document or in a variable, it is told what a time looks like, and nothing is written to the log."""
    written = f"{{ decisions(filter: {{from: {given}}}) {{ edges {{ cursor }} }} }}"
    named = "query($f: DecisionFilter) { decisions(filter: $f) { edges { cursor } } }"
    async with served() as service:
        for query, variables in ((written, {}), (named, {"f": {"from": json.loads(given)}})):
            answer = await service.post(query, "analyst", variables=variables)
            (error,) = answer["errors"]
            assert error["extensions"] == {"code": "invalid_request"}
            assert "unexpected" not in error["message"]
            assert "time" in error["message"]


async def test_times_are_rfc_3339() -> None:
    """Times leave in UTC with their zone, and come in with one or not at all."""
    async with served() as service, service.client() as client:
        decided = datetime.fromisoformat((await client.decide(request())).decided_at)
        assert decided.tzinfo == UTC
        query = "query($f: DecisionFilter) { decisions(filter: $f) { edges { cursor } } }"
        answer = await service.post(query, "admin", variables={"f": {"from": "2026-01-01T00:00:00"}})
        assert "no time zone" in answer["errors"][0]["message"]
        answer = await service.post(query, "admin", variables={"f": {"from": "2026-01-01T00:00:00+01:00"}})
        assert "errors" not in answer


async def test_wrong_cursors_and_sizes_are_told() -> None:
    """A cursor of another store or a page size out of range is an error that names the argument."""
    async with served() as service:
        for arguments, field in (('after: "zz.4"', "after"), ("first: 0", "first"), ("first: 999", "first")):
            answer = await service.post(f"{{ decisions({arguments}) {{ edges {{ cursor }} }} }}", "admin")
            assert answer["errors"][0]["extensions"] == {"code": "invalid_request", "field": field}
