"""Connections: how many may be open at once, and how long one may take to say what it asks.

Whoever sends a request byte by byte, or opens connections and is silent, holds memory and file descriptors for as long
as it likes unless something ends it. The limits are kept here, before any request is parsed, so that nothing behind has
to wait for a body that never comes. A request that arrives in one piece costs nothing: no timer is started for it.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from graphsvc.api.joined import JoinedTransport

__all__ = ["Connections", "protocol_of"]

MAX_HEAD_BYTES = 64 * 1024
# How long one that is turned away may take to send something that can be answered, and how many may at once.
_AWAY_WITHIN_S = 2.0
_MAX_AWAY = 256


@dataclass(slots=True)
class Connections:
    """What is allowed, and how often it was not kept to.

    max_open: connections at once, sockets among them. whole_within_s: from the first byte of a request (of a new
    connection: from its begin) to the last. refused: turned away because too many were open; late: cut off because
    their request was not whole in time; away: turned away and not gone yet.
    """

    max_open: int = 10_000
    whole_within_s: float = 15.0
    refused: int = 0
    late: int = 0
    away: int = 0


def protocol_of(connections: Connections) -> type[HttpToolsProtocol]:
    """The HTTP protocol of a server that keeps to these limits."""
    return type("LimitedProtocol", (_Limited,), {"limits": connections})


class _Limited(HttpToolsProtocol):
    """One connection."""

    limits: ClassVar[Connections]
    _is_away = False
    _is_partial = False
    _is_in_head = False
    _head_bytes = 0
    _timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as the server declares it
        joined = JoinedTransport(transport, self.loop)
        super().connection_made(cast("Transport", joined))
        limits = self.limits
        if len(self.connections) - limits.away <= limits.max_open:
            self._timer = self.loop.call_later(limits.whole_within_s, self._cut_off)
            return
        limits.refused += 1
        limits.away += 1
        self._is_away = True
        if limits.away > _MAX_AWAY:
            transport.abort()
        else:
            self._timer = self.loop.call_later(_AWAY_WITHIN_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        if self._is_away:
            self.limits.away -= 1
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_away:
            # Only now: an answer to what was not read yet would be lost with the connection.
            told = f"{self.limits.max_open} connections are open, which is the limit; use fewer, or try again later"
            self._answer(b"503 Service Unavailable", "overloaded", told, b"retry-after: 1\r\n")
            return
        super().data_received(data)
        if not self._is_partial:
            self._stop_timer()
            return
        if self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_later(self.limits.whole_within_s, self._cut_off)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                told = f"the headers are larger than {MAX_HEAD_BYTES} bytes"
                self._answer(b"431 Request Header Fields Too Large", "too_large", told)

    def on_message_begin(self) -> None:
        self._is_partial = self._is_in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_partial = False
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._is_partial = False
        self._stop_timer()
        # Frames are written whole.
        self.transport = cast("Any", self.transport).inner
        super().handle_websocket_upgrade()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut_off(self) -> None:
        self._timer = None
        self.limits.late += 1
        cycle: Any = self.cycle
        is_answering = cycle is not None and not cycle.response_complete
        if not self._is_partial or (is_answering and (self._is_in_head or cycle.response_started)):
            # Nothing was asked, or an answer is on its way that another would fall into.
            self.transport.close()
            return
        told = f"the request was not whole within {self.limits.whole_within_s:g} s; send it at once"
        self._answer(b"408 Request Timeout", "request_timeout", told)

    def _answer(self, status: bytes, code: str, message: str, headers: bytes = b"") -> None:
        body = msgspec.json.encode({"error": {"code": code, "message": message}})
        self.transport.write(
            b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%bconnection: close\r\n\r\n%b"
            % (status, len(body), headers, body)
        )
        self.transport.close()
