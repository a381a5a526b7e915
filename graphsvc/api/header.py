"""Headers that keep a browser from doing more with an answer than it should."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["SecurityHeaders"]

_POLICY = b"content-security-policy"
# For data: nothing may be loaded or framed. A page brings a policy of its own.
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
_DATA = (_POLICY, b"default-src 'none'; frame-ancestors 'none'")
_NO_STORE = (b"cache-control", b"no-store")
_SECURE = (b"strict-transport-security", b"max-age=31536000")


class SecurityHeaders:
    """ASGI middleware. secure: callers reach the service by https, and shall never try without."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._always = (*_ALWAYS, _SECURE) if secure else _ALWAYS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                there = {name for name, _ in headers}
                headers += [pair for pair in self._always if pair[0] not in there]
                is_page = any(
                    name == b"content-type" and value.startswith(b"text/html") for name, value in headers
                )
                if _POLICY not in there and not is_page:
                    headers.append(_DATA)
                if b"cache-control" not in there:
                    headers.append(_NO_STORE)
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, sent)
