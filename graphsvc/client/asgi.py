"""ASGI middleware: every request that `ask` names is decided before the application sees it (Starlette, FastAPI, any other).

app.add_middleware(AsgiGuard, client=client, ask=ask)
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import orjson

from graphsvc.client.client import Client
from graphsvc.client.result import Decision
from graphsvc.core.verdict import Verdict
from graphsvc.errors import GraphsvcError

__all__ = ["AsgiGuard"]

_log = logging.getLogger("graphsvc.client")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class AsgiGuard:
    """ask: the DecideInput of a request by its scope; None: nobody has to be asked. client: open as long as the app runs.

    A permitted request carries its decision in `scope["state"]["decision"]`, and what came of it is reported: FAILURE
    for an exception and for 5xx. Any other is 403 with the codes, in a form that tells no rules. An `ask` that fails is 403.
    """

    def __init__(self, app: App, *, client: Client, ask: Callable[[Scope], Mapping[str, Any] | None]) -> None:
        self._app = app
        self._client = client
        self._ask = ask

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; sockets and what is no request pass unguarded only if `ask` says None."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        try:
            wanted = self._ask(scope)
        except Exception:  # noqa: BLE001  the application's own code; nothing runs unasked
            _log.exception("ask_failed", extra={"path": scope.get("path")})
            await _refuse(scope, send, {"verdict": "DENY", "codes": ["ask_failed"]}, [])
            return
        if wanted is None:
            await self._app(scope, receive, send)
            return
        try:
            decision = await self._client.decide(wanted)
        except GraphsvcError as error:
            await _refuse(scope, send, {"verdict": "DENY", "codes": [error.code]}, [])
            return
        if not decision.permitted:
            body, headers = _told(decision)
            await _refuse(scope, send, body, headers)
            return
        scope.setdefault("state", {})["decision"] = decision
        await self._run(decision, scope, receive, send)

    async def _run(self, decision: Decision, scope: Scope, receive: Receive, send: Send) -> None:
        status = 200

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except BaseException:
            status = 500
            raise
        finally:
            await self._reported(decision, "FAILURE" if status >= 500 else "SUCCESS")

    async def _reported(self, decision: Decision, outcome: str) -> None:
        try:
            await self._client.report(decision.id, outcome)
        except GraphsvcError:
            # Without a report the action counts as done, which is the safe side.
            return


def _told(decision: Decision) -> tuple[dict[str, Any], list[tuple[bytes, bytes]]]:
    codes = list(dict.fromkeys(reason.code for reason in decision.reasons))
    headers = [(b"x-graphsvc-verdict", decision.verdict.value.encode())]
    if decision.id:
        headers.append((b"x-graphsvc-decision", decision.id.encode()))
    if decision.verdict is Verdict.ESCALATE and decision.review is not None:
        headers.append((b"x-graphsvc-review", decision.review.id.encode()))
    return {"verdict": decision.verdict.value, "codes": codes, "decision": decision.id or None}, headers


async def _refuse(scope: Scope, send: Send, body: dict[str, Any], headers: list[tuple[bytes, bytes]]) -> None:
    if scope["type"] == "websocket":
        # Before it was accepted this is a 403 too.
        await send({"type": "websocket.close", "code": 4403, "reason": body["verdict"]})
        return
    # RFC 9457, with members of our own.
    raw = orjson.dumps({"type": "about:blank", "title": "Forbidden", "status": 403, **body})
    start = [
        (b"content-type", b"application/problem+json"), (b"content-length", str(len(raw)).encode()),
        (b"cache-control", b"no-store"), *headers,
    ]  # fmt: skip
    await send({"type": "http.response.start", "status": 403, "headers": start})
    await send({"type": "http.response.body", "body": raw})
