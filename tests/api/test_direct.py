"""Requests that are answered without a cycle of the server: their order, their connection's life, and what goes on to the rest."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.types import Receive, Scope, Send

from graphsvc.api.connection import Connections
from graphsvc.api.hot.driven import drive
from graphsvc.api.hot.front import HotFront
from graphsvc.api.hot.head import Heads
from graphsvc.api.rate import Rate
from graphsvc.decide.ports import Accepted, Draft, Refused
from graphsvc.store.memory import MemoryStore
from tests.api.served import Served, request, served

pytestmark = pytest.mark.anyio
_QUERY = "mutation($v: DecideInput!) { decide(input: $v) { __typename ... on Decision { id verdict } } }"


class SlowStore(MemoryStore):
    """Commits wait until they may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def append(self, draft: Draft, *, seen: int, reads: Collection[str]) -> Accepted | Refused:
        await self.may_go_on.wait()
        return await super().append(draft, seen=seen, reads=reads)


@pytest.fixture
def by_server(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of requests that took the server's way."""
    paths: list[str] = []
    original = HotFront.__call__

    async def watched(self: HotFront, scope: Scope, receive: Receive, send: Send) -> None:
        paths.append(scope["path"])
        await original(self, scope, receive, send)

    monkeypatch.setattr(HotFront, "__call__", watched)
    return paths


@asynccontextmanager
async def _open(service: Served) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    parts = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        writer.close()


def _message(
    service: Served, key: str, *headers: str, query: str = _QUERY, token: str | None = None
) -> bytes:
    variables = {"v": {**request(), "idempotencyKey": key}}
    body = json.dumps({"query": query, "variables": variables}).encode()
    lines = [
        "POST /graphql HTTP/1.1", "Host: localhost", "Content-Type: application/json",
        f"Authorization: Bearer {token or service.token()}", f"Content-Length: {len(body)}", *headers,
    ]  # fmt: skip
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _answer(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    return first, headers, json.loads(body)


def _id(answer: tuple[str, dict[str, str], Any]) -> str:
    return str(answer[2]["data"]["decide"]["id"])


async def test_requests_of_a_connection_are_answered_without_the_server(by_server: list[str]) -> None:
    """Head and body as the server writes them, the caller's id among them."""
    async with served() as service, _open(service) as (reader, writer):
        for number in range(3):
            writer.write(_message(service, f"k{number}", "X-Request-ID: r1"))
            first, headers, body = await _answer(reader)
            assert (first, body["data"]["decide"]["verdict"]) == ("HTTP/1.1 200 OK", "PERMIT")
            assert list(headers) == ["content-length", "content-type", "x-request-id"]
            assert (headers["content-type"], headers["x-request-id"]) == ("application/json", "r1")
        assert by_server == []


async def test_a_body_may_come_after_its_head(by_server: list[str]) -> None:
    """As many clients send them; a head that stays alone is cut off and told, also behind answers on its connection."""
    limits = Connections(whole_within_s=0.5)
    async with served(connections=limits) as service, _open(service) as (reader, writer):
        token = service.token()
        for number in range(3):
            head, end, body = _message(service, f"k{number}", token=token).partition(b"\r\n\r\n")
            writer.write(head + end)
            await asyncio.sleep(0.02)
            writer.write(body)
            assert _id(await _answer(reader))
        assert by_server == []
        writer.write(head + end)
        first, _, body = await _answer(reader)
        assert (first, body["error"]["code"]) == ("HTTP/1.1 408 Request Timeout", "request_timeout")
        assert await reader.read() == b""
        assert limits.late == 1


async def test_a_head_alone_is_waited_for_when_the_server_stops() -> None:
    """As for any request that has begun."""
    async with served() as service, _open(service) as (reader, writer):
        head, end, body = _message(service, "k").partition(b"\r\n\r\n")
        writer.write(head + end)
        await asyncio.sleep(0.05)
        stopping = asyncio.ensure_future(service.stop())
        await asyncio.sleep(0.05)
        writer.write(body)
        answer = await _answer(reader)
        assert _id(answer)
        assert answer[1]["connection"] == "close"
        await stopping


@pytest.mark.parametrize(
    ("headers", "pieces"),
    [((), 2), (("Connection: close",), 1), (("Expect: 100-continue",), 1), (("Cookie: a=b", "X-A: \x7f"), 1)],
)
async def test_what_is_not_plain_goes_the_servers_way(
    by_server: list[str], headers: tuple[str, ...], pieces: int
) -> None:
    """In two pieces, or the last of its connection: the same decision in the end."""
    async with served() as service, _open(service) as (reader, writer):
        message = _message(service, "k", *headers)
        for place in range(pieces):
            # The first piece ends within the head.
            writer.write(message[place * 80 : (place + 1) * 80 if place + 1 < pieces else None])
            await asyncio.sleep(0.02)
        if "Expect: 100-continue" in headers:
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        if "X-A: \x7f" in headers:
            assert b" 400 " in await reader.readline()
            return
        first, told, body = await _answer(reader)
        assert (first, body["data"]["decide"]["verdict"]) == ("HTTP/1.1 200 OK", "PERMIT")
        if "Connection: close" in headers:
            assert told["connection"] == "close"
            assert await reader.read() == b""
        assert by_server == ["/graphql"]


async def test_what_has_no_plan_is_asked_once_of_the_rest(by_server: list[str]) -> None:
    """A query, then a decision on the same connection; the bucket of the caller is charged once."""
    rate = Rate(1.0, burst_s=2.0, clock=lambda: 0.0)
    async with served(rate=rate) as service, _open(service) as (reader, writer):
        token = service.token()
        writer.write(
            _message(service, "k1", query=_QUERY.replace("{ id", "@include(if: true) { id"), token=token)
        )
        assert _id(await _answer(reader))
        writer.write(_message(service, "k2", token=token))
        assert _id(await _answer(reader))
        assert by_server == []
        writer.write(_message(service, "k3", token=token))
        assert (await _answer(reader))[2]["errors"][0]["extensions"]["code"] == "rate_limited"


async def test_the_next_request_waits_for_the_answer_before_it() -> None:
    """Sent while one is being decided, alone, in parts or two at once: answered in order."""
    store = SlowStore()
    async with served(store=store) as service, _open(service) as (reader, writer):
        store.may_go_on.clear()
        messages = [_message(service, f"k{number}") for number in range(5)]
        writer.write(messages[0])
        await asyncio.sleep(0.02)
        for part in (messages[1], messages[2] + messages[3], messages[4][:100], messages[4][100:]):
            writer.write(part)
            await asyncio.sleep(0.02)
        store.may_go_on.set()
        ids = [_id(await _answer(reader)) for _ in messages]
        assert ids == sorted(ids)
        assert len(set(ids)) == 5


async def test_a_caller_that_hangs_up_leaves_a_whole_decision() -> None:
    """The same key gives it back on another connection."""
    store = SlowStore()
    async with served(store=store) as service:
        async with _open(service) as (_, writer):
            store.may_go_on.clear()
            writer.write(_message(service, "k"))
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.02)
        store.may_go_on.set()
        async with _open(service) as (reader, writer):
            writer.write(_message(service, "k", query=_QUERY.replace("id verdict", "id replayed")))
            assert (await _answer(reader))[2]["data"]["decide"]["replayed"] is True


async def test_what_is_being_decided_is_answered_before_the_server_stops() -> None:
    """And its connection is closed then; an idle one at once."""
    store = SlowStore()
    async with (
        served(store=store) as service,
        _open(service) as (reader, writer),
        _open(service) as (idle, other),
    ):
        other.write(_message(service, "k0"))
        await _answer(idle)
        store.may_go_on.clear()
        writer.write(_message(service, "k1"))
        await asyncio.sleep(0.05)
        stopping = asyncio.ensure_future(service.stop())
        assert await idle.read() == b""
        await asyncio.sleep(0.05)
        assert not stopping.done()
        store.may_go_on.set()
        assert (await _answer(reader))[2]["data"]["decide"]["verdict"] == "PERMIT"
        assert await reader.read() == b""
        await stopping


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not() -> None:
    """Time counts from the last answer, though it is measured once in a while."""
    limits, loop = Connections(idle_s=2), asyncio.get_running_loop()
    async with served(connections=limits) as service, _open(service) as (reader, writer):
        for number in range(4):
            writer.write(_message(service, f"k{number}"))
            await _answer(reader)
            answered_s = loop.time()
            await asyncio.sleep(0.6)
        assert await reader.read() == b""
        # Late on a busy machine, never early.
        assert loop.time() - answered_s > 1.9


async def test_a_token_that_is_taken_back_counts_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often its request was answered before: heads are known, logins are looked at each time."""
    async with served() as service, _open(service) as (reader, writer):
        token = service.token()
        writer.write(_message(service, "k1", token=token))
        assert _id(await _answer(reader))
        monkeypatch.setattr("graphsvc.api.auth.TokenVerifier.holds", lambda *_: False)
        writer.write(_message(service, "k2", token=token))
        assert (await _answer(reader))[0] == "HTTP/1.1 401 Unauthorized"


async def test_an_error_on_the_way_is_the_answer_of_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left unanswered, and the connection lives on."""

    async def broken(*_: Any, **__: Any) -> bytes:
        raise RuntimeError

    async with served() as service, _open(service) as (reader, writer):
        monkeypatch.setattr(HotFront, "answer", broken)
        for key in ("k1", "k2"):
            writer.write(_message(service, key))
            assert _id(await _answer(reader))


def test_heads_that_differ_are_forgotten_together() -> None:
    """There is an end to how many are remembered, and to how long they are."""
    heads = Heads()
    head = b"POST /graphql HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 2\r\nX-N: %d\r\n\r\n{}"
    for number in range(3_000):
        assert heads.find(head % number) is not None
    assert len(heads._known) <= 1_024
    assert heads.find(head.replace(b"X-N", b"X-N: " + b"n" * 9_000 + b"\r\nX-N") % 1) is None


@pytest.mark.parametrize(
    "head",
    [
        b"POST /graphql HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 2",
        b"POST /graphql HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked",
        b"POST /graphql HTTP/1.1\r\nContent-Type: application/json",
        b"POST /graphql HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\nUpgrade: websocket",
        b"POST /graphql HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length : 2",
        b"POST /graphql HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2",
        b"POST /graphql?a HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2",
        b"GET /graphql HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2",
        b"POST /graphql HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 2",
    ],
)
def test_heads_that_are_not_plain_are_left_to_the_server(head: bytes) -> None:
    """Each time, and nothing is remembered of their bodies."""
    heads = Heads()
    assert heads.find(head + b"\r\n\r\n{}") is None
    assert heads.find(head + b"\r\n\r\n{}") is None


async def test_a_driven_coroutine_goes_on_when_its_futures_end() -> None:
    """It begins at once, takes errors of what it waits for, and tells what it returns, or None after an error."""
    loop, told = asyncio.get_running_loop(), list[int | None]()
    first: asyncio.Future[int] = loop.create_future()
    second: asyncio.Future[int] = loop.create_future()

    async def add() -> int:
        total = await first
        try:
            await second
        except ValueError:
            return total + 1
        return 0

    drive(add(), told.append)
    first.set_result(1)
    second.set_exception(ValueError())
    assert told == []
    await asyncio.sleep(0.01)
    assert told == [2]
    gone: asyncio.Future[int] = loop.create_future()

    async def wait() -> int:
        return await gone

    drive(wait(), told.append)
    gone.cancel()
    await asyncio.sleep(0.01)
    assert told == [2, None]
