"""GraphQL over server-sent events: one operation a request ("distinct connections"), resumable by `Last-Event-ID`.

Protocol: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md. Every event of a subscription carries the
cursor of its record as `id:`, so that a browser that lost the connection goes on where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from graphsvc.api.context import Context
from graphsvc.api.failure import failure
from graphsvc.api.live.document import Watched
from graphsvc.api.live.group import Member
from graphsvc.api.live.hub import Hub, Sender
from graphsvc.api.live.socket import Execute
from graphsvc.api.role import refusal
from graphsvc.api.schema.build import finish_error

__all__ = ["EVENT_STREAM", "LAST_EVENT_ID", "StreamFace"]

EVENT_STREAM = "text/event-stream"
LAST_EVENT_ID = "last-event-id"
# Proxies close connections on which nothing happens.
_HEARTBEAT_S = 15.0
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class StreamFace:
    """Answers a request as events. execute: see `socket.Execute`."""

    def __init__(self, hub: Hub, execute: Execute) -> None:
        self._hub = hub
        self._execute = execute

    async def answer(
        self, payload: dict[str, Any], context: Context, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Until the reader, the events or the token end."""
        if self._hub.is_full:
            told = "too many event streams are open; try again later"
            await failure(503, "overloaded", told, headers={"Retry-After": "5"})(scope, receive, send)
            return
        assert context.login is not None
        expires_s = context.login.expires_s
        left_s = None if expires_s is None else max(0.0, expires_s - time.time())
        with self._hub.sending() as sender:
            stream = _Stream(send, sender)
            # Cut off without the last chunk, at the token's end or when nothing is read: the reader sees that this was
            # not the end.
            with contextlib.suppress(TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(left_s), asyncio.TaskGroup() as tasks:
                    main = tasks.create_task(self._carry_out(payload, context, stream))
                    listening = tasks.create_task(_listen(receive, stream, main))
                    main.add_done_callback(lambda _: listening.cancel())

    async def _carry_out(self, payload: dict[str, Any], context: Context, stream: _Stream) -> None:
        await stream.begin()
        found = context.parts.documents.resolve(payload)
        variables, operation = payload.get("variables") or {}, payload.get("operationName")
        known: Any = found if isinstance(found, list) else self._hub.documents.find(found, operation)
        if isinstance(known, list):
            await stream.refuse(known)
        elif known.operation == "subscription":
            await self._follow(known, variables, context, stream)
        else:
            answer = await self._execute(known.text, variables, operation, context)
            await stream.next(orjson.dumps(answer).decode())
        await stream.end()

    async def _follow(
        self, watched: Watched, variables: dict[str, Any], context: Context, stream: _Stream
    ) -> None:
        member = await self._hub.subscribe(watched, variables, context)
        if isinstance(member, list):
            await stream.refuse(member)
            return
        with context.parts.metrics.subscriptions.track_inprogress():
            await _send_all(member, stream)


async def _send_all(member: Member, stream: _Stream) -> None:
    try:
        async for item in member.items():
            await stream.next(item.text, item.cursor)
    except PermissionError:
        await stream.refuse([refusal(member.path)])
    finally:
        member.close()


class _Stream:
    """Writes events."""

    def __init__(self, send: Send, sender: Sender) -> None:
        self._send = send
        self._sender = sender
        self.has_begun = False

    async def begin(self) -> None:
        """The head of the answer."""
        await self._send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        self.has_begun = True

    async def next(self, text: str, cursor: str | None = None) -> None:
        """One answer. cursor: its id."""
        start = "" if cursor is None else f"id: {cursor}\n"
        await self.write(f"{start}event: next\ndata: {text}\n\n")

    async def refuse(self, errors: list[Any]) -> None:
        """An answer that holds errors only."""
        for error in errors:
            finish_error(error)
        await self.next(orjson.dumps({"errors": [error.formatted for error in errors]}).decode())

    async def end(self) -> None:
        """There is nothing more."""
        await self.write("event: complete\ndata: \n\n", more=False)

    async def write(self, text: str, *, more: bool = True) -> None:
        """Part of the body."""
        with self._sender.busy():
            await self._send({"type": "http.response.body", "body": text.encode(), "more_body": more})


async def _listen(receive: Receive, stream: _Stream, main: asyncio.Task[None]) -> None:
    """Notice a reader that goes away, and keep what lies between awake."""
    while True:
        try:
            async with asyncio.timeout(_HEARTBEAT_S):
                message = await receive()
        except TimeoutError:
            if stream.has_begun:
                await stream.write(":\n\n")
            continue
        if message["type"] == "http.disconnect":
            main.cancel()
            return
