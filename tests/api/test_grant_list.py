"""Situational grants and signals, listed over a real port."""

from typing import Any

import pytest

from tests.api.served import Served, request, served

pytestmark = pytest.mark.anyio
GRANTS = """query($first: Int, $after: String, $filter: GrantFilter) {
  grants(first: $first, after: $after, filter: $filter) {
    edges { cursor node { status used revokedAt grant { id identity purpose } } } pageInfo { hasNextPage endCursor } } }"""


async def _listed(service: Served, role: str = "auditor", **variables: Any) -> list[dict[str, Any]]:
    answer = await service.post(GRANTS, role, variables=variables)
    return [edge["node"] for edge in answer["data"]["grants"]["edges"]]


async def test_grants_are_listed_as_they_are_now() -> None:
    """Future, in force, used up, ended and revoked; by identity and status; newest first."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
    ):
        rights: dict[str, Any] = {"resources": ["*"], "expires_at": "2026-12-01T00:00:00Z"}
        await dana.grant(
            "bot", actions=["a:*"], purpose="future", not_before="2026-11-01T00:00:00Z", **rights
        )
        await dana.grant("mallory", actions=["odd:Once"], purpose="once", uses=1, **rights)
        revoked = await dana.grant("bot", actions=["c:*"], purpose="revoked", **rights)
        await dana.grant("alice", actions=["odd:*"], purpose="hers", **rights)
        mallory = {"subject": {"type": "human", "id": "mallory"}}
        assert (await pep.decide({**request("odd:Once", "record:1"), **mallory})).permitted
        await dana.revoke_grant(revoked.grant.id, "done")
        found = await _listed(service)
        assert [(each["grant"]["purpose"], each["status"], each["used"]) for each in found] == [
            ("hers", "IN_FORCE", 0), ("revoked", "REVOKED", 0), ("once", "USED_UP", 1), ("future", "FUTURE", 0),
        ]  # fmt: skip
        assert found[1]["revokedAt"] is not None
        hers = await _listed(service, filter={"identity": "identity:alice"})
        assert [each["grant"]["purpose"] for each in hers] == ["hers"]
        assert [each["status"] for each in await _listed(service, filter={"status": "USED_UP"})] == [
            "USED_UP"
        ]
        service.harness.clock.now_ms += 100 * 24 * 3_600_000
        assert {each["status"] for each in await _listed(service)} == {"EXPIRED", "REVOKED"}


async def test_pages_hold_every_grant_once() -> None:
    """By two; a cursor that is none is told."""
    async with served() as service, service.client("approver", subject="dana") as dana:
        for number in range(5):
            await dana.grant(
                "bot",
                actions=["a:*"],
                resources=["*"],
                expires_at="2026-12-01T00:00:00Z",
                purpose=str(number),
            )
        seen: list[str] = []
        after: str | None = None
        while True:
            answer = await service.post(GRANTS, "admin", variables={"first": 2, "after": after})
            page = answer["data"]["grants"]
            seen += [edge["node"]["grant"]["purpose"] for edge in page["edges"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert seen == ["4", "3", "2", "1", "0"]
        wrong = await service.post(GRANTS, "admin", variables={"after": "grant:nobody"})
        assert wrong["errors"][0]["extensions"]["field"] == "after"


async def test_signals_are_listed_with_what_they_add_now() -> None:
    """Half of it is gone after the half-life."""
    query = 'query { signals(identity: "bot") { weight cause share halfLifeMs } }'
    async with served() as service, service.client("analyst", subject="ana") as ana:
        await ana.send_signal("bot", weight=0.4, half_life="1h", cause="odd hours")
        (fresh,) = (await service.post(query, "auditor"))["data"]["signals"]
        assert (fresh["weight"], fresh["cause"], fresh["halfLifeMs"]) == (0.4, "odd hours", 3_600_000)
        assert fresh["share"] == pytest.approx(0.4, abs=1e-3)
        service.harness.clock.now_ms += 3_600_000
        (later,) = (await service.post(query, "auditor"))["data"]["signals"]
        assert later["share"] == pytest.approx(0.2, abs=1e-3)
        refused = await service.post(query, "pep")
        assert refused["errors"][0]["extensions"]["code"] == "not_allowed"
