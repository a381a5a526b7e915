"""Access requests: an escalated evaluation is put before people, and what they said counts."""

from typing import Any

import pytest
from msgspec.structs import replace

from graphsvc.core.record import Approved, Record, Rejected
from graphsvc.core.request import Entity
from graphsvc.decide.jobs import ChangeJob
from tests.api.authzen_fixture import ALICE, BOB, RECORD_1, Answered, Door, asking, scenario
from tests.service.harness import ADMIN, GATEWAY

pytestmark = pytest.mark.anyio
_EXPORT = asking(ALICE, "export", RECORD_1, context={"purpose": "audit"})
_EXPLAINED = {**_EXPORT, "context": {"purpose": "audit", "graphsvc": {"explain": True}}}
_PROBLEM = "urn:openid:authzen:access-request:error:"


async def _settle(door: Door, decision: str, *, approved: bool) -> None:
    """What people say of a review: a record in the log."""
    person, target = Entity("human", "dana"), decision.removeprefix("decision:")

    def build(now: Any) -> list[Record]:
        kind = Approved if approved else Rejected
        return [kind(at_ms=now.at_ms, decision=target, person=person)]

    await door.service.harness.service._run(ChangeJob(build, frozenset({f"v:{target}"})))


async def _see(door: Door, task: str, *roles: str, subject: str = "gateway-1") -> Answered:
    headers = {"Authorization": f"Bearer {door.service.token(*roles, subject=subject)}"}
    return await door.get(f"/access/v1/requests/{task}", headers=headers)


async def test_from_denial_to_approval() -> None:
    """Explain, ask, wait, and evaluate again with the approval: true, and only for exactly this request."""
    async with scenario(public_url="https://pdp.example.com") as door:
        assert (await door.post("evaluation", _EXPORT)).body == {"decision": False}
        denied = (await door.post("evaluation", _EXPLAINED)).body
        assert denied["decision"] is False
        context = denied["context"]
        assert context["graphsvc"]["verdict"] == "ESCALATE"
        assert context["reason"] == "approval_required"
        assert context["access_request"]["endpoint"] == "https://pdp.example.com/access/v1/requests"
        denial = {
            "evaluation_id": context["evaluation_id"],
            "expires_at": context["access_request"]["expires_at"],
        }
        made = await door.post(
            "requests", {**_EXPORT, "denial": denial}, headers={"Idempotency-Key": "k1"}, subject="gateway-1"
        )
        assert made.status == 201, made.body
        task = made.body["task"]
        assert task["status"] == "pending"
        assert task["status_endpoint"] == made.headers["Location"]
        assert task["status_endpoint"] == f"https://pdp.example.com/access/v1/requests/{task['id']}"
        assert "result" not in made.body
        waiting = await _see(door, task["id"])
        assert (waiting.status, waiting.body) == (200, made.body)
        assert waiting.headers["Retry-After"]
        approval = {"approval": {"id": task["id"]}}
        again = {**_EXPORT, "context": {**_EXPORT["context"], **approval}}
        assert not await door.decide(again)
        await _settle(door, task["id"], approved=True)
        approved = (await _see(door, task["id"])).body
        assert approved["task"]["status"] == "approved"
        assert approved["result"] == {"mode": "reevaluate", "approval": {"id": task["id"]}}
        assert [await door.decide(again) for _ in range(3)] == [True] * 3
        assert not await door.decide({**again, "context": {"purpose": "other", **approval}})
        assert not await door.decide({**again, "resource": {"type": "record", "id": "record-2"}})
        assert not await door.decide(_EXPORT)
        # What was taken away meanwhile stays away.
        await door.service.harness.service.suspend(ADMIN, "alice", "left", None)
        assert not await door.decide(again)


async def test_a_rejected_request_is_denied() -> None:
    """The status says so, and the approval that is none helps nobody."""
    async with scenario() as door:
        task = (await door.post("requests", _EXPORT)).body["task"]["id"]
        await _settle(door, task, approved=False)
        told = (await _see(door, task)).body
        assert (told["task"]["status"], "result" in told) == ("denied", False)
        context = {**_EXPLAINED["context"], "approval": {"id": task}}
        answer = await door.post("evaluation", {**_EXPORT, "context": context})
        codes = [reason["code"] for reason in answer.body["context"]["graphsvc"]["reasons"]]
        assert "review_rejected" in codes


async def test_a_withdrawn_request_is_cancelled() -> None:
    """Whoever asked may take it back; the status says so in the profile's word."""
    async with scenario() as door:
        task = (await door.post("requests", _EXPORT, subject="gateway-1")).body["task"]["id"]
        desk = door.service.harness.service.desk
        await desk.withdraw_review(
            replace(GATEWAY, subject="gateway-1"), task.removeprefix("decision:"), "done"
        )
        told = await _see(door, task)
        assert (told.status, told.body["task"]["status"], "result" in told.body) == (200, "cancelled", False)


async def test_a_request_is_made_once() -> None:
    """The same key, or the same request without a key, is the same task; another request with the key is a conflict."""
    async with scenario() as door:
        keyed = {"Idempotency-Key": "k"}
        first = await door.post("requests", _EXPORT, headers=keyed)
        again = await door.post("requests", _EXPORT, headers=keyed)
        assert first.body["task"]["id"] == again.body["task"]["id"]
        other = await door.post(
            "requests", asking(ALICE, "export", {"type": "record", "id": "record-2"}), headers=keyed
        )
        assert (other.status, other.body["type"]) == (409, f"{_PROBLEM}conflict")
        plain = [(await door.post("requests", _EXPORT)).body["task"]["id"] for _ in range(2)]
        assert plain[0] == plain[1] != first.body["task"]["id"]


async def test_what_need_not_or_cannot_be_approved() -> None:
    """Problems in the profile's form, each with its type; and nothing is recorded by any of them."""
    async with scenario() as door:
        before = door.service.harness.service.revision()
        cases: list[tuple[dict[str, Any], int, str]] = [
            (asking(ALICE, "read"), 409, "not_required"),
            (asking(BOB, "export"), 403, "policy_denied"),
            ({**_EXPORT, "denial": {"expires_at": "2020-01-01T00:00:00Z"}}, 410, "expired_denial"),
            ({**_EXPORT, "denial": {"evaluation_id": "eval_0"}}, 400, "invalid_denial_binding"),
            ({**_EXPORT, "denial": {"expires_at": "soon"}}, 400, "invalid_request"),
            ({**_EXPORT, "items": []}, 400, "invalid_request"),
            ({"subject": ALICE}, 400, "invalid_request"),
        ]
        for body, status, kind in cases:
            answer = await door.post("requests", body)
            assert answer.status == status, (body, answer.body)
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert (answer.body["type"], answer.body["status"]) == (_PROBLEM + kind, status)
            assert answer.body["detail"]
        refused = await door.post("requests", _EXPORT, "analyst")
        assert (refused.status, refused.body["type"]) == (403, f"{_PROBLEM}not_allowed")
        assert door.service.harness.service.revision() == before


async def test_a_task_is_for_those_who_asked() -> None:
    """Other enforcement points are told what they would be told of a task that is not there; reviewers see it."""
    async with scenario() as door:
        task = (await door.post("requests", _EXPORT)).body["task"]["id"]
        hidden, missing = await _see(door, task, subject="gateway-2"), await _see(door, "decision:nobody")
        assert hidden.status == missing.status == 404
        assert hidden.body["type"] == missing.body["type"] == f"{_PROBLEM}task_not_found"
        for role in ("approver", "analyst", "auditor", "admin"):
            assert (await _see(door, task, role, subject="dana")).status == 200, role
        assert (await door.get(f"/access/v1/requests/{task}")).status == 401
