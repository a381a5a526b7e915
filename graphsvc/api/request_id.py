"""Gives a caller's `X-Request-ID` back, unchanged, with whatever the answer is."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["RequestId"]

_NAME = b"x-request-id"


class RequestId:
    """ASGI middleware; the outermost, so that refusals of the others carry the id too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        given = None
        if scope["type"] == "http":
            given = next((value for name, value in scope["headers"] if name == _NAME), None)
        if given is None:
            await self._app(scope, receive, send)
            return
        pair = (_NAME, given)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), pair]}
            await send(message)

        await self._app(scope, receive, sent)
