"""Resources, rights and where risk stands, over a real port."""

from typing import Any

import pytest

from tests.api.served import SEND, Served, request, served

pytestmark = pytest.mark.anyio
ESTATE: list[dict[str, Any]] = [
    {"node": {"type": "identity", "id": "zoe", "kind": "human"}},
    {"node": {"type": "group", "id": "ops"}},
    {"node": {"type": "permission", "id": "disk", "actions": ["disk:*"], "resources": ["disk:*"]}},
    {"node": {"type": "permission", "id": "wipe", "effect": "deny", "actions": ["disk:Wipe"], "resources": ["*"]}},
    {"node": {"type": "permission", "id": "night", "actions": ["door:Open"], "resources": ["*"], "condition": "context.night == true"}},
    {"node": {"type": "resource", "resource_type": "disk", "id": "d1", "labels": ["backup"], "tier": "high", "properties": {"size": 3}}},
    {"node": {"type": "resource", "resource_type": "disk", "id": "d2", "labels": [], "tier": None}},
    {"node": {"type": "resource", "resource_type": "rack", "id": "r1"}},
    {"edge": {"type": "CONTAINS", "from": "resource:rack:r1", "to": "resource:disk:d1"}},
    {"edge": {"type": "MEMBER_OF", "from": "identity:zoe", "to": "group:ops"}},
    {"edge": {"type": "GRANTED", "from": "group:ops", "to": "permission:disk"}},
    {"edge": {"type": "GRANTED", "from": "group:ops", "to": "permission:wipe"}},
    {"edge": {"type": "GRANTED", "from": "identity:zoe", "to": "permission:night"}},
]  # fmt: skip
RIGHTS = """query($action: String, $resource: ID, $first: Int, $after: String) {
  rights(identity: "zoe", action: $action, resource: $resource, first: $first, after: $after) {
    identity endCursor checked { allowed code rule capped missing }
    permissions { id effect actions resources conditional needs heldBy } } }"""


async def _estate(service: Served) -> None:
    query = "mutation($i: UpsertGraphInput!) { upsertGraph(input: $i) { ... on Ack { revision } ... on Failure { message } } }"
    answer = await service.post(query, "admin", variables={"i": {"source": "zoo", "records": ESTATE}})
    assert "revision" in answer["data"]["upsertGraph"], answer


async def test_resources_are_found_and_paged() -> None:
    """By type, tier and label; one with what it lies in; a malformed id names the fix."""
    query = """query($filter: ResourceFilter, $first: Int, $after: String) {
      resources(filter: $filter, first: $first, after: $after) { edges { cursor node { id tier labels } } pageInfo { hasNextPage } } }"""
    async with served() as service:
        await _estate(service)

        async def listed(**variables: Any) -> list[str]:
            page = (await service.post(query, "analyst", variables=variables))["data"]["resources"]
            return [edge["node"]["id"] for edge in page["edges"]]

        disks = ["resource:disk:d1", "resource:disk:d2"]
        assert await listed(filter={"type": "disk"}) == disks
        assert await listed(filter={"tier": "high", "type": "disk"}) == disks[:1]
        assert await listed(filter={"label": "backup"}) == disks[:1]
        assert await listed(filter={"type": "disk"}, first=1) == disks[:1]
        assert await listed(filter={"type": "disk"}, after=disks[0]) == disks[1:]
        one = 'query { resource(id: "disk:d1") { id type within contains properties owners labels } }'
        assert (await service.post(one, "auditor"))["data"]["resource"] == {
            "id": "resource:disk:d1", "type": "disk", "within": ["resource:rack:r1"], "contains": 0,
            "properties": {"size": 3}, "owners": [], "labels": ["backup"],
        }  # fmt: skip
        rack = await service.post('query { resource(id: "resource:rack:r1") { contains } }', "auditor")
        assert rack["data"]["resource"] == {"contains": 1}
        wrong = await service.post('query { resource(id: "d1") { id } }', "auditor")
        assert wrong["errors"][0]["extensions"] == {"code": "invalid_request", "field": "id"}
        assert (await service.post('query { resource(id: "no:thing") { id } }', "auditor"))["data"] == {
            "resource": None
        }


async def test_rights_say_by_what_and_whether() -> None:
    """Permissions with whom they come by; deny beats allow; a condition names what it needs."""
    async with served() as service:
        await _estate(service)

        async def rights(**variables: Any) -> dict[str, Any]:
            found: dict[str, Any] = (await service.post(RIGHTS, "auditor", variables=variables))["data"][
                "rights"
            ]
            return found

        every = await rights()
        assert [(each["id"], each["effect"], each["heldBy"]) for each in every["permissions"]] == [
            ("permission:disk", "allow", "group:ops"),
            ("permission:night", "allow", "identity:zoe"),
            ("permission:wipe", "deny", "group:ops"),
        ]
        assert (every["checked"], every["endCursor"], every["identity"]) == (None, None, "identity:zoe")
        read = (await rights(action="disk:Read", resource="disk:d1"))["checked"]
        assert (read["allowed"], read["code"], read["rule"]) == (True, "entitled", "permission:disk")
        wipe = (await rights(action="disk:Wipe", resource="disk:d1"))["checked"]
        assert (wipe["allowed"], wipe["code"], wipe["rule"]) == (
            False,
            "denied_explicitly",
            "permission:wipe",
        )
        door = (await rights(action="door:Open", resource="door:front"))["checked"]
        assert (door["allowed"], door["code"]) == (False, "condition_unknown")
        page = await rights(first=2)
        assert [each["id"] for each in page["permissions"]] == ["permission:disk", "permission:night"]
        rest = await rights(first=2, after=page["endCursor"])
        assert [each["id"] for each in rest["permissions"]] == ["permission:wipe"]
        nobody = await service.post('query { rights(identity: "nobody") { identity } }', "auditor")
        assert nobody["data"] == {"rights": None}


async def test_where_risk_stands() -> None:
    """Who is most at risk, what was decided lately, what waits for people."""
    query = """query($hours: Int!) { riskSummary(hours: $hours) { riskiest { kind id risk riskMicros }
      openReviews suspended grantsInForce verdicts { verdict count } patterns { pattern count } complete } }"""
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
    ):
        await pep.decide(request())
        service.harness.clock.now_ms += 3 * 3_600_000
        await pep.decide(request("crm:Read", "record:42"))
        denied = await pep.decide(request(SEND))
        assert denied.verdict == "DENY"
        await dana.suspend("mallory", reason="odd")
        summary = (await service.post(query, "approver", variables={"hours": 24}))["data"]["riskSummary"]
        counts = {each["verdict"]: each["count"] for each in summary["verdicts"]}
        assert counts == {"PERMIT": 2, "DENY": 1, "ESCALATE": 0}
        assert summary["patterns"] == [{"pattern": "trifecta", "count": 1}]
        assert (summary["suspended"], summary["openReviews"], summary["complete"]) == (1, 0, True)
        assert summary["riskiest"][0]["riskMicros"] > 0
        assert {each["kind"] for each in summary["riskiest"]} <= {"identity", "session"}
        assert "session:c1" in {each["id"] for each in summary["riskiest"]}
        lately = (await service.post(query, "approver", variables={"hours": 1}))["data"]["riskSummary"]
        assert sum(each["count"] for each in lately["verdicts"]) == 2
        wrong = await service.post(query, "approver", variables={"hours": 0})
        assert wrong["errors"][0]["extensions"]["field"] == "hours"


async def test_rights_and_evaluations_as_of_a_revision() -> None:
    """A revision of before a change tells what was so then; one that is none names the argument."""
    async with served() as service:
        await _estate(service)
        before = (await service.post("{ revision }", "analyst"))["data"]["revision"]
        gone = (
            'mutation { removeSource(source: "zoo") { ... on Ack { revision } ... on Failure { message } } }'
        )
        assert "revision" in (await service.post(gone, "admin"))["data"]["removeSource"]
        query = 'query($at: String) { rights(identity: "zoe", action: "disk:Read", resource: "disk:d1", asOf: $at) { checked { allowed } } }'
        then = await service.post(query, "analyst", variables={"at": before})
        assert then["data"]["rights"] == {"checked": {"allowed": True}}
        now = await service.post(query, "analyst")
        assert now["data"]["rights"] is None
        wrong = await service.post(query, "analyst", variables={"at": "x.3"})
        assert wrong["errors"][0]["extensions"] == {"code": "invalid_request", "field": "asOf"}


async def test_a_decision_tells_what_its_paths_hung_on() -> None:
    """In GraphQL, by the graph of then; an enforcement point is not told."""
    hung = """query($id: ID!) { decision(id: $id) { counterfactuals { pattern repair { type from to } grants earlier
      single { type from to } steps { step decision action party single { to } cut { to } grant } } } }"""
    async with served() as service:
        await service.harness.act("mail:Read")
        await service.harness.act("crm:Read", "record:42")
        answer = await service.harness.act("mail:Send", to="eve@example.org")
        await service.drawn()
        variables = {"id": f"decision:{answer.decision.request.id}"}
        (found,) = (await service.post(hung, "auditor", variables=variables))["data"]["decision"][
            "counterfactuals"
        ]
        assert found["repair"] == [{"type": "GRANTED", "from": "identity:bot", "to": "permission:all"}]
        assert [step["action"] for step in found["steps"]] == ["mail:Read", "crm:Read", "mail:Send"]
        refused = await service.post(hung, "pep", variables=variables, subject="gateway")
        assert refused["errors"][0]["extensions"]["code"] == "not_allowed"
