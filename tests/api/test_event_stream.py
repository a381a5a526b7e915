"""Subscriptions as server-sent events, for readers without WebSockets, over a real port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import aiohttp
import pytest

from tests.api.served import SEND, Served, request, served

pytestmark = pytest.mark.anyio
DECISIONS = "subscription($after: String) { decisions(after: $after) { __typename ... on DecisionEvent { decision { id } } } }"
Event = dict[str, str]


async def _events(
    service: Served,
    query: str,
    *roles: str,
    variables: dict[str, Any] | None = None,
    last: str | None = None,
    ttl_s: float = 600,
) -> AsyncIterator[Event]:
    """Events as a browser would read them."""
    headers = {
        "Authorization": f"Bearer {service.token(*roles, ttl_s=ttl_s)}",
        "Accept": "text/event-stream",
        **({"Last-Event-ID": last} if last is not None else {}),
    }
    body = {"query": query, "variables": variables or {}}
    async with service.http.post(f"{service.url}/graphql", json=body, headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        event: Event = {}
        async for line in response.content:
            text = line.decode().rstrip("\r\n")
            if text:
                name, _, value = text.partition(":")
                event[name] = value.removeprefix(" ")
            elif event:
                yield event
                event = {}


async def test_decisions_arrive_with_ids_and_go_on_behind_one() -> None:
    """Every event names its cursor, though the document does not ask for it; `Last-Event-ID` resumes there."""
    async with served() as service, service.client() as pep, asyncio.timeout(10):
        head = service.harness.service.revision()
        made = [(await pep.decide(request(chain=f"c{place}"))).id for place in range(3)]
        async with aclosing(_events(service, DECISIONS, "analyst", variables={"after": head})) as events:  # type: ignore[type-var]
            seen = [await anext(events) for _ in range(3)]
        assert [event["event"] for event in seen] == ["next"] * 3
        assert [_decision(event) for event in seen] == made
        async with aclosing(_events(service, DECISIONS, "analyst", last=seen[0]["id"])) as events:  # type: ignore[type-var]
            assert _decision(await anext(events)) == made[1]


async def test_where_a_stream_broke_off_counts_more_than_where_it_began() -> None:
    """A reader that comes back sends the same document and variables, and what it saw last as `Last-Event-ID`."""
    async with served() as service, service.client() as pep, asyncio.timeout(10):
        began = {"after": service.harness.service.revision()}
        made = [(await pep.decide(request(chain=f"c{place}"))).id for place in range(3)]
        async with aclosing(_events(service, DECISIONS, "analyst", variables=began)) as events:  # type: ignore[type-var]
            seen = [await anext(events) for _ in range(2)]
        last = seen[1]["id"]
        async with aclosing(_events(service, DECISIONS, "analyst", variables=began, last=last)) as events:  # type: ignore[type-var]
            assert _decision(await anext(events)) == made[2]


async def test_a_cursor_of_another_store_is_a_gap() -> None:
    """The reader is told, with a cursor that it can go on from."""
    async with served() as service, asyncio.timeout(10):
        async with aclosing(_events(service, DECISIONS, "analyst", last="elsewhere.7")) as events:  # type: ignore[type-var]
            event = await anext(events)
        assert json.loads(event["data"])["data"]["decisions"]["__typename"] == "Gap"
        assert event["id"] == service.harness.service.revision()


async def test_a_mutation_is_one_event_and_the_end() -> None:
    """Also one that has a plan of its own; what is refused is data of the event, not an HTTP error."""
    query = "mutation($v: DecideInput!) { decide(input: $v) { ... on Decision { verdict } } }"
    async with served() as service, asyncio.timeout(10):
        asked = {"v": {**request(), "idempotencyKey": "k"}}
        events = [event async for event in _events(service, query, "pep", variables=asked)]
        assert [event["event"] for event in events] == ["next", "complete"]
        assert json.loads(events[0]["data"]) == {"data": {"decide": {"verdict": "PERMIT"}}}
        assert "id" not in events[0]
        wrong = [event async for event in _events(service, "subscription { nothing }", "analyst")]
        assert wrong[-1]["event"] == "complete"
        assert json.loads(wrong[0]["data"])["errors"][0]["extensions"]["code"] == "invalid_request"
        refused = [event async for event in _events(service, DECISIONS, "auditor")]
        assert json.loads(refused[0]["data"])["errors"][0]["extensions"]["code"] == "not_allowed"


async def test_a_stream_ends_with_its_token_and_asks_for_one() -> None:
    """Cut off in the middle, without `complete`; without a token it never begins."""
    async with served() as service, asyncio.timeout(10):
        with pytest.raises((aiohttp.ClientError, StopAsyncIteration)):
            await anext(_events(service, DECISIONS, "analyst", ttl_s=1))
        body = {"query": DECISIONS}
        async with service.http.post(
            f"{service.url}/graphql", json=body, headers={"Accept": "text/event-stream"}
        ) as response:
            assert response.status == 401


async def test_no_reader_is_left_behind() -> None:
    """A reader that hangs up is forgotten."""
    async with served() as service, service.client() as pep, asyncio.timeout(10):
        bus: Any = service.harness.service._bus
        head = service.harness.service.revision()
        async with aclosing(_events(service, DECISIONS, "analyst", variables={"after": head})) as events:  # type: ignore[type-var]
            await pep.decide(request())
            await anext(events)
            assert bus.subscribers == 1
        while bus.subscribers:  # noqa: ASYNC110  # the bus tells nobody of its readers
            await asyncio.sleep(0.02)


async def test_chains_are_watched() -> None:
    """Each thing that happens to a chain is told with the chain as it is; a pep sees its own."""
    query = """subscription($after: String, $filter: ChainUpdateFilter) { chainUpdates(after: $after, filter: $filter) {
      ... on ChainUpdate { chain session owner status length cause decision verdict } } }"""
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
        asyncio.timeout(10),
    ):
        head = service.harness.service.revision()
        made = await pep.decide(request())
        await pep.report(made.id, outcome="SUCCESS", labels=["untrusted"])
        await pep.decide(request("crm:Read", "record:42"))
        stopped = await pep.decide(request(SEND))
        await dana.suspend("c1", kind="chain", reason="look first")
        await dana.reinstate("c1", kind="chain")
        await pep.close_chain("c1")
        await pep.decide(request(chain="c2"))
        async with aclosing(_events(service, query, "analyst", variables={"after": head})) as events:  # type: ignore[type-var]
            told = [json.loads((await anext(events))["data"])["data"]["chainUpdates"] for _ in range(8)]
        assert [each["cause"] for each in told] == [
            "DECIDED", "REPORTED", "DECIDED", "DECIDED", "SUSPENDED", "REINSTATED", "CLOSED", "DECIDED",
        ]  # fmt: skip
        assert [each["chain"] for each in told] == ["chain:c1"] * 7 + ["chain:c2"]
        assert [each["verdict"] for each in told[:4]] == ["PERMIT", None, "PERMIT", "DENY"]
        assert told[3]["decision"] == stopped.id
        assert {each["owner"] for each in told} == {"gateway-1"}
        wanted = {"after": head, "filter": {"chain": "c1", "causes": ["CLOSED"]}}
        async with aclosing(_events(service, query, "analyst", variables=wanted)) as events:  # type: ignore[type-var]
            closed = json.loads((await anext(events))["data"])["data"]["chainUpdates"]
        assert (closed["cause"], closed["status"]) == ("CLOSED", "closed")
        async with service.client(subject="gateway-2") as other:
            await other.decide(request(chain="theirs"))
        await pep.decide(request(chain="c3"))
        wanted = {"after": head, "filter": {"causes": ["DECIDED"]}}
        async with aclosing(_events(service, query, "pep", variables=wanted)) as events:  # type: ignore[type-var]
            own = [json.loads((await anext(events))["data"])["data"]["chainUpdates"] for _ in range(5)]
        assert [each["chain"] for each in own] == ["chain:c1"] * 3 + ["chain:c2", "chain:c3"]


async def test_rules_are_watched() -> None:
    """A publication names its pack; a suspended pattern itself."""
    query = """subscription($after: String) { policyUpdates(after: $after) {
      ... on PolicyUpdate { cause pattern version { pack version comment inForce } } } }"""
    text = "graphsvc: 1\npack: {id: extra, version: 2026.11.1}\npatterns: []\n"
    async with served() as service, service.client("admin", subject="root") as admin, asyncio.timeout(10):
        head = service.harness.service.revision()
        await admin.publish_policy(text, comment="more")
        pattern = service.harness.service.patterns()[0].id
        await admin.suspend(pattern, kind="pattern", reason="too loud")
        async with aclosing(_events(service, query, "approver", variables={"after": head})) as events:  # type: ignore[type-var]
            told = [json.loads((await anext(events))["data"])["data"]["policyUpdates"] for _ in range(2)]
        assert told[0]["version"] == {
            "pack": "extra", "version": "2026.11.1", "comment": "more", "inForce": True,
        }  # fmt: skip
        assert (told[1]["cause"], told[1]["pattern"]) == ("SUSPENDED", pattern)
        refused = [event async for event in _events(service, query, "pep")]
        assert json.loads(refused[0]["data"])["errors"][0]["extensions"]["code"] == "not_allowed"


def _decision(event: Event) -> str:
    return str(json.loads(event["data"])["data"]["decisions"]["decision"]["id"])
