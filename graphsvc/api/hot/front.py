"""The front of the application: what callers ask all day is answered before anything else, the rest goes on.

Everything the middleware behind it would check is checked here in one pass over the headers. A request that is not
plainly in order (another host, a body in parts or too large, an unusual type) is handed on as it came: those behind
know how to refuse it.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphsvc.api.auth import Login, Unauthenticated
from graphsvc.api.context import Parts
from graphsvc.api.hot.evaluation import evaluate_fast
from graphsvc.api.hot.head import EVALUATION, GRAPHQL, Read, read_headers
from graphsvc.api.hot.path import HotPath
from graphsvc.api.limit import MAX_BODY_BYTES

__all__ = ["HotFront"]

_PATHS = frozenset((GRAPHQL, EVALUATION))


class HotFront:
    """ASGI middleware, the outermost. hosts: names it may be called by, lower case, without ports; None = any.

    A server that has read a request whole may ask `answer` itself, and gives `behind` what that does not answer.
    """

    def __init__(self, app: ASGIApp, parts: Parts, path: HotPath, hosts: Iterable[str] | None) -> None:
        self._app = app
        self._parts = parts
        self._path = path
        self._hosts = None if hosts is None else frozenset(name.encode() for name in hosts)

    @property
    def behind(self) -> ASGIApp:
        """The application that answers what this does not."""
        return self._app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or one socket."""
        read = None
        if (
            scope["type"] == "http"
            and scope["method"] == "POST"
            and scope["path"] in _PATHS
            and not scope["query_string"]
        ):
            read = read_headers(scope["path"], scope["headers"])
        if read is None:
            await self._app(scope, receive, send)
            return
        message: Message | None = await receive()
        assert message is not None
        answer = None
        if message["type"] == "http.request" and not message.get("more_body", False):
            answer = await self.answer(read, message.get("body", b""))
        if answer is None:

            async def again() -> Message:
                nonlocal message
                if message is None:
                    return await receive()
                held, message = message, None
                return held

            await self._app(scope, again, send)
            return
        headers = [(b"content-length", b"%d" % len(answer)), *read.answered]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def answer(self, read: Read, body: bytes) -> bytes | None:
        """The body of the answer, which is 200, to a request; None: the application behind has to answer."""
        if self._hosts is not None and not self._is_ours(read.host):
            return None
        login = self._login(read.authorization) if len(body) <= MAX_BODY_BYTES else None
        if login is None:
            return None
        if read.path == GRAPHQL:
            return await self._path.answer(body, login, read.authorization, is_forwarded=read.is_forwarded)
        return await evaluate_fast(self._parts, login.caller, body)

    def _login(self, authorization: str | None) -> Login | None:
        try:
            return self._parts.auth.login(authorization)
        except Unauthenticated:
            # Those behind say what is wrong with the token, and count it.
            return None

    def _is_ours(self, host: bytes | None) -> bool:
        assert self._hosts is not None
        return host is not None and host.partition(b":")[0] in self._hosts
