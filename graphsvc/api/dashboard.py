"""The dashboard: one page at `/` and its files below `/static`, with a policy that lets nothing else in."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import FileResponse, PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["PAGE_HEADERS", "dashboard_routes", "ide_page"]

_FILES = Path(__file__).parent.parent / "static"
# `connect-src 'self'` holds for the socket too: it has the page's own host and port.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# GraphiQL makes style elements, holds its fonts as data, and completes in a worker.
_IDE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    # A new version of the service has new files under the same names; unchanged ones are 304.
    (b"cache-control", b"no-cache"),
)
# Of a page for people that is no file.
PAGE_HEADERS = {
    **{name.decode(): value.decode() for name, value in _HEADERS},
    "content-security-policy": _POLICY,
    "cache-control": "no-store",
}


def dashboard_routes(*, development: bool = False) -> list[BaseRoute]:
    """The routes; they need no token, for what they hold is the same for everybody. development: GraphiQL's files too."""
    page = _Sealed(FileResponse(_FILES / "index.html", media_type="text/html"))
    files = Mount("/static", _Sealed(StaticFiles(directory=_FILES)))
    hidden = () if development else (Mount("/static/ide", _Sealed(PlainTextResponse("Not Found", 404))),)
    return [Route("/", page, methods=["GET", "HEAD"]), *hidden, files]


def ide_page() -> ASGIApp:
    """GraphiQL, for development: our page and the files below `/static/ide`, nothing from elsewhere."""
    return _Sealed(FileResponse(_FILES / "ide" / "index.html", media_type="text/html"), _IDE_POLICY)


class _Sealed:
    """ASGI middleware: adds the headers. policy: of the content's security."""

    def __init__(self, app: ASGIApp, policy: str = _POLICY) -> None:
        self._app = app
        self._headers = (*_HEADERS, (b"content-security-policy", policy.encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *self._headers]}
            await send(message)

        await self._app(scope, receive, sent)
