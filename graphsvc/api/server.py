"""Runs the application on a port or a Unix socket."""

from __future__ import annotations

import asyncio
import errno
import socket
import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import ClassVar

import uvicorn
from starlette.types import ASGIApp

from graphsvc.api.connection import Connections, protocol_of
from graphsvc.api.hot.front import HotFront
from graphsvc.api.limit import MAX_BODY_BYTES
from graphsvc.errors import SettingsError

__all__ = ["AddressInUse", "bind", "listening", "running", "serve", "url_of"]

_BACKLOG = 2048
_GRACE_S = 5
_UNREAD_MS = 30_000


class AddressInUse(SettingsError):  # named like its siblings
    """Somebody else listens there already, or the address cannot be used."""

    code = "address_in_use"
    exit_code: ClassVar[int] = 3


class _EmbeddedServer(uvicorn.Server):
    """A server inside somebody's event loop: signals stay with whoever runs the loop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int, uds: Path | None = None) -> socket.socket:
    """A listening socket; AddressInUse says what to do about it. A dead socket file is replaced."""
    if uds is not None:
        return _bind_file(uds)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio switches off Nagle's algorithm, which would cost 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Connections inherit it: one whose peer takes nothing ends, and its buffers with it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MS)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise AddressInUse(f"port {port} on {host} is in use; choose another with --port") from None
        if error.errno == errno.EACCES:
            raise AddressInUse(
                f"port {port} on {host} may not be opened; choose one above 1023 with --port"
            ) from None
        raise AddressInUse(
            f"`{host}` port {port} cannot be opened: {error.strerror or error}; choose another with --host"
        ) from None
    except OverflowError:
        listener.close()
        raise AddressInUse(f"port {port} is not between 0 and 65535; choose another with --port") from None
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL of a listening socket; of a Unix socket its path."""
    if listener.family == socket.AF_UNIX:
        return str(listener.getsockname())
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    app: ASGIApp,
    listener: socket.socket,
    also: Sequence[socket.socket] = (),
    *,
    until: asyncio.Event | None = None,
    connections: Connections | None = None,
) -> bool:
    """Serve at a socket that `bind` made until SIGINT or SIGTERM, or until an event; requests in flight get a few seconds.

    also: further sockets. connections: their limits. True when the event ended it. The socket stays open then: who connects meanwhile waits for the next `serve`.
    """
    server = uvicorn.Server(_config(app, connections))

    async def stop() -> None:
        assert until is not None
        await until.wait()
        server.should_exit = True

    stopping = asyncio.create_task(stop()) if until is not None else None
    try:
        # The server closes what it is given.
        await server.serve(sockets=[listener.dup(), *(each.dup() for each in also)])
    finally:
        if stopping is not None:
            stopping.cancel()
    return until is not None and until.is_set()


@contextmanager
def listening(host: str, port: int, uds: Path | None = None) -> Iterator[socket.socket]:
    """A listening socket, closed and its file removed with the block; AddressInUse says what to do about it."""
    listener = bind(host, port, uds)
    try:
        yield listener
    finally:
        listener.close()
        _forget(uds)


@asynccontextmanager
async def running(
    app: ASGIApp,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    uds: Path | None = None,
    connections: Connections | None = None,
) -> AsyncIterator[str]:
    """Serve inside the running event loop; yields the base URL. port 0 = any free one."""
    listener = bind(host, port, uds)
    url = "http://localhost" if uds is not None else url_of(listener)
    server = _EmbeddedServer(_config(app, connections))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                await task
                raise AddressInUse(f"the server at {url} stopped while starting")
            await asyncio.sleep(0.005)
        yield url
    finally:
        server.should_exit = True
        try:
            await task
        finally:
            listener.close()
            _forget(uds)


def _config(app: ASGIApp, connections: Connections | None) -> uvicorn.Config:
    limits = connections if connections is not None else Connections()
    return uvicorn.Config(
        app,
        loop="none",
        http=protocol_of(limits, app if isinstance(app, HotFront) else None),
        # Nothing here asks where a request came from, or over what.
        proxy_headers=False,
        ws="websockets-sansio",
        ws_max_size=MAX_BODY_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_GRACE_S,
        timeout_keep_alive=limits.idle_s,
    )


def _bind_file(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.exists():
            if not stat.S_ISSOCK(path.stat().st_mode):
                raise AddressInUse(f"`{path}` exists and is not a socket; choose another with --uds")
            if _answers(path):
                raise AddressInUse(f"`{path}` is in use; choose another with --uds")
            path.unlink()
        listener.bind(str(path))
        # The socket is a door: its owner and group only.
        path.chmod(0o660)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise AddressInUse(
            f"`{path}` cannot be opened: {error.strerror or error}; choose another with --uds"
        ) from None
    except AddressInUse:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def _forget(path: Path | None) -> None:
    if path is not None:
        path.unlink(missing_ok=True)
