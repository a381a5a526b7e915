"""What reviews, chains and grants can be looked for by: each condition finds its own, and all of them together hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.served import Served, request, served
from tests.api.test_review import PACK

pytestmark = pytest.mark.anyio
_REVIEWS = "query($f: ReviewFilter) { r: reviews(filter: $f) { edges { node { decision { chain subject { id } } } } } }"
_CHAINS = "query($f: ChainFilter) { r: chains(filter: $f) { edges { node { id } } } }"
_GRANTS = "query($f: GrantFilter) { r: grants(filter: $f) { edges { node { grant { purpose } } } } }"
_HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for the service that all cases of this module ask."""
    return "asyncio"


@pytest.fixture(scope="module")
async def service() -> AsyncIterator[Served]:
    """Three reviews in three chains, half an hour apart: one open, one approved by dana, one rejected by erin."""
    async with (
        served() as service,
        service.client("admin", subject="root") as admin,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
        service.client("approver", subject="erin") as erin,
    ):
        await admin.publish_policy(PACK)
        reviews = []
        for chain, subject in (("c1", "bot"), ("c2", "bot"), ("c3", "mallory")):
            actor = {"subject": {"type": "agent", "id": subject}}
            if subject == "mallory":
                rights: dict[str, Any] = {"resources": ["*"], "expires_at": "2026-12-01T00:00:00Z"}
                await dana.grant(
                    "mallory", actions=["mail:*", "crm:*"], purpose="Backlog", chain="c3", **rights
                )
                await dana.grant("mallory", actions=["erp:*"], purpose="other", **rights)
            await pep.decide({**request(chain=chain), **actor})
            decided = await pep.decide({**request("crm:Read", f"record:{chain}", chain=chain), **actor})
            assert decided.review is not None, decided
            reviews.append(decided.review.id)
            service.harness.clock.now_ms += _HOUR_MS // 2
        await dana.approve_review(reviews[1], "Known Customer")
        await erin.reject_review(reviews[2], "no")
        await service.drawn()
        yield service


def _time(service: Served, minutes: int) -> str:
    """A time before now."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(service.harness.clock.now_ms / 1000 - 60 * minutes, UTC).isoformat()


@pytest.mark.parametrize(
    ("given", "chains"),
    [
        ({}, "c3 c2 c1"),
        ({"status": "REJECTED"}, "c3"),
        ({"subject": "identity:bot"}, "c2 c1"),
        ({"subject": "mallory"}, "c3"),
        ({"chain": "chain:c2"}, "c2"),
        ({"pattern": "second-read"}, "c3 c2 c1"),
        ({"pattern": "trifecta"}, ""),
        ({"rule": "second-read"}, "c3 c2 c1"),
        ({"rule": "pattern_completed"}, "c3 c2 c1"),
        ({"rule": "nothing"}, ""),
        ({"approver": "identity:dana"}, "c2"),
        ({"approver": "erin"}, "c3"),
        ({"text": "KNOWN cust"}, "c2"),
        ({"text": "record:"}, ""),
        ({"text": "crm:read"}, "c3 c2 c1"),
        ({"from": 70}, "c2 c3"),
        ({"to": 70}, "c1"),
        ({"from": 70, "to": 50}, "c2"),
        ({"subject": "bot", "status": "APPROVED", "approver": "dana", "text": "customer"}, "c2"),
        ({"subject": "bot", "status": "REJECTED"}, ""),
    ],
)
async def test_reviews(service: Served, given: dict[str, Any], chains: str) -> None:
    """By status, subject, chain, pattern, rule or code of a reason, who answered, time and text."""
    wanted = {
        name: _time(service, value) if isinstance(value, int) else value for name, value in given.items()
    }
    answer = await service.post(_REVIEWS, "auditor", variables={"f": wanted})
    found = [edge["node"]["decision"]["chain"] for edge in answer["data"]["r"]["edges"]]
    assert sorted(found) == sorted(f"chain:{each}" for each in chains.split())


@pytest.mark.parametrize(
    ("given", "chains"),
    [
        ({"text": "C2"}, "c2"),
        ({"from": 70}, "c2 c3"),
        ({"to": 70}, "c1"),
        ({"from": 70, "to": 50, "status": "open"}, "c2"),
        ({"owner": "gateway-1", "text": "c3"}, "c3"),
        ({"owner": "gateway-2"}, ""),
    ],
)
async def test_chains(service: Served, given: dict[str, Any], chains: str) -> None:
    """By status, owner, time of opening and text."""
    wanted = {
        name: _time(service, value) if isinstance(value, int) else value for name, value in given.items()
    }
    answer = await service.post(_CHAINS, "auditor", variables={"f": wanted})
    assert sorted(edge["node"]["id"] for edge in answer["data"]["r"]["edges"]) == [
        f"chain:{each}" for each in chains.split()
    ]


@pytest.mark.parametrize(
    ("given", "purposes"),
    [
        ({"chain": "c3"}, "Backlog"),
        ({"text": "backLOG"}, "Backlog"),
        ({"text": "ERP:"}, "other"),
        ({"text": "dana", "identity": "mallory"}, "other Backlog"),
        ({"text": "dana", "identity": "bot"}, ""),
    ],
)
async def test_grants(service: Served, given: dict[str, Any], purposes: str) -> None:
    """By identity, chain and text."""
    answer = await service.post(_GRANTS, "auditor", variables={"f": given})
    assert [edge["node"]["grant"]["purpose"] for edge in answer["data"]["r"]["edges"]] == purposes.split()
