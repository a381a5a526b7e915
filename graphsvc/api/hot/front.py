"""The front of the application: what callers ask all day is answered before anything else, the rest goes on.

Everything the middleware behind it would check is checked here in one pass over the headers. A request that is not
plainly in order (another host, a body in parts or too large, an unusual type) is handed on as it came: those behind
know how to refuse it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphsvc.api.auth import Login, Unauthenticated
from graphsvc.api.context import Parts
from graphsvc.api.hot.evaluation import evaluate_fast
from graphsvc.api.hot.owner import FORWARDED
from graphsvc.api.hot.path import HotPath
from graphsvc.api.limit import MAX_BODY_BYTES
from graphsvc.api.media import GRAPHQL_RESPONSE, media_type

__all__ = ["HotFront"]

_GRAPHQL = "/graphql"
_EVALUATION = "/access/v1/evaluation"
_PATHS = frozenset((_GRAPHQL, _EVALUATION))
_JSON = frozenset(
    (b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8")
)
_EVENT_STREAM = b"text/event-stream"
_CONTENT_TYPE = (b"content-type", b"application/json")
_NEWER_TYPE = (b"content-type", f"{GRAPHQL_RESPONSE}; charset=utf-8".encode())


Header: TypeAlias = tuple[bytes, bytes]


class _Read(NamedTuple):
    """What headers say. content_type: that of the answer."""

    authorization: str | None
    host: bytes | None
    request_id: Header | None
    content_type: Header
    is_forwarded: bool


class HotFront:
    """ASGI middleware, the outermost. hosts: names it may be called by, lower case, without ports; None = any."""

    def __init__(self, app: ASGIApp, parts: Parts, path: HotPath, hosts: Iterable[str] | None) -> None:
        self._app = app
        self._parts = parts
        self._path = path
        self._hosts = None if hosts is None else frozenset(name.encode() for name in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or one socket."""
        if (
            scope["type"] != "http"
            or scope["method"] != "POST"
            or scope["path"] not in _PATHS
            or scope["query_string"]
        ):
            await self._app(scope, receive, send)
            return
        found = _read(scope["headers"])
        if found is None or (self._hosts is not None and not self._is_ours(found.host)):
            await self._app(scope, receive, send)
            return
        message: Message | None = await receive()
        assert message is not None
        answer = None
        if message["type"] == "http.request" and not message.get("more_body", False):
            body = message.get("body", b"")
            if len(body) <= MAX_BODY_BYTES and (login := self._login(found.authorization)) is not None:
                if scope["path"] == _GRAPHQL:
                    answer = await self._path.answer(
                        body, login, found.authorization, is_forwarded=found.is_forwarded
                    )
                else:
                    answer = await evaluate_fast(self._parts, login.caller, body)
        if answer is None:

            async def again() -> Message:
                nonlocal message
                if message is None:
                    return await receive()
                held, message = message, None
                return held

            await self._app(scope, again, send)
            return
        content_type = found.content_type if scope["path"] == _GRAPHQL else _CONTENT_TYPE
        headers = [(b"content-length", b"%d" % len(answer)), content_type]
        if found.request_id is not None:
            headers.append(found.request_id)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _login(self, authorization: str | None) -> Login | None:
        try:
            return self._parts.auth.login(authorization)
        except Unauthenticated:
            # Those behind say what is wrong with the token, and count it.
            return None

    def _is_ours(self, host: bytes | None) -> bool:
        assert self._hosts is not None
        return host is not None and host.partition(b":")[0] in self._hosts


def _read(headers: Iterable[Header]) -> _Read | None:
    """None when something is unusual."""
    authorization = request_id = kind = host = None
    content_type, is_forwarded = _CONTENT_TYPE, False
    for name, value in headers:
        if name == b"authorization":
            if authorization is not None:
                return None
            authorization = value.decode("latin-1")
        elif name == b"content-type":
            if kind is not None or value not in _JSON:
                return None
            kind = value
        elif name == b"host":
            if host is not None:
                return None
            host = value
        elif name == b"accept":
            if b"graphql-response" in value and media_type(value.decode("latin-1")) == GRAPHQL_RESPONSE:
                content_type = _NEWER_TYPE
            if _EVENT_STREAM in value.lower():
                return None
        elif name == b"x-request-id":
            request_id = (name, value)
        elif name == FORWARDED:
            is_forwarded = True
        elif name == b"content-length" and (len(value) > 7 or int(value) > MAX_BODY_BYTES):
            return None
    return None if kind is None else _Read(authorization, host, request_id, content_type, is_forwarded)
