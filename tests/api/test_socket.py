"""Subscriptions over a real socket."""

import asyncio
from typing import Any

import aiohttp
import pytest

from graphsvc.client import DecisionEvent, Gap
from graphsvc.errors import NotAllowed
from graphsvc.events.bus import Bus
from tests.api.served import PROTOCOL, SEND, Served, request, served

pytestmark = pytest.mark.anyio


async def _init(service: Served, authorization: str | None) -> aiohttp.ClientWebSocketResponse:
    socket = await service.http.ws_connect(f"{service.url}/graphql", protocols=(PROTOCOL,))
    payload = {} if authorization is None else {"authorization": authorization}
    await socket.send_json({"type": "connection_init", "payload": payload})
    return socket


async def _closed(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    async with asyncio.timeout(5):
        async for _ in socket:
            pass
    return socket.close_code


async def _subscribed(service: Served) -> None:
    bus = service.harness.service._bus
    assert isinstance(bus, Bus)
    async with asyncio.timeout(5):
        while not bus.subscribers:  # noqa: ASYNC110  # the bus tells nobody of its readers
            await asyncio.sleep(0.01)


async def test_decisions_arrive_and_resume_by_cursor() -> None:
    """A subscriber sees decisions in order; another one goes on behind the cursor it names."""
    async with served() as service, service.client() as client:
        head = service.harness.service.revision()
        made = [(await client.decide(request(chain=f"c{place}"))).id for place in range(3)]
        events: list[DecisionEvent] = []
        async with asyncio.timeout(5):
            async for event in client.subscribe(after=head):
                assert isinstance(event, DecisionEvent)
                events.append(event)
                if len(events) == 3:
                    break
        assert [event.decision.id for event in events] == made
        async with asyncio.timeout(5):
            async for event in client.subscribe(after=events[0].cursor):
                assert isinstance(event, DecisionEvent)
                assert event.decision.id == made[1]
                break


async def test_live_decisions_and_filters() -> None:
    """Without a cursor a subscription starts now; a filter lets only its matches through."""
    async with served() as service, service.client() as client:
        seen: asyncio.Queue[Any] = asyncio.Queue()

        async def watch() -> None:
            async for event in client.subscribe(filter={"verdict": "DENY"}):
                await seen.put(event)

        task = asyncio.create_task(watch())
        await _subscribed(service)
        for one in (request(), request("crm:Read", "record:42"), request(SEND)):
            await client.decide(one)
        async with asyncio.timeout(5):
            event = await seen.get()
        assert event.decision.action == "mail:Send"
        assert seen.empty()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_unknown_cursor_is_a_gap() -> None:
    """A cursor of another store is answered with a Gap whose cursor can be used."""
    async with served() as service, service.client() as client:
        async with asyncio.timeout(5):
            async for event in client.subscribe(after="elsewhere.7"):
                assert event == Gap(cursor=service.harness.service.revision(), missed=None)
                break


async def test_risk_updates_follow_permitted_actions() -> None:
    """Risk moves with what was permitted and not with what was denied."""
    query = """subscription($after: String) { riskUpdates(after: $after) { __typename
      ... on RiskUpdate { chain identity before after beforeMicros afterMicros cause cursor } } }"""
    async with served() as service, service.client() as client:
        head = service.harness.service.revision()
        steps = [
            await client.decide(one) for one in (request(), request("crm:Read", "record:42"), request(SEND))
        ]
        socket = await _init(service, f"Bearer {service.token('analyst')}")
        assert (await socket.receive_json(timeout=5))["type"] == "connection_ack"
        payload = {"query": query, "variables": {"after": head}}
        await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
        updates = [(await socket.receive_json(timeout=5))["payload"]["data"]["riskUpdates"] for _ in range(2)]
        assert [update["cause"] for update in updates] == [steps[0].id, steps[1].id]
        assert updates[0]["before"] == 0 < updates[0]["after"] == updates[1]["before"] < updates[1]["after"]
        await socket.close()


async def test_a_gateway_watches_only_its_own() -> None:
    """Decisions of another gateway are not delivered to a caller that is only a pep."""
    async with served() as service, service.client() as mine, service.client(subject="gateway-2") as other:
        head = service.harness.service.revision()
        await other.decide(request(chain="theirs"))
        own = await mine.decide(request(chain="mine"))
        async with asyncio.timeout(5):
            async for event in mine.subscribe(after=head):
                assert isinstance(event, DecisionEvent)
                assert event.decision.id == own.id
                break


async def test_sockets_are_authenticated() -> None:
    """No token, a bad one or a wrong role gets nothing; a socket that skips the handshake is closed."""
    async with served() as service:
        assert await _closed(await _init(service, None)) == 4403
        assert await _closed(await _init(service, "Bearer x.y.z")) == 4403
        socket = await service.http.ws_connect(f"{service.url}/graphql", protocols=(PROTOCOL,))
        await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": "{ patterns { id } }"}})
        assert await _closed(socket) == 4401
        async with service.client("auditor") as auditor:
            with pytest.raises(NotAllowed):
                await anext(auditor.subscribe(after=service.harness.service.revision()))


async def test_the_legacy_protocol_is_refused() -> None:
    """`graphql-ws` is not spoken."""
    async with served() as service:
        socket = await service.http.ws_connect(f"{service.url}/graphql", protocols=("graphql-ws",))
        assert await _closed(socket) == 4406


async def test_a_socket_ends_with_its_token() -> None:
    """At the token's end the socket is closed with 4403, in the middle of a subscription."""
    async with served() as service:
        socket = await _init(service, f"Bearer {service.token('analyst', ttl_s=2)}")
        assert (await socket.receive_json(timeout=5))["type"] == "connection_ack"
        payload = {"query": "subscription { decisions { __typename } }"}
        await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
        assert await _closed(socket) == 4403


async def test_a_slow_reader_misses_nothing() -> None:
    """More records than a queue holds: the subscriber reads the rest from the log, in order."""
    async with served(bound=4) as service, service.client() as client:
        head = service.harness.service.revision()
        stream = client.subscribe(after=head)
        wanted = [request(chain=f"c{place}") for place in range(40)]
        first = await client.decide(wanted[0])
        async with asyncio.timeout(10):
            seen = [await anext(stream)]
            rest = await client.decide_many(wanted[1:])
            while len(seen) < 40:
                seen.append(await anext(stream))
        await stream.aclose()
        ids = [event.decision.id for event in seen if isinstance(event, DecisionEvent)]
        assert ids == [first.id, *(one.id for one in rest if not isinstance(one, Exception))]
