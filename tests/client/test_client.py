"""The client against services that misbehave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from graphsvc.client import CallFailed, Client, Unreachable
from graphsvc.core.verdict import Verdict
from graphsvc.errors import BadInput, NotAllowed
from tests.api.served import request

pytestmark = pytest.mark.anyio

_ANSWER = {
    "data": {
        "r": {
            "__typename": "Decision",
            "verdict": "PERMIT",
            "reasons": [],
            "id": "decision:d1",
            "revision": "s.1",
        }
    }
}


@asynccontextmanager
async def _service(answer: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/graphql", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_late_answer_is_deny() -> None:
    """Past the deadline the client answers itself: DENY, with a code, in time."""

    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.json_response(_ANSWER)

    async with _service(never) as url, Client(url, deadline_ms=50) as client:
        async with asyncio.timeout(2):
            answer = await client.decide(request())
        assert (answer.verdict, answer.permitted, answer.recorded) == (Verdict.DENY, False, False)
        assert [reason.code for reason in answer.reasons] == ["deadline_exceeded"]
        async with asyncio.timeout(2):
            batch = await client.decide_many([request(), request()])
        assert [getattr(one, "verdict", None) for one in batch] == [Verdict.DENY, Verdict.DENY]


async def test_a_lost_connection_is_tried_again_with_the_same_key() -> None:
    """The service sees one key, however often the connection breaks."""
    keys: list[str] = []

    async def second_time(call: web.Request) -> web.Response:
        keys.append((await call.json())["variables"]["v"]["idempotencyKey"])
        if len(keys) == 1:
            assert call.transport is not None
            call.transport.close()
        return web.json_response(_ANSWER)

    async with _service(second_time) as url, Client(url) as client:
        assert (await client.decide(request())).permitted
    assert len(keys) == 2
    assert keys[0] == keys[1]


async def test_changes_without_a_key_are_not_repeated() -> None:
    """A grant whose connection broke is reported, not sent again."""
    calls: list[int] = []

    async def broken(call: web.Request) -> web.Response:
        calls.append(1)
        assert call.transport is not None
        call.transport.close()
        return web.Response()

    async with _service(broken) as url, Client(url) as client:
        with pytest.raises(Unreachable):
            await client.revoke_grant("g", "over")
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"error": {"code": "unauthenticated", "message": "no"}}, NotAllowed),
        (404, None, CallFailed),
        (
            200,
            {"errors": [{"message": "no", "extensions": {"code": "invalid_request", "field": "x"}}]},
            BadInput,
        ),
        (
            200,
            {"data": {"r": {"__typename": "NotAllowed", "code": "not_allowed", "message": "no"}}},
            NotAllowed,
        ),
        (200, {"data": {"r": {"__typename": "Decision", "verdict": "PERHAPS", "reasons": []}}}, CallFailed),
    ],
)
async def test_refusals_are_errors_of_their_kind(status: int, body: Any, kind: type[Exception]) -> None:
    """What the service says no to, or says in no known form, is an error and never a permit."""

    async def refuse(_: web.Request) -> web.Response:
        return (
            web.Response(text="gone", status=status)
            if body is None
            else web.json_response(body, status=status)
        )

    async with _service(refuse) as url, Client(url) as client:
        with pytest.raises(kind):
            await client.decide(request())


async def test_misuse_is_told() -> None:
    """A client that is not open, and a call that is too large, say so before anything is sent."""
    with pytest.raises(CallFailed, match="async with"):
        await Client().close_chain("c1")
    async with Client() as client:
        with pytest.raises(BadInput, match="in parts"):
            await client.upsert_graph("x", [{"node": {"id": "a" * (1 << 20)}}])


async def test_a_report_is_told_again() -> None:
    """A connection that broke loses no report: the same one is sent until it is acknowledged."""
    bodies: list[bytes] = []

    async def second_time(call: web.Request) -> web.Response:
        bodies.append(await call.read())
        if len(bodies) == 1:
            assert call.transport is not None
            call.transport.close()
        return web.json_response(
            {"data": {"r": {"__typename": "Ack", "revision": "s.1", "at": "2026-01-01T00:00:00Z"}}}
        )

    async with _service(second_time) as url, Client(url) as client:
        assert (await client.report("d1", labels=["untrusted"])).revision == "s.1"
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
