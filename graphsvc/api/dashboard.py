"""The dashboard: one page at `/` and its files below `/static`, with a policy that lets nothing else in."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import FileResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["dashboard_routes"]

_FILES = Path(__file__).parent.parent / "static"
# `connect-src 'self'` holds for the socket too: it has the page's own host and port.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    # A new version of the service has new files under the same names; unchanged ones are 304.
    (b"cache-control", b"no-cache"),
)


def dashboard_routes() -> list[BaseRoute]:
    """The routes; they need no token, for what they hold is the same for everybody."""
    page = _Sealed(FileResponse(_FILES / "index.html", media_type="text/html"))
    files = _Sealed(StaticFiles(directory=_FILES))
    return [Route("/", page, methods=["GET", "HEAD"]), Mount("/static", files)]


class _Sealed:
    """ASGI middleware: adds the headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        await self._app(scope, receive, sent)
