"""Deciding, reporting and changing over a real port."""

import asyncio
from typing import Any

import pytest

from graphsvc.client import CallFailed, Unreachable
from graphsvc.core.verdict import Verdict
from graphsvc.errors import BadInput, Conflict, NotAllowed
from tests.api.served import SEND, request, served

pytestmark = pytest.mark.anyio


async def test_the_completing_action_is_denied_with_its_path() -> None:
    """Three valid rights in a row: the third answer is DENY, names the pattern and tells the path."""
    async with served() as service, service.client() as client:
        first = await client.decide(request())
        second = await client.decide(request("crm:Read", "record:42"))
        third = await client.decide(request(SEND))
        assert [first.verdict, second.verdict, third.verdict] == [
            Verdict.PERMIT,
            Verdict.PERMIT,
            Verdict.DENY,
        ]
        (completion,) = third.completions
        assert completion.pattern.id == "trifecta"
        assert [step.action for step in completion.path] == ["mail:Read", "crm:Read", "mail:Send"]
        assert completion.path[0].decision == first.id
        assert first.id.startswith("decision:")
        assert first.chain == "chain:c1"
        assert 0 < third.risk.before < third.risk.after <= 1
        assert "pattern_completed" in {reason.code for reason in third.reasons}


async def test_the_same_key_is_answered_once() -> None:
    """The same key and request: the same decision, marked as replayed; another request: Conflict."""
    async with served() as service, service.client() as client:
        first = await client.decide(request(idempotencyKey="k"))
        again = await client.decide(request(idempotencyKey="k"))
        assert (again.id, again.replayed) == (first.id, True)
        with pytest.raises(Conflict):
            await client.decide(request("crm:Read", "record:42", idempotencyKey="k"))


async def test_a_batch_is_judged_in_order() -> None:
    """DecideMany judges each request after the ones before it and keeps a bad one's place."""
    async with served() as service, service.client() as client:
        bad = {**request(), "resource": {"type": "a:b", "id": "x"}}
        results = await client.decide_many([request(), bad, request("crm:Read", "record:42"), request(SEND)])
        assert isinstance(results[1], BadInput)
        assert results[1].field == "resource.type"
        assert [getattr(one, "verdict", None) for one in results] == ["PERMIT", None, "PERMIT", "DENY"]


async def test_evaluate_changes_nothing() -> None:
    """Evaluate answers like decide, as often as asked, and leaves no decision behind."""
    async with served() as service, service.client("analyst") as client:
        before = service.harness.service.revision()
        answers = [await client.evaluate(request()) for _ in range(3)]
        assert {answer.verdict for answer in answers} == {Verdict.PERMIT}
        assert service.harness.service.revision() == before


async def test_prefixed_and_raw_ids_are_the_same() -> None:
    """`chain:c1` and `c1`, `identity:bot` and `bot` name the same."""
    async with served() as service, service.client() as client:
        first = await client.decide(request())
        prefixed = request("crm:Read", chain="chain:c1", parents=[first.id])
        prefixed["subject"] = {"type": "agent", "id": "identity:bot"}
        second = await client.decide(prefixed)
        assert (second.verdict, second.index, second.chain) == (Verdict.PERMIT, 2, "chain:c1")


LATER: dict[str, Any] = {"resources": ["record:*"], "expires_at": "2099-01-01T00:00:00Z", "purpose": "test"}


async def test_a_grant_permits_until_it_is_revoked() -> None:
    """A right given for a while permits; once revokeGrant has answered it does not."""
    wanted = {**request("crm:Read", "record:1", chain="m1"), "subject": {"type": "human", "id": "mallory"}}
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as approver,
    ):
        assert (await pep.decide(wanted)).verdict is Verdict.DENY
        granted = await approver.grant(
            "mallory",
            actions=["crm:Read"],
            resources=["record:*"],
            expires_at="2099-01-01T00:00:00Z",
            purpose="test",
        )
        service.harness.clock.now_ms += 1000
        assert (await pep.decide(wanted)).verdict is Verdict.PERMIT
        ended = await approver.revoke_grant(granted.grant.id, "over")
        assert ended.grant.id == granted.grant.id
        service.harness.clock.now_ms += 1000
        assert (await pep.decide(wanted)).verdict is Verdict.DENY


COMBINATION = """
graphsvc: 1
pack: {id: rights, version: "1"}
patterns:
  - id: read-and-export
    on_match: deny
    rights: {all_of: [{right: "crm:Read"}, {right: "crm:Export"}], gives: {right: "crm:Leak", on: "*"}}
"""


async def test_a_grant_that_completes_a_combination_is_refused_and_says_which() -> None:
    """One right of two may be given; the second is refused, with the pattern and how it comes about."""
    async with served() as service, service.client("admin", "approver", subject="dana") as approver:
        await approver.publish_policy(COMBINATION)
        await approver.grant("mallory", actions=["crm:Read"], **LATER)
        with pytest.raises(CallFailed, match="would complete `read-and-export`") as caught:
            await approver.grant("mallory", actions=["crm:Export"], **LATER)
        assert caught.value.reason == "grant_refused"
        answer = await service.post(
            "mutation($v: GrantInput!) { grant(input: $v) { __typename ... on Refused"
            " { completions { pattern { id } explanation } } } }",
            "approver",
            variables={
                "v": {
                    "identity": "mallory",
                    "actions": ["crm:*"],
                    "resources": LATER["resources"],
                    "expiresAt": LATER["expires_at"],
                    "purpose": "test",
                }
            },
        )
        assert answer["data"]["grant"] == {
            "__typename": "Refused",
            "completions": [
                {
                    "pattern": {"id": "read-and-export"},
                    "explanation": "holding `mallory`: crm:Read + crm:Export give crm:Leak on `*`",
                }
            ],
        }


async def test_suspension_stops_and_reinstating_restores() -> None:
    """A suspended identity is denied everything until it is reinstated."""
    async with served() as service, service.client() as pep, service.client("approver") as approver:
        await approver.suspend("bot", "leaked key")
        stopped = await pep.decide(request())
        assert [reason.code for reason in stopped.reasons] == ["subject_suspended"]
        await approver.reinstate("bot")
        assert (await pep.decide(request())).permitted


async def test_reports_and_chains() -> None:
    """A permitted action can be reported or cancelled, a chain opened and closed; a closed one takes nothing."""
    async with served() as service, service.client() as client:
        await client.open_chain("c9", session="s9")
        first = await client.decide(request(chain="c9"))
        assert first.session == "session:s9"
        await client.report(first.id, "SUCCESS", labels=["untrusted"])
        await client.close_chain("c9")
        closed = await client.decide(request(chain="c9"))
        assert [reason.code for reason in closed.reasons] == ["chain_closed"]
        second = await client.decide(request(chain="c8"))
        await client.cancel_decision(second.id)


async def test_graph_and_policy_are_changed_by_admin() -> None:
    """Facts and packs arrive over the API; a broken one is refused with its place and changes nothing."""
    async with served() as service, service.client("admin") as admin:
        await admin.upsert_graph("hr", [{"node": {"type": "identity", "id": "zoe", "kind": "human"}}])
        assert service.harness.service.identity("zoe") is not None
        with pytest.raises(BadInput) as caught:
            await admin.upsert_graph("hr", [{"node": {"type": "planet", "id": "x"}}])
        assert caught.value.field == "records.0.node.type"
        with pytest.raises(BadInput, match=r"site\.yaml:1:1"):
            await admin.publish_policy(("nonsense: 1\n", "site.yaml"))
        await admin.remove_source("hr")
        assert service.harness.service.identity("zoe") is None


async def test_history_is_paged_by_cursor() -> None:
    """Pages run from the newest decision to the oldest and neither skip nor repeat."""
    async with served() as service, service.client() as pep, service.client("auditor") as auditor:
        made = [(await pep.decide(request(chain=f"c{place}"))).id for place in range(5)]
        await service.drawn()
        seen, cursor = [], None
        for _ in range(5):
            page = await auditor.decisions(first=2, after=cursor)
            seen += [decision.id for decision in page.decisions]
            cursor = page.cursor
            if cursor is None:
                break
        assert seen == made[::-1]
        assert len((await auditor.chains(first=3)).chains) == 3
        found = await auditor.decision(made[0])
        assert found is not None
        assert found.id == made[0]


async def test_a_gateway_sees_only_its_own() -> None:
    """What another gateway decided does not exist for a caller that is only a pep."""
    async with served() as service, service.client() as mine, service.client(subject="gateway-2") as other:
        decision = await mine.decide(request())
        await service.drawn()
        assert await mine.decision(decision.id) is not None
        assert await other.decision(decision.id) is None
        assert await other.chain("c1") is None
        assert (await other.decisions()).decisions == []
        assert (await other.chains()).chains == []
        with pytest.raises(NotAllowed):
            await mine.suspend("bot", "not mine to do")


async def test_no_service_is_deny() -> None:
    """Without an answer the client says DENY and why; calls that change something raise instead."""
    async with served() as service:
        client = service.client(retries=1)
    async with client:
        answer = await client.decide(request())
        assert (answer.verdict, answer.recorded) == (Verdict.DENY, False)
        assert [(reason.code, reason.retryable) for reason in answer.reasons] == [
            ("service_unreachable", True)
        ]
        with pytest.raises(Unreachable, match="graphsvc serve"):
            await client.close_chain("c1")


async def test_concurrent_batches_let_no_combination_through() -> None:
    """Of the three actions of one path, sent at the same time by two callers, at most two are permitted."""
    async with served() as service, service.client() as client:
        wanted = [request(), request("crm:Read", "record:42"), request(SEND)]
        answers = await asyncio.gather(*(client.decide(one) for one in wanted))
        assert {answer.verdict for answer in answers} <= {Verdict.PERMIT, Verdict.DENY}
        order = sorted(answers, key=lambda answer: int(answer.revision.rpartition(".")[2]))
        assert [answer.index for answer in order] == [1, 2, 3]


async def test_what_is_not_kept_is_shown_in_words() -> None:
    """In the answer, however it is asked for, and in history; what rules read is shown as it was sent."""
    asked = request({"name": "mail:Send", "properties": {"to": "eve@example.org", "body": "secret"}})
    asked["resource"] = {**asked["resource"], "properties": {"plan": "secret"}}
    fields = "... on Decision { id properties resource { properties } }"
    document = "mutation ($input: DecideInput!) { %sdecide(input: $input) { %s } }"
    async with served(store_values="referenced") as service:
        told = []
        # The second document has no plan, and is answered by the general executor.
        for number, before in enumerate(("", "n: __typename ")):
            variables = {"input": {**asked, "idempotencyKey": f"k{number}"}}
            answer = await service.post(document % (before, fields), variables=variables)
            told.append(answer["data"]["decide"])
        await service.drawn()
        query = "query ($id: ID!) { decision(id: $id) { id properties resource { properties } } }"
        for each in (*told,):
            answer = await service.post(query, "analyst", variables={"id": each["id"]})
            told.append(answer["data"]["decision"])
        assert len(told) == 4
        for each in told:
            assert each["properties"] == {"to": "eve@example.org", "body": "not kept"}
            assert each["resource"]["properties"] == {"plan": "not kept"}
