"""Refuses requests that were sent to another name than the service's.

A page in somebody's browser can make its own name point to a loopback address (DNS rebinding) and then speak to a
service there as if it were its own. The Host header still says whose name it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from graphsvc.api.failure import failure

__all__ = ["LOOPBACK", "HostCheck", "host_names"]

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
# A client that sends no Host is no browser; HTTP/1.1 demands one all the same.
_MAY_LACK_HOST = "1.0"


class HostCheck:
    """ASGI middleware: another Host than one of `names` (lower case, without ports) is answered with 421."""

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or one socket."""
        if scope["type"] not in {"http", "websocket"} or self._is_ours(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "unknown host"})
        else:
            told = "the Host header is no name of this service; add it to GRAPHSVC_ALLOWED_HOSTS if it is"
            await failure(421, "unknown_host", told)(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"host"]
        if not given:
            return bool(scope.get("http_version") == _MAY_LACK_HOST)
        return len(given) == 1 and _name(given[0].decode("latin-1")) in self._names


def host_names(names: Iterable[str], public_url: str | None) -> frozenset[str]:
    """Names as `HostCheck` compares them, that of `public_url` among them. IPv6 addresses in brackets."""
    told = {_name(name) if name.count(":") < 2 or name.startswith("[") else f"[{name}]" for name in names}
    if public_url is not None:
        told.add(_name(urlsplit(public_url).netloc))
    return frozenset(told)


def _name(host: str) -> str:
    """The name without its port."""
    host = host.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].removesuffix(".")
