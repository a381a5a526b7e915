"""Human review over a real port: an escalated action waits, somebody else answers, it goes through once."""

import asyncio
from typing import Any

import pytest

from graphsvc.client import Client, Decision
from graphsvc.core.verdict import Verdict
from graphsvc.errors import BadInput, Conflict, NotAllowed
from tests.api.served import PROTOCOL, Served, request, served

pytestmark = pytest.mark.anyio

PACK = """
graphsvc: 1
pack: {id: careful, version: "1"}
patterns:
  - id: second-read
    on_match: escalate
    steps:
      first: {action: "mail:Read", then: again}
      again: {action: "crm:Read"}
"""


async def _escalated(service: Served, client: Client) -> tuple[Decision, dict[str, Any]]:
    async with service.client("admin", subject="root") as admin:
        await admin.publish_policy(PACK)
    assert (await client.decide(request())).permitted
    wanted = request("crm:Read", "record:1")
    escalated = await client.decide(wanted)
    assert escalated.verdict is Verdict.ESCALATE
    return escalated, wanted


async def test_an_approved_action_goes_through_once() -> None:
    """Opened by ESCALATE, approved by dana, used once; asking a second time is refused."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
    ):
        escalated, wanted = await _escalated(service, pep)
        assert escalated.review is not None
        assert (escalated.review.status, escalated.review.id[:7]) == ("OPEN", "review:")
        (waiting,) = (await dana.reviews(status="OPEN")).reviews
        assert waiting.id == escalated.review.id
        early = await pep.decide({**wanted, "review": waiting.id})
        assert [reason.code for reason in early.reasons if reason.code == "review_invalid"]
        approved = await dana.approve_review(waiting.id, "known customer")
        assert (approved.status, approved.reviewed_by, approved.reason) == (
            "APPROVED",
            "identity:dana",
            "known customer",
        )
        other = await pep.decide({**request("crm:Read", "record:2"), "review": waiting.id})
        assert other.verdict is Verdict.DENY
        first, second = await asyncio.gather(
            *(pep.decide({**wanted, "review": waiting.id}) for _ in range(2))
        )
        assert sorted(each.verdict for each in (first, second)) == [Verdict.DENY, Verdict.PERMIT]
        (used,) = (await dana.reviews(status="USED")).reviews
        assert used.used_by in (first.id, second.id)


async def test_whoever_took_part_cannot_review() -> None:
    """Neither the caller, nor the subject, nor whom it acts for; a pep not at all."""
    async with served() as service, service.client("pep", "approver", "admin") as pep:
        escalated, _ = await _escalated(service, pep)
        assert escalated.review is not None
        with pytest.raises(NotAllowed, match="cannot review it"):
            await pep.approve_review(escalated.review.id, "mine")
        async with service.client("approver", subject="bot") as bot:
            with pytest.raises(NotAllowed):
                await bot.approve_review(escalated.review.id, "mine")
        async with service.client("pep", subject="gateway-2") as stranger:
            assert (await stranger.reviews()).reviews == []


async def test_a_rejected_review_stays_rejected() -> None:
    """The request is refused with its own code, and nobody can answer again."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
    ):
        escalated, wanted = await _escalated(service, pep)
        assert escalated.review is not None
        with pytest.raises(BadInput, match="why"):
            await dana.reject_review(escalated.review.id, "  ")
        assert (await dana.reject_review(escalated.review.id, "not today")).status == "REJECTED"
        asked = await pep.decide({**wanted, "review": escalated.review.id})
        assert asked.verdict is Verdict.DENY
        assert "review_rejected" in [reason.code for reason in asked.reasons]
        with pytest.raises(Conflict, match="answered already"):
            await dana.approve_review(escalated.review.id, "changed my mind")
        with pytest.raises(BadInput, match="no review"):
            await dana.approve_review("review:nothing", "?")


async def test_a_review_expires() -> None:
    """Open for an hour; an approval that nobody used is good for an hour."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
    ):
        escalated, wanted = await _escalated(service, pep)
        assert escalated.review is not None
        await dana.approve_review(escalated.review.id, "fine")
        service.harness.clock.now_ms += 3_600_001
        late = await pep.decide({**wanted, "review": escalated.review.id})
        assert "has expired" in next(each.message for each in late.reasons if each.code == "review_invalid")
        assert late.verdict is Verdict.DENY
        again = await pep.decide(wanted)
        assert again.review is not None
        service.harness.clock.now_ms += 3_600_001
        with pytest.raises(Conflict, match="expired"):
            await dana.approve_review(again.review.id, "too late")


async def test_reviews_are_watched() -> None:
    """Opened, approved and used, each with the review as it is."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
    ):
        escalated, wanted = await _escalated(service, pep)
        assert escalated.review is not None
        query = "subscription { reviewUpdates { ... on ReviewUpdate { cursor review { id status } } } }"
        seen = await asyncio.wait_for(_watched(service, query, escalated, wanted, dana, pep), 15)
        assert seen in (["USED", "USED"], ["APPROVED", "USED"])


async def _watched(
    service: Served, query: str, escalated: Decision, wanted: dict[str, Any], dana: Client, pep: Client
) -> list[str]:
    assert escalated.review is not None
    async with service.http.ws_connect(f"{service.url}/graphql", protocols=(PROTOCOL,)) as socket:
        token = service.token("approver", subject="dana")
        await socket.send_json({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
        assert (await socket.receive_json())["type"] == "connection_ack"
        await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": query}})
        await asyncio.sleep(0.3)
        await dana.approve_review(escalated.review.id, "fine")
        assert (await pep.decide({**wanted, "review": escalated.review.id})).permitted
        items = [await socket.receive_json() for _ in range(2)]
    return [item["payload"]["data"]["reviewUpdates"]["review"]["status"] for item in items]
