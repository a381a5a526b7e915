"""What the API costs beside the decision: the application driven without sockets, its decision answered at once."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import orjson

from graphsvc.api.app import create_app
from graphsvc.api.auth import OpenDoor
from graphsvc.client import document
from graphsvc.decide.command import Answer
from graphsvc.decide.service import GraphsvcService
from graphsvc.store.memory import open_memory
from graphsvc.wiring import new_id, now_ms

__all__ = ["measure"]

_ENTITY = {"subject": {"type": "agent", "id": "bot"}, "resource": {"type": "mailbox", "id": "support"}}
_SMALL = (
    "mutation($v: DecideInput!) { decide(input: $v) { __typename ... on Decision { id verdict "
    "reasons { code message } revision } ... on Failure { code message } } }"
)
_PACK = """
graphsvc: 1
pack: {id: bench, version: "1"}
settings: {entitlement: "off"}
"""


def measure(calls: int = 3_000) -> list[dict[str, Any]]:
    """CPU microseconds of one call by way; the median of ten parts."""
    return asyncio.run(_measure(calls))


async def _measure(calls: int) -> list[dict[str, Any]]:
    store = await open_memory()
    service = GraphsvcService(store, clock=now_ms, ids=new_id)
    await service.start()
    try:
        await service.publish_policy(_operator(), [(_PACK, "bench.yaml")], "bench")
        app = create_app(service, store, auth=OpenDoor())
        decide = orjson.dumps({"query": document.DECIDE, "variables": {"v": _input("k")}})
        evaluation = orjson.dumps({**_ENTITY, "action": {"name": "mail:Read"}})
        first = await _call(app, "/graphql", decide)
        assert b'"PERMIT"' in first, first
        answer = await service.decide(_operator(), _command())
        service.decide = _constant(answer)  # type: ignore[method-assign]  # the decision costs nothing now
        judged = await service.evaluate(_operator(), _command().request)
        service.evaluate = _constant(judged)  # type: ignore[method-assign]
        rows = []
        small = orjson.dumps({"query": _SMALL, "variables": {"v": _input("k")}})
        for name, path, query, body in (
            ("GraphQL decide, plan", "/graphql", b"", decide),
            ("GraphQL decide, plan, verdict and reasons only", "/graphql", b"", small),
            ("GraphQL decide, general", "/graphql", b"general", decide),
            ("AuthZEN evaluation", "/access/v1/evaluation", b"", evaluation),
            ("a route that answers at once", "/livez", b"", b""),
        ):
            spent = await _timed(app, path, query, body, calls if query != b"general" else calls // 10)
            rows.append({"way": name, "us": spent})
        rows.append(
            {"way": "an ASGI application that echoes", "us": await _timed(_echo, "/", b"", small, calls)}
        )
        plan = rows[0]["us"]
        for row in rows:
            row["x plan"] = round(row["us"] / plan, 2)
        return rows
    finally:
        await service.close()


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    del scope
    body = (await receive())["body"]
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _timed(app: Any, path: str, query: bytes, body: bytes, calls: int) -> float:
    await _call(app, path, body, query)
    parts = []
    for _ in range(10):
        started = time.process_time_ns()
        for _ in range(calls // 10):
            await _call(app, path, body, query)
        parts.append((time.process_time_ns() - started) / (calls // 10) / 1_000)
    return round(sorted(parts)[5], 1)


async def _call(app: Any, path: str, body: bytes, query: bytes = b"") -> bytes:
    sent: list[bytes] = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "path": path,
        "method": "POST" if body else "GET", "raw_path": path.encode(), "query_string": query, "root_path": "",
        "headers": [
            (b"host", b"localhost"), (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            sent.append(message.get("body", b""))

    await app(scope, receive, send)
    return b"".join(sent)


def _input(key: str) -> dict[str, Any]:
    return {"idempotencyKey": key, "chain": "c1", "action": {"name": "mail:Read"}, **_ENTITY}


def _command() -> Any:
    from graphsvc.core.request import AccessRequest, Entity
    from graphsvc.decide.command import DecideCommand

    request = AccessRequest(
        id="",
        chain="c1",
        subject=Entity("agent", "bot"),
        action="mail:Read",
        resource=Entity("mailbox", "support"),
    )
    return DecideCommand(key="k", request=request)


def _operator() -> Any:
    from graphsvc.cli.direct import OPERATOR

    return OPERATOR


def _constant(answer: Answer | Any) -> Any:
    async def call(*_: object, **__: object) -> Any:
        return answer

    return call
