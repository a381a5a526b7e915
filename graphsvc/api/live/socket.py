"""The protocol graphql-transport-ws over a WebSocket.

Source: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. Subscriptions are read by the hub; queries and
mutations are taken too, each answered once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import orjson
from starlette.types import Receive, Scope, Send

from graphsvc.api.auth import Unauthenticated
from graphsvc.api.body import read_json
from graphsvc.api.context import Context, Parts
from graphsvc.api.live.document import Watched
from graphsvc.api.live.group import Member
from graphsvc.api.live.hub import Hub, Sender
from graphsvc.api.role import refusal
from graphsvc.api.schema.build import finish_error
from graphsvc.errors import BadInput

__all__ = ["PROTOCOL", "SocketFace"]

PROTOCOL = "graphql-transport-ws"
INIT_WITHIN_S = 10.0
MAX_SUBSCRIPTIONS = 100

# (text, variables, operation name, context) -> the answer as an object.
Execute: TypeAlias = Callable[[str, dict[str, Any], str | None, Context], Coroutine[Any, Any, dict[str, Any]]]


class _Closed(Exception):
    """The socket is to be closed. Its text is the reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class SocketFace:
    """The endpoint. execute: answers queries and mutations. max_subscriptions: of one socket."""

    def __init__(
        self,
        parts: Parts,
        hub: Hub,
        execute: Execute,
        *,
        max_subscriptions: int = MAX_SUBSCRIPTIONS,
        init_within_s: float = INIT_WITHIN_S,
    ) -> None:
        self._parts = parts
        self._hub = hub
        self._execute = execute
        self._max_subscriptions = max_subscriptions
        self._init_within_s = init_within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One socket."""
        assert (await receive())["type"] == "websocket.connect"
        if PROTOCOL not in scope["subprotocols"]:
            # Accepted first: a browser sees no code of a handshake that was refused.
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4406, "reason": "Subprotocol not acceptable"})
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        if self._hub.is_full:
            await send(
                {"type": "websocket.close", "code": 1013, "reason": "too many connections; try again later"}
            )
            return
        with self._hub.sending() as sender:
            socket = _Socket(self, scope, receive, send, sender)
            # Cancelled: the reader has stalled, or the server stops.
            with contextlib.suppress(asyncio.CancelledError):
                await socket.run()

    @property
    def parts(self) -> Parts:
        """What the API consists of."""
        return self._parts

    @property
    def hub(self) -> Hub:
        """Where subscriptions are read."""
        return self._hub

    @property
    def execute(self) -> Execute:
        """Answers queries and mutations."""
        return self._execute

    @property
    def max_subscriptions(self) -> int:
        """Operations of one socket at once."""
        return self._max_subscriptions

    @property
    def init_within_s(self) -> float:
        """How long a socket may say nothing at first."""
        return self._init_within_s


class _Socket:
    def __init__(self, face: SocketFace, scope: Scope, receive: Receive, send: Send, sender: Sender) -> None:
        self._face = face
        self._receive = receive
        self._raw_send = send
        self._handshake = next(
            (v.decode("latin-1") for k, v in scope["headers"] if k == b"authorization"), None
        )
        self._sender = sender
        self._context: Context | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Until either side closes."""
        deadline = self._loop.time() + self._face.init_within_s
        try:
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        message = await self._receive()
                except TimeoutError:
                    if self._context is None:
                        raise _Closed(4408, "Connection initialisation timeout") from None
                    raise _Closed(4403, "the token has expired") from None
                if message["type"] == "websocket.disconnect":
                    return
                deadline = await self._heard(message, deadline)
        except _Closed as closed:
            with contextlib.suppress(Exception):
                await self._raw_send({"type": "websocket.close", "code": closed.code, "reason": str(closed)})
        finally:
            for task in tuple(self._running.values()):
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _heard(self, message: Any, deadline: float | None) -> Any:
        """Act on a message; until when the next is waited for."""
        given = _object(message.get("text"))
        match given.get("type"):
            case "connection_init":
                return await self._initialise(given)
            case "ping":
                await self._send('{"type":"pong"}')
            case "pong":
                pass
            case "subscribe":
                self._subscribe(given)
            case "complete":
                task = self._running.pop(_text(given, "id"), None)
                if task is not None:
                    task.cancel()
            case kind:
                raise _Closed(4400, f"unknown message type {str(kind)[:40]!r}")
        return deadline

    async def _initialise(self, given: dict[str, Any]) -> float | None:
        if self._context is not None:
            raise _Closed(4429, "Too many initialisation requests")
        payload = given.get("payload")
        if payload is not None and not isinstance(payload, dict):
            raise _Closed(4400, "payload must be an object")
        params = payload or {}
        # A browser's session stands in the headers of its handshake, where the door put it.
        token = params.get("authorization") or params.get("Authorization") or self._handshake
        parts = self._face.parts
        try:
            login = parts.auth.login(token if isinstance(token, str) else None)
        except Unauthenticated:
            parts.metrics.refused.labels("unauthenticated").inc()
            # 4401 would tell the reference client never to try again.
            raise _Closed(4403, "Forbidden") from None
        self._context = Context(parts=parts, login=login)
        await self._send('{"type":"connection_ack"}')
        return None if login.expires_s is None else self._loop.time() + login.expires_s - time.time()

    def _subscribe(self, given: dict[str, Any]) -> None:
        if self._context is None:
            raise _Closed(4401, "Unauthorized")
        name, payload = _text(given, "id"), given.get("payload")
        if not name:
            raise _Closed(4400, "id must not be empty")
        if name in self._running:
            raise _Closed(4409, f"Subscriber for {name[:80]} already exists")
        if not isinstance(payload, dict) or not isinstance(payload.get("variables") or {}, dict):
            raise _Closed(4400, "payload must be an object with the document in `query`")
        if len(self._running) >= self._face.max_subscriptions:
            raise _Closed(4429, f"more than {self._face.max_subscriptions} operations at once")
        task = asyncio.create_task(self._operate(name, payload, self._context), name="operation")
        self._running[name] = task

    async def _operate(self, name: str, payload: dict[str, Any], context: Context) -> None:
        try:
            await self._carry_out(name, payload, context)
        except OSError:
            # The socket is gone: `run` is told too.
            return
        finally:
            if self._running.get(name) is asyncio.current_task():
                del self._running[name]

    async def _carry_out(self, name: str, payload: dict[str, Any], context: Context) -> None:
        hub = self._face.hub
        variables, operation = payload.get("variables") or {}, payload.get("operationName")
        found = context.parts.documents.resolve(payload)
        known: Any = found if isinstance(found, list) else hub.documents.find(found, operation)
        if isinstance(known, list):
            await self._refuse(name, known)
            return
        assert isinstance(known, Watched)
        quoted = orjson.dumps(name).decode()
        if known.operation != "subscription":
            answer = await self._face.execute(known.text, variables, operation, context)
            if "data" not in answer:
                await self._send(
                    f'{{"id":{quoted},"type":"error","payload":{orjson.dumps(answer["errors"]).decode()}}}'
                )
                return
            await self._send(f'{{"id":{quoted},"type":"next","payload":{orjson.dumps(answer).decode()}}}')
            await self._send(f'{{"id":{quoted},"type":"complete"}}')
            return
        member = await hub.subscribe(known, variables, context)
        if isinstance(member, list):
            await self._refuse(name, member)
            return
        with context.parts.metrics.subscriptions.track_inprogress():
            await self._follow(member, f'{{"id":{quoted},"type":"next","payload":', name)

    async def _follow(self, member: Member, start: str, name: str) -> None:
        try:
            async for item in member.items():
                await self._send(f"{start}{item.text}}}")
        except PermissionError:
            await self._refuse(name, [refusal(member.path)])
        finally:
            member.close()

    async def _refuse(self, name: str, errors: list[Any]) -> None:
        for error in errors:
            finish_error(error)
        told = [error.formatted for error in errors]
        text = orjson.dumps({"id": name, "type": "error", "payload": told}).decode()
        await self._send(text)

    async def _send(self, text: str) -> None:
        sender = self._sender
        sender.begin()
        try:
            await self._raw_send({"type": "websocket.send", "text": text})
        except RuntimeError as error:
            # The server has closed the socket meanwhile, for its reader answered no ping.
            raise ConnectionError("the socket was closed") from error
        finally:
            sender.done()


def _object(text: str | None) -> dict[str, Any]:
    try:
        value = read_json(text) if text is not None else None
    except BadInput:
        value = None
    if not isinstance(value, dict):
        raise _Closed(4400, "messages must be JSON objects in text frames")
    return value


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise _Closed(4400, f"{name} must be text")
    return value
