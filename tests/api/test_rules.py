"""The life of rules over a real port: trials, history under other rules, what would have been stopped, emergencies."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.served import SEND, Served, request, served
from tests.service.harness import PACK

pytestmark = pytest.mark.anyio

DRAFT = PACK.replace('version: "1"', 'version: "2"').replace(
    "patterns:", "patterns:\n  - {id: reads, on_match: escalate, steps: {a: {action: 'mail:Read'}}}"
)
DECIDE = "mutation($i: DecideInput!) { decide(input: $i) { ... on Decision { verdict policyVersion shadow { pack version pattern verdict message enforced } } ... on Failure { code message } } }"  # fmt: skip
SHADOW = "mutation($i: ShadowInput!) { shadowPolicy(input: $i) { ... on Shadowed { pack revision unjudged } ... on Failure { code message } } }"  # fmt: skip


async def decide(service: Served, key: str, **more: Any) -> Any:
    given = {**request(**more), "idempotencyKey": key}
    return (await service.post(DECIDE, variables={"i": given}))["data"]["decide"]


async def shadow(service: Served, role: str, **more: Any) -> Any:
    return (await service.post(SHADOW, role, variables={"i": {"yaml": DRAFT, **more}}))["data"][
        "shadowPolicy"
    ]


async def test_a_trial_speaks_in_the_answer() -> None:
    """The very answer tells what the trial says; the same key tells it again; the list counts it."""
    async with served() as service:
        assert (await shadow(service, "analyst"))["pack"] == "test"
        answer = await decide(service, "k1")
        assert (answer["verdict"], len(answer["policyVersion"])) == ("PERMIT", 16)
        (told,) = answer["shadow"]
        assert (told["pack"], told["version"], told["pattern"], told["verdict"], told["enforced"]) == (
            "test", "2", "reads", "ESCALATE", False
        )  # fmt: skip
        assert await decide(service, "k1") == answer
        query = "{ policyTrials { pack version canary decisions spoke escalates differs } }"
        (trial,) = (await service.post(query, "auditor"))["data"]["policyTrials"]
        assert trial == {
            "pack": "test", "version": "2", "canary": 0.0, "decisions": 1, "spoke": 1, "escalates": 1, "differs": 1
        }  # fmt: skip
        listed = "{ decisions(first: 5) { edges { node { shadow { pattern } } } } }"
        await service.drawn()
        (edge,) = (await service.post(listed, "analyst"))["data"]["decisions"]["edges"]
        assert edge["node"]["shadow"] == [{"pattern": "reads"}]


async def test_roles_of_trials() -> None:
    """A PEP tries nothing; an analyst tries without effect; a canary needs an admin."""
    async with served() as service:
        assert (await shadow(service, "pep"))["code"] == "not_allowed"
        assert (await shadow(service, "analyst", canary=0.5))["code"] == "not_allowed"
        assert (await shadow(service, "admin", canary=0.5))["pack"] == "test"
        ended = await service.post(
            'mutation { endTrial(pack: "test") { ... on Ack { revision } ... on Failure { code } } }',
            "analyst",
        )
        assert "revision" in ended["data"]["endTrial"]


async def test_history_under_a_draft() -> None:
    """Moves, who, patterns and examples; bad bounds are told by their field."""
    query = """query($i: ReplayDiffInput!) { replayDiff(input: $i) { decisions differing complete
      moves { before after count } identities { name tightened } patterns { name tightened }
      examples { subject action before after completedAfter } } }"""
    async with served() as service:
        await decide(service, "k1")
        await decide(service, "k2", action="crm:Read", resource="record:42")
        await decide(service, "k3", action=SEND)
        given = {"files": [{"yaml": DRAFT}], "first": 5}
        found = (await service.post(query, "analyst", variables={"i": given}))["data"]["replayDiff"]
        assert (found["decisions"], found["differing"], found["complete"]) == (3, 1, True)
        assert found["moves"] == [{"before": "PERMIT", "after": "ESCALATE", "count": 1}]
        assert found["identities"] == [{"name": "bot", "tightened": 1}]
        assert found["examples"] == [
            {"subject": "bot", "action": "mail:Read", "before": "PERMIT", "after": "ESCALATE", "completedAfter": ["reads"]}
        ]  # fmt: skip
        for bad, field in (
            ({"first": 999}, "first"),
            ({"seconds": 0}, "seconds"),
            ({"files": None}, "input"),
        ):
            refused = await service.post(query, "analyst", variables={"i": {**given, **bad}})
            assert refused["errors"][0]["extensions"]["field"] == field
        refused = await service.post(query, "auditor", variables={"i": given})
        assert refused["errors"][0]["extensions"]["code"] == "not_allowed"


async def test_what_would_have_been_stopped() -> None:
    """Totals, rules, identities and examples, as of a time."""
    query = "query($f: DateTime) { wouldHaveStopped(from: $f) { decisions escalated denied byRule { name count } examples { why rules wouldBe } } }"  # fmt: skip
    async with served() as service:
        await shadow(service, "analyst")
        await decide(service, "k1")
        found = (await service.post(query, "auditor"))["data"]["wouldHaveStopped"]
        assert (found["decisions"], found["escalated"], found["denied"]) == (1, 1, 0)
        assert found["byRule"] == [{"name": "test/reads", "count": 1}]
        assert found["examples"] == [{"why": "trial", "rules": ["test/reads"], "wouldBe": "ESCALATE"}]
        later = await service.post(query, "auditor", variables={"f": "2099-01-01T00:00:00Z"})
        assert later["data"]["wouldHaveStopped"]["decisions"] == 0


async def test_an_emergency_over_the_api() -> None:
    """Declared, gone past, listed with what waits, and reviewed by somebody else."""
    glass = DRAFT.replace("patterns:", "break_glass: {subject: {id: bot}, for: 1h}\npatterns:")
    glass = glass.replace("on_match: escalate", "on_match: deny")
    declare = 'mutation { breakGlass(input: {identity: "bot", reason: "down"}) { ... on Emergency { id identity until } ... on Failure { code message } } }'  # fmt: skip
    async with served() as service:
        async with service.client("admin", subject="root") as admin:
            await admin.publish_policy(glass)
        assert (await decide(service, "k1"))["verdict"] == "DENY"
        declared = (await service.post(declare))["data"]["breakGlass"]
        assert (declared["identity"], declared["id"][:6]) == ("identity:bot", "glass:")
        assert (await decide(service, "k2"))["verdict"] == "PERMIT"
        query = "{ emergencies { unreviewed reason } reviews(first: 5) { edges { node { id status afterwards } } } }"
        found = (await service.post(query, "approver", subject="dana"))["data"]
        assert found["emergencies"] == [{"unreviewed": 1, "reason": "down"}]
        ((waiting,),) = [[edge["node"] for edge in found["reviews"]["edges"]]]
        assert (waiting["status"], waiting["afterwards"]) == ("OPEN", True)
        async with service.client("approver", subject="dana") as dana:
            assert (await dana.approve_review(waiting["id"], "right")).status == "APPROVED"


async def test_a_narrower_approval_and_a_withdrawal_over_the_api() -> None:
    """`scope.properties` narrows, what is wider is told by its field; whoever asked takes a review back."""
    escalating = DRAFT.replace("'mail:Read'", "'mail:Send'").replace(
        "arguments: {to: destination}", "arguments: {to: destination}, shown: [count]"
    )
    approve = """mutation($id: ID!, $s: ReviewScopeInput) { approveReview(id: $id, reason: "ok", scope: $s) {
      ... on Review { status narrowed quorum endorsedBy } ... on Failure { code field } } }"""
    withdraw = 'mutation($id: ID!) { withdrawReview(id: $id, reason: "done") { ... on Review { status } ... on Failure { code } } }'  # fmt: skip
    async with served() as service, service.client() as pep:
        async with service.client("admin", subject="root") as admin:
            await admin.publish_policy(escalating)
        action = {"name": "mail:Send", "properties": {"to": "eve@example.org", "count": 5}}
        first = await pep.decide(request(action))
        assert first.review is not None
        wider = {"id": first.review.id, "s": {"properties": {"count": 6}}}
        refused = await service.post(approve, "approver", variables=wider, subject="dana")
        assert refused["data"]["approveReview"] == {"code": "invalid_request", "field": "scope.properties"}
        narrower = {"id": first.review.id, "s": {"properties": {"count": 2}}}
        told = (await service.post(approve, "approver", variables=narrower, subject="dana"))["data"][
            "approveReview"
        ]
        assert (told["status"], told["narrowed"]["count"], told["endorsedBy"]) == (
            "APPROVED",
            2,
            ["identity:dana"],
        )
        second = await pep.decide(request(action, chain="c2"))
        assert second.review is not None
        gone = await service.post(withdraw, variables={"id": second.review.id})
        assert gone["data"]["withdrawReview"] == {"status": "WITHDRAWN"}
