"""Which media type is answered, and what goes with it, for planned documents and for others."""

from __future__ import annotations

from typing import Any

import pytest

from graphsvc.api.media import GRAPHQL_RESPONSE, JSON, media_type
from tests.api.served import request, served

pytestmark = pytest.mark.anyio
DECIDE = "mutation($v: DecideInput!) { decide(input: $v) { __typename } }"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}; charset=utf-8", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}, application/json;q=0.9", GRAPHQL_RESPONSE),
        (f"application/json, {GRAPHQL_RESPONSE};q=0.5", JSON),
        (f"{GRAPHQL_RESPONSE};q=0, application/json", JSON),
        (f"{GRAPHQL_RESPONSE};q=high", JSON),
    ],
)
def test_the_better_liked_one(accept: str | None, expected: str) -> None:
    """Only a caller that names the newer one gets it."""
    assert media_type(accept) == expected


@pytest.mark.parametrize(
    ("body", "executed"),
    [
        ({"query": DECIDE, "variables": {"v": {**request(), "idempotencyKey": "k"}}}, True),
        ({"query": "{ patterns { id } }"}, True),
        ({"query": "{ patterns { id"}, False),
        ({"query": "{ nothing }"}, False),
        ({"query": DECIDE, "variables": {"v": {"chain": 1}}}, False),
    ],
)
async def test_what_was_not_executed_is_400_for_those_who_ask(body: dict[str, Any], executed: bool) -> None:
    """Without data, not even null; with plain JSON the status stays 200."""
    async with served() as service:
        for accept, status in ((GRAPHQL_RESPONSE, 200 if executed else 400), (JSON, 200)):
            headers = {"Authorization": f"Bearer {service.token('pep', 'analyst')}", "Accept": accept}
            async with service.http.post(f"{service.url}/graphql", json=body, headers=headers) as answer:
                assert answer.status == status
                assert answer.content_type == accept
                found = await answer.json(content_type=None)
                assert ("data" in found) is executed
                assert ("errors" in found) is not executed
