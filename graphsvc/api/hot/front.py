"""The front of the application: decisions that have a plan are answered before any routing, the rest goes on."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphsvc.api.auth import Unauthenticated
from graphsvc.api.context import Context, Parts
from graphsvc.api.hot.path import HotPath
from graphsvc.api.media import GRAPHQL_RESPONSE, media_type

__all__ = ["HotFront"]

_PATH = "/graphql"
_JSON = frozenset((b"application/json", b"application/json; charset=utf-8"))
_EVENT_STREAM = b"text/event-stream"
_CONTENT_TYPE = (b"content-type", b"application/json")
_NEWER_TYPE = (b"content-type", f"{GRAPHQL_RESPONSE}; charset=utf-8".encode())


class HotFront:
    """ASGI middleware, the innermost: whoever is before it has limited the body and checked the host."""

    def __init__(self, app: ASGIApp, parts: Parts, path: HotPath) -> None:
        self._app = app
        self._parts = parts
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or one socket."""
        if (
            scope["type"] != "http"
            or scope["path"] != _PATH
            or scope["method"] != "POST"
            or scope["query_string"]
        ):
            await self._app(scope, receive, send)
            return
        authorization, kinds, streamed, content_type = None, [], False, _CONTENT_TYPE
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value.decode("latin-1")
            elif name == b"content-type":
                kinds.append(value)
            elif name == b"accept":
                streamed = streamed or _EVENT_STREAM in value.lower()
                if b"graphql-response" in value and media_type(value.decode("latin-1")) == GRAPHQL_RESPONSE:
                    content_type = _NEWER_TYPE
        if streamed or len(kinds) != 1 or kinds[0] not in _JSON:
            await self._app(scope, receive, send)
            return
        again, body = await _whole_body(receive)
        answer = await self._answered(authorization, body) if body is not None else None
        if answer is None:
            await self._app(scope, again, send)
            return
        headers = [(b"content-length", str(len(answer)).encode()), content_type]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _answered(self, authorization: str | None, body: bytes) -> bytes | None:
        try:
            login = self._parts.auth.login(authorization)
        except Unauthenticated:
            # The endpoint says what is wrong with the token, and counts it.
            return None
        return await self._path.answer(body, Context(parts=self._parts, login=login))


async def _whole_body(receive: Receive) -> tuple[Receive, bytes | None]:
    """Where to receive everything once more, and the body; None when the caller went away."""
    message = await receive()
    messages = [message]
    while message["type"] == "http.request" and message.get("more_body", False):
        message = await receive()
        messages.append(message)
    left = iter(messages)

    async def again() -> Message:
        held = next(left, None)
        return held if held is not None else await receive()

    if message["type"] != "http.request":
        return again, None
    return again, b"".join([each.get("body", b"") for each in messages])
