"""Connections: how many may be open at once, and how long one may take to say what it asks.

Whoever sends a request byte by byte, or opens connections and is silent, holds memory and file descriptors for as long
as it likes unless something ends it. The limits are kept here, before any request is parsed, so that nothing behind has
to wait for a body that never comes. A request that arrives in one piece costs nothing: no timer is started for it.

What callers ask all day is answered here, when it arrives whole, or as a head and a body, and nothing else is being answered: `HotFront` is asked at
once, without a task, an ASGI message or a second reading. Whatever it does not answer goes the server's way, and the
application behind it answers.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from graphsvc.api.hot.driven import drive
from graphsvc.api.hot.front import HotFront
from graphsvc.api.hot.head import Head, Heads
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
    connection: from its begin) to the last. idle_s: how long one stays open between requests. refused: turned away because too many were open; late: cut off because
    their request was not whole in time; away: turned away and not gone yet.
    """

    max_open: int = 10_000
    whole_within_s: float = 15.0
    idle_s: int = 5
    refused: int = 0
    late: int = 0
    away: int = 0


def protocol_of(connections: Connections, front: HotFront | None = None) -> type[HttpToolsProtocol]:
    """The HTTP protocol of a server that keeps to these limits. front: its application, if it may be asked directly."""
    limited = type("LimitedProtocol", (_Limited,), {"limits": connections})
    return (
        limited
        if front is None
        else type("DirectProtocol", (_Direct, limited), {"front": front, "heads": Heads()})
    )


class _Limited(HttpToolsProtocol):
    """One connection."""

    limits: ClassVar[Connections]
    _is_away = False
    _is_partial = False
    _is_in_head = False
    _head_bytes = 0
    _timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as the server declares it
        self._joined = JoinedTransport(transport, self.loop)
        super().connection_made(cast("Transport", self._joined))
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
        self.transport = self._joined.inner
        super().handle_websocket_upgrade()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut_off(self) -> None:
        self._timer = None
        self.limits.late += 1
        if not self._is_partial or (
            self._is_answering() and (self._is_in_head or self.cycle.response_started)
        ):
            # Nothing was asked, or an answer is on its way that another would fall into.
            self.transport.close()
            return
        told = f"the request was not whole within {self.limits.whole_within_s:g} s; send it at once"
        self._answer(b"408 Request Timeout", "request_timeout", told)

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _answer(self, status: bytes, code: str, message: str, headers: bytes = b"") -> None:
        body = msgspec.json.encode({"error": {"code": code, "message": message}})
        self.transport.write(
            b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%bconnection: close\r\n\r\n%b"
            % (status, len(body), headers, body)
        )
        self.transport.close()


class _Direct(_Limited):
    """One connection whose application is asked directly where it can be."""

    front: ClassVar[HotFront]
    heads: ClassVar[Heads]
    # The request that is being answered so, as it came, and its head.
    _asked: bytes | None = None
    _head: Head
    # What came meanwhile.
    _behind = b""
    # A head whose body has not come yet: some clients send them one after the other.
    _begun = b""
    _is_ending = False
    _answered_s = 0.0

    def data_received(self, data: bytes) -> None:
        if self._asked is not None:
            self.transport.pause_reading()
            self._behind += data
            return
        if self._begun:
            data, self._begun = self._begun + data, b""
        is_busy = self._is_partial or self._is_away or self._is_answering() or self.flow.write_paused
        found = None if is_busy else self.heads.find(data)
        if found is None:
            if is_busy or not self.heads.is_head(data):
                super().data_received(data)
                return
            self._begun = data
            if self._timer is None:
                self._timer = self.loop.call_later(self.limits.whole_within_s, self._cut_off)
            return
        self._stop_timer()
        self._asked = data
        self._head, body = found
        drive(self.front.answer(self._head.read, body), self._told)

    def shutdown(self) -> None:
        self._is_ending = True
        self._leave_begun()
        if self._asked is None:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """Started once and not for each request: it may find that something was asked meanwhile."""
        self.timeout_keep_alive_task = None
        if self._asked is not None or self._begun:
            return
        left_s = self._answered_s + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left_s, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def _cut_off(self) -> None:
        self._leave_begun()
        super()._cut_off()

    def _leave_begun(self) -> None:
        """What has begun and is not whole is the server's."""
        if self._begun:
            data, self._begun = self._begun, b""
            super().data_received(data)

    def _told(self, answer: bytes | None) -> None:
        data, self._asked = self._asked, None
        if self.transport.is_closing():
            return
        if answer is not None:
            self._joined.write_whole(
                b"HTTP/1.1 200 OK\r\ncontent-length: %d%b%b" % (len(answer), self._head.rest, answer)
            )
            self.server_state.total_requests += 1
            self._answered_s = self.loop.time()
            if self.timeout_keep_alive_task is None:
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )
        else:
            assert data is not None
            self._pass_on(data)
        if self._is_ending:
            super().shutdown()
        elif self._behind:
            behind, self._behind = self._behind, b""
            self.transport.resume_reading()
            self.data_received(behind)

    def _pass_on(self, data: bytes) -> None:
        """To the application behind the one that did not answer."""
        front, self.app = self.app, self.front.behind
        try:
            super().data_received(data)
        finally:
            self.app = front
