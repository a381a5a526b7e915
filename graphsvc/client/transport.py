"""Calls over HTTP and one subscription over a socket, with the failures of both told apart."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

from graphsvc.client.error import CallFailed, Unreachable, error_from
from graphsvc.client.wire import IDLE_S
from graphsvc.errors import BadInput, NotAllowed

__all__ = ["MAX_BODY_BYTES", "Transport", "encoded", "new_key", "pause", "value_of", "wait_s"]

_PROTOCOL = "graphql-transport-ws"
_FORBIDDEN = 4403
MAX_BODY_BYTES = 1 << 20
_LOST = (
    aiohttp.ClientConnectionError,
    aiohttp.ClientPayloadError,
    ConnectionError,
    aiohttp.ServerDisconnectedError,
)


class Transport:
    """A pool of connections to one service. uds: a Unix socket to use instead of the URL's host."""

    def __init__(
        self, url: str, token: str | None, *, uds: Path | None = None, connections: int = 100
    ) -> None:
        self._url = url.rstrip("/") + "/graphql"
        self._authorization = None if token is None else f"Bearer {token}"
        self._uds = uds
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector: aiohttp.BaseConnector = (
            aiohttp.UnixConnector(path=str(self._uds), limit=self._connections, keepalive_timeout=IDLE_S)
            if self._uds is not None
            else aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=IDLE_S)
        )
        headers = {"Content-Type": "application/json"}
        if self._authorization is not None:
            headers["Authorization"] = self._authorization
        self._session = aiohttp.ClientSession(connector=connector, headers=headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise CallFailed(
                "the client is not open; use it in `async with Client(...) as client:`", reason="closed"
            )
        return self._session

    async def call(self, document: str, variables: Mapping[str, Any], *, timeout_s: float) -> Any:
        """The value under alias `r`. TimeoutError past the time; Unreachable when the connection failed."""
        session = self._open
        body = encoded(document, variables)
        try:
            async with session.post(
                self._url, data=body, timeout=aiohttp.ClientTimeout(total=timeout_s)
            ) as response:
                raw = await response.read()
                status = response.status
        except TimeoutError:
            raise
        except _LOST as error:
            raise Unreachable(
                f"{self._where} does not answer ({error}); is `graphsvc serve` running there?"
            ) from error
        return value_of(status, raw, self._where)

    async def stream(self, document: str, variables: Mapping[str, Any]) -> AsyncGenerator[Any, None]:
        """Values under alias `r` of a subscription. Unreachable when the socket is lost."""
        session = self._open
        try:
            async with session.ws_connect(self._url, protocols=(_PROTOCOL,), max_msg_size=1 << 24) as socket:
                await socket.send_json(
                    {
                        "type": "connection_init",
                        "payload": {"authorization": self._authorization} if self._authorization else {},
                    }
                )
                async for message in _messages(socket):
                    match message.get("type"):
                        case "connection_ack":
                            payload = {"query": document, "variables": variables}
                            await socket.send_json({"type": "subscribe", "id": "1", "payload": payload})
                        case "next":
                            yield value_of(200, orjson.dumps(message["payload"]), self._where)
                        case "error":
                            value_of(200, orjson.dumps({"errors": message["payload"]}), self._where)
                        case "ping":
                            await socket.send_json({"type": "pong"})
                        case "complete":
                            return
                if socket.close_code == _FORBIDDEN:
                    raise NotAllowed(
                        "the token was refused or has expired; make a new one with `graphsvc token`"
                    )
                raise Unreachable(f"{self._where} closed the socket (code {socket.close_code})")
        except aiohttp.WSServerHandshakeError as error:
            raise Unreachable(f"{self._where} refuses sockets (status {error.status})") from error
        except _LOST as error:
            raise Unreachable(
                f"{self._where} does not answer ({error}); is `graphsvc serve` running there?"
            ) from error

    @property
    def _where(self) -> str:
        return f"`{self._uds}`" if self._uds is not None else f"`{self._url}`"


async def _messages(socket: aiohttp.ClientWebSocketResponse) -> AsyncGenerator[dict[str, Any], None]:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT:
            yield orjson.loads(message.data)


def new_key() -> str:
    """An idempotency key that nobody else has; a third of the cost of a UUID."""
    return os.urandom(16).hex()


def encoded(document: str, variables: Mapping[str, Any]) -> bytes:
    """The body of a call; BadInput when it is larger than the service takes."""
    body = orjson.dumps({"query": document, "variables": variables})
    if len(body) > MAX_BODY_BYTES:
        raise BadInput(
            f"the call has {len(body)} bytes and the service takes {MAX_BODY_BYTES}; send it in parts"
        )
    return body


def value_of(status: int, raw: bytes, where: str) -> Any:
    """The value under alias `r` of an answer, or the error that it tells."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        if status >= 500:
            raise Unreachable(f"{where} answers with status {status}")
        raise CallFailed(
            f"{where} does not answer like graphsvc (status {status}); is the URL right?", reason="protocol"
        )
    if status != 200:
        told = body.get("error", {})
        raise error_from(str(told.get("code", status)), str(told.get("message", f"status {status}")))
    if errors := body.get("errors"):
        extensions = errors[0].get("extensions", {})
        raise error_from(extensions.get("code", "call_failed"), errors[0]["message"], extensions.get("field"))
    return body["data"]["r"]


def wait_s(attempt: int) -> float:
    """Seconds before attempt number `attempt` (from 1): 0.05, then twice as long each time, at most 2."""
    return float(min(0.05 * 2 ** (attempt - 1), 2.0))


async def pause(attempt: int) -> None:
    """Wait that long."""
    await asyncio.sleep(wait_s(attempt))
