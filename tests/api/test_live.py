"""Subscriptions in groups: read and written once, sent to each at its own pace, and only as long as it may see them."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn

from benchmarks.watcher import Watcher
from graphsvc.api import server
from graphsvc.api.auth import TokenVerifier
from graphsvc.api.live import document as live_document
from graphsvc.api.live.hub import Hub
from graphsvc.api.live.socket import SocketFace
from graphsvc.api.role import FIELD_ROLES
from graphsvc.api.token_register import TokenRegister
from graphsvc.client import document as client_document
from tests.api.served import PROTOCOL, Served, request, served

pytestmark = pytest.mark.anyio
DECISIONS = "subscription($after: String, $f: DecisionFilter) { decisions(after: $after, filter: $f) { __typename ... on DecisionEvent { cursor decision { id chain } } ... on Gap { cursor missed } } }"
RISK = "subscription { riskUpdates { __typename ... on RiskUpdate { chain after } ... on Gap { missed } } }"


@pytest.fixture
def hubs(monkeypatch: pytest.MonkeyPatch) -> list[Hub]:
    """The hubs that are made."""
    made: list[Hub] = []
    original = Hub.__init__

    def noted(self: Hub, *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        made.append(self)

    monkeypatch.setattr(Hub, "__init__", noted)
    return made


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every event that was written as JSON."""
    items: list[object] = []
    original = live_document.answer_text

    async def noted(watched: Any, executor: Any, item: object) -> str:
        items.append(item)
        return await original(watched, executor, item)

    monkeypatch.setattr("graphsvc.api.live.group.answer_text", noted)
    return items


@asynccontextmanager
async def connected(
    service: Served, *roles: str, subject: str = "gateway-1", ttl_s: float = 600
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A socket that was let in."""
    token = service.token(*roles, subject=subject, ttl_s=ttl_s)
    async with service.http.ws_connect(f"{service.url}/graphql", protocols=(PROTOCOL,)) as ws:
        await ws.send_json({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
        assert (await ws.receive_json(timeout=5))["type"] == "connection_ack"
        yield ws


async def subscribe(
    ws: aiohttp.ClientWebSocketResponse, query: str, name: str = "1", **variables: Any
) -> None:
    payload = {"query": query, "variables": variables}
    await ws.send_json({"id": name, "type": "subscribe", "payload": payload})


async def data(ws: aiohttp.ClientWebSocketResponse) -> Any:
    message = await ws.receive_json(timeout=10)
    assert message["type"] == "next", message
    return next(iter(message["payload"]["data"].values()))


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # nobody tells when
            await asyncio.sleep(0.01)


def _members(hub: Hub) -> int:
    return sum(len(group._members) for group in hub._groups.values())


async def test_an_event_is_written_once_for_all_who_ask_the_same(
    hubs: list[Hub], written: list[object]
) -> None:
    """Same document, variables and rights: one group, whatever cursors they resume from; others have their own."""
    async with served() as service, service.client() as pep:
        head = service.harness.service.revision()
        sockets = []
        async with asyncio.timeout(30), AsyncExitStack() as stack:
            for place in range(6):
                ws = await stack.enter_async_context(connected(service, "analyst", subject=f"a{place}"))
                await subscribe(ws, DECISIONS, **({"after": head} if place % 2 else {}))
                sockets.append(ws)
            for subject in ("gateway-1", "gateway-2"):
                own = await stack.enter_async_context(connected(service, "pep", subject=subject))
                await subscribe(own, DECISIONS)
                sockets.append(own)
            await until(lambda: _members(hubs[0]) == 8)
            assert hubs[0].groups == 3
            made = await pep.decide(request())
            for ws in sockets[:7]:
                assert (await data(ws))["decision"]["id"] == made.id
            # Once for the analysts, once for the gateway whose decision it is, never for the other gateway.
            assert len(written) == 2
        await until(lambda: hubs[0].groups == 0)


async def test_a_filter_is_looked_at_for_every_event() -> None:
    """Only what matches is sent, live and from the log."""
    async with served() as service, service.client() as pep:
        head = service.harness.service.revision()
        await pep.decide(request(chain="c1"))
        second = await pep.decide(request(chain="c2"))
        async with connected(service, "analyst") as ws:
            await subscribe(ws, DECISIONS, after=head, f={"chain": "c2"})
            assert (await data(ws))["decision"]["id"] == second.id
            await pep.decide(request(chain="c1"))
            fourth = await pep.decide(request(chain="c2"))
            assert (await data(ws))["decision"]["id"] == fourth.id


async def test_nothing_falls_between_the_log_and_what_is_live() -> None:
    """Readers that resume while decisions are made see each exactly once, in order."""
    async with served() as service, service.client() as pep, asyncio.timeout(60):
        head = service.harness.service.revision()
        made: list[str] = []

        async def decide() -> None:
            for number in range(60):
                decided = await pep.decide(request(chain=f"c{number % 5}"))
                made.append(decided.id)

        async def read(pause_s: float) -> list[str]:
            await asyncio.sleep(pause_s)
            async with connected(service, "analyst") as ws:
                await subscribe(ws, DECISIONS, after=head)
                return [(await data(ws))["decision"]["id"] for _ in range(60)]

        *seen, _ = await asyncio.gather(*(read(place * 0.02) for place in range(8)), decide())
        assert seen == [made] * 8


async def test_a_reader_that_cannot_follow_is_told_what_it_missed(
    monkeypatch: pytest.MonkeyPatch, hubs: list[Hub]
) -> None:
    """With a full backlog the newest of each chain stays, the rest is a Gap from which nothing more is missed."""
    monkeypatch.setattr("graphsvc.api.live.hub.BACKLOG", 8)
    async with served() as service, service.client() as pep, asyncio.timeout(30):
        async with connected(service, "analyst") as ws:
            await subscribe(ws, DECISIONS)
            await until(lambda: hubs and _members(hubs[0]) == 1)
            (group,) = hubs[0]._groups.values()
            (member,) = group._members
            member.backlog._bound = 8
            made = [
                each
                for each in await pep.decide_many([request(chain=f"c{n % 3}") for n in range(40)])
                if not isinstance(each, Exception)
            ]
            seen: list[Any] = []
            while not any(item.get("decision", {}).get("id") == made[-1].id for item in seen):
                seen.append(await data(ws))
        gaps = [item for item in seen if item["__typename"] == "Gap"]
        sent = [item["decision"]["id"] for item in seen if item["__typename"] == "DecisionEvent"]
        if gaps:
            assert sum(gap["missed"] for gap in gaps) + len(sent) == 40
        assert sent == [one.id for one in made if one.id in set(sent)]
        async with connected(service, "analyst") as again:
            # The cursor of a gap is that of the first left out, so what follows it is there to be read.
            if gaps:
                await subscribe(again, DECISIONS, after=gaps[0]["cursor"])
                first = await data(again)
                assert first["__typename"] == "DecisionEvent"


async def test_events_end_with_the_token(hubs: list[Hub]) -> None:
    """Nothing is sent to a caller whose token has expired, though others in its group go on."""
    async with (
        served() as service,
        service.client() as pep,
        connected(service, "analyst", ttl_s=1.5) as short,
        connected(service, "analyst") as long,
        asyncio.timeout(30),
    ):
        await subscribe(short, DECISIONS)
        await subscribe(long, DECISIONS)
        await until(lambda: hubs and _members(hubs[0]) == 2)
        assert hubs[0].groups == 1
        async for _ in short:
            pass
        assert short.close_code == 4403
        made = await pep.decide(request())
        assert (await data(long))["decision"]["id"] == made.id


async def test_a_token_that_was_taken_back_ends_the_subscription(
    hubs: list[Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that was open when its token was taken back tells nothing more; others in its group go on."""
    gone: set[str] = set()
    monkeypatch.setattr(TokenVerifier, "holds", lambda _, login: login.caller.subject not in gone)
    async with (
        served() as service,
        service.client() as pep,
        connected(service, "analyst", subject="leaked") as leaked,
        connected(service, "analyst", subject="other") as other,
        asyncio.timeout(10),
    ):
        await subscribe(leaked, DECISIONS)
        await subscribe(other, DECISIONS)
        await until(lambda: hubs and _members(hubs[0]) == 2)
        assert hubs[0].groups == 1
        gone.add("leaked")
        made = await pep.decide(request())
        message = await leaked.receive_json(timeout=5)
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "not_allowed")
        assert (await data(other))["decision"]["id"] == made.id


async def test_subscriptions_go_on_when_older_tokens_are_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those with newer tokens: what a group is told for has no token, which could be too old."""
    register = TokenRegister(tmp_path)
    monkeypatch.setattr(
        TokenVerifier, "holds", lambda _, login: not register.is_revoked(login.id, login.issued_s)
    )
    register.revoke_before(time.time() - 60)
    async with (
        served() as service,
        service.client() as pep,
        connected(service, "analyst") as ws,
        asyncio.timeout(10),
    ):
        await subscribe(ws, DECISIONS, after=service.harness.service.revision())
        made = await pep.decide(request())
        assert (await data(ws))["decision"]["id"] == made.id


async def test_a_role_that_is_gone_ends_the_subscription(
    hubs: list[Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role is looked at again for every event, not only at the start."""
    async with served() as service, service.client() as pep, connected(service, "analyst") as ws:
        await subscribe(ws, DECISIONS)
        await until(lambda: hubs and _members(hubs[0]) == 1)
        monkeypatch.setitem(FIELD_ROLES, "Subscription.decisions", frozenset({"admin"}))
        await pep.decide(request())
        message = await ws.receive_json(timeout=5)
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "not_allowed")


async def _stall(service: Served, *, sse: bool) -> socket.socket:
    """A subscriber that asks and then reads nothing, over a socket with small buffers."""
    host, port = service.url.removeprefix("http://").split(":")
    token = service.token("analyst")
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, (host, int(port)))
    body = json.dumps({"query": client_document.SUBSCRIBE}).encode()
    if sse:
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        await loop.sock_sendall(raw, head + body)
        return raw
    await loop.sock_sendall(
        raw,
        f"GET /graphql HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n".encode(),
    )
    # Frames are sent when the server has changed to the protocol.
    assert (await loop.sock_recv(raw, 4096)).startswith(b"HTTP/1.1 101")
    init = json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
    asked = json.dumps({"id": "1", "type": "subscribe", "payload": json.loads(body)})
    for text in (init, asked):
        data = text.encode()
        size = (
            bytes([0x80 | len(data)])
            if len(data) < 126
            else bytes([0x80 | 126]) + len(data).to_bytes(2, "big")
        )
        await loop.sock_sendall(raw, b"\x81" + size + b"\0\0\0\0" + data)
    return raw


async def test_a_socket_that_the_server_closes_while_something_is_sent_is_gone(hubs: list[Hub]) -> None:
    """Its operations end without a word in the log: a reader that answers no pings is nobody's mistake here."""
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    heard: asyncio.Queue[Any] = asyncio.Queue()
    closed = asyncio.Event()

    async def send(message: Any) -> None:
        if '"next"' in message.get("text", ""):
            closed.set()
            raise RuntimeError("Unexpected ASGI message 'websocket.send', after sending 'websocket.close'.")

    async with served() as service, service.client() as pep, asyncio.timeout(10):
        token = service.token("analyst")
        heard.put_nowait({"type": "websocket.connect"})
        for message in (
            {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}},
            {"id": "1", "type": "subscribe", "payload": {"query": DECISIONS}},
        ):
            heard.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})
        scope: Any = {"type": "websocket", "subprotocols": [PROTOCOL], "headers": []}
        face = SocketFace(hubs[0]._parts, hubs[0], None)  # type: ignore[arg-type]
        talking = asyncio.create_task(face(scope, heard.get, send))
        await until(lambda: _members(hubs[0]) == 1)
        await pep.decide(request())
        await closed.wait()
        heard.put_nowait({"type": "websocket.disconnect", "code": 1006})
        await talking
        gc.collect()
        assert told == []


@pytest.mark.parametrize("sse", [False, True])
async def test_a_stalled_reader_is_cut_off_and_harms_nobody(
    sse: bool, hubs: list[Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others get every event meanwhile; what the stalled one would get does not pile up; then its connection ends."""
    monkeypatch.setattr("graphsvc.api.live.hub.STALLED_S", 1.0)
    async with served() as service, service.client() as pep, asyncio.timeout(90):
        raw = await _stall(service, sse=sse)
        async with connected(service, "analyst") as healthy:
            await subscribe(healthy, DECISIONS)
            await until(lambda: hubs and _members(hubs[0]) == 2)
            hubs[0]._stalled_s = 2.0
            number, seen = 0, 0
            while hubs[0]._senders and len(hubs[0]._senders) > 1:
                batch = [request(chain=f"c{number}-{each}") for each in range(100)]
                number += 1
                await pep.decide_many(batch)
                for _ in range(100):
                    assert (await data(healthy))["__typename"] == "DecisionEvent"
                    seen += 1
                assert (
                    max(
                        (
                            len(member.backlog)
                            for group in hubs[0]._groups.values()
                            for member in group._members
                        ),
                        default=0,
                    )
                    <= 256
                )
            assert seen == number * 100
            assert service_counter(hubs[0], "stalled") == 1
        raw.close()
        await until(lambda: not hubs[0]._senders and hubs[0].groups == 0)


def service_counter(hub: Hub, name: str) -> float:
    counter: Any = getattr(hub._parts.metrics, name)
    return float(counter._value.get())


async def _code(service: Served, *messages: Any, before: bool = True) -> int | None:
    """With which code a socket is closed after these messages. before: let in first."""
    async with service.http.ws_connect(f"{service.url}/graphql", protocols=(PROTOCOL,)) as ws:
        if before:
            token = service.token("analyst")
            await ws.send_json({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
        for message in messages:
            if isinstance(message, str):
                await ws.send_str(message)
            elif isinstance(message, bytes):
                await ws.send_bytes(message)
            else:
                await ws.send_json(message)
        async with asyncio.timeout(5):
            async for _ in ws:
                pass
        return ws.close_code


_ASK = {"id": "1", "type": "subscribe", "payload": {"query": DECISIONS}}


@pytest.mark.parametrize(
    ("messages", "before", "code"),
    [
        (["no json"], True, 4400),
        (['{"type":"ping","type":"pong"}'], True, 4400),
        ([b"{}"], True, 4400),
        ([{"type": "start"}], True, 4400),
        ([{"type": "subscribe", "id": "1", "payload": 1}], True, 4400),
        ([{"type": "subscribe", "id": "", "payload": {"query": DECISIONS}}], True, 4400),
        ([_ASK], False, 4401),
        ([_ASK, _ASK], True, 4409),
        ([{"type": "connection_init"}], True, 4429),
        ([{**_ASK, "id": str(number)} for number in range(101)], True, 4429),
    ],
)
async def test_sockets_that_break_the_protocol_are_closed(
    messages: list[Any], before: bool, code: int
) -> None:
    """With the code that the protocol names for it."""
    async with served() as service:
        assert await _code(service, *messages, before=before) == code


async def test_a_socket_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """4408 when no initialisation comes in time."""
    monkeypatch.setattr("graphsvc.api.live.socket.SocketFace.init_within_s", 0.2)
    async with served() as service:
        assert await _code(service, before=False) == 4408


async def test_connections_are_counted_and_capped(hubs: list[Hub]) -> None:
    """Beyond the cap a socket is closed with 1013 and an event stream answered with 503 `overloaded`."""
    async with served() as service, connected(service, "analyst"):
        hubs[0]._max_senders = 1
        async with service.http.ws_connect(f"{service.url}/graphql", protocols=(PROTOCOL,)) as ws:
            async for _ in ws:
                pass
            assert ws.close_code == 1013
        headers = {"Authorization": f"Bearer {service.token('analyst')}", "Accept": "text/event-stream"}
        async with service.http.post(
            f"{service.url}/graphql", json={"query": RISK}, headers=headers
        ) as response:
            assert response.status == 503
            assert response.headers["Retry-After"]
            assert (await response.json())["error"]["code"] == "overloaded"


async def test_queries_are_answered_over_a_socket() -> None:
    """Once, then `complete`; what is wrong with a document is an `error`."""
    async with served() as service, connected(service, "analyst") as ws:
        await subscribe(ws, "{ patterns { id } }", name="q")
        assert (await data(ws)) != []
        assert await ws.receive_json(timeout=5) == {"id": "q", "type": "complete"}
        await subscribe(ws, "{ nothing }", name="w")
        message = await ws.receive_json(timeout=5)
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "invalid_request")


async def test_what_is_not_compiled_is_executed_alike() -> None:
    """A guarded field and a directive go through the general executor, with the same answers."""
    plain = "subscription($after: String) { decisions(after: $after) { ... on DecisionEvent { decision { id verdict decidedAt risk { after } subject { id } } } } }"
    odd = plain.replace("id verdict", "id verdict @include(if: true)")
    guarded = plain.replace("id verdict", "id verdict review { id status }")
    async with served() as service, service.client() as pep, connected(service, "analyst") as ws:
        head = service.harness.service.revision()
        await pep.decide({**request(), "intent": {"actions": []}})
        answers = []
        for place, query in enumerate((plain, odd, guarded)):
            await subscribe(ws, query, name=str(place), after=head)
            answers.append((await data(ws))["decision"])
        assert answers[0] == answers[1]
        assert answers[2].pop("review")["status"] == "OPEN"
        assert answers[2] == answers[0]


async def test_whoever_answers_no_pings_is_closed_and_the_measuring_reader_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reader that is only quiet stays; one whose other end may be gone does not."""
    original = server._config

    def impatient(*args: Any) -> uvicorn.Config:
        config = original(*args)
        config.ws_ping_interval = config.ws_ping_timeout = 0.2
        return config

    monkeypatch.setattr(server, "_config", impatient)
    async with served() as service, service.client() as pep:
        token = service.token("pep")
        watching = "subscription { decisions { __typename } }"
        with (
            closing(await Watcher.subscribe(service.url, token, watching)) as reader,
            closing(await Watcher.subscribe(service.url, token, watching)) as mute,
        ):
            monkeypatch.setattr(mute, "_send", lambda *_: None)
            reading = asyncio.create_task(reader.next())
            with pytest.raises(ConnectionError, match="1011"):
                await asyncio.wait_for(mute.next(), 5)
            await pep.decide(request())
            assert b"DecisionEvent" in await asyncio.wait_for(reading, 5)
