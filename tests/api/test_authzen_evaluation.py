"""AuthZEN evaluation, by the certification scenario and by what it is easy to get wrong."""

import json
from typing import Any

import pytest

from graphsvc.decide.command import Caller
from tests.api.authzen_fixture import (
    ADMIN_BOB,
    ALICE,
    ARCHIVED,
    BOB,
    RECORD_1,
    asking,
    scenario,
)

pytestmark = pytest.mark.anyio

_EIGHT = [
    (asking(ALICE, "read", RECORD_1), True),
    (asking(ALICE, "write", RECORD_1), True),
    (asking(BOB, "read", RECORD_1), True),
    (asking(BOB, "write", RECORD_1), False),
    (asking(ALICE, "write", ARCHIVED), False),
    (asking(ADMIN_BOB, "write", ARCHIVED), True),
    ({**asking(ALICE), "action": {"name": "delete", "properties": {"soft": True}}}, True),
    ({**asking(ALICE), "action": {"name": "delete", "properties": {"soft": False}}}, False),
]


async def test_the_eight_decisions_of_the_scenario_are_bare() -> None:
    """The answer is exactly `{"decision": ...}`: nothing beside it, for callers compare for equality."""
    async with scenario() as door:
        for body, expected in _EIGHT:
            answer = await door.post("evaluation", body)
            assert (answer.status, answer.body) == (200, {"decision": expected}), body
            assert answer.headers["Content-Type"] == "application/json"


async def test_context_and_unknown_members_change_nothing() -> None:
    """Extra members, extra properties, null properties and any context are taken without complaint."""
    more: list[dict[str, Any]] = [
        {"context": {"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}},
        {"context": None, "foo": "bar", "futureField": {"nested": True}},
        {"subject": {**ALICE, "properties": {"department": "Sales", "role": "manager"}, "identity": "x"}},
        {"subject": {**ALICE, "properties": None}},
        {"action": {"name": "read", "properties": {"method": "GET"}}},
    ]
    async with scenario() as door:
        for extra in more:
            assert await door.decide({**asking(), **extra}), extra


_MALFORMED: list[tuple[Any, str | None]] = [
    ({"action": {"name": "read"}, "resource": RECORD_1}, "subject"),
    ({"subject": ALICE, "resource": RECORD_1}, "action"),
    ({"subject": ALICE, "action": {"name": "read"}}, "resource"),
    (asking({"id": "alice"}), "subject.type"),
    (asking({"type": "user"}), "subject.id"),
    ({**asking(), "action": {}}, "action.name"),
    (asking(resource={"id": "record-1"}), "resource.type"),
    (asking(resource={"type": "record"}), "resource.id"),
    ({**asking(), "subject": "alice"}, "subject"),
    ({**asking(), "subject": None}, "subject"),
    ({**asking(), "action": {"name": 123}}, "action.name"),
    (asking({"type": "user", "id": ""}), "subject.id"),
    (asking(resource={"type": "a:b", "id": "x"}), "resource.type"),
    (asking({**ALICE, "properties": [1]}), "subject.properties"),
    (asking(context="x"), "context"),
    (asking(context={"graphsvc": True}), "context.graphsvc"),
    (asking(context={"graphsvc": {"explain": "yes"}}), "context.graphsvc.explain"),
    (asking(context={"graphsvc": {"onBehalfOf": [{"id": "x"}]}}), "context.graphsvc.onBehalfOf.0.type"),
    (asking(context={"approval": "x"}), "context.approval.id"),
    ([], None),
    ("x", None),
]


@pytest.mark.parametrize(("body", "field"), _MALFORMED)
async def test_malformed_requests_are_400_and_name_the_field(body: Any, field: str | None) -> None:
    """A missing or mistyped member is 400, and the answer names it."""
    async with scenario() as door:
        answer = await door.post("evaluation", body)
        assert answer.status == 400
        assert answer.body["error"]["code"] == "invalid_request"
        assert answer.body["error"].get("field") == field


async def test_asking_again_gives_the_same_answer_and_changes_nothing() -> None:
    """Evaluation does not advance a chain in flight: only a decision does."""
    async with scenario() as door:
        service = door.service.harness.service
        before = service.revision()
        body = asking(context={"graphsvc": {"chain": "c1", "explain": True}})
        answers = [(await door.post("evaluation", body)).body for _ in range(5)]
        assert all(answer == answers[0] for answer in answers)
        assert service.revision() == before
        assert not service.world.decided
        assert ("c", "c1") not in service.world.cells


async def test_a_chain_in_flight_counts_when_it_is_named() -> None:
    """What `decide` recorded in a chain makes the evaluation of its next action false; other chains are free."""
    bot = {"type": "agent", "id": "bot"}
    send = {
        "subject": bot,
        "action": {"name": "mail:Send", "properties": {"to": "eve@example.org"}},
        "resource": {"type": "mailbox", "id": "alice"},
    }
    async with scenario() as door:
        await door.service.harness.prepare()
        harness = door.service.harness
        gateway = Caller(subject="gateway-1", roles=frozenset({"pep"}))
        await harness.act("mail:Read", chain="c1", caller=gateway)
        await harness.act("crm:Read", "record:42", chain="c1", caller=gateway)
        assert await door.decide(send) is True
        assert await door.decide({**send, "context": {"graphsvc": {"chain": "c2"}}}) is True
        assert await door.decide({**send, "context": {"graphsvc": {"chain": "c1"}}}) is False
        told = await door.post(
            "evaluation", {**send, "context": {"graphsvc": {"chain": "c1", "explain": True}}}
        )
        explained = told.body["context"]["graphsvc"]
        assert explained["verdict"] == "DENY"
        assert [one["pattern"]["id"] for one in explained["completions"]] == ["trifecta"]
        assert [step["action"] for step in explained["completions"][0]["path"]] == [
            "mail:Read", "crm:Read", "mail:Send",
        ]  # fmt: skip
        # Somebody else's chain is not to be looked into.
        foreign = await door.post(
            "evaluation", {**send, "context": {"graphsvc": {"chain": "c1"}}}, subject="gateway-2"
        )
        assert (foreign.status, foreign.body["error"]["code"]) == (403, "not_allowed")


async def test_reasons_come_only_where_they_are_asked_for() -> None:
    """`context.graphsvc.explain: true` adds verdict, reasons and revision; anything else adds nothing."""
    async with scenario() as door:
        quiet: list[dict[str, Any]] = [
            {}, {"graphsvc": {}}, {"graphsvc": {"explain": False}}, {"explain": True},
        ]  # fmt: skip
        for context in quiet:
            answer = await door.post("evaluation", asking(BOB, "write", context=context))
            assert answer.body == {"decision": False}
        answer = await door.post("evaluation", asking(BOB, "write", context={"graphsvc": {"explain": True}}))
        told = answer.body["context"]["graphsvc"]
        assert (told["verdict"], told["reasons"][0]["code"]) == ("DENY", "not_entitled")
        assert told["revision"] == door.service.harness.service.revision()


async def test_only_posts_of_json_are_taken() -> None:
    """Other methods are 405, other content types 400 (not 415), and so is every body that is no I-JSON object."""
    good = json.dumps(asking()).encode()
    async with scenario() as door:
        for path in ("evaluation", "evaluations", "search/subject", "search/resource", "search/action"):
            assert (await door.get(f"/access/v1/{path}", "pep")).status == 405
            for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""):
                answer = await door.post(path, raw=good, headers={"Content-Type": kind})
                assert answer.status == 400, kind
            for raw in (
                b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"a":"\xff"}', b'{"a":"\\ud800"}', b"[" * 100_000,
                b'{"a":' * 500 + b"1" + b"}" * 500, b'{"a":NaN}', b'{"a":1e999}', b"\xef\xbb\xbf" + good,
                b'{"subject":1,"subject":2}', b'{"a":{"b:":1,"b:":2}}',
            ):  # fmt: skip
                answer = await door.post(path, raw=raw)
                assert answer.status == 400, (path, raw[:40])
                assert answer.body["error"]["message"]
            answer = await door.post(path, raw=b" " * (1 << 20) + good)
            assert answer.status == 413
        fine = await door.post(
            "evaluation", raw=good, headers={"Content-Type": "Application/JSON; charset=utf-8"}
        )
        assert fine.body == {"decision": True}


async def test_who_may_ask() -> None:
    """Without a token 401 with a challenge; auditor and approver are 403; pep, analyst and admin are answered."""
    async with scenario() as door:
        for roles, status in ((("pep",), 200), (("analyst",), 200), (("admin",), 200), (("auditor",), 403), (("approver",), 403)):  # fmt: skip
            answer = await door.post("evaluation", asking(), *roles)
            assert answer.status == status, roles
        answer = await door.post("evaluation", asking(), headers={"Authorization": "Bearer nonsense"})
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
